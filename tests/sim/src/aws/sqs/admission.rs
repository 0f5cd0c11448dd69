//! Whether a message may enter a queue: every rule SQS checks before it says yes. It changes nothing.

use super::super::json::Refusal;
use super::attributes::{Attributes, MAX_DELAY_SECONDS};
use super::message::{MessageAttribute, Outgoing};
use super::refusal;

const WRONG_QUEUE_TYPE: &str = "The request include parameter that is not valid for this queue type.";

/// Checks one message against the queue it is meant for.
pub(super) fn check(queue: &Attributes, message: &Outgoing) -> Result<(), Refusal> {
    check_names(queue, message)?;
    check_delay(queue, message)?;
    if message.body.is_empty() {
        return Err(refusal::missing("MessageBody"));
    }
    if message.bytes() > queue.maximum_bytes {
        return Err(refusal::invalid(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {} bytes.",
            queue.maximum_bytes
        )));
    }
    if message.attributes.len() > 10 {
        return Err(refusal::invalid(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [10].",
            message.attributes.len()
        )));
    }
    for (name, attribute) in &message.attributes {
        check_attribute(name, attribute)?;
    }
    let texts = message.attributes.values().filter_map(|attribute| attribute.string_value.as_deref());
    if !texts.chain([message.body.as_str()]).all(is_allowed) {
        return Err(refusal::bad_characters());
    }
    Ok(())
}

/// The rules about group and deduplication, which SQS applies to a whole batch before its entries.
pub(super) fn check_names(queue: &Attributes, message: &Outgoing) -> Result<(), Refusal> {
    check_name("MessageGroupId", message.group.as_deref())?;
    check_name("MessageDeduplicationId", message.deduplication.as_deref())?;
    if !queue.fifo {
        return match &message.deduplication {
            Some(id) => Err(refusal::parameter("MessageDeduplicationId", id, WRONG_QUEUE_TYPE)),
            None => Ok(()),
        };
    }
    if message.group.is_none() {
        return Err(refusal::missing("MessageGroupId"));
    }
    if message.deduplication.is_none() && !queue.content_based_deduplication {
        return Err(refusal::invalid(
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId \
             provided explicitly",
        ));
    }
    Ok(())
}

fn check_name(parameter: &str, value: Option<&str>) -> Result<(), Refusal> {
    let is_good =
        |value: &str| (1..=128).contains(&value.len()) && value.chars().all(|c| c.is_ascii_graphic());
    match value {
        Some(value) if !is_good(value) => Err(refusal::parameter(
            parameter,
            value,
            &format!(
                "{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length."
            ),
        )),
        Some(_) | None => Ok(()),
    }
}

fn check_delay(queue: &Attributes, message: &Outgoing) -> Result<(), Refusal> {
    match message.delay_seconds {
        // Zero on a FIFO queue means what leaving it out means, and is let through.
        Some(seconds) if queue.fifo && seconds != 0 => {
            Err(refusal::parameter("DelaySeconds", seconds, WRONG_QUEUE_TYPE))
        }
        Some(seconds) if !(0..=MAX_DELAY_SECONDS).contains(&seconds) => {
            Err(refusal::parameter("DelaySeconds", seconds, "DelaySeconds must be >= 0 and <= 900."))
        }
        Some(_) | None => Ok(()),
    }
}

fn check_attribute(name: &str, attribute: &MessageAttribute) -> Result<(), Refusal> {
    let bad = |what: &str| refusal::invalid(format!("The message attribute '{name}' {what}"));
    let is_name = (1..=256).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..");
    if !is_name {
        return Err(bad("has an invalid name."));
    }
    let value = match attribute.data_type.split('.').next() {
        Some("String" | "Number") => &attribute.string_value,
        Some("Binary") => &attribute.binary_value,
        Some(_) | None => return Err(bad("has an invalid message attribute type.")),
    };
    match value.as_deref() {
        Some(value) if !value.is_empty() => Ok(()),
        Some(_) | None => Err(bad("must contain a non-empty message attribute value.")),
    }
}

/// The characters of XML 1.0, which is what SQS carries.
fn is_allowed(text: &str) -> bool {
    text.chars()
        .all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..))
}
