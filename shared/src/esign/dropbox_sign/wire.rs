//! Dropbox Sign's answers, and what they mean in our words. Times are Unix seconds.

#![expect(clippy::struct_field_names, reason = "these are the provider's names")]

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::super::line::from_seconds;
use crate::domain::contract::request::{OWN_KEY, Template as OurTemplate, TemplateRole};
use crate::domain::contract::{Observed, Overall, SignerSeen, SignerState};
use crate::domain::id::{SignatureRequestId, TemplateId};
use crate::domain::time::Timestamp;

#[derive(Deserialize)]
pub(super) struct One {
    pub(super) signature_request: SignatureRequest,
}

#[derive(Deserialize)]
pub(super) struct List {
    pub(super) list_info: ListInfo,
    #[serde(default)]
    pub(super) signature_requests: Vec<SignatureRequest>,
}

#[derive(Deserialize)]
pub(super) struct ListInfo {
    #[serde(default)]
    pub(super) num_pages: u32,
}

/// A request as a read shows it, and as an event carries it.
#[derive(Deserialize)]
pub(super) struct SignatureRequest {
    pub(super) signature_request_id: SignatureRequestId,
    pub(super) created_at: Option<i64>,
    pub(super) expires_at: Option<i64>,
    is_complete: Option<bool>,
    is_declined: Option<bool>,
    has_error: Option<bool>,
    metadata: Option<Value>,
    #[serde(default)]
    pub(super) signatures: Vec<Signature>,
}

#[derive(Deserialize)]
pub(super) struct Signature {
    signature_id: Option<String>,
    signer_email_address: Option<String>,
    signer_role: Option<String>,
    order: Option<i64>,
    status_code: Option<String>,
    decline_reason: Option<String>,
    signed_at: Option<i64>,
    last_viewed_at: Option<i64>,
}

#[derive(Deserialize)]
pub(super) struct Templates {
    pub(super) list_info: ListInfo,
    #[serde(default)]
    pub(super) templates: Vec<Template>,
}

#[derive(Deserialize)]
pub(super) struct OneTemplate {
    pub(super) template: Template,
}

#[derive(Deserialize)]
pub(super) struct Template {
    template_id: TemplateId,
    title: Option<String>,
    is_locked: Option<bool>,
    #[serde(default)]
    signer_roles: Vec<Role>,
    #[serde(default)]
    documents: Vec<Document>,
}

#[derive(Deserialize)]
struct Role {
    name: String,
    order: Option<u16>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    custom_fields: Vec<Field>,
}

#[derive(Deserialize)]
struct Field {
    name: Option<String>,
}

impl SignatureRequest {
    /// Our own id, if it carries one.
    pub(super) fn own_id(&self) -> Option<&str> {
        self.metadata.as_ref()?.get(OWN_KEY)?.as_str()
    }

    /// What it says, in our words.
    pub(super) fn observed(&self, as_of: Timestamp) -> Observed {
        let lowest = self.signatures.iter().filter(|it| !it.is_done()).filter_map(|it| it.order).min();
        let signers: Vec<SignerSeen> = self.signatures.iter().map(|it| it.seen(lowest)).collect();
        Observed {
            as_of,
            overall: Some(self.overall(&signers)),
            signers,
            detail: None,
            expires_at: self.expires_at.map(from_seconds),
        }
    }

    /// The order of these questions is the meaning. That it was cancelled is not said here: it is then gone.
    fn overall(&self, signers: &[SignerSeen]) -> Overall {
        let all = |codes: &[&str]| {
            !self.signatures.is_empty() && self.signatures.iter().all(|it| codes.contains(&it.code()))
        };
        let any_state = |state: SignerState| signers.iter().any(|it| it.state == Some(state));
        if self.is_complete == Some(true) {
            return Overall::Completed {
                at: self.signatures.iter().filter_map(|it| it.signed_at).max().map(from_seconds),
            };
        }
        if self.is_declined == Some(true) {
            let reason = signers.iter().find_map(|it| it.reason.clone());
            return Overall::Declined { at: None, reason };
        }
        if self.signatures.iter().any(|it| it.code() == "expired") {
            return Overall::Expired { at: self.expires_at.map(from_seconds) };
        }
        if let Some(broken) = self.broken() {
            return broken;
        }
        if any_state(SignerState::Signed) {
            return Overall::PartiallySigned;
        }
        if all(&["on_hold", "on_hold_by_requester"]) {
            return Overall::Draft;
        }
        if self.signatures.iter().any(|it| it.last_viewed_at.is_some()) {
            return Overall::Viewed;
        }
        Overall::Sent
    }

    /// A wrong address can be mended at the provider, and an error without a name may be; a file that cannot be
    /// used cannot.
    fn broken(&self) -> Option<Overall> {
        let mut errors = self.signatures.iter().map(Signature::code).filter(|it| it.starts_with("error_"));
        let first = errors.next();
        if first.is_none() && self.has_error != Some(true) {
            return None;
        }
        let mendable = |code: &str| code == "error_invalid_email";
        let final_error = first.is_some_and(|code| !mendable(code)) || errors.any(|code| !mendable(code));
        Some(if final_error { Overall::Failed } else { Overall::Stuck })
    }
}

impl Signature {
    fn code(&self) -> &str {
        self.status_code.as_deref().unwrap_or_default()
    }

    /// True once others need not wait for it. An address that mail came back from still has to be mended.
    fn is_done(&self) -> bool {
        matches!(self.code(), "signed" | "success" | "declined" | "expired")
    }

    fn is_open(&self) -> bool {
        self.code() == "awaiting_signature"
    }

    /// The id of a signature that can still be changed.
    pub(super) fn open_id(&self) -> Option<&str> {
        self.signature_id.as_deref().filter(|_| self.is_open())
    }

    fn seen(&self, lowest: Option<i64>) -> SignerSeen {
        let waits = self.order.is_some() && self.order > lowest;
        let state = match self.code() {
            "awaiting_signature" if waits => Some(SignerState::Waiting),
            "awaiting_signature" if self.last_viewed_at.is_some() => Some(SignerState::Viewed),
            "awaiting_signature" => Some(SignerState::Sent),
            "on_hold" | "on_hold_by_requester" => Some(SignerState::Waiting),
            "signed" => Some(SignerState::Signed),
            "declined" => Some(SignerState::Declined),
            "expired" => Some(SignerState::Expired),
            code if code.starts_with("error_") => Some(SignerState::Error),
            _ => None,
        };
        SignerSeen {
            id: self.signature_id.clone(),
            email: self.signer_email_address.clone(),
            role: self.signer_role.clone(),
            state,
            sent_at: None,
            viewed_at: self.last_viewed_at.map(from_seconds),
            signed_at: self.signed_at.map(from_seconds),
            declined_at: None,
            reason: self.decline_reason.clone(),
        }
    }
}

impl Template {
    /// The template as far as we need it. A locked one is good for tests only.
    pub(super) fn into_ours(self, test: bool) -> OurTemplate {
        let fields = self.documents.into_iter().flat_map(|it| it.custom_fields).filter_map(|it| it.name);
        // A field may stand in several documents.
        let fields: BTreeSet<String> = fields.collect();
        // Theirs begin with 0.
        let role = |it: Role| TemplateRole { name: it.name, order: it.order.map(|order| order + 1) };
        OurTemplate {
            id: self.template_id,
            name: self.title.unwrap_or_default(),
            roles: Some(self.signer_roles.into_iter().map(role).collect()),
            fields: Some(fields.into_iter().collect()),
            usable: test || self.is_locked != Some(true),
        }
    }
}
