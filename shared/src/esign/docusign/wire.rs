//! `DocuSign`'s answers, and what they mean in our words.

use serde::Deserialize;

use crate::domain::contract::request::{Template as OurTemplate, TemplateRole};
use crate::domain::contract::{Detail, Observed, Overall, SignerSeen, SignerState};
use crate::domain::id::{SignatureRequestId, TemplateId};
use crate::domain::time::Timestamp;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Made {
    pub(super) envelope_id: SignatureRequestId,
    pub(super) status_date_time: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Envelopes {
    pub(super) envelope_transaction_statuses: Option<Vec<Listed>>,
    pub(super) envelopes: Option<Vec<Listed>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listed {
    pub(super) transaction_id: Option<String>,
    pub(super) envelope_id: Option<SignatureRequestId>,
    pub(super) status: Option<String>,
}

/// An envelope as a read shows it, and as an event carries it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Envelope {
    pub(super) status: Option<String>,
    completed_date_time: Option<String>,
    declined_date_time: Option<String>,
    voided_date_time: Option<String>,
    voided_reason: Option<String>,
    expire_date_time: Option<String>,
    pub(super) recipients: Option<Recipients>,
    pub(super) custom_fields: Option<CustomFields>,
}

#[derive(Deserialize)]
pub(super) struct Recipients {
    #[serde(default)]
    pub(super) signers: Vec<Signer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Signer {
    pub(super) recipient_id: Option<String>,
    email: Option<String>,
    role_name: Option<String>,
    routing_order: Option<String>,
    status: Option<String>,
    sent_date_time: Option<String>,
    delivered_date_time: Option<String>,
    signed_date_time: Option<String>,
    declined_date_time: Option<String>,
    declined_reason: Option<String>,
    tabs: Option<Tabs>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CustomFields {
    #[serde(default)]
    pub(super) text_custom_fields: Vec<CustomField>,
}

#[derive(Deserialize)]
pub(super) struct CustomField {
    pub(super) name: Option<String>,
    pub(super) value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Templates {
    pub(super) envelope_templates: Option<Vec<Template>>,
    pub(super) total_set_size: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Template {
    #[serde(rename = "templateId")]
    id: Option<TemplateId>,
    name: Option<String>,
    recipients: Option<Recipients>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tabs {
    #[serde(default)]
    text_tabs: Vec<Tab>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tab {
    tab_label: Option<String>,
}

/// The reason that stands for an end of time.
const EXPIRED: &str = "Envelope has expired.";

/// A time with any number of fraction digits.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

fn maybe_time(text: Option<&String>) -> Option<Timestamp> {
    time(text?)
}

impl Envelope {
    /// What it says, in our words. A word that came later than this code says nothing.
    pub(super) fn observed(&self, as_of: Timestamp) -> Observed {
        let signers: Vec<SignerSeen> =
            self.recipients.iter().flat_map(|it| &it.signers).map(Signer::seen).collect();
        let word = self.status.as_deref().unwrap_or_default();
        let overall = self.overall(word, &signers);
        let unknown = overall.is_none() && !word.is_empty();
        Observed {
            as_of,
            detail: unknown.then(|| Detail::Other(word.to_owned())),
            overall,
            signers,
            expires_at: maybe_time(self.expire_date_time.as_ref()),
        }
    }

    fn overall(&self, word: &str, signers: &[SignerSeen]) -> Option<Overall> {
        let any = |state: SignerState| signers.iter().any(|signer| signer.state == Some(state));
        let completed = maybe_time(self.completed_date_time.as_ref());
        let declined = maybe_time(self.declined_date_time.as_ref());
        Some(match word {
            "created" | "processing" => Overall::Draft,
            "sent" | "delivered" | "signed" | "correct" if any(SignerState::Signed) => {
                Overall::PartiallySigned
            }
            "sent" | "signed" | "correct" if any(SignerState::Viewed) => Overall::Viewed,
            "delivered" => Overall::Viewed,
            "sent" | "signed" | "correct" => Overall::Sent,
            "completed" => Overall::Completed { at: completed },
            "declined" => Overall::Declined { at: declined, reason: declined_reason(signers) },
            "timedout" => Overall::Expired { at: maybe_time(self.voided_date_time.as_ref()) },
            // A sender can take a finished envelope out of the folder; that ends nothing.
            "deleted" if completed.is_some() => Overall::Completed { at: completed },
            "deleted" if declined.is_some() => {
                Overall::Declined { at: declined, reason: declined_reason(signers) }
            }
            "voided" | "deleted" => self.voided(),
            _ => return None,
        })
    }

    /// Ended by the sender, or by time: only the reason tells.
    pub(super) fn voided(&self) -> Overall {
        let at = maybe_time(self.voided_date_time.as_ref());
        match self.voided_reason.as_deref() {
            Some(EXPIRED) => Overall::Expired { at },
            reason => Overall::Voided { at, reason: reason.map(str::to_owned) },
        }
    }

    /// The value of a field of ours.
    pub(super) fn own(&self, name: &str) -> Option<&str> {
        let mut fields = self.custom_fields.iter().flat_map(|it| &it.text_custom_fields);
        fields.find(|field| field.name.as_deref() == Some(name))?.value.as_deref()
    }
}

fn declined_reason(signers: &[SignerSeen]) -> Option<String> {
    signers.iter().find_map(|signer| signer.reason.clone())
}

impl Signer {
    pub(super) fn seen(&self) -> SignerSeen {
        let state = match self.status.as_deref().unwrap_or_default() {
            "created" => Some(SignerState::Waiting),
            "sent" => Some(SignerState::Sent),
            "delivered" => Some(SignerState::Viewed),
            "signed" | "completed" | "faxpending" => Some(SignerState::Signed),
            "declined" => Some(SignerState::Declined),
            "autoresponded" => Some(SignerState::Error),
            _ => None,
        };
        SignerSeen {
            id: self.recipient_id.clone(),
            email: self.email.clone(),
            role: self.role_name.clone(),
            state,
            sent_at: maybe_time(self.sent_date_time.as_ref()),
            viewed_at: maybe_time(self.delivered_date_time.as_ref()),
            signed_at: maybe_time(self.signed_date_time.as_ref()),
            declined_at: maybe_time(self.declined_date_time.as_ref()),
            reason: self.declined_reason.clone(),
        }
    }
}

impl Template {
    /// The template as far as we need it; nothing if it has no usable id.
    pub(super) fn into_ours(self) -> Option<OurTemplate> {
        let signers = self.recipients.map(|it| it.signers);
        let role = |it: &Signer| {
            let order = it.routing_order.as_deref().and_then(|order| order.parse().ok());
            Some(TemplateRole { name: it.role_name.clone()?, order })
        };
        let roles = signers.as_ref().map(|all| all.iter().filter_map(role).collect());
        let label = |tab: &Tab| tab.tab_label.clone();
        let fields = signers.as_ref().filter(|all| all.iter().any(|it| it.tabs.is_some())).map(|all| {
            let tabs = all.iter().filter_map(|it| it.tabs.as_ref()).flat_map(|it| &it.text_tabs);
            let mut labels: Vec<String> = tabs.filter_map(label).collect();
            labels.sort_unstable();
            labels.dedup();
            labels
        });
        let name = self.name.unwrap_or_default();
        Some(OurTemplate { id: self.id?, name, roles, fields, usable: true })
    }
}
