//! The bodies that create a document: JSON from a template, a form with the file otherwise.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::super::form::Form;
use crate::domain::contract::Contract;
use crate::domain::contract::request::OWN_KEY;
use crate::domain::id::TemplateId;
use crate::http::Body;

fn metadata(contract: &Contract) -> Map<String, Value> {
    let theirs = contract.metadata.iter().map(|(name, value)| (name.clone(), json!(value)));
    theirs.chain([(OWN_KEY.to_owned(), json!(contract.id.as_str()))]).collect()
}

/// Everybody needs a role: who has none only gets a copy. In a file roles are those of its field tags, and ours
/// are `Signer1`, `Signer2` and so on unless the caller names others.
fn recipients(contract: &Contract) -> Vec<Value> {
    let ordered = contract.signers.iter().any(|signer| signer.order > 1);
    let recipients = (1..).zip(&contract.signers).map(|(number, signer)| {
        let (first, last) = signer.name.split_once(' ').unwrap_or((&signer.name, ""));
        let role = signer.role.clone().unwrap_or_else(|| format!("Signer{number}"));
        json!({
            "email": signer.email,
            "first_name": first,
            "last_name": (!last.is_empty()).then_some(last),
            "role": role,
            "signing_order": ordered.then_some(signer.order),
        })
    });
    recipients.collect()
}

pub(super) fn from_template(contract: &Contract, template: &TemplateId) -> Value {
    let fields = contract.fields.iter().map(|(name, value)| (name.clone(), json!({"value": value})));
    let fields: Map<String, Value> = fields.collect();
    json!({
        "name": contract.title,
        "template_uuid": template.as_str(),
        "recipients": recipients(contract),
        "fields": (!fields.is_empty()).then_some(fields),
        "metadata": metadata(contract),
    })
}

pub(super) fn from_file(contract: &Contract, name: &str, bytes: &Bytes) -> Body {
    let recipients: Vec<Value> = recipients(contract)
        .into_iter()
        .map(|mut it| {
            if let Some(map) = it.as_object_mut() {
                map.retain(|_, value| !value.is_null());
            }
            it
        })
        .collect();
    let data = json!({
        "name": contract.title,
        "recipients": recipients,
        "metadata": metadata(contract),
        // Roles come from field tags in the text, not from form fields.
        "parse_form_fields": false,
    });
    let mut form = Form::new(contract.id.as_str());
    form.text("data", &data.to_string());
    form.pdf("file", name, bytes);
    form.finish()
}
