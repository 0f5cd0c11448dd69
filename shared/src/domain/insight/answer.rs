//! What we accept from a model. An answer is read, checked against our own types and ranges, and cleaned; what does
//! not pass is a defect and never reaches anybody.

mod numbers;
mod read;

use serde::{Deserialize, Serialize};

use super::churn::ChurnRisk;
use super::lead_score::LeadScore;
use super::operation::Operation;
use super::score::{Direction, Factor};

pub use numbers::Numbers;

/// A typed answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Answer {
    Text(FreeText),
    Sentiment(Sentiment),
    Score(ScoreAnswer),
    Email(EmailDraft),
    Summary(Summary),
    /// The model refused. That is an answer: nobody else is asked.
    Refused,
}

/// Free text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreeText {
    pub text: String,
    /// The material tries to give orders; do not act on this answer.
    pub injection_suspected: bool,
}

/// How a text sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mood {
    Positive,
    Neutral,
    Negative,
    Mixed,
}

impl Mood {
    /// The name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::Neutral => "neutral",
            Self::Negative => "negative",
            Self::Mixed => "mixed",
        }
    }
}

/// The mood of a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sentiment {
    pub label: Mood,
    /// −1 very negative to 1 very positive.
    pub score: f64,
    /// 0 to 1.
    pub confidence: f64,
    pub rationale: String,
    pub injection_suspected: bool,
}

/// An e-mail that a person may send. We never do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailDraft {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// Placeholders that are still to be filled, without braces.
    pub placeholders: Vec<String>,
    pub injection_suspected: bool,
}

/// A summary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub summary: String,
    pub key_points: Vec<String>,
    pub open_questions: Vec<String>,
    pub injection_suspected: bool,
}

/// Figures from code, and their wording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreAnswer {
    pub lead: LeadScore,
    pub churn: ChurnRisk,
    pub explanation: ScoreExplanation,
}

/// A score in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreExplanation {
    pub summary: String,
    pub reasons: Vec<Reason>,
    pub next_action: String,
    pub injection_suspected: bool,
    pub worded_by: WordedBy,
}

/// Who found the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WordedBy {
    Model,
    Template,
}

/// One factor in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The factor's key.
    pub factor: String,
    pub effect: Direction,
    pub explanation: String,
}

impl Answer {
    /// True if the material tried to give orders.
    pub fn injection_suspected(&self) -> bool {
        match self {
            Self::Text(it) => it.injection_suspected,
            Self::Sentiment(it) => it.injection_suspected,
            Self::Score(it) => it.explanation.injection_suspected,
            Self::Email(it) => it.injection_suspected,
            Self::Summary(it) => it.injection_suspected,
            Self::Refused => false,
        }
    }
}

/// Why an answer was not accepted. The names go to logs and records; the answer does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    #[error("empty")]
    Empty,
    #[error("not_json")]
    NotJson,
    /// JSON that ends before its end.
    #[error("cut_json")]
    CutJson,
    #[error("wrong_shape")]
    WrongShape,
    #[error("out_of_range")]
    OutOfRange,
    #[error("inconsistent")]
    Inconsistent,
    #[error("marker_leaked")]
    MarkerLeaked,
    #[error("instructions_leaked")]
    InstructionsLeaked,
    #[error("key_leaked")]
    KeyLeaked,
    #[error("foreign_number")]
    ForeignNumber,
    #[error("unknown_placeholder")]
    UnknownPlaceholder,
}

/// What an answer is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Checks<'a> {
    /// The tag around the data of this request.
    pub marker: &'a str,
    /// What the model was told; none of it may come back.
    pub instructions: &'a str,
    /// Domains that may be linked to.
    pub domains: &'a [String],
    /// Placeholders that code can fill, without braces.
    pub placeholders: &'a [&'a str],
    /// The factors that were sent, for scores.
    pub factors: &'a [Factor],
    /// The numbers that were sent, for scores.
    pub numbers: Option<&'a Numbers>,
}

/// A model's words, checked; the figures of a score are added by who has them.
#[derive(Clone, Debug, PartialEq)]
pub enum Words {
    Text(FreeText),
    Sentiment(Sentiment),
    Score(ScoreExplanation),
    Email(EmailDraft),
    Summary(Summary),
}

/// Reads what a model answered. The number tells how many links were taken out.
pub fn read(operation: Operation, text: &str, checks: &Checks<'_>) -> Result<(Words, u32), Defect> {
    read::read(operation, text, checks)
}

#[cfg(test)]
mod tests;
