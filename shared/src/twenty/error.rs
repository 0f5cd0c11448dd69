//! What can go wrong at Twenty, by what the caller can do about it.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::domain::id::CrmId;
use crate::error::{Error, Kind};
use crate::http::HttpError;

/// A call to Twenty that did not do what was asked. Texts name fields, never what was in them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TwentyError {
    /// The key does not open the door.
    #[error("twenty refused the api key: {reason}")]
    Unauthorized { reason: KeyProblem },
    /// The key's role lacks a right.
    #[error("the api key's role lacks the right {right}")]
    Forbidden { right: Right },
    /// Too many calls. `limit` is what Twenty grants in a minute, where it says so.
    #[error("twenty asked us to slow down")]
    Throttled { retry_after: Option<Duration>, limit: Option<u32> },
    /// The plan's quota is used up; another try costs and brings nothing.
    #[error("the quota of the twenty plan is used up")]
    QuotaExhausted,
    /// Twenty will never take this record; of a batch, at least one record is meant.
    #[error("twenty rejected the record: {reason}")]
    Rejected {
        reason: String,
        /// The other record that holds a unique value, where Twenty names it.
        culprit: Option<CrmId>,
    },
    /// A select field has no such option; it can be added with `add_options`.
    #[error("the field {field} has no such option in twenty")]
    OptionMissing { field: String },
    /// The name of an object or field was taken in the meantime.
    #[error("the name is taken in twenty")]
    NameTaken,
    /// A field or object is not there; the schema must be ensured again.
    #[error("the data model in twenty has changed: {what}")]
    SchemaDrift { what: String },
    /// 5xx, network, time-out. Whether the call had an effect is unknown.
    #[error("twenty is unavailable{}", status.map_or_else(String::new, |it| format!(": status {it}")))]
    Unavailable {
        status: Option<u16>,
        #[source]
        source: Option<HttpError>,
    },
    /// The address is not one we call.
    #[error("the address of the twenty server may not be called: {why}")]
    NotAllowed {
        why: &'static str,
        #[source]
        source: HttpError,
    },
    /// What answers does not speak as Twenty does.
    #[error("unexpected answer from twenty: {what}")]
    Unexpected { what: String },
    /// We asked for something that cannot be sent.
    #[error("a call to twenty was prepared wrongly: {0}")]
    Misused(&'static str),
}

/// What is wrong with an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyProblem {
    /// It did not arrive, although it was sent.
    NoToken,
    Invalid,
    Expired,
    Revoked,
}

impl fmt::Display for KeyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoToken => "it did not arrive",
            Self::Invalid => "it is not valid",
            Self::Expired => "it has expired",
            Self::Revoked => "it was revoked",
        })
    }
}

/// A right of the role that an API key carries, as Twenty names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// To read and write records.
    Records,
    /// To read and change the data model.
    DataModel,
    /// To read workflows.
    Workflows,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Records => "records",
            Self::DataModel => "DATA_MODEL",
            Self::Workflows => "WORKFLOWS",
        })
    }
}

impl TwentyError {
    /// True if our picture of the fields is out of date: it must be made anew before the next write.
    pub(crate) fn says_drift(&self) -> bool {
        matches!(self, Self::SchemaDrift { .. } | Self::OptionMissing { .. })
    }

    /// True if a batch was refused for what is in it: sent in halves, all but the bad record will land.
    pub(crate) fn refuses_content(&self) -> bool {
        matches!(self, Self::Rejected { .. } | Self::Misused(_))
    }

    /// True if the key itself no longer opens the door; only a new one helps.
    pub(crate) fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Unauthorized { .. }) && self.kind() == Kind::Disconnected
    }

    fn kind(&self) -> Kind {
        match self {
            // A proxy that drops the header is not a key that was revoked.
            Self::Unauthorized { reason: KeyProblem::NoToken }
            | Self::Unavailable { .. }
            | Self::Unexpected { .. } => Kind::Unavailable,
            Self::Unauthorized { .. } => Kind::Disconnected,
            Self::Forbidden { .. }
            | Self::QuotaExhausted
            | Self::Rejected { .. }
            | Self::OptionMissing { .. } => Kind::Rejected,
            Self::Throttled { retry_after, .. } => {
                Kind::Throttled { retry_after: retry_after.unwrap_or(Duration::from_secs(1)) }
            }
            Self::NameTaken | Self::SchemaDrift { .. } => Kind::Conflict,
            Self::NotAllowed { .. } => Kind::Invalid,
            Self::Misused(_) => Kind::Bug,
        }
    }

    fn advice(&self) -> Option<String> {
        let text = match self {
            Self::Unauthorized { reason } => return Some(key_advice(*reason).to_owned()),
            Self::Forbidden { right } => return Some(right_advice(*right).to_owned()),
            Self::QuotaExhausted => {
                "The quota of the Twenty plan is used up. Raise it in Twenty; the next sync goes on \
                 from where this one stopped."
                    .to_owned()
            }
            Self::Rejected { reason, .. } => format!("Twenty refuses this: {reason}"),
            Self::OptionMissing { field } => {
                format!("The field {field} in Twenty lacks an option. Sync again to add it.")
            }
            Self::NameTaken | Self::SchemaDrift { .. } => {
                "Our fields in Twenty were changed. The next sync brings them back.".to_owned()
            }
            Self::NotAllowed { why, .. } => {
                format!("This address may not be called: {why}. Give the https address of a Twenty server.")
            }
            Self::Unavailable { .. } => {
                "The Twenty server does not answer. Try again in a moment.".to_owned()
            }
            Self::Unexpected { what } => format!(
                "This address is not a Twenty server's API ({what}). Give the server's own address; for Twenty \
                 Cloud that is https://api.twenty.com."
            ),
            Self::Throttled { .. } | Self::Misused(_) => return None,
        };
        Some(text)
    }
}

fn key_advice(reason: KeyProblem) -> &'static str {
    match reason {
        KeyProblem::NoToken => {
            "Twenty received no API key. Something in front of the server removes the Authorization header."
        }
        KeyProblem::Invalid => {
            "Twenty does not know this API key. Make one in Twenty → Settings → APIs & Webhooks and enter it on \
             the settings page."
        }
        KeyProblem::Expired => {
            "The Twenty API key has expired. Make a new one in Twenty → Settings → APIs & Webhooks and enter it \
             on the settings page."
        }
        KeyProblem::Revoked => {
            "The Twenty API key was revoked. Make a new one in Twenty → Settings → APIs & Webhooks and enter it \
             on the settings page."
        }
    }
}

fn right_advice(right: Right) -> &'static str {
    match right {
        Right::Records => {
            "The role of the Twenty API key may not read or write records. Give it a role that may, for instance \
             Admin, in Twenty → Settings → Roles."
        }
        Right::DataModel => {
            "The role of the Twenty API key may not change the data model. Give it a role with the permission \
             Data model, for instance Admin, in Twenty → Settings → Roles."
        }
        Right::Workflows => {
            "The role of the Twenty API key may not see workflows. Give it a role with the permission Workflows, \
             for instance Admin, in Twenty → Settings → Roles."
        }
    }
}

impl From<HttpError> for TwentyError {
    fn from(error: HttpError) -> Self {
        if let Some(why) = forbidden_address(&error) {
            return Self::NotAllowed { why, source: error };
        }
        match error {
            HttpError::TooLarge(_) => Self::Unexpected { what: error.to_string() },
            HttpError::NotAllowed(_) | HttpError::Unreachable(_) | HttpError::TimedOut => {
                Self::Unavailable { status: None, source: Some(error) }
            }
        }
    }
}

/// Why an address may not be called. Names are checked when they are resolved, deep inside the client.
fn forbidden_address(error: &HttpError) -> Option<&'static str> {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(HttpError::NotAllowed(why)) = error.downcast_ref() {
            return Some(why);
        }
        next = error.source();
    }
    None
}

impl From<TwentyError> for Error {
    fn from(error: TwentyError) -> Self {
        let said = Self::new(error.kind());
        let said = match error.advice() {
            Some(advice) => said.saying(advice),
            None => said,
        };
        said.because(error)
    }
}
