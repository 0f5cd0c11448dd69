use serde_json::{Value, json};

use super::{ACCOUNT, Canned, FarEnd, Seen, Seller, canned, data, json as ok, list};
use crate::domain::grant::Secret;
use crate::domain::id::WebhookId;
use crate::domain::run::{Filter, Query};
use crate::domain::source::{Cursor, Page, Record, RecordRef, Stream};
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind};
use crate::whop::account::NEEDED;
use crate::whop::client::API_VERSION;
use crate::whop::error::WhopError;

const AT: &str = "2026-11-10T09:30:02.000Z";

fn at() -> Timestamp {
    AT.parse().unwrap()
}

async fn ask(stream: Stream, filter: Filter) -> Seen {
    let far_end = FarEnd::answering([list(&[], None)]).await;
    let seller = Seller::new();
    far_end.whop.list(seller.by(), &Query { stream, filter }, None).await.unwrap();
    far_end.only()
}

#[tokio::test]
async fn every_call_carries_version_and_credential_and_asks_for_a_full_page() {
    for (stream, path) in [
        (Stream::Variants, "/api/v1/variants"),
        (Stream::Products, "/api/v1/products"),
        (Stream::Members, "/api/v1/members"),
        (Stream::Memberships, "/api/v1/memberships"),
        (Stream::Refunds, "/api/v1/refunds"),
        (Stream::Disputes, "/api/v1/disputes"),
        (Stream::Payments, "/api/v1/payments"),
    ] {
        let seen = ask(stream, Filter::All).await;

        assert_eq!((seen.method.as_str(), seen.path.as_str()), ("GET", path));
        assert_eq!(seen.headers["api-version-date"], API_VERSION);
        assert_eq!(seen.headers["authorization"], "Bearer apik_canary");
        for (name, value) in
            [("account_id", ACCOUNT), ("first", "100"), ("order", "created_at"), ("direction", "asc")]
        {
            assert_eq!(seen.param(name), Some(value), "{path} {name}");
        }
        assert_eq!(seen.query.len(), 4, "{:?}", seen.query);
    }
}

#[tokio::test]
async fn a_filter_becomes_the_parameters_its_list_offers() {
    let seen = ask(Stream::Payments, Filter::CreatedAfter { at: at() }).await;
    assert_eq!(seen.param("created_after"), Some(AT));

    let made_after = "2026-07-26T08:00:00.000Z".parse().unwrap();
    let seen = ask(Stream::Disputes, Filter::ChangedSince { at: at(), made_after }).await;
    assert_eq!(seen.param("created_after"), Some("2026-07-26T08:00:00.000Z"));

    let word = |word: &str| Filter::Status { word: word.to_owned() };
    assert_eq!(ask(Stream::Memberships, word("past_due")).await.param("status"), Some("past_due"));
    assert_eq!(ask(Stream::Disputes, word("needs_response")).await.param("status[]"), Some("needs_response"));
    assert_eq!(ask(Stream::Refunds, word("pending")).await.query.len(), 4);

    let acted = ask(Stream::Members, Filter::ActedAfter { at: at() }).await;
    assert_eq!(acted.param("order"), Some("most_recent_action_at"));
    assert_eq!(acted.param("direction"), Some("desc"));
}

#[tokio::test]
async fn a_cursor_goes_along_and_the_next_one_comes_back() {
    let far_end = FarEnd::answering([list(&[data("member.updated")], Some("WyJ+/Q="))]).await;
    let seller = Seller::new();
    let query = Query { stream: Stream::Members, filter: Filter::All };
    let cursor = Cursor("a+b/c=&d".to_owned());

    let page = far_end.whop.list(seller.by(), &query, Some(&cursor)).await.unwrap();

    assert_eq!(far_end.only().param("after"), Some("a+b/c=&d"));
    assert_eq!(page.next, Some(Cursor("WyJ+/Q=".to_owned())));
    assert_eq!(page.records.len(), 1);
}

fn acted(id: &str, when: Option<&str>) -> Value {
    let mut row = data("member.updated");
    row["id"] = json!(id);
    row["most_recent_action_at"] = json!(when);
    row
}

async fn acted_after(rows: &[Value]) -> Page {
    let far_end = FarEnd::answering([list(rows, Some("on"))]).await;
    let seller = Seller::new();
    let query = Query { stream: Stream::Members, filter: Filter::ActedAfter { at: at() } };
    far_end.whop.list(seller.by(), &query, None).await.unwrap()
}

fn ids(page: &Page) -> Vec<String> {
    page.records.iter().map(|it| it.name().id().to_owned()).collect()
}

#[tokio::test]
async fn a_list_by_last_action_ends_where_it_comes_to_what_was_seen_before() {
    let later = acted("mber_1", Some("2026-11-11T00:00:00Z"));
    let exactly = acted("mber_2", Some(AT));
    let earlier = acted("mber_3", Some("2026-11-10T09:30:01.999Z"));
    let never = acted("mber_4", None);

    let page = acted_after(&[later.clone(), exactly.clone(), earlier]).await;
    assert_eq!((ids(&page), page.next), (vec!["mber_1".to_owned(), "mber_2".to_owned()], None));

    let page = acted_after(&[later.clone(), never.clone()]).await;
    assert_eq!((ids(&page), page.next), (vec!["mber_1".to_owned()], None));

    let page = acted_after(&[later.clone(), exactly]).await;
    assert_eq!((page.records.len(), page.next.is_some()), (2, true));

    let page = acted_after(&[never, later]).await;
    assert_eq!((ids(&page), page.next.is_some()), (vec!["mber_1".to_owned()], true));
}

async fn read(answer: Canned) -> Result<Option<Record>, WhopError> {
    let far_end = FarEnd::answering([answer]).await;
    let name = RecordRef::new(Stream::Memberships, "mem_4cLrXt7VzBn2Ek").unwrap();
    let outcome = far_end.whop.read(Seller::new().by(), &name).await;
    assert_eq!(far_end.only().path, "/api/v1/memberships/mem_4cLrXt7VzBn2Ek");
    outcome
}

#[tokio::test]
async fn one_record_is_read_by_its_name_and_nothing_is_found_where_there_is_none() {
    let found = data("membership.activated");
    let mut foreign = found.clone();
    foreign["account"]["id"] = json!("biz_other");
    let not_found = canned(404, r#"{"error":{"type":"not_found","message":"Membership not found"}}"#);

    assert_eq!(read(ok(&found)).await.unwrap().unwrap().name().id(), "mem_4cLrXt7VzBn2Ek");
    assert_eq!(read(not_found).await.unwrap(), None);
    assert_eq!(read(ok(&foreign)).await.unwrap(), None);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_given_back_to_be_kept_aside() {
    let mut row = data("membership.activated");
    row["status"] = json!(null);
    row["cancellation_reason"] = json!("canary");

    let error = read(ok(&row)).await.unwrap_err();

    let WhopError::Unreadable(aside) = &error else {
        panic!("{error:?}");
    };
    assert_eq!((aside.0.reason.as_str(), &aside.0.raw), ("`status` is missing", &row.to_string()));
    assert!(!format!("{error:?}").contains("canary"));
    let error = Error::from(error);
    assert_eq!(error.kind(), Kind::Rejected);
    assert_eq!(error.chain(), "rejected: whop gave a record that cannot be read: `status` is missing");
}

#[tokio::test]
async fn an_answer_about_something_else_is_no_record() {
    let mut other = data("membership.activated");
    other["id"] = json!("mem_other");

    for answer in [ok(&other), ok(&json!([])), canned(200, "<html>")] {
        let outcome = read(answer).await;
        assert!(matches!(outcome, Err(WhopError::Unexpected(_))), "{outcome:?}");
    }
}

#[tokio::test]
async fn what_a_member_bought_and_what_was_paid_back_are_asked_for_by_name() {
    let seller = Seller::new();
    let far_end = FarEnd::answering([list(&[data("membership.activated")], None)]).await;
    let page = far_end
        .whop
        .memberships_of(seller.by(), &"mber_1".parse().unwrap(), Some(&Cursor("c".into())))
        .await
        .unwrap();
    assert_eq!(page.records.len(), 1);
    let seen = far_end.only();
    assert_eq!(
        (seen.param("member_id"), seen.param("after"), seen.param("account_id")),
        (Some("mber_1"), Some("c"), Some(ACCOUNT))
    );
}

#[tokio::test]
async fn only_the_exact_address_finds_a_member_in_any_case() {
    let seller = Seller::new();
    let mut near = data("member.updated");
    near["id"] = json!("mber_near");
    near["email"] = json!("zoe.marchetti@example.com.evil.example");
    let mut hidden = near.clone();
    hidden["email"] = json!(null);
    let rows = [near, hidden, data("member.updated")];

    let far_end = FarEnd::answering([list(&rows, None)]).await;
    let found = far_end.whop.find_member(seller.by(), " ZOE.Marchetti@Example.com ").await.unwrap().unwrap();
    assert_eq!(found.id.as_str(), "mber_9WqKd2HsGy6Tf");
    assert_eq!(far_end.only().param("query"), Some("ZOE.Marchetti@Example.com"));

    let far_end = FarEnd::answering([list(&rows, None)]).await;
    assert_eq!(far_end.whop.find_member(seller.by(), "marchetti@example.com").await.unwrap(), None);
}

#[tokio::test]
async fn accounts_are_read_with_their_name_and_path() {
    let seller = Seller::new();
    let row =
        json!({ "id": ACCOUNT, "title": "Harbor Lights Coaching", "route": "harbor-lights", "owner": {} });
    let bare = json!({ "id": "biz_2", "title": null, "route": "" });
    let far_end =
        FarEnd::answering([ok(&row), ok(&row), canned(404, "{}"), list(&[row.clone(), bare], Some("more"))])
            .await;

    let own = far_end.whop.own_account(&seller.token).await.unwrap();
    assert_eq!(
        (own.id.as_str(), own.title.as_str(), own.route.as_deref()),
        (ACCOUNT, "Harbor Lights Coaching", Some("harbor-lights"))
    );
    assert_eq!(far_end.whop.account(seller.by()).await.unwrap(), Some(own));
    assert_eq!(far_end.whop.account(seller.by()).await.unwrap(), None);
    let all = far_end.whop.accounts(&seller.token).await.unwrap();
    assert_eq!((all.len(), all[1].route.as_deref()), (2, None));
    let paths: Vec<String> = far_end.script.seen.lock().unwrap().iter().map(|it| it.path.clone()).collect();
    assert_eq!(
        paths,
        [
            "/api/v1/accounts/me",
            &format!("/api/v1/accounts/{ACCOUNT}"),
            &format!("/api/v1/accounts/{ACCOUNT}"),
            "/api/v1/accounts"
        ]
    );
}

#[tokio::test]
async fn what_is_not_granted_or_not_mentioned_is_missing() {
    let seller = Seller::new();
    let mut granted: Vec<Value> =
        NEEDED.iter().map(|it| json!({ "action": it.action, "granted": true })).collect();
    granted[1]["granted"] = json!(false);
    granted.pop();
    let far_end = FarEnd::answering([ok(&json!({ "data": granted }))]).await;

    let missing = far_end.whop.missing_permissions(seller.by()).await.unwrap();

    assert_eq!(missing, ["member:email:read", "payment:dispute:read"]);
    let seen = far_end.only();
    assert_eq!(seen.param("resource_id"), Some(ACCOUNT));
    assert_eq!(seen.param("actions").unwrap().split(',').count(), NEEDED.len());
}

#[tokio::test]
async fn a_credential_that_may_make_webhooks_is_told_apart() {
    let seller = Seller::new();
    for (granted, expected) in [(json!(true), true), (json!(false), false), (json!(null), false)] {
        let answer = json!({ "data": [{ "action": "developer:manage_webhook", "granted": granted }] });
        let far_end = FarEnd::answering([ok(&answer)]).await;
        assert_eq!(far_end.whop.may_manage_webhooks(seller.by()).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_webhook_is_created_in_our_version_and_its_secret_is_not_shown() {
    let seller = Seller::new();
    let far_end =
        FarEnd::answering([ok(&json!({ "id": "hook_1", "url": "x", "webhook_secret": "ws_canary" }))]).await;

    let created = far_end
        .whop
        .create_webhook(&seller.token, ACCOUNT, "https://a.example/webhooks/whop/1", "key-1")
        .await
        .unwrap();

    assert_eq!((created.id.as_str(), created.secret.expose()), ("hook_1", "ws_canary"));
    assert!(!format!("{created:?}").contains("canary"));
    let seen = far_end.only();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/api/v1/webhooks"));
    assert_eq!(seen.headers["idempotency-key"], "key-1");
    assert_eq!(seen.headers["content-type"], "application/json");
    let body: Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(body["resource_id"], ACCOUNT);
    assert_eq!(body["url"], "https://a.example/webhooks/whop/1");
    assert_eq!(body["api_version_date"], API_VERSION);
    assert_eq!(body.get("api_version"), None);
    let events = body["events"].as_array().unwrap();
    assert!(
        events.contains(&json!("membership.updated")) && events.contains(&json!("dispute_alert.created"))
    );
}

#[tokio::test]
async fn a_webhook_without_a_secret_is_no_webhook() {
    let seller = Seller::new();
    for secret in [json!(null), json!("")] {
        let far_end = FarEnd::answering([ok(&json!({ "id": "hook_1", "webhook_secret": secret }))]).await;
        let created = far_end.whop.create_webhook(&seller.token, ACCOUNT, "https://a.example", "k").await;
        assert!(matches!(created, Err(WhopError::Unexpected(_))));
    }
}

#[tokio::test]
async fn our_webhooks_are_found_by_their_exact_address() {
    let ours = "https://a.example/webhooks/whop/1";
    let rows = [
        json!({ "id": "hook_1", "url": ours }),
        json!({ "id": "hook_2", "url": format!("{ours}2") }),
        json!({ "id": "hook_3", "url": ours, "webhook_secret": null }),
    ];
    let token = Secret::new("apik_1");
    for (resource, parameter) in [(ACCOUNT, "account_id"), ("app_1", "app_id")] {
        let far_end = FarEnd::answering([list(&rows, None)]).await;

        let found = far_end.whop.webhooks_to(&token, resource, ours).await.unwrap();

        let found: Vec<&str> = found.iter().map(WebhookId::as_str).collect();
        assert_eq!(found, ["hook_1", "hook_3"]);
        assert_eq!(far_end.only().param(parameter), Some(resource));
    }
}

#[tokio::test]
async fn a_webhook_is_removed_even_if_it_is_gone_already() {
    let token = Secret::new("apik_1");
    for (answer, removed) in [
        (canned(200, r#"{"id":"hook_1","deleted":true}"#), true),
        (canned(204, ""), true),
        (canned(404, "{}"), true),
        (canned(403, "{}"), false),
        (canned(500, ""), false),
    ] {
        let far_end = FarEnd::answering([answer]).await;

        let outcome = far_end.whop.delete_webhook(&token, &"hook_1".parse().unwrap()).await;

        assert_eq!(outcome.is_ok(), removed, "{outcome:?}");
        let seen = far_end.only();
        assert_eq!((seen.method.as_str(), seen.path.as_str()), ("DELETE", "/api/v1/webhooks/hook_1"));
    }
}

#[tokio::test]
async fn a_key_pasted_with_something_around_it_is_refused_without_a_call() {
    let far_end = FarEnd::answering([]).await;
    for key in ["", "apik_1\n", "apik 1", "ключ"] {
        let answer = far_end.whop.own_account(&Secret::new(key)).await;
        assert!(matches!(answer, Err(WhopError::Unauthorized)), "{key:?}");
    }
    assert_eq!(far_end.script.seen.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn a_base_address_may_have_a_path() {
    let whop = super::whop_at("http://127.0.0.1:1/whop/");
    assert_eq!(whop.url(&["api", "v1", "members"]).as_str(), "http://127.0.0.1:1/whop/api/v1/members");
    assert_eq!(whop.url(&["api", "..", "a/b?c"]).as_str(), "http://127.0.0.1:1/whop/api/a%2Fb%3Fc");
}
