//! What language models cost: by day, operation and model, and call by call.

use async_graphql::{Enum, ID, SimpleObject};
use shared::domain::insight::attempt::{Attempt, Ending};
use shared::domain::insight::budget::{Amount, DailyLimit};
use shared::domain::insight::cost::NanoDollars;
use shared::domain::insight::request::{ProviderName, Subject};
use shared::domain::insight::usage::UsageLine;

use super::insight::TokenUsage;
use super::insight_settings::AiDailyLimit;
use super::insight_words::{AiOperation, AiProvider};
use super::time::DateTime;

/// Calls of one operation to one model on one day.
#[derive(SimpleObject)]
pub(crate) struct AiUsageLine {
    /// The day, UTC: `2026-11-23`.
    day: String,
    /// What was asked for.
    operation: AiOperation,
    /// Who was asked; null where no model took part.
    provider: Option<AiProvider>,
    /// The model that was asked.
    model: String,
    /// What it took.
    took: AiUsageTotal,
}

impl From<&UsageLine> for AiUsageLine {
    fn from(line: &UsageLine) -> Self {
        let provider = ProviderName::ALL.into_iter().find(|it| it.as_str() == line.provider);
        Self {
            day: line.day.clone(),
            operation: line.operation.into(),
            provider: provider.map(Into::into),
            model: line.model.clone(),
            took: AiUsageTotal::of(std::slice::from_ref(line)),
        }
    }
}

/// Calls, tokens and cost together.
#[derive(SimpleObject)]
pub(crate) struct AiUsageTotal {
    /// Calls to providers, failed ones included.
    calls: u64,
    /// Calls that brought no answer.
    failed: u64,
    /// Answers for which nobody was called, because the same was asked before.
    cached_answers: u64,
    /// Tokens.
    tokens: TokenUsage,
    /// Cost in US dollars as decimal text, without the calls whose cost is not known.
    cost_usd: String,
    /// Calls whose cost is not known, because their model has no price here.
    unpriced_calls: u64,
}

impl AiUsageTotal {
    fn of(lines: &[UsageLine]) -> Self {
        let sum = |part: fn(&UsageLine) -> u64| lines.iter().map(part).fold(0, u64::saturating_add);
        Self {
            calls: sum(|it| it.calls),
            failed: sum(|it| it.failed),
            cached_answers: sum(|it| it.cached_answers),
            tokens: TokenUsage::of([
                sum(|it| it.uncached),
                sum(|it| it.cached),
                sum(|it| it.written),
                sum(|it| it.output),
                sum(|it| it.reasoning),
            ]),
            cost_usd: NanoDollars(sum(|it| it.nano_dollars.0)).to_string(),
            unpriced_calls: sum(|it| it.unpriced),
        }
    }
}

/// Tokens and money.
#[derive(SimpleObject)]
pub(crate) struct AiSpent {
    /// Tokens.
    tokens: u64,
    /// US dollars as decimal text.
    usd: String,
}

/// What language models took.
#[derive(SimpleObject)]
pub(crate) struct AiUsage {
    /// By day, operation and model, the earliest day first.
    lines: Vec<AiUsageLine>,
    /// All lines together.
    total: AiUsageTotal,
    /// What counts against today's limits, with what is reserved for calls that are under way.
    spent_today: AiSpent,
    /// What may be spent a day.
    daily: AiDailyLimit,
}

impl AiUsage {
    /// The lines, what is spent today and what may be.
    pub(crate) fn of(lines: &[UsageLine], spent: Amount, daily: &DailyLimit) -> Self {
        Self {
            lines: lines.iter().map(Into::into).collect(),
            total: AiUsageTotal::of(lines),
            spent_today: AiSpent { tokens: spent.tokens, usd: spent.nano_dollars.to_string() },
            daily: daily.into(),
        }
    }
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum AiEnding {
    /// It brought an answer that passed every check.
    Answered,
    /// The model refused.
    Refused,
    /// The answer was cut off.
    Truncated,
    /// The answer did not pass our checks; `reason` says which.
    Invalid,
    /// No answer came; `reason` says why.
    Failed,
}

/// One call to a provider, without prompt and answer.
#[derive(SimpleObject)]
pub(crate) struct AiCall {
    /// Its id.
    id: ID,
    /// When it was made.
    at: DateTime,
    /// What was asked for.
    operation: AiOperation,
    /// The person in Twenty it was about.
    person_id: Option<ID>,
    /// The opportunity in Twenty it was about.
    opportunity_id: Option<ID>,
    /// Who was asked.
    provider: AiProvider,
    /// The model that was asked.
    model: String,
    /// The model that answered, as the provider names it.
    served: Option<String>,
    /// Which version of our instructions it got, for instance `sentiment@1`.
    instructions: String,
    /// Counts the calls for one request, from 1.
    number: u32,
    /// Tokens.
    usage: TokenUsage,
    /// True if the tokens are our estimate, because the answer did not say.
    estimated: bool,
    /// Cost in US dollars as decimal text; null if it is not known.
    cost_usd: Option<String>,
    /// How long it took, in milliseconds.
    latency_ms: u64,
    /// What became of it.
    ending: AiEnding,
    /// Why, in a word, if it brought nothing of use.
    reason: Option<String>,
    /// The provider's own name of the call, for its support.
    request_id: Option<String>,
}

impl From<Attempt> for AiCall {
    fn from(it: Attempt) -> Self {
        let (person_id, opportunity_id) = match it.subject {
            Some(Subject::Person(id)) => (Some(id.to_string().into()), None),
            Some(Subject::Opportunity(id)) => (None, Some(id.to_string().into())),
            None => (None, None),
        };
        let (ending, reason) = ended(it.ending);
        Self {
            id: it.id.into(),
            at: it.at.into(),
            operation: it.operation.into(),
            person_id,
            opportunity_id,
            provider: it.provider.into(),
            model: it.model,
            served: it.served,
            instructions: it.prompt,
            number: it.number,
            usage: (&it.usage).into(),
            estimated: it.estimated,
            cost_usd: it.cost.map(|cost| cost.to_string()),
            latency_ms: it.latency_ms,
            ending,
            reason,
            request_id: it.request_id,
        }
    }
}

fn ended(ending: Ending) -> (AiEnding, Option<String>) {
    match ending {
        Ending::Answered => (AiEnding::Answered, None),
        Ending::Refused => (AiEnding::Refused, None),
        Ending::Truncated => (AiEnding::Truncated, None),
        Ending::Invalid(why) => (AiEnding::Invalid, Some(why)),
        Ending::Failed(why) => (AiEnding::Failed, Some(why)),
    }
}

/// Some calls.
#[derive(SimpleObject)]
pub(crate) struct AiCallPage {
    /// The calls, newest first.
    pub(crate) calls: Vec<AiCall>,
    /// Give this as `after` to read on; null on the last page.
    pub(crate) next: Option<String>,
}

#[cfg(test)]
mod tests {
    use shared::domain::insight::operation::Operation;

    use super::*;

    fn line(provider: &str, calls: u64, nano: u64) -> UsageLine {
        UsageLine {
            day: "2026-11-23".to_owned(),
            operation: Operation::ScoreLead,
            provider: provider.to_owned(),
            model: "a-model".to_owned(),
            calls,
            failed: 1,
            cached_answers: 2,
            unpriced: 3,
            uncached: 10,
            cached: 20,
            written: 30,
            output: 40,
            reasoning: 5,
            nano_dollars: NanoDollars(nano),
        }
    }

    #[test]
    fn the_total_is_the_sum_of_its_lines() {
        let lines = [line("openai", 1, 999_999_999), line("none", 2, 2)];

        let usage = AiUsage::of(&lines, Amount::default(), &DailyLimit::default());

        let total = &usage.total;
        assert_eq!((total.calls, total.failed, total.cached_answers, total.unpriced_calls), (3, 2, 4, 6));
        assert_eq!((total.tokens.total, total.tokens.reasoning), (200, 10));
        assert_eq!(total.cost_usd, "1.000000001");
        assert_eq!(usage.lines[0].provider, Some(AiProvider::OpenAi));
        assert_eq!(usage.lines[1].provider, None);
    }

    #[test]
    fn a_call_that_failed_says_why() {
        assert_eq!(ended(Ending::Failed("busy".to_owned())), (AiEnding::Failed, Some("busy".to_owned())));
        assert_eq!(ended(Ending::Answered), (AiEnding::Answered, None));
    }
}
