use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::domain::failed::FailedRecord;
use crate::domain::run::{Failure, Run, RunKind, Trigger};
use crate::domain::source::RecordRef;

async fn with_runs(count: u64) -> Fixture {
    let fixture = Fixture::start().await;
    for number in 0..count {
        for ws in [workspace(1), workspace(2)] {
            let name = crate::ids::by_time("run", later(number)).unwrap();
            let run = Run::open(id(&name), ws, RunKind::Full, Trigger::Person, later(number));
            assert!(fixture.store.insert_run(&run).await.unwrap());
        }
    }
    fixture
}

#[tokio::test]
async fn runs_come_page_by_page_the_latest_first() {
    let fixture = with_runs(7).await;

    let (mut found, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = fixture.store.list_runs(workspace(1), 3, cursor.as_deref()).await.unwrap();
        found.extend(page.items);
        pages += 1;
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }

    assert_eq!(pages, 3);
    let started: Vec<Timestamp> = found.iter().map(|run| run.started_at).collect();
    assert_eq!(started, (0..7).rev().map(later).collect::<Vec<_>>());
    assert!(found.iter().all(|run| run.workspace == workspace(1)));
}

#[tokio::test]
async fn a_cursor_of_another_workspace_or_list_is_refused() {
    let fixture = with_runs(3).await;
    let failed = FailedRecord {
        name: RecordRef::Members(id("mber_1")),
        reason: String::new(),
        kind: Failure::Bug,
        raw: String::new(),
        first_at: NOW,
        last_at: NOW,
        tries: 1,
    };
    fixture.store.record_failure(workspace(1), &failed).await.unwrap();
    let foreign = fixture.store.list_runs(workspace(2), 1, None).await.unwrap().next.unwrap();
    let forged = |text: String| URL_SAFE_NO_PAD.encode(text);
    let ours = format!("WS#{}", workspace(1));

    for cursor in [
        foreign,
        forged(format!("{ours}\nFAILED#members#mber_1")),
        forged(format!("{ours}\nRUN")),
        forged(ours),
        "not base64!".to_owned(),
        String::new(),
    ] {
        let error = fixture.store.list_runs(workspace(1), 1, Some(&cursor)).await.unwrap_err();
        assert!(matches!(error, StoreError::BadCursor), "{cursor}: {error}");
        assert_eq!(crate::error::Error::from(error).kind(), crate::error::Kind::Invalid);
    }
}

#[tokio::test]
async fn a_page_is_never_empty_and_never_longer_than_is_allowed() {
    let fixture = with_runs(2).await;

    assert_eq!(fixture.store.list_runs(workspace(1), 0, None).await.unwrap().items.len(), 1);
    assert_eq!(fixture.store.list_runs(workspace(1), usize::MAX, None).await.unwrap().items.len(), 2);
    assert_eq!(fixture.store.list_failed(workspace(1), 5, None).await.unwrap().items, []);
    assert_eq!(fixture.store.list_deliveries(workspace(1), 5, None).await.unwrap().items, []);
}
