//! What a workspace chose for language models: whom to ask, what to spend, what happens by itself.

use async_graphql::{InputObject, MaybeUndefined, SimpleObject};
use shared::domain::insight::budget::DailyLimit;
use shared::domain::insight::cost::NanoDollars;
use shared::domain::insight::settings::{Automations, InsightSettings};
use shared::usecase::insight_settings::Serving;
use shared::{Error, Result};

use super::insight_weights::{ChurnWeights, ChurnWeightsInput, LeadWeights, LeadWeightsInput};
use super::insight_words::AiProvider;

/// A provider that has a key, and the model that is asked there.
#[derive(SimpleObject)]
pub(crate) struct AiServing {
    /// The provider.
    provider: AiProvider,
    /// The model that is asked there unless a request names another.
    model: String,
}

impl From<Serving> for AiServing {
    fn from(it: Serving) -> Self {
        Self { provider: it.provider.into(), model: it.model }
    }
}

/// What may be spent on models a day, UTC.
#[derive(SimpleObject)]
pub(crate) struct AiDailyLimit {
    /// Tokens; null if there is no limit.
    tokens: Option<u64>,
    /// US dollars as decimal text; null if there is no limit.
    usd: Option<String>,
}

impl From<&DailyLimit> for AiDailyLimit {
    fn from(it: &DailyLimit) -> Self {
        Self { tokens: it.tokens, usd: it.nano_dollars.map(|it| it.to_string()) }
    }
}

/// What happens by itself.
#[derive(SimpleObject)]
#[expect(clippy::struct_excessive_bools, reason = "four switches on one page, each on its own")]
pub(crate) struct AiAutomations {
    /// Scores a person when a membership of theirs begins or changes.
    on_membership_change: bool,
    /// Scores a person after a payment of theirs failed.
    on_failed_payment: bool,
    /// Scores members every night.
    nightly: bool,
    /// Also writes a note that words the score.
    write_note: bool,
}

impl From<Automations> for AiAutomations {
    fn from(it: Automations) -> Self {
        Self {
            on_membership_change: it.on_membership_change,
            on_failed_payment: it.on_failed_payment,
            nightly: it.nightly,
            write_note: it.write_note,
        }
    }
}

/// What the workspace chose for language models, with the defaults where it did not.
#[derive(SimpleObject)]
pub(crate) struct AiSettings {
    /// Who has a key, in the order they are asked. Empty if nobody has: then only scores are answered, in words of
    /// ours.
    serving: Vec<AiServing>,
    /// Whom to ask first; null leaves it to us.
    provider: Option<AiProvider>,
    /// Which model of that provider; null leaves it to us.
    model: Option<String>,
    /// What may be spent a day.
    daily: AiDailyLimit,
    /// Whether prompts and answers are kept with the calls, encrypted.
    keep_texts: bool,
    /// Domains that answers may link to, with their subdomains.
    link_domains: Vec<String>,
    /// What happens by itself.
    automations: AiAutomations,
    /// What a lead score is made of.
    lead_weights: LeadWeights,
    /// What a churn risk is made of.
    churn_weights: ChurnWeights,
}

impl AiSettings {
    /// The choices, and who serves.
    pub(crate) fn of(it: &InsightSettings, serving: Vec<Serving>) -> Self {
        Self {
            serving: serving.into_iter().map(Into::into).collect(),
            provider: it.provider.map(Into::into),
            model: it.model.clone(),
            daily: (&it.daily).into(),
            keep_texts: it.keep_texts,
            link_domains: it.link_domains.clone(),
            automations: it.automations.into(),
            lead_weights: (&it.lead).into(),
            churn_weights: (&it.churn).into(),
        }
    }
}

/// What happens by itself, to change; what is not named stays as it is.
#[derive(Clone, Copy, Default, InputObject)]
pub(crate) struct AiAutomationsInput {
    /// Score a person when a membership of theirs begins or changes.
    on_membership_change: Option<bool>,
    /// Score a person after a payment of theirs failed.
    on_failed_payment: Option<bool>,
    /// Score members every night.
    nightly: Option<bool>,
    /// Also write a note that words the score.
    write_note: Option<bool>,
}

/// What to change; what is not named stays as it is.
#[derive(Default, InputObject)]
pub(crate) struct AiSettingsInput {
    /// Whom to ask first. Null leaves it to us.
    provider: MaybeUndefined<AiProvider>,
    /// Which model of that provider. Null leaves it to us.
    model: MaybeUndefined<String>,
    /// Tokens that may be spent a day, UTC. Null takes the limit away.
    daily_tokens: MaybeUndefined<u64>,
    /// US dollars that may be spent a day, UTC, as decimal text such as `2.50`. Null takes the limit away.
    daily_usd: MaybeUndefined<String>,
    /// Whether to keep prompts and answers with the calls, encrypted.
    keep_texts: Option<bool>,
    /// Domains that answers may link to, with their subdomains, such as `example.com`. All of them; 50 at most.
    link_domains: Option<Vec<String>>,
    /// What happens by itself.
    automations: Option<AiAutomationsInput>,
    /// What a lead score is made of.
    lead_weights: Option<LeadWeightsInput>,
    /// What a churn risk is made of.
    churn_weights: Option<ChurnWeightsInput>,
}

impl AiSettingsInput {
    /// `before` with these changes. Its version stays: it says what was read.
    pub(crate) fn over(self, before: InsightSettings) -> Result<InsightSettings> {
        let daily_usd = self.daily_usd.map_value(|text| dollars(&text)).transpose()?;
        let automations = self.automations.unwrap_or_default().over(before.automations);
        let provider = self.provider.map_value(Into::into);
        Ok(InsightSettings {
            version: before.version,
            provider: chosen(provider, before.provider),
            model: chosen(self.model, before.model),
            daily: DailyLimit {
                tokens: chosen(self.daily_tokens, before.daily.tokens),
                nano_dollars: chosen(daily_usd, before.daily.nano_dollars),
            },
            keep_texts: self.keep_texts.unwrap_or(before.keep_texts),
            link_domains: self.link_domains.unwrap_or(before.link_domains),
            automations,
            lead: self.lead_weights.unwrap_or_default().over(&before.lead),
            churn: self.churn_weights.unwrap_or_default().over(&before.churn),
        })
    }
}

impl AiAutomationsInput {
    fn over(self, before: Automations) -> Automations {
        Automations {
            on_membership_change: self.on_membership_change.unwrap_or(before.on_membership_change),
            on_failed_payment: self.on_failed_payment.unwrap_or(before.on_failed_payment),
            nightly: self.nightly.unwrap_or(before.nightly),
            write_note: self.write_note.unwrap_or(before.write_note),
        }
    }
}

/// What was before, unless something else is named; null names nothing.
fn chosen<T>(named: MaybeUndefined<T>, before: Option<T>) -> Option<T> {
    match named {
        MaybeUndefined::Undefined => before,
        MaybeUndefined::Null => None,
        MaybeUndefined::Value(value) => Some(value),
    }
}

fn dollars(text: &str) -> Result<NanoDollars> {
    text.trim().parse().map_err(|_| Error::invalid("Dollars look like 2.50, with nine decimals at most."))
}

#[cfg(test)]
mod tests {
    use shared::domain::insight::request::ProviderName;

    use super::*;

    #[test]
    fn what_a_change_does_not_name_stays_and_null_takes_away() {
        let before = InsightSettings {
            version: 3,
            provider: Some(ProviderName::Anthropic),
            model: Some("a-model".to_owned()),
            keep_texts: true,
            automations: Automations { nightly: true, ..Automations::default() },
            ..InsightSettings::default()
        };
        let change = AiSettingsInput {
            model: MaybeUndefined::Null,
            daily_tokens: MaybeUndefined::Null,
            daily_usd: MaybeUndefined::Value("0.000000001".to_owned()),
            automations: Some(AiAutomationsInput { write_note: Some(true), ..Default::default() }),
            ..AiSettingsInput::default()
        };

        let after = change.over(before.clone()).unwrap();

        let expected = InsightSettings {
            model: None,
            daily: DailyLimit { tokens: None, nano_dollars: Some(NanoDollars(1)) },
            automations: Automations { nightly: true, write_note: true, ..Automations::default() },
            ..before
        };
        assert_eq!(after, expected);
    }

    #[test]
    fn dollars_are_exact_or_refused() {
        assert_eq!(dollars(" 2.50 ").unwrap(), NanoDollars(2_500_000_000));
        for bad in ["", "-1", "1e3", "2,50", "0.0000000001", "99999999999999999999", "NaN"] {
            assert!(dollars(bad).is_err(), "{bad}");
        }
    }
}
