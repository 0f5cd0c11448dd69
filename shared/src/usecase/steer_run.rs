//! Pauses, resumes and cancels runs. What a run did stays; a resumed one goes on where it stood.

use crate::app::App;
use crate::domain::caller::Caller;
use crate::domain::id::RunId;
use crate::domain::run::{Run, RunState};
use crate::error::{Error, Kind, Result};
use crate::store::Open;
use crate::usecase::audit::audit;
use crate::usecase::sync_page::queue_page;

/// Pauses a run after the page it is at.
pub async fn pause(app: &App, caller: &Caller, id: &RunId) -> Result<Run> {
    let now = app.clock().now();
    steer(app, caller, id, (&[Open::Running], RunState::Paused { at: now }), "run.paused").await
}

/// Lets a paused run go on.
pub async fn resume(app: &App, caller: &Caller, id: &RunId) -> Result<Run> {
    let run = steer(app, caller, id, (&[Open::Paused], RunState::Running), "run.resumed").await?;
    queue_page(app, &run).await?;
    Ok(run)
}

/// Ends a run for good.
pub async fn cancel(app: &App, caller: &Caller, id: &RunId) -> Result<Run> {
    let now = app.clock().now();
    let to = RunState::Cancelled { at: now };
    let run = steer(app, caller, id, (&[Open::Running, Open::Paused], to), "run.cancelled").await?;
    app.store().release_run(run.workspace, &run.id, None, Some(now)).await?;
    Ok(run)
}

async fn steer(
    app: &App,
    caller: &Caller,
    id: &RunId,
    (from, to): (&[Open], RunState),
    what: &str,
) -> Result<Run> {
    let store = app.store();
    if store.find_run(caller.workspace, id).await?.is_none() {
        return Err(Error::not_found());
    }
    let moved = store.move_run((caller.workspace, id), from, &to, app.clock().now()).await?;
    let run = moved.ok_or_else(|| {
        Error::new(Kind::Conflict).saying("The run is not in a state that allows this. Look at it again.")
    })?;
    audit(app, caller.workspace, &caller.name(), what, id.as_str()).await?;
    Ok(run)
}
