use std::collections::BTreeSet;

use sim::aws::Sqs;
use sim::aws::sqs::{Held, QueueSettings};
use sim::clock::Clock;
use sim::fault::{Fault, Faults};
use uuid::Uuid;

use super::*;
use crate::aws::{Aws, AwsSettings, Endpoints};
use crate::domain::grant::Secret;
use crate::domain::id::WorkspaceId;
use crate::job::{Sweep, SyncJob};

const SYNC: &str = "sync.fifo";
const DEAD: &str = "sync-dead.fifo";

struct Fixture {
    queue: Queue,
    sqs: Sqs,
    clock: Clock,
    faults: Faults,
}

impl Fixture {
    async fn start() -> Self {
        let (clock, faults) = (Clock::stepped(1_700_000_000_000), Faults::default());
        let sqs = Sqs::start(&clock, &faults, 0).await;
        let settings =
            QueueSettings { fifo: true, visibility_seconds: 360, max_receive_count: 5, dead_letter: None };
        let (sync, dead) = (sqs.create_queue(SYNC, &settings), sqs.create_queue(DEAD, &settings));
        let settings = AwsSettings {
            region: "us-east-1".to_owned(),
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: Secret::new("secret"),
            session_token: None,
            endpoints: Endpoints { sqs: Some(sqs.url()), ..Endpoints::default() },
            ca_bundle: None,
        };
        let urls = QueueUrls { jobs: sync, dead_letters: dead };
        let queue = Queue::new(Aws::new(settings).unwrap().sqs(), [urls.clone(), urls.clone(), urls]);
        Self { queue, sqs, clock, faults }
    }

    fn jobs(&self) -> Vec<SyncJob> {
        let held = self.sqs.messages(SYNC);
        held.iter().map(|it| serde_json::from_str(&it.body).unwrap()).collect()
    }
}

fn page(workspace: u128, page: u64) -> SyncJob {
    let workspace = WorkspaceId(Uuid::from_u128(workspace));
    SyncJob::SyncPage { workspace, run: "run_1".parse().unwrap(), page }
}

fn pages(count: u64) -> Vec<(SyncJob, String)> {
    (0..count).map(|number| (page(1, number), format!("run_1-{number}"))).collect()
}

fn attribute<'a>(held: &'a Held, name: &str) -> &'a str {
    held.message_attributes[name].string_value.as_deref().unwrap()
}

#[tokio::test]
async fn a_job_is_said_once_in_the_group_of_its_workspace() {
    let fixture = Fixture::start().await;

    for _ in 0..2 {
        fixture.queue.send(&page(1, 0), "run_1-0").await.unwrap();
    }

    assert_eq!(fixture.jobs(), [page(1, 0)]);
    let group = &fixture.sqs.messages(SYNC)[0].attributes["MessageGroupId"];
    assert_eq!(*group, page(1, 0).group());
}

#[tokio::test]
async fn a_message_is_said_again_word_by_word() {
    let fixture = Fixture::start().await;

    fixture.queue.send_again(Line::Sync, "{not json", "group", "again-1").await.unwrap();

    let held = fixture.sqs.messages(SYNC);
    assert_eq!(
        (held[0].body.as_str(), held[0].attributes["MessageGroupId"].as_str()),
        ("{not json", "group")
    );
}

#[tokio::test]
async fn any_text_serves_to_recognise_a_repeat() {
    let fixture = Fixture::start().await;

    for dedup in ["ein Umlaut: ü", "ein Umlaut: ü", "", &"x".repeat(129), &"x".repeat(128)] {
        fixture.queue.send(&page(1, 0), dedup).await.unwrap();
    }

    assert_eq!(fixture.jobs().len(), 4);
}

#[tokio::test]
async fn many_jobs_go_ten_at_a_time_and_in_order() {
    let fixture = Fixture::start().await;

    fixture.queue.send_many(&pages(25)).await.unwrap();
    fixture.queue.send_many::<SyncJob>(&[]).await.unwrap();

    assert_eq!(fixture.jobs(), pages(25).into_iter().map(|(job, _)| job).collect::<Vec<_>>());
    assert_eq!(fixture.faults.count(), 3);
}

#[test]
fn a_batch_is_never_larger_than_the_queue_takes() {
    let entry = |size: usize| (String::new(), String::new(), String::new(), "x".repeat(size));

    let sizes = |entries: &[usize]| {
        let batches = batches(entries.iter().map(|size| entry(*size)).collect());
        batches.iter().map(Vec::len).collect::<Vec<_>>()
    };

    assert_eq!(sizes(&[400_000, 400_000, 400_000, 200_000]), [2, 2]);
    assert_eq!(sizes(&[1_100_000, 1, 1]), [1, 2]);
    assert_eq!(sizes(&[1; 21]), [10, 10, 1]);
    assert_eq!(sizes(&[]), [0; 0]);
}

/// Refuses the messages of these identifiers in the answer to a batch.
fn refusing(ids: &[&str]) -> Fault {
    let entry = |id: &&str| format!(r#"{{"Id":"{id}","SenderFault":false,"Code":"InternalError"}}"#);
    let failed: Vec<String> = ids.iter().map(entry).collect();
    let body = format!(r#"{{"Successful":[],"Failed":[{}]}}"#, failed.join(","));
    Fault::Fail(http::StatusCode::OK, body)
}

#[tokio::test]
async fn what_the_queue_did_not_take_is_offered_once_more() {
    let fixture = Fixture::start().await;
    let mut calls = 0;
    fixture.faults.plan(move |_| {
        calls += 1;
        if calls == 1 { refusing(&["1", "2"]) } else { Fault::Pass }
    });

    fixture.queue.send_many(&pages(3)).await.unwrap();

    let taken: BTreeSet<String> = fixture.jobs().iter().map(|job| format!("{job:?}")).collect();
    assert_eq!(taken, [page(1, 1), page(1, 2)].map(|job| format!("{job:?}")).into());
}

#[tokio::test]
async fn what_the_queue_does_not_take_twice_is_an_error() {
    let fixture = Fixture::start().await;
    fixture.faults.plan(|_| refusing(&["0"]));

    let error = fixture.queue.send_many(&pages(2)).await.unwrap_err();

    assert!(matches!(&error, QueueError::Partial { left: 1, code } if code == "InternalError"));
    assert_eq!(Error::from(error).kind(), Kind::Unavailable);
}

#[tokio::test]
async fn a_queue_out_of_reach_is_unavailable_and_one_that_is_not_there_a_bug() {
    let fixture = Fixture::start().await;
    let mut elsewhere = fixture.queue.clone();
    elsewhere.sync.jobs.push('x');

    let missing = elsewhere.send(&page(1, 0), "a").await.unwrap_err();
    fixture.faults.plan(|_| Fault::CutBefore);
    let unreachable = fixture.queue.send(&page(1, 0), "a").await.unwrap_err();

    assert_eq!(Error::from(missing).kind(), Kind::Bug);
    assert_eq!(Error::from(unreachable).kind(), Kind::Unavailable);
}

#[tokio::test]
async fn a_message_is_set_aside_with_its_reason_and_only_once() {
    let fixture = Fixture::start().await;
    let known = [("message.id", "m-1".to_owned()), ("nothing", String::new())];
    let message = Parked {
        body: "{not json",
        group: "schedules",
        kind: "bug",
        reason: "the message does not decode\u{0}\u{7}: \u{fffe}end",
        attributes: &known,
    };

    fixture.queue.park(Line::Sync, &message).await.unwrap();
    fixture.queue.park(Line::Sync, &message).await.unwrap();

    let held = fixture.sqs.messages(DEAD);
    assert_eq!(held.len(), 1);
    assert_eq!(
        (held[0].body.as_str(), held[0].attributes["MessageGroupId"].as_str()),
        ("{not json", "schedules")
    );
    assert_eq!(attribute(&held[0], "error.kind"), "bug");
    assert_eq!(attribute(&held[0], "error.message"), "the message does not decode: end");
    assert_eq!(attribute(&held[0], "message.id"), "m-1");
    assert_eq!(held[0].message_attributes.len(), 3);
}

#[tokio::test]
async fn a_message_never_has_more_attributes_than_are_allowed() {
    let fixture = Fixture::start().await;
    let known: Vec<_> =
        ["a", "b", "c", "d", "e", "f", "g", "h", "i"].map(|name| (name, name.to_owned())).into();
    let reason = "x".repeat(5_000);
    let message = Parked { body: "{}", group: "g", kind: "bug", reason: &reason, attributes: &known };

    fixture.queue.park(Line::Sync, &message).await.unwrap();

    let held = fixture.sqs.messages(DEAD);
    assert_eq!(held[0].message_attributes.len(), 10);
    assert_eq!(attribute(&held[0], "error.message").len(), 1_000);
}

#[tokio::test]
async fn a_message_that_was_put_to_sleep_comes_again_then() {
    let fixture = Fixture::start().await;
    fixture.queue.send(&SyncJob::StartDue { sweep: Sweep::Full }, "a").await.unwrap();
    let received = fixture.sqs.receive(SYNC, 1).remove(0);

    fixture.queue.postpone(Line::Sync, &received.receipt_handle, Duration::from_millis(1_500)).await.unwrap();

    fixture.clock.advance_ms(1_999);
    assert!(fixture.sqs.receive(SYNC, 1).is_empty());
    fixture.clock.advance_ms(1);
    let again = fixture.sqs.receive(SYNC, 1).remove(0);
    assert_eq!(again.body, received.body);
    fixture.queue.postpone(Line::Sync, &again.receipt_handle, Duration::from_hours(100)).await.unwrap();
}
