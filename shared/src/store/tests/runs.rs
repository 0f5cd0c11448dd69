use super::*;
use crate::domain::id::RunId;
use crate::domain::run::{Failure, Outcome, Receipt, Run, RunKind, RunState, Skip, Trigger, plan};
use crate::domain::source::{Cursor, Stream};

fn run(name: &str) -> Run {
    let mut run = Run::open(id(name), workspace(1), RunKind::Incremental, Trigger::Schedule, NOW);
    run.stages = plan(run.kind, Some(NOW));
    run
}

fn page() -> Receipt {
    let mut receipt = Receipt { whop_calls: 1, twenty_calls: 2, ..Receipt::default() };
    receipt.count(Stream::Members, &Outcome::Written { linked: true });
    receipt.count(Stream::Members, &Outcome::Skipped(Skip::NeedsDecision));
    receipt.count(Stream::Payments, &Outcome::Failed(Failure::Bug));
    receipt
}

fn cursor(text: &str) -> Cursor {
    Cursor(text.to_owned())
}

async fn started() -> (Fixture, Run) {
    let fixture = Fixture::start().await;
    assert!(fixture.store.insert_run(&run("run_1")).await.unwrap());
    (fixture, run("run_1"))
}

impl Fixture {
    async fn run(&self) -> Run {
        self.store.find_run(workspace(1), &id("run_1")).await.unwrap().unwrap()
    }

    async fn move_run(&self, from: &[Open], to: RunState, at: Timestamp) -> Option<Run> {
        let name: RunId = id("run_1");
        self.store.move_run((workspace(1), &name), from, &to, at).await.unwrap()
    }
}

#[tokio::test]
async fn a_checkpoint_lands_once_and_only_from_its_page() {
    let (fixture, run) = started().await;
    let first = run.after_page(&page(), Some(cursor("a")), true, later(1));
    let rival = run.after_page(&Receipt::default(), Some(cursor("b")), true, later(2));
    let second = first.after_page(&page(), None, false, later(3));

    assert!(fixture.store.checkpoint(&first, 0).await.unwrap());
    assert!(!fixture.store.checkpoint(&rival, 0).await.unwrap());
    assert_eq!(fixture.run().await, first);
    assert!(fixture.store.checkpoint(&first, 0).await.unwrap(), "it is there just so");
    assert!(fixture.store.checkpoint(&second, 1).await.unwrap());

    assert_eq!(fixture.run().await, second);
    assert_eq!(second.receipt.twenty_calls, 4);
    assert!(!fixture.store.insert_run(&run).await.unwrap());
}

#[tokio::test]
async fn a_run_that_was_stopped_takes_no_checkpoint() {
    let (fixture, run) = started().await;
    let after = run.after_page(&page(), Some(cursor("a")), true, later(2));

    fixture.move_run(&[Open::Running], RunState::Paused { at: later(1) }, later(1)).await.unwrap();

    assert!(!fixture.store.checkpoint(&after, 0).await.unwrap());
    assert_eq!(fixture.run().await.page, 0);
}

#[tokio::test]
async fn a_run_is_moved_only_from_the_states_that_were_named() {
    let (fixture, _) = started().await;
    let paused = |at| RunState::Paused { at };
    let mut landed = Vec::new();

    for (from, to, at) in [
        (Open::Paused, RunState::Running, later(1)),
        (Open::Running, paused(later(1)), later(1)),
        (Open::Running, paused(later(2)), later(2)),
        (Open::Paused, RunState::Running, later(2)),
        (Open::Paused, RunState::Running, later(3)),
    ] {
        let moved = fixture.move_run(&[from], to, at).await;
        landed.push(moved.map(|run| (run.state, run.moved_at)));
    }

    let (first, second) = ((paused(later(1)), later(1)), (RunState::Running, later(2)));
    assert_eq!(landed, [None, Some(first), None, Some(second), None]);
}

#[tokio::test]
async fn a_run_that_is_over_is_moved_no_more() {
    let (fixture, _) = started().await;
    let (both, cancelled) = ([Open::Running, Open::Paused], RunState::Cancelled { at: later(3) });

    assert!(fixture.move_run(&both, cancelled.clone(), later(3)).await.is_some());
    assert_eq!(fixture.move_run(&both, RunState::Running, later(4)).await, None);

    assert_eq!(fixture.run().await.state, cancelled);
}

#[tokio::test]
async fn a_move_whose_answer_was_lost_is_still_made() {
    let (fixture, _) = started().await;
    fixture.lose_next_answer("UpdateItem");

    let paused = RunState::Paused { at: later(1) };

    assert_eq!(fixture.move_run(&[Open::Running], paused.clone(), later(1)).await.unwrap().state, paused);
}

#[tokio::test]
async fn only_a_run_that_runs_can_be_touched() {
    let (fixture, run) = started().await;

    assert!(fixture.store.touch_run(workspace(1), &run.id, later(9)).await.unwrap());
    assert_eq!(fixture.run().await.moved_at, later(9));
    fixture.move_run(&[Open::Running], RunState::Paused { at: NOW }, NOW).await.unwrap();

    assert!(!fixture.store.touch_run(workspace(1), &run.id, later(10)).await.unwrap());
    assert!(!fixture.store.touch_run(workspace(1), &id("run_2"), later(10)).await.unwrap());
}
