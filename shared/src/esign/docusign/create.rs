//! The body that creates and sends an envelope. Every scalar is text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::Sending;
use super::super::error::{EsignError, Trouble};
use crate::domain::contract::request::OWN_KEY;
use crate::domain::contract::{Contract, Reminders, Source};

/// What we want to hear of. Everything else can be read.
const EVENTS: [&str; 13] = [
    "envelope-sent",
    "envelope-delivered",
    "envelope-completed",
    "envelope-declined",
    "envelope-voided",
    "envelope-deleted",
    "recipient-sent",
    "recipient-delivered",
    "recipient-completed",
    "recipient-declined",
    "recipient-authenticationfailed",
    "recipient-autoresponded",
    "recipient-reassign",
];

pub(super) fn body(contract: &Contract, sending: &Sending<'_>) -> Result<Value, EsignError> {
    // What is null is left out when the body is written.
    let (template, documents) = match &contract.source {
        Source::Template { template } => (Some(template.as_str()), Value::Null),
        Source::File(file) => {
            let bytes = sending.file.ok_or_else(|| EsignError::because(Trouble::Rejected, "no_file"))?;
            let document = json!({
                "documentId": "1",
                "name": file.name,
                "fileExtension": "pdf",
                "documentBase64": STANDARD.encode(bytes),
            });
            (None, json!([document]))
        }
    };
    let from_file = template.is_none();
    Ok(json!({
        "status": "sent",
        "emailSubject": contract.subject,
        "emailBlurb": contract.message,
        // Remembered for seven days; the custom field below is there for ever.
        "transactionId": contract.id.as_str(),
        "customFields": {"textCustomFields": custom_fields(contract)},
        "notification": notification(contract),
        "eventNotification": sending.webhook.map(|url| event_notification(url.as_str())),
        "templateId": template,
        "templateRoles": (!from_file).then(|| template_roles(contract)),
        "documents": documents,
        "recipients": from_file.then(|| json!({"signers": signers(contract)})),
    }))
}

fn custom_fields(contract: &Contract) -> Vec<Value> {
    let own = std::iter::once((OWN_KEY, contract.id.as_str()));
    let theirs = contract.metadata.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    own.chain(theirs)
        .map(|(name, value)| json!({"name": name, "value": value, "show": "false", "required": "false"}))
        .collect()
}

fn template_roles(contract: &Contract) -> Value {
    // Values go to the role that has a tab with this label; others have none to fill.
    let tabs: Vec<Value> =
        contract.fields.iter().map(|(name, value)| json!({"tabLabel": name, "value": value})).collect();
    let tabs = if tabs.is_empty() { Value::Null } else { json!({"textTabs": tabs}) };
    let roles = contract.signers.iter().map(|signer| {
        json!({
            "roleName": signer.role,
            "name": signer.name,
            "email": signer.email,
            "routingOrder": signer.order.to_string(),
            "tabs": tabs,
        })
    });
    roles.collect()
}

/// A file says where people sign by `/sig1/` and `/date1/` for the first signer, and so on. Where it does not,
/// they choose a place themselves.
fn signers(contract: &Contract) -> Vec<Value> {
    let signers = (1..).zip(&contract.signers).map(|(number, signer)| {
        let anchor = |word: &str| {
            json!([{
                "anchorString": format!("/{word}{number}/"),
                "anchorUnits": "pixels",
                "anchorXOffset": "0",
                "anchorYOffset": "0",
                "anchorIgnoreIfNotPresent": "true",
            }])
        };
        json!({
            "recipientId": number.to_string(),
            "routingOrder": signer.order.to_string(),
            "name": signer.name,
            "email": signer.email,
            "roleName": signer.role,
            "tabs": {"signHereTabs": anchor("sig"), "dateSignedTabs": anchor("date")},
        })
    });
    signers.collect()
}

/// Absent parts leave the account's defaults in force; nothing means "never".
fn notification(contract: &Contract) -> Value {
    let reminders = contract.reminders.map(|Reminders { first_after_days, then_every_days }| {
        json!({
            "reminderEnabled": "true",
            "reminderDelay": first_after_days.to_string(),
            "reminderFrequency": then_every_days.unwrap_or(0).to_string(),
        })
    });
    let expirations = contract.expires_in_days.map(|days| {
        // Signers are warned some days before, where there are some.
        let warn = if days > 5 { 5 } else { 0 };
        json!({"expireEnabled": "true", "expireAfter": days.to_string(), "expireWarn": warn.to_string()})
    });
    if reminders.is_none() && expirations.is_none() {
        return Value::Null;
    }
    json!({"useAccountDefaults": "false", "reminders": reminders, "expirations": expirations})
}

fn event_notification(url: &str) -> Value {
    json!({
        "url": url,
        "deliveryMode": "SIM",
        "includeHMAC": "true",
        "requireAcknowledgment": "true",
        "loggingEnabled": "true",
        "events": EVENTS,
        "eventData": {"version": "restv2.1", "format": "json", "includeData": ["recipients", "custom_fields"]},
    })
}
