//! Opens runs: by the schedule, for every workspace that is due, or because somebody asked. A workspace has one
//! open run at most; one that stands still is set going again from its checkpoint.

use std::time::Duration;

use tracing::{info, warn};

use crate::app::App;
use crate::domain::caller::Caller;
use crate::domain::connection::{Connection, Health};
use crate::domain::id::WorkspaceId;
use crate::domain::run::{Run, RunKind, RunState, Trigger, plan};
use crate::error::{Error, Kind, Result};
use crate::ids;
use crate::job::{Sweep, SyncJob};
use crate::store::Claim;
use crate::usecase::audit::audit;
use crate::usecase::sync_page::queue_page;

/// A run that has not moved for this long has lost its message.
const STALLED: Duration = Duration::from_mins(10);

/// Queues a run for every connected workspace. A workspace that is slow or broken does not hold up the others.
pub async fn start_due(app: &App, sweep: Sweep) -> Result<()> {
    let minute = app.clock().now().seconds() / 60;
    let mut next = None;
    loop {
        let (workspaces, more) = app.store().list_connected(next, 100).await?;
        let jobs = workspaces.into_iter().map(|workspace| {
            let dedup = format!("due-{workspace}-{sweep:?}-{minute}");
            (SyncJob::StartRun { workspace, sweep }, dedup)
        });
        app.queue().send_many(&jobs.collect::<Vec<_>>()).await?;
        if more.is_none() {
            return Ok(());
        }
        next = more;
    }
}

/// Starts what is due in one workspace.
pub async fn start_run(app: &App, workspace: WorkspaceId, sweep: Sweep) -> Result<()> {
    let Some(connection) = app.store().find_connection(workspace).await? else {
        return Ok(());
    };
    if !is_due(&connection) {
        return Ok(());
    }
    open(app, &connection, sweep.kind(), Trigger::Schedule).await.map(drop)
}

/// The first run belongs to the user, who is warned before it; and nothing runs without a grant.
fn is_due(connection: &Connection) -> bool {
    let begun = connection.watermark.is_some() || connection.open_run.is_some();
    begun && matches!(connection.health, Health::Connected)
}

/// Starts a run because somebody asked; answers with the one that is open if there is one. With `wait` it
/// answers when the run is over, or after that time.
pub async fn trigger(app: &App, caller: &Caller, kind: RunKind, wait: Option<Duration>) -> Result<Run> {
    let connection = connected(app, caller).await?;
    let run = open(app, &connection, kind, Trigger::Person).await?;
    audit(app, caller.workspace, &caller.name(), "run.started", run.id.as_str()).await?;
    match wait {
        Some(time) => wait_for(app, run, time).await,
        None => Ok(run),
    }
}

/// The connection of the caller's workspace, if it can be used.
pub(crate) async fn connected(app: &App, caller: &Caller) -> Result<Connection> {
    let found = app.store().find_connection(caller.workspace).await?;
    let connection = found.ok_or_else(|| Error::invalid("Connect Whop on the settings page first."))?;
    match &connection.health {
        Health::Connected => Ok(connection),
        Health::NeedsReconnect { reason, .. } => {
            let advice = format!("{reason} Connect Whop again on the settings page.");
            Err(Error::new(Kind::Disconnected).saying(advice))
        }
    }
}

async fn wait_for(app: &App, mut run: Run, time: Duration) -> Result<Run> {
    let until = app.clock().now() + time;
    while !run.state.is_over() && app.clock().now() < until {
        app.clock().sleep(Duration::from_millis(250)).await;
        if let Some(current) = app.store().find_run(run.workspace, &run.id).await? {
            run = current;
        }
    }
    Ok(run)
}

async fn open(app: &App, connection: &Connection, kind: RunKind, trigger: Trigger) -> Result<Run> {
    let workspace = connection.workspace;
    let kind = if connection.watermark.is_none() { RunKind::Backfill } else { kind };
    let id = ids::by_time("run", app.clock().now()).map_err(|error| Error::new(Kind::Bug).because(error))?;
    let id = id.parse().map_err(|error| Error::new(Kind::Bug).because(error))?;
    let mut run = Run::open(id, workspace, kind, trigger, app.clock().now());
    run.stages = plan(kind, connection.watermark);
    loop {
        match app.store().claim_run(workspace, &connection.id, &run.id).await? {
            Claim::Claimed => {
                app.store().insert_run(&run).await?;
                info!(event = "run.started", run.id = %run.id, workspace.id = %workspace, "run {} was started", run.id);
                queue_page(app, &run).await?;
                return Ok(run);
            }
            Claim::AlreadyOpen(other) => match app.store().find_run(workspace, &other).await? {
                Some(open) if !open.state.is_over() => return set_going(app, open).await,
                // It ended, or was never stored, without freeing the connection.
                ended => {
                    let at = ended.and_then(|run| run.state.ended_at()).unwrap_or_else(|| app.clock().now());
                    app.store().release_run(workspace, &other, None, Some(at)).await?;
                }
            },
            Claim::NotConnected => return Err(Error::not_found()),
        }
    }
}

/// Sets an open run going again if it lost its message.
async fn set_going(app: &App, run: Run) -> Result<Run> {
    let now = app.clock().now();
    if run.state != RunState::Running || now.since(run.moved_at) < STALLED {
        return Ok(run);
    }
    warn!(event = "run.stalled", run.id = %run.id, "run {} stood still and goes on", run.id);
    let run = Run { moved_at: now, ..run };
    app.store().touch_run(run.workspace, &run.id, now).await?;
    queue_page(app, &run).await?;
    Ok(run)
}
