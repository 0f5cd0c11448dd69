//! The `sync.fifo` queue: deliveries, due runs, pages and single records.

use shared::job::SyncJob;
use shared::lambda::Batch;
use shared::usecase::{apply_deliveries, start_sync, sync_named, sync_page};
use shared::{App, Result};

/// Does the jobs of one batch; one answer each.
pub async fn handle(app: &'static App, batch: Batch<SyncJob>) -> Vec<Result<()>> {
    let deadline = batch.deadline;
    let mut answers = Vec::with_capacity(batch.jobs.len());
    let mut deliveries = Vec::new();
    for job in batch.jobs {
        let answer = match job {
            SyncJob::Deliver { delivery } => {
                deliveries.push(delivery);
                continue;
            }
            SyncJob::StartDue { sweep } => start_sync::start_due(app, sweep).await,
            SyncJob::StartRun { workspace, sweep } => start_sync::start_run(app, workspace, sweep).await,
            SyncJob::SyncPage { workspace, run, page } => {
                sync_page(app, workspace, &run, page, deadline).await
            }
            SyncJob::SyncRecords { workspace, records } => {
                sync_named::records(app, workspace, &records, deadline).await
            }
            SyncJob::SyncMember { workspace, member } => {
                sync_named::member(app, workspace, &member, deadline).await
            }
        };
        answers.push(answer);
    }
    if !deliveries.is_empty() {
        answers.extend(apply_deliveries(app, &deliveries, deadline).await);
    }
    answers
}
