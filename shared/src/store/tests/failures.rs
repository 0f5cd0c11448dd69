use super::*;
use crate::domain::failed::FailedRecord;
use crate::domain::run::Failure;
use crate::domain::source::RecordRef;

fn failed(at: Timestamp, reason: &str) -> FailedRecord {
    FailedRecord {
        name: RecordRef::Members(id("mber_1")),
        reason: reason.to_owned(),
        kind: Failure::RefusedByTwenty,
        raw: "{}".to_owned(),
        first_at: at,
        last_at: at,
        tries: 1,
    }
}

impl Fixture {
    async fn fail(&self, failed: &FailedRecord) {
        self.store.record_failure(workspace(1), failed).await.unwrap();
    }

    async fn failed(&self) -> Option<FailedRecord> {
        let name = RecordRef::Members(id("mber_1"));
        self.store.failed_among(workspace(1), std::slice::from_ref(&name)).await.unwrap().remove(&name)
    }
}

#[tokio::test]
async fn a_record_that_fails_again_keeps_its_first_moment_and_counts() {
    let fixture = Fixture::start().await;
    let again = failed(later(5), "bad phone");

    fixture.fail(&failed(NOW, "bad e-mail")).await;
    assert_eq!(fixture.failed().await, Some(failed(NOW, "bad e-mail")));
    fixture.fail(&again).await;
    assert_eq!(fixture.failed().await, Some(FailedRecord { first_at: NOW, tries: 2, ..again }));
    fixture.fail(&failed(later(6), "bad phone")).await;

    let third = FailedRecord { first_at: NOW, tries: 3, ..failed(later(6), "bad phone") };
    assert_eq!(fixture.failed().await, Some(third));
}

#[tokio::test]
async fn of_many_records_those_that_failed_before_are_found() {
    let fixture = Fixture::start().await;
    fixture.fail(&failed(NOW, "bad e-mail")).await;

    let names = ["mber_1", "mber_2"].map(|member| RecordRef::Members(id(member)));
    let found = fixture.store.failed_among(workspace(1), &names).await.unwrap();

    assert_eq!(found, [(names[0].clone(), failed(NOW, "bad e-mail"))].into());
}

#[tokio::test]
async fn a_record_that_succeeded_is_forgotten() {
    let fixture = Fixture::start().await;
    fixture.fail(&failed(NOW, "bad e-mail")).await;

    fixture.store.clear_failed(workspace(1), &RecordRef::Members(id("mber_1"))).await.unwrap();

    assert_eq!(fixture.failed().await, None);
    assert_eq!(fixture.items().len(), 0);
}

#[tokio::test]
async fn a_source_that_is_too_long_is_cut() {
    let fixture = Fixture::start().await;

    fixture.fail(&FailedRecord { raw: "x".repeat(1_000_000), ..failed(NOW, "too wide") }).await;

    let kept = fixture.failed().await.unwrap();
    assert!(kept.raw.len() < 310 * 1024 && kept.raw.ends_with("[cut: 1000000 bytes in all]"));
}
