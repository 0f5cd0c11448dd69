//! Reminds signers: when somebody asks, and on their day where the provider does not do so by itself.

use tracing::info;

use super::change;
use super::find::find;
use super::signing::{Signing, label};
use crate::app::App;
use crate::domain::caller::Caller;
use crate::domain::contract::owed::REMIND_AT_MOST_EVERY;
use crate::domain::contract::{Contract, Signer, SignerState};
use crate::domain::id::{ContractId, SignatureRequestId, WorkspaceId};
use crate::error::{Error, Kind, Result};
use crate::esign::{Esign as _, Reminded};
use crate::usecase::audit::audit;

/// Reminds the signer of this address, or whoever's turn it is where none is given.
pub async fn remind_signer(
    app: &App,
    caller: &Caller,
    id: &ContractId,
    email: Option<&str>,
) -> Result<Contract> {
    let contract = find(app, caller, id).await?;
    let now = app.clock().now();
    let Some(request) = contract.request.clone().filter(|_| !contract.life.is_over()) else {
        return Err(Error::new(Kind::Conflict).saying("Nobody has to sign this contract now."));
    };
    let turn = |it: &&Signer| {
        let theirs = email.is_none_or(|email| it.email.eq_ignore_ascii_case(email.trim()));
        theirs
            && matches!(
                contract.signer_state(it),
                SignerState::Sent | SignerState::Viewed | SignerState::Error
            )
    };
    let signers: Vec<Signer> = contract.signers.iter().filter(turn).cloned().collect();
    if signers.is_empty() {
        return Err(
            Error::new(Kind::Conflict).saying("It is not this signer's turn, or there is no such signer.")
        );
    }
    let lately = |it: &Signer| it.progress.reminded_at.is_some_and(|at| now < at + REMIND_AT_MOST_EVERY);
    if signers.iter().all(lately) {
        let advice = "They were reminded within the last hour. Try again later.";
        return Err(Error::new(Kind::Conflict).saying(advice));
    }
    let due: Vec<Signer> = signers.into_iter().filter(|it| !lately(it)).collect();
    let reminded = remind(app, &contract, &request, &due).await?;
    audit(app, caller.workspace, &caller.name(), "contract.reminded", id.as_str()).await?;
    Ok(reminded)
}

/// Reminds these, and says so if nobody was.
async fn remind(
    app: &App,
    contract: &Contract,
    request: &SignatureRequestId,
    signers: &[Signer],
) -> Result<Contract> {
    let signing = Signing::open(app, contract.workspace, contract.provider).await?;
    let mut reminded = None;
    for signer in signers {
        match signing.provider.remind(request, signer).await {
            Ok(Reminded::Sent) => reminded = Some(note(app, contract.workspace, &contract.id, signer).await?),
            Ok(Reminded::NotNow) => {}
            Err(error) => return Err(signing.refused(error).await),
        }
    }
    reminded.ok_or_else(|| {
        let advice = format!("{} does not remind them now.", label(contract.provider));
        Error::new(Kind::Conflict).saying(advice)
    })
}

/// Reminds those whose day it is. A crash between reminding and writing it down may remind once more.
pub async fn remind_due(app: &App, workspace: WorkspaceId, id: &ContractId) -> Result<()> {
    let Some(contract) = app.store().find_contract(workspace, id).await? else {
        return Ok(());
    };
    let Some(request) = contract.request.clone() else { return Ok(()) };
    let now = app.clock().now();
    let due = |it: &&Signer| contract.reminder_due(it).is_some_and(|at| at <= now);
    let signers: Vec<Signer> = contract.signers.iter().filter(due).cloned().collect();
    if signers.is_empty() {
        return Ok(());
    }
    let signing = Signing::open(app, workspace, contract.provider).await?;
    for signer in &signers {
        match signing.provider.remind(&request, signer).await {
            Ok(Reminded::Sent | Reminded::NotNow) => note(app, workspace, id, signer).await?,
            Err(error) => return Err(signing.refused(error).await),
        };
        info!(event = "contract.reminded", contract.id = %id, "a signer was reminded");
    }
    Ok(())
}

/// Writes down that a signer was reminded.
async fn note(app: &App, workspace: WorkspaceId, id: &ContractId, signer: &Signer) -> Result<Contract> {
    let now = app.clock().now();
    let noted = change(app, workspace, id, |it| {
        let mut next = it.clone();
        let same = next.signers.iter_mut().find(|other| other.email.eq_ignore_ascii_case(&signer.email))?;
        same.progress.reminded_at = Some(now);
        Some(next)
    });
    noted.await?.ok_or_else(Error::not_found)
}
