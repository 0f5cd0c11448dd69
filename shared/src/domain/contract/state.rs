//! The one state machine of a contract.
//!
//! Providers repeat, delay and reorder what they tell. So what is kept is a set of facts that only grows: how far
//! anybody got, when trouble was last seen, when all was well, and the end. Joining facts in any order and any
//! number of times gives the same set, and the state is read off it. An end is final: the first one stays.

use serde::{Deserialize, Serialize};

use super::observed::Detail;
use crate::domain::time::Timestamp;

/// The states of a contract, the same for every provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Wished for, or prepared at the provider; nobody was asked to sign yet.
    Draft,
    Sent,
    Viewed,
    PartiallySigned,
    Completed,
    Declined,
    /// Ended by the sender's side.
    Voided,
    Expired,
    /// Stuck. Final only where [`Life::is_over`] says so.
    Error,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Draft,
        Self::Sent,
        Self::Viewed,
        Self::PartiallySigned,
        Self::Completed,
        Self::Declined,
        Self::Voided,
        Self::Expired,
        Self::Error,
    ];

    /// The word in records and interfaces.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Sent => "sent",
            Self::Viewed => "viewed",
            Self::PartiallySigned => "partially_signed",
            Self::Completed => "completed",
            Self::Declined => "declined",
            Self::Voided => "voided",
            Self::Expired => "expired",
            Self::Error => "error",
        }
    }

    /// True for the four ends that every provider knows. [`State::Error`] is judged by [`Life::is_over`].
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Declined | Self::Voided | Self::Expired)
    }
}

/// How far an unfinished contract got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reached {
    #[default]
    Draft,
    Sent,
    Viewed,
    PartiallySigned,
}

/// How a contract ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum End {
    Completed {
        at: Timestamp,
    },
    Declined {
        at: Timestamp,
        reason: Option<String>,
    },
    Voided {
        at: Timestamp,
        reason: Option<String>,
    },
    Expired {
        at: Timestamp,
    },
    /// It could never be sent; the reason is a word for people.
    Failed {
        at: Timestamp,
        reason: Option<String>,
    },
}

impl End {
    /// The state it is.
    pub fn state(&self) -> State {
        match self {
            Self::Completed { .. } => State::Completed,
            Self::Declined { .. } => State::Declined,
            Self::Voided { .. } => State::Voided,
            Self::Expired { .. } => State::Expired,
            Self::Failed { .. } => State::Error,
        }
    }

    /// When.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Completed { at }
            | Self::Declined { at, .. }
            | Self::Voided { at, .. }
            | Self::Expired { at }
            | Self::Failed { at, .. } => *at,
        }
    }

    /// Why, where somebody said so.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Declined { reason, .. } | Self::Voided { reason, .. } | Self::Failed { reason, .. } => {
                reason.as_deref()
            }
            Self::Completed { .. } | Self::Expired { .. } => None,
        }
    }

    /// The same end, told twice: the earlier time and the known reason stay, so that order does not matter.
    fn join(&mut self, other: Self) {
        let reason = |mine: &mut Option<String>, other: Option<String>| {
            // The longer text, then the greater one: any fixed choice will do.
            let key = |it: &Option<String>| it.as_ref().map(|text| (text.len(), text.clone()));
            if key(&other) > key(mine) {
                *mine = other;
            }
        };
        match (self, other) {
            (Self::Completed { at }, Self::Completed { at: other })
            | (Self::Expired { at }, Self::Expired { at: other }) => *at = (*at).min(other),
            (Self::Declined { at, reason: mine }, Self::Declined { at: other, reason: theirs })
            | (Self::Voided { at, reason: mine }, Self::Voided { at: other, reason: theirs })
            | (Self::Failed { at, reason: mine }, Self::Failed { at: other, reason: theirs }) => {
                *at = (*at).min(other);
                reason(mine, theirs);
            }
            // Another end than the first one: the first stays.
            (
                Self::Completed { .. }
                | Self::Declined { .. }
                | Self::Voided { .. }
                | Self::Expired { .. }
                | Self::Failed { .. },
                _,
            ) => {}
        }
    }
}

/// The life of a contract, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Life {
    pub reached: Reached,
    /// When it first was known to be out, and to be looked at.
    pub sent_at: Option<Timestamp>,
    pub viewed_at: Option<Timestamp>,
    /// The latest moment at which it was seen stuck, and the latest at which it was not.
    pub stuck_at: Option<Timestamp>,
    pub well_at: Option<Timestamp>,
    /// What keeps it where it is, as it was said last.
    pub detail: Option<(Timestamp, Detail)>,
    /// When it will expire, as it was said last.
    pub expiry: Option<(Timestamp, Timestamp)>,
    pub end: Option<End>,
}

impl Life {
    /// The state, read off the facts.
    pub fn state(&self) -> State {
        if let Some(end) = &self.end {
            return end.state();
        }
        if self.stuck_at.is_some() && self.stuck_at > self.well_at {
            return State::Error;
        }
        match self.reached {
            Reached::Draft => State::Draft,
            Reached::Sent => State::Sent,
            Reached::Viewed => State::Viewed,
            Reached::PartiallySigned => State::PartiallySigned,
        }
    }

    /// True once nothing can move it any more.
    pub fn is_over(&self) -> bool {
        self.end.is_some()
    }

    /// What keeps it where it is. What holds a draft back is past once signers were asked.
    pub fn detail(&self) -> Option<&Detail> {
        let (_, detail) = self.detail.as_ref().filter(|_| !self.is_over())?;
        let past = self.reached > Reached::Draft && detail.is_of_drafts();
        (!past).then_some(detail)
    }

    /// When it will expire, as the provider says.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expiry.map(|(_, at)| at)
    }

    /// It could never be sent; `reason` is for people.
    pub fn fail(&mut self, at: Timestamp, reason: &str) {
        self.finish(End::Failed { at, reason: Some(reason.to_owned()) });
    }

    pub(super) fn expire_at(&mut self, as_of: Timestamp, at: Timestamp) {
        self.expiry = self.expiry.max(Some((as_of, at)));
    }

    /// It got at least so far.
    pub(super) fn reach(&mut self, reached: Reached) {
        self.reached = self.reached.max(reached);
    }

    pub(super) fn stuck(&mut self, as_of: Timestamp) {
        self.stuck_at = self.stuck_at.max(Some(as_of));
    }

    pub(super) fn well(&mut self, as_of: Timestamp) {
        self.well_at = self.well_at.max(Some(as_of));
    }

    pub(super) fn say(&mut self, as_of: Timestamp, detail: Detail) {
        self.detail = self.detail.take().max(Some((as_of, detail)));
    }

    /// It ended so. The first end stays; the same end told again only adds what was missing.
    pub(super) fn finish(&mut self, end: End) {
        match &mut self.end {
            Some(known) => known.join(end),
            None => self.end = Some(end),
        }
    }
}

/// The earlier of two moments, if any is known.
pub(super) fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
