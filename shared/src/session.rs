//! Our own sessions, cookies and API tokens: minting and checking, in constant time and without a table.
//!
//! A session proves a workspace until a moment; an API token is looked up by its digest. Never logs either.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::domain::grant::Secret;
use crate::domain::id::WorkspaceId;
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind};
use crate::ids::{self, NoRandomness};

/// A session that is not ours, was changed, or is over. Which of these is nobody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid session")]
pub(crate) struct BadSession;

impl From<BadSession> for Error {
    fn from(error: BadSession) -> Self {
        Self::new(Kind::Unauthenticated).because(error)
    }
}

/// Mints and checks sessions.
pub(crate) struct Sessions {
    key: Secret,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

const VERSION: &str = "v1";

impl Sessions {
    /// Sessions signed with `key`, which must be unguessable.
    pub(crate) fn new(key: Secret) -> Self {
        Self { key }
    }

    /// A session of a workspace: `v1.<payload>.<signature>`.
    pub(crate) fn mint(&self, workspace: WorkspaceId, now: Timestamp, ttl: Duration) -> Secret {
        let until = (now + ttl).millis();
        let payload = URL_SAFE_NO_PAD.encode(format!("{}.{until}", workspace.0.simple()));
        let signature = URL_SAFE_NO_PAD.encode(self.signing(&payload).finalize().into_bytes());
        Secret::new(format!("{VERSION}.{payload}.{signature}"))
    }

    /// The workspace that a session proves.
    pub(crate) fn check(&self, token: &str, now: Timestamp) -> Result<WorkspaceId, BadSession> {
        let mut parts = token.splitn(3, '.');
        let (Some(VERSION), Some(payload), Some(signature)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(BadSession);
        };
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| BadSession)?;
        self.signing(payload).verify_slice(&signature).map_err(|_| BadSession)?;
        let (workspace, until) = read_payload(payload).ok_or(BadSession)?;
        if now < until { Ok(workspace) } else { Err(BadSession) }
    }

    fn signing(&self, payload: &str) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.key.expose().as_bytes()).expect("a key of any length");
        for part in ["whop-twenty-bridge session\0", VERSION, ".", payload] {
            mac.update(part.as_bytes());
        }
        mac
    }
}

fn read_payload(payload: &str) -> Option<(WorkspaceId, Timestamp)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    let (workspace, until) = text.split_once('.')?;
    Some((workspace.parse().ok()?, Timestamp::from_millis(until.parse().ok()?)))
}

/// How browsers reach us; it decides what a cookie may be called and whether it may travel in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Https,
    /// Plain http on this machine. The local runner.
    PlainLocal,
}

/// Which cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// Holds the session.
    Session,
    /// Holds what binds a consent at a partner to the browser that began it.
    Consent,
}

impl Cookie {
    /// The `__Host-` prefix makes browsers refuse the cookie from any other host or path, or over plain http.
    pub(crate) fn name(self, transport: Transport) -> &'static str {
        match (self, transport) {
            (Self::Session, Transport::Https) => "__Host-session",
            (Self::Session, Transport::PlainLocal) => "session",
            (Self::Consent, Transport::Https) => "__Host-consent",
            (Self::Consent, Transport::PlainLocal) => "consent",
        }
    }

    /// The value of a `Set-Cookie` header. `Lax`, because a partner sends the browser back to us.
    pub(crate) fn set(self, transport: Transport, value: &Secret, ttl: Duration) -> String {
        let (name, value, age) = (self.name(transport), value.expose(), ttl.as_secs());
        let secure = match transport {
            Transport::Https => "; Secure",
            Transport::PlainLocal => "",
        };
        format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}")
    }

    /// The value of a `Set-Cookie` header that takes the cookie away.
    pub(crate) fn clear(self, transport: Transport) -> String {
        self.set(transport, &Secret::new(""), Duration::ZERO)
    }

    /// The cookie's value in a `Cookie` header.
    pub(crate) fn read(self, transport: Transport, header: &str) -> Option<&str> {
        let name = self.name(transport);
        let mut pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value).filter(|value| !value.is_empty())
    }
}

/// The digest under which a secret that we hand out is kept: SHA-256, hex. Only for unguessable texts.
pub(crate) fn digest(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

const TOKEN: &str = "wt";
const TOKEN_BYTES: usize = 32;

/// A new API token of a workspace, to be shown once, and the digest to keep.
pub(crate) fn new_api_token(workspace: WorkspaceId) -> Result<(Secret, String), NoRandomness> {
    let secret = URL_SAFE_NO_PAD.encode(ids::random::<TOKEN_BYTES>()?);
    let kept = digest(&secret);
    Ok((Secret::new(format!("{TOKEN}_{}_{secret}", workspace.0.simple())), kept))
}

/// Whose token it says it is, and the digest to look for there. Proves nothing by itself.
pub(crate) fn read_api_token(token: &str) -> Option<(WorkspaceId, String)> {
    let (prefix, rest) = token.split_once('_')?;
    let (workspace, secret) = rest.split_once('_')?;
    let bytes = URL_SAFE_NO_PAD.decode(secret).ok()?;
    if prefix != TOKEN
        || workspace.len() != Uuid::nil().simple().to_string().len()
        || bytes.len() != TOKEN_BYTES
    {
        return None;
    }
    Some((workspace.parse().ok()?, digest(secret)))
}

#[cfg(test)]
mod tests;
