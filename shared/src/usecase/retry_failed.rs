//! Tries records again that were kept aside.

use crate::app::App;
use crate::domain::caller::Caller;
use crate::domain::source::RecordRef;
use crate::error::Result;
use crate::job::SyncJob;
use crate::usecase::audit::audit;
use crate::usecase::start_sync::connected;

/// Records in one job: as many as fit well into a function's time.
const PER_JOB: usize = 60;

/// Queues these records, or all that failed; answers with how many.
pub async fn retry_failed(app: &App, caller: &Caller, names: Option<Vec<RecordRef>>) -> Result<usize> {
    connected(app, caller).await?;
    let workspace = caller.workspace;
    let names = match names {
        Some(names) => names,
        None => all(app, caller).await?,
    };
    let now = app.clock().now().millis();
    for (index, part) in names.chunks(PER_JOB).enumerate() {
        let job = SyncJob::SyncRecords { workspace, records: part.to_vec() };
        app.queue().send(&job, &format!("retry-{workspace}-{now}-{index}")).await?;
    }
    audit(app, workspace, &caller.name(), "records.retried", &names.len().to_string()).await?;
    Ok(names.len())
}

async fn all(app: &App, caller: &Caller) -> Result<Vec<RecordRef>> {
    let (mut names, mut next) = (Vec::new(), None);
    loop {
        let failed = app.store().list_failed(caller.workspace, 100, next.as_deref()).await?;
        names.extend(failed.items.into_iter().map(|it| it.name));
        match failed.next {
            Some(more) => next = Some(more),
            None => return Ok(names),
        }
    }
}
