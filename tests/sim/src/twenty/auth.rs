//! API keys: how they look, and what is said to a request that comes with none, a bad, an old or a revoked one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use serde_json::{Value, json};

use super::server::State;
use super::space::Key;

/// Who makes a request, and the number of the workspace it is for.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub key: Key,
    pub space: usize,
}

/// Why a request comes from nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stranger {
    NoToken,
    BadToken,
    Expired,
    Revoked,
}

/// Who the bearer token belongs to.
pub(super) fn caller(state: &State, headers: &HeaderMap, now: i64) -> Result<Caller, Stranger> {
    let header = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = header.strip_prefix("Bearer ").map(str::trim).filter(|token| !token.is_empty());
    let key = state.keys.get(token.ok_or(Stranger::NoToken)?).ok_or(Stranger::BadToken)?;
    if key.expires_at <= now {
        return Err(Stranger::Expired);
    }
    if key.revoked {
        return Err(Stranger::Revoked);
    }
    let space = state.spaces.iter().position(|space| space.id == key.workspace).ok_or(Stranger::BadToken)?;
    Ok(Caller { key: key.clone(), space })
}

/// A token with the claims a real one has. The signature is nobody's: outsiders cannot verify real ones either.
pub(super) fn token(key: &Key, issued_ms: i64) -> String {
    let header = json!({"alg": "ES256", "typ": "JWT", "kid": "simulated"});
    let claims = json!({
        "sub": key.workspace, "type": "API_KEY", "workspaceId": key.workspace,
        "iat": issued_ms / 1000, "exp": key.expires_at / 1000, "jti": key.id,
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signature = [key.id.as_bytes().as_slice(), key.workspace.as_bytes(), key.id.as_bytes()].concat();
    format!("{}.{}.{}", part(&header), part(&claims), URL_SAFE_NO_PAD.encode(signature))
}

impl Stranger {
    /// Status and body of the REST answer.
    pub(super) fn rest(self) -> (u16, Value) {
        let (status, message, error) = match self {
            Self::NoToken => (403, "Missing authentication token", "FORBIDDEN_EXCEPTION"),
            Self::BadToken => (401, "Token invalid.", "UNAUTHENTICATED"),
            Self::Expired => (401, "Token has expired.", "UNAUTHENTICATED"),
            Self::Revoked => (403, "This API Key is revoked", "FORBIDDEN_EXCEPTION"),
        };
        (status, json!({"statusCode": status, "messages": [message], "error": error}))
    }

    /// The body of the GraphQL answer; without a token there is none here, each endpoint has its own.
    pub(super) fn graph(self) -> Option<Value> {
        let unauthenticated = json!({
            "userFriendlyMessage": {"id": "z+7x/s", "message": "You must be authenticated to perform this action."},
            "subCode": "UNAUTHENTICATED", "code": "UNAUTHENTICATED",
        });
        let (message, extensions) = match self {
            Self::NoToken => return None,
            Self::BadToken => ("Token invalid.", unauthenticated),
            Self::Expired => ("Token has expired.", unauthenticated),
            Self::Revoked => (
                "This API Key is revoked",
                json!({
                    "subCode": "FORBIDDEN_EXCEPTION",
                    "userFriendlyMessage": {
                        "id": "q5OVn+", "message": "You do not have permission to perform this action.",
                    },
                    "code": "FORBIDDEN",
                }),
            ),
        };
        Some(json!({"errors": [{"message": message, "extensions": extensions}]}))
    }
}
