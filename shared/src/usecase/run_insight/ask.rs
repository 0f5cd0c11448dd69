//! Asks one candidate after the other, within time and budget, until an answer passes every check.

use std::time::Duration;

use tracing::warn;

use super::candidates::{Candidate, Choice};
use super::record::{Made, Told, record, reserve, settle};
use super::{Work, score, unworded, worded};
use crate::ai::{AiError, Ask, Reply, Stop, TextModel as _, Trouble};
use crate::domain::insight::answer::{self, Answer, Checks, Defect, Numbers, Words};
use crate::domain::insight::attempt::Ending;
use crate::domain::insight::cost::{NanoDollars, Usage};
use crate::domain::insight::policy::{Course, Next, Verdict};
use crate::domain::insight::prompt::{Prompt, opaque_user};
use crate::domain::insight::request::{Insight, ProviderName};
use crate::domain::insight::score::Factor;
use crate::domain::insight::template_text::score_text;
use crate::error::{Error, Kind, Result};

/// What one call came to.
enum Judged {
    Done { words: Words, links: u32 },
    Refused,
    Not { verdict: Verdict, ending: Ending },
}

/// Tokens and money of all calls so far.
struct Bill {
    usage: Usage,
    cost: Option<NanoDollars>,
}

/// Asks until somebody answers, nobody is left, or the time is over.
pub(super) async fn ask(work: &Work<'_>, choice: &Choice<'_>, prompt: &Prompt) -> Result<Insight> {
    let clock = work.app.clock();
    let mut course = Course::new(work.app.config().ai.pace, time_left(work), choice.able.len());
    let mut bill = Bill { usage: Usage::default(), cost: Some(NanoDollars(0)) };
    let (mut next, mut last, mut own_model) = (course.begin(), None, false);
    while let Next::Ask { candidate, wait, limit, doubled } = next {
        let Some(candidate) = choice.able.get(candidate) else { break };
        if !wait.is_zero() {
            clock.sleep(wait).await;
        }
        let started = clock.now();
        let asked = Asked { candidate, preferred: choice.preferred };
        let call = Call { work, asked, prompt, limit, number: course.made(), doubled };
        own_model = call.is_own_model();
        let (judged, made) = call.make(&mut bill).await?;
        let verdict = match judged {
            Judged::Done { words, links } => return done(&call, words, links, &made, &bill),
            Judged::Refused => return refused(&call, &made, &bill),
            Judged::Not { verdict, ending } => {
                last = Some(ending);
                verdict
            }
        };
        let spent = clock.now().since(started).max(if made.timed_out { limit } else { Duration::ZERO });
        next = course.after(verdict, spent);
    }
    Err(nobody(last, own_model))
}

fn time_left(work: &Work<'_>) -> Duration {
    work.deadline.since(work.app.clock().now())
}

/// What a caller is told when no answer came; `own_model` if it was somebody's own choice of a model.
fn nobody(last: Option<Ending>, own_model: bool) -> Error {
    match last {
        Some(Ending::Invalid(_) | Ending::Truncated) => Error::new(Kind::Rejected)
            .saying("The model's answers did not pass our checks. Try a shorter text or another model."),
        Some(Ending::Failed(class)) if class.starts_with("rejected") && own_model => Error::invalid(
            "The provider does not take this request with the model that was named. Name another one.",
        ),
        Some(Ending::Failed(class)) if class.starts_with("rejected") => {
            Error::bug(format!("a provider rejected our request: {class}"))
        }
        Some(Ending::Failed(class)) if class.starts_with("too_large") => {
            Error::invalid("The model cannot take so much text. Give less, or name another model.")
        }
        Some(Ending::Failed(class)) => Error::new(Kind::Throttled { retry_after: Duration::from_secs(30) })
            .saying("No language model answered in time. Try again in a moment.")
            .because(class),
        Some(Ending::Answered | Ending::Refused) | None => {
            Error::new(Kind::Throttled { retry_after: Duration::from_secs(5) })
                .saying("There was not enough time left to ask a language model. Try again.")
        }
    }
}

/// Who is asked, and who would have been asked first.
#[derive(Clone, Copy)]
struct Asked<'a> {
    candidate: &'a Candidate<'a>,
    preferred: ProviderName,
}

/// One call.
struct Call<'a> {
    work: &'a Work<'a>,
    asked: Asked<'a>,
    prompt: &'a Prompt,
    limit: Duration,
    number: u32,
    doubled: bool,
}

impl Call<'_> {
    fn output_tokens(&self) -> u32 {
        let tokens = self.work.request.operation.limit_for(self.work.request.wish.max_output_tokens);
        if self.doubled { tokens.saturating_mul(2) } else { tokens }
    }

    /// Reserves, asks, judges, settles and records.
    async fn make(&self, bill: &mut Bill) -> Result<(Judged, Made)> {
        let (work, entry) = (self.work, &self.asked.candidate.entry);
        let limit = entry.limit(self.output_tokens());
        let reservation = reserve(work, entry, self.prompt.bytes(), limit).await?;
        let started = work.app.clock().now();
        let user = opaque_user(work.caller.workspace, &work.caller.name());
        let ask = Ask {
            entry,
            instructions: &self.prompt.instructions,
            message: &self.prompt.message,
            schema: self.prompt.schema,
            output_tokens: self.output_tokens(),
            temperature: work.request.wish.temperature,
            user: &user,
            limit: self.limit,
        };
        let result = self.asked.candidate.provider.ask(&ask).await;
        let judged = self.judge(&result);
        let made = Made::of(&result, entry, self.prompt.bytes(), limit, started);
        bill.usage = bill.usage.plus(made.usage);
        bill.cost = bill.cost.zip(made.cost).map(|(sum, cost)| sum.plus(cost));
        settle(work, &reservation, &made).await?;
        self.tell_breaker(&result).await?;
        let ending = match &judged {
            Judged::Done { .. } => Ending::Answered,
            Judged::Refused => Ending::Refused,
            Judged::Not { ending, .. } => ending.clone(),
        };
        let texts = result.as_ref().ok().map(|reply| (self.prompt.message.as_str(), reply.text.as_str()));
        let told = Told {
            candidate: self.asked.candidate,
            prompt: self.prompt.version,
            number: self.number,
            ending,
            texts,
        };
        record(work, &told, &made, started).await?;
        Ok((judged, made))
    }

    fn judge(&self, result: &Result<Reply, AiError>) -> Judged {
        let not = |verdict, ending| Judged::Not { verdict, ending };
        let reply = match result {
            Ok(reply) => reply,
            Err(error) => return not(verdict(error.trouble), Ending::Failed(error.class())),
        };
        match &reply.stop {
            Stop::Refused => return Judged::Refused,
            Stop::Truncated => return not(Verdict::Cut, Ending::Truncated),
            Stop::Other(word) => return not(Verdict::Invalid, Ending::Invalid(format!("stop_{word}"))),
            Stop::Complete => {}
        }
        match self.read(&reply.text) {
            Ok((words, links)) => Judged::Done { words, links },
            Err(Defect::CutJson) => not(Verdict::Cut, Ending::Truncated),
            Err(defect) => not(Verdict::Invalid, Ending::Invalid(defect.to_string())),
        }
    }

    fn read(&self, text: &str) -> Result<(Words, u32), Defect> {
        let gathered = &self.work.gathered;
        let mut factors: Vec<Factor> = Vec::new();
        if let Some((lead, churn)) = &gathered.scores {
            factors.extend(lead.factors().cloned());
            factors.extend(churn.factors().iter().cloned());
        }
        let numbers = gathered.scores.as_ref().map(|_| Numbers::of(&gathered.material.canonical()));
        let checks = Checks {
            marker: &self.prompt.marker,
            instructions: &self.prompt.instructions,
            domains: &self.work.settings.link_domains,
            placeholders: &["email", "phone"],
            factors: &factors,
            numbers: numbers.as_ref(),
        };
        answer::read(self.work.request.operation, text, &checks)
    }

    /// True for a model that a caller or a workspace chose, and not the deployment.
    fn is_own_model(&self) -> bool {
        self.asked.candidate.entry.model != self.asked.candidate.provider.config.model
    }

    /// Remembers who does not serve us; of money every process is told.
    async fn tell_breaker(&self, result: &Result<Reply, AiError>) -> Result<()> {
        let (app, name, now) =
            (self.work.app, self.asked.candidate.provider.name, self.work.app.clock().now());
        let breakers = &app.ai().await?.breakers;
        match result {
            Ok(_) => breakers.succeeded(name),
            // Whoever names a model that is not there must not close the provider to everybody else.
            Err(error) if error.is_about_model() && self.is_own_model() => return Ok(()),
            Err(error) => breakers.failed(name, error.trouble, now),
        }
        if let Err(AiError { trouble: Trouble::Misconfigured, .. }) = result {
            warn!(
                event = "ai.misconfigured",
                provider = name.as_str(),
                "{} refuses key or model",
                name.as_str()
            );
        }
        if let Err(AiError { trouble: Trouble::OutOfMoney, .. }) = result {
            tracing::error!(
                event = "ai.out_of_money",
                provider = name.as_str(),
                "{} is not paid",
                name.as_str()
            );
            let until = now + crate::ai::breaker::LONG;
            app.store().open_circuit(self.work.caller.workspace, name, until).await?;
        }
        Ok(())
    }
}

fn verdict(trouble: Trouble) -> Verdict {
    match trouble {
        Trouble::Busy { after } => Verdict::Busy { after },
        Trouble::Lost => Verdict::Busy { after: None },
        Trouble::Unavailable | Trouble::Misconfigured | Trouble::OutOfMoney | Trouble::TooLarge => {
            Verdict::Closed
        }
        Trouble::Rejected => Verdict::Hopeless,
    }
}

fn done(call: &Call<'_>, words: Words, links: u32, made: &Made, bill: &Bill) -> Result<Insight> {
    let mut insight = billed(call, unworded(call.work, worded(call.work, words)?), made, bill);
    if links > 0 {
        insight.warnings.push(format!("{links} links, images or addresses were taken out of the answer."));
    }
    if insight.answer.injection_suspected() {
        let warning = "The material tries to give orders to the model. Do not act on this answer unread.";
        insight.warnings.push(warning.to_owned());
    }
    Ok(insight)
}

/// A refusal is an answer, and nobody else is asked. The figures of a score are ours, and so are then its words.
fn refused(call: &Call<'_>, made: &Made, bill: &Bill) -> Result<Insight> {
    let Some((lead, churn)) = &call.work.gathered.scores else {
        return Ok(billed(call, unworded(call.work, Answer::Refused), made, bill));
    };
    let answer = Answer::Score(score(call.work, score_text(lead, churn))?);
    let mut insight = billed(call, unworded(call.work, answer), made, bill);
    insight.warnings.push("The model refused to word this score.".to_owned());
    Ok(insight)
}

/// The same with who answered, and what it took.
fn billed(call: &Call<'_>, insight: Insight, made: &Made, bill: &Bill) -> Insight {
    let (work, entry, provider) = (call.work, &call.asked.candidate.entry, call.asked.candidate.provider);
    let mut warnings = entry.warnings(insight.created_at);
    if made.estimated {
        warnings.push("The server does not say how many tokens it used; they are estimated.".to_owned());
    }
    if work.request.wish.temperature.is_some() && !entry.temperature {
        warnings.push(format!("{} takes no temperature; it was left out.", entry.model));
    }
    Insight {
        usage: bill.usage,
        cost: bill.cost,
        provider: Some(provider.name),
        model: Some(made.served.clone().unwrap_or_else(|| entry.model.clone())),
        fell_back: call.asked.preferred != provider.name,
        warnings,
        ..insight
    }
}
