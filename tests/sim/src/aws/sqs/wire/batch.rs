//! The three batch operations: ten entries at most, each with its own verdict.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::super::json::Refusal;
use super::super::attributes::MAX_BYTES;
use super::super::message::{MessageAttribute, MessageAttributes, Outgoing};
use super::super::service::Service;
use super::super::{admission, refusal};
use super::{Digests, trace_header, visibility_ms};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Batch<E> {
    queue_url: String,
    entries: Vec<E>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SendEntry {
    id: String,
    message_body: Option<String>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: MessageAttributes,
    #[serde(default)]
    message_system_attributes: BTreeMap<String, MessageAttribute>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DeleteEntry {
    id: String,
    receipt_handle: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct VisibilityEntry {
    id: String,
    receipt_handle: String,
    visibility_timeout: i64,
}

pub(super) fn send(service: &Service, batch: Batch<SendEntry>) -> Result<Value, Refusal> {
    let name = Service::name_at(&batch.queue_url)?;
    let ids = batch.entries.iter().map(|entry| entry.id.as_str());
    check_ids(ids, "SendMessageBatchRequestEntry")?;
    let mut messages = Vec::new();
    for entry in batch.entries {
        let message = Outgoing {
            body: entry.message_body.unwrap_or_default(),
            group: entry.message_group_id,
            deduplication: entry.message_deduplication_id,
            delay_seconds: entry.delay_seconds,
            attributes: entry.message_attributes,
            trace_header: trace_header(entry.message_system_attributes)?,
        };
        messages.push((entry.id, message));
    }
    let bytes = messages.iter().map(|(_, message)| message.bytes()).sum();
    if bytes > MAX_BYTES {
        return Err(refusal::batch_too_long(MAX_BYTES, bytes));
    }
    service.with(&name, |queue, _| {
        messages.iter().try_for_each(|(_, message)| admission::check_names(&queue.attributes, message))
    })??;
    Ok(verdicts(messages.into_iter().map(|(id, message)| {
        let digests = Digests::of(&message);
        let sent = service.send(&name, message);
        (id, sent.map(|sent| digests.answer(&sent)))
    })))
}

pub(super) fn delete(service: &Service, batch: &Batch<DeleteEntry>) -> Result<Value, Refusal> {
    let name = Service::name_at(&batch.queue_url)?;
    let ids = batch.entries.iter().map(|entry| entry.id.as_str());
    check_ids(ids, "DeleteMessageBatchRequestEntry")?;
    service.with(&name, |_, _| ())?;
    Ok(verdicts(batch.entries.iter().map(|entry| {
        let deleted = service.delete(&name, &entry.receipt_handle);
        (entry.id.clone(), deleted.map(|()| json!({})))
    })))
}

pub(super) fn change_visibility(service: &Service, batch: &Batch<VisibilityEntry>) -> Result<Value, Refusal> {
    let name = Service::name_at(&batch.queue_url)?;
    let ids = batch.entries.iter().map(|entry| entry.id.as_str());
    check_ids(ids, "ChangeMessageVisibilityBatchRequestEntry")?;
    service.with(&name, |_, _| ())?;
    Ok(verdicts(batch.entries.iter().map(|entry| {
        let changed = visibility_ms(entry.visibility_timeout)
            .and_then(|after_ms| service.change_visibility(&name, &entry.receipt_handle, after_ms));
        (entry.id.clone(), changed.map(|()| json!({})))
    })))
}

fn check_ids<'a>(ids: impl Iterator<Item = &'a str>, entry: &str) -> Result<(), Refusal> {
    let ids: Vec<&str> = ids.collect();
    match ids.len() {
        0 => return Err(refusal::empty_batch(entry)),
        1..=10 => {}
        count => return Err(refusal::too_many_entries(count)),
    }
    let is_good = |id: &str| {
        (1..=80).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    };
    let mut seen = BTreeSet::new();
    for id in ids {
        if !is_good(id) {
            return Err(refusal::bad_entry_id());
        }
        if !seen.insert(id) {
            return Err(refusal::repeated_entry(id));
        }
    }
    Ok(())
}

fn verdicts(entries: impl Iterator<Item = (String, Result<Value, Refusal>)>) -> Value {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for (id, verdict) in entries {
        match verdict {
            Ok(mut answer) => {
                answer["Id"] = json!(id);
                successful.push(answer);
            }
            Err(refusal) => failed.push(json!({
                "Id": id,
                "SenderFault": true,
                "Code": refusal.code(),
                "Message": refusal.message,
            })),
        }
    }
    json!({ "Successful": successful, "Failed": failed })
}
