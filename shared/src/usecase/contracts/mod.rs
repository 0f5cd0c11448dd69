//! Contracts: recorded, sent, followed, ended, kept.
//!
//! Every step is a message, does what the contract's own state says, and writes back only over the version it read.
//! What is left to do is read off the contract ([`Contract::owed`]), so that a repeat of any step, or the schedule,
//! takes up what a crash left.

pub mod accept;
pub mod accounts;
pub mod archive;
pub mod automate;
pub mod cancel;
pub mod dispatch;
pub mod document;
pub mod find;
pub mod look_after;
pub mod read;
pub mod record;
pub mod remind;
pub mod rules;
pub mod send;
pub mod settings;
mod signing;
pub mod tell;
pub mod templates;
pub mod watch;

use std::time::Duration;

use tracing::info;

use crate::app::App;
use crate::domain::contract::{Change, Contract, Observed, Owed};
use crate::domain::id::{ContractId, WorkspaceId};
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::job::ContractJob;

/// How often a write is tried again over what somebody else wrote meanwhile.
const TRIES: usize = 8;

/// Changes a contract, as it is at the moment of the write; `to` says what it becomes, or nothing if it stays. It may
/// be asked several times. Answers the contract as it is then; nothing if there is none.
async fn change(
    app: &App,
    workspace: WorkspaceId,
    id: &ContractId,
    to: impl Fn(&Contract) -> Option<Contract> + Send + Sync,
) -> Result<Option<Contract>> {
    for _ in 0..TRIES {
        let Some(contract) = app.store().find_contract(workspace, id).await? else {
            return Ok(None);
        };
        let Some(next) = to(&contract) else {
            return Ok(Some(contract));
        };
        let now = app.clock().now();
        if let Some(kept) = app.store().put_contract(next, now).await? {
            tell(&contract, &kept);
            return Ok(Some(kept));
        }
    }
    Err(Error::new(Kind::Conflict))
}

/// Changes just the version that was read; a conflict if somebody else was faster.
async fn replace(app: &App, before: &Contract, next: Contract) -> Result<Contract> {
    let kept = app.store().put_contract(next, app.clock().now()).await?;
    let kept = kept.ok_or_else(|| Error::new(Kind::Conflict))?;
    tell(before, &kept);
    Ok(kept)
}

fn tell(before: &Contract, after: &Contract) {
    if before.state() != after.state() {
        info!(
            event = "contract.moved",
            workspace.id = %after.workspace,
            contract.id = %after.id,
            contract.provider = after.provider.as_str(),
            contract.from = before.state().as_str(),
            contract.to = after.state().as_str(),
            "a contract moved"
        );
    }
}

/// What a contract becomes in the light of an observation, and of a reading at that moment if it was one.
fn joined(contract: &Contract, observed: &Observed, read_at: Option<Timestamp>) -> Option<Contract> {
    let mut next = match contract.on(observed) {
        Change::Move { next, .. } => *next,
        Change::Stay => contract.clone(),
    };
    next.read_at = next.read_at.max(read_at);
    (next != *contract).then_some(next)
}

/// Takes in what a provider said.
async fn observe(
    app: &App,
    contract: &Contract,
    observed: &Observed,
    read_at: Option<Timestamp>,
) -> Result<Option<Contract>> {
    change(app, contract.workspace, &contract.id, |it| joined(it, observed, read_at)).await
}

/// Queues what is owed. The same of one version is queued once.
async fn follow_up(app: &App, contract: &Contract) -> Result<()> {
    let (workspace, id) = (contract.workspace, &contract.id);
    let jobs = contract.owed().into_iter().map(|owed| {
        let contract = id.clone();
        match owed {
            Owed::Dispatch => ("dispatch", ContractJob::Dispatch { workspace, contract }),
            Owed::Cancel => ("cancel", ContractJob::Cancel { workspace, contract }),
            Owed::Archive => ("archive", ContractJob::Archive { workspace, contract }),
            Owed::Tell => ("tell", ContractJob::Tell { workspace, contract }),
        }
    });
    let jobs = jobs.map(|(name, job)| (job, format!("{name}-{id}-{}", contract.version)));
    Ok(app.queue().send_many(&jobs.collect::<Vec<_>>()).await?)
}

/// The job's message comes again after this time.
fn later(after: Duration) -> Error {
    Error::new(Kind::Throttled { retry_after: after.max(Duration::from_secs(1)) })
}
