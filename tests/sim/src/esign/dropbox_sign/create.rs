//! `send` and `send_with_template`: what Dropbox Sign looks at before a request exists.

use serde_json::{Value, json};

use super::super::book::Effect;
use super::super::ids;
use super::super::life::{Contract, DAY, File, HOUR, Party, Stage};
use super::super::pdf::pdf;
use super::super::wire::{Asked, Reply, text};
use super::super::world::World;
use super::{refuse, show};

fn bad(path: &str, message: &str) -> Reply {
    refuse(400, "bad_request", message, Some(path))
}

/// Creates a request. It is sent a little later, or turns out to be broken.
pub(super) fn create(
    world: &mut World,
    base: &str,
    asked: &Asked,
    given: &Value,
    with_template: bool,
    now: i64,
) -> Result<Reply, Reply> {
    let test = given["test_mode"] == true;
    if !test && !world.switches.paid {
        return Err(refuse(402, "payment_required", "A paid API plan is required, or test_mode.", None));
    }
    if let Some(client) = given["client_id"].as_str().filter(|client| *client != world.dropbox_sign.client_id)
    {
        return Err(bad("client_id", &format!("{client} is not an app of this account")));
    }
    let twin = |it: &Contract| it.stage == Stage::Preparing && it.extra["given"] == *given;
    if world.dropbox_sign.book.contracts.iter().any(twin) {
        return Err(refuse(409, "conflict", "An identical request is already being processed.", None));
    }
    let id = ids::hexadecimal("signature request", world.next(), 40);
    let mut contract = Contract::new(id, text(given, "title"), now);
    contract.test = test;
    contract.stage = Stage::Preparing;
    contract.message = text(given, "message").to_owned();
    contract.may_decline = given["allow_decline"] == true;
    contract.extra = json!({"given": given, "client_id": given["client_id"], "ordered": with_template});
    if with_template {
        from_template(world, &mut contract, given)?;
    } else {
        from_files(world, &mut contract, asked, given)?;
    }
    if contract.title.is_empty() {
        contract.title = contract.files.first().map(|file| file.name.clone()).unwrap_or_default();
    }
    let subject = text(given, "subject");
    contract.subject = if subject.is_empty() { contract.title.clone() } else { subject.to_owned() };
    metadata(&mut contract, given)?;
    contract.expires_at = expiry(given, now)?;
    let book = &mut world.dropbox_sign.book;
    book.contracts.push(contract);
    let row = book.contracts.len() - 1;
    let effect = if world.switches.files_break { Effect::Fail } else { Effect::Send };
    book.plan(now + world.switches.sending_ms, row, effect);
    let shown = show::request(world, &world.dropbox_sign.book.contracts[row], base);
    Ok(Reply::json(200, json!({"signature_request": shown})))
}

fn party(contract: &Contract, given: &Value, number: usize) -> Party {
    let id = ids::hexadecimal(&contract.id, number, 32);
    Party::new(id, text(given, "name"), text(given, "email_address"))
}

fn from_template(world: &World, contract: &mut Contract, given: &Value) -> Result<(), Reply> {
    let book = &world.dropbox_sign.book;
    let wanted: Vec<&str> =
        given["template_ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let [id] = wanted.as_slice() else { return Err(bad("template_ids", "Exactly one template, please")) };
    let row = book
        .template(id)
        .ok_or_else(|| refuse(404, "not_found", "Template not found", Some("template_ids[0]")))?;
    let template = &book.templates[row];
    if template.locked && !contract.test {
        return Err(refuse(
            403,
            "forbidden",
            "This template is locked and can be used in test mode only.",
            None,
        ));
    }
    contract.template = Some(row);
    let signers: Vec<&Value> = given["signers"].as_array().into_iter().flatten().collect();
    for (row, signer) in signers.iter().enumerate() {
        if !template.roles.iter().any(|role| role.name == text(signer, "role")) {
            return Err(bad(&format!("signers[{row}][role]"), "This role does not exist in the template"));
        }
    }
    for (number, role) in template.roles.iter().enumerate() {
        let mut found = signers.iter().filter(|given| text(given, "role") == role.name);
        let (Some(given), None) = (found.next(), found.next()) else {
            return Err(bad("signers", &format!("Exactly one signer is needed for the role {}", role.name)));
        };
        let mut party = party(contract, given, number);
        party.role = Some(role.name.clone());
        party.order = role.order - 1;
        contract.parties.push(party);
    }
    for (row, field) in given["custom_fields"].as_array().into_iter().flatten().enumerate() {
        if !template.fields.iter().any(|name| name == text(field, "name")) {
            return Err(bad(
                &format!("custom_fields[{row}][name]"),
                "This field does not exist in the template",
            ));
        }
    }
    for cc in given["ccs"].as_array().into_iter().flatten() {
        let mut party = Party::new(String::new(), text(cc, "role"), text(cc, "email_address"));
        party.copy = true;
        contract.parties.push(party);
    }
    if contract.title.is_empty() {
        template.name.clone_into(&mut contract.title);
    }
    let name = format!("{}.pdf", template.name);
    contract.files.push(File { id: "0".to_owned(), name, bytes: pdf(std::slice::from_ref(&template.name)) });
    Ok(())
}

fn from_files(world: &World, contract: &mut Contract, asked: &Asked, given: &Value) -> Result<(), Reply> {
    let urls: Vec<&str> =
        given["file_urls"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    match (urls.is_empty(), asked.parts.is_empty()) {
        (true, true) => return Err(bad("files", "Either files or file_urls is required")),
        (false, false) => return Err(bad("files", "Specify files or file_urls, not both")),
        _ => {}
    }
    for (row, url) in urls.iter().enumerate() {
        let parsed = url::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let parsed = parsed.ok_or_else(|| bad(&format!("file_urls[{row}]"), "This is not a valid URL"))?;
        let name = parsed.path_segments().and_then(Iterator::last).unwrap_or("file").to_owned();
        contract.files.push(File { id: row.to_string(), name, bytes: url.as_bytes().to_vec() });
    }
    for (row, part) in asked.parts.iter().enumerate() {
        if part.bytes.is_empty() || part.bytes.len() > world.switches.max_file_bytes {
            return Err(bad(&part.field, "The file is empty or too large"));
        }
        contract.files.push(File {
            id: row.to_string(),
            name: part.name.clone(),
            bytes: part.bytes.to_vec(),
        });
    }
    let signers: Vec<&Value> = given["signers"].as_array().into_iter().flatten().collect();
    if signers.is_empty() {
        return Err(bad("signers", "At least one signer is required"));
    }
    let ordered = signers.iter().filter(|it| it["order"].is_i64()).count();
    if ordered != 0 && ordered != signers.len() {
        return Err(bad("signers", "If one signer has an order, all need one"));
    }
    contract.extra["ordered"] = json!(ordered > 0);
    for (number, given) in signers.iter().enumerate() {
        let mut party = party(contract, given, number);
        party.order = given["order"].as_i64().unwrap_or(0);
        let twin = |other: &Party| other.email == party.email && other.name == party.name;
        if contract.parties.iter().any(twin) {
            return Err(bad(&format!("signers[{number}][email_address]"), "This signer is named twice"));
        }
        contract.parties.push(party);
    }
    let mut orders: Vec<i64> = contract.parties.iter().map(|party| party.order).collect();
    orders.sort_unstable();
    orders.dedup();
    if !(0..).zip(&orders).all(|(wanted, order)| wanted == *order) {
        return Err(bad("signers", "The order of signers must begin with 0 and have no gaps"));
    }
    for email in given["cc_email_addresses"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let mut party = Party::new(String::new(), "", email);
        party.copy = true;
        contract.parties.push(party);
    }
    Ok(())
}

fn metadata(contract: &mut Contract, given: &Value) -> Result<(), Reply> {
    let Some(map) = given["metadata"].as_object() else { return Ok(()) };
    if map.len() > 10 {
        return Err(bad("metadata", "At most 10 keys"));
    }
    for (key, value) in map {
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if key.chars().count() > 40 || value.chars().count() > 1_000 {
            return Err(bad(
                &format!("metadata[{key}]"),
                "A key has at most 40 characters, a value at most 1000",
            ));
        }
        contract.own.insert(key.clone(), json!(value));
    }
    Ok(())
}

/// One to ninety days ahead, floored to the hour.
pub(super) fn expiry(given: &Value, now: i64) -> Result<Option<i64>, Reply> {
    let Some(seconds) = given["expires_at"].as_i64() else { return Ok(None) };
    let at = seconds.saturating_mul(1_000);
    if at < now + DAY || at > now + 90 * DAY {
        return Err(bad("expires_at", "The expiration must be between 1 and 90 days ahead"));
    }
    Ok(Some(at - at.rem_euclid(HOUR)))
}
