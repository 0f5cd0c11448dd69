//! Answers a request for an insight: gathers, asks a model, checks, and keeps the answer for whoever asks the same.
//!
//! Figures never come from a model. Where nobody can word a score, our own words do. A draft is never sent.

mod ask;
mod candidates;
mod record;
mod remember;
#[cfg(test)]
mod tests;

use std::time::Duration;

use tracing::warn;

use crate::app::App;
use crate::domain::caller::Caller;
use crate::domain::id::WorkspaceId;
use crate::domain::insight::answer::{Answer, EmailDraft, ScoreAnswer, ScoreExplanation, Words};
use crate::domain::insight::cost::{NanoDollars, Usage};
use crate::domain::insight::operation::Operation;
use crate::domain::insight::prompt::{Prompt, work_key};
use crate::domain::insight::request::{Insight, InsightRequest};
use crate::domain::insight::settings::InsightSettings;
use crate::domain::insight::template_text::score_text;
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::ids;
use crate::usecase::gather::{Gathered, gather};

use self::ask::ask;
use self::candidates::choose;
use self::remember::{Turn, begin_request, end_request, found, keep, take_turn};

/// How long an answer stands for identical work.
const REMEMBERED: Duration = Duration::from_hours(24);

/// The part of the time that gathering must leave; of a short time two thirds.
const KEPT_FOR_ASKING: Duration = Duration::from_secs(10);

/// Everything about one request, once it is known.
pub(crate) struct Work<'a> {
    pub(crate) app: &'a App,
    pub(crate) caller: &'a Caller,
    pub(crate) request: &'a InsightRequest,
    pub(crate) settings: InsightSettings,
    pub(crate) gathered: Gathered,
    pub(crate) deadline: Timestamp,
}

/// Answers a request before `deadline`.
///
/// The same idempotency key brings the same answer for a day. A budget that is spent, or nobody who answers, is an error,
/// but for scores, which then come in words of our own.
pub async fn run(
    app: &App,
    caller: &Caller,
    request: InsightRequest,
    deadline: Timestamp,
) -> Result<Insight> {
    check(&request)?;
    if let Some(insight) = begin_request(app, caller.workspace, &request).await? {
        return Ok(insight);
    }
    let settings = app.store().find_insight_settings(caller.workspace).await?.unwrap_or_default();
    let gathered = gather_in_time(app, caller.workspace, &request, &settings, deadline).await?;
    if gathered.material.is_empty() {
        return Err(Error::invalid("There is nothing to work on: give a text, or a record that has notes."));
    }
    let work = Work { app, caller, request: &request, settings, gathered, deadline };
    let mut insight = match answer(&work).await {
        Ok(insight) => insight,
        Err(error) => in_own_words(&work, error)?,
    };
    fill(&mut insight.answer, &work.gathered);
    end_request(app, caller.workspace, &request, &insight).await?;
    Ok(insight)
}

/// Gathers, and gives up early enough that a caller who waits is told something.
async fn gather_in_time(
    app: &App,
    workspace: WorkspaceId,
    request: &InsightRequest,
    settings: &InsightSettings,
    deadline: Timestamp,
) -> Result<Gathered> {
    let left = deadline.since(app.clock().now());
    let time = left.saturating_sub(KEPT_FOR_ASKING.min(left * 2 / 3));
    let until = app.clock().now() + time;
    let gathered = tokio::time::timeout(time, gather(app, workspace, request, settings, until)).await;
    gathered.unwrap_or_else(|_| {
        Err(Error::new(Kind::Unavailable)
            .saying("Twenty or Whop did not answer in time. Try again in a moment."))
    })
}

fn check(request: &InsightRequest) -> Result<()> {
    let input = &request.input;
    let has = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
    let complete = match request.operation {
        Operation::GenerateText | Operation::DraftEmail => has(&input.wanted),
        Operation::AnalyzeSentiment | Operation::SummarizeText => has(&input.text) || input.about.is_some(),
        Operation::ScoreLead => input.features.is_some() || input.about.is_some(),
    };
    if !complete {
        return Err(Error::invalid(match request.operation {
            Operation::GenerateText | Operation::DraftEmail => "Say what is wanted.",
            Operation::AnalyzeSentiment | Operation::SummarizeText => "Give a text, or name a record.",
            Operation::ScoreLead => "Name a record, or say what is known of the lead.",
        }));
    }
    let plain = |byte: u8| byte.is_ascii_graphic();
    let fits = |text: &Option<String>| {
        text.as_ref().is_none_or(|it| (1..=128).contains(&it.len()) && it.bytes().all(plain))
    };
    if !fits(&request.wish.model) || !fits(&request.idempotency_key) {
        return Err(Error::invalid("Model and idempotency key are words of at most 128 characters."));
    }
    Ok(())
}

/// The answer to identical work, else a model's.
async fn answer(work: &Work<'_>) -> Result<Insight> {
    let choice = choose(work).await?;
    let key = work_key(&work.gathered.material, &work.request.wish, &choice.name);
    if let Some(insight) = found(work, &key).await? {
        return Ok(insight);
    }
    if choice.able.is_empty() {
        let retry_after = Duration::from_mins(1);
        let advice = "No provider of language models serves us at the moment. Try again in a minute.";
        return Err(Error::new(Kind::Throttled { retry_after }).saying(advice));
    }
    let mark = match take_turn(work, &key).await? {
        Turn::Found(insight) => return Ok(*insight),
        Turn::Ours(mark) => mark,
    };
    let random = ids::unguessable().map_err(|error| Error::new(Kind::Bug).because(error))?;
    let random: String = random.chars().take(12).collect();
    let prompt = Prompt::new(&work.gathered.material, &work.request.wish, &random);
    let result = ask(work, &choice, &prompt).await;
    if let Ok(insight) = &result {
        keep(work, &key, insight).await?;
    }
    work.app.store().end_work(work.caller.workspace, &key, &mark).await?;
    result
}

/// A score in our own words, where nobody else found some. Any other answer needs a model.
fn in_own_words(work: &Work<'_>, error: Error) -> Result<Insight> {
    let Some((lead, churn)) = work.gathered.scores.as_ref().filter(|_| error.kind() != Kind::Invalid) else {
        return Err(error);
    };
    warn!(
        event = "insight.own_words",
        error.kind = error.kind().as_str(),
        "a score is worded by us: {}",
        error.chain()
    );
    let explanation = score_text(lead, churn);
    let warning = format!("No model worded this score. {}", error.advice());
    Ok(Insight { warnings: vec![warning], ..unworded(work, Answer::Score(score(work, explanation)?)) })
}

/// An insight without a model.
fn unworded(work: &Work<'_>, answer: Answer) -> Insight {
    Insight {
        operation: work.request.operation,
        answer,
        usage: Usage::default(),
        cost: Some(NanoDollars(0)),
        provider: None,
        model: None,
        cached: false,
        truncated: work.gathered.material.is_truncated(),
        fell_back: false,
        warnings: Vec::new(),
        created_at: work.app.clock().now(),
    }
}

/// Figures of ours with somebody's words.
fn score(work: &Work<'_>, explanation: ScoreExplanation) -> Result<ScoreAnswer> {
    let (lead, churn) = work.gathered.scores.clone().ok_or_else(|| Error::bug("a score without figures"))?;
    Ok(ScoreAnswer { lead, churn, explanation })
}

/// A model's words as an answer.
fn worded(work: &Work<'_>, words: Words) -> Result<Answer> {
    Ok(match words {
        Words::Text(it) => Answer::Text(it),
        Words::Sentiment(it) => Answer::Sentiment(it),
        Words::Score(it) => Answer::Score(score(work, it)?),
        Words::Email(it) => Answer::Email(it),
        Words::Summary(it) => Answer::Summary(it),
    })
}

/// Fills the placeholders of a draft with what the record says. No model sees that.
fn fill(answer: &mut Answer, gathered: &Gathered) {
    let Answer::Email(draft) = answer else {
        return;
    };
    for (name, value) in [("email", &gathered.email), ("phone", &gathered.phone)] {
        if let Some(value) = value {
            fill_one(draft, name, value);
        }
    }
}

fn fill_one(draft: &mut EmailDraft, name: &str, value: &str) {
    for text in [&mut draft.subject, &mut draft.body] {
        *text = text.replace(&format!("{{{{{name}}}}}"), value).replace(&format!("{{{{ {name} }}}}"), value);
    }
    draft.placeholders.retain(|it| it != name);
}
