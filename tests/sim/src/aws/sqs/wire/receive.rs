//! `ReceiveMessage`, with waiting and with the choice of attributes.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::super::super::json::Refusal;
use super::super::message::{Received, md5_of_attributes};
use super::super::refusal;
use super::super::service::Service;
use super::visibility_ms;

/// How often a waiting call looks whether time alone has made something visible.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

const SYSTEM_ATTRIBUTES: [&str; 10] = [
    "All",
    "SenderId",
    "SentTimestamp",
    "ApproximateReceiveCount",
    "ApproximateFirstReceiveTimestamp",
    "SequenceNumber",
    "MessageDeduplicationId",
    "MessageGroupId",
    "AWSTraceHeader",
    "DeadLetterQueueSourceArn",
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ReceiveMessage {
    queue_url: String,
    /// The older name of the next field.
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<i64>,
}

pub(super) async fn receive(service: &Service, request: ReceiveMessage) -> Result<Value, Refusal> {
    let name = Service::name_at(&request.queue_url)?;
    let queue_wait = service.with(&name, |queue, _| queue.attributes.wait_seconds)?;
    let most = request.max_number_of_messages.unwrap_or(1);
    let max = usize::try_from(most).ok().filter(|max| (1..=10).contains(max));
    let max = max.ok_or_else(|| {
        refusal::parameter("MaxNumberOfMessages", most, "Must be between 1 and 10, if provided.")
    })?;
    let wait = request.wait_time_seconds.unwrap_or(queue_wait);
    if !(0..=20).contains(&wait) {
        let reason = "Must be >= 0 and <= 20, if provided.";
        return Err(refusal::parameter("WaitTimeSeconds", wait, reason));
    }
    let visibility = request.visibility_timeout.map(visibility_ms).transpose()?;
    let mut wanted = request.attribute_names;
    wanted.extend(request.message_system_attribute_names);
    if let Some(unknown) = wanted.iter().find(|name| !SYSTEM_ATTRIBUTES.contains(&name.as_str())) {
        return Err(refusal::unknown_attribute(unknown));
    }
    let received = wait_for(service, wait, || service.receive(&name, max, visibility)).await?;
    let messages =
        received.into_iter().map(|received| message(received, &wanted, &request.message_attribute_names));
    let messages: Vec<Value> = messages.collect();
    Ok(if messages.is_empty() { json!({}) } else { json!({ "Messages": messages }) })
}

/// Looks until there is something or the wait is over, by the stand-ins' clock or by the real one: a stepped clock
/// that nobody moves must not hold a caller for ever.
async fn wait_for(
    service: &Service,
    wait_seconds: i64,
    look: impl Fn() -> Result<Vec<Received>, Refusal>,
) -> Result<Vec<Received>, Refusal> {
    let over_at = service.clock.now_ms() + wait_seconds * 1000;
    let really_over_at = Instant::now() + Duration::from_secs(wait_seconds.unsigned_abs());
    let mut changes = service.changes();
    loop {
        changes.mark_unchanged();
        let received = look()?;
        let is_over = service.clock.now_ms() >= over_at || Instant::now() >= really_over_at;
        if !received.is_empty() || is_over {
            return Ok(received);
        }
        drop(timeout(LOOK_AGAIN, changes.changed()).await);
    }
}

fn message(received: Received, wanted: &[String], wanted_attributes: &[String]) -> Value {
    let mut system = received.attributes;
    if !wanted.iter().any(|name| name == "All") {
        system.retain(|name, _| wanted.contains(name));
    }
    let mut attributes = received.message_attributes;
    attributes.retain(|name, _| wanted_attributes.iter().any(|wanted| is_wanted(wanted, name)));
    let mut message = json!({
        "MessageId": received.message_id,
        "ReceiptHandle": received.receipt_handle,
        "Body": received.body,
        "MD5OfBody": received.md5_of_body,
    });
    if !system.is_empty() {
        message["Attributes"] = json!(system);
    }
    if let Some(digest) = md5_of_attributes(&attributes) {
        message["MD5OfMessageAttributes"] = json!(digest);
        message["MessageAttributes"] = json!(attributes);
    }
    message
}

fn is_wanted(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix(".*") {
        Some(prefix) => name.starts_with(prefix),
        None => pattern == "All" || pattern == name,
    }
}
