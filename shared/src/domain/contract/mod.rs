//! Contracts and their life from the wish to the signature.
//!
//! Pure: no clock, no network, no storage. What a provider tells can come twice, late and in any order; the end is
//! the same.

pub mod account;
pub mod dispatch;
pub mod keeping;
pub mod note;
pub mod observed;
pub mod owed;
pub mod provider;
pub mod record;
pub mod request;
pub mod rule;
pub mod settings;
pub mod signer;
pub mod source;
pub mod state;
pub mod template;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::dispatch::{Dispatch, NextCall, SendStep};
pub use self::keeping::{CancelWish, Cause, SignedFile, Told};
pub use self::observed::{Detail, Observed, Overall, SignerSeen, SignerState};
pub use self::owed::{Owed, Shown};
pub use self::provider::{ProviderName, UnknownProvider};
pub use self::request::{ContractRequest, Invalid};
pub use self::signer::Signer;
pub use self::source::{Reminders, Source, SourceFile};
pub use self::state::{End, Life, Reached, State};

use self::state::earlier;

use crate::domain::id::{ContractId, CrmId, SignatureRequestId, WorkspaceId};
use crate::domain::time::Timestamp;

/// A contract: the wish, how far sending came, and its life.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    pub id: ContractId,
    pub workspace: WorkspaceId,
    /// Who sends it; stays when the workspace chooses another.
    pub provider: ProviderName,
    /// Its id there.
    #[serde(default)]
    pub request: Option<SignatureRequestId>,
    pub title: String,
    pub subject: String,
    #[serde(default)]
    pub message: Option<String>,
    pub source: Source,
    pub signers: Vec<Signer>,
    /// Values for fields of the template, by the field's name.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// The caller's own names and values.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// Days from sending.
    #[serde(default)]
    pub expires_in_days: Option<u16>,
    #[serde(default)]
    pub reminders: Option<Reminders>,
    #[serde(default)]
    pub person: Option<CrmId>,
    #[serde(default)]
    pub opportunity: Option<CrmId>,
    pub cause: Cause,
    pub requested_at: Timestamp,
    pub dispatch: Dispatch,
    #[serde(default)]
    pub life: Life,
    #[serde(default)]
    pub cancel: Option<CancelWish>,
    #[serde(default)]
    pub signed_file: Option<SignedFile>,
    #[serde(default)]
    pub told: Told,
    /// When we last read it at the provider; some ration that.
    #[serde(default)]
    pub read_at: Option<Timestamp>,
    /// When the schedule is to come back to it; see [`Contract::look_after_at`].
    #[serde(default)]
    pub look_again_at: Option<Timestamp>,
    /// Counts every write; one that read an older version does not land.
    #[serde(default)]
    pub version: u64,
}

impl fmt::Debug for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contract")
            .field("id", &self.id)
            .field("provider", &self.provider)
            .field("state", &self.state())
            .field("dispatch", &self.dispatch)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// What an observation means for a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Something is new. `from` and `to` are equal when only details are.
    Move { next: Box<Contract>, from: State, to: State },
    /// Nothing is new.
    Stay,
}

impl Contract {
    /// The state.
    pub fn state(&self) -> State {
        self.life.state()
    }

    /// How far a signer is, in the light of the whole: nobody waits in a contract that is over.
    pub fn signer_state(&self, signer: &Signer) -> SignerState {
        match (self.state(), signer.state()) {
            (State::Completed, _) => SignerState::Signed,
            (State::Expired, state) if state < SignerState::Expired => SignerState::Expired,
            (_, state) => state,
        }
    }

    /// What sending must do next.
    pub fn next_call(&self) -> NextCall {
        if self.life.is_over() || self.cancel.is_some() {
            return NextCall::Nothing;
        }
        match self.dispatch {
            Dispatch::Requested => NextCall::Step(SendStep::Create),
            Dispatch::Creating { .. } => NextCall::LookUp,
            Dispatch::Created { next, .. } => NextCall::Step(next),
            // An approval inside the provider's account wants a second sending.
            Dispatch::Sent { .. } if self.life.detail() == Some(&Detail::Approved) => {
                NextCall::Step(SendStep::Send)
            }
            Dispatch::Sent { .. } => NextCall::Nothing,
        }
    }

    /// Takes in what a provider says. Any order and any number of repeats come to the same contract, and an end
    /// is never left.
    pub fn on(&self, observed: &Observed) -> Change {
        let mut next = self.clone();
        next.join(observed);
        if next == *self {
            return Change::Stay;
        }
        let (from, to) = (self.state(), next.state());
        Change::Move { next: Box::new(next), from, to }
    }

    fn join(&mut self, observed: &Observed) {
        let as_of = observed.as_of;
        for seen in &observed.signers {
            self.join_signer(as_of, seen);
        }
        if let Some(at) = observed.expires_at {
            self.life.expire_at(as_of, at);
        }
        if let Some(detail) = &observed.detail {
            self.life.say(as_of, detail.clone());
        }
        if let Some(overall) = &observed.overall {
            self.join_overall(as_of, overall.clone());
        }
    }

    /// The address decides, then the id, then the role: a request can be handed on to another address.
    fn join_signer(&mut self, as_of: Timestamp, seen: &SignerSeen) {
        let ways = [Signer::has_email, Signer::has_id, Signer::has_role];
        let row = ways.iter().find_map(|fits| self.signers.iter().position(|signer| fits(signer, seen)));
        let Some(signer) = row.and_then(|row| self.signers.get_mut(row)) else { return };
        signer.progress.join(as_of, seen);
        let reached = match seen.state {
            Some(SignerState::Signed) => Reached::PartiallySigned,
            Some(SignerState::Viewed) => Reached::Viewed,
            Some(SignerState::Sent) => Reached::Sent,
            Some(
                SignerState::Waiting | SignerState::Error | SignerState::Expired | SignerState::Declined,
            )
            | None => Reached::Draft,
        };
        self.life.reach(reached);
        self.life.viewed_at = earlier(self.life.viewed_at, seen.viewed_at);
        self.life.sent_at = earlier(self.life.sent_at, seen.sent_at);
    }

    fn join_overall(&mut self, as_of: Timestamp, overall: Overall) {
        let when = |at: Option<Timestamp>| at.unwrap_or(as_of);
        match overall {
            Overall::Draft => self.reach(as_of, Reached::Draft),
            Overall::Sent => self.reach(as_of, Reached::Sent),
            Overall::Viewed => self.reach(as_of, Reached::Viewed),
            Overall::PartiallySigned => self.reach(as_of, Reached::PartiallySigned),
            Overall::Stuck => self.life.stuck(as_of),
            Overall::Completed { at } => self.life.finish(End::Completed { at: when(at) }),
            Overall::Declined { at, reason } => self.life.finish(End::Declined { at: when(at), reason }),
            Overall::Voided { at, reason } => self.life.finish(End::Voided { at: when(at), reason }),
            Overall::Expired { at } => self.life.finish(End::Expired { at: when(at) }),
            Overall::Failed => self.life.finish(End::Failed { at: as_of, reason: None }),
            Overall::VoidedIfAsked { at } => self.life.finish(self.voided_or_expired(when(at))),
            Overall::DeclinedUnlessAsked { at, reason } => match &self.cancel {
                Some(wish) if wish.accepted_at.is_some() => {
                    let reason = Some(wish.reason.clone());
                    self.life.finish(End::Voided { at: when(at), reason });
                }
                _ => self.life.finish(End::Declined { at: when(at), reason }),
            },
            Overall::Gone => {
                if let Some(wish) = &self.cancel {
                    let reason = Some(wish.reason.clone());
                    self.life.finish(End::Voided { at: as_of, reason });
                }
            }
        }
    }

    /// A wish that the provider had not taken up did not end what was over by then.
    fn voided_or_expired(&self, at: Timestamp) -> End {
        let over = self.life.expires_at().is_some_and(|end| end <= at);
        match &self.cancel {
            Some(wish) if wish.accepted_at.is_some() || !over => {
                End::Voided { at, reason: Some(wish.reason.clone()) }
            }
            _ => End::Expired { at },
        }
    }

    fn reach(&mut self, as_of: Timestamp, reached: Reached) {
        self.life.reach(reached);
        if reached >= Reached::Sent {
            self.life.sent_at = earlier(self.life.sent_at, Some(as_of));
        }
        if reached == Reached::Viewed {
            self.life.viewed_at = earlier(self.life.viewed_at, Some(as_of));
        }
        self.life.well(as_of);
    }
}

#[cfg(test)]
mod tests;
