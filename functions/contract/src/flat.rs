//! What a program gets: one flat object of texts, numbers and truths, because that is what a workflow step can read.
//! Lists are texts with one line for each; the first five signers also have fields of their own.

use serde_json::{Map, Value, json};
use shared::domain::contract::{Contract, Detail, End, Signer, SignerState, Source};
use shared::domain::time::Timestamp;

/// Signers with fields of their own.
const SHOWN: usize = 5;

/// A contract; `url` is where to ask for it again.
pub(crate) fn flat(it: &Contract, url: &str) -> Value {
    let mut all = object(json!({
        "contractId": it.id,
        "statusUrl": url,
        "state": it.state().as_str(),
        "isOver": it.life.is_over(),
        "provider": it.provider.as_str(),
        "providerRequestId": it.request,
        "title": it.title,
        "subject": it.subject,
        "personId": it.person,
        "opportunityId": it.opportunity,
    }));
    all.extend(document(it));
    all.extend(times(it));
    all.extend(signers(it));
    for (name, value) in &it.metadata {
        all.insert(format!("meta_{name}"), json!(value));
    }
    Value::Object(all)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

fn document(it: &Contract) -> Map<String, Value> {
    let (template, name) = match &it.source {
        Source::Template { template } => (Some(template), None),
        Source::File(file) => (None, Some(&file.name)),
    };
    let signed = it.signed_file.as_ref();
    object(json!({
        "templateId": template,
        "documentName": name,
        "signedFileReady": signed.is_some(),
        "signedFileBytes": signed.map(|file| file.bytes),
        "signedFileSha256": signed.map(|file| &file.sha256),
    }))
}

fn times(it: &Contract) -> Map<String, Value> {
    let end = it.life.end.as_ref();
    let cancel = it.cancel.as_ref();
    object(json!({
        "requestedAt": it.requested_at.to_string(),
        "sentAt": moment(it.life.sent_at),
        "viewedAt": moment(it.life.viewed_at),
        "endedAt": moment(end.map(End::at)),
        "expiresAt": moment(it.life.expires_at()),
        "detail": it.life.detail().map(word),
        "reason": end.and_then(End::reason),
        "cancelRequestedAt": moment(cancel.map(|wish| wish.at)),
        "cancelReason": cancel.map(|wish| &wish.reason),
    }))
}

fn moment(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}

fn word(detail: &Detail) -> &str {
    match detail {
        Detail::Processing => "processing",
        Detail::WaitingApproval => "waiting_approval",
        Detail::Approved => "approved",
        Detail::Rejected => "rejected",
        Detail::PaymentPending => "payment_pending",
        Detail::BackToDraft => "back_to_draft",
        Detail::Other(word) => word,
    }
}

fn signers(it: &Contract) -> Map<String, Value> {
    let state = |signer: &Signer| it.signer_state(signer);
    let asked = |signer: &&Signer| matches!(state(signer), SignerState::Sent | SignerState::Viewed);
    let signed = it.signers.iter().filter(|signer| state(signer) == SignerState::Signed).count();
    let waiting: Vec<&str> = it.signers.iter().filter(asked).map(|signer| signer.email.as_str()).collect();
    let mut all = object(json!({
        "signerCount": it.signers.len(),
        "signedCount": signed,
        "waitingFor": waiting.join("\n"),
    }));
    for (signer, number) in it.signers.iter().zip(1..=SHOWN) {
        let progress = &signer.progress;
        let prefix = prefix(number);
        let parts = [
            ("Name", json!(signer.name)),
            ("Email", json!(signer.email)),
            ("Role", json!(signer.role)),
            ("Order", json!(signer.order)),
            ("State", json!(state(signer).as_str())),
            ("SentAt", json!(moment(progress.sent_at))),
            ("ViewedAt", json!(moment(progress.viewed_at))),
            ("SignedAt", json!(moment(progress.signed_at))),
            ("DeclinedAt", json!(moment(progress.declined_at))),
        ];
        all.extend(parts.into_iter().map(|(name, value)| (format!("{prefix}{name}"), value)));
    }
    all
}

/// How fields of a signer begin: `signer` for the first, then `signer2`.
pub(crate) fn prefix(number: usize) -> String {
    if number == 1 { "signer".to_owned() } else { format!("signer{number}") }
}
