//! A call without an answer, by what can be done about it. A provider's own words are never kept: they quote what
//! they were sent.

use std::time::Duration;

use crate::http::HttpError;

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It may work in a moment; the provider's hint, if it gave one.
    Busy { after: Option<Duration> },
    /// It will not work here in the next minutes, for no fault of ours.
    Unavailable,
    /// It was sent, and no usable answer came: it may have been served and billed.
    Lost,
    /// The key, the model's name or our rights there are wrong: a person must mend it.
    Misconfigured,
    /// Nobody pays: waiting does not help.
    OutOfMoney,
    /// The model cannot take so much.
    TooLarge,
    /// Our request or setting is wrong; nobody else is to be bothered with it.
    Rejected,
}

impl Trouble {
    /// The name in logs and records.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Busy { .. } => "busy",
            Self::Unavailable => "unavailable",
            Self::Lost => "lost",
            Self::Misconfigured => "misconfigured",
            Self::OutOfMoney => "out_of_money",
            Self::TooLarge => "too_large",
            Self::Rejected => "rejected",
        }
    }
}

/// A call without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the model did not answer: {}", .trouble.as_str())]
pub(crate) struct AiError {
    pub(crate) trouble: Trouble,
    pub(crate) status: Option<u16>,
    /// The provider's code or type, as a word.
    pub(crate) code: Option<String>,
    pub(crate) request_id: Option<String>,
    /// True if the time that was allowed is over.
    pub(crate) timed_out: bool,
    #[source]
    pub(crate) source: Option<HttpError>,
}

impl AiError {
    /// Trouble, with nothing more to say.
    pub(crate) fn new(trouble: Trouble) -> Self {
        Self { trouble, status: None, code: None, request_id: None, timed_out: false, source: None }
    }

    /// True if the provider does not know the model, or does not let us use it.
    pub(crate) fn is_about_model(&self) -> bool {
        self.trouble == Trouble::Misconfigured
            && (self.status == Some(404) || self.code.as_deref() == Some("model_not_found"))
    }

    /// The class and the code, for records: `busy:rate_limit_exceeded`.
    pub(crate) fn class(&self) -> String {
        match &self.code {
            Some(code) => format!("{}:{code}", self.trouble.as_str()),
            None => self.trouble.as_str().to_owned(),
        }
    }
}

impl From<HttpError> for AiError {
    fn from(error: HttpError) -> Self {
        let (trouble, timed_out) = match &error {
            HttpError::NotAllowed(_) => (Trouble::Misconfigured, false),
            HttpError::Unreachable(error) if error.is_connect() => (Trouble::Busy { after: None }, false),
            HttpError::Unreachable(_) | HttpError::TooLarge(_) => (Trouble::Lost, false),
            HttpError::TimedOut => (Trouble::Lost, true),
        };
        Self { timed_out, source: Some(error), ..Self::new(trouble) }
    }
}

/// A provider's word, if it is one.
pub(crate) fn word(text: Option<&str>) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    text.filter(|it| !it.is_empty() && it.len() <= 64 && it.chars().all(plain)).map(str::to_owned)
}
