//! Ends a contract before everybody signed. The wish is written down before the provider is told, because two of its
//! words mean something else without it; what the provider then says is the truth.

use std::time::Duration;

use tracing::info;

use super::find::find;
use super::read::read_now;
use super::signing::Signing;
use super::{change, follow_up, joined, later};
use crate::app::App;
use crate::domain::caller::Caller;
use crate::domain::contract::owed::CREATING_LEASE;
use crate::domain::contract::{CancelWish, Contract, Dispatch, Observed, Overall};
use crate::domain::id::{ContractId, SignatureRequestId, WorkspaceId};
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::esign::{Cancel, Esign as _};
use crate::usecase::audit::audit;

/// Longest reason; the shortest that a provider takes.
const LONGEST_REASON: usize = 200;

/// Wishes a contract ended. Answers it as it is then: over, if the provider never heard of it, else on its way.
pub async fn cancel_contract(app: &App, caller: &Caller, id: &ContractId, reason: &str) -> Result<Contract> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
        return Err(Error::invalid(format!("A reason has 1 to {LONGEST_REASON} characters.")));
    }
    let contract = find(app, caller, id).await?;
    if contract.life.is_over() {
        let advice = format!("The contract is {} already.", contract.state().as_str());
        return Err(Error::new(Kind::Conflict).saying(advice));
    }
    let now = app.clock().now();
    let wished = change(app, caller.workspace, id, |it| {
        if it.life.is_over() || it.cancel.is_some() {
            return None;
        }
        let wish = CancelWish { reason: reason.to_owned(), at: now, accepted_at: None };
        let next = Contract { cancel: Some(wish), ..it.clone() };
        Some(if it.is_unsent() { voided(&next, now) } else { next })
    });
    let contract = wished.await?.ok_or_else(Error::not_found)?;
    audit(app, caller.workspace, &caller.name(), "contract.cancel_requested", id.as_str()).await?;
    follow_up(app, &contract).await?;
    Ok(contract)
}

/// The same contract, ended by us.
fn voided(contract: &Contract, now: Timestamp) -> Contract {
    let reason = contract.cancel.as_ref().map(|wish| wish.reason.clone());
    let mut next = contract.clone();
    if let Some(wish) = &mut next.cancel {
        wish.accepted_at = Some(now);
    }
    let observed = Observed::overall(now, Overall::Voided { at: Some(now), reason });
    joined(&next, &observed, None).unwrap_or(next)
}

/// Asks the provider to end what somebody wished ended.
pub async fn end_contract(app: &App, workspace: WorkspaceId, id: &ContractId) -> Result<()> {
    let Some(contract) = app.store().find_contract(workspace, id).await? else {
        return Ok(());
    };
    let Some(wish) = contract.cancel.clone().filter(|_| !contract.life.is_over()) else {
        return follow_up(app, &contract).await;
    };
    let signing = Signing::open(app, workspace, contract.provider).await?;
    let Some(request) = request(app, &signing, &contract).await? else {
        let now = app.clock().now();
        let ended = change(app, workspace, id, |it| (!it.life.is_over()).then(|| voided(it, now))).await?;
        return follow_up(app, &ended.unwrap_or(contract)).await;
    };
    let ended = match signing.provider.cancel(&request, &wish.reason, app.clock().now()).await {
        Ok(cancel) => took(app, &signing, &contract, cancel).await?,
        Err(error) => return Err(signing.refused(error).await),
    };
    info!(event = "contract.cancelled", contract.id = %id, contract.state = ended.state().as_str(), "asked to end it");
    follow_up(app, &ended).await
}

/// What it is called at the provider; nothing if it surely is not there.
async fn request(
    app: &App,
    signing: &Signing<'_>,
    contract: &Contract,
) -> Result<Option<SignatureRequestId>> {
    if let Some(request) = &contract.request {
        return Ok(Some(request.clone()));
    }
    let Dispatch::Creating { since } = contract.dispatch else {
        return Ok(None);
    };
    let now = app.clock().now();
    if now < since + CREATING_LEASE {
        return Err(later((since + CREATING_LEASE).since(now))); // Somebody may be creating it right now.
    }
    let found = match signing.provider.find_by_own_id(contract).await {
        Ok(found) => found,
        Err(error) => return Err(signing.refused(error).await),
    };
    let Some(found) = found else { return Ok(None) };
    app.store().put_request(contract, &found.request).await?;
    let request = found.request.clone();
    change(app, contract.workspace, &contract.id, |it| {
        it.request.is_none().then(|| Contract { request: Some(request.clone()), ..it.clone() })
    })
    .await?;
    Ok(Some(found.request))
}

async fn took(app: &App, signing: &Signing<'_>, contract: &Contract, cancel: Cancel) -> Result<Contract> {
    let (workspace, id, now) = (contract.workspace, &contract.id, app.clock().now());
    let kept = match cancel {
        Cancel::Cancelled => {
            change(app, workspace, id, |it| (!it.life.is_over()).then(|| voided(it, now))).await?
        }
        Cancel::Queued { check_after } => {
            let asked =
                change(app, workspace, id, |it| accepted(it, now)).await?.ok_or_else(Error::not_found)?;
            if asked
                .cancel
                .as_ref()
                .and_then(|wish| wish.accepted_at)
                .is_some_and(|at| now >= at + check_after)
            {
                let read = read_now(app, signing, &asked).await?;
                if read.life.is_over() {
                    return Ok(read);
                }
            }
            return Err(later(check_after.max(Duration::from_secs(5))));
        }
        Cancel::TooLate(observed) => {
            change(app, workspace, id, |it| joined(it, &observed, Some(now))).await?
        }
    };
    kept.ok_or_else(Error::not_found)
}

/// The same contract, its end asked for; nothing if it was before.
fn accepted(contract: &Contract, now: Timestamp) -> Option<Contract> {
    let mut next = contract.clone();
    let wish = next.cancel.as_mut().filter(|wish| wish.accepted_at.is_none())?;
    wish.accepted_at = Some(now);
    Some(next)
}
