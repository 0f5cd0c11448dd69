//! The time the stand-ins live in: real, or stepped by a test. It never moves by itself when stepped.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A source of the present moment, shared by every clone.
#[derive(Clone, Debug)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The machine's own clock.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands at `start_ms` (Unix epoch, milliseconds) until somebody moves it.
    pub fn stepped(start_ms: i64) -> Self {
        Self(Some(Arc::new(AtomicI64::new(start_ms))))
    }

    /// Milliseconds since the Unix epoch.
    #[expect(clippy::disallowed_methods, reason = "this is where the stand-ins' time comes from")]
    pub fn now_ms(&self) -> i64 {
        match &self.0 {
            Some(stepped) => stepped.load(Ordering::SeqCst),
            None => i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap(),
        }
    }

    /// The present moment as `2026-11-23T08:00:00.000Z`.
    pub fn now_iso(&self) -> String {
        iso(self.now_ms())
    }

    /// Moves a stepped clock forward; the machine's clock is left alone.
    pub fn advance_ms(&self, by: i64) {
        if let Some(stepped) = &self.0 {
            stepped.fetch_add(by, Ordering::SeqCst);
        }
    }

    /// True if somebody has to move it.
    pub fn is_stepped(&self) -> bool {
        self.0.is_some()
    }

    /// The cell behind a stepped clock, so that the product under test can live in the same time.
    pub fn cell(&self) -> Option<Arc<AtomicI64>> {
        self.0.clone()
    }
}

/// Milliseconds since the Unix epoch as ISO 8601 in UTC.
pub fn iso(ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(ms)
        .expect("a time that chrono can show")
        .to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// The inverse of [`iso`]; accepts any offset.
pub fn from_iso(text: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis())
}
