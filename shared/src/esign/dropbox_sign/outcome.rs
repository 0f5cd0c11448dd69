//! What an answer means. Decided by `error_name`, which is there for most refusals, and by the status otherwise.

use serde::Deserialize;

use super::super::error::{EsignError, Trouble, word};
use super::super::line::{by_status, reset_at, retry_after};
use crate::http::Answer;

#[derive(Deserialize)]
struct Said {
    error: Option<Inner>,
}

#[derive(Deserialize)]
struct Inner {
    error_name: Option<String>,
    error_path: Option<String>,
}

/// Names the field at fault after the code, where one is named: `bad_request.expires_at`.
fn code(inner: Option<&Inner>) -> Option<String> {
    let name = word(inner?.error_name.as_deref())?;
    let path = inner?.error_path.as_deref().filter(|path| *path == "expires_at");
    Some(path.map_or_else(|| name.clone(), |path| format!("{name}.{path}")))
}

/// Nothing if the call did what was asked.
pub(super) fn outcome(answer: &Answer) -> Result<(), EsignError> {
    if (200..300).contains(&answer.status) {
        return Ok(());
    }
    let said: Option<Said> = serde_json::from_slice(&answer.body).ok();
    let inner = said.and_then(|it| it.error);
    let name = inner.as_ref().and_then(|it| it.error_name.as_deref()).unwrap_or_default();
    let trouble = match name {
        "bad_request"
        | "invalid_recipient"
        | "invalid_reminder"
        | "unprocessable_entity"
        | "method_not_supported"
        | "signature_request_cancel_failed"
        | "signature_request_remove_failed"
        | "signature_request_expired" => Trouble::Rejected,
        "unauthorized" | "payment_required" | "forbidden" => Trouble::Misconfigured,
        "not_found" | "deleted" => Trouble::NotFound,
        "exceeded_rate" => Trouble::Throttled { after: retry_after(&answer.headers) },
        "unknown" | "maintenance" | "unavailable" => Trouble::Unavailable,
        _ => by_status(answer.status, &answer.headers),
    };
    Err(EsignError {
        status: Some(answer.status),
        code: code(inner.as_ref()),
        reset_at: reset_at(&answer.headers),
        ..EsignError::new(trouble)
    })
}

/// True if the moment of the end was what was refused.
pub(super) fn is_about_expiry(error: &EsignError) -> bool {
    error.code.as_deref() == Some("bad_request.expires_at")
}

/// True if the request is in a state that does not allow what was asked.
pub(super) fn is_about_state(error: &EsignError) -> bool {
    matches!(error.code.as_deref(), Some("signature_request_cancel_failed" | "signature_request_expired"))
}
