//! Working off the queue while counting what that takes.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use stack::{Stack, pump};

/// Bytes that all functions of this process logged so far.
static LOGGED: AtomicU64 = AtomicU64::new(0);

/// Counts log lines instead of keeping them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logs;

impl io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl tracing_subscriber::fmt::MakeWriter<'_> for Logs {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        *self
    }
}

impl Logs {
    pub(crate) fn bytes() -> u64 {
        LOGGED.load(Ordering::Relaxed)
    }
}

/// What was called, and by whose doing. Every number is a whole count.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Calls {
    pub(crate) whop: u64,
    pub(crate) twenty: u64,
    pub(crate) dynamodb: u64,
    /// The product's own calls of SQS.
    pub(crate) sqs: u64,
    /// What Lambda's poller calls besides: one receive and one delete for each batch.
    pub(crate) sqs_poller: u64,
    pub(crate) secrets: u64,
    /// Events that the worker was started with.
    pub(crate) batches: u64,
    /// Twice the read and write units of the table.
    pub(crate) half_reads: u64,
    pub(crate) half_writes: u64,
    pub(crate) log_bytes: u64,
    /// Each operation of AWS.
    pub(crate) operations: BTreeMap<String, u64>,
}

impl Calls {
    pub(crate) fn aws(&self) -> u64 {
        self.dynamodb + self.sqs + self.sqs_poller + self.secrets
    }
}

/// A stretch of work and what was counted before it.
pub(crate) struct Meter {
    units: sim::aws::dynamodb::Units,
    logged: u64,
    calls: Calls,
}

impl Meter {
    pub(crate) fn start(stack: &Stack) -> Self {
        stack.faults.forget_calls();
        Self { units: stack.aws.dynamodb.units(), logged: Logs::bytes(), calls: Calls::default() }
    }

    /// Takes over what was called since, and forgets the record, which would grow for ever.
    fn take(&mut self, stack: &Stack) {
        let calls = stack.faults.calls();
        stack.faults.forget_calls();
        for call in calls {
            match call.service {
                "whop" => self.calls.whop += 1,
                "twenty" => self.calls.twenty += 1,
                "dynamodb" => self.calls.dynamodb += 1,
                "sqs" => self.calls.sqs += 1,
                _ => self.calls.secrets += 1,
            }
            if matches!(call.service, "dynamodb" | "sqs" | "secrets") {
                *self.calls.operations.entry(call.operation).or_default() += 1;
            }
        }
    }

    /// Works off the queue, moving a stepped clock to the moment a delayed message is due.
    pub(crate) async fn work_off(&mut self, stack: &Stack) {
        loop {
            if pump::once(stack).await > 0 {
                self.calls.batches += 1;
                self.calls.sqs_poller += 2;
                self.take(stack);
                continue;
            }
            match stack.aws.sqs.next_visible_at(stack::SYNC) {
                Some(due) => stack.clock.advance_ms((due - stack.clock.now_ms()).max(1)),
                None => return,
            }
        }
    }

    pub(crate) fn stop(mut self, stack: &Stack) -> Calls {
        self.take(stack);
        let units = stack.aws.dynamodb.units();
        self.calls.half_reads = units.half_reads - self.units.half_reads;
        self.calls.half_writes = units.half_writes - self.units.half_writes;
        self.calls.log_bytes = Logs::bytes() - self.logged;
        self.calls
    }
}
