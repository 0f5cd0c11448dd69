//! Signature requests and templates as Dropbox Sign writes them: times are Unix seconds.

use serde_json::{Value, json};

use super::super::book::Template;
use super::super::life::{Contract, Party, Stage, Turn};
use super::super::world::World;

fn seconds(at: Option<i64>) -> Option<i64> {
    at.map(|at| at / 1_000)
}

/// Dropbox Sign has no word for the whole; this is the name of the flag that decides.
pub(in super::super) fn status(contract: &Contract) -> &'static str {
    match contract.stage {
        Stage::Completed | Stage::Paid => "is_complete",
        Stage::Declined => "is_declined",
        Stage::Voided | Stage::Deleted => "canceled",
        Stage::Expired => "expired",
        Stage::Failed => "has_error",
        _ if contract.signers().any(|(_, party)| party.turn == Turn::Bounced) => "has_error",
        _ => "awaiting_signature",
    }
}

fn status_code(contract: &Contract, party: &Party) -> &'static str {
    match (contract.stage, party.turn) {
        (_, Turn::Signed) => "signed",
        (_, Turn::Declined) => "declined",
        (Stage::Expired, _) => "expired",
        (Stage::Failed, _) => "error_file",
        (_, Turn::Bounced) => "error_invalid_email",
        _ => "awaiting_signature",
    }
}

fn signature(contract: &Contract, party: &Party) -> Value {
    json!({
        "signature_id": party.id,
        "signer_group_guid": null,
        "signer_email_address": party.email,
        "signer_name": party.name,
        "signer_role": party.role,
        "order": contract.extra["ordered"].as_bool().unwrap_or(false).then_some(party.order),
        "status_code": status_code(contract, party),
        "decline_reason": party.reason.as_ref().filter(|_| party.turn == Turn::Declined),
        "signed_at": seconds(party.signed_at),
        "last_viewed_at": seconds(party.viewed_at),
        "last_reminded_at": seconds(party.reminded_at),
        "has_pin": false,
        "has_sms_auth": false,
        "has_sms_delivery": false,
        "sms_phone_number": null,
        "reassigned_by": null,
        "reassignment_reason": null,
        "reassigned_from": null,
        "error": (party.turn == Turn::Bounced).then_some("Email bounced"),
    })
}

pub(super) fn request(world: &World, contract: &Contract, base: &str) -> Value {
    let id = &contract.id;
    let signatures: Vec<Value> = contract.signers().map(|(_, party)| signature(contract, party)).collect();
    let copies: Vec<&str> =
        contract.parties.iter().filter(|it| it.copy).map(|it| it.email.as_str()).collect();
    let templates: Option<Vec<&String>> =
        contract.template.map(|row| vec![&world.dropbox_sign.book.templates[row].id]);
    let mut shown = json!({
        "signature_request_id": id,
        "test_mode": contract.test,
        "title": contract.title,
        "original_title": contract.title,
        "subject": contract.subject,
        "message": contract.message,
        "metadata": contract.own,
        "created_at": contract.created_at / 1_000,
        "expires_at": seconds(contract.expires_at),
        "is_complete": contract.stage == Stage::Completed,
        "is_declined": contract.stage == Stage::Declined,
        "has_error": status(contract) == "has_error",
        "custom_fields": [],
        "response_data": [],
        "signing_url": null,
        "signing_redirect_url": null,
        "final_copy_uri": format!("/v3/signature_request/final_copy/{id}"),
        "files_url": format!("{base}/v3/signature_request/files/{id}"),
        "details_url": format!("{base}/home/manage?guid={id}"),
        "requester_email_address": world.dropbox_sign.email,
        "signatures": signatures,
        "cc_email_addresses": copies,
        "attachments": [],
        "template_ids": templates,
    });
    if let Some(client) = contract.extra["client_id"].as_str() {
        shown["client_id"] = json!(client);
    }
    shown
}

pub(super) fn template(world: &World, template: &Template) -> Value {
    let roles: Vec<Value> =
        template.roles.iter().map(|role| json!({"name": role.name, "order": role.order - 1})).collect();
    let fields: Vec<Value> = template
        .fields
        .iter()
        .map(|field| {
            json!({"name": field, "type": "text", "api_id": format!("api_{field}"), "x": 10, "y": 10,
                   "width": 100, "height": 16, "required": false, "signer": null, "group": null})
        })
        .collect();
    json!({
        "template_id": template.id,
        "title": template.name,
        "message": "",
        "updated_at": template.created_at / 1_000,
        "is_embedded": false,
        "is_creator": true,
        "can_edit": true,
        "is_locked": template.locked,
        "metadata": {},
        "signer_roles": roles,
        "cc_roles": [{"name": "Accounting"}],
        "documents": [{"name": format!("{}.pdf", template.name), "index": 0, "field_groups": [], "form_fields": [],
                       "custom_fields": fields, "static_fields": []}],
        "accounts": [{"account_id": world.dropbox_sign.id, "email_address": world.dropbox_sign.email,
                      "is_locked": false, "is_paid_hs": true, "is_paid_hf": false}],
        "attachments": [],
    })
}
