//! The door for Whop's webhooks: whether a request was signed by Whop, and what becomes of it then.
//!
//! No body is read here before its signature was checked; what was checked is [`Verified`].

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::domain::delivery::Delivery;
use crate::domain::grant::Secret;
use crate::domain::id::{BadId, EndpointId};
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind};

/// A request as it came, with the three headers that Whop promises never to change.
#[derive(Clone, Copy)]
pub(crate) struct Unverified<'a> {
    /// `webhook-id`
    pub(crate) id: &'a str,
    /// `webhook-timestamp`
    pub(crate) timestamp: &'a str,
    /// `webhook-signature`
    pub(crate) signature: &'a str,
    /// The bytes as they came; never parsed and written again.
    pub(crate) body: &'a [u8],
}

/// A request whose signature was checked. Only [`verify`] makes one, and nothing else becomes a [`Delivery`].
#[derive(Clone, Copy)]
pub(crate) struct Verified<'a> {
    id: &'a str,
    body: &'a [u8],
}

/// A request that Whop did not sign, or not just now. The outside never reads which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadSignature {
    #[error("the timestamp is not a number of seconds")]
    Timestamp,
    #[error("the timestamp is too far from the present")]
    Stale,
    #[error("no signature fits")]
    Mismatch,
}

/// A verified request that cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Undeliverable {
    #[error("the body is not UTF-8")]
    NotText,
    #[error("the delivery has no usable id")]
    Id(#[source] BadId),
}

impl From<BadSignature> for Error {
    fn from(error: BadSignature) -> Self {
        Self::new(Kind::Unauthenticated).because(error)
    }
}

impl From<Undeliverable> for Error {
    fn from(error: Undeliverable) -> Self {
        Self::new(Kind::Invalid).because(error)
    }
}

/// How far a timestamp may be from the present, either way, in seconds; exactly this far is accepted
/// (Whop, webhooks guide, and its own verifiers).
const TOLERANCE: u64 = 300;

/// Checks who signed a request. `secrets` are the live ones, two at most during a rotation.
///
/// Whop signs as Standard Webhooks does, except that the key is the secret's own text, prefix included, and
/// not the bytes it would decode to (Whop, webhooks guide). Takes the same time whichever signature fits.
pub(crate) fn verify<'a>(
    secrets: &[Secret],
    request: &Unverified<'a>,
    now: Timestamp,
) -> Result<Verified<'a>, BadSignature> {
    let sent: i64 = request.timestamp.parse().map_err(|_| BadSignature::Timestamp)?;
    if now.seconds().abs_diff(sent) > TOLERANCE {
        return Err(BadSignature::Stale);
    }
    let given: Vec<Vec<u8>> = signatures(request.signature).collect();
    let fits = secrets
        .iter()
        .filter_map(|secret| expected(secret, request))
        .flat_map(|expected| given.iter().map(move |given| given.as_slice().ct_eq(&expected)))
        .fold(Choice::from(0), |fits, one| fits | one);
    if !bool::from(fits) {
        return Err(BadSignature::Mismatch);
    }
    Ok(Verified { id: request.id, body: request.body })
}

/// The `v1` signatures of a header; there are several while a secret is rotated, and other versions may come.
fn signatures(header: &str) -> impl Iterator<Item = Vec<u8>> {
    header
        .split(' ')
        .filter_map(|part| part.split_once(','))
        .filter(|(version, _)| *version == "v1")
        .filter_map(|(_, signature)| STANDARD.decode(signature).ok())
}

/// What the secret makes of the request. An empty secret, which anybody could sign with, makes nothing.
fn expected(secret: &Secret, request: &Unverified<'_>) -> Option<[u8; 32]> {
    let key = Some(secret.expose().as_bytes()).filter(|key| !key.is_empty())?;
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in [request.id.as_bytes(), b".", request.timestamp.as_bytes(), b".", request.body] {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().into())
}

/// Keeps a verified request, byte for byte, under its own id.
pub(crate) fn deliver(
    verified: &Verified<'_>,
    endpoint: EndpointId,
    received_at: Timestamp,
) -> Result<Delivery, Undeliverable> {
    let body = std::str::from_utf8(verified.body).map_err(|_| Undeliverable::NotText)?;
    Ok(Delivery {
        id: verified.id.parse().map_err(Undeliverable::Id)?,
        endpoint,
        body: body.to_owned(),
        received_at,
    })
}
