//! The templates at a provider, with their roles and fields.

use super::signing::Signing;
use crate::app::App;
use crate::domain::caller::Caller;
use crate::domain::contract::ProviderName;
use crate::domain::contract::request::{Template, TemplatePage};
use crate::domain::id::TemplateId;
use crate::error::{Error, Result};
use crate::esign::Esign as _;

/// A page of templates; `from` is where an earlier page said that this one begins. Providers that name roles only one
/// by one are asked for them with [`template`].
pub async fn templates(
    app: &App,
    caller: &Caller,
    provider: Option<ProviderName>,
    from: Option<u32>,
) -> Result<TemplatePage> {
    let signing = Signing::open(app, caller.workspace, chosen(app, caller, provider).await?).await?;
    match signing.provider.templates(from).await {
        Ok(page) => {
            signing.works().await?;
            Ok(page)
        }
        Err(error) => Err(signing.refused(error).await),
    }
}

/// One template with its roles and fields.
pub async fn template(
    app: &App,
    caller: &Caller,
    provider: Option<ProviderName>,
    id: &TemplateId,
) -> Result<Template> {
    let signing = Signing::open(app, caller.workspace, chosen(app, caller, provider).await?).await?;
    match signing.provider.template(id).await {
        Ok(template) => Ok(template),
        Err(error) => Err(signing.refused(error).await),
    }
}

async fn chosen(app: &App, caller: &Caller, provider: Option<ProviderName>) -> Result<ProviderName> {
    if let Some(provider) = provider {
        return Ok(provider);
    }
    let settings = app.store().find_contract_settings(caller.workspace).await?.unwrap_or_default();
    settings.provider.ok_or_else(|| Error::invalid("No e-signature provider is chosen for this workspace."))
}
