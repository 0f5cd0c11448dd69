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
    measure_with(MEMBERS, DELIVERIES).await
}

async fn measure_with(members: usize, number: usize) -> Counts {
    let stack = Stack::start().await;
    stack.whop.switch(|it| it.delivery = Delivery::Collect);
    let mut shop = connected(&stack, members).await;
    let backfill = backfill(&stack, &mut shop).await;
    Counts {
        prices: prices::AS_OF,
        backfill,
        deliveries: deliveries(&stack, &shop, number, 10).await,
        deliveries_alone: deliveries(&stack, &shop, number, 1).await,
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

/// So many deliveries through the gateway, `together` of them before the worker looks.
async fn deliveries(stack: &Stack, shop: &Shop<'_>, number: usize, together: usize) -> Counted {
    let all = collected(stack, shop, number);
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
fn collected(stack: &Stack, shop: &Shop<'_>, number: usize) -> Vec<SignedDelivery> {
    stack.advance(Duration::from_hours(1));
    let memberships = stack.whop.memberships(&shop.account);
    let active = memberships.iter().filter(|it| it["status"] == "active" && !it["member_id"].is_null());
    let mut all = Vec::new();
    for membership in active.cycle() {
        stack.whop.pay(membership["id"].as_str().unwrap());
        all.extend(stack.whop.take_deliveries());
        if all.len() >= number {
            break;
        }
    }
    all.truncate(number);
    assert_eq!(all.len(), number, "a shop without events");
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::Logs;

    /// Units of a thing for each of so many records.
    fn each(half_units: u64, records: u64) -> f64 {
        half_units as f64 / 2.0 / records as f64
    }

    #[tokio::test]
    async fn a_million_deliveries_cost_at_most_five_dollars_and_alone_no_more_writes_than_that() {
        shared::lambda::telemetry::start("info", Logs);

        let counts = measure_with(100, 120).await;

        let (together, alone) = (&counts.deliveries, &counts.deliveries_alone);
        assert!(together.dollars_per_million.sum <= 5.0, "{together:#?}");
        assert!(together.dollars_per_million.logs > 0.0, "the lines were counted");
        assert!(each(together.calls.half_writes, together.records) <= 3.5, "{together:#?}");
        assert!(each(together.calls.half_reads, together.records) <= 2.5, "{together:#?}");
        assert!(each(alone.calls.half_writes, alone.records) <= 4.0, "{alone:#?}");
        let (writes, records) = (counts.backfill.calls.half_writes, counts.backfill.records);
        assert!(
            each(writes, records) <= 6.0,
            "a link for each record, and little more: {:#?}",
            counts.backfill
        );
    }
}
