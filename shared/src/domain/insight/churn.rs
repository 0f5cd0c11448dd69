//! Churn risk: the probability that a membership is lost within 30 days, additive in log-odds.
//!
//! The share of every factor is exact. Every number is a setting; priors are assumptions until the workspace's
//! own losses outweigh them.

mod weights;

use serde::{Deserialize, Serialize};

use super::features::{Billing, Features, Trend};
use super::score::{Coverage, Direction, Factor, days, round_half_up, strongest};
use crate::domain::money::Money;
use crate::domain::time::Timestamp;
use crate::domain::words::MembershipStatus;

pub use self::weights::ChurnWeights;

/// What a workspace's own last six months say about one bucket of completed renewals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    pub left: u32,
    pub at_risk: u32,
}

/// The workspace's own losses by bucket.
pub type History = [Observed; 6];

/// How likely a loss is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RiskBand {
    Low,
    Medium,
    High,
    Critical,
}

impl RiskBand {
    /// The names of all of them.
    pub const KNOWN: &[&str] = &["low", "medium", "high", "critical"];

    /// The name in fields and prompts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// A rating and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChurnRating {
    /// Within 30 days, 0 to 1.
    pub probability: f64,
    /// 1 to 99.
    pub score: u8,
    pub band: RiskBand,
    /// The hazard that the factors moved.
    pub base: f64,
    /// Log-odds; empty for a membership that is canceling.
    pub factors: Vec<Factor>,
    pub coverage: Coverage,
    /// Probability × monthly recurring revenue, rounded half up to the minor unit.
    pub revenue_at_risk: Option<Money>,
    pub computed_at: Timestamp,
}

impl ChurnRating {
    /// The three strongest factors of a direction.
    pub fn top(&self, direction: Direction) -> Vec<Factor> {
        strongest(self.factors.iter().cloned(), direction, 3)
    }
}

/// The risk of a membership.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "risk", rename_all = "snake_case")]
pub enum ChurnRisk {
    /// Nothing renews: paid for life, free, or over already.
    NotApplicable,
    /// Not even a membership is known.
    NotEnough,
    Rated(ChurnRating),
}

impl ChurnRisk {
    /// Its factors; none where nothing was rated.
    pub fn factors(&self) -> &[Factor] {
        match self {
            Self::Rated(rating) => &rating.factors,
            Self::NotApplicable | Self::NotEnough => &[],
        }
    }
}

/// Rates what is known.
pub fn churn_risk(it: &Features, weights: &ChurnWeights, history: &History, now: Timestamp) -> ChurnRisk {
    let Some(status) = it.status.as_ref().map(|known| &known.value) else {
        return ChurnRisk::NotEnough;
    };
    let billing = it.billing.as_ref().map(|known| known.value);
    let over = matches!(
        status,
        MembershipStatus::Canceled
            | MembershipStatus::Expired
            | MembershipStatus::Completed
            | MembershipStatus::Drafted
    );
    if over || matches!(billing, Some(Billing::Lifetime | Billing::Free)) {
        return ChurnRisk::NotApplicable;
    }
    let ends = it.cancels_at_period_end.as_ref().is_some_and(|known| known.value);
    let base = base_hazard(it.renewals.as_ref().map_or(0, |known| known.value), weights, history);
    let (probability, factors) = if ends || *status == MembershipStatus::Canceling {
        (weights.canceling, Vec::new())
    } else {
        let factors = factors(it, weights, now);
        (probability(base, &factors), factors)
    };
    let score = percent(probability);
    let revenue_at_risk = it.mrr.as_ref().and_then(|known| at_risk(probability, &known.value));
    let band = band(score, weights);
    let coverage = coverage(it);
    ChurnRisk::Rated(ChurnRating {
        probability,
        score,
        band,
        base,
        factors,
        coverage,
        revenue_at_risk,
        computed_at: now,
    })
}

fn band(score: u8, weights: &ChurnWeights) -> RiskBand {
    match score {
        it if it >= weights.critical => RiskBand::Critical,
        it if it >= weights.high => RiskBand::High,
        it if it >= weights.medium => RiskBand::Medium,
        _ => RiskBand::Low,
    }
}

/// The bucket of so many completed renewals.
pub(super) fn bucket(renewals: u32) -> usize {
    match renewals {
        0..=2 => usize::try_from(renewals).unwrap_or(0),
        3..=5 => 3,
        6..=11 => 4,
        _ => 5,
    }
}

#[expect(clippy::float_arithmetic, reason = "a probability is no money")]
fn base_hazard(renewals: u32, weights: &ChurnWeights, history: &History) -> f64 {
    let at = bucket(renewals);
    let prior = weights.prior.get(at).copied().unwrap_or(0.1);
    let seen = history.get(at).copied().unwrap_or_default();
    let strength = weights.prior_strength;
    let hazard = (f64::from(seen.left) + strength * prior) / (f64::from(seen.at_risk) + strength);
    hazard.clamp(0.0001, 0.9999)
}

/// In whatever order the factors come.
#[expect(clippy::float_arithmetic, reason = "log-odds are no money")]
fn probability(base: f64, factors: &[Factor]) -> f64 {
    let mut effects: Vec<f64> = factors.iter().map(|factor| factor.effect).collect();
    effects.sort_by(f64::total_cmp);
    let z = (base / (1.0 - base)).ln() + effects.iter().sum::<f64>();
    1.0 / (1.0 + (-z).exp())
}

#[expect(clippy::float_arithmetic, reason = "a probability is no money")]
fn percent(probability: f64) -> u8 {
    round_half_up(100.0 * probability).clamp(1, 99)
}

/// The probability becomes an integer first: money is multiplied in integers only.
#[expect(clippy::float_arithmetic, clippy::cast_possible_truncation, reason = "0 to 10^9, a probability")]
fn at_risk(probability: f64, mrr: &Money) -> Option<Money> {
    let billionths = (probability * 1e9).round() as i64;
    let product = i128::from(billionths) * i128::from(mrr.minor()) + 500_000_000;
    let minor = i64::try_from(product.div_euclid(1_000_000_000)).ok()?;
    Some(Money::from_minor(minor, mrr.currency()))
}

fn factors(it: &Features, weights: &ChurnWeights, now: Timestamp) -> Vec<Factor> {
    vec![
        payment(it, weights),
        count("refund", it.refunds.as_ref().map(|known| known.value), weights.refund, "in 180 days"),
        count(
            "open_dispute",
            it.open_disputes.as_ref().map(|known| known.value),
            weights.open_dispute,
            "open",
        ),
        inactivity(it, weights, now),
        trend(it.trend.as_ref().map(|known| known.value), weights),
        mood(it.sentiment.as_ref().map(|known| known.value), weights),
        timing(it, weights, now),
    ]
}

#[expect(clippy::float_arithmetic, reason = "log-odds are no money")]
fn payment(it: &Features, weights: &ChurnWeights) -> Factor {
    let due = it.status.as_ref().is_some_and(|known| known.value == MembershipStatus::PastDue);
    let failed = it.failed_payments.as_ref().map(|known| known.value);
    if failed.is_none() && !due {
        return Factor::unknown("payment", weights.payment_cap);
    }
    let counted = f64::from(failed.unwrap_or(0).min(weights.most_failed));
    let sum = weights.failed_payment * counted + if due { weights.past_due } else { 0.0 };
    let evidence = match (due, failed) {
        (true, None) => "past due".to_owned(),
        (true, Some(failed)) => format!("past due, {failed} failed in 90 days"),
        (false, failed) => format!("{} failed in 90 days", failed.unwrap_or(0)),
    };
    Factor::new("payment", sum.min(weights.payment_cap), weights.payment_cap, evidence)
}

/// A factor of which one is enough.
fn count(key: &str, known: Option<u32>, effect: f64, words: &str) -> Factor {
    match known {
        None => Factor::unknown(key, effect.abs()),
        Some(count) => {
            let effect_now = if count > 0 { effect } else { 0.0 };
            Factor::new(key, effect_now, effect.abs(), format!("{count} {words}"))
        }
    }
}

fn inactivity(it: &Features, weights: &ChurnWeights, now: Timestamp) -> Factor {
    let [week, fortnight, month, two_months, longer] = weights.inactivity;
    let most = weights.inactivity.iter().fold(0.0_f64, |most, effect| most.max(effect.abs()));
    let Some(last) = it.last_activity_at.as_ref() else {
        return Factor::unknown("inactivity", most);
    };
    let idle = now.since(last.value).as_secs() / 86_400;
    let effect = match idle {
        0..=7 => week,
        8..=14 => fortnight,
        15..=30 => month,
        31..=60 => two_months,
        _ => longer,
    };
    Factor::new("inactivity", effect, most, format!("last active {idle} days ago"))
}

fn trend(known: Option<Trend>, weights: &ChurnWeights) -> Factor {
    let most = weights.falling.abs().max(weights.rising.abs());
    let Some(Trend { last, before }) = known else {
        return Factor::unknown("trend", most);
    };
    // In integers: at most half as many, or at least half as many again.
    let (twice_last, before_wide) = (u64::from(last) * 2, u64::from(before));
    let effect = match () {
        () if before < weights.trend_least => 0.0,
        () if twice_last <= before_wide => weights.falling,
        () if twice_last >= before_wide * 3 => weights.rising,
        () => 0.0,
    };
    Factor::new("trend", effect, most, format!("{last} events in 30 days, {before} in the 30 before"))
}

#[expect(clippy::float_arithmetic, reason = "log-odds are no money")]
fn mood(known: Option<f64>, weights: &ChurnWeights) -> Factor {
    match known.filter(|mood| mood.is_finite()) {
        None => Factor::unknown("sentiment", weights.sentiment.abs()),
        Some(mood) => {
            let mood = mood.clamp(-1.0, 1.0);
            let effect = -weights.sentiment * mood;
            let hundredths = (mood * 100.0).round();
            Factor::new("sentiment", effect, weights.sentiment.abs(), format!("mood {hundredths} of 100"))
        }
    }
}

fn timing(it: &Features, weights: &ChurnWeights, now: Timestamp) -> Factor {
    let most = weights.far_renewal.abs().max(weights.near_renewal.abs());
    let Some(renews) = it.renews_at.as_ref() else {
        return Factor::unknown("timing", most);
    };
    let left = renews.value.since(now);
    let period = it.period_days.as_ref().map_or(0, |known| known.value);
    let effect = if period > 31 && left > days(30) {
        weights.far_renewal
    } else if left <= days(7) {
        weights.near_renewal
    } else {
        0.0
    };
    Factor::new("timing", effect, most, format!("renews in {} days", left.as_secs() / 86_400))
}

fn coverage(it: &Features) -> Coverage {
    Coverage::count(&[
        it.failed_payments.is_some(),
        it.refunds.is_some(),
        it.open_disputes.is_some(),
        it.last_activity_at.is_some(),
        it.trend.is_some(),
        it.sentiment.is_some(),
    ])
}

#[cfg(test)]
#[expect(
    clippy::float_cmp,
    clippy::float_arithmetic,
    clippy::unnecessary_wraps,
    reason = "figures are compared exactly, and fixtures stay short"
)]
mod tests;
