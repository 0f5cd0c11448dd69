//! Whom to ask, in order: whom the caller wants, whom the workspace wants, then everybody else who has a key and no open
//! circuit.

use std::time::Duration;

use super::Work;
use crate::ai::{Entry, Provider};
use crate::domain::insight::request::ProviderName;
use crate::error::{Error, Kind, Result};

/// When to ask again where no provider has a key: somebody must give the deployment one first.
const NOBODY: Duration = Duration::from_hours(1);

/// A provider with the model to ask there.
pub(crate) struct Candidate<'a> {
    pub(crate) provider: &'a Provider,
    pub(crate) entry: Entry,
}

/// Whom to ask.
pub(crate) struct Choice<'a> {
    /// Who would be asked first, were nothing in the way.
    pub(crate) preferred: ProviderName,
    /// That one with its model, for the name of identical work.
    pub(crate) name: String,
    /// Those that may be asked now, in order.
    pub(crate) able: Vec<Candidate<'a>>,
}

/// Chooses. Those with an open circuit are left out.
pub(crate) async fn choose<'a>(work: &Work<'a>) -> Result<Choice<'a>> {
    let ai = work.app.ai().await?;
    let wished = work.request.wish.provider;
    let first = wished.or(work.settings.provider);
    let mut providers: Vec<&Provider> = ai.providers.iter().collect();
    providers.sort_by_key(|it| Some(it.name) != first);
    let Some(preferred) = providers.first().map(|it| it.name) else {
        // Nothing that a caller could wait for: it is told at once, and becomes no job.
        let advice = "No language model is set up. Give the deployment a provider's key.";
        return Err(Error::new(Kind::Throttled { retry_after: NOBODY }).saying(advice));
    };
    if wished.is_some_and(|wished| wished != preferred) {
        return Err(Error::invalid("There is no key for the provider you named."));
    }
    let names: Vec<ProviderName> = providers.iter().map(|it| it.name).collect();
    let now = work.app.clock().now();
    let unpaid = work.app.store().open_circuits(work.caller.workspace, &names, now).await?;
    let every = providers.into_iter().map(|provider| {
        let model = model(work, provider, preferred);
        Candidate { provider, entry: ai.entry(provider, &model) }
    });
    let mut able: Vec<Candidate<'a>> = every.collect();
    let name =
        able.first().map(|it| format!("{}/{}", preferred.as_str(), it.entry.model)).unwrap_or_default();
    able.retain(|it| !ai.breakers.is_open(it.provider.name, now) && !unpaid.contains(&it.provider.name));
    Ok(Choice { preferred, name, able })
}

/// A model that somebody named belongs to the provider they named with it, or to the first one.
fn model(work: &Work<'_>, provider: &Provider, preferred: ProviderName) -> String {
    let wish = &work.request.wish;
    let wished = wish.model.as_ref().filter(|_| wish.provider.unwrap_or(preferred) == provider.name);
    let settings = &work.settings;
    let chosen = settings.model.as_ref().filter(|_| settings.provider.unwrap_or(preferred) == provider.name);
    wished.or(chosen).unwrap_or(&provider.config.model).clone()
}
