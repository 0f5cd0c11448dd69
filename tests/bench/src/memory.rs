//! The memory of the `sync` binary over a whole back-fill. It is a process of its own, so that the figure holds
//! nothing of the stand-ins. It lives in the machine's own time; Whop and Twenty set it no limits.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use sim::aws::RuntimeHost;
use sim::clock::Clock;
use stack::{Options, SYNC, Stack, fixtures};

use crate::binaries::Binaries;
use crate::process::kilobytes;

const UNLIMITED: u32 = 100_000_000;

/// Resident memory of the process, in kB.
#[derive(Debug, Serialize)]
pub(crate) struct Memory {
    pub(crate) members: usize,
    pub(crate) records: u64,
    pub(crate) pages: usize,
    pub(crate) first_page_kb: u64,
    /// The median over the pages of the third quarter: by then there were pages of every large stream, and what
    /// the program needs for them is resident.
    pub(crate) third_quarter_kb: u64,
    /// The median over the pages of the last quarter.
    pub(crate) last_quarter_kb: u64,
    pub(crate) peak_kb: u64,
    pub(crate) calls_per_record: f64,
}

pub(crate) async fn measure(binaries: &Binaries, members: usize) -> Memory {
    let options = Options { clock: Clock::system(), calls_per_minute: UNLIMITED, ..Options::default() };
    let stack = Stack::with(options).await;
    let mut shop = fixtures::connected(&stack, members).await;
    stack.whop.switch(|it| it.rate_limit = UNLIMITED);
    stack.twenty.set_limit(&shop.workspace, i64::from(UNLIMITED));
    let mut env = stack.environment();
    env.insert("TWENTY_CALLS_PER_MINUTE".to_owned(), UNLIMITED.to_string());
    let env: Vec<_> = env.into_iter().collect();
    let host = RuntimeHost::start(&binaries.path("sync"), &env, "sync").await;
    let ask = "mutation { triggerWhopSync(kind: FULL) { run { id } } }";
    let started = shop.admin.graphql(ask, json!({})).await;
    let mut calls = 0;
    let mut resident = Vec::new();
    while once(&stack, &host).await {
        calls += stack.faults.count();
        stack.faults.forget_calls();
        resident.push(kilobytes(host.pid().expect("a running process"), "VmRSS"));
    }
    let peak_kb = kilobytes(host.pid().expect("a running process"), "VmHWM");
    let run = shop.admin.run(&started["triggerWhopSync"]["run"]["id"]).await;
    assert_eq!(run["state"], "FINISHED", "{run} {:?}", host.stop().await);
    let (records, pages) = (seen(&run), resident.len());
    Memory {
        members,
        records,
        pages,
        first_page_kb: resident[0],
        third_quarter_kb: median(&resident[pages / 2..pages - pages / 4]),
        last_quarter_kb: median(&resident[pages - pages / 4..]),
        peak_kb,
        calls_per_record: calls as f64 / records as f64,
    }
}

/// Single pages differ by half a megabyte: the buffers of a call are there, or are not.
fn median(resident: &[u64]) -> u64 {
    let mut sorted = resident.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

/// How many records a run read at Whop.
pub(crate) fn seen(run: &Value) -> u64 {
    let streams = run["streams"].as_array().expect("a receipt");
    streams.iter().map(|stream| stream["seen"].as_u64().unwrap_or_default()).sum()
}

/// Hands the binary one batch, as Lambda's poller does. False when there is nothing left.
async fn once(stack: &Stack, host: &RuntimeHost) -> bool {
    let received = loop {
        let received = stack.aws.sqs.receive(SYNC, 10);
        if !received.is_empty() {
            break received;
        }
        let Some(due) = stack.aws.sqs.next_visible_at(SYNC) else { return false };
        let wait = u64::try_from(due - stack.clock.now_ms()).unwrap_or_default();
        tokio::time::sleep(Duration::from_millis(wait.max(1))).await;
    };
    let records: Vec<Value> = received.iter().map(sim::aws::sqs::Received::record).collect();
    let invocation = host.invoke(json!({ "Records": records }), stack::pump::TIME_OUT).await;
    let answer = invocation.result.expect("sync answers");
    let back = answer["batchItemFailures"].as_array().expect("a batch answer");
    for message in &received {
        if !back.iter().any(|it| it["itemIdentifier"] == message.message_id.as_str()) {
            stack.aws.sqs.delete(SYNC, &message.receipt_handle).expect("a message that is still ours");
        }
    }
    true
}
