//! Tokens: codes become pairs, refresh tokens become new pairs, and who uses one twice loses the family.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{APP, Family, GRANTABLE};
use crate::whop::Sim;
use crate::whop::api::query::Query;
use crate::whop::ids;
use crate::whop::records::USER;
use crate::whop::world::World;

/// An OAuth error: status, code, description.
type Failure = (StatusCode, &'static str, &'static str);

const fn bad(error: &'static str, description: &'static str) -> Failure {
    (StatusCode::BAD_REQUEST, error, description)
}

/// What a client posted, as form or JSON, with its credentials from body or header.
struct Posted {
    fields: Map<String, Value>,
    client: Option<(String, String)>,
}

impl Posted {
    async fn read(request: Request) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 16).await.unwrap_or_default();
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let fields = match kind.unwrap_or_default() {
            kind if kind.starts_with("application/json") => serde_json::from_slice(&bytes)
                .map_err(|_| bad("invalid_request", "the body is not a JSON object"))?,
            kind if kind.starts_with("application/x-www-form-urlencoded") => {
                url::form_urlencoded::parse(&bytes)
                    .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
                    .collect()
            }
            _ => return Err(bad("invalid_request", "post a form or JSON")),
        };
        let client = basic(&parts.headers);
        Ok(Self { fields, client })
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str()
    }

    /// The app that proved its secret.
    fn app(&self, world: &World) -> Result<usize, Failure> {
        const REFUSED: Failure =
            (StatusCode::UNAUTHORIZED, "invalid_client", "unknown client or wrong secret");
        let body = self.get("client_id").zip(self.get("client_secret"));
        let header = self.client.as_ref().map(|(id, secret)| (id.as_str(), secret.as_str()));
        let (id, secret) = header.or(body).ok_or(REFUSED)?;
        let app = world.app_of_client(id).ok_or(REFUSED)?;
        if world.apps[app].client_secret == secret { Ok(app) } else { Err(REFUSED) }
    }
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let decoded = BASE64_STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (id, secret) = text.split_once(':')?;
    let plain = |text: &str| {
        let pair = format!("x={text}");
        Query::parse(&pair).get("x").unwrap_or_default().to_owned()
    };
    Some((plain(id), plain(secret)))
}

fn respond(result: Result<Value, Failure>) -> Response {
    let no_store = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    match result {
        Ok(value) => (no_store, value.to_string()).into_response(),
        Err((status, error, description)) => {
            let body = json!({"error": error, "error_description": description});
            (status, no_store, body.to_string()).into_response()
        }
    }
}

/// `POST /oauth/token`
pub(in crate::whop) async fn token(State(sim): State<Arc<Sim>>, request: Request) -> Response {
    let posted = Posted::read(request).await;
    let now = sim.clock.now_ms();
    let mut world = sim.world();
    respond(posted.and_then(|posted| {
        let app = posted.app(&world)?;
        match posted.get("grant_type") {
            Some("authorization_code") => exchange(&mut world, &posted, app, now, &sim.url()),
            Some("refresh_token") => refresh(&mut world, &posted, app, now, &sim.url()),
            Some(_) => Err(bad("unsupported_grant_type", "authorization_code or refresh_token")),
            None => Err(bad("invalid_request", "grant_type is required")),
        }
    }))
}

fn exchange(
    world: &mut World,
    posted: &Posted,
    app: usize,
    now: i64,
    issuer: &str,
) -> Result<Value, Failure> {
    let sent = posted.get("code").unwrap_or_default();
    // Taken out before it is looked at: a code is gone after one attempt, whatever comes of it.
    let code = world.oauth.codes.remove(sent);
    let code = code.ok_or(bad("invalid_grant", "the code is unknown or was used"))?;
    if now >= code.expires_at {
        return Err(bad("invalid_grant", "the code has expired"));
    }
    if code.wish.app != app || posted.get("redirect_uri") != Some(&code.wish.redirect_uri) {
        return Err(bad("invalid_grant", "the code was issued for another client or redirect URI"));
    }
    if let Some(challenge) = &code.wish.challenge {
        let verifier = posted.get("code_verifier").unwrap_or_default();
        let derived = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        if !(43..=128).contains(&verifier.len()) || derived != *challenge {
            return Err(bad("invalid_grant", "the verifier does not fit the challenge"));
        }
    }
    let granted = world.oauth.granted.get(&(code.wish.user, app));
    world.oauth.families.push(Family {
        app,
        user: code.wish.user,
        account: code.account,
        company_id: code.wish.company_id.clone(),
        nonce: code.wish.nonce.clone(),
        // Grants add up: the token has what was granted before as well.
        scopes: granted.cloned().unwrap_or_else(|| code.wish.scopes.clone()),
        revoked: false,
    });
    Ok(issue(world, world.oauth.families.len() - 1, now, issuer))
}

fn refresh(world: &mut World, posted: &Posted, app: usize, now: i64, issuer: &str) -> Result<Value, Failure> {
    const REFUSED: Failure = bad("invalid_grant", "the refresh token is expired, used or revoked");
    let sent = posted.get("refresh_token").unwrap_or_default();
    let (family, used) = *world.oauth.refresh.get(sent).ok_or(REFUSED)?;
    let known = &world.oauth.families[family];
    if known.app != app || known.revoked {
        return Err(REFUSED);
    }
    if used {
        world.oauth.families[family].revoked = true;
        world.notes.families_revoked += 1;
        return Err(REFUSED);
    }
    if known.company_id.as_deref() != posted.get("company_id") {
        return Err(bad("invalid_grant", "company_id is not the one of the authorization"));
    }
    world.oauth.refresh.insert(sent.to_owned(), (family, true));
    world.notes.refreshes += 1;
    Ok(issue(world, family, now, issuer))
}

fn issue(world: &mut World, family: usize, now: i64, issuer: &str) -> Value {
    let access = format!("whop_at_{}", world.secret("access"));
    let fresh = format!("whop_rt_{}", world.secret("refresh"));
    let seconds = world.switches.access_token_seconds;
    world.oauth.access.insert(access.clone(), (family, now + seconds * 1_000));
    world.oauth.refresh.insert(fresh.clone(), (family, false));
    let mut tokens = json!({
        "access_token": access,
        "refresh_token": fresh,
        "token_type": "Bearer",
        "expires_in": seconds,
    });
    if world.oauth.families[family].scopes.contains("openid") {
        tokens["id_token"] = id_token(world, family, now, issuer).into();
    }
    tokens
}

/// Signed with the client secret, which a confidential client can check without keys from us.
fn id_token(world: &World, family: usize, now: i64, issuer: &str) -> String {
    let family = &world.oauth.families[family];
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({
        "iss": issuer,
        "sub": ids::name(USER, family.user),
        "aud": ids::name(APP, family.app),
        "nonce": family.nonce,
        "iat": now / 1_000,
        "exp": now / 1_000 + 3_600,
    });
    let signed = format!("{}.{}", part(json!({"alg": "HS256", "typ": "JWT"})), part(claims));
    let secret = world.apps[family.app].client_secret.as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes any key");
    mac.update(signed.as_bytes());
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// `GET /oauth/userinfo`
pub(in crate::whop) async fn userinfo(State(sim): State<Arc<Sim>>, headers: HeaderMap) -> Response {
    let now = sim.clock.now_ms();
    let world = sim.world();
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = bearer.and_then(|value| value.strip_prefix("Bearer "));
    let found = token.and_then(|token| world.oauth.access.get(token));
    let Some((family, _)) = found.filter(|(_, expires_at)| now < *expires_at) else {
        return respond(Err((StatusCode::UNAUTHORIZED, "invalid_token", "expired or unknown token")));
    };
    let family = &world.oauth.families[*family];
    if !family.scopes.contains("openid") {
        return respond(Err((StatusCode::FORBIDDEN, "insufficient_scope", "openid is missing")));
    }
    respond(Ok(claims(&world, family)))
}

fn claims(world: &World, family: &Family) -> Value {
    let user = &world.books.users[family.user];
    let mut claims = json!({"sub": ids::name(USER, family.user)});
    if family.scopes.contains("profile") {
        claims["name"] = json!(user.name);
        claims["preferred_username"] = json!(user.username);
        claims["picture"] = json!(format!("https://assets.example.com/u/{}.png", user.username));
    }
    if family.scopes.contains("email") {
        claims["email"] = json!(user.email);
        claims["email_verified"] = json!(user.email.is_some());
    }
    claims
}

/// `POST /oauth/revoke`: only refresh tokens can be revoked; an unknown token is no error.
pub(in crate::whop) async fn revoke(State(sim): State<Arc<Sim>>, request: Request) -> Response {
    let posted = Posted::read(request).await;
    let mut world = sim.world();
    respond(posted.and_then(|posted| {
        let app = posted.app(&world)?;
        let token = posted.get("token").unwrap_or_default();
        let found = world.oauth.refresh.get(token).map(|(family, _)| *family);
        if let Some(family) = found.filter(|family| world.oauth.families[*family].app == app) {
            world.oauth.families[family].revoked = true;
        }
        Ok(json!({}))
    }))
}

/// `GET /oauth/.well-known/openid-configuration`
pub(in crate::whop) async fn discovery(State(sim): State<Arc<Sim>>) -> Response {
    let base = sim.url();
    let scopes: BTreeSet<&str> = GRANTABLE.iter().copied().collect();
    respond(Ok(json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/oauth/authorize"),
        "token_endpoint": format!("{base}/oauth/token"),
        "userinfo_endpoint": format!("{base}/oauth/userinfo"),
        "revocation_endpoint": format!("{base}/oauth/revoke"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "id_token_signing_alg_values_supported": ["HS256"],
        "subject_types_supported": ["public"],
        "scopes_supported": scopes,
    })))
}
