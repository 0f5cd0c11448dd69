//! Both partners within reach of one workspace: its CRM, and Whop with a fresh token, refreshed by one worker at a
//! time.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tracing::info;

use crate::app::App;
use crate::domain::budget::Urgency;
use crate::domain::connection::{Connection, Health};
use crate::domain::grant::{Grant, Secret, StoredGrant};
use crate::domain::id::{ConnectionId, WorkspaceId};
use crate::domain::link::Link;
use crate::domain::source::RecordRef;
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind, Result};
pub(crate) use crate::usecase::crm::{Crm, Refused};
use crate::usecase::known_links::KnownLinks;
use crate::usecase::refresh_grant::refresh;
use crate::vault::Bound;
use crate::whop::client::{As, Whop};
use crate::whop::error::WhopError;

/// What a job needs to work for one workspace that is joined to Whop. It can do whatever its [`Crm`] can.
pub(crate) struct Access<'a> {
    crm: Crm<'a>,
    pub(crate) connection: Connection,
    whop: Whop,
    token: Secret,
    links: KnownLinks,
    whop_calls: AtomicU64,
}

impl<'a> Deref for Access<'a> {
    type Target = Crm<'a>;
    fn deref(&self) -> &Crm<'a> {
        &self.crm
    }
}

/// The part of a sealed secret's address that names whose it is.
pub(crate) fn owner(connection: &ConnectionId) -> String {
    format!("connection {connection}")
}

impl<'a> Access<'a> {
    /// Opens both sides; nothing if the workspace is not connected (any more).
    pub(crate) async fn open(
        app: &'a App,
        workspace: WorkspaceId,
        urgency: Urgency,
        deadline: Timestamp,
    ) -> Result<Option<Access<'a>>> {
        let Some(workspace) = app.store().find_workspace(workspace).await? else {
            return Ok(None);
        };
        let Some(connection) = app.store().find_connection(workspace.id).await? else {
            return Ok(None);
        };
        let token = whop_token(app, &connection).await?;
        let crm = Crm::of(app, workspace, urgency, deadline).await?;
        Ok(Some(Self {
            crm,
            whop: app.whop()?,
            connection,
            token,
            links: KnownLinks::default(),
            whop_calls: AtomicU64::new(0),
        }))
    }

    /// Whop's client, for one call that is counted.
    pub(crate) fn whop(&self) -> (&Whop, As<'_>) {
        self.whop_calls.fetch_add(1, Ordering::Relaxed);
        (&self.whop, As { token: &self.token, account: &self.connection.account })
    }

    /// Calls made so far: to Whop, to Twenty.
    pub(crate) fn calls(&self) -> (u64, u64) {
        (self.whop_calls.load(Ordering::Relaxed), self.twenty_calls())
    }

    /// The links of these records; records without one are left out.
    pub(crate) async fn links(&self, names: &[RecordRef]) -> Result<HashMap<RecordRef, Link>> {
        self.links.of(self.app.store(), self.workspace.id, names).await
    }

    /// Keeps links; each tells whether it is there now.
    pub(crate) async fn put_links(&self, links: Vec<Link>) -> Result<Vec<(RecordRef, bool)>> {
        self.links.put(self.app.store(), self.workspace.id, links).await
    }

    /// Whop said no. A key that no longer works disconnects; a consent is refreshed by the next attempt.
    pub(crate) async fn whop_refused(&self, error: WhopError) -> Error {
        if !error.is_unauthorized() {
            return error.into();
        }
        match give_up_token(self.app, &self.connection).await {
            Ok(kind) => {
                let said = Error::from(error);
                Error::new(kind).saying(said.advice().to_owned()).because(said)
            }
            Err(failed) => failed,
        }
    }
}

/// How long a worker waits for another one's refresh.
const WAIT_FOR_OTHERS: Duration = Duration::from_secs(20);

/// A token for Whop that is good for some minutes. Refreshed by one worker; the others wait for its result.
pub(crate) async fn whop_token(app: &App, connection: &Connection) -> Result<Secret> {
    let give_up = app.clock().now() + WAIT_FOR_OTHERS;
    loop {
        let now = app.clock().now();
        let stored = app.store().find_grant(connection.workspace).await?.ok_or_else(Error::not_found)?;
        if stored.revoked_at.is_some() {
            return Err(Error::new(Kind::Disconnected));
        }
        if !stored.grant.is_due(now) {
            return open_token(app, connection, &stored.grant).await;
        }
        if let Some(token) = refresh(app, connection, &stored).await? {
            return Ok(token);
        }
        if now >= give_up {
            return Err(Error::new(Kind::Throttled { retry_after: Duration::from_secs(5) }));
        }
        app.clock().sleep(Duration::from_millis(100)).await;
    }
}

async fn open_token(app: &App, connection: &Connection, grant: &Grant) -> Result<Secret> {
    let (sealed, field) = match grant {
        Grant::AccountKey { key } | Grant::AppKey { key, .. } => (key, "whop_key"),
        Grant::OAuth { access, .. } => (access, "whop_access_token"),
    };
    let owner = owner(&connection.id);
    let bound = Bound { workspace: connection.workspace, owner: &owner, field };
    Ok(app.vault().await?.open(&bound, sealed)?)
}

/// Whop answered 401. An access token is thrown away, so that the next attempt refreshes it; a key cannot be
/// refreshed, and the connection says so. Answers with what that means for what was being done.
async fn give_up_token(app: &App, connection: &Connection) -> Result<Kind> {
    let Some(stored) = app.store().find_grant(connection.workspace).await? else {
        return Ok(Kind::Disconnected);
    };
    let StoredGrant { grant, version, .. } = stored;
    match grant {
        Grant::OAuth { .. } => {
            app.store().expire_grant(connection.workspace, version).await?;
            Ok(Kind::Unavailable)
        }
        Grant::AccountKey { .. } | Grant::AppKey { .. } => {
            needs_reconnect(app, connection, "Whop no longer accepts the API key.").await?;
            Ok(Kind::Disconnected)
        }
    }
}

/// Marks a connection as one that only the seller can mend.
pub(crate) async fn needs_reconnect(app: &App, connection: &Connection, reason: &str) -> Result<()> {
    info!(event = "connection.lost", workspace.id = %connection.workspace, "the connection was lost: {reason}");
    let health = Health::NeedsReconnect { since: app.clock().now(), reason: reason.to_owned() };
    app.store().set_health(connection.workspace, &connection.id, &health).await?;
    Ok(())
}
