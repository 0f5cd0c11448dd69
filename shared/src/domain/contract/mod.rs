//! Contracts and their life from the wish to the signature.
//!
//! Pure: no clock, no network, no storage. What a provider tells can come twice, late and in any order; the end is
//! the same.

pub mod account;
pub mod event;
pub mod observed;
pub mod request;
pub mod settings;
pub mod signer;
pub mod state;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::observed::{Detail, Observed, Overall, SignerSeen, SignerState};
pub use self::request::{ContractRequest, Invalid};
pub use self::signer::Signer;
pub use self::state::{End, Life, Reached, State};

use self::state::earlier;

use crate::domain::id::{ContractId, CrmId, SignatureRequestId, TemplateId, WorkspaceId};
use crate::domain::time::Timestamp;

/// The providers we speak to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderName {
    #[serde(rename = "docusign")]
    DocuSign,
    DropboxSign,
    #[serde(rename = "pandadoc")]
    PandaDoc,
}

impl ProviderName {
    /// All three.
    pub const ALL: [Self; 3] = [Self::DocuSign, Self::DropboxSign, Self::PandaDoc];

    /// The word in settings, paths and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DocuSign => "docusign",
            Self::DropboxSign => "dropbox_sign",
            Self::PandaDoc => "pandadoc",
        }
    }

    /// The least time between two reads of one contract. `DocuSign` allows one in 15 minutes; the others count
    /// calls of the account.
    pub fn read_at_most_every(self) -> Duration {
        match self {
            Self::DocuSign => Duration::from_mins(15),
            Self::DropboxSign | Self::PandaDoc => Duration::from_mins(1),
        }
    }

    /// True if the provider reminds signers by itself. Where it does not, we ask it to, signer by signer.
    pub fn reminds_by_itself(self) -> bool {
        match self {
            Self::DocuSign | Self::PandaDoc => true,
            Self::DropboxSign => false,
        }
    }
}

/// A provider we do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an e-signature provider")]
pub struct UnknownProvider;

impl std::str::FromStr for ProviderName {
    type Err = UnknownProvider;
    fn from_str(text: &str) -> Result<Self, UnknownProvider> {
        Self::ALL.into_iter().find(|it| it.as_str() == text).ok_or(UnknownProvider)
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum Source {
    /// A document prepared at the provider.
    Template { template: TemplateId },
    /// A PDF that we keep until it is sent.
    File(SourceFile),
}

/// A PDF to be signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// Its name, ending in `.pdf`.
    pub name: String,
    /// Where we keep it.
    pub key: String,
    pub bytes: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// When signers are reminded, in days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminders {
    /// From sending to the first one.
    pub first_after_days: u16,
    /// From one to the next; none means once only.
    pub then_every_days: Option<u16>,
}

/// Why there is a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause {
    /// Somebody asked, by this means.
    Person { by: String },
    /// A rule of the workspace, for this membership or opportunity, once.
    Automation { automation: String, subject: String },
}

/// How far sending came. Creating is idempotent nowhere; see [`Contract::next_call`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "dispatch", rename_all = "snake_case")]
pub enum Dispatch {
    /// Nothing was said to the provider yet.
    Requested,
    /// A call that creates was begun. Whether it arrived is known by looking it up.
    Creating { since: Timestamp },
    /// It exists at the provider, and this is to be done next.
    Created { next: SendStep, since: Timestamp },
    /// Signers were asked.
    Sent { at: Timestamp },
}

/// The steps from a wish to a request that signers have. Only `PandaDoc` has all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SendStep {
    Create,
    /// The provider prepares the document.
    AwaitDraft,
    /// Expiry.
    Configure,
    Remind,
    Send,
}

/// What sending must do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextCall {
    /// An earlier attempt may have created it: find it by our own id, or create it if it is not there.
    LookUp,
    /// This step.
    Step(SendStep),
    /// Nothing.
    Nothing,
}

/// Somebody wants the contract ended. Kept before the provider is told, because two of its words mean
/// something else without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelWish {
    pub reason: String,
    pub at: Timestamp,
    /// When the provider took it up.
    #[serde(default)]
    pub accepted_at: Option<Timestamp>,
}

/// The signed file as we keep it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedFile {
    pub key: String,
    pub bytes: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
    pub kept_at: Timestamp,
}

/// What the CRM was told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    /// The record of the contract.
    pub record: Option<CrmId>,
    /// The state that record shows.
    pub state: Option<State>,
    /// States for which there is a note.
    pub noted: Vec<State>,
    /// The signed file hangs on the person.
    pub attachment: Option<CrmId>,
}

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
