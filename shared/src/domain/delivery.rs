//! One arrival of a webhook, bytes as they came, and how far we are with it.

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

impl Progress {
    /// True while working the delivery off from its bytes could still come to something: it was not, or its
    /// event was not applied. An event that was applied is a hint that did its work; the records it named are
    /// in the CRM, and its bytes are nobody's business any more.
    pub fn needs_bytes(&self) -> bool {
        !matches!(self, Self::Done { what: Effect::Applied, .. })
    }
}

/// A delivery as stored. Until it is settled the first time, its bytes are those of its message on the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredDelivery {
    pub id: DeliveryId,
    pub endpoint: EndpointId,
    pub received_at: Timestamp,
    /// The body, where working it off again could come to something.
    #[serde(default)]
    pub body: Option<String>,
    pub progress: Progress,
    /// The event's name, once it was read.
    #[serde(default)]
    pub event: Option<String>,
}

impl StoredDelivery {
    /// The delivery as it arrived, if its bytes are kept.
    pub fn delivery(&self) -> Option<Delivery> {
        Some(Delivery {
            id: self.id.clone(),
            endpoint: self.endpoint.clone(),
            body: self.body.clone()?,
            received_at: self.received_at,
        })
    }
}
