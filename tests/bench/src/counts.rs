//! Calls for a thousand memberships and for a thousand deliveries, counted at the far end of the wire.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use sim::whop::{Delivery, SignedDelivery};
use stack::fixtures::{Shop, connected};
use stack::{Stack, gateway};

use crate::prices::{self, Dollars};
use crate::startup::delivery_ask;
use crate::work::{Calls, Meter};

/// About a thousand memberships: some members have two.
const MEMBERS: usize = 924;
const DELIVERIES: usize = 1_000;

#[derive(Debug, Serialize)]
pub(crate) struct Counts {
    pub(crate) prices: &'static str,
    pub(crate) backfill: Counted,
    /// Ten at a time, as a busy shop's events meet in the queue.
    pub(crate) deliveries: Counted,
    /// Each worked off before the next one comes.
    pub(crate) deliveries_alone: Counted,
}

/// What a number of records took, and what a million of them would cost.
#[derive(Debug, Serialize)]
pub(crate) struct Counted {
    pub(crate) records: u64,
    pub(crate) calls: Calls,
    pub(crate) dollars_per_million: Dollars,
}

pub(crate) async fn measure() -> Counts {
    let stack = Stack::start().await;
    stack.whop.switch(|it| it.delivery = Delivery::Collect);
    let mut shop = connected(&stack, MEMBERS).await;
    let backfill = backfill(&stack, &mut shop).await;
    Counts {
        prices: prices::AS_OF,
        backfill,
        deliveries: deliveries(&stack, &shop, 10).await,
        deliveries_alone: deliveries(&stack, &shop, 1).await,
    }
}

async fn backfill(stack: &Stack, shop: &mut Shop<'_>) -> Counted {
    let mut meter = Meter::start(stack);
    let run = sync(stack, shop, &mut meter).await;
    assert_eq!((&run["state"], &run["balances"]), (&json!("FINISHED"), &json!(true)), "{run}");
    let calls = meter.stop(stack);
    let records = stack.whop.memberships(&shop.account).len() as u64;
    Counted { records, dollars_per_million: prices::of_memberships(&calls, records), calls }
}

/// A full sync from the request to its receipt.
pub(crate) async fn sync(stack: &Stack, shop: &mut Shop<'_>, meter: &mut Meter) -> Value {
    let ask = "mutation { triggerWhopSync(kind: FULL) { run { id } } }";
    let started = shop.admin.graphql(ask, json!({})).await;
    meter.work_off(stack).await;
    shop.admin.run(&started["triggerWhopSync"]["run"]["id"]).await
}

/// Deliveries through the gateway, `together` of them before the worker looks.
async fn deliveries(stack: &Stack, shop: &Shop<'_>, together: usize) -> Counted {
    let all = collected(stack, shop);
    let mut meter = Meter::start(stack);
    for some in all.chunks(together) {
        for delivery in some {
            let answer = gateway::answer(stack.app, &delivery_ask(stack, delivery)).await;
            assert_eq!(answer.status, 200, "{}", answer.json());
        }
        meter.work_off(stack).await;
        stack.advance(Duration::from_secs(10));
    }
    let calls = meter.stop(stack);
    let records = all.len() as u64;
    Counted { records, dollars_per_million: prices::of_deliveries(&calls, records), calls }
}

/// Payments of memberships all over the shop, until there are enough deliveries about them.
fn collected(stack: &Stack, shop: &Shop<'_>) -> Vec<SignedDelivery> {
    stack.advance(Duration::from_hours(1));
    let memberships = stack.whop.memberships(&shop.account);
    let active = memberships.iter().filter(|it| it["status"] == "active" && !it["member_id"].is_null());
    let mut all = Vec::new();
    for membership in active.cycle() {
        stack.whop.pay(membership["id"].as_str().unwrap());
        all.extend(stack.whop.take_deliveries());
        if all.len() >= DELIVERIES {
            break;
        }
    }
    all.truncate(DELIVERIES);
    assert_eq!(all.len(), DELIVERIES, "a shop without events");
    all
}
