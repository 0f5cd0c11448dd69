//! Webhooks: an array of events, signed by a parameter of the address. There is no header for the signature.

use serde::Deserialize;
use serde_json::Value;

use super::super::webhook::{
    BadSignature, Hint, Reading, Unreadable, Unverified, Verified, any_fits, derived_id, mac,
};
use super::wire::Document;
use crate::domain::contract::{Detail, Observed, Overall, SignerSeen, SignerState};
use crate::domain::grant::Secret;
use crate::domain::id::DeliveryId;
use crate::domain::time::Timestamp;

#[derive(Deserialize)]
struct Event {
    event: String,
    data: Option<Value>,
}

#[derive(Deserialize)]
struct Acted {
    #[serde(rename = "action_by")]
    by: Option<Actor>,
    #[serde(rename = "action_date")]
    date: Option<String>,
    /// The name of an old page.
    #[serde(rename = "action_on")]
    on: Option<String>,
}

#[derive(Deserialize)]
struct Actor {
    email: Option<String>,
    id: Option<String>,
}

/// Accepts a body that one of the keys signed: lower-case hexadecimal digits in `signature`, once.
pub(in crate::esign) fn verify(keys: &[Secret], request: &Unverified<'_>) -> Result<Verified, BadSignature> {
    let given = request.parameter("signature").ok_or(BadSignature::Missing)?;
    let expected = keys.iter().filter_map(|key| mac(key, &[request.body]));
    if !any_fits(&[given.as_bytes()], expected.map(|mac| hex::encode(mac).into_bytes())) {
        return Err(BadSignature::Mismatch);
    }
    let json = std::str::from_utf8(request.body).map_err(|_| BadSignature::Malformed)?;
    let _: Vec<Event> = serde_json::from_str(json).map_err(|_| BadSignature::Malformed)?;
    Ok(Verified::new(json.to_owned(), id(request, json)?))
}

/// The same over all retries: the event's own id, or the digest of the body where none is sent. The header is not
/// signed, so it is bound to the body that is.
fn id(request: &Unverified<'_>, json: &str) -> Result<DeliveryId, BadSignature> {
    match request.header("x-pandadoc-webhook-event-id") {
        Some(event) => derived_id("pandadoc", &[event, json]),
        None => derived_id("pandadoc", &[json]),
    }
}

/// What the events say, in the order they were put into the body.
pub(in crate::esign) fn read(body: &str, received_at: Timestamp) -> Result<Vec<Hint>, Unreadable> {
    let events: Vec<Event> = serde_json::from_str(body).map_err(|_| Unreadable)?;
    Ok(events.into_iter().map(|event| hint(event, received_at)).collect())
}

fn hint(event: Event, received_at: Timestamp) -> Hint {
    let data = event.data.unwrap_or_default();
    let document: Option<Document> = serde_json::from_value(data.clone()).ok();
    let document = document.as_ref();
    let as_of = document.and_then(Document::modified_at).unwrap_or(received_at);
    let seen = document.filter(|it| it.status.is_some()).map(|it| it.observed(as_of));
    let reading = match (event.event.as_str(), seen) {
        ("document_state_changed" | "document_completed_pdf_ready", Some(seen)) => Reading::Snapshot(seen),
        ("recipient_completed", Some(seen)) => Reading::Snapshot(signed_by(seen, &data)),
        // Taken back to a draft at the provider: nobody is asked any more until it is sent again there.
        ("document_updated", Some(seen)) => {
            Reading::Snapshot(Observed { detail: Some(Detail::BackToDraft), ..seen })
        }
        ("document_creation_failed", _) => Reading::Snapshot(Observed::overall(as_of, Overall::Failed)),
        ("document_deleted", _) => Reading::ReRead { if_gone: Some(deleted(as_of)) },
        (
            "document_state_changed"
            | "document_completed_pdf_ready"
            | "recipient_completed"
            | "document_updated",
            None,
        ) => Reading::ReRead { if_gone: None },
        _ => Reading::Nothing,
    };
    Hint {
        contract: document.and_then(Document::own_id).and_then(|id| id.parse().ok()),
        request: document.and_then(|it| it.id.clone()),
        reading,
        event: event.event,
    }
}

/// Somebody of the sender's side removed it. A finished one stays finished: its end is known by then.
fn deleted(at: Timestamp) -> Observed {
    Observed::overall(at, Overall::Voided { at: Some(at), reason: None })
}

/// Adds when it was signed, which only this event says.
fn signed_by(mut seen: Observed, data: &Value) -> Observed {
    let Ok(Acted { by: Some(actor), date, on }) = Acted::deserialize(data) else {
        return seen;
    };
    let at = date.or(on).and_then(|text| text.parse().ok());
    let signer = SignerSeen::new(actor.id, actor.email, Some(SignerState::Signed));
    seen.signers.push(SignerSeen { signed_at: at, ..signer });
    seen
}
