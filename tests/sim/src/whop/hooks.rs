//! Webhook endpoints and their deliveries: when an attempt is made again, and when an endpoint is given up.

use super::ids;
use super::world::{Rights, World};

pub(super) const ENDPOINT: &str = "hook_";
pub(super) const ATTEMPT: &str = "whdel_";

pub(super) const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;

/// The waits before the twelve retries (Whop, webhooks guide): about 71 hours in all.
pub(super) const RETRY_AFTER_MS: [i64; 12] = [
    30 * SECOND,
    120 * SECOND,
    480 * SECOND,
    1_800 * SECOND,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    12 * HOUR,
    12 * HOUR,
    12 * HOUR,
    12 * HOUR,
];
const WARN_AFTER_MS: i64 = 24 * HOUR;
const DISABLE_AFTER_MS: i64 = 72 * HOUR;
const DISABLE_AFTER_FAILURES: u32 = 10;
const KEPT_MS: i64 = 30 * 24 * HOUR;

/// A delivery as it would be posted, for a test to send when and as often as it likes.
#[derive(Clone, Debug)]
pub struct SignedDelivery {
    /// Where the endpoint wants it.
    pub url: String,
    /// `content-type` and the three headers of Standard Webhooks.
    pub headers: Vec<(String, String)>,
    /// The exact bytes that were signed.
    pub body: bytes::Bytes,
    /// `webhook-id`.
    pub id: String,
    /// Such as `membership.activated`.
    pub event: String,
    /// The `hook_` id of the endpoint.
    pub endpoint: String,
}

/// Whose events an endpoint hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    Account(usize),
    App(usize),
}

#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub(super) resource: Resource,
    pub(super) rights: Rights,
    pub(super) url: String,
    pub(super) events: Vec<String>,
    pub(super) pin: Option<String>,
    pub(super) child_events: bool,
    pub(super) enabled: bool,
    pub(super) secret: String,
    pub(super) created_at: i64,
    pub(super) failures: u32,
    pub(super) failing_since: Option<i64>,
    pub(super) last_failure_at: Option<i64>,
    pub(super) disabled_at: Option<i64>,
    pub(super) warned: bool,
    pub(super) deleted: bool,
}

/// One event for one endpoint, with the bytes it will be told in.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) endpoint: usize,
    pub(super) id: String,
    pub(super) event: String,
    pub(super) body: String,
    /// How many attempts have failed.
    pub(super) failed: usize,
    pub(super) due: i64,
    pub(super) replayed_from: Option<usize>,
}

/// One attempt, as the delivery log keeps it.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) message: Message,
    pub(super) sent_at: i64,
    pub(super) outcome: Outcome,
}

/// What the receiver did with an attempt; status 0 when there was no answer.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) status: u16,
    pub(super) body: String,
    pub(super) took_ms: u64,
}

impl Outcome {
    pub(super) fn success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

#[derive(Debug, Default)]
pub(super) struct Hooks {
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) pending: Vec<Message>,
    pub(super) collected: Vec<Message>,
    pub(super) attempts: Vec<Attempt>,
}

impl Hooks {
    pub(super) fn endpoint(&self, id: &str) -> Option<usize> {
        ids::row(ENDPOINT, id).filter(|row| self.endpoints.get(*row).is_some_and(|found| !found.deleted))
    }

    /// Attempts of one endpoint that are still kept, newest first.
    pub(super) fn log(&self, endpoint: usize, now: i64) -> Vec<usize> {
        let kept = |row: &usize| {
            let attempt = &self.attempts[*row];
            attempt.message.endpoint == endpoint && now - attempt.sent_at <= KEPT_MS
        };
        (0..self.attempts.len()).rev().filter(kept).collect()
    }
}

impl World {
    /// Removes and returns what is due.
    pub(super) fn take_due(&mut self, now: i64) -> Vec<Message> {
        self.hooks.pending.extract_if(.., |message| message.due <= now).collect()
    }

    /// Writes the log, and decides about a retry and about the endpoint's future.
    pub(super) fn note_attempt(&mut self, now: i64, message: Message, outcome: Outcome, retry: bool) {
        let endpoint = &mut self.hooks.endpoints[message.endpoint];
        let name = ids::name(ENDPOINT, message.endpoint);
        if outcome.success() {
            endpoint.failures = 0;
            endpoint.failing_since = None;
            endpoint.warned = false;
        } else {
            endpoint.failures += 1;
            endpoint.last_failure_at = Some(now);
            let failing_for = now - *endpoint.failing_since.get_or_insert(now);
            if failing_for >= WARN_AFTER_MS && !endpoint.warned {
                endpoint.warned = true;
                self.notes.mails.push(format!("{name} has been failing for 24 hours"));
            }
            let enough = endpoint.failures >= DISABLE_AFTER_FAILURES;
            if failing_for >= DISABLE_AFTER_MS && enough && endpoint.enabled {
                endpoint.enabled = false;
                endpoint.disabled_at = Some(now);
                self.notes.mails.push(format!("{name} was disabled"));
                let dead = message.endpoint;
                self.hooks.pending.retain(|waiting| waiting.endpoint != dead);
            }
        }
        let again = retry && !outcome.success() && self.hooks.endpoints[message.endpoint].enabled;
        if let Some(wait) = RETRY_AFTER_MS.get(message.failed).filter(|_| again) {
            self.hooks.pending.push(Message {
                failed: message.failed + 1,
                due: now + wait,
                ..message.clone()
            });
        }
        self.hooks.attempts.push(Attempt { message, sent_at: now, outcome });
    }
}
