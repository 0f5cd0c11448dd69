//! Connects a Whop account to a workspace: by an API key, or by a seller's consent.
//!
//! A second connection of the same account replaces the grant and nothing else; one of another account takes
//! the first one's place.

use std::time::Duration;

use tracing::info;

use crate::app::App;
use crate::domain::caller::{Caller, Means};
use crate::domain::connection::{Connection, Health, Live};
use crate::domain::grant::{Grant, PendingConsent, Secret};
use crate::domain::id::{AccountId, WorkspaceId};
use crate::error::{Error, Kind, Result};
use crate::ids;
use crate::session::{Cookie, digest};
use crate::usecase::access::owner;
use crate::usecase::audit::audit;
use crate::usecase::connect_twenty::transport;
use crate::usecase::go_live;
use crate::usecase::refresh_grant::{client, seal_tokens};
use crate::vault::Bound;
use crate::whop::account::Account;
use crate::whop::client::{As, Whop};
use crate::whop::error::WhopError;
use crate::whop::oauth::{Client, Code, Consent, OAuthError, Pkce, SCOPES, Tokens};

/// How long a consent may take (Whop's own codes live as long).
const CONSENT: Duration = Duration::from_mins(10);
/// What a consent needs to become live, in words.
const HOW_TO_GO_LIVE: &str = "Whop does not let a consent create webhooks. Add an API key of the account \
    (with the permission developer:manage_webhook), or a webhook you make by hand, to see changes within seconds.";

/// A key and what it belongs to.
#[derive(Debug)]
pub struct KeyOffer {
    pub key: Secret,
    /// Needed with an app's key, which has no account of its own.
    pub account: Option<AccountId>,
    /// The app, `app_…`, if it is an app's key.
    pub app: Option<String>,
}

/// Connects by a key, and goes live if the key may.
pub async fn by_key(app: &App, caller: &Caller, offer: KeyOffer) -> Result<Connection> {
    let whop = app.whop()?;
    let account = match (&offer.app, &offer.account) {
        (Some(_), None) => {
            return Err(Error::invalid("An app's key needs the account it is for. Give its id, biz_…."));
        }
        (_, Some(account)) => {
            let found = whop.account(As { token: &offer.key, account }).await.map_err(refused_key)?;
            found.ok_or_else(|| Error::invalid("Whop shows no such account to this key."))?
        }
        (None, None) => whop.own_account(&offer.key).await.map_err(refused_key)?,
    };
    let connection = keep_connection(app, caller, &whop, &offer.key, account).await?;
    let owner = owner(&connection.id);
    let bound = Bound { workspace: caller.workspace, owner: &owner, field: "whop_key" };
    let key = app.vault().await?.seal(&bound, &offer.key)?;
    let grant = match &offer.app {
        Some(id) => Grant::AppKey { key, app: id.clone() },
        None => Grant::AccountKey { key },
    };
    app.store().put_grant(caller.workspace, &grant, app.clock().now()).await?;
    connected(app, caller, &connection).await?;
    go_live::try_by_key(app, &connection, &offer.key, offer.app.as_deref()).await
}

fn refused_key(error: WhopError) -> Error {
    if error.is_unauthorized() {
        return Error::invalid("Whop does not accept this key. Copy it again from the developer dashboard.");
    }
    error.into()
}

/// Where the browser goes for a consent, and the cookie that binds the consent to it.
#[derive(Debug)]
pub struct Departure {
    pub url: String,
    /// The value of a `set-cookie` header.
    pub cookie: String,
}

/// Begins a consent.
pub async fn begin_consent(app: &App, caller: &Caller, account: Option<AccountId>) -> Result<Departure> {
    let client_secret = app.whop_client_secret().await?;
    let client = client(app, client_secret.as_ref())?;
    let random = || ids::unguessable().map_err(|error| Error::new(Kind::Bug).because(error));
    let pkce = Pkce::new().map_err(|error| Error::new(Kind::Bug).because(error))?;
    let (browser, nonce) = (Secret::new(random()?), random()?);
    let state = format!("{}.{}", caller.workspace.0.simple(), random()?);
    let pending = PendingConsent {
        state: digest(&state),
        browser: digest(browser.expose()),
        verifier: app.vault().await?.seal(&verifier_bound(caller.workspace), &pkce.verifier)?,
        nonce: nonce.clone(),
        account: account.clone(),
        expires_at: app.clock().now() + CONSENT,
    };
    app.store().put_state(caller.workspace, &pending).await?;
    let url = app.whop()?.authorize_url(&Consent {
        client_id: client.id,
        redirect_uri: &redirect_uri(app),
        scopes: SCOPES,
        state: &state,
        nonce: &nonce,
        challenge: &pkce.challenge,
        account: account.as_ref(),
    });
    Ok(Departure { url: url.into(), cookie: Cookie::Consent.set(transport(app), &browser, CONSENT) })
}

fn verifier_bound(workspace: WorkspaceId) -> Bound<'static> {
    Bound { workspace, owner: "consent", field: "verifier" }
}

/// The address Whop sends browsers back to; registered there byte for byte.
fn redirect_uri(app: &App) -> String {
    app.config().own_url("/oauth/whop/callback")
}

/// What Whop sent the browser back with.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    pub state: &'a str,
    pub code: Option<&'a str>,
    /// Every cookie of the browser, in one line.
    pub cookies: &'a str,
}

/// How a consent ended.
#[derive(Debug)]
pub enum Consented {
    Connected(Box<Connection>),
    /// The user manages several accounts and must say which.
    Choose(Vec<AccountId>),
    /// The user said no.
    Denied,
    /// It took too long, was used before, or began in another browser.
    Expired,
}

/// Ends a consent.
pub async fn finish_consent(app: &App, arrival: Arrival<'_>) -> Result<Consented> {
    let Some((workspace, pending)) = take_pending(app, &arrival).await? else {
        return Ok(Consented::Expired);
    };
    let Some(code) = arrival.code else {
        return Ok(Consented::Denied);
    };
    let client_secret = app.whop_client_secret().await?;
    let client = client(app, client_secret.as_ref())?;
    let verifier = app.vault().await?.open(&verifier_bound(workspace), &pending.verifier)?;
    let code = Code { code, verifier: &verifier, redirect_uri: &redirect_uri(app) };
    let tokens = match app.whop()?.exchange(client, &code).await {
        Ok(tokens) => tokens,
        Err(OAuthError::InvalidGrant) => return Ok(Consented::Expired),
        Err(error) => return Err(error.into()),
    };
    if tokens.id_token_nonce.as_deref() != Some(&pending.nonce) {
        return Err(
            Error::new(Kind::Unauthenticated).saying("Whop's answer does not belong to this sign-in.")
        );
    }
    adopt(app, workspace, client, tokens, pending.account).await
}

async fn take_pending(app: &App, arrival: &Arrival<'_>) -> Result<Option<(WorkspaceId, PendingConsent)>> {
    let workspace = arrival.state.split_once('.').and_then(|(workspace, _)| workspace.parse().ok());
    let Some(workspace) = workspace else {
        return Ok(None);
    };
    let now = app.clock().now();
    let pending = app.store().take_state(workspace, &digest(arrival.state), now).await?;
    let browser = Cookie::Consent.read(transport(app), arrival.cookies).map(digest);
    Ok(pending.filter(|it| browser.as_deref() == Some(it.browser.as_str())).map(|it| (workspace, it)))
}

/// Connects the account that the consent is for.
async fn adopt(
    app: &App,
    workspace: WorkspaceId,
    client: Client<'_>,
    tokens: Tokens,
    bound_to: Option<AccountId>,
) -> Result<Consented> {
    let whop = app.whop()?;
    let accounts = whop.accounts(&tokens.access).await?;
    let account = match (&bound_to, accounts.as_slice()) {
        (Some(wanted), accounts) => accounts.iter().find(|it| it.id == *wanted).cloned(),
        (None, [only]) => Some(only.clone()),
        (None, several) if several.len() > 1 => {
            // The consent is of no use without an account; the next one will be bound to the chosen one.
            drop(whop.revoke(client, &tokens.refresh).await);
            return Ok(Consented::Choose(several.iter().map(|it| it.id.clone()).collect()));
        }
        (None, _) => None,
    };
    let account = account.ok_or_else(|| {
        Error::invalid("Whop shows no account you manage to this consent. Sign in at Whop as its owner.")
    })?;
    let caller = Caller { workspace, by: Means::Session };
    let connection = keep_connection(app, &caller, &whop, &tokens.access, account).await?;
    let grant = seal_tokens(app, &connection, &tokens, bound_to).await?;
    app.store().put_grant(workspace, &grant, app.clock().now()).await?;
    connected(app, &caller, &connection).await?;
    Ok(Consented::Connected(Box::new(connection)))
}

/// Keeps the connection: the one there is if it is of the same account, else a new one in its place.
async fn keep_connection(
    app: &App,
    caller: &Caller,
    whop: &Whop,
    token: &Secret,
    account: Account,
) -> Result<Connection> {
    let (store, now) = (app.store(), app.clock().now());
    let missing = whop.missing_permissions(As { token, account: &account.id }).await?;
    let before = store.find_connection(caller.workspace).await?;
    if let Some(same) = before.as_ref().filter(|it| it.account == account.id) {
        store.set_health(caller.workspace, &same.id, &Health::Connected).await?;
        store.set_missing_permissions(caller.workspace, &same.id, &missing).await?;
        return Ok(Connection { health: Health::Connected, missing_permissions: missing, ..same.clone() });
    }
    let id = ids::by_time("con", now).map_err(|error| Error::new(Kind::Bug).because(error))?;
    let connection = Connection {
        id: id.parse().map_err(|error| Error::new(Kind::Bug).because(error))?,
        workspace: caller.workspace,
        account: account.id,
        title: account.title,
        handle: account.route,
        live: Live::Polling { missing: HOW_TO_GO_LIVE.to_owned() },
        health: Health::Connected,
        missing_permissions: missing,
        connected_at: now,
        open_run: None,
        watermark: None,
        last_sync_at: None,
    };
    if store.replace_connection(&connection, before.as_ref().map(|other| &other.id)).await? {
        Ok(connection)
    } else {
        Err(Error::new(Kind::Conflict))
    }
}

async fn connected(app: &App, caller: &Caller, connection: &Connection) -> Result<()> {
    info!(event = "connection.made", workspace.id = %caller.workspace, account = %connection.account, "Whop was connected");
    audit(app, caller.workspace, &caller.name(), "whop.connected", connection.account.as_str()).await
}
