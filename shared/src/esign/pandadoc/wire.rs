//! `PandaDoc`'s answers, and what they mean in our words. Times are ISO 8601 with microseconds.

#![expect(clippy::struct_field_names, reason = "these are the provider's names")]

use serde::Deserialize;
use serde_json::Value;

use crate::domain::contract::request::{OWN_KEY, Template as OurTemplate, TemplateRole};
use crate::domain::contract::{Detail, Observed, Overall, SignerSeen, SignerState};
use crate::domain::id::{SignatureRequestId, TemplateId};
use crate::domain::time::Timestamp;

#[derive(Deserialize)]
pub(super) struct Documents {
    #[serde(default)]
    pub(super) results: Vec<Listed>,
}

/// A document in a list, in the answer to its making, and without its recipients.
#[derive(Deserialize)]
pub(super) struct Listed {
    pub(super) id: SignatureRequestId,
    pub(super) status: Option<String>,
}

/// A document as a read shows it, and as an event carries it.
#[derive(Deserialize)]
pub(super) struct Document {
    pub(super) id: Option<SignatureRequestId>,
    pub(super) status: Option<String>,
    date_modified: Option<String>,
    date_completed: Option<String>,
    expiration_date: Option<String>,
    #[serde(default)]
    recipients: Vec<Recipient>,
    metadata: Option<Value>,
}

#[derive(Deserialize)]
struct Recipient {
    id: Option<String>,
    email: Option<String>,
    recipient_type: Option<String>,
    has_completed: Option<bool>,
    role: Option<String>,
    signing_order: Option<i64>,
    signature_date: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Reminded {
    #[serde(default)]
    result: Vec<ReminderResult>,
}

#[derive(Deserialize)]
struct ReminderResult {
    email: Option<ReminderSent>,
}

#[derive(Deserialize)]
struct ReminderSent {
    status: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Templates {
    #[serde(default)]
    pub(super) results: Vec<Template>,
}

#[derive(Deserialize)]
pub(super) struct Template {
    id: TemplateId,
    name: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct TemplateDetails {
    id: TemplateId,
    name: Option<String>,
    #[serde(default)]
    roles: Vec<Role>,
    #[serde(default)]
    fields: Vec<Field>,
}

#[derive(Deserialize)]
struct Role {
    name: String,
    /// Text or null.
    signing_order: Option<Value>,
}

#[derive(Deserialize)]
struct Field {
    merge_field: Option<String>,
}

fn time(text: Option<&String>) -> Option<Timestamp> {
    text?.parse().ok()
}

impl Document {
    /// The moment of the last change.
    pub(super) fn modified_at(&self) -> Option<Timestamp> {
        time(self.date_modified.as_ref())
    }

    /// When it expires.
    pub(super) fn expires_at(&self) -> Option<Timestamp> {
        time(self.expiration_date.as_ref())
    }

    /// True if it was its time that ended it: nothing changed it before that.
    pub(super) fn ended_by_time(&self) -> bool {
        matches!((self.expires_at(), self.modified_at()), (Some(end), Some(at)) if end <= at)
    }

    /// Our own id, if it carries one.
    pub(super) fn own_id(&self) -> Option<&str> {
        self.metadata.as_ref()?.get(OWN_KEY)?.as_str()
    }

    /// The provider's id of who has this address.
    pub(super) fn recipient_id(&self, email: &str) -> Option<String> {
        let fits = |it: &&Recipient| it.email.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(email));
        self.recipients.iter().find(fits)?.id.clone()
    }

    /// What it says, in our words. A word that came later than this code says nothing of the whole.
    pub(super) fn observed(&self, as_of: Timestamp) -> Observed {
        let signers: Vec<SignerSeen> = self.signers().map(|it| it.seen(self.turn(it))).collect();
        let word = self.status.as_deref().unwrap_or_default();
        Observed {
            as_of,
            overall: self.overall(word),
            detail: detail(word),
            signers,
            expires_at: self.expires_at(),
        }
    }

    fn signers(&self) -> impl Iterator<Item = &Recipient> {
        self.recipients.iter().filter(|it| it.recipient_type.as_deref().is_none_or(|kind| kind == "signer"))
    }

    fn overall(&self, word: &str) -> Option<Overall> {
        let any_signed = self.signers().any(|it| it.has_completed == Some(true));
        let modified = self.modified_at();
        Some(match word {
            "document.uploaded"
            | "document.draft"
            | "document.scheduled"
            | "document.waiting_approval"
            | "document.approved"
            | "document.rejected" => Overall::Draft,
            "document.sent" | "document.viewed" | "document.external_review" if any_signed => {
                Overall::PartiallySigned
            }
            "document.sent" => Overall::Sent,
            "document.viewed" | "document.external_review" => Overall::Viewed,
            "document.waiting_pay" => Overall::PartiallySigned,
            "document.completed" | "document.paid" => {
                Overall::Completed { at: time(self.date_completed.as_ref()) }
            }
            "document.declined" => Overall::DeclinedUnlessAsked { at: modified, reason: None },
            "document.voided" => Overall::VoidedIfAsked { at: modified },
            "document.error" => Overall::Failed,
            _ => return None,
        })
    }

    /// Whether it is a signer's turn; nothing where the document's state does not tell.
    fn turn(&self, recipient: &Recipient) -> Option<SignerState> {
        if recipient.has_completed == Some(true) {
            return Some(SignerState::Signed);
        }
        let open = self.signers().filter(|it| it.has_completed != Some(true));
        let lowest = open.filter_map(|it| it.signing_order).min();
        let waits = recipient.signing_order.is_some() && recipient.signing_order > lowest;
        match self.status.as_deref().unwrap_or_default() {
            "document.sent" | "document.viewed" | "document.external_review" if !waits => {
                Some(SignerState::Sent)
            }
            "document.voided" | "document.declined" | "document.completed" | "document.paid" => None,
            _ => Some(SignerState::Waiting),
        }
    }
}

fn detail(word: &str) -> Option<Detail> {
    Some(match word {
        "document.uploaded" => Detail::Processing,
        "document.waiting_approval" => Detail::WaitingApproval,
        "document.approved" => Detail::Approved,
        "document.rejected" => Detail::Rejected,
        "document.waiting_pay" => Detail::PaymentPending,
        ""
        | "document.draft"
        | "document.scheduled"
        | "document.sent"
        | "document.viewed"
        | "document.external_review"
        | "document.completed"
        | "document.paid"
        | "document.declined"
        | "document.voided"
        | "document.error" => return None,
        other => Detail::Other(other.to_owned()),
    })
}

impl Recipient {
    fn seen(&self, state: Option<SignerState>) -> SignerSeen {
        SignerSeen {
            id: self.id.clone(),
            email: self.email.clone(),
            role: self.role.clone().filter(|role| !role.is_empty()),
            state,
            sent_at: None,
            viewed_at: None,
            signed_at: time(self.signature_date.as_ref()),
            declined_at: None,
            reason: None,
        }
    }
}

impl Reminded {
    /// True if a mail went out.
    pub(super) fn is_sent(&self) -> bool {
        let sent = |it: &ReminderResult| {
            it.email.as_ref().is_some_and(|email| email.status.as_deref() == Some("sent"))
        };
        self.result.iter().any(sent)
    }
}

impl Template {
    /// The template as far as a list shows it.
    pub(super) fn into_ours(self) -> OurTemplate {
        let name = self.name.unwrap_or_default();
        OurTemplate { id: self.id, name, roles: None, fields: None, usable: true }
    }
}

impl TemplateDetails {
    /// The template with roles and fields.
    pub(super) fn into_ours(self) -> OurTemplate {
        let order = |value: &Value| match value.as_str() {
            Some(text) => text.parse().ok(),
            None => value.as_u64().and_then(|order| u16::try_from(order).ok()),
        };
        let role =
            |it: Role| TemplateRole { order: it.signing_order.as_ref().and_then(order), name: it.name };
        let mut fields: Vec<String> = self.fields.into_iter().filter_map(|it| it.merge_field).collect();
        fields.sort_unstable();
        fields.dedup();
        OurTemplate {
            id: self.id,
            name: self.name.unwrap_or_default(),
            roles: Some(self.roles.into_iter().map(role).collect()),
            fields: Some(fields),
            usable: true,
        }
    }
}
