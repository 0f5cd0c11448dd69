//! Reads a contract at its provider, where no webhook told.

use std::time::Duration;

use super::signing::Signing;
use super::{change, follow_up, joined};
use crate::app::App;
use crate::domain::contract::{Contract, Observed};
use crate::domain::id::{ContractId, WorkspaceId};
use crate::error::{Error, Kind, Result};
use crate::esign::Esign as _;

/// Reads it, unless it is over or was read just now: providers ration that.
pub async fn read_contract(app: &App, workspace: WorkspaceId, id: &ContractId) -> Result<()> {
    let Some(contract) = app.store().find_contract(workspace, id).await? else {
        return Ok(());
    };
    if contract.request.is_none() || contract.life.is_over() || !contract.may_be_read(app.clock().now()) {
        return follow_up(app, &contract).await;
    }
    let signing = Signing::open(app, workspace, contract.provider).await?;
    let contract = read_now(app, &signing, &contract).await?;
    follow_up(app, &contract).await
}

/// Reads it now, and answers it as it is after that.
pub(super) async fn read_now(app: &App, signing: &Signing<'_>, contract: &Contract) -> Result<Contract> {
    let observed = observed(app, signing, contract).await?;
    let read_at = Some(app.clock().now());
    let kept = change(app, contract.workspace, &contract.id, |it| joined(it, &observed, read_at)).await?;
    kept.ok_or_else(Error::not_found)
}

/// What the provider says of it now.
pub(super) async fn observed(app: &App, signing: &Signing<'_>, contract: &Contract) -> Result<Observed> {
    let Some(request) = &contract.request else {
        return Err(Error::new(Kind::Throttled { retry_after: Duration::from_secs(30) }));
    };
    match signing.provider.status(request, app.clock().now()).await {
        Ok(observed) => {
            signing.works().await?;
            Ok(observed)
        }
        Err(error) => Err(signing.refused(error).await),
    }
}
