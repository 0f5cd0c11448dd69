//! What an answer means. Refusals have a `type`, conflicts only a status, and `/public/v2` a `code`. What `detail`
//! says is a text or an object; it is never kept.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::super::error::{EsignError, Trouble, word};
use super::super::line::{by_status, reset_at, retry_after};
use crate::http::Answer;

#[derive(Deserialize)]
struct Said {
    r#type: Option<String>,
    code: Option<String>,
    detail: Option<Value>,
}

/// Nothing if the call did what was asked. A 202 has not done it yet.
pub(super) fn outcome(answer: &Answer) -> Result<(), EsignError> {
    if (200..300).contains(&answer.status) && answer.status != 202 {
        return Ok(());
    }
    let said: Option<Said> = serde_json::from_slice(&answer.body).ok();
    let kind = said.as_ref().and_then(|it| word(it.r#type.as_deref()).or_else(|| word(it.code.as_deref())));
    let trouble = match (answer.status, kind.as_deref().unwrap_or_default()) {
        (429, _) | (_, "throttled") => {
            let named = said.as_ref().and_then(|it| it.detail.as_ref()?.as_str()).and_then(named_seconds);
            Trouble::Throttled { after: retry_after(&answer.headers).or(named) }
        }
        (401, _) | (_, "authentication_error" | "permissions_error") => Trouble::Misconfigured,
        (413, _) => Trouble::Rejected,
        (status, _) => by_status(status, &answer.headers),
    };
    Err(EsignError {
        status: Some(answer.status),
        code: kind,
        reset_at: reset_at(&answer.headers),
        ..EsignError::new(trouble)
    })
}

/// "Expected available in 12 seconds."
fn named_seconds(text: &str) -> Option<Duration> {
    let (_, rest) = text.split_once("available in ")?;
    let seconds: u64 = rest.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_secs(seconds.clamp(1, 3_600)))
}
