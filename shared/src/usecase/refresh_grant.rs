//! Replaces an access token, once per expiry however many workers want it.
//!
//! Whop's refresh token changes at every use, and a second use of an old one withdraws the whole consent. So a
//! worker takes a lease before it asks, and the new pair is stored before anybody uses it.

use std::time::Duration;

use tracing::{error, info};

use crate::app::App;
use crate::domain::connection::Connection;
use crate::domain::grant::{Grant, Lease, Secret, StoredGrant};
use crate::domain::id::AccountId;
use crate::error::{Error, Kind, Result};
use crate::usecase::access::{needs_reconnect, owner};
use crate::vault::Bound;
use crate::whop::oauth::{Client, OAuthError, Tokens};

/// Longer than Whop is given to answer, so that a lease outlives the call it protects.
const LEASE: Duration = Duration::from_secs(45);

/// Refreshes, if nobody else does; nothing if somebody else does.
pub(crate) async fn refresh(
    app: &App,
    connection: &Connection,
    stored: &StoredGrant,
) -> Result<Option<Secret>> {
    let Grant::OAuth { refresh, bound_to, .. } = &stored.grant else {
        return Ok(None);
    };
    let (store, now) = (app.store(), app.clock().now());
    if stored.leased_until.is_some_and(|until| now < until) {
        return Ok(None); // To wait costs reads; to ask for the lease in vain would cost writes.
    }
    let lease = store.lease(connection.workspace, stored.version, now, now + LEASE).await?;
    let Some(lease) = lease else { return Ok(None) };
    let owner = owner(&connection.id);
    let bound = Bound { workspace: connection.workspace, owner: &owner, field: "whop_refresh_token" };
    let old = app.vault().await?.open(&bound, refresh)?;
    let secret = app.whop_client_secret().await?;
    let client = client(app, secret.as_ref())?;
    match app.whop()?.refresh(client, &old, bound_to.as_ref()).await {
        Ok(tokens) => keep(app, connection, &lease, tokens, bound_to.clone()).await,
        Err(OAuthError::InvalidGrant) => {
            store.mark_revoked(connection.workspace, &lease, now).await?;
            needs_reconnect(app, connection, "Whop says the consent was withdrawn or has expired.").await?;
            error!(
                event = "grant.refresh_failed",
                error.kind = "disconnected",
                "a consent is no longer valid"
            );
            Err(Error::new(Kind::Disconnected))
        }
        Err(failed) => {
            store.release_lease(connection.workspace, &lease).await?;
            error!(
                event = "grant.refresh_failed",
                error.kind = "unavailable",
                "a refresh did not work: {failed}"
            );
            Err(failed.into())
        }
    }
}

async fn keep(
    app: &App,
    connection: &Connection,
    lease: &Lease,
    tokens: Tokens,
    bound_to: Option<AccountId>,
) -> Result<Option<Secret>> {
    let access = tokens.access.clone();
    let grant = seal_tokens(app, connection, &tokens, bound_to).await?;
    let kept = app.store().store_refreshed(connection.workspace, lease, &grant).await?;
    info!(event = "grant.refreshed", workspace.id = %connection.workspace, kept, "the Whop token was refreshed");
    Ok(kept.then_some(access))
}

/// Tokens as they are stored.
pub(crate) async fn seal_tokens(
    app: &App,
    connection: &Connection,
    tokens: &Tokens,
    bound_to: Option<AccountId>,
) -> Result<Grant> {
    let vault = app.vault().await?;
    let owner = owner(&connection.id);
    let bound = |field| Bound { workspace: connection.workspace, owner: &owner, field };
    Ok(Grant::OAuth {
        access: vault.seal(&bound("whop_access_token"), &tokens.access)?,
        refresh: vault.seal(&bound("whop_refresh_token"), &tokens.refresh)?,
        expires_at: app.clock().now() + tokens.expires_in,
        bound_to,
    })
}

/// The app that sellers consent to.
pub(crate) fn client<'a>(app: &'a App, secret: Option<&'a Secret>) -> Result<Client<'a>> {
    let id = app.config().whop_client_id.as_deref().ok_or_else(|| {
        Error::invalid(
            "This deployment has no Whop app (WHOP_CLIENT_ID is not set). Connect with an API key.",
        )
    })?;
    Ok(Client { id, secret })
}
