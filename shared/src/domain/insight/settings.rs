//! What a workspace chose for its insights. What is absent has a default.

use serde::{Deserialize, Serialize};

use super::budget::DailyLimit;
use super::churn::ChurnWeights;
use super::lead_score::LeadWeights;
use super::request::ProviderName;

/// A workspace's choices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct InsightSettings {
    /// Counts every replacement; a write that read an older one does not land.
    pub version: u64,
    /// Whom to ask first.
    pub provider: Option<ProviderName>,
    /// Which of that provider's models.
    pub model: Option<String>,
    pub daily: DailyLimit,
    /// Whether prompts and answers are kept with the attempts, sealed. Off unless the workspace says so.
    pub keep_texts: bool,
    pub lead: LeadWeights,
    pub churn: ChurnWeights,
    /// Domains that a model's text may link to, with their subdomains.
    pub link_domains: Vec<String>,
    pub automations: Automations,
}

/// What happens by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "four switches on one page, each on its own")]
pub struct Automations {
    pub on_membership_change: bool,
    pub on_failed_payment: bool,
    pub nightly: bool,
    /// Also writes a note that words the score.
    pub write_note: bool,
}

/// Settings nobody can mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadSettings(pub &'static str);

impl InsightSettings {
    /// Refuses what would make a score meaningless or a link dangerous.
    pub fn check(&self) -> Result<(), BadSettings> {
        let plain = |it: &String| (1..=128).contains(&it.len()) && it.bytes().all(|b| b.is_ascii_graphic());
        if !self.model.as_ref().is_none_or(plain) {
            return Err(BadSettings("A model is a word of at most 128 characters."));
        }
        let weights = &self.lead;
        let caps = [
            weights.fit_cap,
            weights.engagement_cap,
            weights.intent_cap,
            weights.value_cap,
            weights.penalty_cap,
            weights.half_life_days,
            self.churn.prior_strength,
        ];
        if !caps.iter().all(|cap| cap.is_finite() && *cap > 0.0 && *cap <= 1_000.0) {
            return Err(BadSettings("Caps, half-life and prior strength must lie between 0 and 1000."));
        }
        if !(weights.cool < weights.warm && weights.warm < weights.hot) {
            return Err(BadSettings("The bands of the lead score must rise: cool, warm, hot."));
        }
        if !(self.churn.medium < self.churn.high && self.churn.high < self.churn.critical) {
            return Err(BadSettings("The bands of the churn risk must rise: medium, high, critical."));
        }
        let probability = |it: &f64| *it > 0.0 && *it < 1.0;
        if !self.churn.prior.iter().chain([&self.churn.canceling]).all(probability) {
            return Err(BadSettings("Base hazards and the risk of a cancellation must lie between 0 and 1."));
        }
        if self.link_domains.len() > 50 || !self.link_domains.iter().all(|it| is_domain(it)) {
            return Err(BadSettings("Link domains look like example.com; fifty at most."));
        }
        Ok(())
    }
}

fn is_domain(text: &str) -> bool {
    let label = |it: &str| {
        !it.is_empty()
            && it.len() <= 63
            && it.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_allowed_and_what_was_never_said_reads_as_them() {
        assert_eq!(InsightSettings::default().check(), Ok(()));
        assert_eq!(serde_json::from_str::<InsightSettings>("{}").unwrap(), InsightSettings::default());
    }

    #[test]
    fn nonsense_is_refused() {
        let mut settings = InsightSettings::default();
        settings.lead.warm = 80;
        assert!(settings.check().is_err());
        for domain in ["https://example.com", "example", "a b.com", "EXAMPLE.com", ""] {
            let settings =
                InsightSettings { link_domains: vec![domain.to_owned()], ..InsightSettings::default() };
            assert!(settings.check().is_err(), "{domain}");
        }
        for model in ["", "two words", &"x".repeat(129)] {
            let settings = InsightSettings { model: Some(model.to_owned()), ..InsightSettings::default() };
            assert!(settings.check().is_err(), "{model}");
        }
        let mut settings = InsightSettings::default();
        settings.churn.prior[0] = 1.0;
        assert!(settings.check().is_err());
    }
}
