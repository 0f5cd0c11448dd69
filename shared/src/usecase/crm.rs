//! Twenty within reach of one workspace: its key, and calls taken from the workspace's budget before they are made.
//! Whop need not be connected for it.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;
use url::Url;

use crate::app::App;
use crate::domain::budget::Urgency;
use crate::domain::connection::{SchemaState, Workspace};
use crate::domain::grant::Secret;
use crate::domain::id::WorkspaceId;
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::twenty::{At, Twenty, TwentyError};
use crate::usecase::call_budget::CallBudget;
use crate::vault::Bound;

/// What a job needs to work in one workspace's CRM.
pub(crate) struct Crm<'a> {
    pub(crate) app: &'a App,
    pub(crate) workspace: Workspace,
    pub(crate) deadline: Timestamp,
    twenty: Twenty,
    key: Secret,
    server: Url,
    budget: CallBudget,
    schema: Mutex<SchemaState>,
    calls: AtomicU64,
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

impl<'a> Crm<'a> {
    /// Opens it; nothing if there is no such workspace.
    pub(crate) async fn open(
        app: &'a App,
        workspace: WorkspaceId,
        urgency: Urgency,
        deadline: Timestamp,
    ) -> Result<Option<Crm<'a>>> {
        match app.store().find_workspace(workspace).await? {
            Some(workspace) => Self::of(app, workspace, urgency, deadline).await.map(Some),
            None => Ok(None),
        }
    }

    /// Opens it for a workspace as it was just read.
    pub(crate) async fn of(
        app: &'a App,
        workspace: Workspace,
        urgency: Urgency,
        deadline: Timestamp,
    ) -> Result<Crm<'a>> {
        let key = twenty_key(app, &workspace).await?;
        let server = workspace.server.parse().map_err(|error| Error::new(Kind::Bug).because(error))?;
        Ok(Self {
            twenty: app.twenty()?,
            app,
            schema: Mutex::new(workspace.schema.clone()),
            budget: CallBudget::new(workspace.id, urgency, deadline),
            workspace,
            deadline,
            key,
            server,
            calls: AtomicU64::new(0),
        })
    }

    /// Twenty's client for calls that cost nothing.
    pub(crate) fn twenty_free(&self) -> (&Twenty, At<'_>) {
        (&self.twenty, At { server: &self.server, key: &self.key })
    }

    /// Twenty's client, for one call that was taken from the budget.
    pub(crate) async fn twenty(&self) -> Result<(&Twenty, At<'_>)> {
        self.budget.take(self.app).await?;
        self.calls.fetch_add(1, Ordering::Relaxed);
        Ok(self.twenty_free())
    }

    /// Calls made so far that cost something.
    pub(crate) fn twenty_calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// True while there is time for more work.
    pub(crate) fn has_time(&self) -> bool {
        self.app.clock().now() < self.deadline
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
}

async fn twenty_key(app: &App, workspace: &Workspace) -> Result<Secret> {
    if workspace.refused_at.is_some() {
        let advice = "Twenty refuses the API key. Give a new one on the settings page.";
        return Err(Error::new(Kind::Disconnected).saying(advice));
    }
    let bound = Bound { workspace: workspace.id, owner: "workspace", field: "twenty_key" };
    Ok(app.vault().await?.open(&bound, &workspace.key)?)
}
