//! Does one page of a run and queues the next.
//!
//! Checkpoint first, then send. If the process dies between the two, the same message comes back, finds its
//! page done and sends the next one again; a page that comes twice finds itself done.

use tracing::{Instrument, error, info, info_span, warn};

use crate::app::App;
use crate::domain::budget::Urgency;
use crate::domain::fact::{Fact, Parent};
use crate::domain::failed::FailedRecord;
use crate::domain::id::{MemberId, PaymentId, RunId, WorkspaceId};
use crate::domain::insight::automation::Cause;
use crate::domain::link::PageOf;
use crate::domain::run::{Failure, Filter, Outcome, Query, Receipt, Run, RunState, Stage, Turn};
use crate::domain::source::{Cursor, Record, RecordRef, Stream, Unreadable};
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::job::SyncJob;
use crate::store::Open;
use crate::usecase::access::Access;
use crate::usecase::ask_for_scores::{Causes, Wanted, ask_for_scores, wanted_by_sweep};
use crate::usecase::read_whop::{read_all, read_memberships};
use crate::usecase::schema::ensure_schema;
use crate::usecase::sync_records::{Reading, Task, sync_records};

/// Whop's pages hold a hundred records and Twenty's batches sixty: three of the one fill five of the other.
const SOURCE_PAGES: usize = 3;

/// What one page came to.
struct PageDone {
    receipt: Receipt,
    next: Option<Cursor>,
    more: bool,
    expected: Option<u64>,
}

/// Does page number `page` of a run.
pub async fn sync_page(
    app: &App,
    workspace: WorkspaceId,
    run: &RunId,
    page: u64,
    deadline: Timestamp,
) -> Result<()> {
    let span = info_span!("page", workspace.id = %workspace, run.id = %run, run.page = page);
    work(app, workspace, run, page, deadline).instrument(span).await
}

async fn work(app: &App, workspace: WorkspaceId, id: &RunId, page: u64, deadline: Timestamp) -> Result<()> {
    let Some(run) = app.store().find_run(workspace, id).await? else {
        return Ok(());
    };
    match run.turn(page) {
        Turn::Past => queue_page(app, &run).await,
        Turn::Stopped => finish_up(app, &run).await,
        Turn::Now(stage) => match do_stage(app, &run, stage, deadline).await {
            Ok(done) => move_on(app, &run, done).await,
            Err(error) => give_up(app, &run, error).await,
        },
    }
}

/// Queues the page a run stands at. Its name is that of the page, so that a repeat within minutes is one.
pub(crate) async fn queue_page(app: &App, run: &Run) -> Result<()> {
    let job = SyncJob::SyncPage { workspace: run.workspace, run: run.id.clone(), page: run.page };
    Ok(app.queue().send(&job, &format!("{}-{}-{}", run.id, run.page, run.moved_at.millis())).await?)
}

async fn do_stage(app: &App, run: &Run, stage: &Stage, deadline: Timestamp) -> Result<PageDone> {
    let access = Access::open(app, run.workspace, Urgency::Sweep, deadline).await?;
    let access = access.ok_or_else(|| Error::new(Kind::Disconnected))?;
    let mut done = match stage {
        Stage::Schema => {
            let complete = ensure_schema(&access).await?;
            PageDone { receipt: Receipt::default(), next: None, more: !complete, expected: None }
        }
        Stage::List(query) => list(&access, run, query).await?,
    };
    (done.receipt.whop_calls, done.receipt.twenty_calls) = access.calls();
    Ok(done)
}

async fn list(access: &Access<'_>, run: &Run, query: &Query) -> Result<PageDone> {
    let (mut readings, mut receipt) = (Vec::new(), Receipt::default());
    let mut next = run.cursor.clone();
    for _ in 0..SOURCE_PAGES {
        let (whop, by) = access.whop();
        let page = match whop.list(by, query, next.as_ref()).await {
            Ok(page) => page,
            Err(error) => return Err(access.whop_refused(error).await),
        };
        let read_at = access.app.clock().now();
        keep_unreadable(access, run, query.stream, &page.unreadable, &mut receipt).await?;
        readings.extend(page.records.into_iter().map(|record| Reading { record, read_at }));
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    let expected = expected(run, query, &readings);
    let acted = acted_members(query, &readings);
    let payments = payments_to_tell(query, &readings);
    let causes = (query.filter != Filter::All).then(|| Causes::among(access, &readings));
    let page = PageOf { run: run.id.clone(), page: run.page };
    let task = Task { access, force: false, with_parents: false, page: Some(page.clone()) };
    receipt.add(&sync_records(&task, readings).await?);
    let mut wanted = Wanted::new();
    for member in acted {
        let came = memberships_of(&task, &member).await?;
        receipt.add(&came);
        if came.written() > 0 {
            wanted.extend(wanted_by_sweep(access, member, Cause::MembershipChange));
        }
    }
    // A full run writes whatever it finds for the first time; what it changes, the night scores.
    if let Some(causes) = causes {
        wanted.extend(causes.wanted(access, &page).await?);
    }
    ask_for_scores(access, wanted).await?;
    receipt.add(&tell_payments(&task, payments).await?);
    Ok(PageDone { receipt, more: next.is_some(), next, expected })
}

/// The products say how many memberships are active: the best guess at the size of the whole that Whop offers.
/// A membership brings a member and, in the long run, a payment or two along.
fn expected(run: &Run, query: &Query, readings: &[Reading]) -> Option<u64> {
    if query.stream != Stream::Products || query.filter != Filter::All {
        return None;
    }
    let active = readings.iter().map(|reading| {
        let Record::Products(product) = &reading.record else { return 0 };
        u64::try_from(product.active_members).unwrap_or(0)
    });
    let guess = active.sum::<u64>() * 4 + readings.len() as u64;
    Some(run.expected.unwrap_or(0) + guess)
}

/// Members of whom something happened: their memberships may have changed too, and Whop cannot list those.
fn acted_members(query: &Query, readings: &[Reading]) -> Vec<MemberId> {
    if !matches!(query.filter, Filter::ActedAfter { .. }) {
        return Vec::new();
    }
    let members = readings.iter().filter_map(|reading| {
        let Record::Members(member) = &reading.record else { return None };
        Some(member.id.clone())
    });
    members.collect()
}

async fn memberships_of(task: &Task<'_>, member: &MemberId) -> Result<Receipt> {
    let readings = read_memberships(task.access, member).await?;
    sync_records(task, readings).await
}

/// Payments whose refunds or disputes a sweep just read; a full run reads every payment later anyway.
fn payments_to_tell(query: &Query, readings: &[Reading]) -> Vec<PaymentId> {
    if query.filter == Filter::All {
        return Vec::new();
    }
    let parents = readings.iter().filter_map(|reading| Fact::of_record(&reading.record)?.parent());
    let mut payments: Vec<PaymentId> = parents
        .filter_map(|parent| match parent {
            Parent::Payment(payment) => Some(payment),
            Parent::Product(_) => None,
        })
        .collect();
    payments.sort();
    payments.dedup();
    payments
}

async fn tell_payments(task: &Task<'_>, payments: Vec<PaymentId>) -> Result<Receipt> {
    let readings = read_all(task.access, payments.into_iter().map(RecordRef::Payments)).await?;
    sync_records(task, readings).await
}

async fn keep_unreadable(
    access: &Access<'_>,
    run: &Run,
    stream: Stream,
    rows: &[Unreadable],
    receipt: &mut Receipt,
) -> Result<()> {
    for row in rows {
        warn!(event = "record.unreadable", run.id = %run.id, "a row of Whop's could not be read: {}", row.reason);
        receipt.count(stream, &Outcome::Failed(Failure::Unreadable));
        let Some(failed) = FailedRecord::unreadable(stream, row, access.app.clock().now()) else {
            continue;
        };
        access.app.store().record_failure(access.workspace.id, &failed).await?;
    }
    Ok(())
}

async fn move_on(app: &App, run: &Run, done: PageDone) -> Result<()> {
    let now = app.clock().now();
    let mut after = run.after_page(&done.receipt, done.next, done.more, now);
    after.expected = done.expected.or(run.expected);
    if !app.store().checkpoint(&after, run.page).await? {
        // Somebody else did this page, or paused the run; whatever the run says now is right.
        let Some(current) = app.store().find_run(run.workspace, &run.id).await? else {
            return Ok(());
        };
        return if current.state == RunState::Running { queue_page(app, &current).await } else { Ok(()) };
    }
    if after.state == RunState::Running {
        return queue_page(app, &after).await;
    }
    finish_up(app, &after).await
}

/// Frees the connection for the next run. Safe to repeat.
async fn finish_up(app: &App, run: &Run) -> Result<()> {
    let Some(ended_at) = run.state.ended_at() else {
        return Ok(());
    };
    let finished = matches!(run.state, RunState::Finished { .. });
    let watermark = finished.then_some(run.started_at);
    app.store().release_run(run.workspace, &run.id, watermark, Some(ended_at)).await?;
    if finished {
        let (seen, written, balances) = (run.receipt.seen(), run.receipt.written(), run.receipt.balances());
        info!(event = "run.finished", run.id = %run.id, seen, written, balances, "run {} finished", run.id);
    }
    Ok(())
}

/// What no later attempt can mend ends the run, with its reason; everything else is tried again.
async fn give_up(app: &App, run: &Run, failed: Error) -> Result<()> {
    if !matches!(
        failed.kind(),
        Kind::Disconnected | Kind::Rejected | Kind::Invalid | Kind::NotFound | Kind::Bug
    ) {
        return Err(failed);
    }
    error!(
        event = "run.failed",
        run.id = %run.id,
        error.kind = failed.kind().as_str(),
        error.chain = failed.chain(),
        "run {} cannot go on",
        run.id
    );
    let now = app.clock().now();
    let state = RunState::Failed { at: now, reason: failed.advice().to_owned() };
    match app.store().move_run((run.workspace, &run.id), &[Open::Running], &state, now).await? {
        Some(run) => finish_up(app, &run).await,
        None => Ok(()),
    }
}
