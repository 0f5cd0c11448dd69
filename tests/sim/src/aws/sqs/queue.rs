//! One queue and its rules: order within a group, one batch of a group in flight, deduplication, visibility,
//! receive counts. It is given the time and never reads it, and it does not know the wire.

use std::collections::{HashMap, VecDeque};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::super::json::Refusal;
use super::attributes::{Attributes, MAX_VISIBILITY_SECONDS};
use super::message::{Held, Message, Outgoing, Place, Received, Sent, md5_hex};
use super::places::{Depth, Places};
use super::refusal;

/// For how long a repeated deduplication id is answered with the first message.
const DEDUPLICATION_MS: i64 = 5 * 60 * 1000;

/// Real sequence numbers have twenty digits.
const FIRST_SEQUENCE_NUMBER: u128 = 18_850_000_000_000_000_000;

/// What one receive call took out.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) received: Vec<Received>,
    /// Messages that were received too often: they belong in the dead-letter queue.
    pub(super) dead: Vec<Message>,
}

#[derive(Debug)]
pub(super) struct Queue {
    pub(super) name: String,
    pub(super) attributes: Attributes,
    pub(super) created_ms: i64,
    pub(super) purged_ms: Option<i64>,
    salt: String,
    arrivals: u64,
    held: Places,
    remembered: HashMap<String, Sent>,
    /// The deduplication ids above, in the order in which they are forgotten.
    forgetting: VecDeque<(i64, String)>,
}

impl Queue {
    pub(super) fn new(name: &str, attributes: Attributes, now: i64) -> Self {
        let held = Places::new(attributes.fifo);
        Self {
            name: name.to_owned(),
            attributes,
            created_ms: now,
            purged_ms: None,
            // Ids differ between two lives of the same queue, and are the same for the same test.
            salt: format!("{name}/{now}"),
            arrivals: 0,
            held,
            remembered: HashMap::new(),
            forgetting: VecDeque::new(),
        }
    }

    /// Takes in a message that was admitted, unless its deduplication id was seen within five minutes.
    pub(super) fn send(&mut self, now: i64, message: Outgoing) -> Sent {
        self.settle(now);
        let deduplication =
            self.attributes.fifo.then(|| message.deduplication.unwrap_or_else(|| content_id(&message.body)));
        if let Some(first) = deduplication.as_ref().and_then(|id| self.remembered.get(id)) {
            return first.clone();
        }
        let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{}/{}", self.salt, self.arrivals).as_bytes());
        let delay =
            message.delay_seconds.filter(|_| !self.attributes.fifo).unwrap_or(self.attributes.delay_seconds);
        let place = if delay > 0 { Place::Delayed(now + delay * 1000) } else { Place::Visible };
        let sent = self.insert(Message {
            id: id.to_string(),
            body: message.body,
            group: message.group,
            deduplication: deduplication.clone(),
            attributes: message.attributes,
            trace_header: message.trace_header,
            sequence_number: None,
            dead_letter_source: None,
            sent_ms: now,
            first_received_ms: None,
            last_received_ms: 0,
            received: 0,
            received_here: 0,
            place,
        });
        if let Some(id) = deduplication {
            self.remembered.insert(id.clone(), sent.clone());
            self.forgetting.push_back((now + DEDUPLICATION_MS, id));
        }
        sent
    }

    /// Takes in a message that was received too often in the queue with the ARN `source`. A FIFO queue dates it
    /// anew, a standard one keeps its age (SQS developer guide, dead-letter queues).
    pub(super) fn bury(&mut self, now: i64, source: &str, mut message: Message) {
        message.received_here = 0;
        message.place = Place::Visible;
        message.dead_letter_source = Some(source.to_owned());
        if self.attributes.fifo {
            message.sent_ms = now;
        }
        self.insert(message);
    }

    /// Hands out up to `max` messages and hides them. A group with anything in flight gives nothing; otherwise it
    /// gives what it has, in order, before the next group is asked.
    pub(super) fn receive(&mut self, now: i64, max: usize, visibility_ms: i64) -> Taken {
        self.settle(now);
        let limit = self.attributes.redrive.as_ref().map(|redrive| redrive.max_receive_count);
        let mut taken = Taken::default();
        for (seq, is_dead) in self.choose(max, limit) {
            if is_dead {
                taken.dead.push(self.held.remove(seq));
            } else {
                taken.received.push(self.hand_out(now, seq, visibility_ms));
            }
        }
        taken
    }

    /// Removes the message that `handle` is the latest receipt of. One that is gone already is no error.
    pub(super) fn delete(&mut self, now: i64, handle: &str) -> Result<(), Refusal> {
        self.settle(now);
        let (seq, receipt) = self.read_handle(handle)?;
        let Some(message) = self.held.get(seq) else {
            return Ok(());
        };
        let is_latest = message.received == receipt;
        if self.attributes.fifo && !(is_latest && matches!(message.place, Place::InFlight(_))) {
            return Err(refusal::expired_handle(handle));
        }
        if is_latest {
            self.held.remove(seq);
        }
        Ok(())
    }

    /// Lets the message reappear `after_ms` from now; in a FIFO queue its group waits for it.
    pub(super) fn change_visibility(&mut self, now: i64, handle: &str, after_ms: i64) -> Result<(), Refusal> {
        self.settle(now);
        let (seq, receipt) = self.read_handle(handle)?;
        let Some(message) = self.held.get(seq) else {
            return Err(refusal::not_available(handle));
        };
        if message.received != receipt || !matches!(message.place, Place::InFlight(_)) {
            return Err(if self.attributes.fifo {
                refusal::not_available(handle)
            } else {
                refusal::not_in_flight()
            });
        }
        if now + after_ms - message.last_received_ms > MAX_VISIBILITY_SECONDS * 1000 {
            return Err(refusal::parameter(
                "VisibilityTimeout",
                after_ms / 1000,
                "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]",
            ));
        }
        self.held.move_to(seq, Place::InFlight(now + after_ms));
        self.settle(now);
        Ok(())
    }

    pub(super) fn depth(&mut self, now: i64) -> Depth {
        self.settle(now);
        self.held.depth()
    }

    /// The earliest moment after `now` at which something that cannot be received now can be.
    pub(super) fn next_visible_at(&mut self, now: i64) -> Option<i64> {
        self.settle(now);
        self.held.next_visible_at()
    }

    /// Everything in the queue, oldest first.
    pub(super) fn messages(&mut self, now: i64) -> Vec<Held> {
        self.settle(now);
        let held = self.held.oldest_first().map(|message| Held {
            message_id: message.id.clone(),
            body: message.body.clone(),
            attributes: message.system_attributes(),
            message_attributes: message.attributes.clone(),
            place: message.place,
        });
        held.collect()
    }

    pub(super) fn purge(&mut self) {
        self.held = Places::new(self.attributes.fifo);
    }

    /// Lets time have happened: what is due becomes visible, what is too old is gone or forgotten.
    fn settle(&mut self, now: i64) {
        while let Some(seq) = self.held.due(now) {
            self.held.move_to(seq, Place::Visible);
        }
        let too_old = now - self.attributes.retention_seconds * 1000;
        while let Some(seq) = self.held.first_sent_by(too_old) {
            self.held.remove(seq);
        }
        while let Some((_, id)) = self.forgetting.pop_front_if(|(until, _)| *until <= now) {
            self.remembered.remove(&id);
        }
    }

    /// The next `max` messages to hand out, in order, and those among them that were received `limit` times and
    /// make room for others.
    fn choose(&self, max: usize, limit: Option<u32>) -> Vec<(u64, bool)> {
        let mut chosen = Vec::new();
        let mut alive = 0;
        for (seq, message) in self.held.receivable() {
            if alive == max {
                break;
            }
            let is_dead = limit.is_some_and(|limit| message.received_here >= limit);
            alive += usize::from(!is_dead);
            chosen.push((seq, is_dead));
        }
        chosen
    }

    fn hand_out(&mut self, now: i64, seq: u64, visibility_ms: i64) -> Received {
        self.held.move_to(seq, Place::InFlight(now + visibility_ms));
        let queue_arn = super::arn(&self.name);
        let message = self.held.get_mut(seq);
        message.received += 1;
        message.received_here += 1;
        message.last_received_ms = now;
        message.first_received_ms.get_or_insert(now);
        Received {
            message_id: message.id.clone(),
            receipt_handle: BASE64.encode(format!("{}\n{seq}\n{}", self.salt, message.received)),
            body: message.body.clone(),
            md5_of_body: md5_hex(&message.body),
            attributes: message.system_attributes(),
            message_attributes: message.attributes.clone(),
            queue_arn,
        }
    }

    fn insert(&mut self, mut message: Message) -> Sent {
        self.arrivals += 1;
        let seq = self.arrivals;
        if self.attributes.fifo {
            message.sequence_number = Some((FIRST_SEQUENCE_NUMBER + u128::from(seq) * 256).to_string());
        }
        let sent = Sent { message_id: message.id.clone(), sequence_number: message.sequence_number.clone() };
        self.held.insert(seq, message);
        sent
    }

    /// The arrival and the receipt that a handle of this queue names.
    fn read_handle(&self, handle: &str) -> Result<(u64, u32), Refusal> {
        let text = BASE64.decode(handle).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let parts = text.as_deref().and_then(|text| {
            let (arrival, receipt) = text.strip_prefix(&self.salt)?.strip_prefix('\n')?.split_once('\n')?;
            Some((arrival.parse().ok()?, receipt.parse().ok()?))
        });
        parts.ok_or_else(|| refusal::bad_handle(handle))
    }
}

/// A content-based deduplication id: the digest of the body, not of the attributes.
fn content_id(body: &str) -> String {
    hex::encode(Sha256::digest(body))
}
