//! What a workspace chose for its contracts. What is absent has a default, and nothing is sent by itself unless
//! the workspace says so.

use serde::{Deserialize, Serialize};

use super::{ProviderName, Reminders};
use crate::domain::id::{ProductId, TemplateId};
use crate::domain::time::Timestamp;

/// A workspace's choices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContractSettings {
    /// Counts every replacement; a write that read an older one does not land.
    pub version: u64,
    /// Who sends new contracts. Old ones stay with whom they were sent.
    pub provider: Option<ProviderName>,
    pub automations: Vec<Automation>,
}

/// A rule: when this happens, send that. Once per membership or opportunity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Automation {
    /// The caller's name for it, unique in the workspace: letters, digits, `-` and `_`.
    pub name: String,
    #[serde(default)]
    pub enabled: bool,
    /// Since when it is switched on. What happened before gets nothing sent.
    #[serde(default)]
    pub since: Option<Timestamp>,
    pub trigger: Trigger,
    pub template: TemplateId,
    /// The provider of the template; the workspace's where absent.
    #[serde(default)]
    pub provider: Option<ProviderName>,
    /// The template's role that the person takes.
    pub role: String,
    /// Others who sign, such as the seller.
    #[serde(default)]
    pub others: Vec<FixedSigner>,
    pub subject: String,
    #[serde(default)]
    pub message: Option<String>,
    /// The message is drafted by the AI operations; `message` stands in when that fails.
    #[serde(default)]
    pub ai_message: bool,
    #[serde(default)]
    pub expires_in_days: Option<u16>,
    #[serde(default)]
    pub reminders: Option<Reminders>,
}

/// A signer who is the same in every contract of a rule.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixedSigner {
    pub role: String,
    pub name: String,
    pub email: String,
    pub order: u16,
}

impl std::fmt::Debug for FixedSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FixedSigner").field("role", &self.role).finish_non_exhaustive()
    }
}

/// What a rule waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "when", rename_all = "snake_case")]
pub enum Trigger {
    /// A membership of this product becomes active.
    MembershipActive { product: ProductId },
    /// An opportunity reaches this stage of the CRM.
    OpportunityStage { stage: String },
}

/// Settings nobody can mean.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadSettings(pub String);

impl ContractSettings {
    /// The most rules of a workspace.
    pub const MOST_AUTOMATIONS: usize = 50;

    /// Refuses rules that could not be followed.
    pub fn check(&self) -> Result<(), BadSettings> {
        if self.automations.len() > Self::MOST_AUTOMATIONS {
            return Err(BadSettings("A workspace has fifty contract rules at most.".to_owned()));
        }
        for (row, rule) in self.automations.iter().enumerate() {
            let name = &rule.name;
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            if name.is_empty() || name.len() > 40 || !name.bytes().all(plain) {
                return Err(BadSettings(
                    "The name of a contract rule has 1 to 40 letters, digits, - or _.".to_owned(),
                ));
            }
            if self.automations.iter().take(row).any(|earlier| earlier.name == *name) {
                return Err(BadSettings(format!("There are two contract rules with the name {name}.")));
            }
            if rule.role.trim().is_empty() || rule.subject.trim().is_empty() {
                return Err(BadSettings(format!("The contract rule {name} needs a role and a subject.")));
            }
            if rule.enabled && rule.provider.or(self.provider).is_none() {
                return Err(BadSettings(format!("The contract rule {name} has no provider to send with.")));
            }
        }
        Ok(())
    }

    /// The rules that wait for this and are switched on.
    pub fn rules_for<'a>(&'a self, trigger: &'a Trigger) -> impl Iterator<Item = &'a Automation> {
        self.automations.iter().filter(move |rule| rule.enabled && rule.trigger == *trigger)
    }
}
