//! Endpoints and attempts in wire shape, and the messages that are sent on request.

use serde_json::{Map, Value, json};

use crate::clock::iso;
use crate::whop::events::envelope;
use crate::whop::hooks::{ATTEMPT, ENDPOINT, Message, Outcome, Resource};
use crate::whop::world::World;
use crate::whop::{ids, samples};

impl World {
    pub(super) fn show_endpoint(&self, row: usize, secret: Option<&str>) -> Value {
        let endpoint = &self.hooks.endpoints[row];
        let time = |at: Option<i64>| at.map(iso);
        json!({
            "api_version": "v1",
            "api_version_date": endpoint.pin,
            "child_resource_events": endpoint.child_events,
            "consecutive_failures": endpoint.failures,
            "created_at": iso(endpoint.created_at),
            "disabled_at": time(endpoint.disabled_at),
            "disabled_reason": endpoint.disabled_at.map(|_| "delivery_failures"),
            "enabled": endpoint.enabled,
            "events": endpoint.events,
            "failing_since": time(endpoint.failing_since),
            "id": ids::name(ENDPOINT, row),
            "last_failure_at": time(endpoint.last_failure_at),
            "resource_id": match endpoint.resource {
                Resource::Account(account) => self.books.account_id(account),
                Resource::App(app) => ids::name("app_", app),
            },
            "testable_events": endpoint.events,
            "url": endpoint.url,
            "webhook_secret": secret,
        })
    }

    pub(super) fn show_attempt(&self, row: usize) -> Value {
        let attempt = &self.hooks.attempts[row];
        let Outcome { status, body, took_ms } = &attempt.outcome;
        let endpoint = &self.hooks.endpoints[attempt.message.endpoint];
        let read: Option<Map<String, Value>> = serde_json::from_str(body).ok();
        json!({
            "event": attempt.message.event,
            "id": ids::name(ATTEMPT, row),
            "replayed_from": attempt.message.replayed_from.map(|from| ids::name(ATTEMPT, from)),
            "request_body": serde_json::from_str::<Value>(&attempt.message.body).expect("we wrote it"),
            "resource_id": match endpoint.resource {
                Resource::Account(account) => self.books.account_id(account),
                Resource::App(app) => ids::name("app_", app),
            },
            "response_body": read,
            "response_code": status,
            "sent_at": iso(attempt.sent_at),
            "success": attempt.outcome.success(),
            "total_time": took_ms,
        })
    }

    pub(super) fn copy_of(&mut self, attempt: usize, fresh: bool, now: i64) -> Message {
        let mut message = self.hooks.attempts[attempt].message.clone();
        if fresh {
            let id = self.message_id();
            message.body = message.body.replacen(&message.id, &id, 1);
            message.id = id;
        }
        message.failed = 0;
        message.due = now;
        message.replayed_from = Some(attempt);
        message
    }

    pub(super) fn sample_for(&mut self, endpoint: usize, event: &str, now: i64) -> Message {
        let id = self.message_id();
        let found = &self.hooks.endpoints[endpoint];
        let account = match found.resource {
            Resource::Account(account) => json!(self.books.account_id(account)),
            Resource::App(_) => Value::Null,
        };
        let mut body = envelope(&id, event, now, found.pin.as_deref(), account);
        body.insert("data".to_owned(), samples::data(event));
        Message {
            endpoint,
            id,
            event: event.to_owned(),
            body: Value::Object(body).to_string(),
            failed: 0,
            due: now,
            replayed_from: None,
        }
    }
}
