//! Events as Whop tells them: to whom, in which envelope, signed how.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::hooks::{ENDPOINT, Message, Resource, SECOND, SignedDelivery};
use super::records::Books;
use super::render::Lens;
use super::world::{Delivery, World};
use super::{ids, strange};
use crate::clock::iso;

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

/// The signature header of a delivery: HMAC-SHA256 keyed with the literal bytes of the secret, its `ws_`
/// included (Whop, webhooks guide). `timestamp` is Unix seconds.
pub fn sign(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes any key");
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
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
    Map::from_iter([
        ("id".to_owned(), json!(id)),
        ("type".to_owned(), json!(event)),
        ("api_version".to_owned(), json!("v1")),
        ("api_version_date".to_owned(), json!(pin)),
        ("timestamp".to_owned(), json!(iso(now))),
        (owner.to_owned(), account),
    ])
}

impl Books {
    pub(super) fn show(&self, subject: Subject, lens: Lens, pin: Option<&str>) -> Value {
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
    pub(super) fn emit(&mut self, now: i64, event: &str, subject: Subject, previous: &Map<String, Value>) {
        let account = self.books.account_of(subject);
        for row in 0..self.hooks.endpoints.len() {
            if !self.hears(row, event, account) {
                continue;
            }
            let id = self.message_id();
            let endpoint = &self.hooks.endpoints[row];
            let pin = endpoint.pin.as_deref();
            let owner = self.books.account_id(account).into();
            let mut body = envelope(&id, event, now, pin, owner);
            let lens = endpoint.rights.lens(false);
            let mut data = self.books.show(subject, lens, pin);
            if self.switches.strange {
                strange::season(&mut data);
            }
            body.insert("data".to_owned(), data);
            if !previous.is_empty() {
                body.insert("previous_attributes".to_owned(), previous.clone().into());
            }
            let body = Value::Object(body).to_string();
            self.queue(Message {
                endpoint: row,
                id,
                event: event.to_owned(),
                body,
                failed: 0,
                due: now,
                replayed_from: None,
            });
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

    fn queue(&mut self, message: Message) {
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
}
