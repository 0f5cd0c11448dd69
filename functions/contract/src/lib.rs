//! `POST /contracts` and its like for programs, such as a workflow of Twenty's, and the `contract.fifo` queue: sending,
//! what providers tell, signed files.

mod flat;
mod http;
mod wire;

use shared::domain::time::Timestamp;
use shared::job::ContractJob;
use shared::lambda::Batch;
use shared::usecase::contracts::archive::archive_contract;
use shared::usecase::contracts::automate::{on_membership, on_stage};
use shared::usecase::contracts::cancel::end_contract;
use shared::usecase::contracts::dispatch::dispatch_contract;
use shared::usecase::contracts::look_after::look_after_contracts;
use shared::usecase::contracts::read::read_contract;
use shared::usecase::contracts::record::record_signature;
use shared::usecase::contracts::remind::remind_due;
use shared::usecase::contracts::tell::tell_crm;
use shared::usecase::contracts::watch::watch_stage;
use shared::{App, Result};

pub use self::http::handle;

/// Does the jobs of one batch; one answer each.
pub async fn work_off(app: &'static App, batch: Batch<ContractJob>) -> Vec<Result<()>> {
    let mut answers = Vec::with_capacity(batch.jobs.len());
    for job in batch.jobs {
        answers.push(work_one_off(app, job, batch.deadline).await);
    }
    answers
}

async fn work_one_off(app: &App, job: ContractJob, deadline: Timestamp) -> Result<()> {
    match job {
        ContractJob::Deliver { provider, delivery, .. } => record_signature(app, provider, &delivery).await,
        ContractJob::Dispatch { workspace, contract } => {
            dispatch_contract(app, workspace, &contract, deadline).await
        }
        ContractJob::Cancel { workspace, contract } => end_contract(app, workspace, &contract).await,
        ContractJob::Read { workspace, contract } => read_contract(app, workspace, &contract).await,
        ContractJob::Archive { workspace, contract } => archive_contract(app, workspace, &contract).await,
        ContractJob::Remind { workspace, contract } => remind_due(app, workspace, &contract).await,
        ContractJob::Tell { workspace, contract } => tell_crm(app, workspace, &contract, deadline).await,
        ContractJob::LookAfter => look_after_contracts(app, deadline).await,
        ContractJob::MembershipActive { workspace, membership, product } => {
            on_membership(app, workspace, &membership, product.as_ref(), deadline).await
        }
        ContractJob::WatchStages { workspace, rule, look, after } => {
            watch_stage(app, (workspace, &rule), look, after.as_deref(), deadline).await
        }
        ContractJob::StageReached { workspace, rule, opportunity } => {
            on_stage(app, workspace, &rule, opportunity, deadline).await
        }
    }
}
