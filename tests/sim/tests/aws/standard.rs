//! Standard queues, batches, attributes and what SQS refuses on the wire.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, MessageAttributeValue,
    QueueAttributeName, SendMessageBatchRequestEntry,
};

use crate::Street;

async fn send(client: &Client, url: &str, body: &str) {
    client.send_message().queue_url(url).message_body(body).send().await.unwrap();
}

async fn receive(client: &Client, url: &str) -> Vec<aws_sdk_sqs::types::Message> {
    let request = client.receive_message().queue_url(url).max_number_of_messages(10);
    request.send().await.unwrap().messages.unwrap_or_default()
}

fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap()
}

#[tokio::test]
async fn a_received_message_is_invisible_until_its_time_is_over_or_it_is_deleted() {
    let street = Street::open().await;
    let (client, url) = (street.sqs(), street.standard_queue());
    send(&client, &url, "one").await;

    let first = receive(&client, &url).await;
    let hidden = receive(&client, &url).await;
    street.wait_seconds(30);
    let again = receive(&client, &url).await;
    let handle = again[0].receipt_handle().unwrap();
    client.delete_message().queue_url(&url).receipt_handle(handle).send().await.unwrap();
    street.wait_seconds(30);

    assert_eq!(first[0].message_id(), again[0].message_id());
    assert_ne!(first[0].receipt_handle(), again[0].receipt_handle());
    assert!(hidden.is_empty());
    assert!(receive(&client, &url).await.is_empty());
}

#[tokio::test]
async fn a_delayed_message_is_received_when_its_delay_is_over() {
    let street = Street::open().await;
    let (client, url) = (street.sqs(), street.standard_queue());
    let message = client.send_message().queue_url(&url).message_body("later");
    message.delay_seconds(900).send().await.unwrap();

    street.wait_seconds(899);
    let early = receive(&client, &url).await;
    let delayed = street.aws.sqs.depth("plain").delayed;
    street.wait_seconds(1);

    assert!(early.is_empty());
    assert_eq!(delayed, 1);
    assert_eq!(receive(&client, &url).await.len(), 1);
}

#[tokio::test]
async fn a_waiting_receive_is_woken_by_a_message() {
    let street = Street::open().await;
    let (client, url) = (street.sqs(), street.standard_queue());
    let waiting = client.receive_message().queue_url(&url).wait_time_seconds(20).send();
    let sending = async {
        tokio::time::sleep(Duration::from_millis(2)).await;
        send(&client, &url, "wake up").await;
    };

    let (received, ()) = tokio::join!(waiting, sending);

    assert_eq!(received.unwrap().messages().len(), 1);
}

#[tokio::test]
async fn attributes_travel_with_their_digests() {
    let street = Street::open().await;
    let (client, url) = (street.sqs(), street.standard_queue());
    let attribute = MessageAttributeValue::builder().data_type("Number").string_value("1493147359900");

    let sent = client
        .send_message()
        .queue_url(&url)
        .message_body("hello")
        .message_attributes("timestamp", attribute.build().unwrap())
        .send()
        .await
        .unwrap();
    let receive = client.receive_message().queue_url(&url).message_attribute_names("All");
    let received = receive.send().await.unwrap().messages.unwrap();

    assert_eq!(sent.md5_of_message_body(), Some("5d41402abc4b2a76b9719d911017c592"));
    // A digest that others have published for this attribute.
    let digest = Some("235c5c510d26fb653d073faed50ae77c");
    assert_eq!(sent.md5_of_message_attributes(), digest);
    assert_eq!(received[0].md5_of_message_attributes(), digest);
    assert_eq!(received[0].message_attributes().unwrap()["timestamp"].string_value(), Some("1493147359900"));
}

#[tokio::test]
async fn a_batch_is_judged_entry_by_entry() {
    let street = Street::open().await;
    let (client, url) = (street.sqs(), street.standard_queue());

    let batch = client.send_message_batch().queue_url(&url);
    let sent = batch.entries(entry("good", "x")).entries(entry("bad", "\u{1}")).send().await.unwrap();
    let received = receive(&client, &url).await;
    let handle = received[0].receipt_handle().unwrap();
    let visibility = ChangeMessageVisibilityBatchRequestEntry::builder()
        .id("v")
        .receipt_handle(handle)
        .visibility_timeout(5);
    let changed = client.change_message_visibility_batch().queue_url(&url);
    let changed = changed.entries(visibility.build().unwrap()).send().await.unwrap();
    let delete = |id: &str, handle: &str| {
        let entry = DeleteMessageBatchRequestEntry::builder();
        entry.id(id).receipt_handle(handle).build().unwrap()
    };
    let deleted = client.delete_message_batch().queue_url(&url);
    let deleted = deleted.entries(delete("a", handle)).entries(delete("b", "nonsense")).send().await.unwrap();

    assert_eq!((sent.successful()[0].id(), sent.failed()[0].id()), ("good", "bad"));
    assert_eq!(sent.failed()[0].code(), "InvalidMessageContents");
    assert_eq!(changed.successful().len(), 1);
    assert_eq!((deleted.successful()[0].id(), deleted.failed()[0].id()), ("a", "b"));
    assert_eq!(deleted.failed()[0].code(), "ReceiptHandleIsInvalid");
}

#[tokio::test]
async fn a_batch_of_eleven_or_of_none_or_of_twins_is_refused() {
    let street = Street::open().await;
    let (client, url) = (street.sqs(), street.standard_queue());
    let code = async |entries: Vec<SendMessageBatchRequestEntry>| {
        let batch = client.send_message_batch().queue_url(&url).set_entries(Some(entries));
        batch.send().await.unwrap_err().code().unwrap().to_owned()
    };

    let eleven = code((0..11).map(|id| entry(&id.to_string(), "x")).collect()).await;
    let none = code(Vec::new()).await;
    let twins = code(vec![entry("a", "x"), entry("a", "y")]).await;
    let heavy = code(vec![entry("a", &"x".repeat(600_000)), entry("b", &"x".repeat(600_000))]).await;

    assert_eq!(eleven, "AWS.SimpleQueueService.TooManyEntriesInBatchRequest");
    assert_eq!(none, "AWS.SimpleQueueService.EmptyBatchRequest");
    assert_eq!(twins, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct");
    assert_eq!(heavy, "AWS.SimpleQueueService.BatchRequestTooLong");
}

#[tokio::test]
async fn a_body_may_have_a_mebibyte_and_not_a_byte_more() {
    let street = Street::open().await;
    let (client, url) = (street.sqs(), street.standard_queue());
    let sent = async |bytes: usize| {
        let message = client.send_message().queue_url(&url).message_body("x".repeat(bytes));
        message.send().await
    };

    assert!(sent(1_048_576).await.is_ok());
    assert_eq!(sent(1_048_577).await.unwrap_err().code(), Some("InvalidParameterValue"));
    assert_eq!(sent(0).await.unwrap_err().code(), Some("MissingParameter"));
}

#[tokio::test]
async fn no_message_is_invisible_for_more_than_twelve_hours_after_its_receipt() {
    let street = Street::open().await;
    let (client, url) = (street.sqs(), street.standard_queue());
    send(&client, &url, "one").await;
    let received = receive(&client, &url).await;
    street.wait_seconds(1);
    let change = async |seconds: i32| {
        let change = client.change_message_visibility().queue_url(&url);
        let change = change.receipt_handle(received[0].receipt_handle().unwrap());
        change.visibility_timeout(seconds).send().await
    };

    assert_eq!(change(43_201).await.unwrap_err().code(), Some("InvalidParameterValue"));
    assert_eq!(change(43_200).await.unwrap_err().code(), Some("InvalidParameterValue"));
    assert!(change(43_199).await.is_ok());
}

#[tokio::test]
async fn a_handle_or_a_queue_that_never_was_is_refused_with_its_own_error() {
    let street = Street::open().await;
    let (client, url) = (street.sqs(), street.standard_queue());

    let handle = client.delete_message().queue_url(&url).receipt_handle("nonsense");
    let handle = handle.send().await.unwrap_err().into_service_error();
    let queue = client.get_queue_url().queue_name("absent").send().await;
    let queue = queue.unwrap_err().into_service_error();

    assert!(handle.is_receipt_handle_is_invalid(), "{handle:?}");
    assert!(queue.is_queue_does_not_exist(), "{queue:?}");
    assert_eq!(queue.code(), Some("AWS.SimpleQueueService.NonExistentQueue"));
}

#[tokio::test]
async fn a_queue_tells_its_settings_and_counts() {
    let street = Street::open().await;
    let (client, url) = (street.sqs(), street.fifo_queue());

    let attributes = client.get_queue_attributes().queue_url(&url);
    let attributes = attributes.attribute_names(QueueAttributeName::All).send().await.unwrap();

    let attributes = attributes.attributes.unwrap();
    assert_eq!(attributes[&QueueAttributeName::FifoQueue], "true");
    assert_eq!(attributes[&QueueAttributeName::VisibilityTimeout], "30");
    assert_eq!(attributes[&QueueAttributeName::ApproximateNumberOfMessages], "0");
    assert!(attributes[&QueueAttributeName::RedrivePolicy].contains("sync-dead.fifo"));
}

#[tokio::test]
async fn a_second_purge_within_a_minute_is_refused() {
    let street = Street::open().await;
    let (client, url) = (street.sqs(), street.standard_queue());
    send(&client, &url, "one").await;
    let purge = || client.purge_queue().queue_url(&url).send();

    purge().await.unwrap();
    let refused = purge().await.unwrap_err();
    street.wait_seconds(60);

    assert_eq!(refused.code(), Some("AWS.SimpleQueueService.PurgeQueueInProgress"));
    assert!(purge().await.is_ok());
    assert!(receive(&client, &url).await.is_empty());
}

#[tokio::test]
async fn what_nobody_plays_is_refused_by_name() {
    let street = Street::open().await;
    let client = street.sqs();

    let operation = client.list_queues().send().await.unwrap_err();
    let attribute = client.create_queue().queue_name("q").attributes(QueueAttributeName::Policy, "{}");
    let attribute = attribute.send().await.unwrap_err();

    assert!(operation.message().unwrap().contains("ListQueues"));
    assert!(attribute.message().unwrap().contains("Policy"));
}
