//! What Whop's answers mean to whoever called, by what can be done about them.
//!
//! One function reads them all. No error carries a credential, and none more than a line of what Whop said.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use super::row::Row;
use crate::domain::source::Unreadable;
use crate::error::{Error, Kind};
use crate::http::{Answer, HttpError};

/// A call that did not bring what was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WhopError {
    /// The credential is not, or no longer, accepted.
    #[error("whop refused the credential")]
    Unauthorized,
    /// The credential may not do this; `permission` is what it lacks, where Whop says so.
    #[error("whop says a permission is missing")]
    Forbidden { permission: Option<String> },
    /// Too many calls of this kind with this credential in a minute.
    #[error("whop asked us to slow down")]
    Throttled { retry_after: Duration },
    /// Whop will not do this, however often it is asked.
    #[error("whop refused the request with status {status}, {kind}: {message}")]
    Refused { status: u16, kind: String, message: String },
    /// Whop is out of reach, or out of order.
    #[error("whop is not available")]
    Unavailable(#[source] Outage),
    /// One record that does not have the shape it should have. To be kept aside; the others are not concerned.
    #[error("whop gave a record that cannot be read")]
    Unreadable(#[source] Aside),
    /// An answer that is no answer to what was asked.
    #[error("whop answered with {0}")]
    Unexpected(&'static str),
}

/// A record for a person to look at. It says what is wrong and never shows the contents by itself.
#[derive(thiserror::Error)]
#[error("{}", .0.reason)]
pub(crate) struct Aside(pub(crate) Box<Unreadable>);

impl fmt::Debug for Aside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.reason)
    }
}

/// How Whop was not available.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Outage {
    #[error("the call brought no answer")]
    Network(#[source] HttpError),
    #[error("the answer had status {0}")]
    Status(u16),
}

/// How long to wait where Whop does not say (Whop API, rate limits: the limit is per minute).
const USUAL_WAIT: Duration = Duration::from_secs(30);
/// A longer wait than this is a mistake: every limit of Whop's is per minute.
const LONGEST_WAIT: Duration = Duration::from_mins(15);
/// Longest text of Whop's that we carry.
const LONGEST_MESSAGE: usize = 200;

impl WhopError {
    /// True if the credential is not accepted; whether that ends a connection is for the use case to decide.
    pub(crate) fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Unauthorized)
    }

    /// True if there is no such thing, or it is not shown to this credential.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }
}

/// From answer to outcome.
pub(super) fn outcome(answer: Result<Answer, HttpError>) -> Result<Bytes, WhopError> {
    let answer = answer.map_err(no_answer)?;
    match answer.status {
        200..=299 => Ok(answer.body),
        401 => Err(WhopError::Unauthorized),
        403 => Err(WhopError::Forbidden { permission: missing_permission(&said(&answer.body).1) }),
        408 | 500.. => Err(WhopError::Unavailable(Outage::Status(answer.status))),
        429 => Err(WhopError::Throttled { retry_after: retry_after(&answer) }),
        status @ 400..=499 => {
            let (kind, message) = said(&answer.body);
            Err(WhopError::Refused { status, kind, message })
        }
        _ => Err(WhopError::Unexpected("a redirect")),
    }
}

/// What a call that brought no answer means.
pub(super) fn no_answer(error: HttpError) -> WhopError {
    match error {
        HttpError::TooLarge(_) => WhopError::Unexpected("more than we read"),
        HttpError::NotAllowed(_) | HttpError::Unreachable(_) | HttpError::TimedOut => {
            WhopError::Unavailable(Outage::Network(error))
        }
    }
}

/// How long to wait before the next call. The header is not documented for the API, but believed if present;
/// otherwise the text says it: "Try again in 12 seconds." (Whop API, rate limits).
pub(super) fn retry_after(answer: &Answer) -> Duration {
    let header = answer.headers.get("retry-after");
    let header = header.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let wait = header.or_else(|| seconds_in(&said(&answer.body).1));
    wait.map_or(USUAL_WAIT, Duration::from_secs).min(LONGEST_WAIT)
}

fn seconds_in(text: &str) -> Option<u64> {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.windows(2).find_map(|pair| match pair {
        [number, unit] if unit.starts_with("second") => number.parse().ok(),
        _ => None,
    })
}

/// `error.type`, or `error.code` where there is no type, and `error.message`; empty where there is none, as
/// in an HTML page of a gateway.
fn said(body: &[u8]) -> (String, String) {
    let error =
        std::str::from_utf8(body).ok().and_then(|body| Row::parse(body).ok()?.inside("error").ok()?);
    let text = |field| -> Option<String> { error.as_ref()?.maybe_text(field).ok()? };
    let kind = text("type").or_else(|| text("code")).unwrap_or_default();
    (one_line(&kind), one_line(&text("message").unwrap_or_default()))
}

/// A text fit for a log: one line, not long, and without words that could name or admit somebody.
fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let kept = words
        .filter(|word| !word.is_empty())
        .map(|word| if word.contains('@') || word.len() > 48 { "…" } else { word });
    let line: Vec<&str> = kept.collect();
    line.join(" ").chars().take(LONGEST_MESSAGE).collect()
}

/// A permission named in a text: words joined by colons, as in `member:basic:read`.
fn missing_permission(text: &str) -> Option<String> {
    let part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '_')))
        .map(|word| word.trim_matches(':'))
        .find(|word| word.contains(':') && word.split(':').all(part))
        .map(str::to_owned)
}

impl From<WhopError> for Error {
    fn from(error: WhopError) -> Self {
        let (kind, advice) = match &error {
            WhopError::Unauthorized => (Kind::Rejected, UNAUTHORIZED.to_owned()),
            WhopError::Forbidden { permission } => (Kind::Rejected, forbidden(permission.as_deref())),
            WhopError::Throttled { retry_after } => {
                let kind = Kind::Throttled { retry_after: *retry_after };
                (kind, THROTTLED.to_owned())
            }
            WhopError::Refused { status: 409, .. } => (Kind::Conflict, CONFLICT.to_owned()),
            WhopError::Refused { status: 410, .. } => (Kind::Rejected, GONE.to_owned()),
            WhopError::Refused { status, kind, .. } => (Kind::Rejected, refused(*status, kind)),
            WhopError::Unavailable(_) => (Kind::Unavailable, UNAVAILABLE.to_owned()),
            WhopError::Unreadable(_) => (Kind::Rejected, UNREADABLE.to_owned()),
            WhopError::Unexpected(_) => (Kind::Unavailable, UNEXPECTED.to_owned()),
        };
        Self::new(kind).saying(advice).because(error)
    }
}

const UNAUTHORIZED: &str =
    "Whop does not accept the key or consent. Check the key, or connect Whop again on the settings page.";
const THROTTLED: &str = "Whop asks us to slow down. It goes on by itself; try again in a moment.";
const CONFLICT: &str = "Whop is still working on the same request. Try again in a moment.";
const GONE: &str = "Whop no longer offers what this version uses. Update this installation.";
const UNAVAILABLE: &str =
    "Whop does not answer. Nothing is lost; it is tried again. Look at Whop's status page if it lasts.";
const UNREADABLE: &str =
    "Whop gave a record in a form this version cannot read. Update this installation and retry the record.";
const UNEXPECTED: &str =
    "Whop gave an answer this version cannot read. It is tried again; if it lasts, check Whop's address.";

fn forbidden(permission: Option<&str>) -> String {
    let which = permission.map_or_else(|| "a permission".to_owned(), |it| format!("the permission `{it}`"));
    format!(
        "The Whop key or consent lacks {which}. Add it in Whop's developer settings, or connect Whop again."
    )
}

/// The kind is a word of Whop's own vocabulary; the message may name somebody and stays in the log.
fn refused(status: u16, kind: &str) -> String {
    let kind: String = kind.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    format!("Whop refuses this request (status {status} {kind}). Check what was entered and try again.")
}
