//! Envelopes and templates as DocuSign writes them: every scalar is text.

use serde_json::{Value, json};

use super::super::book::Template;
use super::super::ids;
use super::super::life::{Contract, Party, Stage, Turn};
use super::super::world::World;
use super::{maybe_stamp, stamp};

/// `envelope.status`.
pub(in super::super) fn status(contract: &Contract) -> &'static str {
    match contract.stage {
        Stage::Preparing | Stage::Draft | Stage::Approval | Stage::Approved | Stage::Failed => "created",
        Stage::Open if contract.signers().all(|(_, party)| party.viewed_at.is_some()) => "delivered",
        Stage::Open => "sent",
        Stage::Completed | Stage::Paid => "completed",
        Stage::Declined => "declined",
        Stage::Voided | Stage::Expired => "voided",
        Stage::Deleted => "deleted",
    }
}

fn turn(turn: Turn) -> &'static str {
    match turn {
        Turn::Waiting => "created",
        Turn::Sent => "sent",
        Turn::Viewed => "delivered",
        Turn::Signed => "completed",
        Turn::Declined => "declined",
        Turn::Bounced => "autoresponded",
    }
}

/// Removes what has no value: DocuSign leaves such fields out.
fn bare(mut value: Value) -> Value {
    if let Some(map) = value.as_object_mut() {
        map.retain(|_, field| !field.is_null());
    }
    value
}

fn party(party: &Party, kind: &str) -> Value {
    bare(json!({
        "creationReason": "sender",
        "isBulkRecipient": "false",
        "requireUploadSignature": "false",
        "name": party.name,
        "firstName": "",
        "lastName": "",
        "email": party.email,
        "recipientId": party.id,
        "recipientIdGuid": party.guid,
        "requireIdLookup": "false",
        "userId": ids::guid(&party.guid, 0),
        "routingOrder": party.order.to_string(),
        "roleName": party.role,
        "status": turn(party.turn),
        "completedCount": if party.turn == Turn::Signed { "1" } else { "0" },
        "deliveryMethod": "email",
        "recipientType": kind,
        "sentDateTime": maybe_stamp(party.sent_at),
        "deliveredDateTime": maybe_stamp(party.viewed_at),
        "signedDateTime": maybe_stamp(party.signed_at),
        "declinedDateTime": maybe_stamp(party.declined_at),
        "declinedReason": party.reason.as_ref().filter(|_| party.turn == Turn::Declined),
        "autoRespondedReason": party.reason.as_ref().filter(|_| party.turn == Turn::Bounced),
    }))
}

pub(super) fn recipients(contract: &Contract) -> Value {
    let signers: Vec<Value> = contract.signers().map(|(_, it)| party(it, "signer")).collect();
    let copies = contract.parties.iter().filter(|party| party.copy);
    let copies: Vec<Value> = copies.map(|it| party(it, "carboncopy")).collect();
    let last = contract.signers().map(|(_, party)| party.order).max().unwrap_or(1);
    json!({
        "signers": signers,
        "agents": [],
        "editors": [],
        "intermediaries": [],
        "carbonCopies": copies,
        "certifiedDeliveries": [],
        "inPersonSigners": [],
        "seals": [],
        "witnesses": [],
        "notaries": [],
        "recipientCount": contract.parties.len().to_string(),
        "currentRoutingOrder": contract.current_order().unwrap_or(last).to_string(),
    })
}

pub(super) fn custom_fields(contract: &Contract) -> Value {
    let fields: Vec<Value> = (10_101..)
        .zip(&contract.own)
        .map(|(id, (name, value))| {
            json!({"fieldId": id.to_string(), "name": name, "show": "false", "required": "false", "value": value})
        })
        .collect();
    json!({"textCustomFields": fields, "listCustomFields": []})
}

pub(super) fn notification(contract: &Contract) -> Value {
    let given = &contract.reminders;
    let reminders = if given["reminders"].is_object() {
        given["reminders"].clone()
    } else {
        json!({"reminderEnabled": "false", "reminderDelay": "0", "reminderFrequency": "0"})
    };
    json!({
        "useAccountDefaults": given["useAccountDefaults"].as_str().unwrap_or("true"),
        "reminders": reminders,
        "expirations": {
            "expireEnabled": "true",
            "expireAfter": contract.expire_days.unwrap_or_default().to_string(),
            "expireWarn": given["expirations"]["expireWarn"].as_str().unwrap_or("0"),
        },
    })
}

/// An envelope with what `include` names beside it.
pub(super) fn envelope(world: &World, contract: &Contract, include: &[&str]) -> Value {
    let account = &world.docusign;
    let below = |rest: &str| format!("/envelopes/{}{rest}", contract.id);
    let ended = |stage: &[Stage]| contract.ended_at.filter(|_| stage.contains(&contract.stage));
    let delivered = contract.signers().map(|(_, party)| party.viewed_at).collect::<Option<Vec<i64>>>();
    let mut shown = bare(json!({
        "status": status(contract),
        "documentsUri": below("/documents"),
        "recipientsUri": below("/recipients"),
        "attachmentsUri": below("/attachments"),
        "envelopeUri": below(""),
        "emailSubject": contract.subject,
        "emailBlurb": contract.message,
        "envelopeId": contract.id,
        "signingLocation": "online",
        "customFieldsUri": below("/custom_fields"),
        "notificationUri": below("/notification"),
        "enableWetSign": "true",
        "allowMarkup": "false",
        "allowReassign": "true",
        "createdDateTime": stamp(contract.created_at),
        "lastModifiedDateTime": stamp(contract.changed_at),
        "initialSentDateTime": maybe_stamp(contract.sent_at),
        "sentDateTime": maybe_stamp(contract.sent_at),
        "statusChangedDateTime": stamp(contract.changed_at),
        "deliveredDateTime": maybe_stamp(delivered.and_then(|all| all.into_iter().max())),
        "completedDateTime": maybe_stamp(contract.completed_at),
        "declinedDateTime": maybe_stamp(ended(&[Stage::Declined])),
        "voidedDateTime": maybe_stamp(ended(&[Stage::Voided, Stage::Expired])),
        "voidedReason": contract.end_reason.as_ref().filter(|_| status(contract) == "voided"),
        "documentsCombinedUri": below("/documents/combined"),
        "certificateUri": below("/documents/certificate"),
        "templatesUri": below("/templates"),
        "expireEnabled": "true",
        "expireDateTime": maybe_stamp(contract.expires_at),
        "expireAfter": contract.expire_days.unwrap_or_default().to_string(),
        "transactionId": contract.transaction,
        "sender": {"userName": "Contracts Sender", "userId": account.user, "accountId": account.id,
                   "email": "contracts@sender.example"},
    }));
    let always = json!({
        "purgeState": "unpurged",
        "envelopeIdStamping": "true",
        "is21CFRPart11": "false",
        "signerCanSignOnMobile": "true",
        "autoNavigation": "true",
        "isSignatureProviderEnvelope": "false",
        "hasFormDataChanged": "false",
        "allowComments": "true",
        "hasComments": "false",
        "allowViewHistory": "true",
        "envelopeMetadata": {"allowAdvancedCorrect": "true", "enableSignWithNotary": "false", "allowCorrect": "true"},
        "envelopeLocation": "current_site",
        "isDynamicEnvelope": "false",
    });
    for (name, value) in always.as_object().into_iter().flatten() {
        shown[name] = value.clone();
    }
    if include.contains(&"recipients") {
        shown["recipients"] = recipients(contract);
    }
    if include.contains(&"custom_fields") {
        shown["customFields"] = custom_fields(contract);
    }
    if include.contains(&"documents") {
        shown["envelopeDocuments"] = documents(contract)["envelopeDocuments"].clone();
    }
    shown
}

pub(super) fn documents(contract: &Contract) -> Value {
    let mut all: Vec<Value> = (1..)
        .zip(&contract.files)
        .map(|(order, file)| {
            json!({
                "documentId": file.id,
                "name": file.name,
                "type": "content",
                "uri": format!("/envelopes/{}/documents/{}", contract.id, file.id),
                "order": order.to_string(),
                "pages": [],
                "display": "inline",
                "includeInDownload": "true",
                "signerMustAcknowledge": "no_interaction",
                "sizeBytes": file.bytes.len().to_string(),
            })
        })
        .collect();
    all.push(json!({
        "documentId": "certificate",
        "name": "Summary",
        "type": "summary",
        "uri": format!("/envelopes/{}/documents/certificate", contract.id),
        "order": "999",
        "pages": [],
        "display": "inline",
        "includeInDownload": "true",
    }));
    json!({"envelopeId": contract.id, "envelopeDocuments": all})
}

pub(super) fn template_recipients(template: &Template) -> Value {
    let signers: Vec<Value> = (1..)
        .zip(&template.roles)
        .map(|(id, role)| {
            let tabs: Vec<Value> = template
                .fields
                .iter()
                .filter(|_| id == 1)
                .map(|field| json!({"tabLabel": field, "tabType": "text", "documentId": "1", "recipientId": "1"}))
                .collect();
            json!({
                "recipientId": id.to_string(),
                "recipientIdGuid": ids::guid(&template.id, id),
                "roleName": role.name,
                "routingOrder": role.order.to_string(),
                "name": "",
                "email": "",
                "status": "created",
                "deliveryMethod": "email",
                "recipientType": "signer",
                "tabs": {"textTabs": tabs},
            })
        })
        .collect();
    json!({"signers": signers, "carbonCopies": [], "recipientCount": template.roles.len().to_string(), "currentRoutingOrder": "1"})
}

pub(super) fn template(template: &Template, full: bool) -> Value {
    let mut shown = json!({
        "templateId": template.id,
        "uri": format!("/templates/{}", template.id),
        "name": template.name,
        "shared": "false",
        "passwordProtected": "false",
        "description": "",
        "created": stamp(template.created_at),
        "lastModified": stamp(template.created_at),
        "lastUsed": stamp(template.created_at),
        "pageCount": "1",
        "folderName": "Templates",
        "emailSubject": format!("Please sign: {}", template.name),
        "emailBlurb": "",
        "signingLocation": "online",
        "authoritativeCopy": "false",
        "enforceSignerVisibility": "false",
        "autoNavigation": "true",
    });
    if full {
        shown["recipients"] = template_recipients(template);
    }
    shown
}
