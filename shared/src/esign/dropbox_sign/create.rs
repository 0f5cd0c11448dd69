//! The bodies that create a request: JSON from a template, a form with the file otherwise.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::super::form::Form;
use super::DropboxSign;
use crate::domain::contract::Contract;
use crate::domain::contract::account::Environment;
use crate::domain::contract::request::OWN_KEY;
use crate::domain::id::TemplateId;
use crate::domain::time::Timestamp;
use crate::http::Body;

const DAY_SECONDS: i64 = 86_400;
const HOUR_SECONDS: i64 = 3_600;
/// The furthest an end may lie ahead.
const MOST_DAYS: i64 = 90;

impl DropboxSign {
    /// Requests of a sandbox bind nobody and cost nothing.
    pub(super) fn is_test(&self) -> bool {
        self.account.environment == Environment::Sandbox
    }
}

/// When the contract is to end, in Unix seconds. The provider rounds down to the hour and refuses less than a day
/// and more than 90, so we round up, except at the far end.
pub(super) fn expires_at(contract: &Contract, now: Timestamp) -> Option<i64> {
    let days = i64::from(contract.expires_in_days?);
    let at = now.seconds() + days * DAY_SECONDS;
    let down = at - at.rem_euclid(HOUR_SECONDS);
    Some(if days >= MOST_DAYS { down } else { down + HOUR_SECONDS })
}

fn metadata(contract: &Contract) -> Map<String, Value> {
    let theirs = contract.metadata.iter().map(|(name, value)| (name.clone(), json!(value)));
    theirs.chain([(OWN_KEY.to_owned(), json!(contract.id.as_str()))]).collect()
}

pub(super) fn from_template(
    account: &DropboxSign,
    contract: &Contract,
    template: &TemplateId,
    expires_at: Option<i64>,
) -> Value {
    // The template knows the order; this call takes none.
    let signers = contract
        .signers
        .iter()
        .map(|signer| json!({"role": signer.role, "name": signer.name, "email_address": signer.email}));
    let signers: Vec<Value> = signers.collect();
    let fields = contract.fields.iter().map(|(name, value)| json!({"name": name, "value": value}));
    let fields: Vec<Value> = fields.collect();
    json!({
        "template_ids": [template.as_str()],
        "title": contract.title,
        "subject": contract.subject,
        "message": contract.message,
        "signers": signers,
        "custom_fields": (!fields.is_empty()).then_some(fields),
        "metadata": metadata(contract),
        "expires_at": expires_at,
        // Without it nobody could say no.
        "allow_decline": true,
        "client_id": account.account.client_id,
        "test_mode": account.is_test(),
    })
}

pub(super) fn from_file(
    account: &DropboxSign,
    contract: &Contract,
    (name, bytes): (&str, &Bytes),
    expires_at: Option<i64>,
) -> Body {
    let mut form = Form::new(contract.id.as_str());
    form.text("title", &contract.title);
    form.text("subject", &contract.subject);
    if let Some(message) = &contract.message {
        form.text("message", message);
    }
    for (row, signer) in contract.signers.iter().enumerate() {
        form.text(&format!("signers[{row}][name]"), &signer.name);
        form.text(&format!("signers[{row}][email_address]"), &signer.email);
        // Ours begin with 1.
        form.text(&format!("signers[{row}][order]"), &signer.order.saturating_sub(1).to_string());
    }
    for (name, value) in &contract.metadata {
        form.text(&format!("metadata[{name}]"), value);
    }
    form.text(&format!("metadata[{OWN_KEY}]"), contract.id.as_str());
    if let Some(at) = expires_at {
        form.text("expires_at", &at.to_string());
    }
    if let Some(client) = &account.account.client_id {
        form.text("client_id", client);
    }
    for (flag, on) in [
        ("allow_decline", true),
        ("use_text_tags", true),
        ("hide_text_tags", true),
        ("test_mode", account.is_test()),
    ] {
        form.text(flag, if on { "true" } else { "false" });
    }
    form.pdf("files[0]", name, bytes);
    form.finish()
}
