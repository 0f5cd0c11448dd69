//! Connect messages in JSON (SIM): one header for each live key, and an envelope as it was when the message was
//! made. The event's name says what happened; the envelope inside may be older or newer than that.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::super::webhook::{
    BadSignature, Hint, Reading, Unreadable, Unverified, Verified, any_fits, derived_id, mac,
};
use super::wire::{Envelope, time};
use crate::domain::contract::request::OWN_KEY;
use crate::domain::contract::{Observed, Overall, SignerSeen, SignerState};
use crate::domain::grant::Secret;
use crate::domain::id::SignatureRequestId;
use crate::domain::time::Timestamp;

/// The most signature headers that are looked at; `DocuSign` has at most a hundred keys.
const MOST_SIGNATURES: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    event: String,
    generated_date_time: Option<String>,
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    envelope_id: Option<String>,
    recipient_id: Option<String>,
    envelope_summary: Option<Envelope>,
}

/// Accepts a message that one of the keys signed, in any of the numbered headers.
pub(in crate::esign) fn verify(keys: &[Secret], request: &Unverified<'_>) -> Result<Verified, BadSignature> {
    let given: Vec<&[u8]> = request
        .headers
        .iter()
        .filter(|(name, _)| is_signature(name))
        .take(MOST_SIGNATURES)
        .map(|(_, value)| value.as_bytes())
        .collect();
    if given.is_empty() {
        return Err(BadSignature::Missing);
    }
    let expected = keys.iter().filter_map(|key| mac(key, &[request.body]));
    if !any_fits(&given, expected.map(|mac| STANDARD.encode(mac).into_bytes())) {
        return Err(BadSignature::Mismatch);
    }
    let json = std::str::from_utf8(request.body).map_err(|_| BadSignature::Malformed)?;
    let message: Message = serde_json::from_str(json).map_err(|_| BadSignature::Malformed)?;
    let data = message.data.as_ref();
    let parts = [
        data.and_then(|it| it.envelope_id.as_deref()).unwrap_or_default(),
        &message.event,
        data.and_then(|it| it.recipient_id.as_deref()).unwrap_or_default(),
        message.generated_date_time.as_deref().unwrap_or_default(),
    ];
    Ok(Verified::new(json.to_owned(), derived_id("docusign", &parts)?))
}

/// `x-docusign-signature-1` and so on.
fn is_signature(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.strip_prefix("x-docusign-signature-")
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What a message says.
pub(in crate::esign) fn read(body: &str, received_at: Timestamp) -> Result<Vec<Hint>, Unreadable> {
    let message: Message = serde_json::from_str(body).map_err(|_| Unreadable)?;
    let as_of = message.generated_date_time.as_deref().and_then(time).unwrap_or(received_at);
    let data = message.data.as_ref();
    let request: Option<SignatureRequestId> =
        data.and_then(|it| it.envelope_id.as_deref()).and_then(|id| id.parse().ok());
    let summary = data.and_then(|it| it.envelope_summary.as_ref());
    let contract = summary.and_then(|it| it.own(OWN_KEY)).and_then(|id| id.parse().ok());
    let recipient = data.and_then(|it| it.recipient_id.as_deref());
    let reading = if is_of_contracts(&message.event) {
        reading(&message.event, recipient, summary, as_of)
    } else {
        Reading::Nothing
    };
    Ok(vec![Hint { event: message.event, contract, request, reading }])
}

/// Events that can move a contract. All others are of templates, of the account, or unknown.
fn is_of_contracts(event: &str) -> bool {
    let moves = [
        "created",
        "sent",
        "resent",
        "delivered",
        "completed",
        "declined",
        "voided",
        "deleted",
        "corrected",
        "authenticationfailed",
        "autoresponded",
        "reassign",
        "delegate",
        "finish-later",
    ];
    let word = event.strip_prefix("envelope-").or_else(|| event.strip_prefix("recipient-"));
    word.is_some_and(|word| moves.contains(&word))
}

fn reading(event: &str, recipient: Option<&str>, summary: Option<&Envelope>, as_of: Timestamp) -> Reading {
    let told = told(event, summary);
    let Some(summary) = summary.filter(|it| it.recipients.is_some()) else {
        return match told {
            Some(overall) => Reading::Snapshot(Observed::overall(as_of, overall)),
            None => Reading::ReRead { if_gone: None },
        };
    };
    let mut observed = summary.observed(as_of);
    if event == "recipient-authenticationfailed" {
        observed.signers.extend(failed(summary, recipient));
    }
    // The envelope inside may be from just before the end that the event tells.
    let over = observed.overall.as_ref().is_some_and(is_end);
    if !over && told.is_some() {
        observed.overall = told;
    }
    Reading::Snapshot(observed)
}

/// What the name alone says of the whole, where that is an end that needs no more to be understood.
fn told(event: &str, summary: Option<&Envelope>) -> Option<Overall> {
    match event {
        "envelope-completed" => Some(Overall::Completed { at: None }),
        "envelope-declined" => Some(Overall::Declined { at: None, reason: None }),
        "envelope-voided" => summary.map(Envelope::voided),
        _ => None,
    }
}

fn is_end(overall: &Overall) -> bool {
    match overall {
        Overall::Completed { .. }
        | Overall::Declined { .. }
        | Overall::Voided { .. }
        | Overall::Expired { .. }
        | Overall::VoidedIfAsked { .. }
        | Overall::DeclinedUnlessAsked { .. }
        | Overall::Failed => true,
        Overall::Draft
        | Overall::Sent
        | Overall::Viewed
        | Overall::PartiallySigned
        | Overall::Gone
        | Overall::Stuck => false,
    }
}

/// The signer who could not prove who they are; the envelope does not show it.
fn failed(summary: &Envelope, recipient: Option<&str>) -> Option<SignerSeen> {
    let mut signers = summary.recipients.iter().flat_map(|it| &it.signers);
    let signer = signers.find(|it| recipient.is_some() && it.recipient_id.as_deref() == recipient)?;
    Some(SignerSeen { state: Some(SignerState::Error), ..signer.seen() })
}
