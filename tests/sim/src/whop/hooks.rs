//! Webhooks as Whop sends them: who is told what, in which envelope, signed how, and when again after a failure.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::ids;
use super::records::Books;
use super::render::Lens;
use super::strange;
use super::world::{Delivery, Rights, World};
use crate::clock::iso;

pub(super) const ENDPOINT: &str = "hook_";
pub(super) const ATTEMPT: &str = "whdel_";

const SECOND: i64 = 1_000;
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

/// The signature header of a delivery: HMAC-SHA256 keyed with the literal bytes of the secret, its `ws_`
/// included (Whop, webhooks guide). `timestamp` is Unix seconds.
pub fn sign(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes any key");
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

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

/// What an event is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Subject {
    Member(usize),
    Membership(usize),
    Payment(usize),
    Refund(usize),
    Dispute(usize),
    Alert(usize),
    Product(usize),
    Variant(usize),
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

fn family(event: &str) -> &'static str {
    match event.split('.').next().unwrap_or_default() {
        "member" => "members",
        "membership" => "memberships",
        "payment" => "payments",
        "refund" => "refunds",
        "dispute" | "dispute_alert" => "disputes",
        "product" => "products",
        _ => "plans",
    }
}

/// The body of a delivery by the endpoint's pin.
pub(super) fn envelope(
    id: &str,
    event: &str,
    now: i64,
    pin: Option<&str>,
    account: Value,
) -> Map<String, Value> {
    let owner = match pin {
        Some(pin) if pin >= "2026-08-14" => "account_id",
        _ => "company_id",
    };
    let fields = json!({
        "id": id,
        "type": event,
        "api_version": "v1",
        "api_version_date": pin,
        "timestamp": iso(now),
        owner: account,
    });
    match fields {
        Value::Object(fields) => fields,
        _ => unreachable!("written as an object"),
    }
}

impl Books {
    pub(super) fn show(&self, subject: Subject, lens: &Lens, pin: Option<&str>) -> Value {
        let old = pin.is_none_or(|pin| pin < "2026-07-23");
        match subject {
            Subject::Member(row) => self.show_member(row, lens),
            Subject::Membership(row) if old => self.show_membership_of_2025(row),
            Subject::Membership(row) => self.show_membership(row, lens),
            Subject::Payment(row) => self.show_payment(row, lens),
            Subject::Refund(row) => self.show_refund_in_webhook(row, lens),
            Subject::Dispute(row) => self.show_dispute(row, lens),
            Subject::Alert(row) => self.show_alert(row),
            Subject::Product(row) => self.show_product(row, lens),
            Subject::Variant(row) => self.show_variant(row, lens),
        }
    }

    fn account_of(&self, subject: Subject) -> usize {
        match subject {
            Subject::Member(row) => self.members[row].account,
            Subject::Membership(row) => self.memberships[row].account,
            Subject::Payment(row) => self.payments[row].account,
            Subject::Refund(row) => self.refunds[row].account,
            Subject::Dispute(row) => self.disputes[row].account,
            Subject::Alert(row) => self.alerts[row].account,
            Subject::Product(row) => self.products[row].account,
            Subject::Variant(row) => self.variants[row].account,
        }
    }
}

impl World {
    /// Tells every endpoint that wants to know.
    pub(super) fn emit(&mut self, now: i64, event: &str, subject: Subject, previous: Map<String, Value>) {
        let account = self.books.account_of(subject);
        for row in 0..self.hooks.endpoints.len() {
            if !self.hears(row, event, account) {
                continue;
            }
            let id = format!("msg_{}", &self.secret("message")[..24]);
            let endpoint = &self.hooks.endpoints[row];
            let pin = endpoint.pin.as_deref();
            let owner = self.books.account_id(account).into();
            let mut body = envelope(&id, event, now, pin, owner);
            let lens = endpoint.rights.lens(false);
            let mut data = self.books.show(subject, &lens, pin);
            if self.switches.strange {
                strange::season(&mut data);
            }
            body.insert("data".to_owned(), data);
            if !previous.is_empty() {
                body.insert("previous_attributes".to_owned(), previous.clone().into());
            }
            let body = Value::Object(body).to_string();
            self.queue(row, id, event, body, now);
        }
    }

    fn hears(&self, endpoint: usize, event: &str, account: usize) -> bool {
        let endpoint = &self.hooks.endpoints[endpoint];
        let wanted =
            endpoint.enabled && !endpoint.deleted && endpoint.events.iter().any(|name| name == event);
        wanted
            && match endpoint.resource {
                Resource::Account(own) => own == account && !endpoint.child_events,
                Resource::App(app) => {
                    let right = format!("webhook_receive:{}", family(event));
                    self.apps[app].installed.contains(&account) && endpoint.rights.allow(&right)
                }
            }
    }

    fn queue(&mut self, endpoint: usize, id: String, event: &str, body: String, now: i64) {
        let message = Message {
            endpoint,
            id,
            event: event.to_owned(),
            body,
            failed: 0,
            due: now,
            replayed_from: None,
        };
        match self.switches.delivery {
            Delivery::Send => self.hooks.pending.push(message),
            Delivery::Collect => self.hooks.collected.push(message),
        }
    }

    /// A message with the headers it would be posted with at `now`.
    pub(super) fn signed(&self, message: &Message, now: i64) -> SignedDelivery {
        let endpoint = &self.hooks.endpoints[message.endpoint];
        let timestamp = now.div_euclid(SECOND);
        let signature = sign(&endpoint.secret, &message.id, timestamp, message.body.as_bytes());
        let header = |name: &str, value: String| (name.to_owned(), value);
        SignedDelivery {
            url: endpoint.url.clone(),
            headers: vec![
                header("content-type", "application/json".to_owned()),
                header("webhook-id", message.id.clone()),
                header("webhook-timestamp", timestamp.to_string()),
                header("webhook-signature", signature),
            ],
            body: message.body.clone().into(),
            id: message.id.clone(),
            event: message.event.clone(),
            endpoint: ids::name(ENDPOINT, message.endpoint),
        }
    }

    /// Removes and returns what is due.
    pub(super) fn take_due(&mut self, now: i64) -> Vec<Message> {
        self.hooks
            .pending
            .extract_if(.., |message| message.due <= now)
            .collect()
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
                self.notes
                    .mails
                    .push(format!("{name} has been failing for 24 hours"));
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
        self.hooks.attempts.push(Attempt {
            message,
            sent_at: now,
            outcome,
        });
    }
}
