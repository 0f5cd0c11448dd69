//! What a program gets: one flat object of texts, numbers and truths, because that is what a workflow step can read.
//! Lists are texts with one line for each.

use serde_json::{Map, Value, json};
use shared::domain::id::InsightJobId;
use shared::domain::insight::answer::{Answer, EmailDraft, ScoreAnswer, Sentiment, Summary, WordedBy};
use shared::domain::insight::churn::ChurnRisk;
use shared::domain::insight::job::Told;
use shared::domain::insight::request::{Insight, ProviderName};
use shared::domain::insight::score::{Direction, Factor};

/// An answer.
pub(crate) fn flat(insight: &Insight) -> Value {
    let state = if insight.answer == Answer::Refused { "REFUSED" } else { "ANSWERED" };
    let mut all = object(json!({
        "state": state,
        "operation": insight.operation.name(),
        "injectionSuspected": insight.answer.injection_suspected(),
        "provider": insight.provider.map(ProviderName::as_str),
        "model": insight.model,
        "cached": insight.cached,
        "truncated": insight.truncated,
        "fellBack": insight.fell_back,
        "warnings": lines(&insight.warnings),
        "inputTokens": insight.usage.input(),
        "outputTokens": insight.usage.output,
        "costUsd": insight.cost.map(|cost| cost.to_string()),
        "createdAt": insight.created_at.to_string(),
    }));
    all.extend(object(match &insight.answer {
        Answer::Text(it) => json!({ "text": it.text }),
        Answer::Sentiment(it) => sentiment(it),
        Answer::Score(it) => score(it),
        Answer::Email(it) => email(it),
        Answer::Summary(it) => summary(it),
        Answer::Refused => json!({}),
    }));
    Value::Object(all)
}

/// A job.
pub(crate) fn of_job(id: &InsightJobId, told: &Told) -> Value {
    let mut all = object(json!({ "jobId": id }));
    all.extend(object(match told {
        Told::Waiting => json!({ "state": "WAITING" }),
        Told::Failed { code, reason } => json!({ "state": "FAILED", "code": code, "message": reason }),
        Told::Answered(insight) => flat(insight),
    }));
    Value::Object(all)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

fn lines(texts: &[String]) -> String {
    texts.join("\n")
}

fn sentiment(it: &Sentiment) -> Value {
    json!({
        "label": it.label.as_str(), "score": it.score, "confidence": it.confidence, "rationale": it.rationale,
    })
}

fn email(it: &EmailDraft) -> Value {
    json!({ "subject": it.subject, "body": it.body, "placeholders": lines(&it.placeholders) })
}

fn summary(it: &Summary) -> Value {
    json!({
        "summary": it.summary, "keyPoints": lines(&it.key_points), "openQuestions": lines(&it.open_questions),
    })
}

fn score(it: &ScoreAnswer) -> Value {
    let explained = &it.explanation;
    let reasons: Vec<String> = explained.reasons.iter().map(|reason| reason.explanation.clone()).collect();
    let (churn_score, churn_band, at_risk) = match &it.churn {
        ChurnRisk::Rated(rating) => (
            json!(rating.score),
            rating.band.as_str(),
            json!(rating.revenue_at_risk.as_ref().map(ToString::to_string)),
        ),
        ChurnRisk::NotApplicable => (Value::Null, "not_applicable", Value::Null),
        ChurnRisk::NotEnough => (Value::Null, "not_enough_data", Value::Null),
    };
    json!({
        "score": it.lead.score,
        "band": it.lead.band.as_str(),
        "enoughData": it.lead.enough,
        "coveragePercent": it.lead.coverage.percent(),
        "raises": keys(&it.lead.top(Direction::Raises)),
        "lowers": keys(&it.lead.top(Direction::Lowers)),
        "churnScore": churn_score,
        "churnBand": churn_band,
        "revenueAtRisk": at_risk,
        "summary": explained.summary,
        "reasons": lines(&reasons),
        "nextAction": explained.next_action,
        "wordedBy": match explained.worded_by { WordedBy::Model => "MODEL", WordedBy::Template => "TEMPLATE" },
    })
}

fn keys(factors: &[Factor]) -> String {
    factors.iter().map(|factor| factor.key.as_str()).collect::<Vec<_>>().join("\n")
}
