//! The table of models: what each takes and what it costs, with the day and the source of every price. Data, not code:
//! one file, and the deployer's own table over it.

use serde::Deserialize;

use crate::domain::insight::budget::day_of;
use crate::domain::insight::cost::Prices;
use crate::domain::insight::request::ProviderName;
use crate::domain::time::Timestamp;

/// The table we ship.
const SHIPPED: &str = include_str!("models.json");

/// One model. What is absent is not sent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each says whether one field may be sent")]
pub(crate) struct Entry {
    pub(crate) provider: ProviderName,
    pub(crate) model: String,
    /// Input and output together, in tokens.
    #[serde(default)]
    pub(crate) context: Option<u64>,
    #[serde(default)]
    pub(crate) max_output: Option<u32>,
    /// True if it takes a temperature together with the effort below.
    #[serde(default)]
    pub(crate) temperature: bool,
    /// The least reasoning it offers.
    #[serde(default)]
    pub(crate) effort: Option<String>,
    /// How its thinking is turned off (Anthropic).
    #[serde(default)]
    pub(crate) thinking: Option<String>,
    /// Tokens of reasoning that cannot be turned off, on top of what is seen.
    #[serde(default)]
    pub(crate) headroom: u32,
    /// True if it keeps to a schema.
    #[serde(default)]
    pub(crate) json_schema: bool,
    #[serde(default)]
    pub(crate) prompt_cache_options: bool,
    #[serde(default)]
    pub(crate) verbosity: bool,
    /// Another `anthropic-version` than ours.
    #[serde(default)]
    pub(crate) version: Option<String>,
    /// The day it is switched off, `2027-01-14`.
    #[serde(default)]
    pub(crate) ends_on: Option<String>,
    #[serde(default)]
    pub(crate) prices: Vec<Prices>,
    /// False for a model of which the table says nothing.
    #[serde(skip, default = "yes")]
    pub(crate) known: bool,
}

fn yes() -> bool {
    true
}

/// What a deployer says about a server of his own, in place of what the table says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Supports {
    pub temperature: bool,
    pub json_schema: bool,
    pub effort: bool,
}

impl Entry {
    /// The prices of a day; nothing before the first.
    pub(crate) fn prices_at(&self, now: Timestamp) -> Option<&Prices> {
        let today = day_of(now);
        let begun = self.prices.iter().filter(|prices| prices.valid_from <= today);
        begun.max_by(|a, b| a.valid_from.cmp(&b.valid_from))
    }

    /// What to send as the limit of the output.
    pub(crate) fn limit(&self, output_tokens: u32) -> u32 {
        output_tokens.saturating_add(self.headroom).min(self.max_output.unwrap_or(u32::MAX))
    }

    /// What a caller should know about the model, in words.
    pub(crate) fn warnings(&self, now: Timestamp) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.prices_at(now).is_none() {
            warnings.push(format!("The price of {} is not known; its cost is not counted.", self.model));
        }
        let soon = day_of(now + std::time::Duration::from_hours(30 * 24));
        if let Some(end) = self.ends_on.as_ref().filter(|end| **end <= soon) {
            warnings.push(format!("{} is switched off on {end}. Choose another model.", self.model));
        }
        warnings
    }
}

/// Every model we know.
#[derive(Clone, Debug)]
pub(crate) struct Models(Vec<Entry>);

#[derive(Deserialize)]
struct Table {
    models: Vec<Entry>,
}

/// A table that does not read.
#[derive(Debug, thiserror::Error)]
#[error("the table of models does not read")]
pub(crate) struct BadModels(#[source] serde_json::Error);

impl Models {
    /// Our table; models of the deployer's table replace ours of the same name.
    pub(crate) fn with(own: Option<&str>) -> Result<Self, BadModels> {
        let mut models = read(SHIPPED)?;
        for entry in own.map(read).transpose()?.unwrap_or_default() {
            models.retain(|it| (it.provider, &it.model) != (entry.provider, &entry.model));
            models.push(entry);
        }
        Ok(Self(models))
    }

    /// What is known of a model. Of an unknown one only what the deployer says; it works, without a cost.
    pub(crate) fn entry(&self, provider: ProviderName, model: &str, supports: Option<&Supports>) -> Entry {
        let found = self.0.iter().find(|it| it.provider == provider && it.model == model);
        let mut entry = found.cloned().unwrap_or_else(|| unknown(provider, model));
        if let Some(supports) = supports {
            entry.temperature = supports.temperature;
            entry.json_schema = supports.json_schema;
            entry.effort = entry.effort.filter(|_| supports.effort);
        }
        entry
    }
}

fn read(text: &str) -> Result<Vec<Entry>, BadModels> {
    serde_json::from_str::<Table>(text).map(|table| table.models).map_err(BadModels)
}

/// Most servers keep to a schema; whether this one reasons is not known, so it gets room for it.
fn unknown(provider: ProviderName, model: &str) -> Entry {
    Entry {
        provider,
        model: model.to_owned(),
        context: None,
        max_output: None,
        temperature: false,
        effort: None,
        thinking: None,
        headroom: 2_000,
        json_schema: true,
        prompt_cache_options: false,
        verbosity: false,
        version: None,
        ends_on: None,
        prices: Vec::new(),
        known: false,
    }
}
