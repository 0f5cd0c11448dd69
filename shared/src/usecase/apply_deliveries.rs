//! Works off deliveries. Several of one workspace become one batch: their events are hints, the records they
//! name are read again, once each, and brought up to date together.

use std::collections::BTreeSet;
use std::time::Duration;

use tracing::{info, warn};

use crate::app::App;
use crate::domain::budget::Urgency;
use crate::domain::delivery::{Begin, Delivery, Effect, Progress};
use crate::domain::event::{Event, Subject};
use crate::domain::fact::Parent;
use crate::domain::id::{DeliveryId, WorkspaceId};
use crate::domain::source::{Record, RecordRef, Stream};
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::usecase::access::Access;
use crate::usecase::ask_for_scores::{ask_for_scores, wanted_by_events};
use crate::usecase::contracts::rules::{ask_for_contracts, began_by_events};
use crate::usecase::read_whop::read;
use crate::usecase::schema::schema_is_ready;
use crate::usecase::sync_records::{Reading, Task, sync_records};
use crate::whop::event::event;

/// How long a worker that died is waited for; longer than the function may run.
const LEASE: Duration = Duration::from_secs(90);

/// Deliveries of one workspace whose work has begun.
struct Work<'a> {
    delivery: &'a Delivery,
    event: Event,
}

/// Applies deliveries of one workspace; one answer each.
pub async fn apply_deliveries(app: &App, deliveries: &[Delivery], deadline: Timestamp) -> Vec<Result<()>> {
    match apply_together(app, deliveries, deadline).await {
        Ok(answers) => answers,
        // One of them is at fault: apart, only that one pays.
        Err(error) if deliveries.len() > 1 && is_final(&error) => {
            let mut answers = Vec::with_capacity(deliveries.len());
            for delivery in deliveries {
                answers.push(apply_alone(app, delivery, deadline).await);
            }
            answers
        }
        Err(error) => answers_for(app, deliveries, error).await,
    }
}

fn is_final(error: &Error) -> bool {
    matches!(error.kind(), Kind::Bug | Kind::Rejected | Kind::Invalid | Kind::NotFound)
}

async fn apply_alone(app: &App, delivery: &Delivery, deadline: Timestamp) -> Result<()> {
    let alone = std::slice::from_ref(delivery);
    let answers = match apply_together(app, alone, deadline).await {
        Ok(answers) => answers,
        Err(error) => answers_for(app, alone, error).await,
    };
    answers.into_iter().next().unwrap_or(Ok(()))
}

/// The same failure for each, noted with the delivery.
async fn answers_for(app: &App, deliveries: &[Delivery], error: Error) -> Vec<Result<()>> {
    let mut answers = Vec::with_capacity(deliveries.len());
    for delivery in deliveries {
        let noted = if is_final(&error) {
            fail(app, delivery, error.advice()).await
        } else {
            give_back(app, delivery, error.advice()).await
        };
        if let Err(failed) = noted {
            answers.push(Err(failed));
            continue;
        }
        let again = Error::new(error.kind()).saying(error.advice().to_owned());
        answers.push(Err(again.because(error.chain())));
    }
    answers
}

async fn apply_together(app: &App, deliveries: &[Delivery], deadline: Timestamp) -> Result<Vec<Result<()>>> {
    let mut answers: Vec<Result<()>> = Vec::with_capacity(deliveries.len());
    let mut work = Vec::new();
    for delivery in deliveries {
        answers.push(match begin(app, delivery).await? {
            Some(begun) => begun.map(|event| work.push(Work { delivery, event })),
            None => Ok(()),
        });
    }
    let Some(workspace) = work.first().map(|it| it.delivery.endpoint.workspace()) else {
        return Ok(answers);
    };
    apply_events(app, workspace, &work, deadline).await?;
    Ok(answers)
}

/// Begins a delivery: its event, or that it cannot be read, or nothing if there is nothing to do.
async fn begin(app: &App, delivery: &Delivery) -> Result<Option<Result<Event>>> {
    match app.store().begin(delivery, app.clock().now(), LEASE).await? {
        Begin::Done => return Ok(None),
        Begin::Running { until } => {
            let retry_after = until.since(app.clock().now()).max(Duration::from_secs(1));
            return Ok(Some(Err(Error::new(Kind::Throttled { retry_after }))));
        }
        Begin::Started => {}
    }
    match event(&delivery.body) {
        Ok(event) => Ok(Some(Ok(event))),
        Err(bad) => {
            fail(app, delivery, bad.advice()).await?;
            Ok(Some(Err(Error::invalid(bad.advice()).because(bad))))
        }
    }
}

async fn fail(app: &App, delivery: &Delivery, reason: &str) -> Result<()> {
    let progress = Progress::Failed { at: app.clock().now(), reason: reason.to_owned() };
    finish(app, delivery, &progress, None).await
}

async fn give_back(app: &App, delivery: &Delivery, reason: &str) -> Result<()> {
    let progress = Progress::Waiting { at: app.clock().now(), reason: reason.to_owned() };
    finish(app, delivery, &progress, None).await
}

async fn finish(app: &App, delivery: &Delivery, progress: &Progress, event: Option<&str>) -> Result<()> {
    app.store().finish_delivery(delivery, progress, event).await?;
    Ok(())
}

async fn apply_events(
    app: &App,
    workspace: WorkspaceId,
    work: &[Work<'_>],
    deadline: Timestamp,
) -> Result<()> {
    let Some(access) = Access::open(app, workspace, Urgency::Live, deadline).await? else {
        warn!(event = "delivery.orphaned", workspace.id = %workspace, "deliveries of a connection that is gone");
        return finish_all(app, work, |_| Effect::OtherAccount).await;
    };
    let ours = |event: &Event| event.account.as_ref().is_none_or(|it| *it == access.connection.account);
    let names = names(work, &ours);
    if !names.is_empty() {
        schema_is_ready(&access).await?;
        let since = work.iter().map(|it| it.delivery.received_at).max().unwrap_or_default();
        let readings = read_again(&access, names, since).await?;
        access.expect_calls(calls(&readings)).await;
        let wanted = wanted_by_events(&access, events_of(work).filter(|it| ours(it)), &readings);
        let told = work.iter().filter(|it| ours(&it.event)).map(|it| (&it.event, it.delivery.received_at));
        let began = began_by_events(&access, told, &readings);
        let task = Task { access: &access, force: false, with_parents: true, page: None };
        let synced = sync_records(&task, readings).await;
        access.settle().await?;
        synced?;
        ask_for_scores(&access, wanted).await?;
        ask_for_contracts(&access, began).await?;
    }
    finish_all(app, work, |event| match &event.subject {
        _ if !ours(event) => Effect::OtherAccount,
        Subject::Records(_) => Effect::Applied,
        Subject::NotMirrored => Effect::NotMirrored,
        Subject::Unknown => Effect::Unknown,
    })
    .await
}

fn events_of<'w>(work: &'w [Work<'_>]) -> impl Iterator<Item = &'w Event> {
    work.iter().map(|it| &it.event)
}

/// Calls to Twenty that records take if all of them say something new: for each kind one to look up and one to
/// write.
fn calls(readings: &[Reading]) -> u32 {
    let streams = readings.iter().map(|it| it.record.name().stream());
    let kinds: BTreeSet<Stream> = streams.filter(|stream| stream.is_mirrored()).collect();
    2 * u32::try_from(kinds.len()).unwrap_or(0)
}

/// Every record the events name, once, in the order of their streams: parents before children.
fn names(work: &[Work<'_>], ours: &impl Fn(&Event) -> bool) -> Vec<RecordRef> {
    let mut names: Vec<RecordRef> = Vec::new();
    for it in work.iter().filter(|it| ours(&it.event)) {
        if let Subject::Records(records) = &it.event.subject {
            names.extend(records.iter().cloned());
        }
    }
    names.sort();
    names.dedup();
    names
}

/// Reads records as they are now. One that was read and written after the last of the events arrived says it
/// all already.
async fn read_again(access: &Access<'_>, names: Vec<RecordRef>, since: Timestamp) -> Result<Vec<Reading>> {
    let links = access.links(&names).await?;
    let mut readings = Vec::with_capacity(names.len());
    for name in &names {
        if links.get(name).is_some_and(|link| link.revision.read_at > since) {
            continue;
        }
        let Some(reading) = read(access, name).await? else { continue };
        if let Record::Gone(_) = &reading.record {
            forget_variant(access, name, &names).await?;
        }
        readings.push(reading);
    }
    Ok(readings)
}

/// A variant that is gone no longer belongs in its product's price list.
async fn forget_variant(access: &Access<'_>, name: &RecordRef, beside: &[RecordRef]) -> Result<()> {
    let RecordRef::Variants(_) = name else {
        return Ok(());
    };
    for product in beside {
        if let RecordRef::Products(product) = product {
            let parent = Parent::Product(product.clone());
            access.app.store().delete_fact(access.workspace.id, &parent, name).await?;
        }
    }
    Ok(())
}

async fn finish_all(app: &App, work: &[Work<'_>], effect: impl Fn(&Event) -> Effect) -> Result<()> {
    for Work { delivery, event } in work {
        let (what, id): (Effect, &DeliveryId) = (effect(event), &delivery.id);
        let progress = Progress::Done { at: app.clock().now(), what };
        finish(app, delivery, &progress, Some(&event.name)).await?;
        info!(event = "delivery.done", delivery.id = %id, effect = ?what, kind = event.name, "a delivery is done");
    }
    Ok(())
}
