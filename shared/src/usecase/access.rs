//! Both partners within reach of one workspace: fresh tokens, refreshed by one worker at a time, and calls to
//! Twenty taken from the workspace's budget before they are made.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tracing::info;
use url::Url;

use crate::app::App;
use crate::domain::budget::Urgency;
use crate::domain::connection::{Connection, Health, SchemaState, Workspace};
use crate::domain::grant::{Grant, Secret, StoredGrant};
use crate::domain::id::{ConnectionId, WorkspaceId};
use crate::domain::link::Link;
use crate::domain::source::RecordRef;
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::twenty::{At, Twenty, TwentyError};
use crate::usecase::call_budget::CallBudget;
use crate::usecase::known_links::KnownLinks;
use crate::usecase::refresh_grant::refresh;
use crate::vault::Bound;
use crate::whop::client::{As, Whop};
use crate::whop::error::WhopError;

/// What a job needs to work for one workspace.
pub(crate) struct Access<'a> {
    pub(crate) app: &'a App,
    pub(crate) workspace: Workspace,
    pub(crate) connection: Connection,
    pub(crate) deadline: Timestamp,
    whop: Whop,
    twenty: Twenty,
    token: Secret,
    key: Secret,
    server: Url,
    links: KnownLinks,
    budget: CallBudget,
    schema: Mutex<SchemaState>,
    whop_calls: AtomicU64,
    twenty_calls: AtomicU64,
}

/// The part of a sealed secret's address that names whose it is.
pub(crate) fn owner(connection: &ConnectionId) -> String {
    format!("connection {connection}")
}

/// What a refused call to Twenty means for the caller.
pub(crate) enum Refused {
    /// It was only too early: make the call again.
    Again,
    /// Twenty will not take this batch.
    Batch(String),
    /// Our picture of its fields is out of date.
    Drifted,
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
        let key = twenty_key(app, &workspace).await?;
        let server = workspace.server.parse().map_err(|error| Error::new(Kind::Bug).because(error))?;
        Ok(Some(Self {
            whop: app.whop()?,
            twenty: app.twenty()?,
            app,
            schema: Mutex::new(workspace.schema.clone()),
            budget: CallBudget::new(workspace.id, urgency, deadline),
            workspace,
            connection,
            deadline,
            token,
            key,
            server,
            links: KnownLinks::default(),
            whop_calls: AtomicU64::new(0),
            twenty_calls: AtomicU64::new(0),
        }))
    }

    /// Whop's client, for one call that is counted.
    pub(crate) fn whop(&self) -> (&Whop, As<'_>) {
        self.whop_calls.fetch_add(1, Ordering::Relaxed);
        (&self.whop, As { token: &self.token, account: &self.connection.account })
    }

    /// Twenty's client for calls that cost nothing.
    pub(crate) fn twenty_free(&self) -> (&Twenty, At<'_>) {
        (&self.twenty, At { server: &self.server, key: &self.key })
    }

    /// Twenty's client, for one call that was taken from the budget.
    pub(crate) async fn twenty(&self) -> Result<(&Twenty, At<'_>)> {
        self.budget.take(self.app).await?;
        self.twenty_calls.fetch_add(1, Ordering::Relaxed);
        Ok(self.twenty_free())
    }

    /// Calls made so far: to Whop, to Twenty.
    pub(crate) fn calls(&self) -> (u64, u64) {
        (self.whop_calls.load(Ordering::Relaxed), self.twenty_calls.load(Ordering::Relaxed))
    }

    /// True while there is time for more work.
    pub(crate) fn has_time(&self) -> bool {
        self.app.clock().now() < self.deadline
    }

    /// The links of these records; records without one are left out.
    pub(crate) async fn links(&self, names: &[RecordRef]) -> Result<HashMap<RecordRef, Link>> {
        self.links.of(self.app.store(), self.workspace.id, names).await
    }

    /// Keeps links; each tells whether it is there now.
    pub(crate) async fn put_links(&self, links: Vec<Link>) -> Result<Vec<(RecordRef, bool)>> {
        self.links.put(self.app.store(), self.workspace.id, links).await
    }

    /// What is known of our fields in Twenty.
    pub(crate) async fn schema(&self) -> SchemaState {
        self.schema.lock().await.clone()
    }

    /// Keeps what was learnt about our fields; a conflict if somebody else learnt something meanwhile.
    pub(crate) async fn keep_schema(&self, state: SchemaState) -> Result<()> {
        let mut known = self.schema.lock().await;
        if !self.app.store().set_schema(self.workspace.id, &known, &state).await? {
            return Err(Error::new(Kind::Conflict));
        }
        *known = state;
        Ok(())
    }

    /// So many calls to Twenty will probably be made: they are taken from the budget together.
    pub(crate) async fn expect_calls(&self, calls: u32) {
        self.budget.expect(calls).await;
    }

    /// Gives back the calls that were taken and not made.
    pub(crate) async fn settle(&self) -> Result<()> {
        self.budget.settle(self.app).await
    }

    /// Twenty said no. Learns from it, and says what the caller can do.
    pub(crate) async fn refused(&self, error: TwentyError) -> Result<Refused> {
        if let TwentyError::Throttled { limit, retry_after } = error {
            self.budget.slow_down(self.app, limit, retry_after).await?;
            return Ok(Refused::Again);
        }
        if error.says_drift() {
            return Ok(Refused::Drifted);
        }
        if error.refuses_content() {
            return Ok(Refused::Batch(error.to_string()));
        }
        Err(self.twenty_refused(error).await)
    }

    /// Twenty said no to a call that costs nothing. A key that no longer works is remembered.
    pub(crate) async fn twenty_refused(&self, error: TwentyError) -> Error {
        if !error.is_unauthorized() {
            return error.into();
        }
        let (key, now) = (&self.workspace.key, self.app.clock().now());
        match self.app.store().mark_refused(self.workspace.id, key, now).await {
            Ok(_) => error.into(),
            Err(failed) => failed.into(),
        }
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

async fn twenty_key(app: &App, workspace: &Workspace) -> Result<Secret> {
    if workspace.refused_at.is_some() {
        let advice = "Twenty refuses the API key. Give a new one on the settings page.";
        return Err(Error::new(Kind::Disconnected).saying(advice));
    }
    let bound = Bound { workspace: workspace.id, owner: "workspace", field: "twenty_key" };
    Ok(app.vault().await?.open(&bound, &workspace.key)?)
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
