//! Whom to ask, in order: whom the caller wants, whom the workspace wants, then everybody else who has a key and no open
//! circuit.

use super::Work;
use crate::ai::{Entry, Provider};
use crate::domain::insight::request::ProviderName;
use crate::error::{Error, Kind, Result};

/// A provider with the model to ask there.
pub(crate) struct Candidate<'a> {
    pub(crate) provider: &'a Provider,
    pub(crate) entry: Entry,
}

impl Candidate<'_> {
    /// Provider and model, for the name of identical work.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.provider.name.as_str(), self.entry.model)
    }
}

/// Those that may be asked now.
pub(crate) async fn candidates<'a>(work: &Work<'a>) -> Result<Vec<Candidate<'a>>> {
    let ai = work.app.ai().await?;
    let first = work.request.wish.provider.or(work.settings.provider);
    let mut providers: Vec<&Provider> = ai.providers.iter().collect();
    if providers.is_empty() {
        return Err(Error::new(Kind::Unavailable)
            .saying("No language model is set up. Give the deployment a provider's key."));
    }
    providers.sort_by_key(|it| Some(it.name) != first);
    if let (Some(wished), Some(at)) = (work.request.wish.provider, providers.first())
        && at.name != wished
    {
        return Err(Error::invalid("There is no key for the provider you named."));
    }
    let names: Vec<ProviderName> = providers.iter().map(|it| it.name).collect();
    let now = work.app.clock().now();
    let unpaid = work.app.store().open_circuits(work.caller.workspace, &names, now).await?;
    let preferred = providers.first().map(|it| it.name);
    let open = |it: &&Provider| !ai.breakers.is_open(it.name, now) && !unpaid.contains(&it.name);
    let able = providers.into_iter().filter(open);
    let found: Vec<Candidate<'a>> = able
        .map(|provider| {
            let model = model(work, provider, preferred);
            Candidate { provider, entry: ai.entry(provider, &model) }
        })
        .collect();
    if found.is_empty() {
        let retry_after = std::time::Duration::from_mins(1);
        let advice = "No provider of language models serves us at the moment. Try again in a minute.";
        return Err(Error::new(Kind::Throttled { retry_after }).saying(advice));
    }
    Ok(found)
}

/// A model that somebody named belongs to the provider they named with it, or to the first one.
fn model(work: &Work<'_>, provider: &Provider, preferred: Option<ProviderName>) -> String {
    let wish = &work.request.wish;
    let wished = wish.model.as_ref().filter(|_| wish.provider.or(preferred) == Some(provider.name));
    let settings = &work.settings;
    let chosen = settings.model.as_ref().filter(|_| settings.provider.or(preferred) == Some(provider.name));
    wished.or(chosen).unwrap_or(&provider.config.model).clone()
}
