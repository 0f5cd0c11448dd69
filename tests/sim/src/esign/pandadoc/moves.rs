//! What moves a document: changes, sending, states by hand, files, reminders.

use serde_json::json;

use super::super::life::{DAY, Happened, Stage, Turn};
use super::super::pdf::zip;
use super::super::wire::{Reply, text};
use super::super::world::World;
use super::api::{Call, conflict};
use super::show::{self, maybe_stamp};
use super::{create, refuse, tell};

const REMIND_ORDER: &str =
    "Can't send reminder. Signing order is enabled and this Recipient can't sign the document yet";

const REMIND_DAY: &str = "Can't send email reminder to the Recipient more than once every 24 hours";

const REMIND_WHOM: &str =
    "Can't send reminder. The document does not contain a recipient with the specified recipient ID";

/// Stages whose file can be had.
pub(super) fn complete(stage: Stage) -> bool {
    matches!(stage, Stage::Completed | Stage::Paid)
}

pub(super) fn update(world: &mut World, row: usize, call: &Call<'_>) -> Result<Reply, Reply> {
    let contract = &mut world.pandadoc.book.contracts[row];
    if contract.stage != Stage::Draft {
        return Err(refuse(400, "request_error", "The document is not a draft."));
    }
    if let Some(name) = call.body["name"].as_str() {
        name.clone_into(&mut contract.title);
    }
    for (name, value) in call.body["metadata"].as_object().into_iter().flatten() {
        contract.own.insert(name.clone(), value.clone());
    }
    for name in ["tokens", "fields", "tags"] {
        if let Some(value) = call.body.get(name) {
            contract.extra[name] = value.clone();
        }
    }
    for given in call.body["recipients"].as_array().into_iter().flatten() {
        let known = contract.parties.iter_mut().find(|party| party.id == text(given, "id"));
        let party = known.ok_or_else(|| refuse(400, "request_error", "There is no such recipient."))?;
        if let Some(email) = given["email"].as_str() {
            email.clone_into(&mut party.email);
        }
    }
    contract.changed_at = call.now;
    Ok(Reply::empty(204))
}

pub(super) fn send(world: &mut World, row: usize, call: &Call<'_>) -> Result<Reply, Reply> {
    let approval = world.switches.approval;
    let contract = &mut world.pandadoc.book.contracts[row];
    if !matches!(contract.stage, Stage::Draft | Stage::Approved) {
        return Err(conflict(contract, "Document is not in draft or approved status"));
    }
    if let Some(subject) = call.body["subject"].as_str() {
        subject.clone_into(&mut contract.subject);
    }
    contract.message = text(call.body, "message").to_owned();
    let silent = call.body["silent"] == true;
    if call.sandbox {
        create::own_domain(world, &world.pandadoc.book.contracts[row])?;
    }
    let contract = &mut world.pandadoc.book.contracts[row];
    if contract.stage == Stage::Draft && approval {
        contract.stage = Stage::Approval;
        contract.changed_at = call.now;
        tell::changed(world, row, call.now);
    } else if contract.signers().next().is_none() {
        return Err(refuse(400, "request_error", "Nobody has to sign this document."));
    } else {
        contract.expires_at = contract.expire_days.map(|days| call.now + days * DAY);
        if silent {
            contract.remind = None;
        }
        let happened = contract.send(call.now);
        world.pandadoc.book.plan_life(row, call.now);
        tell(world, row, &happened, call.now);
    }
    let contract = &world.pandadoc.book.contracts[row];
    let mut shown = show::brief(contract);
    if contract.expires_at.is_none() {
        shown.as_object_mut().map(|map| map.remove("expiration_date"));
    }
    shown["recipients"] = show::recipients(contract)
        .into_iter()
        .map(|mut it| {
            it["shared_link"] = json!(format!("https://app.pandadoc.com/document/{}", contract.id));
            it
        })
        .collect();
    Ok(Reply::json(200, shown))
}

/// Whether a change of state by hand is allowed.
pub(super) fn allowed(from: Stage, to: i64) -> bool {
    match from {
        Stage::Draft => matches!(to, 2 | 10 | 12),
        Stage::Open => matches!(to, 2 | 11 | 12),
        Stage::Completed => to == 12,
        Stage::Voided | Stage::Expired => matches!(to, 2 | 10 | 12),
        Stage::Declined => matches!(to, 2 | 10),
        Stage::Preparing
        | Stage::Approval
        | Stage::Approved
        | Stage::Paid
        | Stage::Failed
        | Stage::Deleted => false,
    }
}

pub(super) fn change_status(world: &mut World, row: usize, call: &Call<'_>) -> Result<Reply, Reply> {
    let contract = &mut world.pandadoc.book.contracts[row];
    let to = call.body["status"].as_i64().unwrap_or_default();
    if !allowed(contract.stage, to) {
        return Err(conflict(contract, "The status cannot be changed to the requested one"));
    }
    let note = call.body["note"].as_str();
    let happened = match to {
        11 => {
            contract.end(Stage::Voided, note, call.now);
            Happened::Voided
        }
        12 => {
            contract.end(Stage::Declined, note, call.now);
            Happened::Declined
        }
        _ => {
            contract.complete(call.now);
            if to == 10 {
                contract.stage = Stage::Paid;
            }
            Happened::Completed
        }
    };
    tell(world, row, &[happened], call.now);
    Ok(Reply::empty(204))
}

pub(super) fn download(
    world: &mut World,
    operation: &str,
    row: usize,
    call: &Call<'_>,
) -> Result<Reply, Reply> {
    let contract = &world.pandadoc.book.contracts[row];
    let protected = operation == "downloadProtectedDocument";
    if protected && call.sandbox {
        return Err(refuse(401, "authentication_error", "This key cannot download protected documents."));
    }
    if protected && !complete(contract.stage) {
        return Err(conflict(contract, "The document is not completed"));
    }
    if let Some(left) = contract.files_at.map(|at| at - call.now).filter(|left| *left > 0) {
        return Ok(Reply::empty(202).header("retry-after", (left + 999) / 1_000));
    }
    let heading = if protected { "Sealed with the PandaDoc stand-in" } else { "Copy without seal" };
    let bytes = contract.sealed(heading);
    if call.asked.query("separate_files") == Some("true") {
        return Ok(Reply::file("application/zip", zip(&[(format!("{}.pdf", contract.id), bytes)])));
    }
    Ok(Reply::file("application/pdf", bytes))
}

pub(super) fn auto_reminders(world: &mut World, row: usize, call: &Call<'_>) -> Result<Reply, Reply> {
    let contract = &mut world.pandadoc.book.contracts[row];
    if !matches!(contract.stage, Stage::Draft | Stage::Approval | Stage::Approved | Stage::Open) {
        return Err(refuse(400, "request_error", json!({"status": ["The document is in a final state."]})));
    }
    let given = call.body;
    contract.extra["auto_reminders"] = given.clone();
    contract.remind = (given["enabled"] == true).then(|| {
        let again =
            if given["is_recurring"] == true { given["recurrence_frequency_days"].as_i64() } else { None };
        (given["initial_delay_days"].as_i64().unwrap_or(1), again.unwrap_or(0))
    });
    Ok(Reply::json(200, given.clone()))
}

/// Failures are told for each recipient inside a 200.
pub(super) fn remind(world: &mut World, row: usize, call: &Call<'_>) -> Result<Reply, Reply> {
    let contract = &mut world.pandadoc.book.contracts[row];
    if contract.stage != Stage::Open {
        return Err(conflict(contract, "The document is not sent"));
    }
    let mut result = Vec::new();
    for given in call.body["reminders"].as_array().into_iter().flatten() {
        let id = text(given, "recipient_id");
        let Some(party) = contract.parties.iter_mut().find(|party| party.id == id) else {
            let email = json!({"status": "error", "sent_at": null, "detail": REMIND_WHOM});
            result.push(json!({"recipient_id": id, "email": email}));
            continue;
        };
        let refused = match party.turn {
            _ if party.copy => Some("Can't send reminder to CC recipient"),
            Turn::Signed => Some("Can't send reminder to the Recipient who completed their part"),
            Turn::Waiting => Some(REMIND_ORDER),
            _ if party.reminded_at.is_some_and(|at| call.now - at < DAY) => Some(REMIND_DAY),
            _ => None,
        };
        if refused.is_none() {
            party.reminded_at = Some(call.now);
            contract.reminded += 1;
        }
        let status = if refused.is_some() { "error" } else { "sent" };
        let sent_at = maybe_stamp(Some(call.now).filter(|_| refused.is_none()));
        result.push(
            json!({"recipient_id": id, "email": {"status": status, "sent_at": sent_at, "detail": refused}}),
        );
    }
    Ok(Reply::json(200, json!({"result": result})))
}
