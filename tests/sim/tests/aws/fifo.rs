//! The rules of a FIFO queue, one by one.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};

use crate::Street;

async fn send(client: &Client, url: &str, group: &str, body: &str) {
    client
        .send_message()
        .queue_url(url)
        .message_body(body)
        .message_group_id(group)
        .message_deduplication_id(body)
        .send()
        .await
        .unwrap();
}

async fn receive(client: &Client, url: &str) -> Vec<Message> {
    let request = client
        .receive_message()
        .queue_url(url)
        .max_number_of_messages(10)
        .message_system_attribute_names(MessageSystemAttributeName::All);
    request.send().await.unwrap().messages.unwrap_or_default()
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.body().unwrap()).collect()
}

async fn delete(client: &Client, url: &str, message: &Message) {
    let handle = message.receipt_handle().unwrap();
    client.delete_message().queue_url(url).receipt_handle(handle).send().await.unwrap();
}

async fn release(client: &Client, url: &str, message: &Message, seconds: i32) {
    client
        .change_message_visibility()
        .queue_url(url)
        .receipt_handle(message.receipt_handle().unwrap())
        .visibility_timeout(seconds)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_batch_holds_several_groups_and_keeps_the_order_of_each() {
    let street = Street::open().await;
    let (client, url) = (street.sqs(), street.fifo_queue());
    for (group, body) in [("a", "a1"), ("b", "b1"), ("a", "a2"), ("b", "b2")] {
        send(&client, &url, group, body).await;
    }

    let batch = receive(&client, &url).await;

    assert_eq!(bodies(&batch), ["a1", "a2", "b1", "b2"]);
}

#[tokio::test]
async fn a_group_waits_until_all_of_its_batch_is_deleted() {
    let street = Street::open().await;
    let (client, url) = (street.sqs(), street.fifo_queue());
    send(&client, &url, "a", "a1").await;
    send(&client, &url, "a", "a2").await;
    let first = receive(&client, &url).await;
    send(&client, &url, "a", "a3").await;
    send(&client, &url, "b", "b1").await;

    let beside = receive(&client, &url).await;
    delete(&client, &url, &first[0]).await;
    let half = receive(&client, &url).await;
    delete(&client, &url, &first[1]).await;
    let after = receive(&client, &url).await;

    assert_eq!(bodies(&beside), ["b1"]);
    assert!(half.is_empty());
    assert_eq!(bodies(&after), ["a3"]);
}

#[tokio::test]
async fn a_message_given_back_for_later_blocks_its_group_until_then() {
    let street = Street::open().await;
    let (client, url) = (street.sqs(), street.fifo_queue());
    send(&client, &url, "a", "a1").await;
    let first = receive(&client, &url).await;
    send(&client, &url, "a", "a2").await;

    release(&client, &url, &first[0], 100).await;
    let due = street.aws.sqs.next_visible_at("sync.fifo");
    street.wait_seconds(99);
    let early = receive(&client, &url).await;
    street.wait_seconds(1);
    let late = receive(&client, &url).await;

    assert_eq!(due, Some(crate::START_MS + 100_000));
    assert!(early.is_empty());
    assert_eq!(bodies(&late), ["a1", "a2"]);
}

#[tokio::test]
async fn a_message_given_back_at_once_comes_first_when_its_group_is_free_again() {
    let street = Street::open().await;
    let (client, url) = (street.sqs(), street.fifo_queue());
    send(&client, &url, "a", "a1").await;
    send(&client, &url, "a", "a2").await;
    let first = receive(&client, &url).await;

    release(&client, &url, &first[0], 0).await;
    let still_blocked = receive(&client, &url).await;
    street.wait_seconds(30);
    let again = receive(&client, &url).await;

    assert!(still_blocked.is_empty());
    assert_eq!(bodies(&again), ["a1", "a2"]);
    let counts = again.iter().map(|message| {
        let attributes = message.attributes().unwrap();
        attributes[&MessageSystemAttributeName::ApproximateReceiveCount].as_str()
    });
    assert_eq!(counts.collect::<Vec<_>>(), ["2", "2"]);
}

#[tokio::test]
async fn a_repeated_deduplication_id_is_answered_with_the_first_message_for_five_minutes() {
    let street = Street::open().await;
    let (client, url) = (street.sqs(), street.fifo_queue());
    let again = |body: &str| {
        client
            .send_message()
            .queue_url(&url)
            .message_body(body)
            .message_group_id("a")
            .message_deduplication_id("same")
            .send()
    };

    let first = again("one").await.unwrap();
    street.wait_seconds(299);
    let repeat = again("two").await.unwrap();
    street.wait_seconds(1);
    let later = again("three").await.unwrap();

    assert_eq!(first.message_id(), repeat.message_id());
    assert_eq!(first.sequence_number(), repeat.sequence_number());
    assert_ne!(first.message_id(), later.message_id());
    assert_eq!(bodies(&receive(&client, &url).await), ["one", "three"]);
}

#[tokio::test]
async fn sequence_numbers_grow() {
    let street = Street::open().await;
    let (client, url) = (street.sqs(), street.fifo_queue());
    send(&client, &url, "a", "a1").await;
    send(&client, &url, "b", "b1").await;

    let batch = receive(&client, &url).await;

    let number = |message: &Message| {
        let attributes = message.attributes().unwrap();
        attributes[&MessageSystemAttributeName::SequenceNumber].parse::<u128>().unwrap()
    };
    assert!(number(&batch[0]) < number(&batch[1]));
}

#[tokio::test]
async fn a_send_without_a_group_or_a_deduplication_id_or_with_a_delay_is_refused() {
    let street = Street::open().await;
    let (client, url) = (street.sqs(), street.fifo_queue());
    let bare = || client.send_message().queue_url(&url).message_body("x");

    let no_group = bare().message_deduplication_id("x").send().await.unwrap_err();
    let no_id = bare().message_group_id("a").send().await.unwrap_err();
    let delayed = bare().message_group_id("a").message_deduplication_id("x").delay_seconds(5);
    let delayed = delayed.send().await.unwrap_err();

    assert_eq!(no_group.code(), Some("MissingParameter"));
    assert_eq!(no_group.message(), Some("The request must contain the parameter MessageGroupId."));
    assert_eq!(no_id.code(), Some("InvalidParameterValue"));
    assert_eq!(delayed.code(), Some("InvalidParameterValue"));
    assert_eq!(street.aws.sqs.depth("sync.fifo").visible, 0);
}

#[tokio::test]
async fn a_receipt_that_has_expired_deletes_nothing() {
    let street = Street::open().await;
    let (client, url) = (street.sqs(), street.fifo_queue());
    send(&client, &url, "a", "a1").await;
    let received = receive(&client, &url).await;
    street.wait_seconds(30);

    let delete = client.delete_message().queue_url(&url);
    let refused = delete.receipt_handle(received[0].receipt_handle().unwrap()).send().await;

    assert_eq!(refused.unwrap_err().code(), Some("InvalidParameterValue"));
    assert_eq!(street.aws.sqs.depth("sync.fifo").visible, 1);
}

#[tokio::test]
async fn a_queue_with_content_based_deduplication_needs_no_id() {
    use aws_sdk_sqs::types::QueueAttributeName as Name;
    let street = Street::open().await;
    let client = street.sqs();
    let queue = client
        .create_queue()
        .queue_name("content.fifo")
        .attributes(Name::FifoQueue, "true")
        .attributes(Name::ContentBasedDeduplication, "true");
    let url = queue.send().await.unwrap().queue_url.unwrap();

    for body in ["x", "x", "y"] {
        let message = client.send_message().queue_url(&url).message_body(body);
        message.message_group_id("a").send().await.unwrap();
    }

    assert_eq!(bodies(&receive(&client, &url).await), ["x", "y"]);
}
