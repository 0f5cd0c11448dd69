//! A call to a provider that did not bring what was asked, by what can be done about it. A provider's own words
//! are never kept: they quote what they were sent.

use std::time::Duration;

use crate::domain::time::Timestamp;
use crate::http::HttpError;

/// What can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The provider will never take this; the code says why, as far as a word can.
    Rejected,
    /// The access token is missing, spent or refused: log in once, and call once more. Only `DocuSign`.
    LoggedOut,
    /// An administrator must agree once, at this address. Only `DocuSign`.
    ConsentRequired { at: String },
    /// The key, our rights there or the plan are wrong: a workspace admin must mend it.
    Misconfigured,
    /// There is no such thing at the provider, or not any more.
    NotFound,
    /// The provider is still at work on it, or somebody edits it.
    NotReady { after: Duration },
    /// We were asked to slow down.
    Throttled { after: Option<Duration> },
    /// Nothing was heard, or the provider is down. What was asked may have happened all the same.
    Unavailable,
    /// The answer is larger than we read.
    TooLarge,
}

impl Trouble {
    /// The name in logs and records.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::LoggedOut => "logged_out",
            Self::ConsentRequired { .. } => "consent_required",
            Self::Misconfigured => "misconfigured",
            Self::NotFound => "not_found",
            Self::NotReady { .. } => "not_ready",
            Self::Throttled { .. } => "throttled",
            Self::Unavailable => "unavailable",
            Self::TooLarge => "too_large",
        }
    }
}

/// A call that failed.
#[derive(Debug, thiserror::Error)]
#[error("the e-signature provider did not do it: {}", self.class())]
pub(crate) struct EsignError {
    pub(crate) trouble: Trouble,
    pub(crate) status: Option<u16>,
    /// The provider's code, as a word.
    pub(crate) code: Option<String>,
    /// The provider's name for the call, for its support.
    pub(crate) trace: Option<String>,
    /// When a spent limit is whole again, by the provider's clock.
    pub(crate) reset_at: Option<Timestamp>,
    #[source]
    pub(crate) source: Option<HttpError>,
}

impl EsignError {
    /// Trouble, with nothing more to say.
    pub(crate) fn new(trouble: Trouble) -> Self {
        Self { trouble, status: None, code: None, trace: None, reset_at: None, source: None }
    }

    /// The same with a word of ours in the place of a provider's code.
    pub(crate) fn because(trouble: Trouble, code: &str) -> Self {
        Self { code: Some(code.to_owned()), ..Self::new(trouble) }
    }

    /// How long to wait before the same call has a chance; nothing where waiting does not help.
    pub(crate) fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        match &self.trouble {
            Trouble::NotReady { after } => Some(*after),
            Trouble::Throttled { after } => {
                let reset = self.reset_at.map(|at| at.since(now).min(Duration::from_hours(1)));
                Some(after.or(reset).unwrap_or(Duration::from_secs(30)).max(Duration::from_secs(1)))
            }
            Trouble::Unavailable => Some(Duration::from_secs(10)),
            Trouble::Rejected
            | Trouble::LoggedOut
            | Trouble::ConsentRequired { .. }
            | Trouble::Misconfigured
            | Trouble::NotFound
            | Trouble::TooLarge => None,
        }
    }

    /// True if what was asked may have happened although no answer says so. After a call that creates, look it
    /// up before another attempt.
    pub(crate) fn may_have_happened(&self) -> bool {
        matches!(self.trouble, Trouble::Unavailable | Trouble::TooLarge)
            || (self.status == Some(409) && matches!(self.trouble, Trouble::NotReady { .. }))
    }

    /// The class and the code, for records: `rejected:bad_request`.
    pub(crate) fn class(&self) -> String {
        match &self.code {
            Some(code) => format!("{}:{code}", self.trouble.as_str()),
            None => self.trouble.as_str().to_owned(),
        }
    }
}

impl From<HttpError> for EsignError {
    fn from(error: HttpError) -> Self {
        let trouble = match &error {
            HttpError::NotAllowed(_) => Trouble::Misconfigured,
            HttpError::Unreachable(_) | HttpError::TimedOut => Trouble::Unavailable,
            HttpError::TooLarge(_) => Trouble::TooLarge,
        };
        Self { source: Some(error), ..Self::new(trouble) }
    }
}

/// A provider's code, if it is one: a word and no sentence.
pub(crate) fn word(text: Option<&str>) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    text.filter(|it| !it.is_empty() && it.len() <= 80 && it.chars().all(plain)).map(str::to_owned)
}
