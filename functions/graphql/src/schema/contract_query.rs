//! What can be read of contracts. Everything is of the caller's own workspace.

use async_graphql::{Context, ID, Object};
use shared::Result;
use shared::domain::contract::ProviderName;
use shared::usecase::contracts::accounts::accounts;
use shared::usecase::contracts::document::signed_document;
use shared::usecase::contracts::find::{Wanted, find, list};
use shared::usecase::contracts::settings::settings;
use shared::usecase::contracts::templates::{template, templates};

use super::contract::{Contract, ContractDocument, ContractPage, ContractTemplate, ContractTemplatePage};
use super::contract_account::EsignAccount;
use super::contract_input::record;
use super::contract_settings::ContractSettings;
use super::contract_words::{ContractState, EsignProvider};
use super::{Access, items, named};

/// What can be read of contracts.
#[derive(Default)]
pub(crate) struct ContractQuery;

/// What can be read of contracts.
#[Object]
impl ContractQuery {
    /// How a contract stands, as a whole and signer by signer.
    async fn get_contract_status(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The contract's id.")] id: ID,
    ) -> Result<Contract> {
        let Access { app, caller, .. } = Access::of(context)?;
        Ok((&find(app, caller, &named(&id)?).await?).into())
    }

    /// Contracts, the latest first.
    #[graphql(complexity = "1 + items(first) * child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "each is an argument of the API")]
    async fn contracts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only those about this person in Twenty.")] person_id: Option<ID>,
        #[graphql(desc = "Only those about this opportunity in Twenty.")] opportunity_id: Option<ID>,
        #[graphql(desc = "Only those that are so far.")] state: Option<ContractState>,
        #[graphql(desc = "How many, 100 at most.", default = 20, validator(minimum = 1, maximum = 100))]
        first: u32,
        #[graphql(desc = "Where to read on: `next` of the page before.")] after: Option<String>,
    ) -> Result<ContractPage> {
        let Access { app, caller, .. } = Access::of(context)?;
        let wanted = Wanted {
            person: person_id.as_ref().map(record).transpose()?,
            opportunity: opportunity_id.as_ref().map(record).transpose()?,
            state: state.map(Into::into),
        };
        let (contracts, next) = list(app, caller, wanted, first, after.as_deref()).await?;
        Ok(ContractPage { contracts: contracts.iter().map(Into::into).collect(), next })
    }

    /// The signed file of a completed contract: a link for some minutes, and its hash.
    async fn contract_document(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The contract's id.")] id: ID,
    ) -> Result<ContractDocument> {
        let Access { app, caller, .. } = Access::of(context)?;
        Ok(signed_document(app, caller, &named(&id)?).await?.into())
    }

    /// The templates at a provider, a page at a time.
    #[graphql(complexity = "1 + items(100) * child_complexity")]
    async fn contract_templates(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose; the workspace's provider if absent.")] provider: Option<EsignProvider>,
        #[graphql(desc = "Where to read on: `next` of the page before.")] after: Option<u32>,
    ) -> Result<ContractTemplatePage> {
        let Access { app, caller, .. } = Access::of(context)?;
        let provider = provider.map(ProviderName::from);
        Ok(Box::pin(templates(app, caller, provider, after)).await?.into())
    }

    /// One template with its roles and fields.
    async fn contract_template(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The template's id at the provider.")] id: ID,
        #[graphql(desc = "Whose; the workspace's provider if absent.")] provider: Option<EsignProvider>,
    ) -> Result<ContractTemplate> {
        let Access { app, caller, .. } = Access::of(context)?;
        let provider = provider.map(ProviderName::from);
        Ok(Box::pin(template(app, caller, provider, &named(&id)?)).await?.into())
    }

    /// The workspace's accounts at e-signature providers, without their secrets.
    async fn esign_accounts(&self, context: &Context<'_>) -> Result<Vec<EsignAccount>> {
        let Access { app, caller, .. } = Access::of(context)?;
        Ok(accounts(app, caller).await?.into_iter().map(Into::into).collect())
    }

    /// What the workspace chose for its contracts.
    async fn contract_settings(&self, context: &Context<'_>) -> Result<ContractSettings> {
        let Access { app, caller, .. } = Access::of(context)?;
        Ok((&settings(app, caller).await?).into())
    }
}
