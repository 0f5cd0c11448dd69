//! What an API key says about itself, to warn a user early. Nobody outside Twenty can verify it (no public
//! keys are published), so nothing may be decided by it; only the server's answer counts.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::wire;
use crate::domain::grant::Secret;
use crate::domain::time::Timestamp;

/// The claims of a key, unverified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyClaims {
    /// False for anything that does not call itself an API key of Twenty.
    pub(crate) is_api_key: bool,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) workspace: Option<Uuid>,
}

/// Reads the claims of `key`. A text that is no key of Twenty's has none.
pub(crate) fn key_claims(key: &Secret) -> KeyClaims {
    let Some(claims) = payload(key.expose().trim()) else {
        return KeyClaims::default();
    };
    KeyClaims {
        is_api_key: claims.kind.as_deref() == Some("API_KEY"),
        expires_at: claims.exp.and_then(|seconds| seconds.checked_mul(1000)).map(Timestamp::from_millis),
        workspace: claims.workspace_id,
    }
}

fn payload(token: &str) -> Option<wire::Claims> {
    let mut parts = token.split('.');
    let (_, payload, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
        return None;
    };
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice(&bytes).ok()
}
