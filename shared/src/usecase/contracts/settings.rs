//! What a workspace chose for its contracts: who sends them, and what is sent by itself. Since when a rule is on is
//! ours to say: what happened before gets nothing sent.

use std::collections::BTreeMap;

use super::signing::label;
use super::{TRIES, rules};
use crate::app::App;
use crate::domain::caller::Caller;
use crate::domain::contract::request::SignerRequest;
use crate::domain::contract::settings::{Automation, ContractSettings};
use crate::domain::contract::{ContractRequest, Invalid, ProviderName, Source};
use crate::domain::id::WorkspaceId;
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::usecase::audit::audit;

/// The choices of the caller's workspace; defaults where it made none.
pub async fn settings(app: &App, caller: &Caller) -> Result<ContractSettings> {
    Ok(app.store().find_contract_settings(caller.workspace).await?.unwrap_or_default())
}

/// Keeps choices in place of those that were read at `chosen.version`; answers them with their new version.
pub async fn choose(app: &App, caller: &Caller, chosen: ContractSettings) -> Result<ContractSettings> {
    chosen.check().map_err(|error| Error::invalid(error.to_string()))?;
    check_rules(&chosen).map_err(Error::invalid)?;
    check_accounts(app, caller.workspace, &chosen).await?;
    let before = settings(app, caller).await?;
    if before.version != chosen.version {
        return Err(Error::new(Kind::Conflict));
    }
    let next = next(&before, chosen, app.clock().now());
    let expected = (before.version > 0).then_some(before.version);
    if !app.store().put_contract_settings(caller.workspace, &next, expected).await? {
        return Err(Error::new(Kind::Conflict));
    }
    // A crash before this leaves the copy behind, until the schedule compares them.
    rules::copy(app, caller.workspace, &next).await?;
    audit(app, caller.workspace, &caller.name(), "contract_settings.changed", "workspace").await?;
    Ok(next)
}

/// Changes who sends new contracts, whatever else is written meanwhile; `to` may be asked several times.
pub(super) async fn change_provider(
    app: &App,
    workspace: WorkspaceId,
    to: impl Fn(Option<ProviderName>) -> Option<ProviderName> + Send + Sync,
) -> Result<()> {
    for _ in 0..TRIES {
        let before = app.store().find_contract_settings(workspace).await?.unwrap_or_default();
        let provider = to(before.provider);
        if provider == before.provider {
            return Ok(());
        }
        let expected = (before.version > 0).then_some(before.version);
        let next = ContractSettings { version: before.version + 1, provider, ..before };
        if app.store().put_contract_settings(workspace, &next, expected).await? {
            return Ok(());
        }
    }
    Err(Error::new(Kind::Conflict))
}

/// The choices as they are kept. A rule that stays on keeps its day, unless it waits for something else now.
fn next(before: &ContractSettings, chosen: ContractSettings, now: Timestamp) -> ContractSettings {
    let dated = |rule: Automation| {
        let same = |it: &&Automation| it.name == rule.name && it.enabled && it.trigger == rule.trigger;
        let since = before.automations.iter().find(same).and_then(|it| it.since);
        let since = rule.enabled.then_some(since.unwrap_or(now));
        Automation { since, ..rule }
    };
    ContractSettings {
        version: before.version + 1,
        provider: chosen.provider,
        automations: chosen.automations.into_iter().map(dated).collect(),
    }
}

/// Refuses rules whose contracts the provider would refuse, whoever the person is.
fn check_rules(chosen: &ContractSettings) -> Result<(), String> {
    for rule in &chosen.automations {
        let Some(provider) = rule.provider.or(chosen.provider) else {
            continue; // It is off, and can be finished later.
        };
        let fine = sample(rule).check(provider);
        fine.map_err(|Invalid(faults)| {
            let texts: Vec<&str> = faults.iter().map(|it| it.text.as_str()).collect();
            format!("The contract rule {} cannot work. {}", rule.name, texts.join(" "))
        })?;
    }
    Ok(())
}

/// What a rule would send to somebody.
fn sample(rule: &Automation) -> ContractRequest {
    let person = SignerRequest {
        name: "A person".to_owned(),
        email: "person@person.invalid".to_owned(),
        role: Some(rule.role.clone()),
        order: Some(1),
    };
    let others = rule.others.iter().map(|it| SignerRequest {
        name: it.name.clone(),
        email: it.email.clone(),
        role: Some(it.role.clone()),
        order: Some(it.order),
    });
    ContractRequest {
        title: rule.subject.clone(),
        subject: Some(rule.subject.clone()),
        message: rule.message.clone(),
        source: Source::Template { template: rule.template.clone() },
        signers: std::iter::once(person).chain(others).collect(),
        fields: BTreeMap::new(),
        metadata: BTreeMap::new(),
        expires_in_days: rule.expires_in_days,
        reminders: rule.reminders,
        person: None,
        opportunity: None,
        provider: rule.provider,
    }
}

/// Refuses providers that the workspace has no account at.
async fn check_accounts(app: &App, workspace: WorkspaceId, chosen: &ContractSettings) -> Result<()> {
    let rules = chosen.automations.iter().filter(|it| it.enabled).filter_map(|it| it.provider);
    let named: Vec<ProviderName> = chosen.provider.into_iter().chain(rules).collect();
    if named.is_empty() {
        return Ok(());
    }
    let enrolled = app.store().list_enrolled(workspace).await?;
    let missing = named.into_iter().find(|name| !enrolled.iter().any(|it| it.account.provider() == *name));
    match missing {
        None => Ok(()),
        Some(name) => {
            let advice = format!("There is no account of {}. Add one before you choose it.", label(name));
            Err(Error::invalid(advice))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::contract::settings::{FixedSigner, Trigger};

    fn rule(name: &str, enabled: bool, since: Option<i64>) -> Automation {
        Automation {
            name: name.to_owned(),
            enabled,
            since: since.map(Timestamp::from_millis),
            trigger: Trigger::OpportunityStage { stage: "WON".to_owned() },
            template: "tpl-1".parse().unwrap(),
            provider: None,
            role: "Client".to_owned(),
            others: Vec::new(),
            subject: "Please sign".to_owned(),
            message: None,
            ai_message: false,
            expires_in_days: None,
            reminders: None,
        }
    }

    fn with(version: u64, rules: &[Automation]) -> ContractSettings {
        let provider = Some(ProviderName::DropboxSign);
        ContractSettings { version, provider, automations: rules.to_vec() }
    }

    fn since(settings: &ContractSettings) -> Vec<Option<i64>> {
        settings.automations.iter().map(|it| it.since.map(Timestamp::millis)).collect()
    }

    #[test]
    fn a_rule_counts_from_the_moment_it_is_switched_on_whatever_the_caller_says() {
        let before = with(4, &[rule("on", true, Some(5)), rule("off", false, None)]);
        let chosen = with(
            4,
            &[
                rule("on", true, Some(1)),
                rule("off", true, Some(1)),
                rule("new", true, Some(1)),
                rule("idle", false, Some(1)),
            ],
        );

        let kept = next(&before, chosen, Timestamp::from_millis(9));

        assert_eq!(since(&kept), [Some(5), Some(9), Some(9), None]);
        assert_eq!(kept.version, 5);
    }

    #[test]
    fn a_rule_that_waits_for_something_else_begins_anew() {
        let before = with(1, &[rule("on", true, Some(5))]);
        let trigger = Trigger::OpportunityStage { stage: "LOST".to_owned() };

        let kept = next(
            &before,
            with(1, &[Automation { trigger, ..rule("on", true, None) }]),
            Timestamp::from_millis(9),
        );

        assert_eq!(since(&kept), [Some(9)]);
    }

    #[test]
    fn a_rule_whose_contracts_would_be_refused_is_refused() {
        let late = Automation { expires_in_days: Some(91), ..rule("late", true, None) };
        let twice = FixedSigner {
            role: "Client".to_owned(),
            name: "Seller".to_owned(),
            email: "seller@example.com".to_owned(),
            order: 2,
        };
        let twice = Automation { others: vec![twice], ..rule("twice", true, None) };

        assert!(check_rules(&with(0, &[rule("fine", true, None)])).is_ok());
        assert!(check_rules(&with(0, &[late])).unwrap_err().contains("late cannot work"));
        assert!(check_rules(&with(0, &[twice])).is_err());
    }
}
