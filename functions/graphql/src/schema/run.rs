//! Runs, their progress and their receipts.

use async_graphql::{Enum, ID, SimpleObject};
use shared::domain::run::{self, Failure, RunState as State, Skip, Tally};
use shared::domain::source::Stream as Kind;
use shared::domain::time::Timestamp;

use super::time::DateTime;

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "run::RunKind")]
pub(crate) enum RunKind {
    /// The first one: makes the fields in Twenty, then reads everything.
    Backfill,
    /// Reads what may have changed since the last one.
    Incremental,
    /// Reads everything again and writes only what differs.
    Full,
}

/// What a run that you start is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub(crate) enum SyncKind {
    /// Reads what may have changed since the last one. The very first one reads everything.
    #[default]
    Incremental,
    /// Reads everything again and writes only what differs.
    Full,
}

impl From<SyncKind> for run::RunKind {
    fn from(kind: SyncKind) -> Self {
        match kind {
            SyncKind::Incremental => Self::Incremental,
            SyncKind::Full => Self::Full,
        }
    }
}

/// Who started a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "run::Trigger")]
pub(crate) enum RunTrigger {
    /// The schedule.
    Schedule,
    /// Somebody on the settings page or through this API.
    Person,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum RunState {
    /// It works, or waits for its turn.
    Running,
    /// It was paused and goes on when it is resumed.
    Paused,
    /// It was cancelled; what it did stays.
    Cancelled,
    /// It came to its end.
    Finished,
    /// It cannot go on; `reason` says why. What it did stays.
    Failed,
}

/// A kind of record at Whop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Kind")]
pub(crate) enum Stream {
    /// Prices of products.
    Variants,
    /// Products.
    Products,
    /// Members: people in Twenty.
    Members,
    /// Memberships: opportunities in Twenty.
    Memberships,
    /// Refunds: shown on their payment.
    Refunds,
    /// Disputes: shown on their payment.
    Disputes,
    /// Payments.
    Payments,
}

/// Why a record was left out on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Skip")]
pub(crate) enum SkipReason {
    /// A decision card waits for an answer.
    NeedsDecision,
    /// An answer on a card says so.
    ByChoice,
    /// Somebody deleted its record in Twenty.
    DeletedInTwenty,
    /// Something newer is in Twenty already.
    Stale,
    /// It belongs to another Whop account.
    OtherAccount,
    /// Whop no longer shows it.
    GoneAtWhop,
}

/// Why a record failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Failure")]
pub(crate) enum FailReason {
    /// Twenty will never take it as it is.
    RefusedByTwenty,
    /// It does not have the shape of Whop's records.
    Unreadable,
    /// Our own mistake.
    Bug,
}

/// Records left out, by reason.
#[derive(SimpleObject)]
pub(crate) struct SkipCount {
    /// Why they were left out.
    reason: SkipReason,
    /// How many.
    count: u64,
}

/// Records that failed, by reason.
#[derive(SimpleObject)]
pub(crate) struct FailCount {
    /// Why they failed.
    reason: FailReason,
    /// How many.
    count: u64,
}

/// What a run did with one kind of record.
#[derive(SimpleObject)]
pub(crate) struct StreamReceipt {
    /// The kind of record.
    name: Stream,
    /// Records read at Whop.
    seen: u64,
    /// Records written to Twenty.
    written: u64,
    /// Of the written ones: tied to somebody who was in Twenty before.
    linked: u64,
    /// Records that were right already.
    unchanged: u64,
    /// Records left out on purpose.
    skipped: Vec<SkipCount>,
    /// Records that failed; see `failedRecords`.
    failed: Vec<FailCount>,
}

impl StreamReceipt {
    fn of(name: Kind, tally: &Tally) -> Self {
        let skipped =
            tally.skipped.iter().map(|(why, count)| SkipCount { reason: (*why).into(), count: *count });
        let failed =
            tally.failed.iter().map(|(why, count)| FailCount { reason: (*why).into(), count: *count });
        Self {
            name: name.into(),
            seen: tally.seen,
            written: tally.written,
            linked: tally.linked,
            unchanged: tally.unchanged,
            skipped: skipped.collect(),
            failed: failed.collect(),
        }
    }
}

/// One pass over Whop, with its progress and its receipt.
#[derive(SimpleObject)]
pub(crate) struct Run {
    /// Its id.
    id: ID,
    /// What it is for.
    kind: RunKind,
    /// Who started it.
    trigger: RunTrigger,
    /// Where it stands.
    state: RunState,
    /// Why it cannot go on, if it failed, and what to do.
    reason: Option<String>,
    /// How much of it is done, 0 to 100; null while that cannot be guessed.
    percent: Option<u64>,
    /// How many seconds it will go on at its present pace; null while that cannot be guessed.
    remaining_seconds: Option<u64>,
    /// When it started.
    started_at: DateTime,
    /// When it ended; null while it is open.
    ended_at: Option<DateTime>,
    /// How many seconds it took, or has taken so far.
    seconds: u64,
    /// What it did, by kind of record.
    streams: Vec<StreamReceipt>,
    /// Calls made to Whop.
    whop_calls: u64,
    /// Calls made to Twenty.
    twenty_calls: u64,
    /// True if every record seen was written, unchanged, skipped or failed.
    balances: bool,
}

impl Run {
    /// The run as it stands at `now`.
    pub(crate) fn of(run: &run::Run, now: Timestamp) -> Self {
        let streams = run.receipt.streams.iter();
        Self {
            id: run.id.as_str().into(),
            kind: run.kind.into(),
            trigger: run.trigger.into(),
            state: state(&run.state),
            reason: reason(&run.state),
            percent: run.percent(),
            remaining_seconds: remaining(run, now),
            started_at: run.started_at.into(),
            ended_at: run.state.ended_at().map(DateTime),
            seconds: run.duration(now).as_secs(),
            streams: streams.map(|(name, tally)| StreamReceipt::of(*name, tally)).collect(),
            whop_calls: run.receipt.whop_calls,
            twenty_calls: run.receipt.twenty_calls,
            balances: run.receipt.balances(),
        }
    }
}

fn state(state: &State) -> RunState {
    match state {
        State::Running => RunState::Running,
        State::Paused { .. } => RunState::Paused,
        State::Cancelled { .. } => RunState::Cancelled,
        State::Finished { .. } => RunState::Finished,
        State::Failed { .. } => RunState::Failed,
    }
}

fn reason(state: &State) -> Option<String> {
    match state {
        State::Failed { reason, .. } => Some(reason.clone()),
        State::Running | State::Paused { .. } | State::Cancelled { .. } | State::Finished { .. } => None,
    }
}

fn remaining(run: &run::Run, now: Timestamp) -> Option<u64> {
    matches!(run.state, State::Running).then(|| run.remaining(now))?.map(|time| time.as_secs())
}

/// The answer to starting a sync.
#[derive(SimpleObject)]
pub(crate) struct StartedSync {
    /// The run: the new one, or the one that was open already.
    run: Run,
    /// True only if you waited, and the run finished, balances and has no failed record.
    success: bool,
    /// Products brought up to date or found so, until now.
    products_sync: u64,
    /// Members brought up to date or found so, until now.
    users_sync: u64,
    /// Memberships brought up to date or found so, until now.
    memberships_sync: u64,
    /// What happened, for people.
    message: String,
}

impl StartedSync {
    /// What to say about `run`, for whose end the caller `waited` or not.
    pub(crate) fn of(run: &run::Run, now: Timestamp, waited: bool) -> Self {
        let right = |stream| {
            let tally = run.receipt.streams.get(&stream);
            tally.map_or(0, |tally| tally.written + tally.unchanged)
        };
        Self {
            success: waited && is_clean(run),
            products_sync: right(Kind::Products),
            users_sync: right(Kind::Members),
            memberships_sync: right(Kind::Memberships),
            message: message(run),
            run: Run::of(run, now),
        }
    }
}

fn failures(run: &run::Run) -> u64 {
    run.receipt.streams.values().flat_map(|tally| tally.failed.values()).sum()
}

fn is_clean(run: &run::Run) -> bool {
    matches!(run.state, State::Finished { .. }) && run.receipt.balances() && failures(run) == 0
}

fn message(run: &run::Run) -> String {
    match &run.state {
        State::Running => "The sync is running. Ask for the run again to see how far it is.".to_owned(),
        State::Paused { .. } => "The sync is paused. Resume it to go on.".to_owned(),
        State::Cancelled { .. } => "The sync was cancelled. What it did stays.".to_owned(),
        State::Failed { reason, .. } => format!("The sync stopped. {reason}"),
        State::Finished { .. } if !run.receipt.balances() => {
            "The sync finished, but its receipt does not balance. Start a full one.".to_owned()
        }
        State::Finished { .. } => match failures(run) {
            0 => "The sync finished. Everything is up to date.".to_owned(),
            count => format!("The sync finished; {count} records failed. See failedRecords for the reasons."),
        },
    }
}

/// The answer to syncing one member.
#[derive(SimpleObject)]
pub(crate) struct RefreshedMember {
    /// The member's id at Whop.
    pub(crate) member_id: ID,
}

#[cfg(test)]
mod tests {
    use shared::domain::run::Outcome;

    use super::*;

    fn finished(outcomes: &[(Kind, Outcome)]) -> run::Run {
        let (workspace, start) =
            ("00000000-0000-0000-0000-000000000000".parse().unwrap(), Timestamp::from_millis(0));
        let mut run = run::Run::open(
            "run_1".parse().unwrap(),
            workspace,
            run::RunKind::Full,
            run::Trigger::Person,
            start,
        );
        for (stream, outcome) in outcomes {
            run.receipt.count(*stream, outcome);
        }
        run.state = State::Finished { at: Timestamp::from_millis(4_000) };
        run
    }

    #[test]
    fn a_waited_for_run_that_finished_clean_is_a_success_and_counts_what_is_right() {
        let written = Outcome::Written { linked: false };
        let run = finished(&[
            (Kind::Members, written),
            (Kind::Members, Outcome::Unchanged),
            (Kind::Products, Outcome::Unchanged),
        ]);

        let answer = StartedSync::of(&run, Timestamp::from_millis(9_000), true);

        assert!(answer.success);
        assert_eq!((answer.products_sync, answer.users_sync, answer.memberships_sync), (1, 2, 0));
        assert_eq!(answer.run.seconds, 4);
    }

    #[test]
    fn one_failed_record_is_enough_to_be_no_success() {
        let run = finished(&[(Kind::Members, Outcome::Failed(Failure::RefusedByTwenty))]);

        let answer = StartedSync::of(&run, Timestamp::from_millis(9_000), true);

        assert!(!answer.success);
        assert!(answer.message.contains("1 records failed"), "{}", answer.message);
    }

    #[test]
    fn who_does_not_wait_is_not_told_of_success() {
        let run = finished(&[]);

        let answer = StartedSync::of(&run, Timestamp::from_millis(9_000), false);

        assert!(!answer.success);
    }
}
