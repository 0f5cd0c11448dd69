//! Callbacks: a form with one field of JSON. Its `event_hash` covers a time and a word, no more, so a captured one
//! fits any body; the header's digest covers the field. Both are asked for, and what is said is read again at the
//! provider before it moves anything.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::super::form::field;
use super::super::line::from_seconds;
use super::super::webhook::{
    BadSignature, Hint, Reading, Unreadable, Unverified, Verified, any_fits, derived_id, mac,
};
use super::wire::SignatureRequest;
use crate::domain::contract::{Observed, Overall};
use crate::domain::grant::Secret;
use crate::domain::time::Timestamp;

/// Retries end after 30 hours; a page of the provider speaks of about three days.
const OLDEST: Duration = Duration::from_hours(72);

#[derive(Deserialize)]
struct Message {
    event: Event,
    signature_request: Option<SignatureRequest>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "event_time")]
    time: String,
    #[serde(rename = "event_type")]
    name: String,
    #[serde(rename = "event_hash")]
    hash: String,
    #[serde(rename = "event_metadata")]
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    related_signature_id: Option<String>,
}

/// Accepts a callback that one key signed in both ways.
pub(in crate::esign) fn verify(
    keys: &[Secret],
    request: &Unverified<'_>,
    now: Timestamp,
) -> Result<Verified, BadSignature> {
    let digest = request.header("content-sha256").ok_or(BadSignature::Missing)?;
    let content_type = request.header("content-type").ok_or(BadSignature::Malformed)?;
    let json = field(content_type, request.body, "json").ok_or(BadSignature::Malformed)?;
    // Whether the base64 wraps the digest or its hexadecimal text is not published; both are ours alone.
    let forms = keys.iter().filter_map(|key| mac(key, &[json]));
    let forms = forms.flat_map(|mac| [STANDARD.encode(mac), STANDARD.encode(hex::encode(mac))]);
    if !any_fits(&[digest.as_bytes()], forms.map(String::into_bytes)) {
        return Err(BadSignature::Mismatch);
    }
    let json = std::str::from_utf8(json).map_err(|_| BadSignature::Malformed)?;
    let message: Message = serde_json::from_str(json).map_err(|_| BadSignature::Malformed)?;
    let event = &message.event;
    let parts: [&[u8]; 2] = [event.time.as_bytes(), event.name.as_bytes()];
    let hashes = keys.iter().filter_map(|key| mac(key, &parts)).map(|mac| hex::encode(mac).into_bytes());
    if !any_fits(&[event.hash.as_bytes()], hashes) {
        return Err(BadSignature::Mismatch);
    }
    let at = event.time.parse().map(from_seconds).map_err(|_| BadSignature::Malformed)?;
    if at + OLDEST < now {
        return Err(BadSignature::Stale);
    }
    let related = event.metadata.as_ref().and_then(|it| it.related_signature_id.as_deref());
    let id = message.signature_request.as_ref().map_or("", |it| it.signature_request_id.as_str());
    let parts = [id, &event.name, &event.time, related.unwrap_or_default()];
    Ok(Verified::new(json.to_owned(), derived_id("dropbox_sign", &parts)?))
}

/// What a callback says.
pub(in crate::esign) fn read(body: &str, received_at: Timestamp) -> Result<Vec<Hint>, Unreadable> {
    let message: Message = serde_json::from_str(body).map_err(|_| Unreadable)?;
    let at = message.event.time.parse().map_or(received_at, from_seconds);
    let seen = message.signature_request.as_ref();
    let event = message.event.name;
    let reading = match event.as_str() {
        // A cancelled request cannot be read any more, so this event is what confirms it.
        "signature_request_canceled" => {
            let voided = Overall::Voided { at: Some(at), reason: None };
            Reading::ReRead { if_gone: Some(Observed::overall(at, voided)) }
        }
        "signature_request_sent"
        | "signature_request_viewed"
        | "signature_request_signed"
        | "signature_request_all_signed"
        | "signature_request_downloadable"
        | "signature_request_declined"
        | "signature_request_expired"
        | "signature_request_remind"
        | "signature_request_reassigned"
        | "signature_request_signer_removed"
        | "signature_request_email_bounce"
        | "signature_request_invalid"
        | "signature_request_prepared"
        | "signature_request_destroyed"
        | "signature_request_incomplete_qes"
        | "file_error"
        | "unknown_error"
            if seen.is_some() =>
        {
            Reading::ReRead { if_gone: None }
        }
        _ => Reading::Nothing,
    };
    Ok(vec![Hint {
        contract: seen.and_then(SignatureRequest::own_id).and_then(|id| id.parse().ok()),
        request: seen.map(|it| it.signature_request_id.clone()),
        reading,
        event,
    }])
}

/// The request inside an event as a read would show it.
#[cfg(test)]
pub(in crate::esign) fn as_read(body: &str, now: Timestamp) -> Observed {
    let message: Message = serde_json::from_str(body).unwrap();
    message.signature_request.unwrap().observed(now)
}
