//! From an answer to what it means: one function for REST, one for GraphQL, one judgement behind both.
//!
//! Twenty has its oddities (seen on 2.21): a missing key is a 403, a missing permission may be a 400, GraphQL
//! says 200 whatever happened, and some 500s are for ever.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::redact::{named_field, without_values};
use super::wire::{GraphqlAnswer, GraphqlErrors};
use super::{KeyProblem, Right, TwentyError};
use crate::domain::id::CrmId;
use crate::http::Answer;

/// What a REST answer brings. `right` is the one the call needs.
pub(super) fn rest<T: DeserializeOwned>(answer: &Answer, right: Right) -> Result<T, TwentyError> {
    if (200..300).contains(&answer.status) {
        return decode(&answer.body);
    }
    Err(refusal(answer, right))
}

/// What a GraphQL answer brings. Half an answer is none: errors win over data.
pub(super) fn graphql<T: DeserializeOwned>(answer: &Answer, right: Right) -> Result<T, TwentyError> {
    if let Ok(said) = serde_json::from_slice::<GraphqlErrors>(&answer.body)
        && let Some(error) = said.errors.into_iter().next()
    {
        let mut said = Said::new(answer, &error.extensions);
        said.message = error.message;
        return Err(judge(&said, right));
    }
    if answer.status != 200 {
        return Err(refusal(answer, right));
    }
    decode::<GraphqlAnswer<T>>(&answer.body).map(|it| it.data)
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, TwentyError> {
    serde_json::from_slice(body).map_err(|error| TwentyError::Unexpected {
        // The error itself quotes what it found, which may be a name or an address.
        what: if is_page(body) {
            "a web page".to_owned()
        } else {
            format!("an answer that does not decode, at {}:{}", error.line(), error.column())
        },
    })
}

fn is_page(body: &[u8]) -> bool {
    body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

/// An error, whichever form it came in.
struct Said {
    status: u16,
    message: String,
    codes: Vec<String>,
    culprit: Option<CrmId>,
    retry_after: Option<Duration>,
    limit: Option<u32>,
}

impl Said {
    /// Reads everything but the message, from an error body or from a GraphQL error's `extensions`.
    fn new(answer: &Answer, body: &Map<String, Value>) -> Self {
        let mut codes: Vec<String> = ["code", "subCode", "error"]
            .iter()
            .filter_map(|name| body.get(*name)?.as_str().map(str::to_owned))
            .collect();
        codes.extend(nested(body).filter_map(|error| text(error, "code")));
        let header = |name| answer.headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        let number = |name: &str| body.get(name).and_then(Value::as_u64);
        let seconds = header("retry-after").or_else(|| number("retryAfterSeconds"));
        let wait = number("retryAfterMs").map(Duration::from_millis);
        let culprit = body.get("conflictingRecordId").and_then(Value::as_str);
        Self {
            status: answer.status,
            message: String::new(),
            codes,
            culprit: culprit.and_then(|id| id.parse().ok()),
            retry_after: seconds.map(Duration::from_secs).or(wait),
            limit: named_limit(body)
                .or_else(|| header("x-ratelimit-limit").and_then(|it| u32::try_from(it).ok())),
        }
    }

    fn has(&self, code: &str) -> bool {
        self.codes.iter().any(|it| it == code)
    }

    fn contains(&self, text: &str) -> bool {
        self.message.contains(text)
    }
}

/// The errors of a refused change to the data model, those of the thing itself first.
fn nested(body: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let kinds = ["objectMetadata", "fieldMetadata", "index"];
    let groups = kinds.into_iter().filter_map(|kind| body.get("errors")?.get(kind)?.as_array());
    groups.flatten().filter_map(|group| group.get("errors")?.as_array()).flatten()
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name)?.as_str().map(str::to_owned)
}

/// The limit of newer servers, as calls a minute.
fn named_limit(body: &Map<String, Value>) -> Option<u32> {
    let limit = body.get("limit")?.as_u64()?;
    let count = body.get("periodCount").and_then(Value::as_u64).unwrap_or(1).max(1);
    let unit = body.get("periodUnit").and_then(Value::as_str).unwrap_or("minute");
    let seconds = match unit.to_ascii_lowercase().trim_end_matches('s') {
        "second" => 1,
        "minute" => 60,
        "hour" => 3_600,
        _ => return None,
    };
    u32::try_from(limit.saturating_mul(60) / (seconds * count)).ok()
}

/// `Limit reached (100 tokens per 60000 ms)` as calls a minute.
fn limit_in(message: &str) -> Option<u32> {
    let mut numbers =
        message.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse::<u64>().ok());
    let (tokens, ms) = (numbers.next()?, numbers.next()?);
    u32::try_from(tokens.checked_mul(60_000)?.checked_div(ms)?).ok()
}

/// What a status other than 2xx means.
fn refusal(answer: &Answer, right: Right) -> TwentyError {
    let body = serde_json::from_slice::<Value>(&answer.body);
    let mut said = match &body {
        Ok(Value::Object(body)) => Said { message: message(body), ..Said::new(answer, body) },
        other => Said {
            message: other.as_ref().ok().and_then(Value::as_str).unwrap_or_default().to_owned(),
            ..Said::new(answer, &Map::new())
        },
    };
    let speaks_json = body.is_ok();
    let gateway = matches!(said.status, 408 | 413 | 429 | 500..);
    if speaks_json || gateway {
        if said.status == 413 {
            said.message = String::from("the batch is too large");
        }
        return judge(&said, right);
    }
    TwentyError::Unexpected {
        what: match said.status {
            300..400 => "a redirect".to_owned(),
            status if is_page(&answer.body) => format!("a web page with status {status}"),
            status => format!("status {status}"),
        },
    }
}

/// The message in either form of error body: `messages`, or `message` as a text or a list.
fn message(body: &Map<String, Value>) -> String {
    if let Some(first) = nested(body).find_map(|error| text(error, "message")) {
        return first;
    }
    let lists = ["messages", "message"].iter().filter_map(|name| body.get(*name));
    let lines = lists.flat_map(|value| {
        let several = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        value.as_str().into_iter().chain(several)
    });
    lines.collect::<Vec<_>>().join("; ")
}

fn judge(said: &Said, right: Right) -> TwentyError {
    let limited = said.has("LIMIT_REACHED") || said.has("RATE_LIMITED");
    if said.status == 402 || said.has("QUOTA_EXHAUSTED") {
        return TwentyError::QuotaExhausted;
    }
    if said.status == 429 || limited || said.message.starts_with("Limit reached") {
        return TwentyError::Throttled {
            retry_after: said.retry_after,
            limit: said.limit.or_else(|| limit_in(&said.message)),
        };
    }
    if let Some(reason) = key_problem(said) {
        return TwentyError::Unauthorized { reason };
    }
    if said.has("PERMISSION_DENIED") || said.has("FORBIDDEN") || said.status == 403 {
        return TwentyError::Forbidden { right };
    }
    content(said).unwrap_or_else(|| transport(said))
}

fn key_problem(said: &Said) -> Option<KeyProblem> {
    let unauthenticated = said.status == 401 || said.has("UNAUTHENTICATED");
    let refused = unauthenticated || said.status == 403 || said.has("FORBIDDEN");
    // Without a key the core schema seems to have no fields at all; these exist in every workspace.
    let no_schema = ["people", "opportunities", "workflows"]
        .iter()
        .any(|root| said.message == format!("Cannot query field \"{root}\" on type \"Query\"."));
    if no_schema
        || (refused && (said.contains("Missing authentication") || said.message == "Forbidden resource"))
    {
        return Some(KeyProblem::NoToken);
    }
    if refused && said.contains("revoked") {
        return Some(KeyProblem::Revoked);
    }
    if unauthenticated && said.contains("expired") {
        return Some(KeyProblem::Expired);
    }
    (unauthenticated || said.has("INVALID_JWT_TOKEN_TYPE")).then_some(KeyProblem::Invalid)
}

/// Refusals of what was sent, which another try will meet again.
fn content(said: &Said) -> Option<TwentyError> {
    if said.has("NOT_AVAILABLE") || said.has("OBJECT_ALREADY_EXISTS") {
        return Some(TwentyError::NameTaken);
    }
    if is_drift(said) {
        let what = without_values(&said.message);
        return Some(TwentyError::SchemaDrift { what });
    }
    if said.contains("Valid values are:") {
        let field = named_field(&said.message).unwrap_or_else(|| "of the record".to_owned());
        return Some(TwentyError::OptionMissing { field });
    }
    // Two 500s that no repetition heals: NUL in a text, and a unique index over values that repeat.
    let permanent = said.message == "Data validation error."
        || said.message.starts_with("Migration action 'create' for 'index'");
    let internal = said.status >= 500 || said.status == 408 || said.has("INTERNAL_SERVER_ERROR");
    let foreign =
        said.message.is_empty() || matches!(said.status, 300..400 | 405) || said.contains("Cannot POST");
    if permanent || !(internal || foreign) {
        return Some(TwentyError::Rejected { reason: without_values(&said.message), culprit: said.culprit });
    }
    None
}

fn is_drift(said: &Said) -> bool {
    let gone = |code: &String| code.ends_with("METADATA_NOT_FOUND");
    let unknown_object = said.message.starts_with("object '") && said.contains("' not found");
    let unknown_in_graphql = ["Cannot query field \"", "Unknown type \"", "is not defined by type \""];
    said.codes.iter().any(gone)
        || unknown_object
        || (said.message.starts_with("Object ") && said.contains("doesn't have any \""))
        || unknown_in_graphql.iter().any(|text| said.contains(text))
}

/// What is left: nothing was said about what was sent.
fn transport(said: &Said) -> TwentyError {
    if said.status >= 500 || said.status == 408 || said.has("INTERNAL_SERVER_ERROR") {
        return TwentyError::Unavailable { status: Some(said.status), source: None };
    }
    TwentyError::Unexpected { what: format!("status {}", said.status) }
}
