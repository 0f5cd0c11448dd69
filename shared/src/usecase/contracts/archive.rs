//! Fetches the signed file of a completed contract and keeps it, known by its hash. Only then the contract says so.

use bytes::Bytes;
use tracing::info;

use super::document::hash;
use super::signing::Signing;
use super::{change, follow_up, later};
use crate::app::App;
use crate::domain::contract::{Contract, SignedFile, State};
use crate::domain::id::{ContractId, WorkspaceId};
use crate::error::{Error, Result};
use crate::esign::{Esign as _, SignedPdf};

/// Keeps the signed file, if there is one to be kept.
pub async fn archive_contract(app: &App, workspace: WorkspaceId, id: &ContractId) -> Result<()> {
    let Some(contract) = app.store().find_contract(workspace, id).await? else {
        return Ok(());
    };
    if contract.state() != State::Completed || contract.signed_file.is_some() {
        return follow_up(app, &contract).await;
    }
    let Some(request) = &contract.request else { return Ok(()) };
    let signing = Signing::open(app, workspace, contract.provider).await?;
    let bytes = match signing.provider.signed_file(request).await {
        Ok(SignedPdf::Ready(bytes)) => bytes,
        Ok(SignedPdf::NotReady { after }) => return Err(later(after)),
        Err(error) => return Err(signing.refused(error).await),
    };
    let kept = keep(app, &contract, bytes).await?;
    follow_up(app, &kept).await
}

/// The bytes first, under their hash; then the contract, which is what makes them ours.
async fn keep(app: &App, contract: &Contract, bytes: Bytes) -> Result<Contract> {
    let sha256 = hash(&bytes);
    let file = SignedFile {
        key: format!("contracts/{}/{}/{sha256}.pdf", contract.workspace, contract.id),
        bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        sha256,
        kept_at: app.clock().now(),
    };
    app.files()?.put(&file.key, bytes, "application/pdf", app.clock().now()).await?;
    let kept = change(app, contract.workspace, &contract.id, |it| {
        it.signed_file.is_none().then(|| Contract { signed_file: Some(file.clone()), ..it.clone() })
    });
    let kept = kept.await?.ok_or_else(Error::not_found)?;
    info!(event = "contract.archived", contract.id = %contract.id, "a signed file was kept");
    Ok(kept)
}
