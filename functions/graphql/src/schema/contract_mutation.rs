//! What can be done with contracts. Each is one use case; each is noted in the audit log there.

use async_graphql::{Context, ID, Object};
use shared::Result;
use shared::usecase::contracts::accounts::{Removal, accounts, enroll, remove};
use shared::usecase::contracts::cancel::cancel_contract;
use shared::usecase::contracts::document::prepare;
use shared::usecase::contracts::remind::remind_signer;
use shared::usecase::contracts::send::send_contract;
use shared::usecase::contracts::settings::{choose, settings};

use super::contract::{Contract, ContractUpload};
use super::contract_account::{EsignAccount, EsignAccountInput};
use super::contract_input::SendContractInput;
use super::contract_settings::{ContractSettings, ContractSettingsInput};
use super::contract_words::EsignProvider;
use super::{Access, named};

/// What can be done with contracts.
#[derive(Default)]
pub(crate) struct ContractMutation;

/// What can be done with contracts.
#[Object]
impl ContractMutation {
    /// Requests a contract and answers it at once; it is sent in a moment. `getContractStatus` tells how it stands.
    async fn send_contract(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be signed, by whom.")] input: SendContractInput,
    ) -> Result<Contract> {
        let Access { app, caller, .. } = Access::of(context)?;
        let (request, name) = input.into_request(caller)?;
        Ok((&Box::pin(send_contract(app, caller, request, name.as_deref())).await?).into())
    }

    /// Says where to put a PDF that is to be signed; then name it in `sendContract`.
    async fn prepare_contract_file(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The file's name, ending in `.pdf`.")] name: String,
        #[graphql(desc = "How many bytes it has; 25 MB at most.")] bytes: u64,
        #[graphql(desc = "Its SHA-256, hexadecimal.")] sha256: String,
    ) -> Result<ContractUpload> {
        let Access { app, caller, .. } = Access::of(context)?;
        Ok(prepare(app, caller, &name, bytes, &sha256).await?.into())
    }

    /// Ends a contract before everybody signed. It is over once the provider says so.
    async fn cancel_contract(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The contract's id.")] id: ID,
        #[graphql(desc = "Why, for the signers; 200 characters at most.")] reason: String,
    ) -> Result<Contract> {
        let Access { app, caller, .. } = Access::of(context)?;
        Ok((&cancel_contract(app, caller, &named(&id)?, &reason).await?).into())
    }

    /// Reminds a signer whose turn it is, once an hour at most.
    async fn remind_signer(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The contract's id.")] id: ID,
        #[graphql(desc = "The signer's e-mail; everybody whose turn it is if absent.")] email: Option<String>,
    ) -> Result<Contract> {
        let Access { app, caller, .. } = Access::of(context)?;
        Ok((&Box::pin(remind_signer(app, caller, &named(&id)?, email.as_deref())).await?).into())
    }

    /// Saves an account at an e-signature provider, once a call with it worked. The first one becomes the
    /// workspace's provider.
    async fn save_esign_account(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The account.")] input: EsignAccountInput,
    ) -> Result<EsignAccount> {
        let Access { app, caller, .. } = Access::of(context)?;
        let (account, old_keys) = input.into_account()?;
        Ok(Box::pin(enroll(app, caller, account, old_keys)).await?.into())
    }

    /// Removes an account, with its keys. Answers with those that are left.
    async fn remove_esign_account(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose account.")] provider: EsignProvider,
        #[graphql(desc = "Even if open contracts can then no longer be followed.", default)] force: bool,
    ) -> Result<Vec<EsignAccount>> {
        let Access { app, caller, .. } = Access::of(context)?;
        let removal = if force { Removal::Anyway } else { Removal::IfUnneeded };
        remove(app, caller, provider.into(), removal).await?;
        Ok(accounts(app, caller).await?.into_iter().map(Into::into).collect())
    }

    /// Changes what the workspace chose for its contracts. What is not named stays as it is.
    async fn update_contract_settings(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to change.")] input: ContractSettingsInput,
    ) -> Result<ContractSettings> {
        let Access { app, caller, .. } = Access::of(context)?;
        let before = settings(app, caller).await?;
        Ok((&choose(app, caller, input.over(before)?).await?).into())
    }
}
