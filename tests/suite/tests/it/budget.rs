//! Twenty's calls are used to the last one that is safe, and never more.

use std::collections::BTreeMap;

use serde_json::Value;
use sim::twenty::{Generation, Workspace};
use stack::{Stack, fixtures, pump};

use crate::story::{assert_well, member_of, monthly, record, start};

/// Members of a shop whose sync takes some minutes of Twenty's budget.
const MANY: usize = 3_000;

fn refusals(stack: &Stack, workspace: &Workspace) -> u64 {
    let refusals: BTreeMap<String, u64> = stack.twenty.refusals(workspace);
    refusals.get("limit").copied().unwrap_or_default()
}

fn calls(stack: &Stack, workspace: &Workspace) -> u64 {
    stack.twenty.read_calls(workspace) + stack.twenty.write_calls(workspace)
}

/// Works on until so many calls of the budget were made, or the queue is empty.
async fn until_calls(stack: &Stack, workspace: &Workspace, wanted: u64) {
    while calls(stack, workspace) < wanted {
        if pump::once(stack).await > 0 {
            continue;
        }
        match stack.aws.sqs.next_visible_at(stack::SYNC) {
            Some(due) => stack.clock.advance_ms((due - stack.clock.now_ms()).max(1)),
            None => return,
        }
    }
}

#[tokio::test]
async fn a_full_sync_uses_the_budget_to_95_percent_and_is_never_refused() {
    let stack = Stack::start().await;
    let mut shop = fixtures::connected(&stack, MANY).await;
    let id = start(&mut shop.admin, "FULL").await;
    until_calls(&stack, &shop.workspace, 90).await; // What had been saved up is spent; from here on it is earned.
    let (began, before) = (stack.clock.now_ms(), calls(&stack, &shop.workspace));

    pump::drain(&stack).await;

    let run = shop.admin.run(&id).await;
    assert_well(&run);
    let (spent, time) = (calls(&stack, &shop.workspace) - before, stack.clock.now_ms() - began);
    let per_minute = spent * 60_000 / u64::try_from(time).unwrap();
    assert!(spent > 200, "{spent} calls are too few to tell");
    assert!((95..=100).contains(&per_minute), "{per_minute} calls a minute, {spent} in {time} ms");
    assert_eq!(refusals(&stack, &shop.workspace), 0);
    assert_eq!(stack.twenty.count(&shop.workspace, "people"), stack.whop.members(&shop.account).len());
}

#[tokio::test]
async fn a_limit_that_is_halved_without_notice_is_learnt_within_three_refusals() {
    for generation in [Generation::V2_21, Generation::Newer] {
        let stack = Stack::start().await;
        stack.twenty.set_generation(generation);
        let mut shop = fixtures::connected(&stack, 900).await;
        let id = start(&mut shop.admin, "FULL").await;
        until_calls(&stack, &shop.workspace, 90).await;
        assert_eq!(refusals(&stack, &shop.workspace), 0);

        stack.twenty.set_limit(&shop.workspace, 50);
        let (began, before) = (stack.clock.now_ms(), calls(&stack, &shop.workspace));
        pump::drain(&stack).await;

        assert_well(&shop.admin.run(&id).await);
        let refused = refusals(&stack, &shop.workspace);
        assert!((1..=3).contains(&refused), "{generation:?}: {refused} refusals");
        let (spent, time) = (calls(&stack, &shop.workspace) - before, stack.clock.now_ms() - began);
        let per_minute = spent * 60_000 / u64::try_from(time).unwrap();
        assert!((40..=50).contains(&per_minute), "{generation:?}: {per_minute} calls a minute");
    }
}

#[tokio::test]
async fn a_purchase_is_in_twenty_within_seconds_while_a_sweep_uses_up_the_budget() {
    let stack = Stack::start().await;
    let mut shop = fixtures::connected(&stack, 1_200).await;
    let variant = monthly(&stack, &shop.account, "Gym");
    let id = start(&mut shop.admin, "FULL").await;
    until_calls(&stack, &shop.workspace, 95).await;
    let bought_at = stack.clock.now_ms();
    let deal = stack.whop.buy(&shop.account, "Ada", "ada.new@example.com", &variant);
    stack.whop.deliver_due().await;

    let mut batches = 0;
    while record(&stack, &shop.workspace.id, "opportunities", &deal).is_none() {
        assert!(pump::once(&stack).await > 0, "nothing is left to do");
        batches += 1;
    }

    let run: Value = shop.admin.run(&id).await;
    assert_eq!(run["state"], "RUNNING", "{run}");
    assert!(batches <= 2, "{batches} batches");
    assert!(stack.clock.now_ms() - bought_at <= 60_000, "{} ms", stack.clock.now_ms() - bought_at);
    assert!(record(&stack, &shop.workspace.id, "people", &member_of(&stack, &shop.account, &deal)).is_some());
    assert_eq!(refusals(&stack, &shop.workspace), 0);
}
