use super::*;
use crate::domain::grant::{Grant, Lease, Sealed, StoredGrant};

fn grant(number: u64) -> Grant {
    Grant::OAuth {
        access: Sealed(format!("v1.access-{number}")),
        refresh: Sealed(format!("v1.refresh-{number}")),
        expires_at: later(number),
        bound_to: None,
    }
}

async fn granted() -> Fixture {
    let fixture = Fixture::start().await;
    fixture.store.put_grant(workspace(1), &grant(0), NOW).await.unwrap();
    fixture
}

impl Fixture {
    async fn grant(&self) -> StoredGrant {
        self.store.find_grant(workspace(1)).await.unwrap().unwrap()
    }

    async fn lease(&self, version: u64, now: Timestamp) -> Option<Lease> {
        let until = now + Duration::from_secs(30);
        self.store.lease(workspace(1), version, now, until).await.unwrap()
    }
}

#[tokio::test]
async fn of_64_takers_one_gets_the_lease_of_each_version() {
    let fixture = granted().await;

    for round in 1..=5 {
        let version = fixture.grant().await.version;
        let takers = (0..64).map(|_| fixture.lease(version, later(round)));
        let leases: Vec<Lease> = futures_util::future::join_all(takers).await.into_iter().flatten().collect();
        assert_eq!(leases.len(), 1, "round {round}");
        assert!(fixture.store.store_refreshed(workspace(1), &leases[0], &grant(round)).await.unwrap());
        assert_eq!(fixture.lease(version, later(round)).await, None);
    }

    let after = fixture.grant().await;
    assert_eq!((after.grant, after.leased_until), (grant(5), None));
}

#[tokio::test]
async fn a_lease_that_ran_out_is_taken_over_and_the_first_holder_can_store_no_more() {
    let fixture = granted().await;
    let version = fixture.grant().await.version;
    let slow = fixture.lease(version, NOW).await.unwrap();

    assert_eq!(fixture.lease(version, later(29)).await, None);
    let fast = fixture.lease(version, later(30)).await.unwrap();

    assert!(fast.fence > slow.fence);
    assert!(!fixture.store.store_refreshed(workspace(1), &slow, &grant(1)).await.unwrap());
    assert!(!fixture.store.release_lease(workspace(1), &slow).await.unwrap());
    assert!(!fixture.store.mark_revoked(workspace(1), &slow, later(31)).await.unwrap());
    assert!(fixture.store.store_refreshed(workspace(1), &fast, &grant(2)).await.unwrap());
    let after = fixture.grant().await;
    assert_eq!((after.grant, after.version, after.revoked_at), (grant(2), version + 1, None));
}

#[tokio::test]
async fn a_lease_that_was_given_back_can_be_taken_at_once() {
    let fixture = granted().await;
    let version = fixture.grant().await.version;
    let lease = fixture.lease(version, NOW).await.unwrap();

    assert!(fixture.store.release_lease(workspace(1), &lease).await.unwrap());

    assert!(fixture.lease(version, NOW).await.is_some());
}

#[tokio::test]
async fn a_revoked_grant_is_leased_no_more_until_it_is_given_anew() {
    let fixture = granted().await;
    let lease = fixture.lease(fixture.grant().await.version, NOW).await.unwrap();

    assert!(fixture.store.mark_revoked(workspace(1), &lease, later(1)).await.unwrap());

    let revoked = fixture.grant().await;
    assert_eq!(revoked.revoked_at, Some(later(1)));
    assert_eq!(fixture.lease(revoked.version, later(100)).await, None);
    fixture.store.put_grant(workspace(1), &grant(7), later(100)).await.unwrap();
    let anew = fixture.grant().await;
    assert_eq!((anew.grant, anew.revoked_at), (grant(7), None));
    assert!(anew.version > revoked.version && anew.fence > revoked.fence);
    assert!(fixture.lease(anew.version, later(100)).await.is_some());
}

#[tokio::test]
async fn no_fence_comes_again_after_a_grant_was_taken_away() {
    let fixture = granted().await;
    let old = fixture.lease(fixture.grant().await.version, NOW).await.unwrap();
    fixture.store.table.delete(&grant::key(workspace(1)), &expression::Expression::default()).await.unwrap();

    fixture.store.put_grant(workspace(1), &grant(7), later(10)).await.unwrap();
    fixture.lease(fixture.grant().await.version, later(10)).await.unwrap();

    assert!(!fixture.store.store_refreshed(workspace(1), &old, &grant(1)).await.unwrap());
    assert_eq!(fixture.grant().await.grant, grant(7));
}

#[tokio::test]
async fn a_lease_whose_answer_was_lost_is_still_ours() {
    let fixture = granted().await;
    let version = fixture.grant().await.version;
    fixture.lose_next_answer("UpdateItem");

    let lease = fixture.lease(version, NOW).await.unwrap();

    assert!(fixture.store.store_refreshed(workspace(1), &lease, &grant(1)).await.unwrap());
}

#[tokio::test]
async fn an_absent_grant_cannot_be_leased() {
    let fixture = Fixture::start().await;

    assert_eq!(fixture.lease(0, NOW).await, None);
}

#[tokio::test]
async fn only_the_grant_that_was_read_is_made_due() {
    let fixture = granted().await;
    let seen = fixture.grant().await.version;

    assert!(!fixture.store.expire_grant(workspace(1), seen - 1).await.unwrap());
    assert!(!fixture.grant().await.grant.is_due(NOW - Duration::from_hours(1)));
    assert!(fixture.store.expire_grant(workspace(1), seen).await.unwrap());

    let after = fixture.grant().await;
    assert!(after.grant.is_due(NOW - Duration::from_hours(1)));
    assert_eq!(after.version, seen);
}

#[tokio::test]
async fn a_key_is_never_made_due() {
    let fixture = granted().await;
    let key = Grant::AccountKey { key: Sealed("v1.key".to_owned()) };
    fixture.store.put_grant(workspace(1), &key, NOW).await.unwrap();

    let version = fixture.grant().await.version;

    assert!(!fixture.store.expire_grant(workspace(1), version).await.unwrap());
    assert_eq!(fixture.grant().await.grant, key);
}
