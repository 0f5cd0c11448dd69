//! What a workspace may spend on models a day, and what one call may cost at most. No money is a float.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::cost::{NanoDollars, Prices, Usage};
use crate::domain::time::Timestamp;

/// Limits of a calendar day, UTC. An absent one is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DailyLimit {
    pub tokens: Option<u64>,
    pub nano_dollars: Option<NanoDollars>,
}

impl Default for DailyLimit {
    /// Two million tokens and two dollars: some ten thousand everyday operations.
    fn default() -> Self {
        Self { tokens: Some(2_000_000), nano_dollars: Some(NanoDollars(2_000_000_000)) }
    }
}

/// Tokens and money of a day or of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    pub tokens: u64,
    pub nano_dollars: NanoDollars,
}

/// How long a reservation may stay open. One that is not settled by then stays booked in full.
pub const RESERVED_FOR: Duration = Duration::from_mins(10);

/// A part of a day's budget, taken before a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// Unique; made from randomness.
    pub id: String,
    /// The day it was taken from, `2026-11-23`.
    pub day: String,
    pub amount: Amount,
    pub until: Timestamp,
}

/// The calendar day of a moment, UTC.
pub fn day_of(at: Timestamp) -> String {
    at.to_string().split('T').next().unwrap_or_default().to_owned()
}

/// The first moment of the next day, UTC.
pub fn next_day(at: Timestamp) -> Timestamp {
    const DAY_MS: i64 = 86_400_000;
    Timestamp::from_millis((at.millis().div_euclid(DAY_MS) + 1) * DAY_MS)
}

/// Input tokens of a text, more rather than fewer: a token is three bytes or more in every script, and the
/// provider adds some of its own.
pub fn estimated_input(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX).div_ceil(3).saturating_add(400)
}

/// The most a call can cost. Without prices only its tokens are known.
pub fn upper_bound(prompt_bytes: usize, output: u32, prices: Option<&Prices>, percent: u32) -> Amount {
    let (input, output) = (estimated_input(prompt_bytes), u64::from(output));
    Amount {
        tokens: input.saturating_add(output),
        nano_dollars: prices.map(|it| it.upper_bound(input, output, percent)).unwrap_or_default(),
    }
}

/// What is booked for a call that may have been served although its answer never came.
pub fn booked_unseen(prompt_bytes: usize, output: u32) -> Usage {
    Usage { uncached: estimated_input(prompt_bytes), output: u64::from(output), ..Usage::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight_utc() {
        let noon: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();

        assert_eq!(day_of(noon), "2026-11-23");
        assert_eq!(next_day(noon).to_string(), "2026-11-24T00:00:00.000Z");
    }

    #[test]
    fn the_estimate_is_rounded_up() {
        assert_eq!(estimated_input(0), 400);
        assert_eq!(estimated_input(4), 402);
        assert_eq!(upper_bound(300, 100, None, 100), Amount { tokens: 600, ..Amount::default() });
    }
}
