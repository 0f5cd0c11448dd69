//! Webhooks on their way out: signed as Twenty signs, sent once, never again, in no promised order.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use uuid::Uuid;

use super::render::Renderer;
use super::server::Server;
use super::space::Space;
use super::write::Event;

/// A subscription.
#[derive(Clone, Debug)]
pub(super) struct Webhook {
    pub id: Uuid,
    pub target_url: String,
    pub operations: Vec<String>,
    pub description: Option<String>,
    pub secret: String,
    pub created_at: i64,
    pub updated_at: i64,
}

impl Webhook {
    /// As REST and GraphQL show it.
    pub(super) fn shown(&self, workspace: Uuid) -> Value {
        json!({
            "id": self.id, "targetUrl": self.target_url, "operations": self.operations,
            "description": self.description, "secret": self.secret, "workspaceId": workspace,
            "applicationId": Uuid::new_v5(&workspace, b"custom application"),
            "createdAt": crate::clock::iso(self.created_at), "updatedAt": crate::clock::iso(self.updated_at),
            "deletedAt": null,
        })
    }

    /// `person.created` is wanted by itself, by `person.*`, `*.created` and `*.*`.
    fn wants(&self, object: &str, event: &str) -> bool {
        self.operations.iter().any(|operation| {
            operation
                .split_once('.')
                .is_some_and(|(on, what)| (on == "*" || on == object) && (what == "*" || what == event))
        })
    }
}

/// One request to be made.
#[derive(Debug)]
pub(super) struct Delivery {
    url: String,
    secret: String,
    body: String,
}

/// What each listener is told about each event.
pub(super) fn deliveries(space: &Space, events: &[Event], now: &str, base: &str) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    for event in events {
        let object = &space.objects[event.object];
        for webhook in space.webhooks.iter().filter(|webhook| webhook.wants(&object.singular, event.name)) {
            let mut renderer = Renderer::new(space, base);
            renderer.record(object, &event.row, 0);
            let record = renderer.out;
            let name = &object.singular;
            let updated = match event.fields.as_slice() {
                [] => String::new(),
                fields => format!(",\"updatedFields\":{}", json!(fields)),
            };
            let body = format!(
                "{{\"targetUrl\":{},\"eventName\":\"{name}.{}\",\"objectMetadata\":{{\"id\":\"{}\",\
                 \"nameSingular\":\"{name}\"}},\"workspaceId\":\"{}\",\"webhookId\":\"{}\",\
                 \"eventDate\":\"{now}\",\"record\":{record}{updated}}}",
                json!(webhook.target_url),
                event.name,
                object.id,
                space.id,
                webhook.id,
            );
            deliveries.push(Delivery {
                url: webhook.target_url.clone(),
                secret: webhook.secret.clone(),
                body,
            });
        }
    }
    deliveries
}

/// Hex HMAC-SHA256 over `timestamp:body`.
pub(super) fn signature(secret: &str, timestamp_ms: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes any key");
    mac.update(format!("{timestamp_ms}:{body}").as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// Sends in the background. A failure is nobody's business; there is no second attempt.
pub(super) fn send(server: &Server, deliveries: Vec<Delivery>) {
    for delivery in deliveries {
        let timestamp = server.clock.now_ms();
        let signature = signature(&delivery.secret, timestamp, &delivery.body);
        let nonce = signature.get(..32).unwrap_or_default().chars().rev().collect::<String>();
        let request = server
            .client
            .post(&delivery.url)
            .timeout(Duration::from_secs(5))
            .header("Accept", "application/json, text/plain, */*")
            .header("Content-Type", "application/json")
            .header("User-Agent", "axios/1.17.0")
            .header("X-Twenty-Webhook-Timestamp", timestamp.to_string())
            .header("X-Twenty-Webhook-Signature", signature)
            .header("X-Twenty-Webhook-Nonce", nonce)
            .body(delivery.body);
        let pending = server.pending.clone();
        pending.send_modify(|count| *count += 1);
        tokio::spawn(async move {
            drop(request.send().await);
            pending.send_modify(|count| *count -= 1);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::signature;

    #[test]
    fn the_signature_is_the_one_a_real_server_made() {
        let recorded: serde_json::Value =
            include_str!("../../fixtures/twenty-recorded/webhook-delivered-person-updated.json")
                .parse()
                .unwrap();
        let headers = &recorded["request"]["headers"];
        let timestamp = headers["X-Twenty-Webhook-Timestamp"].as_str().unwrap().parse().unwrap();
        let body = recorded["request"]["raw_body"].as_str().unwrap();

        let ours = signature("whsec_example_secret", timestamp, body);

        assert_eq!(ours, headers["X-Twenty-Webhook-Signature"].as_str().unwrap());
    }
}
