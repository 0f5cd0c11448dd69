//! The only path that writes Whop's records to Twenty, whatever brought them: a page, a delivery, a person.
//!
//! A record that says nothing new costs no call. What is new is looked up first, so that nobody's record is
//! taken over, and written in batches of sixty. One bad record never takes the others along.

mod draft;
mod meet;
mod news;
mod write;

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use tracing::warn;

use self::news::{HasFailed, News, Placed, place};
pub(crate) use self::write::write_fields;

use self::write::write_batch;
use crate::domain::fact::Fact;
use crate::domain::link::PageOf;
use crate::domain::run::{Outcome, Receipt};
use crate::domain::source::{Record, RecordRef, Stream};
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::store::Kept;
use crate::usecase::access::Access;
use crate::usecase::contracts::rules::{ask_for_contracts, began_by_readings};

/// Most records in one call to Twenty: its documented limit, and about a second and a half of its time.
pub(crate) const BATCH: usize = 60;

/// A record and when it was read.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) record: Record,
    pub(crate) read_at: Timestamp,
}

/// How records are to be brought up to date.
pub(crate) struct Task<'a> {
    pub(crate) access: &'a Access<'a>,
    /// Write even what seems unchanged or failed the same way before.
    pub(crate) force: bool,
    /// Read a record's parents at Whop if we do not have them.
    pub(crate) with_parents: bool,
    /// The page of a run that this is.
    pub(crate) page: Option<PageOf>,
}

/// Brings records up to date and counts what became of each. If it fails half-way, what was written is known
/// to be written, and doing it again finishes the rest.
///
/// The work is on the heap: it is large, and calls itself for parents.
pub(crate) fn sync_records<'a>(task: &'a Task<'a>, readings: Vec<Reading>) -> BoxFuture<'a, Result<Receipt>> {
    Box::pin(bring_up_to_date(task, readings))
}

async fn bring_up_to_date(task: &Task<'_>, readings: Vec<Reading>) -> Result<Receipt> {
    let mut receipt = Receipt::default();
    let began = began_by_readings(task.access, &readings);
    let mut streams: BTreeMap<Stream, Vec<Reading>> = BTreeMap::new();
    for reading in readings {
        streams.entry(reading.record.name().stream()).or_default().push(reading);
    }
    // Asked once for all streams: what fails on the way is none of the records that are still to come.
    let has_failed = HasFailed::default();
    for (stream, readings) in streams {
        match stream {
            Stream::Variants | Stream::Refunds | Stream::Disputes => {
                keep_facts(task, &readings, &mut receipt).await?;
            }
            Stream::Products | Stream::Members | Stream::Memberships | Stream::Payments => {
                let placed = place(task, latest(readings, &mut receipt), &has_failed).await?;
                write_placed(task, stream, placed, &mut receipt).await?;
            }
        }
    }
    ask_for_contracts(task.access, began).await?;
    Ok(receipt)
}

/// Keeps what has no record of its own in Twenty.
async fn keep_facts(task: &Task<'_>, readings: &[Reading], receipt: &mut Receipt) -> Result<()> {
    let (store, workspace) = (task.access.app.store(), task.access.workspace.id);
    for reading in readings {
        let Some(fact) = Fact::of_record(&reading.record) else {
            continue;
        };
        let outcome = match store.put_fact(workspace, &fact, reading.read_at).await? {
            Kept::New | Kept::Changed => Outcome::Written { linked: false },
            Kept::Same => Outcome::Unchanged,
        };
        receipt.count(reading.record.name().stream(), &outcome);
    }
    Ok(())
}

/// Of several readings of one record only the latest counts; the others were seen and say nothing.
fn latest(readings: Vec<Reading>, receipt: &mut Receipt) -> Vec<Reading> {
    let mut by_name: BTreeMap<RecordRef, Reading> = BTreeMap::new();
    for reading in readings {
        let name = reading.record.name();
        match by_name.get(&name) {
            Some(known) if known.read_at > reading.read_at => {}
            _ => {
                if by_name.insert(name.clone(), reading).is_none() {
                    continue;
                }
            }
        }
        receipt.count(name.stream(), &Outcome::Unchanged);
    }
    by_name.into_values().collect()
}

async fn write_placed(
    task: &Task<'_>,
    stream: Stream,
    Placed { news, outcomes }: Placed,
    receipt: &mut Receipt,
) -> Result<()> {
    for outcome in &outcomes {
        receipt.count(stream, outcome);
    }
    let mut rest = news;
    while !rest.is_empty() {
        let later = rest.split_off(rest.len().min(BATCH));
        let batch: Vec<News> = std::mem::replace(&mut rest, later);
        let outcomes = write_batch(task, &batch).await?;
        for (news, outcome) in batch.iter().zip(&outcomes) {
            receipt.count(stream, outcome);
            if let Outcome::Failed(why) = outcome {
                warn!(event = "record.failed", record = %news.name, reason = ?why, "{} was kept aside", news.name);
            }
        }
    }
    Ok(())
}
