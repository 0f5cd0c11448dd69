//! Disconnects Whop. What is in the CRM stays, and so does our memory of which record is which: a later
//! connection goes on without duplicates.

use tracing::warn;

use crate::app::App;
use crate::domain::caller::Caller;
use crate::domain::connection::Connection;
use crate::domain::grant::{Grant, StoredGrant};
use crate::domain::run::RunState;
use crate::error::{Error, Result};
use crate::store::Open;
use crate::usecase::access::owner;
use crate::usecase::audit::audit;
use crate::usecase::go_live;
use crate::usecase::refresh_grant::client;
use crate::vault::Bound;

/// Removes the connection, its webhook and its grant. What Whop does not let us remove is left, and logged.
pub async fn whop(app: &App, caller: &Caller) -> Result<()> {
    let (store, now) = (app.store(), app.clock().now());
    let connection = store.find_connection(caller.workspace).await?.ok_or_else(Error::not_found)?;
    if let Some(run) = &connection.open_run {
        let (from, to) = ([Open::Running, Open::Paused], RunState::Cancelled { at: now });
        store.move_run((caller.workspace, run), &from, &to, now).await?;
    }
    if let Err(error) = leave_whop(app, &connection).await {
        warn!(event = "disconnect.partial", error.chain = error.chain(), "something was left behind at Whop");
    }
    store.delete_connection(&connection).await?;
    audit(app, caller.workspace, &caller.name(), "whop.disconnected", connection.account.as_str()).await
}

async fn leave_whop(app: &App, connection: &Connection) -> Result<()> {
    let Some(stored) = app.store().find_grant(connection.workspace).await? else {
        return Ok(());
    };
    if let Some(left) = go_live::remove_ours(app, connection).await? {
        warn!(event = "webhook.left_behind", webhook.id = %left, "a consent may not remove the webhook");
    }
    withdraw(app, connection, &stored).await
}

async fn withdraw(app: &App, connection: &Connection, stored: &StoredGrant) -> Result<()> {
    let Grant::OAuth { refresh, .. } = &stored.grant else {
        return Ok(());
    };
    let owner = owner(&connection.id);
    let bound = Bound { workspace: connection.workspace, owner: &owner, field: "whop_refresh_token" };
    let token = app.vault().await?.open(&bound, refresh)?;
    let secret = app.whop_client_secret().await?;
    Ok(app.whop()?.revoke(client(app, secret.as_ref())?, &token).await?)
}
