//! Documents and templates as PandaDoc writes them: times with microseconds.

use serde_json::{Value, json};

use super::super::book::Template;
use super::super::life::{Contract, Party, Stage, Turn};
use super::super::world::World;
use crate::clock::iso;

/// Milliseconds as `2026-11-02T10:15:25.114000Z`.
pub(super) fn stamp(ms: i64) -> String {
    iso(ms).replace('Z', "000Z")
}

pub(super) fn maybe_stamp(at: Option<i64>) -> Value {
    at.map_or(Value::Null, |at| Value::String(stamp(at)))
}

/// `status`; `document.voided` is both expired and cancelled.
pub(in super::super) fn status(contract: &Contract) -> &'static str {
    match contract.stage {
        Stage::Preparing => "document.uploaded",
        Stage::Draft | Stage::Deleted => "document.draft",
        Stage::Approval => "document.waiting_approval",
        Stage::Approved => "document.approved",
        Stage::Open if contract.viewed_at.is_some() => "document.viewed",
        Stage::Open => "document.sent",
        Stage::Completed => "document.completed",
        Stage::Paid => "document.paid",
        Stage::Declined => "document.declined",
        Stage::Voided | Stage::Expired => "document.voided",
        Stage::Failed => "document.error",
    }
}

pub(super) fn recipient(contract: &Contract, party: &Party) -> Value {
    let ordered = contract.extra["ordered"] == true && !party.copy;
    json!({
        "id": party.id,
        "first_name": party.name.split_once(' ').map_or(party.name.as_str(), |(first, _)| first),
        "last_name": party.name.split_once(' ').map_or("", |(_, last)| last),
        "email": party.email,
        "phone": "",
        "recipient_type": if party.copy { "CC" } else { "signer" },
        "has_completed": party.turn == Turn::Signed,
        "role": party.role.clone().unwrap_or_default(),
        "roles": party.role.iter().collect::<Vec<_>>(),
        "signing_order": ordered.then_some(party.order),
        "contact_id": party.guid,
        "shared_link": "",
        "type": "recipient",
    })
}

pub(super) fn recipients(contract: &Contract) -> Vec<Value> {
    contract.parties.iter().map(|party| recipient(contract, party)).collect()
}

/// What every answer about a document says.
pub(super) fn brief(contract: &Contract) -> Value {
    json!({
        "id": contract.id,
        "name": contract.title,
        "status": status(contract),
        "date_created": stamp(contract.created_at),
        "date_modified": stamp(contract.changed_at),
        "date_completed": maybe_stamp(contract.completed_at),
        "expiration_date": maybe_stamp(contract.expires_at),
        "version": "2",
        "uuid": contract.id,
    })
}

fn template_of(world: &World, contract: &Contract) -> Value {
    match contract.template.map(|row| &world.pandadoc.book.templates[row]) {
        Some(template) => json!({"id": template.id, "name": template.name}),
        None => Value::Null,
    }
}

pub(super) fn details(world: &World, contract: &Contract) -> Value {
    let mut shown = brief(contract);
    let more = json!({
        "folder_uuid": null,
        "content_date_modified": stamp(contract.changed_at),
        "date_sent": maybe_stamp(contract.sent_at),
        "ref_number": "1",
        "created_by": world.pandadoc.person(),
        "sent_by": contract.sent_at.map(|_| world.pandadoc.person()),
        "template": template_of(world, contract),
        "metadata": metadata(contract),
        "tokens": contract.extra["tokens"].as_array().cloned().unwrap_or_default(),
        "fields": fields(contract),
        "tags": contract.extra["tags"].as_array().cloned().unwrap_or_default(),
        "grand_total": {"amount": "0.00", "currency": "USD"},
        "linked_objects": [],
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        shown[name] = value.clone();
    }
    let all = contract.parties.iter().map(|party| {
        let mut shown = recipient(contract, party);
        shown["signature_date"] = maybe_stamp(party.signed_at);
        shown
    });
    shown["recipients"] = all.collect();
    shown
}

fn fields(contract: &Contract) -> Vec<Value> {
    let given = contract.extra["fields"].as_object().into_iter().flatten();
    given
        .map(|(name, field)| {
            json!({"uuid": format!("{}-{name}", contract.id), "name": name, "title": "", "placeholder": "",
                   "field_id": name, "type": "text", "value": field["value"], "merge_field": name})
        })
        .collect()
}

/// The caller's own keys and PandaDoc's.
pub(super) fn metadata(contract: &Contract) -> Value {
    let mut all = contract.own.clone();
    all.insert("document__creation_source".into(), json!("API"));
    all.insert("document__created_via_public_api".into(), json!(true));
    Value::Object(all)
}

/// `data` of an event; our own keys only where the receiver asked for them.
pub(super) fn event(world: &World, contract: &Contract, with_metadata: bool) -> Value {
    let mut data = json!({
        "id": contract.id,
        "name": contract.title,
        "date_created": stamp(contract.created_at),
        "date_modified": stamp(contract.changed_at),
        "date_completed": maybe_stamp(contract.completed_at),
        "expiration_date": maybe_stamp(contract.expires_at),
        "autonumbering_sequence_name": null,
        "created_by": world.pandadoc.person(),
        "tags": contract.extra["tags"].as_array().cloned().unwrap_or_default(),
        "status": status(contract),
        "recipients": recipients(contract),
        "sent_by": contract.sent_at.map(|_| world.pandadoc.person()),
        "grand_total": {"amount": "0.00", "currency": "USD"},
        "template": template_of(world, contract),
        "version": "2",
        "linked_objects": [],
    });
    if with_metadata {
        data["metadata"] = metadata(contract);
    }
    data
}

pub(super) fn template(template: &Template) -> Value {
    json!({
        "id": template.id,
        "name": template.name,
        "date_created": stamp(template.created_at),
        "date_modified": stamp(template.created_at),
        "version": "2",
    })
}

pub(super) fn template_details(world: &World, template: &Template) -> Value {
    let mut shown = self::template(template);
    let roles: Vec<Value> = template
        .roles
        .iter()
        .map(|role| {
            let id = format!("{}-{}", template.id, role.order);
            json!({"id": id, "name": role.name, "signing_order": role.order.to_string(), "preassigned_person": null})
        })
        .collect();
    let fields: Vec<Value> = template
        .fields
        .iter()
        .map(|name| {
            json!({"uuid": format!("{}-{name}", template.id), "name": name, "title": "", "placeholder": "",
                   "field_id": name, "type": "text", "value": "", "merge_field": name})
        })
        .collect();
    shown["created_by"] = world.pandadoc.person();
    shown["metadata"] = json!({});
    shown["tokens"] = json!([]);
    shown["fields"] = json!(fields);
    shown["tags"] = json!([]);
    shown["roles"] = json!(roles);
    shown["images"] = json!([]);
    shown["tables"] = json!([]);
    shown["content_placeholders"] = json!([]);
    shown
}
