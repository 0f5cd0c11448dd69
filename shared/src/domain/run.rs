//! A run: one pass over Whop, page by page, and its receipt.
//!
//! The run's item is its checkpoint: where it stands is moved together with what it counted, only from the
//! page that was worked on, so that a page done twice is counted once.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::id::{RunId, WorkspaceId};
use super::source::{Cursor, Stream};
use super::time::Timestamp;

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// The first: makes the schema, then reads everything.
    Backfill,
    /// What may have changed since the last one.
    Incremental,
    /// Everything again; only differences are written.
    Full,
}

/// Who asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    Schedule,
    Person,
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RunState {
    Running,
    Paused {
        at: Timestamp,
    },
    Cancelled {
        at: Timestamp,
    },
    Finished {
        at: Timestamp,
    },
    /// It cannot go on, for this reason; what it did stays.
    Failed {
        at: Timestamp,
        reason: String,
    },
}

impl RunState {
    /// True if nothing more will happen.
    pub fn is_over(&self) -> bool {
        match self {
            Self::Running | Self::Paused { .. } => false,
            Self::Cancelled { .. } | Self::Finished { .. } | Self::Failed { .. } => true,
        }
    }

    /// When it ended, if it did.
    pub fn ended_at(&self) -> Option<Timestamp> {
        match self {
            Self::Running | Self::Paused { .. } => None,
            Self::Cancelled { at } | Self::Finished { at } | Self::Failed { at, .. } => Some(*at),
        }
    }
}

/// One part of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Stage {
    /// Bring the fields in Twenty up to date.
    Schema,
    /// Read one list of Whop's from end to end.
    List(Query),
}

/// A list of Whop's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    pub stream: Stream,
    pub filter: Filter,
}

/// Which of its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "filter", rename_all = "snake_case")]
pub enum Filter {
    /// Every one, oldest first, so that rows made meanwhile land at the end.
    All,
    /// Those made after this moment, oldest first.
    CreatedAfter { at: Timestamp },
    /// Members whose last action took effect after this moment, latest first, with their memberships; payments
    /// that were collected after it.
    ActedAfter { at: Timestamp },
    /// Those that changed since `at`, among those made after `made_after`; for a list that cannot be asked for
    /// changes, of records that do not change for ever.
    ChangedSince { at: Timestamp, made_after: Timestamp },
    /// Those of this status; a short list that changes most.
    Status { word: String },
}

/// Overlap of a sweep with the one before: Whop's lists lag behind its events (Whop API, recipes).
pub const OVERLAP: Duration = Duration::from_mins(10);

/// A refund is paid out or refused within this time of its making.
const REFUND_SETTLES: Duration = Duration::from_hours(14 * 24);
/// A dispute is answered, looked into and decided within this time of its making (Whop API, recipes).
const DISPUTE_SETTLES: Duration = Duration::from_hours(120 * 24);

/// The parts of a run of `kind`, in order: facts before what they colour, parents before children.
pub fn plan(kind: RunKind, watermark: Option<Timestamp>) -> Vec<Stage> {
    let all = |stream| Stage::List(Query { stream, filter: Filter::All });
    match (kind, watermark) {
        (RunKind::Backfill | RunKind::Full, _) | (RunKind::Incremental, None) => {
            std::iter::once(Stage::Schema).chain(Stream::ALL.map(all)).collect()
        }
        (RunKind::Incremental, Some(watermark)) => since(watermark - OVERLAP),
    }
}

fn since(at: Timestamp) -> Vec<Stage> {
    let list = |stream, filter| Stage::List(Query { stream, filter });
    let word = |stream, word: &str| list(stream, Filter::Status { word: word.to_owned() });
    let made = |stream| list(stream, Filter::CreatedAfter { at });
    let changed = |stream, settles| list(stream, Filter::ChangedSince { at, made_after: at - settles });
    vec![
        list(Stream::Variants, Filter::All),
        list(Stream::Products, Filter::All),
        made(Stream::Members),
        list(Stream::Members, Filter::ActedAfter { at }),
        made(Stream::Memberships),
        word(Stream::Memberships, "past_due"),
        word(Stream::Memberships, "canceling"),
        word(Stream::Memberships, "trialing"),
        changed(Stream::Refunds, REFUND_SETTLES),
        changed(Stream::Disputes, DISPUTE_SETTLES),
        made(Stream::Payments),
        list(Stream::Payments, Filter::ActedAfter { at }),
        word(Stream::Payments, "open"),
        word(Stream::Payments, "pending"),
    ]
}

/// What became of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Written to Twenty; `linked` if this tied it to a person who was there before.
    Written { linked: bool },
    /// Nothing to say.
    Unchanged,
    /// Left out on purpose.
    Skipped(Skip),
    /// Kept aside with its reason.
    Failed(Failure),
}

/// Why a record was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// A decision card waits.
    NeedsDecision,
    /// A user said so on a card.
    ByChoice,
    /// A person deleted its record in Twenty.
    DeletedInTwenty,
    /// A newer fact is already there.
    Stale,
    /// It belongs to another account.
    OtherAccount,
    /// Whop no longer shows it.
    GoneAtWhop,
}

/// Why a record failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// Twenty will never take it as it is.
    RefusedByTwenty,
    /// It does not have the shape Whop's records have.
    Unreadable,
    /// Our own mistake; it did not take the records beside it along.
    Bug,
}

/// Counts of one stream in one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub seen: u64,
    pub written: u64,
    /// Of the written ones: tied to a person who was there before.
    pub linked: u64,
    pub unchanged: u64,
    #[serde(default)]
    pub skipped: BTreeMap<Skip, u64>,
    #[serde(default)]
    pub failed: BTreeMap<Failure, u64>,
}

impl Tally {
    /// Counts one record in.
    pub fn count(&mut self, outcome: &Outcome) {
        self.seen += 1;
        match outcome {
            Outcome::Written { linked } => {
                self.written += 1;
                self.linked += u64::from(*linked);
            }
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Skipped(why) => *self.skipped.entry(*why).or_default() += 1,
            Outcome::Failed(why) => *self.failed.entry(*why).or_default() += 1,
        }
    }

    /// Adds the counts of another page.
    pub fn add(&mut self, other: &Self) {
        self.seen += other.seen;
        self.written += other.written;
        self.linked += other.linked;
        self.unchanged += other.unchanged;
        for (why, count) in &other.skipped {
            *self.skipped.entry(*why).or_default() += count;
        }
        for (why, count) in &other.failed {
            *self.failed.entry(*why).or_default() += count;
        }
    }

    /// True if every record that was seen came to something.
    pub fn balances(&self) -> bool {
        let aside: u64 = self.skipped.values().chain(self.failed.values()).sum();
        self.seen == self.written + self.unchanged + aside
    }
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    #[serde(default)]
    pub streams: BTreeMap<Stream, Tally>,
    pub whop_calls: u64,
    pub twenty_calls: u64,
}

impl Receipt {
    /// Counts one record in.
    pub fn count(&mut self, stream: Stream, outcome: &Outcome) {
        self.streams.entry(stream).or_default().count(outcome);
    }

    /// Adds what another page did.
    pub fn add(&mut self, other: &Self) {
        for (stream, tally) in &other.streams {
            self.streams.entry(*stream).or_default().add(tally);
        }
        self.whop_calls += other.whop_calls;
        self.twenty_calls += other.twenty_calls;
    }

    /// True if every stream balances.
    pub fn balances(&self) -> bool {
        self.streams.values().all(Tally::balances)
    }

    /// Every record seen.
    pub fn seen(&self) -> u64 {
        self.streams.values().map(|tally| tally.seen).sum()
    }

    /// Every record written.
    pub fn written(&self) -> u64 {
        self.streams.values().map(|tally| tally.written).sum()
    }
}

/// A run and its checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    pub workspace: WorkspaceId,
    pub kind: RunKind,
    pub trigger: Trigger,
    pub state: RunState,
    pub stages: Vec<Stage>,
    /// Which of the stages it works on.
    pub stage: usize,
    /// Where in that stage's list; absent at its beginning.
    pub cursor: Option<Cursor>,
    /// How many pages are done; the fence of the checkpoint.
    pub page: u64,
    pub receipt: Receipt,
    /// How many records it will see, as far as we can guess.
    pub expected: Option<u64>,
    pub started_at: Timestamp,
    pub moved_at: Timestamp,
}

/// What a page that is about to be done is to its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn<'a> {
    /// This stage is its to do.
    Now(&'a Stage),
    /// It was done already; the next one may have been lost and is sent again.
    Past,
    /// The run does not go on now.
    Stopped,
}

impl Run {
    /// A new run that has done nothing.
    pub fn open(id: RunId, workspace: WorkspaceId, kind: RunKind, trigger: Trigger, now: Timestamp) -> Self {
        Self {
            id,
            workspace,
            kind,
            trigger,
            state: RunState::Running,
            stages: Vec::new(),
            stage: 0,
            cursor: None,
            page: 0,
            receipt: Receipt::default(),
            expected: None,
            started_at: now,
            moved_at: now,
        }
    }

    /// What page number `page` is now.
    pub fn turn(&self, page: u64) -> Turn<'_> {
        match (&self.state, self.stages.get(self.stage)) {
            (RunState::Running, Some(_)) if page < self.page => Turn::Past,
            (RunState::Running, Some(stage)) => Turn::Now(stage),
            _ => Turn::Stopped,
        }
    }

    /// The run after one more page: `next` is where its stage goes on, absent if the stage is done.
    #[must_use]
    pub fn after_page(&self, done: &Receipt, next: Option<Cursor>, more: bool, now: Timestamp) -> Self {
        let mut run = self.clone();
        run.receipt.add(done);
        run.page += 1;
        run.moved_at = now;
        run.cursor = next;
        if !more {
            run.stage += 1;
            run.cursor = None;
        }
        if run.stage >= run.stages.len() {
            run.state = RunState::Finished { at: now };
        }
        run
    }

    /// How long it took, or has taken so far.
    pub fn duration(&self, now: Timestamp) -> Duration {
        self.state.ended_at().unwrap_or(now).since(self.started_at)
    }

    /// The part of the whole that is done, in percent; nothing while that cannot be guessed.
    pub fn percent(&self) -> Option<u64> {
        if matches!(self.state, RunState::Finished { .. }) {
            return Some(100);
        }
        let expected = self.expected.filter(|expected| *expected > 0)?;
        Some((self.receipt.seen() * 100 / expected).min(99))
    }

    /// How much longer it will take at the present pace; nothing while that cannot be guessed.
    pub fn remaining(&self, now: Timestamp) -> Option<Duration> {
        let percent = self.percent().filter(|percent| *percent > 0)?;
        let spent = u64::try_from(self.duration(now).as_millis()).ok()?;
        Some(Duration::from_millis(spent * (100 - percent) / percent))
    }
}
