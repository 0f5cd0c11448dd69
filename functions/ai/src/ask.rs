//! What a program sends: one flat object, because that is what a workflow step can build.

use serde::Deserialize;
use shared::domain::id::CrmId;
use shared::domain::insight::operation::Operation;
use shared::domain::insight::request::{
    Input, InsightRequest, Language, ProviderName, Subject, Temperature, Tone, Wish,
};
use shared::{Error, Result};

/// The body of `POST /ai/{operation}`. A workflow cannot leave a field out, so an empty text counts as absent.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Ask {
    person_id: Option<String>,
    opportunity_id: Option<String>,
    instruction: Option<String>,
    text: Option<String>,
    provider: Option<String>,
    model: Option<String>,
    max_tokens: Option<u32>,
    temperature: Option<f64>,
    language: Option<String>,
    tone: Option<String>,
    idempotency_key: Option<String>,
}

impl Ask {
    /// The request in our words; a key in the header counts where the body has none.
    pub(crate) fn into_request(self, operation: Operation, key: Option<&str>) -> Result<InsightRequest> {
        let about = match (said(self.person_id), said(self.opportunity_id)) {
            (None, None) => None,
            (Some(id), None) => Some(Subject::Person(record(&id)?)),
            (None, Some(id)) => Some(Subject::Opportunity(record(&id)?)),
            (Some(_), Some(_)) => return Err(Error::invalid("Give personId or opportunityId, not both.")),
        };
        let temperature = self.temperature.map(|it| {
            Temperature::from_float(it).ok_or_else(|| Error::invalid("temperature lies between 0 and 2."))
        });
        let wish = Wish {
            provider: said(self.provider).as_deref().map(provider).transpose()?,
            model: said(self.model),
            max_output_tokens: self.max_tokens,
            temperature: temperature.transpose()?,
            language: said(self.language).map(language).transpose()?,
            tone: said(self.tone).as_deref().map(tone).transpose()?,
        };
        let key = said(self.idempotency_key).or_else(|| said(key.map(str::to_owned)));
        let input = Input { wanted: said(self.instruction), text: said(self.text), features: None, about };
        Ok(InsightRequest { operation, input, wish, idempotency_key: key })
    }
}

fn said(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

fn record(id: &str) -> Result<CrmId> {
    id.trim().parse().map_err(|_| Error::invalid("A record's id in Twenty is a UUID."))
}

fn provider(name: &str) -> Result<ProviderName> {
    let found = ProviderName::ALL.into_iter().find(|it| it.as_str() == name.to_ascii_lowercase());
    found.ok_or_else(|| Error::invalid("provider is openai or anthropic."))
}

fn language(tag: String) -> Result<Language> {
    tag.try_into().map_err(|_| Error::invalid("language is a tag such as en, de or pt-BR."))
}

fn tone(name: &str) -> Result<Tone> {
    let found = Tone::ALL.into_iter().find(|it| it.as_str() == name.to_ascii_lowercase());
    found.ok_or_else(|| Error::invalid("tone is neutral, friendly, formal, direct or empathetic."))
}
