//! Messages as they are sent, held and received, with their digests. Nothing here knows time or order.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::REGION;

/// A typed attribute that a sender attached to a message, as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct MessageAttribute {
    /// `String`, `Number` or `Binary`, perhaps with a suffix of the sender's own after a dot.
    pub data_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub string_value: Option<String>,
    /// Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary_value: Option<String>,
}

impl MessageAttribute {
    fn is_binary(&self) -> bool {
        self.data_type.split('.').next() == Some("Binary")
    }

    /// The bytes that count towards the size and enter the digest.
    pub(super) fn bytes(&self) -> Vec<u8> {
        if self.is_binary() {
            let base64 = self.binary_value.as_deref().unwrap_or_default();
            return BASE64.decode(base64).unwrap_or_default();
        }
        self.string_value.clone().unwrap_or_default().into_bytes()
    }
}

pub(super) type MessageAttributes = BTreeMap<String, MessageAttribute>;

/// A message on its way into a queue.
#[derive(Clone, Debug, Default)]
pub(super) struct Outgoing {
    pub(super) body: String,
    pub(super) group: Option<String>,
    pub(super) deduplication: Option<String>,
    pub(super) delay_seconds: Option<i64>,
    pub(super) attributes: MessageAttributes,
    pub(super) trace_header: Option<String>,
}

impl Outgoing {
    /// Body and attributes together, which is what SQS limits.
    pub(super) fn bytes(&self) -> usize {
        let attributes = self
            .attributes
            .iter()
            .map(|(name, attribute)| name.len() + attribute.data_type.len() + attribute.bytes().len());
        self.body.len() + attributes.sum::<usize>()
    }
}

/// What a sender is told.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) message_id: String,
    pub(super) sequence_number: Option<String>,
}

/// A message as one receive call hands it out: everything Lambda's SQS event record needs.
#[derive(Clone, Debug)]
pub struct Received {
    pub message_id: String,
    /// Names this one receipt; the next receipt of the same message has another.
    pub receipt_handle: String,
    pub body: String,
    pub md5_of_body: String,
    /// The system attributes: `ApproximateReceiveCount`, `SentTimestamp`, `MessageGroupId` and so on.
    pub attributes: BTreeMap<String, String>,
    pub message_attributes: BTreeMap<String, MessageAttribute>,
    /// The ARN of the queue.
    pub queue_arn: String,
}

impl Received {
    /// The record as Lambda puts it into an event's `Records`.
    pub fn record(&self) -> Value {
        let message_attributes: serde_json::Map<String, Value> = self
            .message_attributes
            .iter()
            .map(|(name, attribute)| {
                let value = json!({
                    "dataType": attribute.data_type,
                    "stringValue": attribute.string_value,
                    "binaryValue": attribute.binary_value,
                    "stringListValues": [],
                    "binaryListValues": [],
                });
                (name.clone(), value)
            })
            .collect();
        json!({
            "messageId": self.message_id,
            "receiptHandle": self.receipt_handle,
            "body": self.body,
            "attributes": self.attributes,
            "messageAttributes": message_attributes,
            "md5OfBody": self.md5_of_body,
            "eventSource": "aws:sqs",
            "eventSourceARN": self.queue_arn,
            "awsRegion": REGION,
        })
    }
}

/// A message as it lies in a queue, for a look from outside that changes nothing.
#[derive(Clone, Debug)]
pub struct Held {
    pub message_id: String,
    pub body: String,
    /// The system attributes, as a receiver would see them.
    pub attributes: BTreeMap<String, String>,
    pub message_attributes: BTreeMap<String, MessageAttribute>,
    pub place: Place,
}

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Waiting to be received; in a FIFO queue perhaps behind others of its group.
    Visible,
    /// Not yet receivable for the first time, until this moment (Unix epoch, milliseconds).
    Delayed(i64),
    /// Received, and invisible until this moment.
    InFlight(i64),
}

/// A message in a queue.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) body: String,
    pub(super) group: Option<String>,
    pub(super) deduplication: Option<String>,
    pub(super) attributes: MessageAttributes,
    pub(super) trace_header: Option<String>,
    pub(super) sequence_number: Option<String>,
    pub(super) dead_letter_source: Option<String>,
    pub(super) sent_ms: i64,
    pub(super) first_received_ms: Option<i64>,
    pub(super) last_received_ms: i64,
    /// Over all queues it has been in; a receiver sees this one.
    pub(super) received: u32,
    /// In this queue; redrive counts this one.
    pub(super) received_here: u32,
    pub(super) place: Place,
}

impl Message {
    /// What SQS says about the message beside what its sender said.
    pub(super) fn system_attributes(&self) -> BTreeMap<String, String> {
        let always = [
            ("SenderId", Some("AROASIMULATED:sender".to_owned())),
            ("SentTimestamp", Some(self.sent_ms.to_string())),
            ("ApproximateReceiveCount", Some(self.received.to_string())),
        ];
        let first_received = self.first_received_ms.map(|ms| ms.to_string());
        let sometimes = [
            ("ApproximateFirstReceiveTimestamp", first_received),
            ("SequenceNumber", self.sequence_number.clone()),
            ("MessageGroupId", self.group.clone()),
            ("MessageDeduplicationId", self.deduplication.clone()),
            ("DeadLetterQueueSourceArn", self.dead_letter_source.clone()),
            ("AWSTraceHeader", self.trace_header.clone()),
        ];
        always
            .into_iter()
            .chain(sometimes)
            .filter_map(|(name, value)| value.map(|value| (name.to_owned(), value)))
            .collect()
    }
}

pub(super) fn md5_hex(bytes: impl AsRef<[u8]>) -> String {
    format!("{:x}", md5::compute(bytes))
}

/// The digest over message attributes, as the SQS developer guide defines it: each part behind its length.
pub(super) fn md5_of_attributes(attributes: &MessageAttributes) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut bytes = Vec::new();
    let mut part = |part: &[u8], transport: Option<u8>| {
        bytes.extend(transport);
        let length = u32::try_from(part.len()).expect("a part below 1 MiB");
        bytes.extend(length.to_be_bytes());
        bytes.extend(part);
    };
    for (name, attribute) in attributes {
        part(name.as_bytes(), None);
        part(attribute.data_type.as_bytes(), None);
        let transport = if attribute.is_binary() { 2 } else { 1 };
        part(&attribute.bytes(), Some(transport));
    }
    Some(md5_hex(bytes))
}
