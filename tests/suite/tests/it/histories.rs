//! Whatever happens at Whop, and however the news of it travels: after a sweep, Twenty says what Whop says.
//!
//! Chance is drawn from a seed, which a failure shows: `HISTORY_SEED=… cargo test -p suite histories` is the same
//! story again.

use serde_json::json;
use sim::whop::SignedDelivery;
use stack::{DEAD, Stack, canary};

use crate::source::{Dice, assert_crm_equals_source, deliver};
use crate::story::member_of;
use crate::webhook::{later, monthly, synced};

/// How many memberships live at once, each with a history of its own.
const LIVES: usize = 300;
/// In each of them something happens to about half of the lives.
const ROUNDS: usize = 8;

/// The seed of this run.
#[expect(clippy::disallowed_methods, reason = "a seed is no setting of the product")]
#[expect(clippy::print_stderr, reason = "a failed test shows it, and with it the story can be told again")]
fn seed() -> u64 {
    let given = std::env::var("HISTORY_SEED").ok().and_then(|text| text.parse().ok());
    let seed = given.unwrap_or(20_261_123);
    eprintln!("HISTORY_SEED={seed}");
    seed
}

/// A membership whose history is told, and its buyer.
struct Life {
    number: usize,
    membership: String,
    member: String,
    disputes: Vec<String>,
}

/// One thing that may happen.
fn happen(stack: &Stack, dice: &mut Dice, life: &mut Life, round: usize) {
    let (whop, membership) = (&stack.whop, life.membership.as_str());
    match dice.roll(14) {
        0 => whop.activate(membership),
        1 => drop(whop.fail_payment(membership)),
        2 => whop.recover(membership),
        3 => whop.schedule_cancel(membership),
        4 => whop.undo_cancel(membership),
        5 => whop.cancel(membership),
        6 => whop.expire(membership),
        7 => whop.pause(membership),
        8 => drop(whop.refund(&whop.pay(membership), Some(700))),
        9 => drop(whop.refund(&whop.pay(membership), None)),
        10 => life.disputes.push(whop.dispute_open(&whop.pay(membership))),
        11 => {
            let email = format!("Buyer{}.{round}@Example.com", life.number);
            whop.change_email(&life.member, Some(&email));
        }
        side => match (life.disputes.pop(), side) {
            (Some(dispute), 12) => whop.dispute_won(&dispute),
            (Some(dispute), _) => whop.dispute_lost(&dispute),
            (None, _) => drop(whop.pay(membership)),
        },
    }
}

/// Posts what the dice let through of `pool`, in their order, some of it twice; most of it waits or is lost.
async fn some_arrive(stack: &Stack, dice: &mut Dice, pool: &mut Vec<SignedDelivery>) {
    let mut arriving = Vec::new();
    for _ in 0..pool.len() {
        let delivery = pool.swap_remove(dice.roll(pool.len()));
        match dice.roll(8) {
            0..4 => {}
            4 | 5 => pool.push(delivery),
            6 => {
                arriving.push(stack.whop.sign_again(&delivery));
                pool.push(delivery);
            }
            _ => arriving.push(stack.whop.sign_again(&delivery)),
        }
    }
    deliver(stack, &arriving).await;
}

#[tokio::test]
async fn three_hundred_random_histories_end_as_the_source_says() {
    let stack = Stack::start().await;
    let mut shop = synced(&stack).await;
    let variant = monthly(&stack, &shop.account);
    stack.twenty.set_limit(&shop.workspace, 100_000);
    let (mut dice, mut pool, mut lives) = (Dice(seed()), Vec::new(), Vec::new());
    for number in 0..LIVES {
        let email = format!("buyer{number}@example.com");
        let membership = stack.whop.buy(&shop.account, &format!("Buyer {number}"), &email, &variant);
        let member = member_of(&stack, &shop.account, &membership);
        lives.push(Life { number, membership, member, disputes: Vec::new() });
    }

    for round in 0..ROUNDS {
        for life in &mut lives {
            if dice.roll(2) == 0 {
                happen(&stack, &mut dice, life, round);
            }
        }
        later(&stack);
        pool.extend(stack.whop.take_deliveries());
        some_arrive(&stack, &mut dice, &mut pool).await;
    }
    let swept = shop.admin.sync("FULL").await;

    assert_eq!((&swept["state"], &swept["balances"]), (&json!("FINISHED"), &json!(true)), "{swept}");
    assert_crm_equals_source(&stack, &shop.workspace.id, &shop.account);
    assert!(stack.aws.sqs.messages(DEAD).is_empty());
    later(&stack);
    some_arrive(&stack, &mut dice, &mut pool).await;
    assert_crm_equals_source(&stack, &shop.workspace.id, &shop.account);
    stack.twenty.forget_counts(&shop.workspace);
    let again = shop.admin.sync("FULL").await;
    assert_eq!(again["balances"], true, "{again}");
    assert_eq!(stack.twenty.write_calls(&shop.workspace), 0, "{again}");
    canary::assert_no_secret_seen(&stack, &[&shop.whop_key]);
}
