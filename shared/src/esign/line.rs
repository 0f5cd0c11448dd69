//! One call to a provider: address, headers, size of the answer. What a status means is decided by the adapters.

use std::time::Duration;

use http::{HeaderMap, Method};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::error::{EsignError, Trouble};
use crate::domain::time::Timestamp;
use crate::http::{Answer, Body, Http, Outgoing};

/// The largest signed file we fetch: the largest file that can be sent, with pages of signatures and seals.
pub(super) const LARGEST_FILE: usize = 40 * 1024 * 1024;

/// How long a call that carries a file may take.
const FILE_TIME: Duration = Duration::from_mins(1);

/// A call to be made.
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) body: Body,
    /// True if the answer is a file, not JSON.
    pub(super) file: bool,
}

impl Ask {
    /// A call without a body.
    pub(super) fn new(method: Method, url: Url) -> Self {
        Self { method, url, body: Body::Nothing, file: false }
    }

    /// A read.
    pub(super) fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// A call with JSON. What is null is left out: providers take it for a value.
    pub(super) fn json(method: Method, url: Url, body: Value) -> Self {
        Self { body: Body::Json(bare(body).to_string().into_bytes()), ..Self::new(method, url) }
    }

    /// Makes the call, with the header that lets us in, where one is needed.
    pub(super) async fn send(self, http: &Http, authorization: Option<String>) -> Result<Answer, EsignError> {
        let heavy = self.file || matches!(self.body, Body::Typed { .. });
        let accept = if self.file { "application/pdf, application/json" } else { "application/json" };
        let mut call = Outgoing::new(self.method, self.url, None);
        call.headers = vec![("accept", accept.to_owned())];
        call.headers.extend(authorization.map(|it| ("authorization", it)));
        call.body = self.body;
        if heavy {
            call.timeout = FILE_TIME;
        }
        if self.file {
            call.largest = LARGEST_FILE;
        }
        Ok(http.send(call).await?)
    }
}

/// `base` with `path` below it; each segment is escaped.
pub(super) fn below(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

/// The same address with a query.
pub(super) fn with_query(mut url: Url, query: &[(&str, &str)]) -> Url {
    url.query_pairs_mut().extend_pairs(query);
    url
}

/// Reads an answer's JSON. An answer that cannot be read leaves open what happened.
pub(super) fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, EsignError> {
    serde_json::from_slice(&answer.body).map_err(|_| EsignError {
        status: Some(answer.status),
        ..EsignError::because(Trouble::Unavailable, "unreadable")
    })
}

/// What a status means where the provider's code does not say more.
pub(super) fn by_status(status: u16, headers: &HeaderMap) -> Trouble {
    match status {
        401..=403 | 300..=399 => Trouble::Misconfigured,
        404 | 410 => Trouble::NotFound,
        202 | 409 | 423 => {
            Trouble::NotReady { after: retry_after(headers).unwrap_or(Duration::from_secs(10)) }
        }
        429 => Trouble::Throttled { after: retry_after(headers) },
        // 444 comes from a firewall in front of DocuSign.
        408 | 444 | 500.. => Trouble::Unavailable,
        _ => Trouble::Rejected,
    }
}

/// `Retry-After` in seconds, an hour at most.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.clamp(1, 3_600)))
}

/// When a limit is whole again: Unix seconds in this header.
pub(super) fn reset_at(headers: &HeaderMap) -> Option<Timestamp> {
    let seconds: i64 = headers.get("x-ratelimit-reset")?.to_str().ok()?.trim().parse().ok()?;
    Some(Timestamp::from_millis(seconds.checked_mul(1_000)?))
}

/// The value without anything that is null, however deep.
fn bare(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            map.into_iter().filter(|(_, it)| !it.is_null()).map(|(name, it)| (name, bare(it))).collect()
        }
        Value::Array(all) => all.into_iter().map(bare).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// A text of a header that is safe to keep: a word.
pub(super) fn header_word(headers: &HeaderMap, name: &str) -> Option<String> {
    super::error::word(headers.get(name).and_then(|value| value.to_str().ok()))
}

/// Unix seconds as a moment.
pub(super) fn from_seconds(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds.saturating_mul(1_000))
}

/// Cut to so many characters.
pub(super) fn at_most(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}
