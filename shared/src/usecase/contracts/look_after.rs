//! Comes back to contracts that somebody must come back to: those whose jobs were lost or tried in vain, those that
//! were not read for a while, those whose signers are to be reminded. The schedule starts it.

use tracing::info;

use super::follow_up;
use super::rules::watch_stages;
use crate::app::App;
use crate::domain::contract::{Contract, Signer};
use crate::domain::id::{ContractId, WorkspaceId};
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::job::ContractJob;

/// Contracts in one go.
const BATCH: usize = 100;

/// Looks after everything that is due, and has stages watched that rules wait for.
pub async fn look_after_contracts(app: &App, deadline: Timestamp) -> Result<()> {
    watch_stages(app).await?;
    let now = app.clock().now();
    let mut done = 0;
    loop {
        let due = app.store().due_contracts(now, BATCH).await?;
        let mut moved = 0;
        for (workspace, id) in &due {
            moved += usize::from(look_after(app, *workspace, id, now).await?);
        }
        done += moved;
        // The index lags behind: what was moved just now may be listed once more, and is left alone then.
        if moved == 0 || due.len() < BATCH {
            info!(event = "contracts.looked_after", contracts = done, "contracts were looked after");
            return Ok(());
        }
        if app.clock().now() >= deadline {
            let dedup = format!("look-after-{}", app.clock().now().millis());
            return Ok(app.queue().send(&ContractJob::LookAfter, &dedup).await?);
        }
    }
}

/// Queues what a contract needs. Its next turn is written down first, so that one that fails again and again does
/// not keep others from theirs; false if it is not due any more.
async fn look_after(app: &App, workspace: WorkspaceId, id: &ContractId, now: Timestamp) -> Result<bool> {
    let Some(contract) = app.store().find_contract(workspace, id).await? else {
        return Ok(false);
    };
    if contract.look_again_at.is_none_or(|at| at > now) {
        return Ok(false);
    }
    let Some(contract) = app.store().put_contract(contract, now).await? else {
        return Ok(false); // Somebody is at it.
    };
    follow_up(app, &contract).await?;
    let jobs = needs(&contract, now).into_iter().map(|(name, job)| {
        let dedup = format!("{name}-{id}-{}", contract.version);
        (job, dedup)
    });
    app.queue().send_many(&jobs.collect::<Vec<_>>()).await?;
    Ok(true)
}

/// What an open contract needs besides what is owed.
fn needs(contract: &Contract, now: Timestamp) -> Vec<(&'static str, ContractJob)> {
    let (workspace, id) = (contract.workspace, contract.id.clone());
    let mut jobs = Vec::new();
    if contract.life.is_over() || contract.request.is_none() {
        return jobs;
    }
    if contract.may_be_read(now) {
        jobs.push(("read", ContractJob::Read { workspace, contract: id.clone() }));
    }
    let due = |it: &Signer| contract.reminder_due(it).is_some_and(|at| at <= now);
    if contract.signers.iter().any(due) {
        jobs.push(("remind", ContractJob::Remind { workspace, contract: id }));
    }
    jobs
}
