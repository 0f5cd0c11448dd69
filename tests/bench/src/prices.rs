//! What AWS charges, and what counted calls cost. Money is counted in whole picodollars.

use serde::Serialize;

use crate::work::Calls;

/// A picodollar is a millionth of a millionth of a dollar.
type Pico = u128;

/// List prices of us-east-1 without the free tier, as of 2026-11.
pub(crate) const AS_OF: &str = "2026-11, us-east-1, list price, no free tier";

/// One request of an HTTP API: $1.00 a million.
const GATEWAY: Pico = 1_000_000;
/// One invocation of a function: $0.20 a million.
const INVOCATION: Pico = 200_000;
/// One GB-second on arm64: $0.0000133334.
const GB_SECOND: Pico = 13_333_400;
/// One request to a FIFO queue of at most 64 KB: $0.50 a million.
const QUEUE: Pico = 500_000;
/// One write unit: $0.625 a million.
const WRITE: Pico = 625_000;
/// One read unit: $0.125 a million.
const READ: Pico = 125_000;
/// One call of Secrets Manager: $0.05 for ten thousand.
const SECRET: Pico = 5_000_000;
/// One GB of logs taken in: $0.50.
const LOG_GB: Pico = 500_000_000_000;

/// Time is not counted here, since loopback is not a network; these are the reference times of a 256 MB function.
const INTAKE_MS: Pico = 15;
/// A batch of deliveries, with its calls to Whop and Twenty.
const BATCH_MS: Pico = 700;
/// Reading one page at Whop.
const PAGE_MS: Pico = 500;
/// One batch of sixty at Twenty.
const CRM_MS: Pico = 1_200;

/// Where the money for a million goes, in dollars.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Dollars {
    pub(crate) gateway: f64,
    pub(crate) functions: f64,
    pub(crate) queue: f64,
    pub(crate) table: f64,
    pub(crate) secrets: f64,
    pub(crate) logs: f64,
    pub(crate) sum: f64,
}

fn function(invocations: Pico, milliseconds: Pico) -> Pico {
    // A quarter of a GB, thousandths of a second.
    invocations * INVOCATION + milliseconds * GB_SECOND / 4 / 1_000
}

/// A million deliveries, from the counts for `n` of them.
pub(crate) fn of_deliveries(calls: &Calls, n: u64) -> Dollars {
    let (n, batches) = (Pico::from(n), Pico::from(calls.batches));
    let functions = function(n, n * INTAKE_MS) + function(batches, batches * BATCH_MS);
    per_million(calls, n, n * GATEWAY, functions)
}

/// A million memberships, from the counts for a back-fill of `n` of them.
pub(crate) fn of_memberships(calls: &Calls, n: u64) -> Dollars {
    let milliseconds = Pico::from(calls.whop) * PAGE_MS + Pico::from(calls.twenty) * CRM_MS;
    per_million(calls, Pico::from(n), 0, function(Pico::from(calls.batches), milliseconds))
}

fn per_million(calls: &Calls, n: Pico, gateway: Pico, functions: Pico) -> Dollars {
    let queue = Pico::from(calls.sqs + calls.sqs_poller) * QUEUE;
    let table = u128::midpoint(Pico::from(calls.half_writes) * WRITE, Pico::from(calls.half_reads) * READ);
    let secrets = Pico::from(calls.secrets) * SECRET;
    let logs = Pico::from(calls.log_bytes) * LOG_GB / (1 << 30);
    let sum = gateway + functions + queue + table + secrets + logs;
    // A picodollar each is a microdollar for a million: dollars after six places.
    let dollars = |pico: Pico| (pico / n.max(1)) as f64 / 1e6;
    Dollars {
        gateway: dollars(gateway),
        functions: dollars(functions),
        queue: dollars(queue),
        table: dollars(table),
        secrets: dollars(secrets),
        logs: dollars(logs),
        sum: dollars(sum),
    }
}
