//! One arrival of a webhook, bytes kept as they came, and how far we are with it.

use serde::{Deserialize, Serialize};

use super::id::{DeliveryId, EndpointId};
use super::time::Timestamp;

/// A delivery whose signature was checked at the door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub id: DeliveryId,
    pub endpoint: EndpointId,
    /// The body, byte for byte; JSON is text.
    pub body: String,
    pub received_at: Timestamp,
}

/// How far a delivery has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Progress {
    /// Somebody works on it until then; after that anybody may.
    Running { until: Timestamp },
    /// Its effect is in the CRM, or it has none.
    Done { at: Timestamp, what: Effect },
    /// It waits for its message to come again: it was tried in vain, or a person wants it done again.
    Waiting { at: Timestamp, reason: String },
    /// It can never succeed, for this reason.
    Failed { at: Timestamp, reason: String },
}

/// What a delivery came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The records it is about were brought up to date.
    Applied,
    /// Its event is known and concerns nothing we mirror.
    NotMirrored,
    /// Its event is not known to this version; kept, and replayable after an update.
    Unknown,
    /// It belongs to another account than the connection's.
    OtherAccount,
}

/// The answer to beginning work on a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// It is ours to do.
    Started,
    /// Somebody else is at it until then.
    Running { until: Timestamp },
    /// It is done.
    Done,
}

/// A delivery as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredDelivery {
    pub delivery: Delivery,
    pub progress: Progress,
    /// The event's name, once it was read.
    #[serde(default)]
    pub event: Option<String>,
}
