//! A large shop's first sync and its second, on the stepped clock and with the limits of real servers.

use std::time::Instant;

use serde::Serialize;
use serde_json::json;
use stack::Stack;
use stack::fixtures::{Shop, connected};

use crate::counts::sync;
use crate::memory::seen;
use crate::work::{Calls, Meter};

/// Records in a batch of Twenty's and in a page of Whop's.
const BATCH: usize = 60;
const PAGE: usize = 100;

#[derive(Debug, Serialize)]
pub(crate) struct Scale {
    pub(crate) members: usize,
    pub(crate) records: u64,
    /// The same with a tenth of the members, to compare with.
    pub(crate) calls_per_record_of_a_tenth: f64,
    pub(crate) calls_per_record: f64,
    pub(crate) streams: Vec<Stream>,
    pub(crate) objects: Vec<Object>,
    pub(crate) calls: Calls,
    /// Requests that Twenty refused because they came too fast.
    pub(crate) refused_by_limit: u64,
    /// On the stepped clock, at a hundred calls a minute.
    pub(crate) simulated_hours: f64,
    pub(crate) real_seconds: f64,
    pub(crate) second_run: Second,
}

/// A list of Whop's.
#[derive(Debug, Serialize)]
pub(crate) struct Stream {
    pub(crate) name: &'static str,
    pub(crate) rows: usize,
    pub(crate) pages: usize,
    pub(crate) fewest_pages: usize,
}

/// An object of Twenty's.
#[derive(Debug, Serialize)]
pub(crate) struct Object {
    pub(crate) name: &'static str,
    pub(crate) rows: usize,
    pub(crate) writes: u64,
    pub(crate) fewest_writes: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Second {
    pub(crate) records: u64,
    pub(crate) writes: u64,
    pub(crate) twenty_calls: u64,
    pub(crate) whop_calls: u64,
    pub(crate) real_seconds: f64,
}

pub(crate) async fn measure(members: usize) -> Scale {
    let tenth = {
        let stack = Stack::start().await;
        let mut shop = connected(&stack, members / 10).await;
        let (calls, records) = full(&stack, &mut shop).await;
        per_record(&calls, records)
    };
    let stack = Stack::start().await;
    let mut shop = connected(&stack, members).await;
    let (before, began) = (stack.clock.now_ms(), Instant::now());
    let (calls, records) = full(&stack, &mut shop).await;
    let simulated_hours = (stack.clock.now_ms() - before) as f64 / 3_600_000.0;
    let real_seconds = began.elapsed().as_secs_f64();
    let streams = streams(&stack, &shop);
    let objects = objects(&stack, &shop);
    let refused = stack.twenty.refusals(&shop.workspace).get("limit").copied();
    Scale {
        members,
        records,
        calls_per_record_of_a_tenth: tenth,
        calls_per_record: per_record(&calls, records),
        streams,
        objects,
        calls,
        refused_by_limit: refused.unwrap_or_default(),
        simulated_hours,
        real_seconds,
        second_run: second(&stack, &mut shop).await,
    }
}

fn per_record(calls: &Calls, records: u64) -> f64 {
    (calls.aws() + calls.whop + calls.twenty) as f64 / records as f64
}

async fn full(stack: &Stack, shop: &mut Shop<'_>) -> (Calls, u64) {
    stack.twenty.forget_counts(&shop.workspace);
    let mut meter = Meter::start(stack);
    let run = sync(stack, shop, &mut meter).await;
    assert_eq!((&run["state"], &run["balances"]), (&json!("FINISHED"), &json!(true)), "{run}");
    (meter.stop(stack), seen(&run))
}

async fn second(stack: &Stack, shop: &mut Shop<'_>) -> Second {
    let began = Instant::now();
    let (calls, records) = full(stack, shop).await;
    Second {
        records,
        writes: stack.twenty.write_calls(&shop.workspace),
        twenty_calls: calls.twenty,
        whop_calls: calls.whop,
        real_seconds: began.elapsed().as_secs_f64(),
    }
}

fn streams(stack: &Stack, shop: &Shop<'_>) -> Vec<Stream> {
    let whop = &stack.whop;
    let all = [
        ("members", "members_list", whop.members(&shop.account).len()),
        ("memberships", "memberships_list", whop.memberships(&shop.account).len()),
        ("payments", "payments_list", whop.payments(&shop.account).len()),
        ("refunds", "refunds_list", whop.refunds(&shop.account).len()),
        ("disputes", "disputes_list", whop.disputes(&shop.account).len()),
    ];
    let stream = |(name, operation, rows): (_, &str, usize)| Stream {
        name,
        rows,
        pages: whop.list_calls(operation),
        fewest_pages: rows.div_ceil(PAGE).max(1),
    };
    all.into_iter().map(stream).collect()
}

/// People, opportunities and payments, each against the rows that Whop listed.
fn objects(stack: &Stack, shop: &Shop<'_>) -> Vec<Object> {
    let calls = stack.twenty.calls(&shop.workspace);
    let rows = [
        ("people", stack.whop.members(&shop.account).len()),
        ("opportunities", stack.whop.memberships(&shop.account).len()),
        ("whopPayments", stack.whop.payments(&shop.account).len()),
    ];
    let object = |(name, rows): (&'static str, usize)| Object {
        name,
        rows,
        writes: calls.get(&format!("batch upsert {name}")).copied().unwrap_or_default(),
        fewest_writes: rows.div_ceil(BATCH) as u64,
    };
    rows.into_iter().map(object).collect()
}
