//! Does what a rule of the workspace's says: sends its template to the person of a membership or an opportunity, once.
//!
//! It asks the settings themselves, and the CRM for what the sync wrote there: one call. Whatever it does not send
//! leaves its reason in the log and in the workspace's audit log.

use std::time::Duration;

use tracing::info;

use crate::app::App;
use crate::domain::budget::Urgency;
use crate::domain::caller::{Caller, Means};
use crate::domain::contract::request::limits;
use crate::domain::contract::rule::{Deal, Occasion, Party, Skip, cut};
use crate::domain::contract::settings::{Automation, ContractSettings, Trigger};
use crate::domain::contract::{Cause, ContractRequest, ProviderName};
use crate::domain::id::{CrmId, MembershipId, ProductId, WorkspaceId};
use crate::domain::insight::answer::{Answer, EmailDraft};
use crate::domain::insight::operation::Operation;
use crate::domain::insight::request::{Input, InsightRequest, Subject, Wish};
use crate::domain::source::RecordRef;
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::usecase::access::{Access, Refused};
use crate::usecase::audit::audit;
use crate::usecase::run_insight;
use crate::usecase::schema::forget_schema;

use super::send::record;

/// Time that a draft leaves for what comes after it.
const KEPT_FOR_SENDING: Duration = Duration::from_secs(5);

/// A rule, and what it is to be followed for.
struct Following<'a> {
    access: &'a Access<'a>,
    settings: &'a ContractSettings,
    rule: &'a Automation,
    occasion: &'a Occasion,
    deal: &'a Deal,
}

/// A membership seems to have become active: follows the rules that wait for it. The product is given where it is known.
pub async fn on_membership(
    app: &App,
    workspace: WorkspaceId,
    membership: &MembershipId,
    product: Option<&ProductId>,
    deadline: Timestamp,
) -> Result<()> {
    let settings = app.store().find_contract_settings(workspace).await?.unwrap_or_default();
    let occasion = Occasion::Membership(membership.clone());
    let mut rules = Vec::new();
    for rule in settings.automations.iter().filter(|rule| may_wait(rule, product)) {
        if !is_done(app, workspace, rule, &occasion).await? {
            rules.push(rule);
        }
    }
    if rules.is_empty() {
        return Ok(());
    }
    let Some(access) = Access::open(app, workspace, Urgency::Sweep, deadline).await? else {
        return Ok(());
    };
    let Some(link) = app.store().find_link(workspace, &RecordRef::Memberships(membership.clone())).await?
    else {
        // It is aside with its own reason, or somebody is asked whose person it is. Its next reading asks again.
        info!(event = "contract.rule_waits", membership.id = %membership, "a membership is not in the CRM");
        return Ok(());
    };
    let Some(deal) = deal(&access, link.crm).await? else {
        return gone(app, workspace, &rules, &occasion, product).await;
    };
    for rule in rules.into_iter().filter(|rule| rule.waits_for(&deal)) {
        let (access, settings) = (&access, &settings);
        follow(&Following { access, settings, rule, occasion: &occasion, deal: &deal }).await?;
    }
    Ok(())
}

/// An opportunity reached the stage that a rule waits for: follows it.
pub async fn on_stage(
    app: &App,
    workspace: WorkspaceId,
    rule: &str,
    opportunity: CrmId,
    deadline: Timestamp,
) -> Result<()> {
    let settings = app.store().find_contract_settings(workspace).await?.unwrap_or_default();
    let occasion = Occasion::Opportunity(opportunity);
    let for_stages = |it: &&Automation| {
        it.runs_since().is_some() && matches!(it.trigger, Trigger::OpportunityStage { .. })
    };
    let Some(rule) = settings.automations.iter().filter(for_stages).find(|it| it.name == rule) else {
        return Ok(());
    };
    if is_done(app, workspace, rule, &occasion).await? {
        return Ok(());
    }
    let Some(access) = Access::open(app, workspace, Urgency::Sweep, deadline).await? else {
        return Ok(());
    };
    let Some(deal) = deal(&access, opportunity).await? else {
        return skipped(app, workspace, (&rule.name, &occasion.to_string()), &Skip::Deleted).await;
    };
    let (access, settings) = (&access, &settings);
    follow(&Following { access, settings, rule, occasion: &occasion, deal: &deal }).await
}

fn may_wait(rule: &Automation, product: Option<&ProductId>) -> bool {
    let Trigger::MembershipActive { product: of } = &rule.trigger else { return false };
    rule.runs_since().is_some() && product.is_none_or(|product| product == of)
}

/// True if the rule made its contract of this before.
async fn is_done(app: &App, workspace: WorkspaceId, rule: &Automation, occasion: &Occasion) -> Result<bool> {
    Ok(app.store().find_named_contract(workspace, &rule.name_for(occasion)).await?.is_some())
}

async fn gone(
    app: &App,
    workspace: WorkspaceId,
    rules: &[&Automation],
    occasion: &Occasion,
    product: Option<&ProductId>,
) -> Result<()> {
    // Without a product nobody can say which of the rules it concerned.
    for rule in rules.iter().filter(|_| product.is_some()) {
        skipped(app, workspace, (&rule.name, &occasion.to_string()), &Skip::Deleted).await?;
    }
    Ok(())
}

async fn deal(access: &Access<'_>, id: CrmId) -> Result<Option<Deal>> {
    loop {
        let (twenty, at) = access.twenty().await?;
        let error = match twenty.deal(at, id).await {
            Ok(deal) => return Ok(deal),
            Err(error) => error,
        };
        match access.refused(error).await? {
            Refused::Again => {}
            Refused::Batch(reason) => return Err(Error::bug(reason)),
            Refused::Drifted => {
                forget_schema(access).await?;
                let advice = "Our fields in Twenty changed. They are being mended.";
                return Err(Error::new(Kind::Unavailable).saying(advice));
            }
        }
    }
}

/// Sends, or leaves a trace of why not.
async fn follow(it: &Following<'_>) -> Result<()> {
    let (app, workspace, rule) = (it.access.app, it.access.workspace.id, it.rule);
    let subject = it.occasion.to_string();
    let (request, provider) = match prepared(it).await? {
        Ok(prepared) => prepared,
        Err(skip) => return skipped(app, workspace, (&rule.name, &subject), &skip).await,
    };
    let request = with_message(it, request, provider).await;
    let caller = Caller { workspace, by: Means::Automation };
    let cause = Cause::Automation { automation: rule.name.clone(), subject };
    let name = rule.name_for(it.occasion);
    let contract = record(app, &caller, request, (provider, cause), Some(&name)).await?;
    audit(app, workspace, &caller.name(), "contract.requested", contract.id.as_str()).await
}

/// What is asked for, checked, with the rule's own message.
async fn prepared(it: &Following<'_>) -> Result<std::result::Result<(ContractRequest, ProviderName), Skip>> {
    let (request, provider) = match asked(it) {
        Ok(asked) => asked,
        Err(skip) => return Ok(Err(skip)),
    };
    let workspace = it.access.workspace.id;
    let enrolled = it.access.app.store().find_enrolled(workspace, provider).await?;
    Ok(if enrolled.is_some() { Ok((request, provider)) } else { Err(Skip::NoAccount(provider)) })
}

fn asked(it: &Following<'_>) -> std::result::Result<(ContractRequest, ProviderName), Skip> {
    if let Some(skip) = Skip::of(it.rule, it.deal) {
        return Err(skip);
    }
    let provider = it.rule.provider.or(it.settings.provider).ok_or(Skip::NoProvider)?;
    let party = it.deal.person.as_ref().ok_or(Skip::NoPerson)?;
    let request = it.rule.request(it.deal, party, provider)?;
    request.check(provider).map_err(|invalid| Skip::Invalid(invalid.to_string()))?;
    Ok((request, provider))
}

/// The same with a drafted message, where the rule wants one and there is one that can be sent.
async fn with_message(
    it: &Following<'_>,
    request: ContractRequest,
    provider: ProviderName,
) -> ContractRequest {
    let Some(party) = it.deal.person.as_ref().filter(|_| it.rule.ai_message) else {
        return request;
    };
    let drafted = match draft(it, party).await {
        Ok(draft) => usable(&draft).and_then(|draft| cut(&draft.body, limits(provider).message)),
        Err(error) => {
            let kind = error.kind();
            info!(event = "contract.not_drafted", error.kind = kind.as_str(), "{}", error.chain());
            None
        }
    };
    let worded = ContractRequest { message: drafted, ..request.clone() };
    if worded.message.is_some() && worded.check(provider).is_ok() {
        return worded;
    }
    info!(
        event = "contract.own_message",
        rule = it.rule.name,
        "the rule's own message goes with its contract"
    );
    request
}

/// A draft that may go to somebody unread: whole, and not by order of the material.
fn usable(answer: &Answer) -> Option<&EmailDraft> {
    let Answer::Email(draft) = answer else { return None };
    (!draft.injection_suspected && draft.placeholders.is_empty()).then_some(draft)
}

async fn draft(it: &Following<'_>, party: &Party) -> Result<Answer> {
    let caller = Caller { workspace: it.access.workspace.id, by: Means::Automation };
    let about = Some(Subject::Person(party.id));
    let request = InsightRequest {
        operation: Operation::DraftEmail,
        input: Input { wanted: Some(it.rule.wanted()), about, ..Input::default() },
        wish: Wish::default(),
        // A second attempt after a crash sends what the first one paid for.
        idempotency_key: Some(it.rule.name_for(it.occasion)),
    };
    let until = it.access.deadline - KEPT_FOR_SENDING;
    // Boxed: the whole policy of asking is in this future.
    Ok(Box::pin(run_insight::run(it.access.app, &caller, request, until)).await?.answer)
}

/// Leaves a trace of what a rule did not send: in the log each time, in the audit log once for each reason.
pub(super) async fn skipped(
    app: &App,
    workspace: WorkspaceId,
    (rule, occasion): (&str, &str),
    skip: &Skip,
) -> Result<()> {
    let reason = skip.to_string();
    info!(event = "contract.rule_skipped", workspace.id = %workspace, rule, subject = occasion, "{reason}");
    if app.store().find_skipped(workspace, (rule, occasion)).await?.as_ref() == Some(&reason) {
        return Ok(());
    }
    let about = format!("{rule} for {occasion}: {reason}");
    audit(app, workspace, "automation", "contract.rule_skipped", &about).await?;
    Ok(app.store().put_skipped(workspace, (rule, occasion), &reason).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> EmailDraft {
        EmailDraft {
            subject: "Sign".to_owned(),
            body: "Please sign.".to_owned(),
            placeholders: Vec::new(),
            injection_suspected: false,
        }
    }

    #[test]
    fn only_a_whole_draft_that_nobody_gave_orders_to_goes_out_unread() {
        assert!(usable(&Answer::Email(draft())).is_some());
        assert!(usable(&Answer::Refused).is_none());
        assert!(usable(&Answer::Email(EmailDraft { injection_suspected: true, ..draft() })).is_none());
        let gap = EmailDraft { placeholders: vec!["phone".to_owned()], ..draft() };
        assert!(usable(&Answer::Email(gap)).is_none());
    }
}
