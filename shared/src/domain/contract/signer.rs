//! Somebody who signs, and how far they are.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::observed::{SignerSeen, SignerState};
use super::state::earlier;
use crate::domain::time::Timestamp;

/// A signer of a contract. Their e-mail address is unique in it, whatever its case.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    pub name: String,
    pub email: String,
    /// The template's role; for a file, a word for people.
    #[serde(default)]
    pub role: Option<String>,
    /// 1 signs first; equal numbers sign beside each other.
    pub order: u16,
    #[serde(default)]
    pub progress: SignerProgress,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("order", &self.order)
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

impl Signer {
    /// Somebody who was not asked yet.
    pub fn new(name: &str, email: &str, role: Option<&str>, order: u16) -> Self {
        Self {
            name: name.to_owned(),
            email: email.to_owned(),
            role: role.map(str::to_owned),
            order,
            progress: SignerProgress::default(),
        }
    }

    /// How far they are.
    pub fn state(&self) -> SignerState {
        self.progress.state()
    }

    /// The provider's id of them, once it is known; the latest, where it changes with the address.
    pub fn id(&self) -> Option<&str> {
        self.progress.id.as_ref().map(|(_, id)| id.as_str())
    }

    pub(super) fn has_email(&self, seen: &SignerSeen) -> bool {
        seen.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(&self.email))
    }

    pub(super) fn has_id(&self, seen: &SignerSeen) -> bool {
        seen.id.as_deref().is_some_and(|id| self.id() == Some(id))
    }

    pub(super) fn has_role(&self, seen: &SignerSeen) -> bool {
        seen.role.is_some() && self.role == seen.role
    }
}

/// The facts about a signer. They only grow, so that their order does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SignerProgress {
    /// The provider's id of them, and when it was said.
    id: Option<(Timestamp, String)>,
    /// The furthest state, trouble apart.
    reached: Option<SignerState>,
    /// The latest moment at which they were seen in trouble, and the latest at which they were not.
    trouble_at: Option<Timestamp>,
    well_at: Option<Timestamp>,
    pub sent_at: Option<Timestamp>,
    pub viewed_at: Option<Timestamp>,
    pub signed_at: Option<Timestamp>,
    pub declined_at: Option<Timestamp>,
    /// Why they declined, in their words.
    pub reason: Option<String>,
    /// When somebody last asked us to remind them, and we did.
    pub reminded_at: Option<Timestamp>,
}

impl SignerProgress {
    /// The state, read off the facts. Who looked at the contract has no trouble with their mail.
    pub fn state(&self) -> SignerState {
        let reached = self.reached.unwrap_or(SignerState::Waiting);
        let trouble = self.trouble_at.is_some() && self.trouble_at >= self.well_at;
        if trouble && reached < SignerState::Viewed { SignerState::Error } else { reached }
    }

    pub(super) fn join(&mut self, as_of: Timestamp, seen: &SignerSeen) {
        match seen.state {
            Some(SignerState::Error) => self.trouble_at = self.trouble_at.max(Some(as_of)),
            Some(state) => {
                self.well_at = self.well_at.max(Some(as_of));
                self.reached = self.reached.max(Some(state));
            }
            None => {}
        }
        let id = seen.id.clone().map(|id| (as_of, id));
        self.id = self.id.take().max(id);
        self.sent_at = earlier(self.sent_at, seen.sent_at);
        self.viewed_at = earlier(self.viewed_at, seen.viewed_at);
        self.signed_at = earlier(self.signed_at, seen.signed_at);
        self.declined_at = earlier(self.declined_at, seen.declined_at);
        // Any fixed choice between two texts will do.
        self.reason = self.reason.take().max(seen.reason.clone());
    }
}
