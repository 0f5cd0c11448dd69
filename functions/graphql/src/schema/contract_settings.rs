//! What a workspace chose for its contracts: who sends them, and what is sent by itself.

use async_graphql::{ID, InputObject, MaybeUndefined, SimpleObject};
use shared::domain::contract::settings::{Automation, ContractSettings as Chosen, FixedSigner, Trigger};
use shared::{Error, Kind, Result};

use super::contract_input::RemindersInput;
use super::contract_words::EsignProvider;
use super::time::DateTime;

/// What a rule waits for: a membership or a stage.
#[derive(SimpleObject)]
pub(crate) struct ContractTrigger {
    /// A membership of this product at Whop becomes active; null if it waits for a stage.
    membership_of_product: Option<ID>,
    /// An opportunity reaches this stage in Twenty; null if it waits for a membership.
    opportunity_stage: Option<String>,
}

impl From<&Trigger> for ContractTrigger {
    fn from(it: &Trigger) -> Self {
        match it {
            Trigger::MembershipActive { product } => {
                Self { membership_of_product: Some(product.as_str().into()), opportunity_stage: None }
            }
            Trigger::OpportunityStage { stage } => {
                Self { membership_of_product: None, opportunity_stage: Some(stage.clone()) }
            }
        }
    }
}

/// A signer who is the same in every contract of a rule.
#[derive(SimpleObject)]
pub(crate) struct ContractRuleSigner {
    /// Their role in the template.
    role: String,
    /// Their name.
    name: String,
    /// Their e-mail.
    email: String,
    /// 1 signs first, as the person does.
    order: u16,
}

/// When signers are reminded.
#[derive(SimpleObject)]
pub(crate) struct ContractReminders {
    /// Days from sending to the first one.
    first_after_days: u16,
    /// Days from one to the next; null for once only.
    then_every_days: Option<u16>,
}

/// When this happens, send that. Once per membership or opportunity.
#[derive(SimpleObject)]
pub(crate) struct ContractRule {
    /// Its name, unique in the workspace.
    name: String,
    /// Whether it is on.
    enabled: bool,
    /// Since when. What happened before gets nothing sent.
    since: Option<DateTime>,
    /// What it waits for.
    trigger: ContractTrigger,
    /// The template at the provider.
    template_id: ID,
    /// The template's provider; null for the workspace's.
    provider: Option<EsignProvider>,
    /// The template's role that the person takes.
    role: String,
    /// Others who sign, such as the seller.
    other_signers: Vec<ContractRuleSigner>,
    /// The subject of the mail, and what the contract is called.
    subject: String,
    /// The message to signers.
    message: Option<String>,
    /// Whether a language model drafts the message; `message` stands in when that fails.
    ai_message: bool,
    /// Days from sending after which it expires.
    expires_in_days: Option<u16>,
    /// When signers are reminded.
    reminders: Option<ContractReminders>,
}

impl From<&Automation> for ContractRule {
    fn from(it: &Automation) -> Self {
        let signer = |it: &FixedSigner| ContractRuleSigner {
            role: it.role.clone(),
            name: it.name.clone(),
            email: it.email.clone(),
            order: it.order,
        };
        let reminders = it.reminders.map(|it| ContractReminders {
            first_after_days: it.first_after_days,
            then_every_days: it.then_every_days,
        });
        Self {
            name: it.name.clone(),
            enabled: it.enabled,
            since: it.since.map(DateTime),
            trigger: (&it.trigger).into(),
            template_id: it.template.as_str().into(),
            provider: it.provider.map(Into::into),
            role: it.role.clone(),
            other_signers: it.others.iter().map(signer).collect(),
            subject: it.subject.clone(),
            message: it.message.clone(),
            ai_message: it.ai_message,
            expires_in_days: it.expires_in_days,
            reminders,
        }
    }
}

/// What the workspace chose for its contracts.
#[derive(SimpleObject)]
pub(crate) struct ContractSettings {
    /// Counts every change; give it back with a change to be told of another one in between.
    version: u64,
    /// Who sends new contracts; null if nobody is chosen.
    provider: Option<EsignProvider>,
    /// What is sent by itself.
    rules: Vec<ContractRule>,
}

impl From<&Chosen> for ContractSettings {
    fn from(it: &Chosen) -> Self {
        Self {
            version: it.version,
            provider: it.provider.map(Into::into),
            rules: it.automations.iter().map(Into::into).collect(),
        }
    }
}

/// What a rule waits for: just one of the two.
#[derive(InputObject)]
pub(crate) struct ContractTriggerInput {
    /// A membership of this product at Whop becomes active: `prod_…`.
    membership_of_product: Option<ID>,
    /// An opportunity reaches this stage in Twenty, by the stage's value.
    opportunity_stage: Option<String>,
}

impl ContractTriggerInput {
    fn into_trigger(self) -> Result<Trigger> {
        match (self.membership_of_product, self.opportunity_stage) {
            (Some(product), None) => {
                let product =
                    product.parse().map_err(|_| Error::invalid("A product at Whop is named prod_…"))?;
                Ok(Trigger::MembershipActive { product })
            }
            (None, Some(stage)) if !stage.trim().is_empty() => {
                Ok(Trigger::OpportunityStage { stage: stage.trim().to_owned() })
            }
            _ => Err(Error::invalid(
                "A rule waits for membershipOfProduct or for opportunityStage, one of the two.",
            )),
        }
    }
}

/// A signer who is the same in every contract of a rule.
#[derive(InputObject)]
pub(crate) struct ContractRuleSignerInput {
    /// Their role in the template.
    role: String,
    /// Their name.
    name: String,
    /// Their e-mail.
    email: String,
    /// The person of the rule signs first, with 1; 1 here signs beside them.
    #[graphql(default = 2)]
    order: u16,
}

/// When this happens, send that.
#[derive(InputObject)]
pub(crate) struct ContractRuleInput {
    /// Its name, unique in the workspace: letters, digits, `-` and `_`.
    name: String,
    /// Whether it is on.
    #[graphql(default)]
    enabled: bool,
    /// What it waits for.
    trigger: ContractTriggerInput,
    /// The template at the provider.
    template_id: ID,
    /// The template's provider; the workspace's if absent.
    provider: Option<EsignProvider>,
    /// The template's role that the person takes.
    role: String,
    /// Others who sign, such as the seller.
    #[graphql(default)]
    other_signers: Vec<ContractRuleSignerInput>,
    /// The subject of the mail, and what the contract is called.
    subject: String,
    /// The message to signers.
    message: Option<String>,
    /// Whether a language model drafts the message; `message` stands in when that fails.
    #[graphql(default)]
    ai_message: bool,
    /// Days from sending after which it expires.
    expires_in_days: Option<u16>,
    /// When signers are reminded.
    reminders: Option<RemindersInput>,
}

impl ContractRuleInput {
    fn into_rule(self) -> Result<Automation> {
        let others = self.other_signers.into_iter().map(|it| FixedSigner {
            role: it.role,
            name: it.name,
            email: it.email,
            order: it.order,
        });
        Ok(Automation {
            name: self.name,
            enabled: self.enabled,
            since: None,
            trigger: self.trigger.into_trigger()?,
            template: self
                .template_id
                .parse()
                .map_err(|_| Error::invalid("templateId is not a template's id."))?,
            provider: self.provider.map(Into::into),
            role: self.role,
            others: others.collect(),
            subject: self.subject,
            message: self.message.filter(|it| !it.trim().is_empty()),
            ai_message: self.ai_message,
            expires_in_days: self.expires_in_days,
            reminders: self.reminders.map(Into::into),
        })
    }
}

/// What to change; what is not named stays as it is.
#[derive(Default, InputObject)]
pub(crate) struct ContractSettingsInput {
    /// The version that was read; a conflict if it is another one by now. Any version if absent.
    version: Option<u64>,
    /// Who sends new contracts. Null chooses nobody.
    provider: MaybeUndefined<EsignProvider>,
    /// What is sent by itself: all rules, 50 at most.
    rules: Option<Vec<ContractRuleInput>>,
}

impl ContractSettingsInput {
    /// `before` with these changes. Its version stays: it says what was read.
    pub(crate) fn over(self, before: Chosen) -> Result<Chosen> {
        if self.version.is_some_and(|version| version != before.version) {
            return Err(Error::new(Kind::Conflict));
        }
        let automations = match self.rules {
            Some(rules) => rules.into_iter().map(ContractRuleInput::into_rule).collect::<Result<Vec<_>>>()?,
            None => before.automations,
        };
        let provider = match self.provider {
            MaybeUndefined::Undefined => before.provider,
            MaybeUndefined::Null => None,
            MaybeUndefined::Value(it) => Some(it.into()),
        };
        Ok(Chosen { version: before.version, provider, automations })
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::contract::ProviderName;

    use super::*;

    #[test]
    fn what_a_change_does_not_name_stays_and_another_version_is_a_conflict() {
        let before = Chosen { version: 3, provider: Some(ProviderName::PandaDoc), automations: Vec::new() };
        let none = ContractSettingsInput { provider: MaybeUndefined::Null, ..Default::default() };
        let late = ContractSettingsInput { version: Some(2), ..Default::default() };

        assert_eq!(ContractSettingsInput::default().over(before.clone()).unwrap(), before);
        assert_eq!(none.over(before.clone()).unwrap(), Chosen { provider: None, ..before.clone() });
        assert_eq!(late.over(before).unwrap_err().kind(), Kind::Conflict);
    }

    #[test]
    fn a_rule_waits_for_one_thing() {
        let trigger = |product: Option<&str>, stage: Option<&str>| {
            let input = ContractTriggerInput {
                membership_of_product: product.map(Into::into),
                opportunity_stage: stage.map(str::to_owned),
            };
            input.into_trigger()
        };

        assert!(matches!(trigger(Some("prod_1"), None), Ok(Trigger::MembershipActive { .. })));
        assert!(
            matches!(trigger(None, Some(" WON ")), Ok(Trigger::OpportunityStage { stage }) if stage == "WON")
        );
        for bad in [trigger(None, None), trigger(Some("prod_1"), Some("WON")), trigger(None, Some(" "))] {
            assert!(bad.is_err());
        }
    }
}
