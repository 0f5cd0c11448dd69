//! Makes news from Whop arrive by webhook. A consent cannot create webhooks, so a connection may need a key or a
//! webhook that the seller makes by hand.
//!
//! The URL of a connection's endpoint follows from the connection, so that an attempt after a crash finds the
//! webhook that the crashed one left behind.

use sha2::{Digest, Sha256};
use tracing::{info, warn};

use crate::app::App;
use crate::domain::caller::Caller;
use crate::domain::connection::{Connection, Endpoint, Live};
use crate::domain::grant::{Grant, Sealed, Secret};
use crate::domain::id::EndpointId;
use crate::error::{Error, Kind, Result};
use crate::ids;
use crate::usecase::access::{owner, whop_token};
use crate::usecase::audit::audit;
use crate::usecase::start_sync::connected;
use crate::vault::Bound;
use crate::whop::client::As;
use crate::whop::subscription::NewWebhook;

const KEY_MAY_NOT: &str = "This key may not create webhooks. Give it the permission developer:manage_webhook, \
    or make a webhook by hand and give us its secret, to see changes within seconds.";

const OUT_OF_REACH: &str = "Whop can deliver only to an https address on the internet, and this server has none. \
    Changes arrive with the next sync.";

/// False if Whop's servers could not reach us if they tried: Whop refuses such an address, and with it would go
/// the whole connecting. A Whop without https runs beside us.
fn is_in_reach(app: &App) -> bool {
    let config = app.config();
    config.public_url.scheme() == "https" || config.whop_url.scheme() == "http"
}

/// Where Whop delivers to.
pub(crate) fn webhook_url(app: &App, endpoint: &EndpointId) -> String {
    app.config().own_url(&format!("/webhooks/whop/{endpoint}"))
}

fn endpoint_of(connection: &Connection) -> Result<EndpointId> {
    let digest = hex::encode(Sha256::digest(connection.id.as_str()));
    let random = digest.get(..32).unwrap_or(&digest);
    EndpointId::new(connection.workspace, random).map_err(|error| Error::new(Kind::Bug).because(error))
}

/// Makes a webhook with a key that was given for this, and is not kept.
pub async fn by_key(app: &App, caller: &Caller, key: Secret, app_id: Option<String>) -> Result<Connection> {
    let connection = connected(app, caller).await?;
    let connection = try_by_key(app, &connection, &key, app_id.as_deref()).await?;
    match &connection.live {
        Live::Polling { missing } => Err(Error::invalid(missing.clone())),
        Live::Webhook { .. } | Live::ByHand { .. } => {
            audit(app, caller.workspace, &caller.name(), "webhook.created", connection.account.as_str())
                .await?;
            Ok(connection)
        }
    }
}

/// Makes a webhook if the key may; the connection says which it is.
pub(crate) async fn try_by_key(
    app: &App,
    connection: &Connection,
    key: &Secret,
    app_id: Option<&str>,
) -> Result<Connection> {
    let by = As { token: key, account: &connection.account };
    if !is_in_reach(app) {
        let live = Live::Polling { missing: OUT_OF_REACH.to_owned() };
        return keep_live(app, connection, live).await;
    }
    if !app.whop()?.may_manage_webhooks(by).await? {
        let live = Live::Polling { missing: KEY_MAY_NOT.to_owned() };
        return keep_live(app, connection, live).await;
    }
    let endpoint = endpoint_of(connection)?;
    let resource = app_id.unwrap_or(connection.account.as_str());
    for left_behind in app.whop()?.webhooks_to(key, resource, &webhook_url(app, &endpoint)).await? {
        app.whop()?.delete_webhook(key, &left_behind).await?;
    }
    let made = create(app, key, resource, &endpoint).await?;
    keep_secrets(app, connection, &endpoint, vec![made.secret]).await?;
    info!(event = "webhook.created", workspace.id = %connection.workspace, "a webhook was created at Whop");
    keep_live(app, connection, Live::Webhook { endpoint, webhook: made.id }).await
}

async fn create(app: &App, key: &Secret, resource: &str, endpoint: &EndpointId) -> Result<NewWebhook> {
    let attempt = ids::unguessable().map_err(|error| Error::new(Kind::Bug).because(error))?;
    Ok(app.whop()?.create_webhook(key, resource, &webhook_url(app, endpoint), &attempt).await?)
}

async fn keep_live(app: &App, connection: &Connection, live: Live) -> Result<Connection> {
    app.store().set_live(connection.workspace, &connection.id, &live).await?;
    Ok(Connection { live, ..connection.clone() })
}

async fn keep_secrets(
    app: &App,
    connection: &Connection,
    endpoint: &EndpointId,
    secrets: Vec<Secret>,
) -> Result<()> {
    let vault = app.vault().await?;
    let owner = owner(&connection.id);
    let bound = Bound { workspace: connection.workspace, owner: &owner, field: "webhook_secret" };
    let sealed: std::result::Result<Vec<Sealed>, _> =
        secrets.iter().map(|secret| vault.seal(&bound, secret)).collect();
    let (secrets, store) = (sealed?, app.store());
    let kept = if let Some(before) = store.find_endpoint(endpoint).await? {
        store.replace_secrets(endpoint, &before.secrets, &secrets).await?
    } else {
        let new = Endpoint {
            id: endpoint.clone(),
            connection: connection.id.clone(),
            account: connection.account.clone(),
            secrets,
            created_at: app.clock().now(),
        };
        store.put_endpoint(&new).await?
    };
    if kept { Ok(()) } else { Err(Error::new(Kind::Conflict)) }
}

/// The URL for a webhook that the seller makes by hand.
pub async fn url_for_hand(app: &App, caller: &Caller) -> Result<String> {
    let connection = connected(app, caller).await?;
    Ok(webhook_url(app, &endpoint_of(&connection)?))
}

/// Keeps the secret of a webhook that the seller made by hand.
pub async fn by_hand(app: &App, caller: &Caller, secret: Secret) -> Result<Connection> {
    if secret.expose().trim().len() < 16 {
        return Err(Error::invalid("This is not a webhook's secret. Copy it whole; it begins with ws_."));
    }
    let connection = connected(app, caller).await?;
    let endpoint = endpoint_of(&connection)?;
    keep_secrets(app, &connection, &endpoint, vec![Secret::new(secret.expose().trim())]).await?;
    audit(app, caller.workspace, &caller.name(), "webhook.by_hand", connection.account.as_str()).await?;
    keep_live(app, &connection, Live::ByHand { endpoint }).await
}

/// Replaces the webhook's secret: a second webhook is made, both secrets are accepted, the first one goes.
/// Whop has no other way (Whop API, webhooks).
pub async fn rotate(app: &App, caller: &Caller) -> Result<Connection> {
    let connection = connected(app, caller).await?;
    let Live::Webhook { endpoint, webhook: old } = connection.live.clone() else {
        return Err(Error::invalid("Only a webhook that we created can be rotated. Make a new one by hand."));
    };
    let stored = app.store().find_grant(caller.workspace).await?.ok_or_else(Error::not_found)?;
    let resource = match &stored.grant {
        Grant::AppKey { app, .. } => app.clone(),
        Grant::AccountKey { .. } => connection.account.to_string(),
        Grant::OAuth { .. } => return Err(Error::invalid("Give the API key again to replace the webhook.")),
    };
    let key = whop_token(app, &connection).await?;
    let url = webhook_url(app, &endpoint);
    // An earlier rotation may have been interrupted; the webhook in use stays.
    for webhook in app.whop()?.webhooks_to(&key, &resource, &url).await? {
        if webhook != old {
            app.whop()?.delete_webhook(&key, &webhook).await?;
        }
    }
    let made = create(app, &key, &resource, &endpoint).await?;
    let mut secrets = vec![made.secret];
    secrets.extend(newest_secret(app, &connection, &endpoint).await?);
    keep_secrets(app, &connection, &endpoint, secrets).await?;
    let connection = keep_live(app, &connection, Live::Webhook { endpoint, webhook: made.id }).await?;
    if let Err(error) = app.whop()?.delete_webhook(&key, &old).await {
        warn!(event = "webhook.left_behind", "the old webhook could not be removed: {error}");
    }
    audit(app, caller.workspace, &caller.name(), "webhook.rotated", connection.account.as_str()).await?;
    Ok(connection)
}

async fn newest_secret(app: &App, connection: &Connection, endpoint: &EndpointId) -> Result<Option<Secret>> {
    let Some(stored) = app.store().find_endpoint(endpoint).await? else {
        return Ok(None);
    };
    let owner = owner(&connection.id);
    let bound = Bound { workspace: connection.workspace, owner: &owner, field: "webhook_secret" };
    let vault = app.vault().await?;
    Ok(stored.secrets.first().map(|sealed| vault.open(&bound, sealed)).transpose()?)
}
