//! Deliveries: what Whop's webhook brought.

use async_graphql::{Enum, ID, SimpleObject};
use shared::domain::delivery::{Effect, Progress, StoredDelivery};

use super::time::DateTime;

/// How far a delivery has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum DeliveryState {
    /// It is being worked on.
    Running,
    /// Its effect is in Twenty, or it has none.
    Done,
    /// A partner was out of reach too often; it is tried again with the next scheduled sync.
    Waiting,
    /// It can never succeed; `reason` says why.
    Failed,
}

/// What a delivery came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Effect")]
pub(crate) enum DeliveryEffect {
    /// The records it is about were brought up to date.
    Applied,
    /// It is about nothing that we keep in Twenty.
    NotMirrored,
    /// This version does not know its event. It is kept and can be replayed after an update.
    Unknown,
    /// It belongs to another Whop account.
    OtherAccount,
}

/// One arrival of an event of Whop's.
#[derive(SimpleObject)]
pub(crate) struct Delivery {
    /// Its id; give it to `replayDeliveries`.
    id: ID,
    /// The event, as Whop names it; null if it was not read yet.
    event: Option<String>,
    /// When it arrived.
    received_at: DateTime,
    /// How far it has come.
    state: DeliveryState,
    /// What it came to; null until it is done.
    effect: Option<DeliveryEffect>,
    /// Why it is waiting or failed.
    reason: Option<String>,
    /// When it was done, waiting or failed.
    ended_at: Option<DateTime>,
}

impl From<StoredDelivery> for Delivery {
    fn from(stored: StoredDelivery) -> Self {
        let (state, effect, reason, ended_at) = match stored.progress {
            Progress::Running { .. } => (DeliveryState::Running, None, None, None),
            Progress::Done { at, what } => (DeliveryState::Done, Some(what.into()), None, Some(at.into())),
            Progress::Waiting { at, reason } => (DeliveryState::Waiting, None, Some(reason), Some(at.into())),
            Progress::Failed { at, reason } => (DeliveryState::Failed, None, Some(reason), Some(at.into())),
        };
        let (id, received_at) = (stored.id.as_str().into(), stored.received_at.into());
        Self { id, event: stored.event, received_at, state, effect, reason, ended_at }
    }
}

/// The answer to replaying deliveries.
#[derive(SimpleObject)]
pub(crate) struct ReplayedDeliveries {
    /// How many were put on the queue again.
    pub(crate) count: usize,
}

/// An event that this version does not know.
#[derive(SimpleObject)]
pub(crate) struct UnknownEvent {
    /// The event, as Whop names it.
    pub(crate) event: String,
    /// How many deliveries of it are kept.
    pub(crate) count: u64,
}
