//! `POST …/envelopes`: what DocuSign looks at before an envelope exists.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::Provider;
use super::super::ids;
use super::super::life::{Contract, DAY, File, Party};
use super::super::pdf::pdf;
use super::super::wire::{Reply, is_email, text};
use super::super::world::World;
use super::{refuse, show, stamp, tell};

/// The account's default when an envelope does not say.
const DEFAULT_EXPIRY_DAYS: i64 = 120;

fn bad(code: &str, message: impl AsRef<str>) -> Reply {
    refuse(400, code, message.as_ref())
}

fn body(message: impl AsRef<str>) -> Reply {
    bad("INVALID_REQUEST_BODY", message)
}

/// Creates, and sends when asked to.
pub(super) fn create(world: &mut World, given: &Value, now: i64) -> Result<Reply, Reply> {
    let send = match text(given, "status") {
        "sent" => true,
        "created" | "" => false,
        other => {
            return Err(bad("ENVELOPE_INVALID_STATUS", format!("An envelope cannot be created as {other}.")));
        }
    };
    if given["compositeTemplates"].is_array() {
        world.flaws.push("Docusign: composite templates are not modelled".to_owned());
        return Err(body("composite templates are not modelled by this stand-in"));
    }
    let transaction = given["transactionId"].as_str().map(str::to_owned);
    let same = |contract: &Contract| transaction.is_some() && contract.transaction == transaction;
    if world.switches.refuse_same_transaction && world.docusign.book.contracts.iter().any(same) {
        return Err(bad("INVALID_REQUEST_PARAMETER", "The transactionId was used before."));
    }
    let id = ids::guid("envelope", world.next());
    let mut contract = Contract::new(id.clone(), "", now);
    contract.transaction = transaction;
    contract.message = text(given, "emailBlurb").to_owned();
    contract.subject = text(given, "emailSubject").to_owned();
    match given["templateId"].as_str() {
        Some(template) => from_template(world, &mut contract, template, given)?,
        None => from_documents(world, &mut contract, given, send)?,
    }
    contract.title = contract.subject.clone();
    check(&mut contract, given, send)?;
    notification(&mut contract, &given["notification"])?;
    if given["eventNotification"].is_object() {
        contract.hooks.push(tell::hook(world, &given["eventNotification"], true).map_err(body)?);
    }
    for one in given["eventNotifications"].as_array().into_iter().flatten() {
        contract.hooks.push(tell::hook(world, one, true).map_err(body)?);
    }
    let book = &mut world.docusign.book;
    book.contracts.push(contract);
    let row = book.contracts.len() - 1;
    if send {
        go(world, row, now);
    }
    let status = show::status(&world.docusign.book.contracts[row]);
    Ok(Reply::json(
        201,
        json!({"envelopeId": id, "uri": format!("/envelopes/{id}"), "statusDateTime": stamp(now), "status": status}),
    ))
}

/// A draft goes out.
pub(super) fn go(world: &mut World, row: usize, now: i64) {
    let book = &mut world.docusign.book;
    let contract = &mut book.contracts[row];
    contract.expires_at = contract.expire_days.map(|days| now + days * DAY);
    let happened = contract.send(now);
    book.plan_life(row, now);
    world.tell(Provider::Docusign, row, &happened, now);
}

fn from_template(world: &World, contract: &mut Contract, id: &str, given: &Value) -> Result<(), Reply> {
    let Some(row) = world.docusign.book.template(id) else {
        return Err(bad("TEMPLATE_ID_INVALID", "The template ID specified is invalid."));
    };
    let template = &world.docusign.book.templates[row];
    contract.template = Some(row);
    if contract.subject.is_empty() {
        contract.subject = format!("Please sign: {}", template.name);
    }
    let given_roles: Vec<&Value> = given["templateRoles"].as_array().into_iter().flatten().collect();
    for given in &given_roles {
        if !template.roles.iter().any(|role| role.name == text(given, "roleName")) {
            return Err(body(format!("The role {} is not part of the template.", text(given, "roleName"))));
        }
        for tab in given["tabs"]["textTabs"].as_array().into_iter().flatten() {
            if !template.fields.iter().any(|field| field == text(tab, "tabLabel")) {
                return Err(body(format!("The tab {} is not part of the template.", text(tab, "tabLabel"))));
            }
        }
    }
    for (number, role) in (1..).zip(&template.roles) {
        let mut found = given_roles.iter().filter(|given| text(given, "roleName") == role.name);
        let (Some(given), None) = (found.next(), found.next()) else {
            return Err(body(format!("The role {} needs exactly one recipient.", role.name)));
        };
        let mut party = Party::new(number.to_string(), text(given, "name"), text(given, "email"));
        party.guid = ids::guid(&contract.id, number);
        party.role = Some(role.name.clone());
        party.order = order(given, role.order)?;
        contract.parties.push(party);
    }
    contract.files.push(File {
        id: "1".to_owned(),
        name: format!("{}.pdf", template.name),
        bytes: pdf(std::slice::from_ref(&template.name)),
    });
    Ok(())
}

fn order(given: &Value, otherwise: i64) -> Result<i64, Reply> {
    match given["routingOrder"].as_str() {
        None => Ok(otherwise),
        Some(number) => number
            .parse()
            .ok()
            .filter(|order| *order >= 1)
            .ok_or_else(|| bad("INVALID_REQUEST_PARAMETER", "routingOrder must be a whole number from 1")),
    }
}

fn from_documents(world: &World, contract: &mut Contract, given: &Value, send: bool) -> Result<(), Reply> {
    for document in given["documents"].as_array().into_iter().flatten() {
        let id = text(document, "documentId");
        if id.is_empty() || contract.files.iter().any(|file| file.id == id) {
            return Err(body("Every document needs a documentId of its own."));
        }
        let bytes = STANDARD
            .decode(text(document, "documentBase64"))
            .ok()
            .filter(|bytes| !bytes.is_empty())
            .ok_or_else(|| bad("UNABLE_TO_CONVERT_DOCUMENT", "The document could not be read."))?;
        if bytes.len() > world.switches.max_file_bytes {
            return Err(body("A document is larger than 25 MB."));
        }
        contract.files.push(File { id: id.to_owned(), name: text(document, "name").to_owned(), bytes });
    }
    let recipients = &given["recipients"];
    let signers = recipients["signers"].as_array().into_iter().flatten().map(|it| (it, false));
    let copies = recipients["carbonCopies"].as_array().into_iter().flatten().map(|it| (it, true));
    for (given, copy) in signers.chain(copies) {
        let id = text(given, "recipientId");
        if id.is_empty() || contract.parties.iter().any(|party| party.id == id) {
            return Err(body("Every recipient needs a recipientId of its own."));
        }
        let mut party = Party::new(id.to_owned(), text(given, "name"), text(given, "email"));
        party.guid = ids::guid(&contract.id, contract.parties.len() + 1);
        party.role = given["roleName"].as_str().map(str::to_owned);
        party.order = order(given, 1)?;
        party.copy = copy;
        anchors(contract, given)?;
        contract.parties.push(party);
    }
    if send
        && (contract.files.is_empty() || contract.signers().next().is_none() || contract.subject.is_empty())
    {
        return Err(bad(
            "ENVELOPE_IS_INCOMPLETE",
            "The Envelope is not Complete. A Complete Envelope Requires Documents, Recipients, Tabs, and a Subject Line.",
        ));
    }
    Ok(())
}

/// A place that is to be found by its text has to be there. Compressed files are taken at their word.
fn anchors(contract: &Contract, given: &Value) -> Result<(), Reply> {
    let plain: Vec<&File> =
        contract.files.iter().filter(|file| !holds(&file.bytes, b"/FlateDecode")).collect();
    if plain.len() < contract.files.len() {
        return Ok(());
    }
    let kinds = given["tabs"].as_object().into_iter().flat_map(serde_json::Map::values);
    for tab in kinds.filter_map(Value::as_array).flatten() {
        let wanted = text(tab, "anchorString");
        let forgiven = wanted.is_empty() || tab["anchorIgnoreIfNotPresent"] == "true";
        if !forgiven && !plain.iter().any(|file| holds(&file.bytes, wanted.as_bytes())) {
            return Err(bad(
                "ANCHOR_TAB_STRING_NOT_FOUND",
                format!("At least one anchor string was not found: {wanted}"),
            ));
        }
    }
    Ok(())
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len().max(1)).any(|window| window == wanted)
}

fn check(contract: &mut Contract, given: &Value, send: bool) -> Result<(), Reply> {
    let parameter = |message: &str| bad("INVALID_REQUEST_PARAMETER", message);
    if contract.subject.chars().count() > 100 {
        return Err(parameter("The email subject is longer than 100 characters."));
    }
    if contract.message.chars().count() > 10_000 {
        return Err(parameter("The email blurb is longer than 10000 characters."));
    }
    for (row, party) in contract.parties.iter().enumerate() {
        if party.name.chars().count() > 100 || party.email.chars().count() > 100 {
            return Err(parameter("A recipient's name or email is longer than 100 characters."));
        }
        if send && (party.name.trim().is_empty() || !is_email(&party.email)) {
            let message = format!("The email address for the recipient is invalid. Recipient {}", party.id);
            return Err(bad("INVALID_EMAIL_ADDRESS_FOR_RECIPIENT", message));
        }
        let twin = |other: &Party| {
            other.email.eq_ignore_ascii_case(&party.email)
                && other.name == party.name
                && other.order == party.order
        };
        if send && contract.parties[..row].iter().any(twin) {
            return Err(body("Two recipients are the same person at the same place."));
        }
    }
    for field in given["customFields"]["textCustomFields"].as_array().into_iter().flatten() {
        if text(field, "value").chars().count() > 100 || text(field, "name").is_empty() {
            return Err(parameter("A custom field needs a name and at most 100 characters."));
        }
        contract.own.insert(text(field, "name").to_owned(), field["value"].clone());
    }
    Ok(())
}

fn days(given: &Value, name: &str, range: std::ops::RangeInclusive<i64>) -> Result<Option<i64>, Reply> {
    let Some(number) = given[name].as_str() else { return Ok(None) };
    let number = number.parse().ok().filter(|days| range.contains(days));
    let refused = || bad("INVALID_REQUEST_PARAMETER", format!("{name} is not a number of days that can be."));
    number.map(Some).ok_or_else(refused)
}

/// Reminders and expiration of an envelope, at its birth or later.
pub(super) fn notification(contract: &mut Contract, given: &Value) -> Result<(), Reply> {
    let expirations = &given["expirations"];
    let after = days(expirations, "expireAfter", 1..=999)?;
    let enabled = expirations["expireEnabled"] == "true";
    // Switched off or absent means the account's default, not for ever.
    contract.expire_days = after.filter(|_| enabled).or(Some(DEFAULT_EXPIRY_DAYS));
    let delay = days(&given["reminders"], "reminderDelay", 0..=999)?;
    let every = days(&given["reminders"], "reminderFrequency", 0..=999)?;
    contract.remind = None;
    if given["reminders"]["reminderEnabled"] == "true" {
        contract.remind = Some((delay.unwrap_or(0), every.unwrap_or(0)));
    }
    contract.reminders = given.clone();
    Ok(())
}
