//! What a provider says about a contract at one moment, in our words. Adapters make it; nothing here knows a
//! provider's JSON.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;

/// One look at a contract: an event's snapshot, or the answer to a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// When it was so, by the provider's clock; a read's is the moment of its answer.
    pub as_of: Timestamp,
    /// What is said of the whole. Absent where a word was not understood or only signers were spoken of.
    pub overall: Option<Overall>,
    /// The signers that were spoken of.
    pub signers: Vec<SignerSeen>,
    /// What keeps it where it is, such as an approval.
    pub detail: Option<Detail>,
    /// When it will expire, if that was said.
    pub expires_at: Option<Timestamp>,
}

impl Observed {
    /// A look that saw nothing yet.
    pub fn at(as_of: Timestamp) -> Self {
        Self { as_of, overall: None, signers: Vec::new(), detail: None, expires_at: None }
    }

    /// A look at the whole alone.
    pub fn overall(as_of: Timestamp, overall: Overall) -> Self {
        Self { overall: Some(overall), ..Self::at(as_of) }
    }
}

/// What a provider says of the whole. Two words cannot be understood without knowing whether we asked for a
/// cancellation; [`super::Contract::on`] knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overall {
    /// Exists, and nobody was asked yet.
    Draft,
    /// On its way to signers.
    Sent,
    /// Somebody looked.
    Viewed,
    /// Somebody signed, not everybody.
    PartiallySigned,
    /// Everybody signed.
    Completed { at: Option<Timestamp> },
    /// Somebody said no.
    Declined { at: Option<Timestamp>, reason: Option<String> },
    /// The sender's side ended it.
    Voided { at: Option<Timestamp>, reason: Option<String> },
    /// Its time was over.
    Expired { at: Option<Timestamp> },
    /// `PandaDoc`'s `document.voided`: ended by us if we asked for that, else its time was over.
    VoidedIfAsked { at: Option<Timestamp> },
    /// `PandaDoc`'s `document.declined`: ended by us if we set it, else somebody said no.
    DeclinedUnlessAsked { at: Option<Timestamp>, reason: Option<String> },
    /// It is not there any more. After our cancellation that is its success; otherwise nothing is said.
    Gone,
    /// It is stuck, and somebody may mend it at the provider.
    Stuck,
    /// It can never be sent.
    Failed,
}

/// A signer as the provider sees them.
#[derive(Clone, PartialEq, Eq)]
pub struct SignerSeen {
    /// The provider's id of the signer.
    pub id: Option<String>,
    pub email: Option<String>,
    pub role: Option<String>,
    /// Absent where the provider's word was not understood.
    pub state: Option<SignerState>,
    pub sent_at: Option<Timestamp>,
    pub viewed_at: Option<Timestamp>,
    pub signed_at: Option<Timestamp>,
    pub declined_at: Option<Timestamp>,
    /// Why they declined, in their words.
    pub reason: Option<String>,
}

impl fmt::Debug for SignerSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignerSeen").field("id", &self.id).field("state", &self.state).finish_non_exhaustive()
    }
}

impl SignerSeen {
    /// A signer of whom nothing more is known.
    pub fn new(id: Option<String>, email: Option<String>, state: Option<SignerState>) -> Self {
        Self {
            id,
            email,
            role: None,
            state,
            sent_at: None,
            viewed_at: None,
            signed_at: None,
            declined_at: None,
            reason: None,
        }
    }
}

/// How far a signer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignerState {
    /// Not their turn.
    Waiting,
    /// Asked.
    Sent,
    /// The request did not reach them, or they could not prove who they are; they may still sign.
    Error,
    Viewed,
    /// The contract's time was over before they signed.
    Expired,
    Declined,
    Signed,
}

impl SignerState {
    /// The word in records and interfaces.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Error => "error",
            Self::Viewed => "viewed",
            Self::Expired => "expired",
            Self::Declined => "declined",
            Self::Signed => "signed",
        }
    }
}

/// What keeps a contract where it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "detail", content = "word", rename_all = "snake_case")]
pub enum Detail {
    /// The provider still prepares it.
    Processing,
    /// Somebody inside has to agree before it can be sent.
    WaitingApproval,
    /// Somebody inside agreed; it must be sent again.
    Approved,
    /// Somebody inside said no.
    Rejected,
    /// Everybody signed, and a payment is due.
    PaymentPending,
    /// Somebody took it back at the provider; it must be sent there again.
    BackToDraft,
    /// A word of the provider that came later than this code.
    Other(String),
}

impl Detail {
    /// True for what only a contract can meet that nobody was asked to sign yet.
    pub fn is_of_drafts(&self) -> bool {
        match self {
            Self::Processing | Self::WaitingApproval | Self::Approved | Self::Rejected => true,
            Self::PaymentPending | Self::BackToDraft | Self::Other(_) => false,
        }
    }
}
