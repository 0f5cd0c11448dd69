//! What lead score and churn risk have in common: factors with their evidence, coverage, rounding.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Whether a factor raised or lowered the figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Raises,
    Lowers,
    /// It had no effect.
    Neutral,
}

/// One reason of a figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Factor {
    /// Its name, one of [`KEYS`].
    pub key: String,
    /// Points of a lead score, or log-odds of a risk. Negative ones lower the figure.
    pub effect: f64,
    /// The most it could be, without its sign.
    pub maximum: f64,
    pub direction: Direction,
    /// False if nothing was known; the effect is then none, which is not the same as a known "no".
    pub known: bool,
    /// What it rests on, in words and without personal data.
    pub evidence: String,
}

impl Factor {
    /// A factor of this effect.
    pub fn new(key: &str, effect: f64, maximum: f64, evidence: String) -> Self {
        let direction = match effect.total_cmp(&0.0) {
            _ if effect == 0.0 => Direction::Neutral,
            std::cmp::Ordering::Less => Direction::Lowers,
            std::cmp::Ordering::Equal | std::cmp::Ordering::Greater => Direction::Raises,
        };
        Self { key: key.to_owned(), effect, maximum, direction, known: true, evidence }
    }

    /// A factor of which nothing is known.
    pub fn unknown(key: &str, maximum: f64) -> Self {
        let evidence = "not known".to_owned();
        Self {
            key: key.to_owned(),
            effect: 0.0,
            maximum,
            direction: Direction::Neutral,
            known: false,
            evidence,
        }
    }
}

/// Every key a factor can have; models may name no other. Never shortened: the list is part of a schema that
/// providers keep compiled.
pub const KEYS: &[&str] = &[
    "app_activity",
    "business_email",
    "checkout_abandoned",
    "company",
    "disputed",
    "email_bounced",
    "email_reply",
    "free_membership",
    "inactive",
    "inactivity",
    "job_title",
    "lifetime_spend",
    "meeting",
    "membership_ended",
    "note",
    "open_dispute",
    "payment",
    "reachable",
    "refund",
    "refund_rate",
    "segment",
    "sentiment",
    "support_message",
    "timing",
    "trend",
    "trial_running",
    "unsubscribed",
    "waitlist",
];

/// The strongest factors: by absolute effect, ties by name. Those without effect are left out.
pub fn strongest(
    factors: impl IntoIterator<Item = Factor>,
    direction: Direction,
    count: usize,
) -> Vec<Factor> {
    let mut found: Vec<Factor> = factors.into_iter().filter(|it| it.direction == direction).collect();
    found.sort_by(|a, b| b.effect.abs().total_cmp(&a.effect.abs()).then_with(|| a.key.cmp(&b.key)));
    found.truncate(count);
    found
}

/// How many of the values that count are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    pub known: u32,
    pub of: u32,
}

impl Coverage {
    /// Counts what is known.
    pub fn count(known: &[bool]) -> Self {
        let count = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
        Self { known: count(known.iter().filter(|it| **it).count()), of: count(known.len()) }
    }

    /// Known of a hundred, rounded down.
    pub fn percent(self) -> u32 {
        (self.known * 100).checked_div(self.of).unwrap_or(0)
    }
}

/// This many days.
pub(crate) fn days(count: u64) -> Duration {
    Duration::from_hours(count * 24)
}

/// Half up, as in the formulas; the result fits the range of scores.
#[expect(clippy::float_arithmetic, reason = "a score is no money")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0…255 first")]
pub(crate) fn round_half_up(value: f64) -> u8 {
    // Sums of decimal weights miss a half by less than this, on either side.
    (value + 0.5 + 1e-9).floor().clamp(0.0, 255.0) as u8
}
