//! Makes news from Whop arrive by webhook. A consent cannot create webhooks, so a connection may need a key or a
//! webhook that the seller makes by hand.
//!
//! The URL of a connection's endpoint follows from the connection, so that an attempt after a crash finds the
//! webhook that the crashed one left behind. Each secret is kept with the webhook it belongs to, and goes only once
//! Whop does not know that webhook any more: until then it may sign what we must accept.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tracing::{info, warn};

use crate::app::App;
use crate::domain::caller::Caller;
use crate::domain::connection::{Connection, Endpoint, Live, LiveSecret};
use crate::domain::grant::{Grant, Secret};
use crate::domain::id::{EndpointId, WebhookId};
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

/// How long a delivery of a webhook that was removed may take to arrive, retries included.
const ON_THE_WAY: Duration = Duration::from_hours(24);

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
    let there = app.whop()?.webhooks_to(key, resource, &webhook_url(app, &endpoint)).await?;
    for left_behind in &there {
        app.whop()?.delete_webhook(key, left_behind).await?;
    }
    let made = create(app, key, resource, &endpoint).await?;
    keep_secret(app, connection, &endpoint, (Some(&made.id), &made.secret), &there).await?;
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

/// Keeps the secret of a webhook that was just made beside those of others, as far as they may still sign: the one
/// in use, those that are `there` at Whop, and those whose last deliveries may be on their way.
async fn keep_secret(
    app: &App,
    connection: &Connection,
    endpoint: &EndpointId,
    (webhook, secret): (Option<&WebhookId>, &Secret),
    there: &[WebhookId],
) -> Result<()> {
    let owner = owner(&connection.id);
    let bound = Bound { workspace: connection.workspace, owner: &owner, field: "webhook_secret" };
    let sealed = app.vault().await?.seal(&bound, secret)?;
    let mut secrets = vec![LiveSecret { webhook: webhook.cloned(), sealed, superseded_at: None }];
    let (store, now) = (app.store(), app.clock().now());
    let may_sign = |it: &&LiveSecret| {
        let on_its_way = it.superseded_at.is_none_or(|at| now < at + ON_THE_WAY);
        match &it.webhook {
            // Of those that were made by hand there is one at a time.
            None => webhook.is_some() && on_its_way,
            Some(id) => on_its_way || Some(id) == ours(connection) || there.contains(id),
        }
    };
    let kept = if let Some(before) = store.find_endpoint(endpoint).await? {
        let older = before.secrets.iter().filter(may_sign).cloned();
        let superseded = |it: LiveSecret| LiveSecret { superseded_at: it.superseded_at.or(Some(now)), ..it };
        secrets.extend(older.map(superseded));
        store.replace_secrets(endpoint, &before.secrets, &secrets).await?
    } else {
        let new = Endpoint {
            id: endpoint.clone(),
            connection: connection.id.clone(),
            account: connection.account.clone(),
            secrets,
            created_at: now,
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

/// Keeps the secret of a webhook that the seller made by hand. It takes the place of the one that we made, which is
/// removed at Whop; where we may not do that, the connection says what is left there.
pub async fn by_hand(app: &App, caller: &Caller, secret: Secret) -> Result<Connection> {
    if secret.expose().trim().len() < 16 {
        return Err(Error::invalid("This is not a webhook's secret. Copy it whole; it begins with ws_."));
    }
    let connection = connected(app, caller).await?;
    let endpoint = endpoint_of(&connection)?;
    let secret = Secret::new(secret.expose().trim());
    keep_secret(app, &connection, &endpoint, (None, &secret), &[]).await?;
    let left = match remove_ours(app, &connection).await {
        Ok(left) => left,
        Err(error) => {
            let chain = error.chain();
            warn!(event = "webhook.left_behind", error.chain = chain, "our webhook could not be removed");
            ours(&connection).cloned()
        }
    };
    audit(app, caller.workspace, &caller.name(), "webhook.by_hand", connection.account.as_str()).await?;
    keep_live(app, &connection, Live::ByHand { endpoint, left }).await
}

/// The webhook that we made and that is still at Whop, as far as the connection knows.
fn ours(connection: &Connection) -> Option<&WebhookId> {
    match &connection.live {
        Live::Webhook { webhook, .. } => Some(webhook),
        Live::ByHand { left, .. } => left.as_ref(),
        Live::Polling { .. } => None,
    }
}

/// Removes every webhook that we made for a connection, also those that an interrupted rotation left. Answers with
/// the one that is left because the connection has no key for that.
pub(crate) async fn remove_ours(app: &App, connection: &Connection) -> Result<Option<WebhookId>> {
    let mut made: Vec<WebhookId> = ours(connection).cloned().into_iter().collect();
    if let Some(endpoint) = app.store().find_endpoint(&endpoint_of(connection)?).await? {
        made.extend(endpoint.secrets.into_iter().filter_map(|it| it.webhook));
    }
    made.sort();
    made.dedup();
    let grant = app.store().find_grant(connection.workspace).await?;
    if made.is_empty() || !grant.is_some_and(|it| it.grant.may_manage_webhooks()) {
        return Ok(ours(connection).cloned());
    }
    let key = whop_token(app, connection).await?;
    for webhook in &made {
        app.whop()?.delete_webhook(&key, webhook).await?;
    }
    Ok(None)
}

/// Replaces the webhook's secret: a second webhook is made, the secrets of both are accepted, the first one goes.
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
    let there = app.whop()?.webhooks_to(&key, &resource, &webhook_url(app, &endpoint)).await?;
    // An earlier rotation may have been interrupted; the webhook in use stays until the new one is.
    for left_behind in there.iter().filter(|it| **it != old) {
        app.whop()?.delete_webhook(&key, left_behind).await?;
    }
    let made = create(app, &key, &resource, &endpoint).await?;
    keep_secret(app, &connection, &endpoint, (Some(&made.id), &made.secret), &there).await?;
    let connection = keep_live(app, &connection, Live::Webhook { endpoint, webhook: made.id }).await?;
    if let Err(error) = app.whop()?.delete_webhook(&key, &old).await {
        warn!(event = "webhook.left_behind", "the old webhook could not be removed: {error}");
    }
    audit(app, caller.workspace, &caller.name(), "webhook.rotated", connection.account.as_str()).await?;
    Ok(connection)
}
