//! The lead score: fit, engagement, intent and value less penalties, each capped, 0 to 100.
//!
//! Every number is a setting. No model takes part: it may only word what comes out.

mod weights;

use serde::{Deserialize, Serialize};

use super::features::{Features, Known, Touch, TouchKind};
use super::score::{Coverage, Direction, Factor, days, round_half_up, strongest};
use crate::domain::money::Money;
use crate::domain::time::Timestamp;

pub use self::weights::LeadWeights;

/// How warm a lead is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeadBand {
    Cold,
    Cool,
    Warm,
    Hot,
}

impl LeadBand {
    /// The names of all of them.
    pub const KNOWN: &[&str] = &["cold", "cool", "warm", "hot"];

    /// The name in fields and prompts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Cool => "cool",
            Self::Warm => "warm",
            Self::Hot => "hot",
        }
    }
}

/// One axis of the score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// `fit`, `engagement`, `intent`, `value` or `penalty`.
    pub key: String,
    /// What it adds to the score, capped; never more than `maximum`, negative for penalties.
    pub points: f64,
    pub maximum: f64,
    pub factors: Vec<Factor>,
}

/// A score and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeadScore {
    /// 0 to 100.
    pub score: u8,
    pub band: LeadBand,
    pub groups: Vec<Group>,
    pub coverage: Coverage,
    /// False if too little is known to act on the score.
    pub enough: bool,
    pub computed_at: Timestamp,
}

impl LeadScore {
    /// Every factor of every group.
    pub fn factors(&self) -> impl Iterator<Item = &Factor> {
        self.groups.iter().flat_map(|group| &group.factors)
    }

    /// The three strongest factors of a direction.
    pub fn top(&self, direction: Direction) -> Vec<Factor> {
        strongest(self.factors().cloned(), direction, 3)
    }
}

/// Scores what is known.
pub fn lead_score(features: &Features, weights: &LeadWeights, now: Timestamp) -> LeadScore {
    let groups = vec![
        fit(features, weights),
        engagement(features, weights, now),
        intent(features, weights, now),
        value(features, weights),
        penalty(features, weights, now),
    ];
    let score = total(&groups);
    let coverage = coverage(features);
    let band = match score {
        it if it >= weights.hot => LeadBand::Hot,
        it if it >= weights.warm => LeadBand::Warm,
        it if it >= weights.cool => LeadBand::Cool,
        _ => LeadBand::Cold,
    };
    let enough = coverage.percent() >= weights.least_coverage_percent;
    LeadScore { score, band, groups, coverage, enough, computed_at: now }
}

/// The sum of the groups, rounded half up, within 0 to 100. In whatever order they come.
fn total(groups: &[Group]) -> u8 {
    let mut points: Vec<f64> = groups.iter().map(|group| group.points).collect();
    points.sort_by(f64::total_cmp);
    round_half_up(points.iter().sum::<f64>().clamp(0.0, 100.0))
}

/// A group whose factors add up to its cap at most.
#[expect(clippy::float_arithmetic, reason = "points are no money")]
fn capped(key: &str, cap: f64, factors: Vec<Factor>) -> Group {
    let sum: f64 = factors.iter().map(|factor| factor.effect).sum();
    Group { key: key.to_owned(), points: sum.clamp(-cap, cap), maximum: cap, factors }
}

/// A factor that holds or does not.
fn flag(key: &str, known: Option<bool>, points: f64, evidence: (&str, &str)) -> Factor {
    match known {
        None => Factor::unknown(key, points.abs()),
        Some(true) => Factor::new(key, points, points.abs(), evidence.0.to_owned()),
        Some(false) => Factor::new(key, 0.0, points.abs(), evidence.1.to_owned()),
    }
}

fn yes(known: Option<&Known<bool>>) -> Option<bool> {
    known.map(|it| it.value)
}

fn fit(features: &Features, weights: &LeadWeights) -> Group {
    let mail = ("address at a business domain", "address at a provider for everybody");
    capped(
        "fit",
        weights.fit_cap,
        vec![
            flag("business_email", yes(features.business_email.as_ref()), weights.business_email, mail),
            flag(
                "company",
                yes(features.company.as_ref()),
                weights.company,
                ("company linked", "no company linked"),
            ),
            flag(
                "job_title",
                yes(features.job_title.as_ref()),
                weights.job_title,
                ("job title given", "no job title"),
            ),
            flag(
                "reachable",
                yes(features.reachable.as_ref()),
                weights.reachable,
                ("phone number or social profile given", "neither phone number nor social profile"),
            ),
            flag(
                "segment",
                yes(features.in_segment.as_ref()),
                weights.segment,
                ("in the target segment", "outside the target segment"),
            ),
        ],
    )
}

fn engagement(features: &Features, weights: &LeadWeights, now: Timestamp) -> Group {
    let touches = features.touches.as_ref().map(|it| it.value.as_slice());
    let factors = TouchKind::ALL.into_iter().map(|kind| match touches {
        None => Factor::unknown(touch_key(kind), weights.engagement_cap),
        Some(touches) => contacts(kind, touches, weights, now),
    });
    capped("engagement", weights.engagement_cap, factors.collect())
}

/// All contacts of one kind: each counts its weight, halved by every half-life of age.
#[expect(clippy::float_arithmetic, reason = "points are no money")]
fn contacts(kind: TouchKind, touches: &[Touch], weights: &LeadWeights, now: Timestamp) -> Factor {
    let longest = days(u64::from(weights.engagement_days));
    let recent = |it: &&Touch| it.kind == kind && now.since(it.at) <= longest;
    // Sorted, so that the order they come in does not matter to the last bit.
    let mut ages: Vec<u64> = touches.iter().filter(recent).map(|it| whole_ms(now, it.at)).collect();
    ages.sort_unstable();
    let decayed = |age: &u64| weights.touch(kind) * 0.5_f64.powf(in_days(*age) / weights.half_life_days);
    let points: f64 = ages.iter().map(decayed).sum();
    let evidence = match ages.first() {
        None => format!("none in {} days", weights.engagement_days),
        Some(latest) => {
            format!(
                "{} in {} days, the latest {} days ago",
                ages.len(),
                weights.engagement_days,
                latest / DAY_MS
            )
        }
    };
    Factor::new(touch_key(kind), points, weights.engagement_cap, evidence)
}

const DAY_MS: u64 = 86_400_000;

fn whole_ms(now: Timestamp, at: Timestamp) -> u64 {
    u64::try_from(now.since(at).as_millis()).unwrap_or(u64::MAX)
}

#[expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "ages below 2^53 ms; no money")]
fn in_days(ms: u64) -> f64 {
    ms as f64 / DAY_MS as f64
}

fn touch_key(kind: TouchKind) -> &'static str {
    match kind {
        TouchKind::Meeting => "meeting",
        TouchKind::EmailReply => "email_reply",
        TouchKind::SupportMessage => "support_message",
        TouchKind::AppActivity => "app_activity",
        TouchKind::Note => "note",
    }
}

/// Whether it happened in the last so many days.
fn within(at: Option<&Known<Timestamp>>, limit: u32, now: Timestamp) -> Option<bool> {
    at.map(|it| it.value <= now && now.since(it.value) <= days(u64::from(limit)))
}

fn intent(features: &Features, weights: &LeadWeights, now: Timestamp) -> Group {
    let abandoned = within(features.checkout_abandoned_at.as_ref(), weights.checkout_days, now);
    let ended = within(features.membership_ended_at.as_ref(), weights.ended_days, now);
    capped(
        "intent",
        weights.intent_cap,
        vec![
            flag(
                "trial_running",
                yes(features.trial_running.as_ref()),
                weights.trial_running,
                ("trial running", "no trial running"),
            ),
            flag(
                "checkout_abandoned",
                abandoned,
                weights.checkout_abandoned,
                ("checkout abandoned lately", "no checkout abandoned lately"),
            ),
            flag(
                "waitlist",
                yes(features.on_waitlist.as_ref()),
                weights.waitlist,
                ("on the waitlist", "not on the waitlist"),
            ),
            flag(
                "free_membership",
                yes(features.free_membership.as_ref()),
                weights.free_membership,
                ("free membership", "no free membership"),
            ),
            flag(
                "membership_ended",
                ended,
                weights.membership_ended,
                ("membership ended lately", "no membership ended lately"),
            ),
        ],
    )
}

fn value(features: &Features, weights: &LeadWeights) -> Group {
    let factor = match features.lifetime_spend.as_ref() {
        None => Factor::unknown("lifetime_spend", weights.value_cap),
        Some(known) => Factor::new(
            "lifetime_spend",
            spend_points(&known.value, weights),
            weights.value_cap,
            known.value.to_string(),
        ),
    };
    capped("value", weights.value_cap, vec![factor])
}

#[expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "a logarithm of the amount, not an amount"
)]
fn spend_points(spend: &Money, weights: &LeadWeights) -> f64 {
    let Some(micros) = spend.micros().filter(|micros| *micros > 0) else {
        return 0.0;
    };
    (weights.spend_per_decade * (1.0 + micros as f64 / 1e6).log10()).clamp(0.0, weights.value_cap)
}

#[expect(clippy::float_arithmetic, reason = "points are no money")]
fn penalty(features: &Features, weights: &LeadWeights, now: Timestamp) -> Group {
    let refunds = features.refund_percent.as_ref().map(|it| it.value >= weights.refund_percent);
    let idle = features.last_activity_at.as_ref();
    let inactive = idle.map(|it| now.since(it.value) > days(u64::from(weights.inactive_days)));
    capped(
        "penalty",
        weights.penalty_cap,
        vec![
            flag(
                "unsubscribed",
                yes(features.unsubscribed.as_ref()),
                -weights.unsubscribed,
                ("unsubscribed", "not unsubscribed"),
            ),
            flag(
                "email_bounced",
                yes(features.email_bounced.as_ref()),
                -weights.email_bounced,
                ("e-mail bounced", "no bounce"),
            ),
            flag(
                "disputed",
                yes(features.ever_disputed.as_ref()),
                -weights.disputed,
                ("disputed a payment", "never disputed"),
            ),
            flag("refund_rate", refunds, -weights.refund_rate, ("half or more refunded", "few refunds")),
            flag("inactive", inactive, -weights.inactive, ("long inactive", "active lately")),
        ],
    )
}

fn coverage(it: &Features) -> Coverage {
    Coverage::count(&[
        it.business_email.is_some(),
        it.company.is_some(),
        it.job_title.is_some(),
        it.reachable.is_some(),
        it.touches.is_some(),
        it.trial_running.is_some(),
        it.free_membership.is_some(),
        it.lifetime_spend.is_some(),
        it.ever_disputed.is_some(),
        it.last_activity_at.is_some(),
    ])
}

#[cfg(test)]
#[expect(
    clippy::float_cmp,
    clippy::unnecessary_wraps,
    reason = "figures are compared exactly, and fixtures stay short"
)]
mod tests;
