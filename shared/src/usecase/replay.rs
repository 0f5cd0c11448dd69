//! Works deliveries off again, from the bytes we kept. Those of a delivery that was applied are not kept: there is
//! nothing in them that a sync of the record does not tell better.

use crate::app::App;
use crate::domain::caller::Caller;
use crate::domain::id::DeliveryId;
use crate::error::{Error, Result};
use crate::job::SyncJob;
use crate::usecase::audit::audit;

/// Most deliveries of one wish: each is a message on the queue.
const AT_ONCE: usize = 500;

/// Queues the deliveries again whose event an earlier version did not know; answers with how many.
pub async fn replay_unknown(app: &App, caller: &Caller) -> Result<usize> {
    let unknown = app.store().list_unknown(caller.workspace, AT_ONCE).await?;
    let ids: Vec<DeliveryId> = unknown.into_iter().map(|it| it.id).collect();
    replay(app, caller, &ids).await
}

/// Queues these deliveries again; answers with how many. What was applied is left alone.
pub async fn replay(app: &App, caller: &Caller, ids: &[DeliveryId]) -> Result<usize> {
    let mut queued = 0_usize;
    for id in ids {
        let found = app.store().find_delivery(caller.workspace, id).await?;
        let stored = found.ok_or_else(Error::not_found)?;
        let Some(delivery) = stored.delivery() else { continue };
        app.store().reopen_delivery(caller.workspace, id, app.clock().now()).await?;
        let dedup = format!("replay-{id}-{}", app.clock().now().millis());
        app.queue().send(&SyncJob::Deliver { delivery }, &dedup).await?;
        queued += 1;
    }
    audit(app, caller.workspace, &caller.name(), "deliveries.replayed", &queued.to_string()).await?;
    Ok(queued)
}
