//! Time and fresh randomness, as values that are passed in. Nothing else may ask for either.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::domain::time::Timestamp;

/// Where the present moment comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine.
    System,
    /// A cell that somebody else moves, in milliseconds since the Unix epoch. To sleep is to move it.
    Stepped(Arc<AtomicI64>),
}

impl Clock {
    /// The present moment.
    #[expect(clippy::disallowed_methods, reason = "this is where the time comes from")]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Self::Stepped(cell) => Timestamp::from_millis(cell.load(Ordering::SeqCst)),
        }
    }

    /// Waits.
    pub async fn sleep(&self, time: Duration) {
        match self {
            Self::System => tokio::time::sleep(time).await,
            Self::Stepped(cell) => {
                let until = (self.now() + time).millis();
                cell.fetch_max(until, Ordering::SeqCst);
                tokio::task::yield_now().await;
            }
        }
    }
}
