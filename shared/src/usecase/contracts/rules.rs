//! Asks for the rules of workspaces to be followed: after the sync has brought memberships up to date, and on schedule
//! for stages, which anybody may change in the CRM.
//!
//! The sync reads nothing for it: what the rules wait for comes with the workspace that it opened. Everything else is
//! decided by who does the job, so that a job too many, too late or lost sends nothing twice and nothing wrong; the next
//! sweep finds what a lost one was about.

use tracing::info;

use crate::app::App;
use crate::domain::contract::rule::Awaited;
use crate::domain::contract::settings::{ContractSettings, Trigger};
use crate::domain::event::{Event, Subject};
use crate::domain::id::{MembershipId, ProductId, WorkspaceId};
use crate::domain::source::{Record, RecordRef};
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::job::ContractJob;
use crate::usecase::access::Access;
use crate::usecase::sync_records::Reading;

/// A membership that may have become active, and what tells this news of it from others.
pub(crate) struct Began {
    membership: MembershipId,
    product: Option<ProductId>,
    at: Timestamp,
}

/// Tells the sync what these choices wait for, and looks at once who is in the stages that they wait for: whoever comes
/// later has reached them.
///
/// To be called after the choices are kept. A crash in between is mended by the schedule.
pub async fn copy(app: &App, workspace: WorkspaceId, settings: &ContractSettings) -> Result<()> {
    app.store().copy_contract_rules(workspace, &Awaited::copied(settings)).await?;
    look_at_stages(app, workspace, settings).await
}

/// Queues a look at the stages that rules wait for, in every workspace, and mends the copies of what they wait for. One
/// call to Twenty for every rule, and one more for every further two hundred opportunities of its stage that changed
/// since the last look.
pub async fn watch_stages(app: &App) -> Result<()> {
    let mut next = None;
    loop {
        let (workspaces, more) = app.store().list_connected(next, 100).await?;
        for workspace in workspaces {
            let Some(settings) = app.store().find_contract_settings(workspace).await? else {
                continue;
            };
            if app.store().copy_contract_rules(workspace, &Awaited::copied(&settings)).await? {
                info!(event = "contract.rules_mended", workspace.id = %workspace, "rules had not reached the sync");
            }
            look_at_stages(app, workspace, &settings).await?;
        }
        if more.is_none() {
            return Ok(());
        }
        next = more;
    }
}

/// A look that was queued within the same minute under the same choices is that look.
async fn look_at_stages(app: &App, workspace: WorkspaceId, settings: &ContractSettings) -> Result<()> {
    let look = app.clock().now();
    let mut jobs = Vec::new();
    for rule in settings.automations.iter().filter(|rule| rule.runs_since().is_some()) {
        if let Trigger::OpportunityStage { .. } = rule.trigger {
            let name = &rule.name;
            let dedup = format!("look-{workspace}-{name}-{}-{}", settings.version, look.seconds() / 60);
            let job = ContractJob::WatchStages { workspace, rule: name.clone(), look, after: None };
            jobs.push((job, dedup));
        }
    }
    Ok(app.queue().send_many(&jobs).await?)
}

/// Whom the rules may be about among what was read.
///
/// What was read decides, not what was written: the second attempt after a crash finds nothing new to write.
pub(crate) fn began_by_readings(access: &Access<'_>, readings: &[Reading]) -> Vec<Began> {
    let awaited = &access.workspace.contract_rules;
    let began = readings.iter().filter_map(|reading| {
        let Record::Memberships(it) = &reading.record else { return None };
        let (membership, product) = (it.id.clone(), Some(it.product.clone()));
        awaited.may_want(it).then_some(Began { membership, product, at: it.updated_at })
    });
    began.collect()
}

/// Whom these events call active, as far as they were not read with them: an earlier attempt may have read and written
/// them, and died before it asked.
pub(crate) fn began_by_events<'e>(
    access: &Access<'_>,
    events: impl Iterator<Item = (&'e Event, Timestamp)>,
    readings: &[Reading],
) -> Vec<Began> {
    let mut began = Vec::new();
    if access.workspace.contract_rules.products.is_empty() {
        return began;
    }
    for (event, at) in events {
        let (true, Subject::Records(records)) = (says_active(event), &event.subject) else {
            continue;
        };
        let unread = records.iter().filter(|name| !readings.iter().any(|it| it.record.name() == **name));
        began.extend(unread.filter_map(|name| {
            let RecordRef::Memberships(membership) = name else { return None };
            Some(Began { membership: membership.clone(), product: None, at })
        }));
    }
    began
}

/// The second is what old endpoints say.
fn says_active(event: &Event) -> bool {
    matches!(event.name.as_str(), "membership.activated" | "membership.went_valid")
}

/// Queues the jobs. The same news is queued once within minutes.
pub(crate) async fn ask_for_contracts(access: &Access<'_>, began: Vec<Began>) -> Result<()> {
    let workspace = access.workspace.id;
    let jobs = began.into_iter().map(|Began { membership, product, at }| {
        let dedup = format!("began-{workspace}-{membership}-{}", at.millis());
        (ContractJob::MembershipActive { workspace, membership, product }, dedup)
    });
    Ok(access.app.queue().send_many(&jobs.collect::<Vec<_>>()).await?)
}
