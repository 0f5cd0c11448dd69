//! Scores as a model gets to see them: figures in whole numbers, factors with their effect and evidence.

use serde_json::{Value, json};

use super::super::churn::ChurnRisk;
use super::super::lead_score::LeadScore;
use super::super::score::{Direction, Factor};

/// Both scores. Nothing that the wording does not need.
pub(super) fn figures(lead: &LeadScore, churn: &ChurnRisk) -> Value {
    let mut figures = json!({
        "lead_score": {"score": lead.score, "of": 100, "band": lead.band.as_str(), "enough_known": lead.enough,
            "factors": said(lead.factors())},
    });
    if let ChurnRisk::Rated(rating) = churn {
        let money = rating.revenue_at_risk.as_ref().map(ToString::to_string);
        let risk = json!({"score": rating.score, "of": 100, "days": 30, "band": rating.band.as_str(),
            "canceling": rating.factors.is_empty(), "monthly_revenue_at_risk": money, "factors": said(&rating.factors)});
        if let Some(fields) = figures.as_object_mut() {
            fields.insert("churn_risk".to_owned(), risk);
        }
    }
    figures
}

/// Factors that had an effect, the strongest first.
fn said<'a>(factors: impl IntoIterator<Item = &'a Factor>) -> Vec<Value> {
    let mut factors: Vec<&Factor> =
        factors.into_iter().filter(|it| it.direction != Direction::Neutral).collect();
    factors.sort_by(|a, b| b.effect.abs().total_cmp(&a.effect.abs()).then_with(|| a.key.cmp(&b.key)));
    let line = |it: &&Factor| {
        let effect = if it.direction == Direction::Raises { "raises" } else { "lowers" };
        json!({"factor": it.key, "effect": effect, "evidence": it.evidence})
    };
    factors.iter().map(line).collect()
}
