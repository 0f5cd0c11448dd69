//! SQS: standard and FIFO queues in memory, for the unmodified SDK over the wire and for a test's pump beside it.
//!
//! Both ways end in the same queues and the same rules. The pump's way is not a call: it passes no plan of
//! misfortune and is not counted, as Lambda's own poller is no call of the product's.

mod admission;
mod attributes;
mod message;
mod places;
mod queue;
mod refusal;
mod service;
mod wire;

use std::sync::Arc;

use tokio::sync::watch;

use self::attributes::{Attributes, MAX_VISIBILITY_SECONDS, Redrive};
use self::message::Outgoing;
pub use self::message::{Held, MessageAttribute, Place, Received};
pub use self::places::Depth;
use self::queue::Queue;
use self::service::Service;
use super::json::{Dialect, Refusal};
use super::{ACCOUNT, REGION};
use crate::clock::Clock;
use crate::fault::Faults;
use crate::serve::{Served, serve};

const DIALECT: Dialect =
    Dialect { content_type: "application/x-amz-json-1.0", target_prefix: "AmazonSQS.", signing_name: "sqs" };

/// What a test says about a queue. Messages stay fourteen days, as long as SQS allows.
#[derive(Clone, Debug)]
pub struct QueueSettings {
    /// The name must end in `.fifo` when it is one.
    pub fifo: bool,
    pub visibility_seconds: i64,
    /// Only counts together with `dead_letter`.
    pub max_receive_count: u32,
    /// The name of a queue of the same kind that exists already.
    pub dead_letter: Option<String>,
}

/// The service. Clones are the same service; it stops listening when the last clone is dropped.
#[derive(Clone)]
pub struct Sqs {
    service: Arc<Service>,
    served: Arc<Served>,
}

impl std::fmt::Debug for Sqs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sqs").field("url", &self.url()).finish()
    }
}

impl Sqs {
    /// A service without queues.
    ///
    /// # Panics
    ///
    /// When the port is taken.
    pub async fn start(clock: &Clock, faults: &Faults, port: u16) -> Self {
        let service = Arc::new(Service::new(clock.clone()));
        let called = Arc::clone(&service);
        let router = DIALECT.router(move |operation, body| {
            let service = Arc::clone(&called);
            async move { wire::run(&service, &operation, &body).await }
        });
        let served = serve(faults.in_front_of("sqs", router), port)
            .await
            .unwrap_or_else(|error| panic!("SQS cannot listen on port {port}: {error}"));
        service.listens_at(served.url());
        Self { service, served: Arc::new(served) }
    }

    /// The endpoint for an SDK client.
    pub fn url(&self) -> String {
        self.served.url()
    }

    /// Makes a queue and returns its URL.
    ///
    /// # Panics
    ///
    /// When SQS would refuse to make it.
    pub fn create_queue(&self, name: &str, settings: &QueueSettings) -> String {
        let redrive = settings
            .dead_letter
            .as_ref()
            .map(|target| Redrive { target: target.clone(), max_receive_count: settings.max_receive_count });
        let attributes = Attributes {
            fifo: settings.fifo,
            visibility_seconds: settings.visibility_seconds,
            retention_seconds: 14 * 24 * 60 * 60,
            redrive,
            ..Attributes::default()
        };
        self.service
            .create(name, attributes)
            .unwrap_or_else(|refusal| panic!("cannot make the queue {name}: {refusal}"))
    }

    /// Puts a message on a queue, as a schedule does, and returns its id. A FIFO queue wants `group` and
    /// `deduplication`.
    pub fn send(
        &self,
        queue: &str,
        body: &str,
        group: Option<&str>,
        deduplication: Option<&str>,
    ) -> Result<String, Refusal> {
        let message = Outgoing {
            body: body.to_owned(),
            group: group.map(str::to_owned),
            deduplication: deduplication.map(str::to_owned),
            ..Outgoing::default()
        };
        Ok(self.service.send(queue, message)?.message_id)
    }

    /// Receives up to `max` messages at once (ten at most), as Lambda's poller does: over several groups, and
    /// nothing of a group of which anything is in flight. They are invisible for the queue's visibility time.
    ///
    /// # Panics
    ///
    /// When there is no such queue.
    pub fn receive(&self, queue: &str, max: usize) -> Vec<Received> {
        self.service.receive(queue, max.min(10), None).expect("a queue that exists")
    }

    /// Deletes a message that was received. A receipt of a FIFO queue that has expired is refused.
    pub fn delete(&self, queue: &str, receipt_handle: &str) -> Result<(), Refusal> {
        self.service.delete(queue, receipt_handle)
    }

    /// Gives a message back, to be received again in `after_ms` (0 to 12 hours). Its group waits for it.
    pub fn release(&self, queue: &str, receipt_handle: &str, after_ms: i64) -> Result<(), Refusal> {
        if !(0..=MAX_VISIBILITY_SECONDS * 1000).contains(&after_ms) {
            return Err(refusal::parameter("VisibilityTimeout", after_ms / 1000, "between 0 and 43200"));
        }
        self.service.change_visibility(queue, receipt_handle, after_ms)
    }

    /// How many messages the queue holds.
    ///
    /// # Panics
    ///
    /// When there is no such queue; the same holds for the methods below.
    pub fn depth(&self, queue: &str) -> Depth {
        self.service.with(queue, Queue::depth).expect("a queue that exists")
    }

    /// The earliest moment (Unix epoch, milliseconds) at which something that cannot be received now can be,
    /// if nothing is sent, deleted or released before. `None` when nothing is delayed or in flight.
    pub fn next_visible_at(&self, queue: &str) -> Option<i64> {
        self.service.with(queue, Queue::next_visible_at).expect("a queue that exists")
    }

    /// Everything in the queue, oldest first, without receiving it.
    pub fn messages(&self, queue: &str) -> Vec<Held> {
        self.service.with(queue, Queue::messages).expect("a queue that exists")
    }

    /// Empties the queue.
    pub fn purge(&self, queue: &str) {
        self.service.with(queue, |queue, _| queue.purge()).expect("a queue that exists");
    }

    /// The names of all queues, sorted.
    pub fn queues(&self) -> Vec<String> {
        self.service.names()
    }

    /// A count that grows whenever a message may have become receivable by an act (not by mere time): a pump
    /// waits for it to change.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.service.changes()
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
}
