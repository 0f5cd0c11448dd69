use super::*;
use crate::domain::connection::{Connection, Endpoint, Health, Live, LiveSecret};
use crate::domain::grant::{Grant, Sealed};
use crate::domain::id::{ConnectionId, EndpointId, RunId};

fn endpoint_id(number: u128) -> EndpointId {
    EndpointId::new(workspace(number), "unguessable").unwrap()
}

fn connection(number: u128, name: &str) -> Connection {
    Connection {
        id: id(name),
        workspace: workspace(number),
        account: id("biz_1"),
        title: "Acme".to_owned(),
        handle: None,
        live: Live::Webhook { endpoint: endpoint_id(number), webhook: id("hook_1") },
        health: Health::Connected,
        missing_permissions: Vec::new(),
        connected_at: NOW,
        open_run: None,
        watermark: None,
        last_sync_at: None,
    }
}

fn secret(name: &str) -> LiveSecret {
    LiveSecret { webhook: Some(id(name)), sealed: Sealed(format!("v1.{name}")), superseded_at: None }
}

fn endpoint() -> Endpoint {
    Endpoint {
        id: endpoint_id(1),
        connection: id("conn_1"),
        account: id("biz_1"),
        secrets: vec![secret("a")],
        created_at: NOW,
    }
}

async fn connected() -> Fixture {
    let fixture = Fixture::start().await;
    assert!(fixture.store.replace_connection(&connection(1, "conn_1"), None).await.unwrap());
    fixture
}

impl Fixture {
    async fn connection(&self) -> Connection {
        self.store.find_connection(workspace(1)).await.unwrap().unwrap()
    }

    async fn claim(&self, connection: &str, run: &str) -> Claim {
        let (connection, run): (ConnectionId, RunId) = (id(connection), id(run));
        self.store.claim_run(workspace(1), &connection, &run).await.unwrap()
    }
}

#[tokio::test]
async fn a_connection_is_replaced_only_where_it_is_the_one_that_was_read() {
    let fixture = connected().await;
    let (first, second, third) = (connection(1, "conn_1"), connection(1, "conn_2"), connection(1, "conn_3"));

    assert!(!fixture.store.replace_connection(&second, None).await.unwrap());
    assert!(fixture.store.replace_connection(&second, Some(&first.id)).await.unwrap());
    assert!(!fixture.store.replace_connection(&third, Some(&first.id)).await.unwrap());

    assert_eq!(fixture.connection().await, second);
}

#[tokio::test]
async fn a_run_is_opened_only_if_none_is() {
    let fixture = connected().await;

    assert_eq!(fixture.claim("conn_1", "run_1").await, Claim::Claimed);
    assert_eq!(fixture.claim("conn_1", "run_2").await, Claim::AlreadyOpen(id("run_1")));
    assert_eq!(fixture.claim("conn_1", "run_1").await, Claim::Claimed);
    assert_eq!(fixture.claim("conn_2", "run_1").await, Claim::NotConnected);

    assert_eq!(fixture.connection().await.open_run, Some(id("run_1")));
}

#[tokio::test]
async fn of_many_who_open_a_run_one_does() {
    let fixture = connected().await;

    let names: Vec<String> = (0..16).map(|number| format!("run_{number}")).collect();
    let claims = futures_util::future::join_all(names.iter().map(|run| fixture.claim("conn_1", run))).await;

    assert_eq!(claims.iter().filter(|claim| **claim == Claim::Claimed).count(), 1);
}

#[tokio::test]
async fn a_run_is_closed_only_by_itself() {
    let fixture = connected().await;
    fixture.claim("conn_1", "run_1").await;
    let close = async |run: &str, watermark, at| {
        fixture.store.release_run(workspace(1), &id(run), watermark, at).await.unwrap()
    };

    assert!(!close("run_2", Some(NOW), Some(NOW)).await);
    assert!(close("run_1", Some(later(1)), Some(later(2))).await);
    assert!(!close("run_1", Some(later(5)), Some(later(5))).await);
    fixture.claim("conn_1", "run_2").await;
    assert!(close("run_2", None, None).await);

    let after = fixture.connection().await;
    assert_eq!((after.open_run, after.watermark, after.last_sync_at), (None, Some(later(1)), Some(later(2))));
}

#[tokio::test]
async fn what_is_noted_about_a_connection_never_lands_on_the_one_after_it() {
    let fixture = connected().await;
    let (ws, ours, other) = (workspace(1), id("conn_1"), id("conn_2"));
    let health = Health::NeedsReconnect { since: NOW, reason: "revoked".to_owned() };
    let live = Live::Polling { missing: "a webhook".to_owned() };
    let missing = ["member:email:read".to_owned()];

    assert!(!fixture.store.set_health(ws, &other, &health).await.unwrap());
    assert!(!fixture.store.set_live(ws, &other, &live).await.unwrap());
    assert!(!fixture.store.set_missing_permissions(ws, &other, &missing).await.unwrap());
    assert_eq!(fixture.connection().await, connection(1, "conn_1"));
    assert!(fixture.store.set_health(ws, &ours, &health).await.unwrap());
    assert!(fixture.store.set_live(ws, &ours, &live).await.unwrap());
    assert!(fixture.store.set_missing_permissions(ws, &ours, &missing).await.unwrap());

    let after = fixture.connection().await;
    assert_eq!((after.health, after.live, after.missing_permissions), (health, live, missing.to_vec()));
}

#[tokio::test]
async fn a_connection_goes_with_its_endpoint_and_its_grant_or_not_at_all() {
    let fixture = connected().await;
    let grant = Grant::AccountKey { key: Sealed("v1.a".to_owned()) };
    fixture.store.put_grant(workspace(1), &grant, NOW).await.unwrap();
    assert!(fixture.store.put_endpoint(&endpoint()).await.unwrap());
    let stale = Connection { live: Live::Polling { missing: String::new() }, ..connection(1, "conn_1") };

    assert!(!fixture.store.delete_connection(&stale).await.unwrap());
    assert!(!fixture.store.delete_connection(&connection(1, "conn_2")).await.unwrap());
    assert_eq!(fixture.items().len(), 3);
    assert!(fixture.store.delete_connection(&connection(1, "conn_1")).await.unwrap());

    assert_eq!(fixture.items(), Vec::<serde_json::Value>::new());
    assert_eq!(fixture.claim("conn_1", "run_1").await, Claim::NotConnected);
}

#[tokio::test]
async fn connected_workspaces_are_listed_page_by_page() {
    let fixture = Fixture::start().await;
    for number in 1..=5 {
        fixture.store.replace_connection(&connection(number, "conn_1"), None).await.unwrap();
    }
    fixture.store.delete_connection(&connection(3, "conn_1")).await.unwrap();

    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let (page, next) = fixture.store.list_connected(after, 2).await.unwrap();
        assert!(page.len() <= 2);
        found.extend(page);
        after = next;
        if after.is_none() {
            break;
        }
    }

    assert_eq!(found, [1, 2, 4, 5].map(workspace));
}

#[tokio::test]
async fn secrets_are_rotated_only_from_those_that_were_read() {
    let fixture = Fixture::start().await;
    fixture.store.put_endpoint(&endpoint()).await.unwrap();
    let secrets = |names: &[&str]| names.iter().map(|it| secret(it)).collect::<Vec<_>>();
    let replace = async |from: &[&str], to: &[&str]| {
        fixture.store.replace_secrets(&endpoint_id(1), &secrets(from), &secrets(to)).await.unwrap()
    };

    assert!(replace(&["a"], &["b", "a"]).await);
    assert!(!replace(&["a"], &["c", "a"]).await);
    assert!(!fixture.store.put_endpoint(&endpoint()).await.unwrap());

    let found = fixture.store.find_endpoint(&endpoint_id(1)).await.unwrap().unwrap();
    assert_eq!(found.secrets, secrets(&["b", "a"]));
}
