//! Lead score and churn risk in the words of the API: the figures, every factor with its evidence, and the wording.

use async_graphql::SimpleObject;
use shared::domain::insight::answer::{Reason, ScoreAnswer, ScoreExplanation};
use shared::domain::insight::churn::{ChurnRating, ChurnRisk};
use shared::domain::insight::lead_score;
use shared::domain::insight::score;
use shared::domain::money;

use super::insight_words::{ChurnBand, ChurnUnrated, FactorDirection, LeadBand, WordedBy};
use super::time::DateTime;

/// An exact amount of money.
#[derive(SimpleObject)]
pub(crate) struct Money {
    /// The amount as decimal text, for instance `12.50`.
    amount: String,
    /// The currency's code, for instance `USD`.
    currency: String,
}

impl From<&money::Money> for Money {
    fn from(money: &money::Money) -> Self {
        let currency = money.currency().as_str().to_owned();
        let text = money.to_string();
        let amount = text.strip_suffix(&currency).unwrap_or(&text).trim_end().to_owned();
        Self { amount, currency }
    }
}

/// How many of the values that count are known.
#[derive(SimpleObject)]
pub(crate) struct Coverage {
    /// How many are known.
    known: u32,
    /// Of how many.
    of: u32,
    /// The same of a hundred, rounded down.
    percent: u32,
}

impl From<score::Coverage> for Coverage {
    fn from(it: score::Coverage) -> Self {
        Self { known: it.known, of: it.of, percent: it.percent() }
    }
}

/// One reason of a figure.
#[derive(SimpleObject)]
pub(crate) struct Factor {
    /// Its name, for instance `lifetime_spend`.
    key: String,
    /// What it adds: points of a lead score, log-odds of a churn risk.
    points: f64,
    /// The most it could add or take, without its sign.
    maximum: f64,
    /// Whether it raised or lowered the figure.
    direction: FactorDirection,
    /// False if nothing was known. That is not the same as a known no.
    known: bool,
    /// What it rests on, in words.
    evidence: String,
}

impl From<&score::Factor> for Factor {
    fn from(it: &score::Factor) -> Self {
        Self {
            key: it.key.clone(),
            points: it.effect,
            maximum: it.maximum,
            direction: it.direction.into(),
            known: it.known,
            evidence: it.evidence.clone(),
        }
    }
}

/// One axis of a lead score.
#[derive(SimpleObject)]
pub(crate) struct ScoreGroup {
    /// `fit`, `engagement`, `intent`, `value` or `penalty`.
    key: String,
    /// What it adds to the score; negative for penalties.
    points: f64,
    /// The most it could be.
    maximum: f64,
    /// What it is made of.
    factors: Vec<Factor>,
}

impl From<&lead_score::Group> for ScoreGroup {
    fn from(it: &lead_score::Group) -> Self {
        let factors = it.factors.iter().map(Into::into).collect();
        Self { key: it.key.clone(), points: it.points, maximum: it.maximum, factors }
    }
}

/// How good a lead is. Computed by code, never by a model.
#[derive(SimpleObject)]
pub(crate) struct LeadScore {
    /// From 0 to 100.
    score: u8,
    /// The score in a word.
    band: LeadBand,
    /// The axes that the score is the sum of.
    groups: Vec<ScoreGroup>,
    /// How much is known.
    coverage: Coverage,
    /// False if too little is known to act on the score.
    enough: bool,
    /// When it was computed.
    computed_at: DateTime,
}

impl From<&lead_score::LeadScore> for LeadScore {
    fn from(it: &lead_score::LeadScore) -> Self {
        Self {
            score: it.score,
            band: it.band.into(),
            groups: it.groups.iter().map(Into::into).collect(),
            coverage: it.coverage.into(),
            enough: it.enough,
            computed_at: it.computed_at.into(),
        }
    }
}

/// How likely a membership is lost within 30 days. Computed by code, never by a model.
#[derive(SimpleObject)]
pub(crate) struct ChurnForecast {
    /// From 0 to 1.
    probability: f64,
    /// The same from 1 to 99.
    score: u8,
    /// The score in a word.
    band: ChurnBand,
    /// The probability before the factors moved it.
    base: f64,
    /// What moved it; none for a membership that is canceling.
    factors: Vec<Factor>,
    /// How much is known.
    coverage: Coverage,
    /// Probability times monthly recurring revenue; null if that is not known.
    revenue_at_risk: Option<Money>,
    /// When it was computed.
    computed_at: DateTime,
}

impl From<&ChurnRating> for ChurnForecast {
    fn from(it: &ChurnRating) -> Self {
        Self {
            probability: it.probability,
            score: it.score,
            band: it.band.into(),
            base: it.base,
            factors: it.factors.iter().map(Into::into).collect(),
            coverage: it.coverage.into(),
            revenue_at_risk: it.revenue_at_risk.as_ref().map(Into::into),
            computed_at: it.computed_at.into(),
        }
    }
}

/// One factor in words.
#[derive(SimpleObject)]
pub(crate) struct ScoreReason {
    /// The factor's key.
    factor: String,
    /// Whether it raised or lowered the figure.
    effect: FactorDirection,
    /// Why, in a sentence.
    explanation: String,
}

impl From<&Reason> for ScoreReason {
    fn from(it: &Reason) -> Self {
        let (factor, explanation) = (it.factor.clone(), it.explanation.clone());
        Self { factor, effect: it.effect.into(), explanation }
    }
}

/// A score in words.
#[derive(SimpleObject)]
pub(crate) struct ScoreWording {
    /// The score in a sentence or two.
    summary: String,
    /// The strongest factors, each in a sentence.
    reasons: Vec<ScoreReason>,
    /// What to do next.
    next_action: String,
    /// Who found the words.
    worded_by: WordedBy,
}

impl From<&ScoreExplanation> for ScoreWording {
    fn from(it: &ScoreExplanation) -> Self {
        Self {
            summary: it.summary.clone(),
            reasons: it.reasons.iter().map(Into::into).collect(),
            next_action: it.next_action.clone(),
            worded_by: it.worded_by.into(),
        }
    }
}

/// What is known of a lead, in figures and in words.
#[derive(SimpleObject)]
pub(crate) struct LeadAssessment {
    /// How good the lead is.
    lead: LeadScore,
    /// How likely the membership is lost; null if that cannot be said.
    churn: Option<ChurnForecast>,
    /// Why that cannot be said; null if it can.
    churn_unrated: Option<ChurnUnrated>,
    /// Both in words.
    explanation: ScoreWording,
}

impl From<&ScoreAnswer> for LeadAssessment {
    fn from(it: &ScoreAnswer) -> Self {
        let (churn, churn_unrated) = match &it.churn {
            ChurnRisk::Rated(rating) => (Some(rating.into()), None),
            ChurnRisk::NotApplicable => (None, Some(ChurnUnrated::NotApplicable)),
            ChurnRisk::NotEnough => (None, Some(ChurnUnrated::NotEnoughData)),
        };
        Self { lead: (&it.lead).into(), churn, churn_unrated, explanation: (&it.explanation).into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_told_apart_from_its_currency() {
        for (minor, code, amount) in [(1_250, "USD", "12.50"), (900, "JPY", "900"), (-5, "EUR", "-0.05")] {
            let money = Money::from(&money::Money::from_minor(minor, &money::Currency::new(code)));

            assert_eq!((money.amount.as_str(), money.currency.as_str()), (amount, code));
        }
    }
}
