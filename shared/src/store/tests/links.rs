use super::*;
use crate::domain::id::CrmId;
use crate::domain::link::Link;
use crate::domain::revision::{Fingerprint, Revision};
use crate::domain::source::{RecordRef, Stream};

fn member(number: usize) -> RecordRef {
    RecordRef::new(Stream::Members, &format!("mber_{number}")).unwrap()
}

fn revision(changed: u64, read: u64, says: &str) -> Revision {
    Revision { changed_at: later(changed), read_at: later(read), fingerprint: Fingerprint(says.to_owned()) }
}

fn link(number: usize, revision: Revision) -> Link {
    Link {
        name: member(number),
        crm: CrmId(Uuid::from_u128(5)),
        revision,
        written: [("name".to_owned(), "Ada".to_owned())].into(),
        by: None,
    }
}

impl Fixture {
    async fn put(&self, link: &Link) -> bool {
        self.store.put_link(workspace(1), link).await.unwrap()
    }

    async fn link(&self) -> Link {
        self.store.find_link(workspace(1), &member(1)).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn a_link_moves_only_forward() {
    let fixture = Fixture::start().await;
    let steps = [revision(5, 5, "b"), revision(5, 5, "c"), revision(5, 6, "a"), revision(6, 0, "a")];

    for (at, step) in steps.iter().enumerate() {
        assert!(fixture.put(&link(1, step.clone())).await, "step {at}");
        for older in &steps[..at] {
            assert!(!fixture.put(&link(1, older.clone())).await, "{older} after {step}");
        }
    }

    assert_eq!(fixture.link().await.revision, steps[3]);
}

#[tokio::test]
async fn a_tie_keeps_what_is_there() {
    let fixture = Fixture::start().await;
    let first = link(1, revision(5, 5, "a"));
    let other = Link { crm: CrmId(Uuid::from_u128(6)), ..first.clone() };
    fixture.put(&first).await;

    assert!(!fixture.put(&other).await);
    assert!(fixture.put(&first).await, "it is there just so");

    assert_eq!(fixture.link().await, first);
}

#[tokio::test]
async fn in_whatever_order_revisions_are_written_the_latest_stays() {
    let fixture = Fixture::start().await;
    let mut revisions: Vec<Revision> = (0..27)
        .map(|n| revision(n % 3, n / 3 % 3, ["a", "b", "c"][usize::try_from(n / 9).unwrap()]))
        .collect();
    let latest = revisions.iter().max().unwrap().clone();
    revisions.rotate_left(11);

    let links = revisions.into_iter().map(|revision| link(1, revision)).collect();
    fixture.store.put_links(workspace(1), links).await.unwrap();

    assert_eq!(fixture.link().await.revision, latest);
}

#[tokio::test]
async fn many_links_are_written_and_found_together() {
    let fixture = Fixture::start().await;
    let links: Vec<Link> = (0..250).map(|number| link(number, revision(1, 1, "a"))).collect();
    fixture.put(&link(7, revision(9, 9, "z"))).await;

    let put = fixture.store.put_links(workspace(1), links).await.unwrap();
    let names: Vec<RecordRef> = (0..251).chain([3, 3]).map(member).collect();
    let found = fixture.store.links(workspace(1), &names).await.unwrap();

    let refused: Vec<_> = put.iter().filter(|(_, kept)| !kept).map(|(name, _)| name.clone()).collect();
    assert_eq!(refused, [member(7)]);
    assert_eq!(put.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(), names[..250]);
    assert_eq!(found.len(), 250);
    assert_eq!(found[&member(7)].revision, revision(9, 9, "z"));
    assert_eq!(fixture.faults.calls().iter().filter(|call| call.operation == "BatchGetItem").count(), 3);
    assert_eq!(fixture.store.links(workspace(2), &names).await.unwrap().len(), 0);
    assert_eq!(fixture.store.links(workspace(1), &[]).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_forgotten_fingerprint_lets_the_same_fact_in_again_and_no_older_one() {
    let fixture = Fixture::start().await;
    fixture.put(&link(1, revision(5, 5, "a"))).await;

    assert!(fixture.store.forget_fingerprint(workspace(1), &member(1)).await.unwrap());

    assert_eq!(fixture.link().await.revision, revision(5, 5, ""));
    assert!(!fixture.put(&link(1, revision(5, 4, "z"))).await);
    assert!(fixture.put(&link(1, revision(5, 5, "a"))).await);
    assert!(!fixture.store.forget_fingerprint(workspace(1), &member(2)).await.unwrap());
}

#[tokio::test]
async fn an_item_of_a_link_is_smaller_than_a_kilobyte() {
    let fixture = Fixture::start().await;
    let mut wide = link(1, revision(5, 5, &"f".repeat(64)));
    for field in ["name.firstName", "name.lastName", "emails.primaryEmail", "stage"] {
        wide.written.insert(field.to_owned(), "x".repeat(40));
    }

    fixture.put(&wide).await;

    assert!(fixture.items()[0].to_string().len() < 1024);
}
