//! What an answer of the REST API means. Decided by `errorCode`, never by the text, and never by the status alone:
//! limits answer 400 or 429, a missing envelope 404 or 400.

use serde::Deserialize;

use super::super::error::{EsignError, Trouble, word};
use super::super::line::{by_status, header_word, reset_at, retry_after};
use crate::http::Answer;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    error_code: Option<String>,
}

/// Nothing if the call did what was asked.
pub(super) fn outcome(answer: &Answer) -> Result<(), EsignError> {
    if (200..300).contains(&answer.status) {
        return Ok(());
    }
    let said: Option<Said> = serde_json::from_slice(&answer.body).ok();
    let code = word(said.and_then(|it| it.error_code).as_deref());
    let upper = code.as_deref().unwrap_or_default().to_ascii_uppercase();
    let trouble = match upper.as_str() {
        "AUTHORIZATION_INVALID_TOKEN" | "USER_AUTHENTICATION_FAILED" | "PARTNER_AUTHENTICATION_FAILED" => {
            Trouble::LoggedOut
        }
        "USER_LACKS_PERMISSIONS"
        | "ACCOUNT_LACKS_PERMISSIONS"
        | "USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT"
        | "USER_NOT_ENVELOPE_SENDER_OR_RECIPIENT"
        | "ENVELOPE_SEND_LIMIT_EXCEEDED"
        | "ENVELOPE_ALLOWANCE_EXCEEDED" => Trouble::Misconfigured,
        "ENVELOPE_DOES_NOT_EXIST" | "TEMPLATE_ID_INVALID" => Trouble::NotFound,
        "RECIPIENT_LIMIT_EXCEEDED" => Trouble::Rejected,
        limit if limit.starts_with("HOURLY_") || limit.starts_with("BURST_") => {
            Trouble::Throttled { after: retry_after(&answer.headers) }
        }
        "" if answer.status == 401 => Trouble::LoggedOut,
        _ if answer.status == 401 => Trouble::Misconfigured,
        _ => by_status(answer.status, &answer.headers),
    };
    Err(EsignError {
        status: Some(answer.status),
        code,
        trace: header_word(&answer.headers, "x-docusign-tracetoken"),
        reset_at: reset_at(&answer.headers),
        ..EsignError::new(trouble)
    })
}
