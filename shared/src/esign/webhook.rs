//! The door for the providers' webhooks: who signed a request, and what it says.
//!
//! No body is read before its signature was checked. What was checked is [`Verified`], and only that becomes a
//! delivery; [`read_events`] reads deliveries.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::{docusign, dropbox_sign, pandadoc};
use crate::domain::contract::{Observed, ProviderName};
use crate::domain::grant::Secret;
use crate::domain::id::{ContractId, DeliveryId, SignatureRequestId};
use crate::domain::time::Timestamp;

/// A request as it came.
#[derive(Clone, Copy)]
pub(crate) struct Unverified<'a> {
    /// Names in lower case, with their values.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    /// Of the query, decoded.
    pub(crate) query: &'a [(&'a str, &'a str)],
    /// The bytes as they came; never parsed and written again.
    pub(crate) body: &'a [u8],
}

impl<'a> Unverified<'a> {
    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    /// A parameter that is there once. Twice is nobody's.
    pub(super) fn parameter(&self, name: &str) -> Option<&'a str> {
        let mut found = self.query.iter().filter(|(key, _)| *key == name);
        let first = found.next();
        first.filter(|_| found.next().is_none()).map(|(_, value)| *value)
    }
}

/// A request whose signature was checked. Only [`verify`] makes one.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Verified {
    json: String,
    dedup: DeliveryId,
}

impl Verified {
    pub(super) fn new(json: String, dedup: DeliveryId) -> Self {
        Self { json, dedup }
    }

    /// The provider's JSON, byte for byte; of a form, the field that holds it. This becomes the delivery's body.
    pub(crate) fn body(&self) -> &str {
        &self.json
    }

    /// The same for every repeat of the same delivery.
    pub(crate) fn id(&self) -> &DeliveryId {
        &self.dedup
    }
}

/// A request that the provider did not sign, or that cannot be one of its. The outside never reads which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadSignature {
    #[error("the signature is missing")]
    Missing,
    #[error("no signature fits")]
    Mismatch,
    #[error("the event is too old")]
    Stale,
    #[error("the body cannot be one of this provider's")]
    Malformed,
}

/// Checks who signed a request. `keys` are the account's live ones, see
/// [`crate::domain::contract::account::Account::webhook_keys`]. Takes the same time whichever key fits.
pub(crate) fn verify(
    provider: ProviderName,
    keys: &[Secret],
    request: &Unverified<'_>,
    now: Timestamp,
) -> Result<Verified, BadSignature> {
    match provider {
        ProviderName::DocuSign => docusign::webhook::verify(keys, request),
        ProviderName::DropboxSign => dropbox_sign::webhook::verify(keys, request, now),
        ProviderName::PandaDoc => pandadoc::webhook::verify(keys, request),
    }
}

/// What the provider wants to read in a 200. Anything else counts as a failure at Dropbox Sign.
pub(crate) fn receipt(provider: ProviderName) -> &'static str {
    match provider {
        ProviderName::DropboxSign => "Hello API Event Received",
        ProviderName::DocuSign | ProviderName::PandaDoc => "",
    }
}

/// What a verified delivery says about one contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hint {
    /// The provider's word for the event.
    pub(crate) event: String,
    /// Our own id, where the provider repeats it.
    pub(crate) contract: Option<ContractId>,
    pub(crate) request: Option<SignatureRequestId>,
    pub(crate) reading: Reading,
}

/// How to learn what is true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// The event tells it, and is to be believed.
    Snapshot(Observed),
    /// Read it at the provider. If it is gone there, the event explains why.
    ReRead { if_gone: Option<Observed> },
    /// Nothing about the state of a contract, or a word that came later than this code.
    Nothing,
}

/// A delivery that is not the JSON its provider publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the delivery cannot be read")]
pub(crate) struct Unreadable;

/// Reads the body of a delivery that [`verify`] let in. `PandaDoc` puts several events into one.
pub(crate) fn read_events(
    provider: ProviderName,
    body: &str,
    received_at: Timestamp,
) -> Result<Vec<Hint>, Unreadable> {
    match provider {
        ProviderName::DocuSign => docusign::webhook::read(body, received_at),
        ProviderName::DropboxSign => dropbox_sign::webhook::read(body, received_at),
        ProviderName::PandaDoc => pandadoc::webhook::read(body, received_at),
    }
}

/// HMAC-SHA256 of `parts` under the key's text. An empty key, which anybody could sign with, makes nothing.
pub(super) fn mac(key: &Secret, parts: &[&[u8]]) -> Option<[u8; 32]> {
    let key = Some(key.expose().as_bytes()).filter(|key| !key.is_empty())?;
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().into())
}

/// True if one of the values given fits one of the keys. Looks at all pairs whatever it finds.
pub(super) fn any_fits(given: &[&[u8]], expected: impl Iterator<Item = Vec<u8>>) -> bool {
    let all: Vec<Vec<u8>> = expected.collect();
    let pairs = all.iter().flat_map(|expected| given.iter().map(move |given| given.ct_eq(expected)));
    bool::from(pairs.fold(Choice::from(0), |fits, one| fits | one))
}

/// A name for a delivery that has none of its own: the digest of what tells it from others.
pub(super) fn derived_id(prefix: &str, parts: &[&str]) -> Result<DeliveryId, BadSignature> {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    format!("{prefix}_{}", hex::encode(digest.finalize())).parse().map_err(|_| BadSignature::Malformed)
}
