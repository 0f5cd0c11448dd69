//! The words in which SQS refuses, with both names each error has: its shape's and the older one its SDKs report.

use super::super::json::Refusal;

fn shape(name: &str, query_code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::new(format!("com.amazonaws.sqs#{name}"), message).with_query_code(query_code)
}

pub(super) fn unknown_queue() -> Refusal {
    shape(
        "QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue",
        "The specified queue does not exist.",
    )
}

pub(super) fn queue_exists(name: &str) -> Refusal {
    shape(
        "QueueNameExists",
        "QueueAlreadyExists",
        format!("A queue already exists with the same name and a different value for attributes: {name}"),
    )
}

pub(super) fn invalid_address(url: &str) -> Refusal {
    let message = format!("The address {url} is not valid for this endpoint.");
    shape("InvalidAddress", "InvalidAddress", message)
}

pub(super) fn unsupported(message: impl Into<String>) -> Refusal {
    shape("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation", message)
}

pub(super) fn unknown_attribute(name: &str) -> Refusal {
    let message = format!("Unknown Attribute {name}.");
    shape("InvalidAttributeName", "InvalidAttributeName", message)
}

pub(super) fn bad_attribute(name: &str) -> Refusal {
    let message = format!("Invalid value for the parameter {name}.");
    shape("InvalidAttributeValue", "InvalidAttributeValue", message)
}

pub(super) fn bad_handle(handle: &str) -> Refusal {
    let message = format!("The input receipt handle \"{handle}\" is not a valid receipt handle.");
    shape("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", message)
}

pub(super) fn expired_handle(handle: &str) -> Refusal {
    parameter("ReceiptHandle", handle, "The receipt handle has expired.")
}

pub(super) fn not_available(handle: &str) -> Refusal {
    let reason = "Message does not exist or is not available for visibility timeout change.";
    parameter("ReceiptHandle", handle, reason)
}

pub(super) fn not_in_flight() -> Refusal {
    shape(
        "MessageNotInflight",
        "AWS.SimpleQueueService.MessageNotInflight",
        "The specified message isn't in flight.",
    )
}

pub(super) fn purged_lately(name: &str) -> Refusal {
    shape(
        "PurgeQueueInProgress",
        "AWS.SimpleQueueService.PurgeQueueInProgress",
        format!("Only one PurgeQueue operation on {name} is allowed every 60 seconds."),
    )
}

pub(super) fn bad_characters() -> Refusal {
    shape(
        "InvalidMessageContents",
        "InvalidMessageContents",
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | \
         #xE000 to #xFFFD | #x10000 to #x10FFFF",
    )
}

pub(super) fn empty_batch(entry: &str) -> Refusal {
    shape(
        "EmptyBatchRequest",
        "AWS.SimpleQueueService.EmptyBatchRequest",
        format!("There should be at least one {entry} in the request."),
    )
}

pub(super) fn too_many_entries(count: usize) -> Refusal {
    shape(
        "TooManyEntriesInBatchRequest",
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
        format!("Maximum number of entries per request are 10. You have sent {count}."),
    )
}

pub(super) fn repeated_entry(id: &str) -> Refusal {
    shape(
        "BatchEntryIdsNotDistinct",
        "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
        format!("Id {id} repeated."),
    )
}

pub(super) fn bad_entry_id() -> Refusal {
    shape(
        "InvalidBatchEntryId",
        "AWS.SimpleQueueService.InvalidBatchEntryId",
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. \
         It can be at most 80 letters long.",
    )
}

pub(super) fn batch_too_long(limit: usize, sent: usize) -> Refusal {
    shape(
        "BatchRequestTooLong",
        "AWS.SimpleQueueService.BatchRequestTooLong",
        format!("Batch requests cannot be longer than {limit} bytes. You have sent {sent} bytes."),
    )
}

pub(super) fn missing(name: &str) -> Refusal {
    Refusal::new(
        "com.amazon.coral.service#MissingRequiredParameterException",
        format!("The request must contain the parameter {name}."),
    )
    .with_query_code("MissingParameter")
}

pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("com.amazon.coral.service#InvalidParameterValueException", message)
        .with_query_code("InvalidParameterValue")
}

pub(super) fn parameter(name: &str, value: impl std::fmt::Display, reason: &str) -> Refusal {
    invalid(format!("Value {value} for parameter {name} is invalid. Reason: {reason}"))
}
