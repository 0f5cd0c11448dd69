//! What a key claims about itself.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value as Json, json};

use crate::domain::grant::Secret;
use crate::domain::time::Timestamp;
use crate::twenty::claims::KeyClaims;
use crate::twenty::key_claims;

/// A token of the form Twenty gives; nobody outside can check its signature.
fn token(claims: &Json) -> Secret {
    let header = json!({"alg": "ES256", "typ": "JWT", "kid": "20202020-0687-4c41-b707-ed1bfca972a7"});
    let parts = [header.to_string().into_bytes(), claims.to_string().into_bytes(), vec![0x5a; 64]];
    Secret::new(parts.map(|part| BASE64_URL_SAFE_NO_PAD.encode(part)).join("."))
}

#[test]
fn a_key_tells_its_workspace_and_when_it_expires() {
    let key = token(&json!({
        "sub": "1f4222a2-35b0-40c5-a5df-29ed0c010beb", "type": "API_KEY", "iat": 1_795_423_975,
        "workspaceId": "1f4222a2-35b0-40c5-a5df-29ed0c010beb", "exp": 1_826_959_975,
        "jti": "5a0de3c3-9f3c-4f55-8be1-0c2a3b3a9d7e",
    }));

    let claims = key_claims(&key);

    assert_eq!(
        claims,
        KeyClaims {
            is_api_key: true,
            expires_at: Some(Timestamp::from_millis(1_826_959_975_000)),
            workspace: Some("1f4222a2-35b0-40c5-a5df-29ed0c010beb".parse().unwrap()),
        }
    );
}

#[test]
fn a_users_session_token_is_not_an_api_key() {
    let session = token(&json!({"type": "ACCESS", "exp": 1_826_959_975, "workspaceId": null}));

    let claims = key_claims(&session);

    assert!(!claims.is_api_key);
    assert_eq!(claims.workspace, None);
}

#[test]
fn what_is_no_token_at_all_claims_nothing() {
    for text in ["", "abc", "a.b.c", "a.b.c.d", "apik_WHOP", "..", "eyJ.e30"] {
        assert_eq!(key_claims(&Secret::new(text)), KeyClaims::default(), "{text}");
    }
    let odd = token(&json!({"type": "API_KEY", "exp": i64::MAX}));
    assert_eq!(key_claims(&odd).expires_at, None);
}
