use std::collections::{BTreeMap, HashSet};

use super::{Fixture, NOW, later, workspace};
use crate::domain::contract::rule::Awaited;
use crate::domain::id::CrmId;
use crate::store::{Watch, Watching};

fn of(stage: &str) -> Watching {
    Watching { rule: "welcome".to_owned(), stage: stage.to_owned(), since: NOW }
}

fn id(number: u128) -> CrmId {
    CrmId(uuid::Uuid::from_u128(number))
}

#[tokio::test]
async fn what_a_rule_met_is_its_own_and_of_its_stage() {
    let fixture = Fixture::start().await;
    let (many, store) = ((0..230).map(id).collect::<Vec<_>>(), &fixture.store);

    store.meet(workspace(1), &of("NEW"), &many).await.unwrap();
    store.meet(workspace(1), &of("NEW"), &many[..3]).await.unwrap();

    let all: HashSet<CrmId> = many.iter().copied().collect();
    assert_eq!(store.met(workspace(1), &of("NEW"), &many).await.unwrap(), all);
    assert!(store.met(workspace(1), &of("WON"), &many).await.unwrap().is_empty());
    let anew = Watching { since: later(1), ..of("NEW") };
    assert!(store.met(workspace(1), &anew, &many).await.unwrap().is_empty());
    assert!(store.met(workspace(2), &of("NEW"), &many).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_look_is_kept_over_just_the_one_before() {
    let fixture = Fixture::start().await;
    let watch = |version, under_way| Watch { of: of("NEW"), looked_at: None, under_way, version };

    assert!(fixture.store.put_watch(workspace(1), &watch(1, Some(NOW))).await.unwrap());
    assert!(!fixture.store.put_watch(workspace(1), &watch(1, Some(later(1)))).await.unwrap());
    assert!(fixture.store.put_watch(workspace(1), &watch(2, None)).await.unwrap());
    assert!(!fixture.store.put_watch(workspace(1), &watch(4, None)).await.unwrap());

    let kept = fixture.store.find_watch(workspace(1), "welcome").await.unwrap();
    assert_eq!(kept, Some(watch(2, None)));
}

#[tokio::test]
async fn the_reason_that_was_told_last_is_kept_for_each() {
    let fixture = Fixture::start().await;
    let (store, about) = (&fixture.store, ("welcome", "mem_1"));

    store.put_skipped(workspace(1), about, "no address").await.unwrap();
    store.put_skipped(workspace(1), about, "no account").await.unwrap();

    let told = store.find_skipped(workspace(1), about).await.unwrap();
    assert_eq!(told.as_deref(), Some("no account"));
    assert_eq!(store.find_skipped(workspace(1), ("welcome", "mem_2")).await.unwrap(), None);
    assert_eq!(store.find_skipped(workspace(2), about).await.unwrap(), None);
}

#[tokio::test]
async fn a_copy_of_what_rules_wait_for_needs_its_workspace() {
    let fixture = Fixture::start().await;
    let copy = Awaited { of: 1, products: BTreeMap::from([("prod_1".parse().unwrap(), NOW)]) };

    assert!(!fixture.store.copy_contract_rules(workspace(1), &copy).await.unwrap());
    assert!(fixture.items().is_empty());
}
