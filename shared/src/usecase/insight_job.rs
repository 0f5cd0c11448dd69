//! Answers an insight while its caller waits, or later, as a job: kept, worked off over the AI queue, asked for by
//! its id. A job ends once, with an answer or with a reason; it is never forgotten.

use std::time::Duration;

use tracing::info;

use crate::app::App;
use crate::domain::caller::Caller;
use crate::domain::grant::{Sealed, Secret};
use crate::domain::id::{InsightJobId, WorkspaceId};
use crate::domain::insight::job::{InsightJob, JobState, TRIED_FOR, Told};
use crate::domain::insight::request::{Insight, InsightRequest};
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::ids;
use crate::job::AiJob;
use crate::usecase::run_insight;
use crate::vault::Bound;

/// A failure that is over sooner than this is waited for in a job; a longer one is told at once.
const WORTH_WAITING: Duration = Duration::from_mins(2);

/// What a caller gets.
#[derive(Debug)]
pub enum Served {
    Now(Box<Insight>),
    /// Ask for it by this id.
    Later(InsightJobId),
}

/// Answers before `patience` ends, or promises an answer.
pub async fn serve(
    app: &App,
    caller: &Caller,
    request: InsightRequest,
    patience: Timestamp,
) -> Result<Served> {
    // Boxed: the whole policy of asking is in this future.
    match Box::pin(run_insight::run(app, caller, request.clone(), patience)).await {
        Ok(insight) => Ok(Served::Now(Box::new(insight))),
        Err(error) if passes(&error) => {
            info!(event = "insight.queued", error.kind = error.kind().as_str(), "{}", error.chain());
            Ok(Served::Later(keep(app, caller, &request).await?))
        }
        Err(error) => Err(error),
    }
}

/// True for what goes away while one waits.
fn passes(error: &Error) -> bool {
    match error.kind() {
        Kind::Unavailable => true,
        Kind::Throttled { retry_after } => retry_after <= WORTH_WAITING,
        Kind::Invalid
        | Kind::Unauthenticated
        | Kind::NotFound
        | Kind::Conflict
        | Kind::Disconnected
        | Kind::Rejected
        | Kind::Bug => false,
    }
}

fn bound<'a>(workspace: WorkspaceId, id: &'a InsightJobId, field: &'static str) -> Bound<'a> {
    Bound { workspace, owner: id.as_str(), field }
}

async fn keep(app: &App, caller: &Caller, request: &InsightRequest) -> Result<InsightJobId> {
    let (workspace, now) = (caller.workspace, app.clock().now());
    let id = ids::by_time("job", now).map_err(|error| Error::new(Kind::Bug).because(error))?;
    let id: InsightJobId = id.try_into().map_err(|error| Error::new(Kind::Bug).because(error))?;
    let sealed =
        app.vault().await?.seal(&bound(workspace, &id, "request"), &Secret::new(request.to_text()))?;
    let job = InsightJob {
        id: id.clone(),
        asked_at: now,
        caller: caller.by.clone(),
        request: sealed,
        state: JobState::Waiting,
    };
    app.store().put_insight_job(workspace, &job).await?;
    let message = AiJob::Answer { workspace, insight: id.clone() };
    app.queue().send(&message, id.as_str()).await?;
    Ok(id)
}

/// How a job of the caller's workspace stands.
pub async fn find(app: &App, caller: &Caller, id: &InsightJobId) -> Result<Told> {
    let job = app.store().find_insight_job(caller.workspace, id).await?.ok_or_else(Error::not_found)?;
    Ok(match job.state {
        JobState::Waiting => Told::Waiting,
        JobState::Failed { code, reason } => Told::Failed { code, reason },
        JobState::Answered { insight } => {
            let text = app.vault().await?.open(&bound(caller.workspace, id, "insight"), &insight)?;
            let insight = Insight::from_text(text.expose());
            Told::Answered(Box::new(insight.map_err(|error| Error::new(Kind::Bug).because(error))?))
        }
    })
}

/// Works off a job. What goes away is tried again, for an hour; anything else ends it with its reason.
pub async fn work_off(
    app: &App,
    workspace: WorkspaceId,
    id: &InsightJobId,
    deadline: Timestamp,
) -> Result<()> {
    let Some(job) = app.store().find_insight_job(workspace, id).await? else {
        return Ok(()); // A day has passed; nobody can ask for it any more.
    };
    if job.state != JobState::Waiting {
        return Ok(());
    }
    let caller = Caller { workspace, by: job.caller.clone() };
    let result = match request(app, workspace, &job).await {
        Ok(request) => Box::pin(run_insight::run(app, &caller, request, deadline)).await,
        Err(error) => Err(error),
    };
    let end = match result {
        Ok(insight) => JobState::Answered { insight: seal(app, workspace, id, &insight).await? },
        Err(error) if passes(&error) && app.clock().now() < job.asked_at + TRIED_FOR => return Err(error),
        Err(error) => {
            info!(event = "insight.failed", error.kind = error.kind().as_str(), "{}", error.chain());
            JobState::Failed { code: error.kind().code().to_owned(), reason: error.advice().to_owned() }
        }
    };
    app.store().end_insight_job(workspace, id, &end).await?;
    Ok(())
}

async fn request(app: &App, workspace: WorkspaceId, job: &InsightJob) -> Result<InsightRequest> {
    let text = app.vault().await?.open(&bound(workspace, &job.id, "request"), &job.request)?;
    InsightRequest::from_text(text.expose()).map_err(|error| Error::new(Kind::Bug).because(error))
}

async fn seal(app: &App, workspace: WorkspaceId, id: &InsightJobId, insight: &Insight) -> Result<Sealed> {
    Ok(app.vault().await?.seal(&bound(workspace, id, "insight"), &Secret::new(insight.to_text()))?)
}
