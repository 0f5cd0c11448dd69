//! One call to a provider, as it is recorded. Without prompt and answer, unless the workspace wants them kept.

use serde::{Deserialize, Serialize};

use super::cost::{NanoDollars, Usage};
use super::operation::Operation;
use super::request::{ProviderName, Subject};
use crate::domain::grant::Sealed;
use crate::domain::time::Timestamp;

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", content = "why", rename_all = "snake_case")]
pub enum Ending {
    /// An answer that passed every check.
    Answered,
    /// The model refused.
    Refused,
    /// The answer was cut off.
    Truncated,
    /// An answer that did not pass; which check.
    Invalid(String),
    /// No answer; the class of the error.
    Failed(String),
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Sorts by time.
    pub id: String,
    pub at: Timestamp,
    pub operation: Operation,
    pub subject: Option<Subject>,
    pub provider: ProviderName,
    /// The model that was asked.
    pub model: String,
    /// The model that answered, as the provider names it.
    pub served: Option<String>,
    pub wire: String,
    /// `sentiment@1`.
    pub prompt: String,
    /// 1 for the first.
    pub number: u32,
    pub usage: Usage,
    /// True if the usage is our estimate, because the answer brought none.
    pub estimated: bool,
    /// Nothing if it is not known.
    pub cost: Option<NanoDollars>,
    pub latency_ms: u64,
    pub ending: Ending,
    /// The provider's own name of the call.
    pub request_id: Option<String>,
    /// A wished temperature that the model does not take.
    pub dropped_temperature: bool,
    /// Prompt and answer; only if the workspace wants them kept.
    #[serde(default)]
    pub texts: Option<Sealed>,
}
