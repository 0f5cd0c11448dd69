//! The order of facts about one record. Facts arrive late, twice and out of order; the newest one stays.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::link::Link;
use super::time::Timestamp;

/// A digest of what a record would say in Twenty. Equal digests: nothing to say.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub String);

/// A place in the order of facts about one record. The order is total, so that ties fall the same way
/// everywhere: by when Whop says it changed, then by when we read it, then by what it says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Revision {
    /// Whop's own time of change; the epoch for records that do not carry one.
    pub changed_at: Timestamp,
    /// When we read it.
    pub read_at: Timestamp,
    pub fingerprint: Fingerprint,
}

impl fmt::Display for Revision {
    /// A text that sorts as the revision does, for conditional writes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (changed, read) = (self.changed_at.millis().max(0), self.read_at.millis().max(0));
        write!(f, "{changed:015}.{read:015}.{}", self.fingerprint.0)
    }
}

/// What a fact is to the record it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// The first we hear of it.
    First,
    /// It says something else, and is newer.
    Changed,
    /// It says the same, but is newer: only the place in the order moves.
    Later,
    /// It says what we know.
    Same,
    /// It is older than what we know.
    Stale,
}

/// Places a fact.
pub fn place(known: Option<&Link>, fact: &Revision) -> News {
    let Some(known) = known.map(|link| &link.revision) else {
        return News::First;
    };
    if known.fingerprint == fact.fingerprint {
        return if fact.changed_at > known.changed_at {
            News::Later
        } else {
            News::Same
        };
    }
    if fact > known { News::Changed } else { News::Stale }
}
