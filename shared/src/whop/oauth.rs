//! A seller's consent: asking for it, taking it, keeping it fresh, giving it back.
//!
//! It makes one call per method and stores nothing. A refresh token works once: whoever calls
//! [`Whop::refresh`] lets nobody else do the same at the same time, and stores the answer before using it.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::json;
use sha2::{Digest, Sha256};
use url::{Url, form_urlencoded};

use super::client::Whop;
use super::error::{Outage, WhopError, no_answer, retry_after};
use super::row::Row;
use crate::domain::grant::Secret;
use crate::domain::id::AccountId;
use crate::error::{Error, Kind};
use crate::http::{Answer, Body, Outgoing};
use crate::ids::{self, NoRandomness};

/// What we ask a seller for: who consents, the account's name, and what [`super::account::NEEDED`] lists. An
/// unknown name would fail the whole consent (Whop, OAuth guide).
pub(crate) const SCOPES: &[&str] = &[
    "openid",
    "company:basic:read",
    "member:basic:read",
    "member:email:read",
    "member:phone:read",
    "access_pass:basic:read",
    "plan:basic:read",
    "payment:basic:read",
    "payment:dispute:read",
];

/// Our app at Whop. A public app has no secret.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client<'a> {
    pub(crate) id: &'a str,
    pub(crate) secret: Option<&'a Secret>,
}

/// The proof that who began a consent also ends it (PKCE, S256).
#[derive(Clone, Debug)]
pub(crate) struct Pkce {
    pub(crate) verifier: Secret,
    pub(crate) challenge: String,
}

impl Pkce {
    /// A fresh one, of 256 random bits.
    pub(crate) fn new() -> Result<Self, NoRandomness> {
        let verifier = URL_SAFE_NO_PAD.encode(ids::random::<32>()?);
        Ok(Self::of(&verifier))
    }

    /// The proof with this verifier.
    pub(super) fn of(verifier: &str) -> Self {
        Self {
            challenge: URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())),
            verifier: Secret::new(verifier),
        }
    }
}

/// What a seller is asked to consent to.
#[derive(Clone, Copy)]
pub(crate) struct Consent<'a> {
    pub(crate) client_id: &'a str,
    /// Registered at Whop, byte for byte.
    pub(crate) redirect_uri: &'a str,
    pub(crate) scopes: &'a [&'a str],
    pub(crate) state: &'a str,
    pub(crate) nonce: &'a str,
    pub(crate) challenge: &'a str,
    /// Binds the consent to one account; every refresh must then repeat it.
    pub(crate) account: Option<&'a AccountId>,
}

/// What a seller's browser brought back.
#[derive(Clone, Copy)]
#[expect(clippy::struct_field_names, reason = "OAuth calls the parameter so, and the whole by it")]
pub(crate) struct Code<'a> {
    pub(crate) code: &'a str,
    pub(crate) verifier: &'a Secret,
    /// The same as in the consent.
    pub(crate) redirect_uri: &'a str,
}

/// A consent in hand.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: Secret,
    pub(crate) refresh: Secret,
    pub(crate) expires_in: Duration,
    /// Must be the nonce of the consent. Absent where Whop gave no ID token, as on a refresh.
    pub(crate) id_token_nonce: Option<String>,
}

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OAuthError {
    /// The code or the refresh token is used, expired or revoked. Nothing vaguer may end a connection.
    #[error("whop no longer accepts the consent")]
    InvalidGrant,
    /// Whop does not know our app, or not by this secret.
    #[error("whop does not accept the app's id or secret")]
    InvalidClient,
    /// Whop, or the user, said no; `error` is a word of the OAuth vocabulary.
    #[error("whop refused: {error}")]
    Denied { error: String },
    #[error("whop asked us to slow down")]
    Throttled { retry_after: Duration },
    #[error("whop is not available")]
    Unavailable(#[source] Outage),
    /// An answer that is no answer, or one meant for another app.
    #[error("whop answered with {0}")]
    Unexpected(&'static str),
}

impl From<OAuthError> for Error {
    fn from(error: OAuthError) -> Self {
        let (kind, advice) = match &error {
            OAuthError::InvalidGrant => (
                Kind::Disconnected,
                "Whop no longer accepts the consent. Connect Whop again on the settings page.",
            ),
            OAuthError::InvalidClient => (
                Kind::Rejected,
                "Whop does not accept this installation's app. Check the app's client id and secret.",
            ),
            OAuthError::Denied { .. } => (
                Kind::Rejected,
                "Whop refused the consent. Start again; if it happens again, check the app's redirect URI and \
                 permissions in Whop's developer settings.",
            ),
            OAuthError::Throttled { retry_after } => (
                Kind::Throttled { retry_after: *retry_after },
                "Whop asks us to slow down. Try again in a moment.",
            ),
            OAuthError::Unavailable(_) => (Kind::Unavailable, "Whop does not answer. Try again in a moment."),
            OAuthError::Unexpected(_) => (
                Kind::Unavailable,
                "Whop gave an answer this version cannot read. If it lasts, check Whop's address.",
            ),
        };
        Self::new(kind).saying(advice).because(error)
    }
}

/// The fields of a token request. Whop's own code sends them as a form.
fn form(client: Client<'_>, fields: Vec<(&str, &str)>) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields).append_pair("client_id", client.id);
    if let Some(secret) = client.secret {
        form.append_pair("client_secret", secret.expose());
    }
    form.finish()
}

impl Whop {
    /// Where to send the seller's browser.
    pub(crate) fn authorize_url(&self, consent: &Consent<'_>) -> Url {
        let mut url = self.url(&["oauth", "authorize"]);
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", consent.client_id)
            .append_pair("redirect_uri", consent.redirect_uri)
            .append_pair("scope", &consent.scopes.join(" "))
            .append_pair("state", consent.state)
            .append_pair("nonce", consent.nonce)
            .append_pair("code_challenge", consent.challenge)
            .append_pair("code_challenge_method", "S256")
            .extend_pairs(consent.account.map(|account| ("company_id", account.as_str())));
        url
    }

    /// Turns a code into tokens. A code works once, for ten minutes.
    pub(crate) async fn exchange(&self, client: Client<'_>, code: &Code<'_>) -> Result<Tokens, OAuthError> {
        let fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code.code),
            ("redirect_uri", code.redirect_uri),
            ("code_verifier", code.verifier.expose()),
        ];
        self.tokens(client, fields).await
    }

    /// Turns a refresh token into a new pair; the old one is dead from then on. `account` is the one that the
    /// consent was bound to.
    pub(crate) async fn refresh(
        &self,
        client: Client<'_>,
        refresh: &Secret,
        account: Option<&AccountId>,
    ) -> Result<Tokens, OAuthError> {
        let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", refresh.expose())];
        fields.extend(account.map(|account| ("company_id", account.as_str())));
        self.tokens(client, fields).await
    }

    /// Gives a consent back. Access tokens live on until they expire (Whop, OAuth guide).
    pub(crate) async fn revoke(&self, client: Client<'_>, refresh: &Secret) -> Result<(), OAuthError> {
        let mut body = json!({ "token": refresh.expose(), "client_id": client.id });
        if let (Some(secret), Some(fields)) = (client.secret, body.as_object_mut()) {
            fields.insert("client_secret".to_owned(), secret.expose().into());
        }
        let body = Body::Json(body.to_string().into_bytes());
        self.oauth("revoke", body).await.map(|_| ())
    }

    async fn tokens(&self, client: Client<'_>, fields: Vec<(&str, &str)>) -> Result<Tokens, OAuthError> {
        let answer = self.oauth("token", Body::Form(form(client, fields))).await?;
        read_tokens(&answer.body, client.id)
    }

    async fn oauth(&self, path: &str, body: Body) -> Result<Answer, OAuthError> {
        let mut call = Outgoing::new(Method::POST, self.url(&["oauth", path]), None);
        call.body = body;
        let answer = self.send(call).await.map_err(|error| match no_answer(error) {
            WhopError::Unavailable(outage) => OAuthError::Unavailable(outage),
            WhopError::Unauthorized
            | WhopError::Forbidden { .. }
            | WhopError::Throttled { .. }
            | WhopError::Refused { .. }
            | WhopError::Unreadable(_)
            | WhopError::Unexpected(_) => OAuthError::Unexpected("more than we read"),
        })?;
        match answer.status {
            200..=299 => Ok(answer),
            _ => Err(refusal(&answer)),
        }
    }
}

/// What an answer that is no success means. Only the word `invalid_grant` itself ends a consent.
fn refusal(answer: &Answer) -> OAuthError {
    let error = error_word(&answer.body);
    match (answer.status, error.as_str()) {
        (408 | 500.., _) => OAuthError::Unavailable(Outage::Status(answer.status)),
        (429, _) | (_, "rate_limit_exceeded") => OAuthError::Throttled { retry_after: retry_after(answer) },
        (300..=399, _) => OAuthError::Unexpected("a redirect"),
        (400..=499, "invalid_grant") => OAuthError::InvalidGrant,
        (400..=499, "invalid_client") => OAuthError::InvalidClient,
        (400..=499, "") => OAuthError::Denied { error: format!("status_{}", answer.status) },
        (400..=499, _) => OAuthError::Denied { error },
        _ => OAuthError::Unexpected("a status that means nothing"),
    }
}

/// The `error` of an OAuth answer, or the type of an API error where one comes instead; only what can be a
/// word.
fn error_word(body: &[u8]) -> String {
    let word = || -> Option<String> {
        let row = Row::parse(std::str::from_utf8(body).ok()?).ok()?;
        match row.maybe_text("error") {
            Ok(word) => word,
            Err(_) => row.inside("error").ok()??.maybe_text("type").ok()?,
        }
    };
    let word = word().unwrap_or_default();
    let plain = |c: &char| c.is_ascii_lowercase() || *c == '_';
    word.chars().filter(plain).take(64).collect()
}

/// Lifetime of an access token where the answer does not say (Whop, OAuth guide: one hour).
const USUAL_LIFE: i64 = 3600;

fn read_tokens(body: &[u8], client_id: &str) -> Result<Tokens, OAuthError> {
    const UNREADABLE: OAuthError = OAuthError::Unexpected("no tokens");
    let row = std::str::from_utf8(body).ok().and_then(|body| Row::parse(body).ok());
    let row = row.ok_or(UNREADABLE)?;
    let token = |field| {
        let text = row.maybe_text(field).ok().flatten();
        text.filter(|text| !text.is_empty()).map(Secret::new)
    };
    let life = row.whole("expires_in").ok().flatten().unwrap_or(USUAL_LIFE);
    let id_token = row.maybe_text("id_token").ok().flatten();
    Ok(Tokens {
        access: token("access_token").ok_or(UNREADABLE)?,
        refresh: token("refresh_token").ok_or(UNREADABLE)?,
        expires_in: Duration::from_secs(u64::try_from(life).unwrap_or(0)),
        id_token_nonce: match id_token {
            Some(id_token) => nonce(&id_token, client_id)?,
            None => None,
        },
    })
}

/// The nonce in an ID token.
///
/// Its signature goes unchecked: the token came straight from the token endpoint over TLS, and for that case
/// `OpenID` Connect Core 3.1.3.7 lets TLS vouch for the issuer. That it was made for us is checked here.
fn nonce(id_token: &str, client_id: &str) -> Result<Option<String>, OAuthError> {
    const UNREADABLE: OAuthError = OAuthError::Unexpected("an ID token that cannot be read");
    let payload = id_token.split('.').nth(1).ok_or(UNREADABLE)?;
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).map_err(|_| UNREADABLE)?;
    let claims = std::str::from_utf8(&payload).map_err(|_| UNREADABLE)?;
    let claims = Row::parse(claims).map_err(|_| UNREADABLE)?;
    let audience = match claims.maybe_text("aud") {
        Ok(one) => one.into_iter().collect(),
        Err(_) => claims.texts("aud").map_err(|_| UNREADABLE)?,
    };
    if !audience.iter().any(|name| name == client_id) {
        return Err(OAuthError::Unexpected("an ID token for another app"));
    }
    claims.maybe_text("nonce").map_err(|_| UNREADABLE)
}
