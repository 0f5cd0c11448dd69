//! Seals secrets before they are stored: XChaCha20-Poly1305 under a versioned key, bound to the place they are
//! stored in, so that a sealed text copied elsewhere does not open. Never stores, logs or shows a secret.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

use crate::domain::grant::{Sealed, Secret};
use crate::domain::id::WorkspaceId;
use crate::error::{Error, Kind};
use crate::ids::{self, NoRandomness};

/// Where a secret belongs. What was sealed for one place opens in no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound<'a> {
    pub(crate) workspace: WorkspaceId,
    /// The connection, endpoint or whatever holds it, by its id.
    pub(crate) owner: &'a str,
    /// Which of the owner's secrets it is.
    pub(crate) field: &'a str,
}

/// A secret that could not be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum VaultError {
    /// The text is not one of ours, was changed, or belongs elsewhere.
    #[error("the sealed text does not open here")]
    Refused,
    /// Its key was taken out of the keys' secret too early.
    #[error("there is no key of version {0}")]
    NoKey(u32),
    #[error("the operating system gave no random bytes")]
    NoRandomness,
}

impl From<NoRandomness> for VaultError {
    fn from(_: NoRandomness) -> Self {
        Self::NoRandomness
    }
}

impl From<VaultError> for Error {
    fn from(error: VaultError) -> Self {
        Self::new(Kind::Bug).because(error)
    }
}

/// The text of the keys' secret cannot be used; says what is wrong, without the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadKeys {
    #[error("the sealing keys are not a JSON object of version to text, such as {{\"1\": \"…\"}}")]
    NotKeys,
    #[error("there is no sealing key")]
    None,
    #[error("the sealing key of version {0} is shorter than {SHORTEST} characters")]
    TooShort(u32),
}

/// The keys by version. All of them open; the newest seals.
pub(crate) struct SealKeys(BTreeMap<u32, Zeroizing<[u8; 32]>>);

const SHORTEST: usize = 32;

impl SealKeys {
    /// Reads the keys' secret: a JSON object of version number → text of at least 32 characters.
    pub(crate) fn parse(text: &str) -> Result<Self, BadKeys> {
        let texts: BTreeMap<u32, KeyText> = serde_json::from_str(text).map_err(|_| BadKeys::NotKeys)?;
        let mut keys = BTreeMap::new();
        for (version, KeyText(text)) in &texts {
            if text.chars().count() < SHORTEST {
                return Err(BadKeys::TooShort(*version));
            }
            keys.insert(*version, derive(text));
        }
        if keys.is_empty() { Err(BadKeys::None) } else { Ok(Self(keys)) }
    }
}

impl fmt::Debug for SealKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Wiped when dropped.
#[derive(Deserialize)]
#[serde(transparent)]
struct KeyText(String);

impl Drop for KeyText {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The prefix keeps a text that is also used elsewhere from becoming the same key there.
fn derive(text: &str) -> Zeroizing<[u8; 32]> {
    let mut digest = Sha256::new();
    digest.update(b"whop-twenty-bridge sealing key v1\0");
    digest.update(text.as_bytes());
    Zeroizing::new(digest.finalize().into())
}

/// Seals and opens.
#[derive(Debug)]
pub(crate) struct Vault {
    keys: SealKeys,
}

const NONCE: usize = 24;

impl Vault {
    /// A vault with these keys.
    pub(crate) fn new(keys: SealKeys) -> Self {
        Self { keys }
    }

    /// Seals a secret for one place, as `v<key version>.<base64url of nonce and ciphertext>`.
    pub(crate) fn seal(&self, bound: &Bound<'_>, secret: &Secret) -> Result<Sealed, VaultError> {
        let (version, key) = self.keys.0.last_key_value().ok_or(VaultError::NoKey(0))?;
        let nonce: [u8; NONCE] = ids::random()?;
        let (msg, aad) = (secret.expose().as_bytes(), associated(bound, *version));
        let sealed = XChaCha20Poly1305::new(&(**key).into())
            .encrypt(&XNonce::from(nonce), Payload { msg, aad: &aad })
            .map_err(|_| VaultError::Refused)?;
        let body = URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat());
        Ok(Sealed(format!("v{version}.{body}")))
    }

    /// Opens what was sealed for the same place.
    pub(crate) fn open(&self, bound: &Bound<'_>, sealed: &Sealed) -> Result<Secret, VaultError> {
        let (version, body) = split(&sealed.0).ok_or(VaultError::Refused)?;
        let key = self.keys.0.get(&version).ok_or(VaultError::NoKey(version))?;
        let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| VaultError::Refused)?;
        let (nonce, msg) = bytes.split_first_chunk::<NONCE>().ok_or(VaultError::Refused)?;
        let aad = associated(bound, version);
        let opened = XChaCha20Poly1305::new(&(**key).into())
            .decrypt(&XNonce::from(*nonce), Payload { msg, aad: &aad })
            .map(Zeroizing::new)
            .map_err(|_| VaultError::Refused)?;
        let text = std::str::from_utf8(&opened).map_err(|_| VaultError::Refused)?;
        Ok(Secret::new(text))
    }
}

fn split(text: &str) -> Option<(u32, &str)> {
    let (version, body) = text.strip_prefix('v')?.split_once('.')?;
    let number: u32 = version.parse().ok()?;
    (number.to_string() == version).then_some((number, body))
}

/// What the seal is bound to. Each part carries its length, so that no two places read the same.
fn associated(bound: &Bound<'_>, version: u32) -> Vec<u8> {
    let mut bytes = b"whop-twenty-bridge sealed v1\0".to_vec();
    bytes.extend(version.to_be_bytes());
    bytes.extend(bound.workspace.0.as_bytes());
    for part in [bound.owner, bound.field] {
        bytes.extend(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        bytes.extend(part.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests;
