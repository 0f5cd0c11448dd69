//! Usage rolled up per day, operation and model.

use serde::{Deserialize, Serialize};

use super::cost::{NanoDollars, Usage};
use super::operation::Operation;

/// One line: a day's calls of one operation to one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageLine {
    /// `2026-11-23`, UTC.
    pub day: String,
    pub operation: Operation,
    /// The provider's name; `none` where no model took part.
    pub provider: String,
    /// The model that was asked.
    pub model: String,
    /// Calls to the provider, failed ones included.
    #[serde(default)]
    pub calls: u64,
    /// Calls that brought no answer.
    #[serde(default)]
    pub failed: u64,
    /// Answers that a cache gave.
    #[serde(default)]
    pub cached_answers: u64,
    /// Calls whose cost is not known.
    #[serde(default)]
    pub unpriced: u64,
    #[serde(default)]
    pub uncached: u64,
    #[serde(default)]
    pub cached: u64,
    #[serde(default)]
    pub written: u64,
    #[serde(default)]
    pub output: u64,
    #[serde(default)]
    pub reasoning: u64,
    #[serde(default)]
    pub nano_dollars: NanoDollars,
}

/// What one call, or one cached answer, adds to a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub calls: u64,
    pub failed: u64,
    pub cached_answers: u64,
    pub usage: Usage,
    /// Nothing if it is not known.
    pub cost: Option<NanoDollars>,
}

impl Tally {
    /// An answer that no provider was asked for.
    pub fn cached() -> Self {
        Self { cached_answers: 1, cost: Some(NanoDollars(0)), ..Self::default() }
    }

    /// The numbers to add, by the names of the line's fields.
    pub fn parts(&self) -> [(&'static str, u64); 10] {
        [
            ("calls", self.calls),
            ("failed", self.failed),
            ("cached_answers", self.cached_answers),
            ("unpriced", u64::from(self.cost.is_none())),
            ("uncached", self.usage.uncached),
            ("cached", self.usage.cached),
            ("written", self.usage.written()),
            ("output", self.usage.output),
            ("reasoning", self.usage.reasoning),
            ("nano_dollars", self.cost.unwrap_or_default().0),
        ]
    }
}

impl UsageLine {
    /// All tokens.
    pub fn tokens(&self) -> u64 {
        [self.uncached, self.cached, self.written, self.output].into_iter().fold(0, u64::saturating_add)
    }
}
