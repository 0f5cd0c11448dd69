//! Dead letters, and the pump's way beside the wire.

use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::QueueAttributeName;
use sim::aws::sqs::{Depth, Place};

use crate::{START_MS, Street};

#[tokio::test]
async fn a_message_received_too_often_moves_to_the_dead_letter_queue_and_its_group_goes_on() {
    let street = Street::open().await;
    street.fifo_queue();
    let sqs = &street.aws.sqs;
    sqs.send("sync.fifo", "bad", Some("a"), Some("1")).unwrap();
    for _ in 0..3 {
        assert_eq!(sqs.receive("sync.fifo", 1)[0].body, "bad");
        street.wait_seconds(30);
    }
    sqs.send("sync.fifo", "good", Some("a"), Some("2")).unwrap();

    let next = sqs.receive("sync.fifo", 10);

    assert_eq!(next.len(), 1);
    assert_eq!(next[0].body, "good");
    let dead = sqs.messages("sync-dead.fifo");
    assert_eq!(dead[0].body, "bad");
    assert_eq!(dead[0].attributes["MessageGroupId"], "a");
    assert_eq!(
        dead[0].attributes["DeadLetterQueueSourceArn"],
        "arn:aws:sqs:us-east-1:000000000000:sync.fifo"
    );
}

#[tokio::test]
async fn the_pump_receives_records_as_lambda_gives_them_to_a_function() {
    let street = Street::open().await;
    street.fifo_queue();
    let sqs = &street.aws.sqs;
    let id = sqs.send("sync.fifo", "{}", Some("w1"), Some("run-0")).unwrap();

    let record = sqs.receive("sync.fifo", 10)[0].record();

    assert_eq!(record["messageId"], id);
    assert_eq!(record["md5OfBody"], "99914b932bd37a50b983c5e7c90ae93b");
    assert_eq!(record["eventSourceARN"], "arn:aws:sqs:us-east-1:000000000000:sync.fifo");
    let attributes = &record["attributes"];
    assert_eq!(attributes["ApproximateReceiveCount"], "1");
    assert_eq!(attributes["MessageGroupId"], "w1");
    assert_eq!(attributes["MessageDeduplicationId"], "run-0");
    assert_eq!(attributes["SentTimestamp"], START_MS.to_string());
}

#[tokio::test]
async fn depth_and_the_next_moment_follow_a_message_through_its_life() {
    let street = Street::open().await;
    street.fifo_queue();
    let sqs = &street.aws.sqs;
    let depth = |visible, in_flight| Depth { visible, in_flight, delayed: 0 };
    sqs.send("sync.fifo", "1", Some("a"), Some("1")).unwrap();
    sqs.send("sync.fifo", "2", Some("a"), Some("2")).unwrap();
    assert_eq!((sqs.depth("sync.fifo"), sqs.next_visible_at("sync.fifo")), (depth(2, 0), None));

    let batch = sqs.receive("sync.fifo", 10);
    assert_eq!(sqs.depth("sync.fifo"), depth(0, 2));

    sqs.delete("sync.fifo", &batch[0].receipt_handle).unwrap();
    sqs.release("sync.fifo", &batch[1].receipt_handle, 1_500).unwrap();
    assert_eq!(sqs.next_visible_at("sync.fifo"), Some(START_MS + 1_500));
    assert_eq!(sqs.messages("sync.fifo")[0].place, Place::InFlight(START_MS + 1_500));

    street.clock.advance_ms(1_500);
    assert_eq!(sqs.depth("sync.fifo"), depth(1, 0));

    sqs.purge("sync.fifo");
    assert_eq!(sqs.depth("sync.fifo"), depth(0, 0));
}

#[tokio::test]
async fn a_change_is_told_to_whoever_waits_for_one() {
    let street = Street::open().await;
    street.fifo_queue();
    let mut changes = street.aws.sqs.changes();
    changes.mark_unchanged();

    street.aws.sqs.send("sync.fifo", "1", Some("a"), Some("1")).unwrap();

    changes.changed().await.unwrap();
}

#[tokio::test]
async fn a_dead_letter_queue_must_exist_and_be_of_the_same_kind() {
    let street = Street::open().await;
    street.fifo_queue();
    let client = street.sqs();

    for target in ["absent", "sync-dead.fifo"] {
        let arn = format!("arn:aws:sqs:us-east-1:000000000000:{target}");
        let policy = serde_json::json!({ "deadLetterTargetArn": arn, "maxReceiveCount": 3 }).to_string();
        let queue = client.create_queue().queue_name("new");
        let refused = queue.attributes(QueueAttributeName::RedrivePolicy, policy).send().await;

        assert_eq!(refused.unwrap_err().code(), Some("InvalidParameterValue"));
    }
}
