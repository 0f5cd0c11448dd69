//! What went wrong, by what can be done about it.
//!
//! A kind exists only if somebody acts differently on it. Texts that reach the outside are written here and in
//! the use cases, for the person who reads them; the chain of sources goes to the log, once.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// The result of everything the use cases do.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who acts, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The caller's input is wrong.
    Invalid,
    /// No or bad session, signature or state.
    Unauthenticated,
    /// Absent, or not the caller's: the same answer.
    NotFound,
    /// Somebody moved it, or it is being done right now.
    Conflict,
    /// A grant was revoked; the workspace's admin must connect again.
    Disconnected,
    /// A provider asked us to slow down, or the budget is spent.
    Throttled { retry_after: Duration },
    /// Time-out, 5xx, network.
    Unavailable,
    /// A provider will never take this.
    Rejected,
    /// An invariant broke.
    Bug,
}

impl Kind {
    /// The name in logs and on parked messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Unauthenticated => "unauthenticated",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Disconnected => "disconnected",
            Self::Throttled { .. } => "throttled",
            Self::Unavailable => "unavailable",
            Self::Rejected => "rejected",
            Self::Bug => "bug",
        }
    }

    /// The code in API answers.
    pub fn code(self) -> &'static str {
        match self {
            Self::Invalid => "BAD_USER_INPUT",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::NotFound => "NOT_FOUND",
            Self::Conflict => "CONFLICT",
            Self::Disconnected => "RECONNECT_REQUIRED",
            Self::Throttled { .. } | Self::Unavailable => "UNAVAILABLE",
            Self::Rejected => "REJECTED",
            Self::Bug => "INTERNAL",
        }
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::Unauthenticated => 401,
            Self::NotFound => 404,
            Self::Conflict | Self::Disconnected => 409,
            Self::Rejected => 422,
            Self::Throttled { .. } | Self::Unavailable => 503,
            Self::Bug => 500,
        }
    }

    /// What the outside reads where nothing better is known.
    fn advice(self) -> &'static str {
        match self {
            Self::Invalid => "The request is not valid.",
            Self::Unauthenticated => "Sign in and try again.",
            Self::NotFound => "There is no such thing in this workspace.",
            Self::Conflict => "Something else changed this at the same moment. Try again.",
            Self::Disconnected => "The connection was revoked. Connect again on the settings page.",
            Self::Throttled { .. } => "Too many calls just now. It goes on by itself; try again in a moment.",
            Self::Unavailable => "A service we depend on does not answer. Try again in a moment.",
            Self::Rejected => "The other side refuses this and will refuse it again.",
            Self::Bug => "Something went wrong on our side. It was logged.",
        }
    }
}

/// An error with its kind, a text for the outside, and the chain behind it.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    advice: Option<Cow<'static, str>>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of a kind, with nothing more to say.
    pub fn new(kind: Kind) -> Self {
        Self { kind, advice: None, source: None }
    }

    /// The caller's input is wrong; `advice` says what to do.
    pub fn invalid(advice: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Invalid).saying(advice)
    }

    /// Absent, or not the caller's.
    pub fn not_found() -> Self {
        Self::new(Kind::NotFound)
    }

    /// An invariant broke.
    pub fn bug(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Bug).because(Broken(what.into()))
    }

    /// The same with a text for the outside. Never a secret, never personal data.
    #[must_use]
    pub fn saying(mut self, advice: impl Into<Cow<'static, str>>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// The same with what led to it.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What can be done about it.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What the outside reads.
    pub fn advice(&self) -> &str {
        self.advice.as_deref().unwrap_or_else(|| self.kind.advice())
    }

    /// The whole chain in one line, for the log.
    pub fn chain(&self) -> String {
        let mut line = self.to_string();
        let mut next = self.source();
        while let Some(error) = next {
            line = format!("{line}: {error}");
            next = error.source();
        }
        line
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_str())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Broken(Cow<'static, str>);
