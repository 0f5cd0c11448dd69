//! The five things a model is asked for, and their limits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One operation. Its name in URLs, keys and logs is the one [`Operation::name`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    GenerateText,
    AnalyzeSentiment,
    ScoreLead,
    DraftEmail,
    SummarizeText,
}

/// A name that is none of the five.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an operation")]
pub struct UnknownOperation;

/// The most output a caller may ask for, in tokens; longer work does not end within one request.
pub const MOST_OUTPUT_TOKENS: u32 = 4_000;

impl Operation {
    /// All five.
    pub const ALL: [Self; 5] =
        [Self::GenerateText, Self::AnalyzeSentiment, Self::ScoreLead, Self::DraftEmail, Self::SummarizeText];

    /// Its name: `analyze-sentiment`.
    pub fn name(self) -> &'static str {
        match self {
            Self::GenerateText => "generate-text",
            Self::AnalyzeSentiment => "analyze-sentiment",
            Self::ScoreLead => "score-lead",
            Self::DraftEmail => "draft-email",
            Self::SummarizeText => "summarize-text",
        }
    }

    /// Output tokens unless the caller says otherwise: enough for the answer's own caps, and little enough to
    /// arrive within a request.
    pub fn output_tokens(self) -> u32 {
        match self {
            Self::AnalyzeSentiment => 300,
            Self::ScoreLead => 500,
            Self::SummarizeText => 600,
            Self::DraftEmail => 900,
            Self::GenerateText => 1_200,
        }
    }

    /// The limit to send for what a caller wished.
    pub fn limit_for(self, wished: Option<u32>) -> u32 {
        wished.unwrap_or_else(|| self.output_tokens()).clamp(16, MOST_OUTPUT_TOKENS)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Operation {
    type Err = UnknownOperation;
    fn from_str(name: &str) -> Result<Self, UnknownOperation> {
        Self::ALL.into_iter().find(|it| it.name() == name).ok_or(UnknownOperation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for operation in Operation::ALL {
            assert_eq!(operation.name().parse(), Ok(operation));
        }
        assert_eq!("score_lead".parse::<Operation>(), Err(UnknownOperation));
    }

    #[test]
    fn a_wish_stays_within_its_bounds() {
        assert_eq!(Operation::AnalyzeSentiment.limit_for(None), 300);
        assert_eq!(Operation::AnalyzeSentiment.limit_for(Some(0)), 16);
        assert_eq!(Operation::GenerateText.limit_for(Some(u32::MAX)), MOST_OUTPUT_TOKENS);
    }
}
