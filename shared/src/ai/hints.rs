//! What an answer's headers say: its name, and when to come back.

use std::time::Duration;

use chrono::DateTime;
use http::HeaderMap;

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// The provider's own name of the call.
pub(super) fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = text(headers, "x-request-id").or_else(|| text(headers, "request-id"))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (!id.is_empty() && id.len() <= 128 && id.chars().all(plain)).then(|| id.to_owned())
}

/// How long to wait: milliseconds, seconds, or a date, which is read against the answer's own.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    if let Some(ms) = text(headers, "retry-after-ms").and_then(|it| it.parse().ok()) {
        return Some(Duration::from_millis(ms));
    }
    let after = text(headers, "retry-after")?;
    if let Ok(seconds) = after.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let then = DateTime::parse_from_rfc2822(after).ok()?;
    let now = DateTime::parse_from_rfc2822(text(headers, "date")?).ok()?;
    Some((then - now).to_std().unwrap_or_default())
}

/// `x-should-retry`, which both providers put over the status.
pub(super) fn should_retry(headers: &HeaderMap) -> Option<bool> {
    match text(headers, "x-should-retry")? {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}
