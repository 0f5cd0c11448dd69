//! Answers of language models in the words of the API: typed, with what they took.
//!
//! Every figure here comes from code; a model only finds the words.

use async_graphql::{OutputType, SimpleObject};
use shared::domain::insight::answer::{self, Answer};
use shared::domain::insight::cost::Usage;
use shared::domain::insight::request::Insight;
use shared::{Error, Result};

use super::insight_score::LeadAssessment;
use super::insight_words::{AiProvider, SentimentLabel};
use super::time::DateTime;

/// A text.
#[derive(SimpleObject)]
pub(crate) struct GeneratedText {
    /// The text.
    text: String,
}

/// The mood of a text.
#[derive(SimpleObject)]
pub(crate) struct Sentiment {
    /// The mood in a word.
    label: SentimentLabel,
    /// From -1, very negative, to 1, very positive.
    score: f64,
    /// How sure the model is, from 0 to 1.
    confidence: f64,
    /// Why, in a sentence.
    rationale: String,
}

/// An e-mail that a person may send. We never do.
#[derive(SimpleObject)]
pub(crate) struct EmailDraft {
    /// The subject, one line.
    subject: String,
    /// The body, plain text.
    body: String,
    /// Placeholders that are still to be filled, without their braces.
    placeholders: Vec<String>,
}

/// A summary.
#[derive(SimpleObject)]
pub(crate) struct Summary {
    /// The summary.
    #[graphql(name = "summary")]
    text: String,
    /// What matters most.
    key_points: Vec<String>,
    /// What stays open.
    open_questions: Vec<String>,
}

/// An answer that belongs to one operation.
pub(crate) trait OfOperation: OutputType + Sized {
    /// Nothing if it is the answer to something else.
    fn of(answer: &Answer) -> Option<Self>;
}

impl OfOperation for GeneratedText {
    fn of(answer: &Answer) -> Option<Self> {
        let Answer::Text(it) = answer else { return None };
        Some(Self { text: it.text.clone() })
    }
}

impl OfOperation for Sentiment {
    fn of(answer: &Answer) -> Option<Self> {
        let Answer::Sentiment(it) = answer else { return None };
        let answer::Sentiment { label, score, confidence, rationale, .. } = it.clone();
        Some(Self { label: label.into(), score, confidence, rationale })
    }
}

impl OfOperation for LeadAssessment {
    fn of(answer: &Answer) -> Option<Self> {
        let Answer::Score(it) = answer else { return None };
        Some(it.into())
    }
}

impl OfOperation for EmailDraft {
    fn of(answer: &Answer) -> Option<Self> {
        let Answer::Email(it) = answer else { return None };
        let answer::EmailDraft { subject, body, placeholders, .. } = it.clone();
        Some(Self { subject, body, placeholders })
    }
}

impl OfOperation for Summary {
    fn of(answer: &Answer) -> Option<Self> {
        let Answer::Summary(it) = answer else { return None };
        let answer::Summary { summary: text, key_points, open_questions, .. } = it.clone();
        Some(Self { text, key_points, open_questions })
    }
}

/// Tokens by the class they are billed in.
#[derive(SimpleObject)]
pub(crate) struct TokenUsage {
    /// Input that the provider's cache did not serve.
    uncached: u64,
    /// Input that the provider's cache served.
    cached: u64,
    /// Input that was written to the provider's cache.
    written: u64,
    /// Output, reasoning included.
    output: u64,
    /// The part of the output that was reasoning, which nobody sees.
    pub(crate) reasoning: u64,
    /// Input and output together.
    pub(crate) total: u64,
}

impl TokenUsage {
    /// Tokens of each class.
    pub(crate) fn of(classes: [u64; 5]) -> Self {
        let [uncached, cached, written, output, reasoning] = classes;
        let total = [uncached, cached, written, output].into_iter().fold(0, u64::saturating_add);
        Self { uncached, cached, written, output, reasoning, total }
    }
}

impl From<&Usage> for TokenUsage {
    fn from(it: &Usage) -> Self {
        Self::of([it.uncached, it.cached, it.written(), it.output, it.reasoning])
    }
}

/// What is to be said about an answer.
#[derive(SimpleObject)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, to be asked for on its own")]
pub(crate) struct InsightFacts {
    /// Tokens of every call that was made for it; none if it was cached.
    usage: TokenUsage,
    /// What those calls cost in US dollars, as decimal text; null if the price of one of them is not known.
    cost_usd: Option<String>,
    /// Who answered; null if no model took part.
    provider: Option<AiProvider>,
    /// The model that answered, as the provider names it.
    model: Option<String>,
    /// True if the same was asked before and nobody was asked again.
    cached: bool,
    /// True if not all of the material fitted in.
    truncated: bool,
    /// True if somebody else than asked first answered.
    fell_back: bool,
    /// True if the model refused. The answer is null then, and nobody else was asked.
    refused: bool,
    /// True if the material tries to give orders to the model. Do not act on the answer unread.
    injection_suspected: bool,
    /// What you should know, in words.
    warnings: Vec<String>,
    /// When it was answered.
    created_at: DateTime,
}

impl From<&Insight> for InsightFacts {
    fn from(it: &Insight) -> Self {
        Self {
            usage: (&it.usage).into(),
            cost_usd: it.cost.map(|cost| cost.to_string()),
            provider: it.provider.map(AiProvider::from),
            model: it.model.clone(),
            cached: it.cached,
            truncated: it.truncated,
            fell_back: it.fell_back,
            refused: it.answer == Answer::Refused,
            injection_suspected: it.answer.injection_suspected(),
            warnings: it.warnings.clone(),
            created_at: it.created_at.into(),
        }
    }
}

/// An answer, and what it took.
#[derive(SimpleObject)]
#[graphql(concrete(name = "TextInsight", params(GeneratedText)))]
#[graphql(concrete(name = "SentimentInsight", params(Sentiment)))]
#[graphql(concrete(name = "ScoreInsight", params(LeadAssessment)))]
#[graphql(concrete(name = "EmailInsight", params(EmailDraft)))]
#[graphql(concrete(name = "SummaryInsight", params(Summary)))]
pub(crate) struct Told<T: OutputType> {
    /// The answer; null if the model refused.
    answer: Option<T>,
    /// What it took.
    about: InsightFacts,
}

impl<T: OfOperation> Told<T> {
    /// The insight as what its operation brings.
    pub(crate) fn of(insight: &Insight) -> Result<Self> {
        let answer = T::of(&insight.answer);
        if answer.is_none() && insight.answer != Answer::Refused {
            return Err(Error::bug("an insight holds the answer to something else"));
        }
        Ok(Self { answer, about: insight.into() })
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::insight::cost::NanoDollars;
    use shared::domain::insight::operation::Operation;
    use shared::domain::time::Timestamp;

    use super::*;

    fn insight(answer: Answer) -> Insight {
        Insight {
            operation: Operation::GenerateText,
            answer,
            usage: Usage {
                uncached: 10,
                cached: 5,
                written_5m: 2,
                output: 7,
                reasoning: 3,
                ..Usage::default()
            },
            cost: Some(NanoDollars(1_234)),
            provider: None,
            model: None,
            cached: false,
            truncated: false,
            fell_back: false,
            warnings: Vec::new(),
            created_at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn a_refusal_is_told_without_an_answer() {
        let told = Told::<GeneratedText>::of(&insight(Answer::Refused)).unwrap();

        assert!(told.answer.is_none());
        assert!(told.about.refused);
    }

    #[test]
    fn the_answer_to_something_else_is_never_passed_on() {
        let text = answer::FreeText { text: "Hello".to_owned(), injection_suspected: true };

        assert!(Told::<Summary>::of(&insight(Answer::Text(text.clone()))).is_err());
        let told = Told::<GeneratedText>::of(&insight(Answer::Text(text))).unwrap();
        assert_eq!(told.answer.unwrap().text, "Hello");
        assert!(told.about.injection_suspected && !told.about.refused);
    }

    #[test]
    fn tokens_and_cost_are_exact() {
        let about = InsightFacts::from(&insight(Answer::Refused));

        assert_eq!((about.usage.total, about.usage.written, about.usage.reasoning), (24, 2, 3));
        assert_eq!(about.cost_usd.as_deref(), Some("0.000001234"));
    }
}
