//! `POST /ai/{operation}` for programs that wait for an answer, such as a workflow of Twenty's, and the `ai.fifo`
//! queue for what nobody waits for.
//!
//! An answer comes within ten seconds; what takes longer becomes a job, and is asked for at `/ai/jobs/{id}`.

mod answer;
mod ask;

use std::time::Duration;

use serde_json::json;
use shared::domain::insight::operation::Operation;
use shared::domain::time::Timestamp;
use shared::job::AiJob;
use shared::lambda::{Batch, Reply, Request};
use shared::usecase::insight_job::{self, Served};
use shared::usecase::{score_members, write_note};
use shared::{App, Error, Result};

use self::ask::Ask;

/// Largest body: a text of 24,000 characters, whatever its script, and what belongs to it.
const LARGEST: usize = 128 * 1024;
/// Longest that a caller waits, less the way there and back.
const PATIENCE: Duration = Duration::from_secs(9);

/// What these routes take and answer, for programs.
const DESCRIPTION: &str = include_str!("openapi.json");

/// Answers a request.
pub async fn handle(app: &'static App, request: Request) -> Result<Reply> {
    match (request.method(), request.path().trim_end_matches('/')) {
        ("GET", "/ai/openapi.json") => Ok(Reply::text(200, "application/json", DESCRIPTION)),
        ("GET", path) if path.starts_with("/ai/jobs/") => job(app, &request).await,
        ("POST", _) => serve(app, &request).await,
        _ => Err(Error::not_found()),
    }
}

async fn serve(app: &'static App, request: &Request) -> Result<Reply> {
    let operation: Operation = request.segment(1)?.parse().map_err(|_| Error::not_found())?;
    let caller = request.caller(app).await?;
    let ask: Ask = request.json(LARGEST)?;
    let asked = ask.into_request(operation, request.header("idempotency-key"))?;
    let now = app.clock().now();
    let patience = (now + PATIENCE).min(request.deadline(now));
    match insight_job::serve(app, &caller, asked, patience).await? {
        Served::Now(insight) => Reply::json(200, &answer::flat(&insight)),
        Served::Later(id) => {
            let at = format!("/ai/jobs/{id}");
            let told = json!({ "state": "WAITING", "jobId": id, "pollUrl": app.config().own_url(&at) });
            Reply::json(202, &told)?.header("location", &at)?.header("retry-after", "5")
        }
    }
}

async fn job(app: &'static App, request: &Request) -> Result<Reply> {
    let caller = request.caller(app).await?;
    let id = request.segment(2)?.parse().map_err(|_| Error::not_found())?;
    let told = insight_job::find(app, &caller, &id).await?;
    Reply::json(200, &answer::of_job(&id, &told))
}

/// Does the jobs of one batch; one answer each.
pub async fn work_off(app: &'static App, batch: Batch<AiJob>) -> Vec<Result<()>> {
    let mut answers = Vec::with_capacity(batch.jobs.len());
    for job in batch.jobs {
        answers.push(work_one_off(app, job, batch.deadline).await);
    }
    answers
}

async fn work_one_off(app: &App, job: AiJob, deadline: Timestamp) -> Result<()> {
    match job {
        AiJob::Answer { workspace, insight } => {
            insight_job::work_off(app, workspace, &insight, deadline).await
        }
        AiJob::Score { workspace, member, cause, due } => {
            score_members::score(app, workspace, (&member, cause), due, deadline).await
        }
        AiJob::ScoreDue => score_members::score_due(app).await,
        AiJob::ScoreSome { workspace, night, after } => {
            score_members::score_some(app, workspace, night, after.as_deref(), deadline).await
        }
        AiJob::Note { workspace, member } => write_note(app, workspace, &member, deadline).await,
    }
}
