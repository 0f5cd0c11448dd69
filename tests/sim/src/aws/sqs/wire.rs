//! The operations of SQS as they travel. Whatever a request holds that is not named here is refused.

mod batch;
mod receive;

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::json::{Refusal, read, unknown_operation};
use super::attributes::{Attributes, MAX_VISIBILITY_SECONDS};
use super::message::{MessageAttribute, MessageAttributes, Outgoing, Sent, md5_hex, md5_of_attributes};
use super::refusal;
use super::service::Service;

pub(super) async fn run(service: &Service, operation: &str, body: &Bytes) -> Result<Value, Refusal> {
    match operation {
        "CreateQueue" => create_queue(service, &read(body)?),
        "GetQueueUrl" => get_queue_url(service, &read(body)?),
        "GetQueueAttributes" => get_queue_attributes(service, &read(body)?),
        "PurgeQueue" => purge_queue(service, &read(body)?),
        "SendMessage" => send(service, read(body)?),
        "SendMessageBatch" => batch::send(service, read(body)?),
        "ReceiveMessage" => receive::receive(service, read(body)?).await,
        "DeleteMessage" => delete(service, &read(body)?),
        "DeleteMessageBatch" => batch::delete(service, &read(body)?),
        "ChangeMessageVisibility" => change_visibility(service, &read(body)?),
        "ChangeMessageVisibilityBatch" => batch::change_visibility(service, &read(body)?),
        other => Err(unknown_operation(other)),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CreateQueue {
    queue_name: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetQueueUrl {
    queue_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetQueueAttributes {
    queue_url: String,
    #[serde(default)]
    attribute_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PurgeQueue {
    queue_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SendMessage {
    queue_url: String,
    message_body: Option<String>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: MessageAttributes,
    #[serde(default)]
    message_system_attributes: BTreeMap<String, MessageAttribute>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DeleteMessage {
    queue_url: String,
    receipt_handle: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ChangeMessageVisibility {
    queue_url: String,
    receipt_handle: String,
    visibility_timeout: i64,
}

fn create_queue(service: &Service, request: &CreateQueue) -> Result<Value, Refusal> {
    let attributes = Attributes::parse(&request.attributes)?;
    let url = service.create(&request.queue_name, attributes)?;
    Ok(json!({ "QueueUrl": url }))
}

fn get_queue_url(service: &Service, request: &GetQueueUrl) -> Result<Value, Refusal> {
    Ok(json!({ "QueueUrl": service.url_of(&request.queue_name)? }))
}

fn get_queue_attributes(service: &Service, request: &GetQueueAttributes) -> Result<Value, Refusal> {
    let name = Service::name_at(&request.queue_url)?;
    let mut all = service.with(&name, |queue, now| {
        let depth = queue.depth(now);
        let mut all = queue.attributes.print();
        all.insert("QueueArn", super::arn(&name));
        all.insert("CreatedTimestamp", (queue.created_ms / 1000).to_string());
        all.insert("LastModifiedTimestamp", (queue.created_ms / 1000).to_string());
        all.insert("ApproximateNumberOfMessages", depth.visible.to_string());
        let in_flight = depth.in_flight.to_string();
        all.insert("ApproximateNumberOfMessagesNotVisible", in_flight);
        all.insert("ApproximateNumberOfMessagesDelayed", depth.delayed.to_string());
        all
    })?;
    let asked = &request.attribute_names;
    // A known attribute that this queue has no value for is left out by the real service, too.
    let optional = ["FifoQueue", "ContentBasedDeduplication", "RedrivePolicy"];
    if let Some(unknown) = asked
        .iter()
        .find(|name| *name != "All" && !all.contains_key(name.as_str()) && !optional.contains(&name.as_str()))
    {
        return Err(refusal::unknown_attribute(unknown));
    }
    if !asked.iter().any(|name| name == "All") {
        all.retain(|name, _| asked.iter().any(|asked| asked == name));
    }
    Ok(json!({ "Attributes": all }))
}

fn purge_queue(service: &Service, request: &PurgeQueue) -> Result<Value, Refusal> {
    let name = Service::name_at(&request.queue_url)?;
    service.with(&name, |queue, now| {
        if queue.purged_ms.is_some_and(|last| now - last < 60_000) {
            return Err(refusal::purged_lately(&name));
        }
        queue.purged_ms = Some(now);
        queue.purge();
        Ok(json!({}))
    })?
}

fn send(service: &Service, request: SendMessage) -> Result<Value, Refusal> {
    let name = Service::name_at(&request.queue_url)?;
    let message = Outgoing {
        body: request.message_body.unwrap_or_default(),
        group: request.message_group_id,
        deduplication: request.message_deduplication_id,
        delay_seconds: request.delay_seconds,
        attributes: request.message_attributes,
        trace_header: trace_header(request.message_system_attributes)?,
    };
    let digests = Digests::of(&message);
    let sent = service.send(&name, message)?;
    Ok(digests.answer(&sent))
}

/// What the sender compares with what it sent.
struct Digests {
    body: String,
    attributes: Option<String>,
}

impl Digests {
    fn of(message: &Outgoing) -> Self {
        Self { body: md5_hex(&message.body), attributes: md5_of_attributes(&message.attributes) }
    }

    fn answer(self, sent: &Sent) -> Value {
        let mut answer = json!({ "MessageId": sent.message_id, "MD5OfMessageBody": self.body });
        if let Some(digest) = self.attributes {
            answer["MD5OfMessageAttributes"] = json!(digest);
        }
        if let Some(number) = &sent.sequence_number {
            answer["SequenceNumber"] = json!(number);
        }
        answer
    }
}

/// The only system attribute a sender may set.
fn trace_header(given: BTreeMap<String, MessageAttribute>) -> Result<Option<String>, Refusal> {
    let mut trace_header = None;
    for (name, attribute) in given {
        if name != "AWSTraceHeader" || attribute.data_type != "String" {
            return Err(refusal::parameter("MessageSystemAttributes", name, "Only AWSTraceHeader."));
        }
        trace_header = attribute.string_value;
    }
    Ok(trace_header)
}

fn delete(service: &Service, request: &DeleteMessage) -> Result<Value, Refusal> {
    let name = Service::name_at(&request.queue_url)?;
    service.delete(&name, &request.receipt_handle)?;
    Ok(json!({}))
}

fn change_visibility(service: &Service, request: &ChangeMessageVisibility) -> Result<Value, Refusal> {
    let name = Service::name_at(&request.queue_url)?;
    let after_ms = visibility_ms(request.visibility_timeout)?;
    service.change_visibility(&name, &request.receipt_handle, after_ms)?;
    Ok(json!({}))
}

fn visibility_ms(seconds: i64) -> Result<i64, Refusal> {
    if (0..=MAX_VISIBILITY_SECONDS).contains(&seconds) {
        return Ok(seconds * 1000);
    }
    Err(refusal::parameter("VisibilityTimeout", seconds, "Must be between 0 and 43200, if provided."))
}
