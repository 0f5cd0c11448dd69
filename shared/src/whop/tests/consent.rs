use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{ACCOUNT, FarEnd, Script, canned, json as ok, whop_at};
use crate::domain::grant::Secret;
use crate::domain::id::AccountId;
use crate::error::{Error, Kind};
use crate::whop::account::NEEDED;
use crate::whop::client::API_VERSION;
use crate::whop::oauth::{Client, Code, Consent, OAuthError, Pkce, SCOPES, Tokens};

const CLIENT: &str = "app_1";

fn id_token(claims: &Value) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.sig", part(r#"{"alg":"RS256"}"#), part(&claims.to_string()))
}

fn answer(id_token: Option<&str>) -> Value {
    json!({ "access_token": "at_canary", "refresh_token": "rt_canary", "id_token": id_token,
            "token_type": "Bearer", "expires_in": 3600 })
}

async fn exchange(far_end: &FarEnd, secret: Option<&Secret>) -> Result<Tokens, OAuthError> {
    let verifier = Secret::new("verifier");
    let code = Code { code: "c0de+/=", verifier: &verifier, redirect_uri: "https://a.example/oauth/whop/" };
    far_end.whop.exchange(Client { id: CLIENT, secret }, &code).await
}

async fn refresh(far_end: &FarEnd, account: Option<&AccountId>) -> Result<Tokens, OAuthError> {
    let client = Client { id: CLIENT, secret: None };
    far_end.whop.refresh(client, &Secret::new("rt_old"), account).await
}

#[test]
fn the_consent_asks_for_exactly_what_is_needed_and_proves_who_began_it() {
    let account: AccountId = ACCOUNT.parse().unwrap();
    let mut consent = Consent {
        client_id: CLIENT,
        redirect_uri: "https://a.example/oauth/whop/?a=b&c",
        scopes: SCOPES,
        state: "st+ate",
        nonce: "nonce",
        challenge: "challenge",
        account: Some(&account),
    };

    let url = whop_at("https://api.whop.com").authorize_url(&consent);

    assert!(url.as_str().starts_with("https://api.whop.com/oauth/authorize?"));
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let query: Vec<(&str, &str)> = query.iter().map(|(key, it)| (key.as_str(), it.as_str())).collect();
    assert_eq!(
        query,
        [
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("redirect_uri", "https://a.example/oauth/whop/?a=b&c"),
            ("scope", SCOPES.join(" ").as_str()),
            ("state", "st+ate"),
            ("nonce", "nonce"),
            ("code_challenge", "challenge"),
            ("code_challenge_method", "S256"),
            ("company_id", ACCOUNT),
        ]
    );
    consent.account = None;
    assert!(!whop_at("https://api.whop.com").authorize_url(&consent).as_str().contains("company_id"));
}

#[test]
fn the_scopes_cover_what_we_need_to_read() {
    assert!(NEEDED.iter().all(|it| SCOPES.contains(&it.action)));
    assert!(SCOPES.contains(&"openid"));
}

#[test]
fn the_challenge_is_that_of_the_standard_and_no_two_verifiers_are_the_same() {
    // RFC 7636, appendix B.
    let known = Pkce::of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    assert_eq!(known.challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");

    let (one, two) = (Pkce::new().unwrap(), Pkce::new().unwrap());
    assert_eq!(one.verifier.expose().len(), 43);
    assert_ne!(one.verifier, two.verifier);
    assert!(!format!("{one:?}").contains(one.verifier.expose()));
}

#[tokio::test]
async fn a_code_becomes_tokens_with_the_nonce_of_the_id_token() {
    let token = id_token(&json!({ "aud": CLIENT, "nonce": "n-1", "sub": "user_1" }));
    let far_end = FarEnd::answering([ok(&answer(Some(&token)))]).await;

    let tokens = exchange(&far_end, Some(&Secret::new("s3cret&"))).await.unwrap();

    assert_eq!((tokens.access.expose(), tokens.refresh.expose()), ("at_canary", "rt_canary"));
    assert_eq!(tokens.expires_in, Duration::from_hours(1));
    assert_eq!(tokens.id_token_nonce.as_deref(), Some("n-1"));
    assert!(!format!("{tokens:?}").contains("canary"));
    let seen = far_end.only();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/oauth/token"));
    assert_eq!(seen.headers["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(seen.headers["api-version-date"], API_VERSION);
    assert!(!seen.headers.contains_key("authorization"));
    let form = seen.form();
    for (name, value) in [
        ("grant_type", "authorization_code"),
        ("code", "c0de+/="),
        ("redirect_uri", "https://a.example/oauth/whop/"),
        ("code_verifier", "verifier"),
        ("client_id", CLIENT),
        ("client_secret", "s3cret&"),
    ] {
        assert!(form.contains(&(name.to_owned(), value.to_owned())), "{name} in {form:?}");
    }
    assert_eq!(form.len(), 6);
}

#[tokio::test]
async fn a_public_app_sends_no_secret_and_a_refresh_repeats_the_account() {
    let account: AccountId = ACCOUNT.parse().unwrap();
    let far_end = FarEnd::answering([ok(&answer(None))]).await;

    let tokens = refresh(&far_end, Some(&account)).await.unwrap();

    assert_eq!(tokens.id_token_nonce, None);
    let form = far_end.only().form();
    assert!(form.contains(&("company_id".to_owned(), ACCOUNT.to_owned())));
    assert!(form.contains(&("refresh_token".to_owned(), "rt_old".to_owned())));
    assert!(!form.iter().any(|(name, _)| name == "client_secret"));

    let far_end = FarEnd::answering([ok(&answer(None))]).await;
    refresh(&far_end, None).await.unwrap();
    assert!(!far_end.only().body.contains("company_id"));
}

#[tokio::test]
async fn an_id_token_for_another_app_brings_no_tokens() {
    for (claims, fits) in [
        (json!({ "aud": "app_other", "nonce": "n" }), false),
        (json!({ "aud": ["app_other"], "nonce": "n" }), false),
        (json!({ "nonce": "n" }), false),
        (json!({ "aud": 7, "nonce": "n" }), false),
        (json!({ "aud": ["app_other", CLIENT], "nonce": "n" }), true),
    ] {
        let far_end = FarEnd::answering([ok(&answer(Some(&id_token(&claims))))]).await;
        assert_eq!(exchange(&far_end, None).await.is_ok(), fits, "{claims}");
    }
    for broken in ["x", "a.b.c", "..", "a.e30"] {
        let far_end = FarEnd::answering([ok(&answer(Some(broken)))]).await;
        assert!(matches!(exchange(&far_end, None).await, Err(OAuthError::Unexpected(_))), "{broken}");
    }
}

/// A status, a body, and whether the two end a consent.
const REFUSALS: &[(u16, &str, bool)] = &[
    (400, r#"{"error":"invalid_grant"}"#, true),
    (401, r#"{"error":"invalid_grant","error_description":"used"}"#, true),
    (400, r#"{"error":{"type":"invalid_grant","message":"used"}}"#, true),
    (400, r#"{"error":"invalid_request"}"#, false),
    (400, r#"{"error":"invalid_client"}"#, false),
    (401, "{}", false),
    (401, "invalid_grant", false),
    (403, r#"{"error":"access_denied","error_description":"invalid_grant"}"#, false),
    (429, r#"{"error":"invalid_grant"}"#, false),
    (500, r#"{"error":"invalid_grant"}"#, false),
    (502, "<html>", false),
    (302, r#"{"error":"invalid_grant"}"#, false),
    (200, r#"{"error":"invalid_grant"}"#, false),
    (200, "", false),
    (200, r#"{"access_token":"at"}"#, false),
];

#[tokio::test]
async fn only_invalid_grant_ends_a_consent() {
    for (status, body, ends) in REFUSALS {
        let far_end = FarEnd::answering([canned(*status, *body)]).await;

        let error = refresh(&far_end, None).await.unwrap_err();

        let is_end = matches!(error, OAuthError::InvalidGrant);
        let kind = Error::from(error).kind();
        assert_eq!((is_end, kind == Kind::Disconnected), (*ends, *ends), "{status} {body}");
    }
}

#[tokio::test]
async fn nobody_listening_does_not_end_a_consent() {
    let far_end = FarEnd { whop: whop_at("http://127.0.0.1:9"), script: Script::default() };
    let outcome = refresh(&far_end, None).await;
    assert!(matches!(outcome, Err(OAuthError::Unavailable(_))));
}

#[tokio::test]
async fn other_refusals_say_which() {
    let refused = async |status, body: &'static str| {
        let far_end = FarEnd::answering([canned(status, body)]).await;
        exchange(&far_end, None).await.unwrap_err()
    };

    assert!(matches!(refused(401, r#"{"error":"invalid_client"}"#).await, OAuthError::InvalidClient));
    assert!(matches!(refused(503, "").await, OAuthError::Unavailable(_)));
    let throttled = refused(400, r#"{"error":"rate_limit_exceeded"}"#).await;
    assert!(
        matches!(throttled, OAuthError::Throttled { retry_after } if retry_after == Duration::from_secs(30))
    );
    let OAuthError::Denied { error } = refused(400, r#"{"error":"invalid_scope"}"#).await else {
        panic!("not denied");
    };
    assert_eq!(error, "invalid_scope");
    let OAuthError::Denied { error } = refused(418, "<b>zoe@example.com</b>").await else {
        panic!("not denied");
    };
    assert_eq!(error, "status_418");
}

#[tokio::test]
async fn a_consent_is_given_back_by_its_refresh_token() {
    let secret = Secret::new("s3cret");
    let far_end = FarEnd::answering([canned(200, "")]).await;

    let client = Client { id: CLIENT, secret: Some(&secret) };
    far_end.whop.revoke(client, &Secret::new("rt_1")).await.unwrap();

    let seen = far_end.only();
    assert_eq!(seen.path, "/oauth/revoke");
    let body: Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(body, json!({ "token": "rt_1", "client_id": CLIENT, "client_secret": "s3cret" }));
}
