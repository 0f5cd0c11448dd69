//! All queues together: names, addresses, and the way from a queue to its dead-letter queue.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};

use tokio::sync::watch;

use super::super::ACCOUNT;
use super::super::json::Refusal;
use super::attributes::{Attributes, Redrive};
use super::message::{Outgoing, Received, Sent};
use super::queue::Queue;
use super::{admission, arn, refusal};
use crate::clock::Clock;

#[derive(Debug)]
pub(super) struct Service {
    pub(super) clock: Clock,
    queues: Mutex<BTreeMap<String, Queue>>,
    changed: watch::Sender<u64>,
    address: OnceLock<String>,
}

impl Service {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, queues: Mutex::default(), changed: watch::Sender::new(0), address: OnceLock::new() }
    }

    /// Says once where the service listens; queue URLs begin with it.
    pub(super) fn listens_at(&self, url: String) {
        self.address.set(url).expect("one address");
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn tell(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.queues.lock().unwrap().keys().cloned().collect()
    }

    pub(super) fn url_of(&self, name: &str) -> Result<String, Refusal> {
        self.with(name, |_, _| ())?;
        Ok(format!("{}/{ACCOUNT}/{name}", self.address.wait()))
    }

    /// The name of the queue at `url`; whether it exists is not asked here.
    pub(super) fn name_at(url: &str) -> Result<String, Refusal> {
        let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
        let name = path.and_then(|(_, path)| path.strip_prefix(ACCOUNT)?.strip_prefix('/'));
        match name {
            Some(name) if !name.contains('/') => Ok(name.to_owned()),
            Some(_) | None => Err(refusal::invalid_address(url)),
        }
    }

    /// Makes a queue, or finds the one of this name when it was made alike. Returns its URL.
    pub(super) fn create(&self, name: &str, attributes: Attributes) -> Result<String, Refusal> {
        check_name(name, attributes.fifo)?;
        let mut queues = self.queues.lock().unwrap();
        if let Some(redrive) = &attributes.redrive {
            check_redrive(&queues, redrive, attributes.fifo)?;
        }
        match queues.get(name) {
            Some(queue) if queue.attributes == attributes => {}
            Some(_) => return Err(refusal::queue_exists(name)),
            None => {
                let queue = Queue::new(name, attributes, self.clock.now_ms());
                queues.insert(name.to_owned(), queue);
            }
        }
        drop(queues);
        self.url_of(name)
    }

    /// Lets `act` at a queue, with the present moment.
    pub(super) fn with<T>(&self, name: &str, act: impl FnOnce(&mut Queue, i64) -> T) -> Result<T, Refusal> {
        let mut queues = self.queues.lock().unwrap();
        let queue = queues.get_mut(name).ok_or_else(refusal::unknown_queue)?;
        Ok(act(queue, self.clock.now_ms()))
    }

    pub(super) fn send(&self, name: &str, message: Outgoing) -> Result<Sent, Refusal> {
        let sent = self.with(name, |queue, now| {
            admission::check(&queue.attributes, &message)?;
            Ok(queue.send(now, message))
        })??;
        self.tell();
        Ok(sent)
    }

    /// Receives; what was received too often goes to the dead-letter queue on the way.
    pub(super) fn receive(
        &self,
        name: &str,
        max: usize,
        visibility_ms: Option<i64>,
    ) -> Result<Vec<Received>, Refusal> {
        let now = self.clock.now_ms();
        let mut queues = self.queues.lock().unwrap();
        let queue = queues.get_mut(name).ok_or_else(refusal::unknown_queue)?;
        let visibility_ms = visibility_ms.unwrap_or(queue.attributes.visibility_seconds * 1000);
        let taken = queue.receive(now, max, visibility_ms);
        let target = queue.attributes.redrive.as_ref().map(|redrive| redrive.target.clone());
        if let Some(target) = target.filter(|_| !taken.dead.is_empty()) {
            let graveyard = queues.get_mut(&target).expect("queues are never removed");
            for message in taken.dead {
                graveyard.bury(now, &arn(name), message);
            }
            self.tell();
        }
        Ok(taken.received)
    }

    pub(super) fn delete(&self, name: &str, handle: &str) -> Result<(), Refusal> {
        self.with(name, |queue, now| queue.delete(now, handle))??;
        self.tell();
        Ok(())
    }

    pub(super) fn change_visibility(&self, name: &str, handle: &str, after_ms: i64) -> Result<(), Refusal> {
        self.with(name, |queue, now| queue.change_visibility(now, handle, after_ms))??;
        self.tell();
        Ok(())
    }
}

fn check_name(name: &str, fifo: bool) -> Result<(), Refusal> {
    let stem = if fifo { name.strip_suffix(".fifo") } else { Some(name) };
    let is_good = |stem: &str| {
        (1..=80).contains(&name.len()) && stem.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    };
    match stem {
        Some(stem) if is_good(stem) => Ok(()),
        Some(_) => Err(refusal::invalid(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        )),
        None => Err(refusal::invalid("The name of a FIFO queue can only end in '.fifo'.")),
    }
}

fn check_redrive(queues: &BTreeMap<String, Queue>, redrive: &Redrive, fifo: bool) -> Result<(), Refusal> {
    let bad = |reason: &str| Err(refusal::parameter("RedrivePolicy", &redrive.target, reason));
    match queues.get(&redrive.target) {
        None => bad("Dead letter target does not exist."),
        Some(target) if target.attributes.fifo != fifo => {
            bad("Dead-letter queue must be same type of queue as the source.")
        }
        Some(_) => Ok(()),
    }
}
