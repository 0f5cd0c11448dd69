//! A score in words of our own, for when no model may or can find them. Always the same words for the same figures.

use super::answer::{Reason, ScoreExplanation, WordedBy};
use super::churn::{ChurnRating, ChurnRisk, RiskBand};
use super::lead_score::{LeadBand, LeadScore};
use super::score::{Direction, Factor};

/// Words for a score.
pub fn score_text(lead: &LeadScore, churn: &ChurnRisk) -> ScoreExplanation {
    let rating = match churn {
        ChurnRisk::Rated(rating) => Some(rating),
        ChurnRisk::NotApplicable | ChurnRisk::NotEnough => None,
    };
    let mut sentences = vec![format!("Lead score {} of 100: {}.", lead.score, lead.band.as_str())];
    if !lead.enough {
        sentences.push("Too little is known to rely on it.".to_owned());
    }
    if let Some(it) = rating {
        sentences.push(format!("Churn risk within 30 days {} of 100: {}.", it.score, it.band.as_str()));
    }
    let money = rating.and_then(|it| it.revenue_at_risk.as_ref()).filter(|money| !money.is_zero());
    sentences.extend(money.map(|money| format!("Revenue at risk {money} a month.")));
    ScoreExplanation {
        summary: sentences.join(" "),
        reasons: reasons(lead, rating),
        next_action: next_action(lead, rating).to_owned(),
        injection_suspected: false,
        worded_by: WordedBy::Template,
    }
}

/// The strongest of both figures: two of each direction each.
fn reasons(lead: &LeadScore, rating: Option<&ChurnRating>) -> Vec<Reason> {
    let mut found = Vec::new();
    for direction in [Direction::Raises, Direction::Lowers] {
        found.extend(lead.top(direction).into_iter().take(2));
        found.extend(rating.map(|it| it.top(direction)).unwrap_or_default().into_iter().take(2));
    }
    found.iter().map(reason).collect()
}

fn reason(factor: &Factor) -> Reason {
    let explanation = format!("{}: {}.", label(&factor.key), factor.evidence);
    Reason { factor: factor.key.clone(), effect: factor.direction, explanation }
}

/// `refund_rate` → `Refund rate`.
pub(super) fn label(key: &str) -> String {
    let spaced = key.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn next_action(lead: &LeadScore, rating: Option<&ChurnRating>) -> &'static str {
    let due =
        |it: &&ChurnRating| it.factors.iter().any(|factor| factor.key == "payment" && factor.effect > 0.0);
    match rating {
        Some(it) if due(&it) => "Ask for a working payment method before access ends.",
        Some(it) if it.factors.is_empty() => "Ask why they cancelled, and offer a way to stay.",
        Some(it) if it.band >= RiskBand::High => "Get in touch personally this week.",
        _ => match lead.band {
            LeadBand::Hot => "Get in touch today.",
            LeadBand::Warm => "Make an offer this week.",
            LeadBand::Cool => "Keep in touch.",
            LeadBand::Cold => "Nothing to do now.",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::churn::{ChurnWeights, History, churn_risk};
    use super::super::features::{Features, Known};
    use super::super::lead_score::{LeadWeights, lead_score};
    use super::*;
    use crate::domain::time::Timestamp;
    use crate::domain::words::MembershipStatus;

    #[test]
    fn the_words_carry_the_figures_and_the_strongest_reasons() {
        let now = Timestamp::from_millis(1_795_420_800_000);
        let features = Features {
            status: Some(Known::whop(MembershipStatus::PastDue, now)),
            business_email: Some(Known::crm(true, now)),
            failed_payments: Some(Known::whop(2, now)),
            ..Features::default()
        };
        let lead = lead_score(&features, &LeadWeights::default(), now);
        let churn = churn_risk(&features, &ChurnWeights::default(), &History::default(), now);

        let words = score_text(&lead, &churn);

        assert_eq!(
            words.summary,
            "Lead score 8 of 100: cold. Too little is known to rely on it. Churn risk within 30 days 75 of 100: critical."
        );
        let keys: Vec<&str> = words.reasons.iter().map(|it| it.factor.as_str()).collect();
        assert_eq!(keys, ["business_email", "payment"]);
        assert_eq!(words.reasons[1].explanation, "Payment: past due, 2 failed in 90 days.");
        assert!(words.next_action.contains("payment method"));
    }
}
