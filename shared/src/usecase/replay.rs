//! Works deliveries off again, from the bytes we kept.

use crate::app::App;
use crate::domain::caller::Caller;
use crate::domain::id::DeliveryId;
use crate::error::{Error, Result};
use crate::job::SyncJob;
use crate::usecase::audit::audit;

/// Queues these deliveries again; answers with how many.
pub async fn replay(app: &App, caller: &Caller, ids: &[DeliveryId]) -> Result<usize> {
    for id in ids {
        let found = app.store().find_delivery(caller.workspace, id).await?;
        let stored = found.ok_or_else(Error::not_found)?;
        app.store().reopen_delivery(caller.workspace, id, app.clock().now()).await?;
        let dedup = format!("replay-{id}-{}", app.clock().now().millis());
        app.queue().send(&SyncJob::Deliver { delivery: stored.delivery }, &dedup).await?;
    }
    audit(app, caller.workspace, &caller.name(), "deliveries.replayed", &ids.len().to_string()).await?;
    Ok(ids.len())
}
