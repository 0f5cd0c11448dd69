//! What a queue is made with, as the wire spells it. It never accepts an attribute that nothing here would obey.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::super::json::Refusal;
use super::refusal;

/// 1 MiB, the largest body with its attributes, and the largest batch (SQS quotas, since August 2025).
pub(super) const MAX_BYTES: usize = 1_048_576;

/// Twelve hours: no message is invisible for longer after it was received.
pub(super) const MAX_VISIBILITY_SECONDS: i64 = 43_200;

/// Fifteen minutes.
pub(super) const MAX_DELAY_SECONDS: i64 = 900;

const FOURTEEN_DAYS_SECONDS: i64 = 1_209_600;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) fifo: bool,
    pub(super) content_based_deduplication: bool,
    pub(super) visibility_seconds: i64,
    pub(super) delay_seconds: i64,
    pub(super) retention_seconds: i64,
    pub(super) wait_seconds: i64,
    pub(super) maximum_bytes: usize,
    pub(super) redrive: Option<Redrive>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Redrive {
    /// The name of the dead-letter queue.
    pub(super) target: String,
    /// A message that was received this often is moved instead of being received again.
    pub(super) max_receive_count: u32,
}

impl Default for Attributes {
    fn default() -> Self {
        Self {
            fifo: false,
            content_based_deduplication: false,
            visibility_seconds: 30,
            delay_seconds: 0,
            retention_seconds: 345_600,
            wait_seconds: 0,
            maximum_bytes: MAX_BYTES,
            redrive: None,
        }
    }
}

/// The JSON inside the attribute `RedrivePolicy`. The count may be written as a number or as text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RedrivePolicy {
    dead_letter_target_arn: String,
    max_receive_count: serde_json::Value,
}

impl Attributes {
    /// Reads the attributes of a `CreateQueue` call.
    pub(super) fn parse(given: &BTreeMap<String, String>) -> Result<Self, Refusal> {
        let mut attributes = Self::default();
        for (name, value) in given {
            attributes.set(name, value)?;
        }
        if attributes.content_based_deduplication && !attributes.fifo {
            return Err(refusal::unknown_attribute("ContentBasedDeduplication"));
        }
        Ok(attributes)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        match name {
            // The real service wants the attribute left out of a standard queue.
            "FifoQueue" if value == "true" => self.fifo = true,
            "ContentBasedDeduplication" => self.content_based_deduplication = flag(name, value)?,
            "VisibilityTimeout" => {
                self.visibility_seconds = number(name, value, 0, MAX_VISIBILITY_SECONDS)?;
            }
            "DelaySeconds" => self.delay_seconds = number(name, value, 0, MAX_DELAY_SECONDS)?,
            "MessageRetentionPeriod" => {
                self.retention_seconds = number(name, value, 60, FOURTEEN_DAYS_SECONDS)?;
            }
            "ReceiveMessageWaitTimeSeconds" => self.wait_seconds = number(name, value, 0, 20)?,
            "MaximumMessageSize" => self.maximum_bytes = number(name, value, 1024, MAX_BYTES)?,
            "RedrivePolicy" => self.redrive = Some(redrive(value)?),
            "FifoQueue" => return Err(refusal::unknown_attribute(name)),
            _ => {
                let message = format!("the stand-in does not obey the queue attribute {name}");
                return Err(refusal::unsupported(message));
            }
        }
        Ok(())
    }

    /// The attributes as `GetQueueAttributes` answers them, without the counts.
    pub(super) fn print(&self) -> BTreeMap<&'static str, String> {
        let mut printed = BTreeMap::from([
            ("VisibilityTimeout", self.visibility_seconds.to_string()),
            ("DelaySeconds", self.delay_seconds.to_string()),
            ("MessageRetentionPeriod", self.retention_seconds.to_string()),
            ("ReceiveMessageWaitTimeSeconds", self.wait_seconds.to_string()),
            ("MaximumMessageSize", self.maximum_bytes.to_string()),
        ]);
        if self.fifo {
            printed.insert("FifoQueue", "true".to_owned());
            let by_content = self.content_based_deduplication.to_string();
            printed.insert("ContentBasedDeduplication", by_content);
            printed.insert("DeduplicationScope", "queue".to_owned());
            printed.insert("FifoThroughputLimit", "perQueue".to_owned());
        }
        if let Some(redrive) = &self.redrive {
            let policy = json!({
                "deadLetterTargetArn": super::arn(&redrive.target),
                "maxReceiveCount": redrive.max_receive_count,
            });
            printed.insert("RedrivePolicy", policy.to_string());
        }
        printed
    }
}

fn flag(name: &str, value: &str) -> Result<bool, Refusal> {
    value.parse().map_err(|_| refusal::bad_attribute(name))
}

fn number<T>(name: &str, value: &str, least: T, most: T) -> Result<T, Refusal>
where
    T: std::str::FromStr + PartialOrd + Copy,
{
    match value.parse::<T>() {
        Ok(number) if number >= least && number <= most => Ok(number),
        Ok(_) | Err(_) => Err(refusal::bad_attribute(name)),
    }
}

fn redrive(value: &str) -> Result<Redrive, Refusal> {
    let bad = |reason: &str| refusal::parameter("RedrivePolicy", value, reason);
    let policy: RedrivePolicy =
        serde_json::from_str(value).map_err(|_| bad("Redrive policy is not a valid JSON map."))?;
    let count = policy
        .max_receive_count
        .as_str()
        .map_or_else(|| policy.max_receive_count.as_u64(), |text| text.parse().ok());
    let max_receive_count = count
        .and_then(|count| u32::try_from(count).ok())
        .filter(|count| (1..=1000).contains(count))
        .ok_or_else(|| bad("Invalid value for maxReceiveCount: a whole number between 1 and 1000."))?;
    let prefix = super::arn("");
    let target = policy.dead_letter_target_arn.strip_prefix(&prefix);
    let target = target.ok_or_else(|| bad("Invalid value for deadLetterTargetArn."))?.to_owned();
    Ok(Redrive { target, max_receive_count })
}
