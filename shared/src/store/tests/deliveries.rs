use super::*;
use crate::domain::delivery::{Begin, Delivery, Effect, Progress, StoredDelivery};
use crate::domain::id::EndpointId;

const LEASE: Duration = Duration::from_mins(6);
const DONE: Progress = Progress::Done { at: NOW, what: Effect::Applied };
const UNKNOWN: Progress = Progress::Done { at: NOW, what: Effect::Unknown };

fn delivery(name: &str) -> Delivery {
    Delivery {
        id: id(name),
        endpoint: EndpointId::new(workspace(1), "unguessable").unwrap(),
        body: r#"{"type":"membership.activated"}"#.to_owned(),
        received_at: NOW,
    }
}

impl Fixture {
    async fn begin(&self, name: &str, now: Timestamp) -> Begin {
        self.store.begin(&delivery(name), now, LEASE).await.unwrap()
    }

    async fn finish(&self, name: &str, progress: &Progress, event: Option<&str>) -> bool {
        self.store.finish_delivery(&delivery(name), progress, event).await.unwrap()
    }

    async fn stored(&self, name: &str) -> StoredDelivery {
        self.store.find_delivery(workspace(1), &id(name)).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn a_delivery_that_comes_twice_is_begun_once() {
    let fixture = Fixture::start().await;

    assert_eq!(fixture.begin("msg_1", NOW).await, Begin::Started);
    assert_eq!(fixture.begin("msg_1", later(1)).await, Begin::Running { until: NOW + LEASE });
    assert!(fixture.finish("msg_1", &DONE, Some("membership.activated")).await);
    assert_eq!(fixture.begin("msg_1", later(1)).await, Begin::Done);

    let kept = fixture.stored("msg_1").await;
    let arrived = delivery("msg_1");
    assert_eq!(
        (kept.id, kept.endpoint, kept.received_at),
        (arrived.id, arrived.endpoint, arrived.received_at)
    );
    assert_eq!((kept.progress, kept.body), (DONE, None));
    assert_eq!(kept.event.as_deref(), Some("membership.activated"));
    assert_eq!(fixture.items()[0]["expires_at"]["N"], (NOW.seconds() + 30 * 86_400).to_string().as_str());
}

#[tokio::test]
async fn of_many_who_begin_a_delivery_one_does() {
    let fixture = Fixture::start().await;

    let begun = futures_util::future::join_all((0..16).map(|_| fixture.begin("msg_1", NOW))).await;

    assert_eq!(begun.iter().filter(|begin| **begin == Begin::Started).count(), 1);
}

#[tokio::test]
async fn a_delivery_that_was_left_is_taken_over_when_its_time_is_up() {
    let fixture = Fixture::start().await;
    fixture.begin("msg_1", NOW).await;

    let taken = fixture.begin("msg_1", NOW + LEASE).await;

    assert_eq!(taken, Begin::Started);
    let until = NOW + LEASE + LEASE;
    assert_eq!(fixture.begin("msg_1", NOW + LEASE).await, Begin::Running { until });
}

#[tokio::test]
async fn a_delivery_that_is_given_back_can_be_begun_at_once() {
    let fixture = Fixture::start().await;
    fixture.begin("msg_1", NOW).await;

    assert!(fixture.finish("msg_1", &Progress::Running { until: NOW }, None).await);

    assert_eq!(fixture.begin("msg_1", NOW).await, Begin::Started);
}

#[tokio::test]
async fn a_beginning_whose_answer_was_lost_is_still_ours() {
    let fixture = Fixture::start().await;
    fixture.lose_next_answer("UpdateItem");

    assert_eq!(fixture.begin("msg_1", NOW).await, Begin::Started);
}

#[tokio::test]
async fn what_nobody_works_on_cannot_be_finished() {
    let fixture = Fixture::start().await;
    fixture.begin("msg_1", NOW).await;
    let failed = Progress::Failed { at: NOW, reason: "no JSON".to_owned() };

    assert!(!fixture.finish("msg_2", &DONE, None).await);
    assert!(fixture.finish("msg_1", &DONE, None).await);
    assert!(!fixture.finish("msg_1", &failed, None).await);

    assert_eq!(fixture.items().len(), 1);
}

#[tokio::test]
async fn unknown_events_are_counted_and_can_be_replayed() {
    let fixture = Fixture::start().await;
    for (name, event) in [("msg_1", Some("a.new")), ("msg_2", Some("a.new")), ("msg_3", None)] {
        fixture.begin(name, NOW).await;
        fixture.finish(name, &UNKNOWN, event).await;
    }

    let counts = fixture.store.count_unknown(workspace(1)).await.unwrap();
    assert_eq!(counts, [("a.new".to_owned(), 2), ("?".to_owned(), 1)].into());
    assert_eq!(fixture.store.list_unknown(workspace(1), 10).await.unwrap().len(), 3);
    assert!(fixture.store.reopen_delivery(workspace(1), &id("msg_1"), NOW).await.unwrap());
    assert_eq!(fixture.store.list_unknown(workspace(1), 10).await.unwrap().len(), 2);

    assert_eq!(fixture.begin("msg_1", NOW).await, Begin::Started);
    assert!(!fixture.store.reopen_delivery(workspace(1), &id("msg_1"), NOW).await.unwrap());
}

#[tokio::test]
async fn a_body_that_is_too_long_is_cut_and_says_so() {
    let fixture = Fixture::start().await;
    let body = "é".repeat(200 * 1024);
    let long = Delivery { body: body.clone(), ..delivery("msg_1") };

    assert_eq!(fixture.store.begin(&long, NOW, LEASE).await.unwrap(), Begin::Started);
    let failed = Progress::Failed { at: NOW, reason: "no JSON".to_owned() };
    assert!(fixture.store.finish_delivery(&long, &failed, None).await.unwrap());

    let kept = fixture.stored("msg_1").await.body.unwrap();
    assert!(kept.len() < 310 * 1024, "{} bytes", kept.len());
    assert!(kept.ends_with(&format!("[cut: {} bytes in all]", body.len())));
}

#[tokio::test]
async fn whatever_was_not_applied_keeps_its_bytes_and_what_was_does_not() {
    let fixture = Fixture::start().await;
    let waiting = Progress::Waiting { at: NOW, reason: "out of reach".to_owned() };
    let failed = Progress::Failed { at: NOW, reason: "no JSON".to_owned() };
    let other = Progress::Done { at: NOW, what: Effect::OtherAccount };
    for (name, progress) in [("msg_1", &waiting), ("msg_2", &failed), ("msg_3", &UNKNOWN), ("msg_4", &other)]
    {
        fixture.begin(name, NOW).await;

        assert!(fixture.finish(name, progress, None).await);

        assert_eq!(fixture.stored(name).await.delivery(), Some(delivery(name)), "{progress:?}");
    }

    assert_eq!(fixture.begin("msg_1", later(1)).await, Begin::Started);
    assert!(fixture.finish("msg_1", &DONE, None).await);
    assert_eq!(fixture.stored("msg_1").await.delivery(), None);
}

#[tokio::test]
async fn a_delivery_whose_worker_died_keeps_its_bytes_from_the_second_try_on() {
    let fixture = Fixture::start().await;
    fixture.begin("msg_1", NOW).await;
    assert_eq!(fixture.stored("msg_1").await.body, None, "its message has them");

    assert_eq!(fixture.begin("msg_1", NOW + LEASE).await, Begin::Started);

    assert_eq!(fixture.stored("msg_1").await.delivery(), Some(delivery("msg_1")));
}

#[tokio::test]
async fn a_delivery_that_is_applied_at_once_takes_two_write_units() {
    let fixture = Fixture::start().await;
    let long = Delivery { body: format!(r#"{{"type":"{}"}}"#, "x".repeat(20_000)), ..delivery("msg_1") };
    let before = fixture.database.units().half_writes;

    assert_eq!(fixture.store.begin(&long, NOW, LEASE).await.unwrap(), Begin::Started);
    assert!(fixture.store.finish_delivery(&long, &DONE, Some("payment.succeeded")).await.unwrap());

    assert_eq!(fixture.database.units().half_writes - before, 4, "half units");
}
