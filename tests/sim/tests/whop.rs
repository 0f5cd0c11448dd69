//! The Whop stand-in against what Whop has written down: its `OpenAPI` description, its webhook samples, its
//! signature vector and its rules. Nothing of the product is involved.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that is surprised must stop"
)]
#![allow(clippy::too_many_lines, clippy::excessive_nesting, reason = "a story is told in one go")]

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sim::clock::{Clock, from_iso, iso};
use sim::fault::Faults;
use sim::serve::{Served, serve};
use sim::whop::{App, Delivery, NewVariant, Rights, SignedDelivery, VERSION, Whop, sign};

/// 2026-11-23T08:00:00Z.
const NOON: i64 = 1_795_420_800_000;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const REDIRECT: &str = "https://app.example/whop/callback";
const EVERYTHING: &[&str] = &[
    "member.created",
    "member.updated",
    "membership.activated",
    "membership.updated",
    "membership.trial_ending_soon",
    "membership.deactivated",
    "membership.cancel_at_period_end_changed",
    "payment.created",
    "payment.succeeded",
    "payment.failed",
    "refund.created",
    "refund.updated",
    "dispute.created",
    "dispute.updated",
    "dispute_alert.created",
    "product.created",
    "product.updated",
    "product.deleted",
    "plan.created",
    "plan.updated",
    "plan.deleted",
];

/// A client that does nothing by itself: no redirects, no retries.
struct Client {
    http: reqwest::Client,
    base: String,
    key: String,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Client {
    fn new(whop: &Whop, key: &str) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { http, base: whop.url(), key: key.to_owned() }
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}/api/v1{path}", self.base);
        self.http
            .request(method.parse().unwrap(), url)
            .bearer_auth(&self.key)
            .header("api-version-date", VERSION)
    }

    async fn send(request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    async fn get(&self, path: &str) -> Answer {
        Self::send(self.request("GET", path)).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        Self::send(self.request("POST", path).json(&body)).await
    }

    /// Every row of a list, page by page.
    async fn all(&self, path: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.get(&format!("{path}{after}")).await;
            assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
            rows.extend(page.body["data"].as_array().unwrap().iter().cloned());
            if page.body["page_info"]["has_next_page"] != json!(true) {
                return rows;
            }
            let cursor = page.body["page_info"]["end_cursor"].as_str().unwrap();
            after = format!("&after={cursor}");
        }
    }
}

async fn start() -> (Whop, Clock) {
    let clock = Clock::stepped(NOON);
    let whop = Whop::start(clock.clone(), &Faults::default(), 0).await;
    (whop, clock)
}

fn monthly() -> NewVariant {
    NewVariant {
        title: "Monthly".to_owned(),
        initial: 0,
        renewal: 4_900,
        currency: "usd",
        period_days: Some(30),
        trial_days: None,
    }
}

fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}

fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(id).collect()
}

// ------------------------------------------------------------------------------------------------------------
// The OpenAPI description.

/// Checks values against the schemas of the description; references stay references into one document.
struct Description {
    document: Value,
    compiled: HashMap<String, jsonschema::Validator>,
}

impl Description {
    fn read() -> Self {
        let document = serde_json::from_str(include_str!("../fixtures/whop.openapi.json")).unwrap();
        Self { document, compiled: HashMap::new() }
    }

    fn check(&mut self, name: &str, schema: &Value, value: &Value) {
        let components = &self.document["components"];
        let validator = self.compiled.entry(name.to_owned()).or_insert_with(|| {
            let root = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "allOf": [schema],
                "components": components,
            });
            jsonschema::validator_for(&root).unwrap()
        });
        let faults: Vec<String> = validator
            .iter_errors(value)
            .map(|fault| format!("{} at {}", fault, fault.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{name}: {faults:#?}");
    }

    /// Checks the answer of an operation, found by its path in the description.
    fn check_answer(&mut self, method: &str, path: &str, answer: &Answer) {
        let operation = &self.document["paths"][path][method];
        let schema = operation["responses"]["200"]["content"]["application/json"]["schema"].clone();
        assert!(schema.is_object(), "{method} {path} is not described");
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        self.check(&format!("{method} {path}"), &schema, &answer.body);
    }

    fn check_webhook(&mut self, event: &str, body: &Value) {
        let content = &self.document["webhooks"][event]["post"]["requestBody"]["content"];
        let schema = content["application/json"]["schema"].clone();
        if schema.is_object() {
            self.check(event, &schema, body);
        }
    }
}

#[test]
#[should_panic(expected = "is not of type")]
fn the_description_refuses_a_value_that_it_does_not_describe() {
    let mut description = Description::read();
    let schema = json!({"$ref": "#/components/schemas/Money"});
    let money = json!({"amount": "49.00", "currency": "usd", "decimals": 2, "display_decimals": 2});
    let float = json!({"amount": 49.0, "currency": "usd", "decimals": 2, "display_decimals": 2});

    description.check("money", &schema, &money);

    description.check("money", &schema, &float);
}

#[tokio::test]
async fn every_answer_of_every_get_fits_the_description() {
    let (whop, _clock) = start().await;
    let account = whop.create_account("Harbor Lights");
    whop.seed(&account, 130, 7);
    let app = whop.register_app(&[REDIRECT]);
    whop.install_app(&app.client_id, &account);
    let keys = [
        whop.account_api_key(&account, Rights::All),
        whop.account_api_key(
            &account,
            Rights::only(&["member:basic:read", "payment:basic:read", "payment:dispute:read"]),
        ),
        whop.app_api_key(&app.client_id, Rights::All),
    ];

    let mut description = Description::read();
    for key in &keys {
        let client = Client::new(&whop, key);
        for kind in [
            "products",
            "variants",
            "members",
            "memberships",
            "payments",
            "refunds",
            "disputes",
            "dispute_alerts",
        ] {
            let list = client.get(&format!("/{kind}?account_id={account}&first=100")).await;
            description.check_answer("get", &format!("/{kind}"), &list);
            for row in list.body["data"].as_array().unwrap().iter().step_by(9) {
                let one = client.get(&format!("/{kind}/{}", id(row))).await;
                if one.status != StatusCode::FORBIDDEN {
                    description.check_answer("get", &format!("/{kind}/{{id}}"), &one);
                    assert_eq!(one.body["id"], row["id"]);
                }
            }
        }
        let accounts = client.get("/accounts").await;
        description.check_answer("get", "/accounts", &accounts);
        let one = client.get(&format!("/accounts/{account}")).await;
        description.check_answer("get", "/accounts/{id}", &one);
        let permissions = client.get(&format!("/permissions?resource_id={account}")).await;
        description.check_answer("get", "/permissions", &permissions);
        let member = client.get(&format!("/members?account_id={account}")).await;
        let user = &member.body["data"][0]["user"]["id"];
        let user = client.get(&format!("/users/{}", user.as_str().unwrap())).await;
        description.check_answer("get", "/users/{id}", &user);
    }
    let owner = Client::new(&whop, &keys[0]);
    description.check_answer("get", "/accounts/me", &owner.get("/accounts/me").await);
    assert_eq!(whop.calls_not_understood(), Vec::<String>::new());
    assert_eq!(whop.flaws(), Vec::<String>::new());
}

#[tokio::test]
async fn a_seeded_account_shows_every_state_and_is_the_same_every_time() {
    let (whop, _clock) = start().await;
    let (twin, _other_clock) = start().await;
    let account = whop.create_account("Harbor Lights");
    let other = twin.create_account("Harbor Lights");

    whop.seed(&account, 150, 42);
    twin.seed(&other, 150, 42);

    assert_eq!(whop.members(&account), twin.members(&other));
    assert_eq!(whop.payments(&account), twin.payments(&other));
    let seen = |rows: &[Value], field: &str| -> BTreeSet<String> {
        rows.iter().map(|row| row[field].as_str().unwrap_or("null").to_owned()).collect()
    };
    let set = |names: &[&str]| -> BTreeSet<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    let memberships = whop.memberships(&account);
    assert!(seen(&memberships, "status").is_superset(&set(&[
        "trialing",
        "active",
        "past_due",
        "completed",
        "canceled",
        "expired",
        "unresolved",
        "drafted",
        "canceling",
    ])));
    assert!(seen(&whop.disputes(&account), "status").is_superset(&set(&[
        "needs_response",
        "warning_needs_response",
        "under_review",
        "warning_under_review",
        "won",
        "lost",
        "prevented",
        "warning_closed",
    ])));
    let payments = whop.payments(&account);
    let wanted = ["succeeded", "refunded", "partially_refunded", "past_due", "dispute_lost"];
    assert!(seen(&payments, "substatus").is_superset(&set(&wanted)));
    assert!(seen(&payments, "currency").is_superset(&set(&["usd", "eur", "jpy", "kwd", "gbp"])));
    assert!(payments.iter().any(|payment| payment["total"]["amount"] == "0.00"));
    assert!(payments.iter().any(|payment| payment["total"]["amount"] == "3000"));
    assert!(payments.iter().any(|payment| payment["total"]["amount"] == "25.505"));
    let members = whop.members(&account);
    assert_eq!(members.len(), 150);
    assert!(members.iter().any(|member| member["email"].is_null()));
    assert!(members.iter().any(|member| member["user"].is_null()));
    let emails: Vec<String> =
        members.iter().filter_map(|member| Some(member["email"].as_str()?.to_lowercase())).collect();
    assert_eq!(emails.iter().collect::<BTreeSet<_>>().len(), emails.len());
    for row in memberships.iter().chain(&payments) {
        let created = from_iso(row["created_at"].as_str().unwrap()).unwrap();
        let updated = from_iso(row["updated_at"].as_str().unwrap()).unwrap();
        assert!((NOON - 731 * DAY..=NOON).contains(&created), "{row}");
        assert!((created..=NOON + 2_000).contains(&updated), "{row}");
    }
}

// ------------------------------------------------------------------------------------------------------------
// Transport.

#[tokio::test]
async fn paging_over_a_thousand_rows_is_complete_and_stable() {
    let (whop, clock) = start().await;
    let account = whop.create_account("Harbor Lights");
    whop.seed(&account, 1_000, 3);
    let client = Client::new(&whop, &whop.account_api_key(&account, Rights::All));

    let by_default = client.get(&format!("/members?account_id={account}")).await;
    let clamped = client.get(&format!("/members?account_id={account}&first=500")).await;
    let path = format!("/members?account_id={account}&order=created_at&direction=asc&first=100");
    let first = client.get(&path).await;
    clock.advance_ms(1_000);
    let product = whop.product_create(&account, "New");
    let variant = whop.variant_create(&product, monthly());
    whop.buy(&account, "Late", "late@example.com", &variant);
    let rows = client.all(&path).await;
    let mut downwards =
        client.all(&format!("/members?account_id={account}&order=created_at&direction=desc&first=77")).await;

    assert_eq!(by_default.body["data"].as_array().unwrap().len(), 20);
    assert_eq!(clamped.body["data"].as_array().unwrap().len(), 100);
    assert_eq!(rows.len(), 1_001);
    assert_eq!(ids(&rows).into_iter().collect::<BTreeSet<_>>().len(), 1_001);
    assert_eq!(&rows[..100], &first.body["data"].as_array().unwrap()[..]);
    assert_eq!(rows.last().unwrap()["email"], "late@example.com");
    assert!(rows.is_sorted_by_key(|row| from_iso(row["created_at"].as_str().unwrap())));
    downwards.reverse();
    assert_eq!(ids(&downwards), ids(&rows));

    let before = client
        .get(&format!("{path}&before={}", first.body["page_info"]["end_cursor"].as_str().unwrap()))
        .await;
    let backwards = client
        .get(&format!(
            "/members?account_id={account}&order=created_at&direction=asc&last=50&before={}",
            first.body["page_info"]["end_cursor"].as_str().unwrap()
        ))
        .await;
    let foreign = client
        .get(&format!(
            "/members?account_id={account}&status=joined&after={}",
            first.body["page_info"]["end_cursor"].as_str().unwrap()
        ))
        .await;
    assert_eq!(before.body["data"].as_array().unwrap().len(), 99);
    assert_eq!(ids(backwards.body["data"].as_array().unwrap()), ids(&rows[49..99]));
    assert_eq!(foreign.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn other_orders_and_windows_select_what_they_say() {
    let (whop, clock) = start().await;
    let account = whop.create_account("Harbor Lights");
    whop.seed(&account, 300, 5);
    let client = Client::new(&whop, &whop.account_api_key(&account, Rights::All));
    let at = |row: &Value, field: &str| row[field].as_str().and_then(from_iso);

    for order in ["most_recent_action_at", "last_accessed_at", "joined_at"] {
        let rows = client.all(&format!("/members?account_id={account}&order={order}&first=90")).await;
        assert_eq!(rows.len(), 300, "{order}");
        assert!(rows.is_sorted_by(|a, b| at(a, order) >= at(b, order)), "{order}");
    }
    let cents = |row: &Value| -> i64 {
        let text = row["usd_total_spent"]["amount"].as_str().unwrap().replace('.', "");
        text.parse().unwrap()
    };
    let rows = client
        .all(&format!("/members?account_id={account}&order=usd_total_spent&direction=asc&first=100"))
        .await;
    assert!(rows.is_sorted_by_key(cents) && rows.len() == 300);
    let paid = client.all(&format!("/payments?account_id={account}&order=paid_at&first=100")).await;
    assert!(paid.is_sorted_by(|a, b| at(a, "paid_at") >= at(b, "paid_at")));
    assert_eq!(paid.len(), whop.payments(&account).len());

    let (from, to) = (NOON - 300 * DAY, NOON - 100 * DAY);
    let window = client
        .all(&format!(
            "/memberships?account_id={account}&created_after={}&created_before={}&direction=asc&first=30",
            iso(from),
            iso(to)
        ))
        .await;
    let inside = |row: &&Value| at(row, "created_at").is_some_and(|at| at > from && at < to);
    let expected = whop.memberships(&account);
    let expected: BTreeSet<&str> = expected.iter().filter(inside).map(id).collect();
    assert_eq!(ids(&window).into_iter().collect::<BTreeSet<_>>(), expected);
    assert!(!window.is_empty());

    clock.advance_ms(60_000);
    let member = whop.members(&account)[17].clone();
    let membership =
        whop.memberships(&account).into_iter().find(|row| row["member_id"] == member["id"]).unwrap();
    whop.past_due(id(&membership));
    let latest = client
        .get(&format!("/members?account_id={account}&order=most_recent_action_at&direction=desc&first=1"))
        .await;
    assert_eq!(latest.body["data"][0]["id"], member["id"]);
}

#[tokio::test]
async fn filters_narrow_and_arrays_have_two_spellings() {
    let (whop, _clock) = start().await;
    let account = whop.create_account("Harbor Lights");
    whop.seed(&account, 200, 11);
    let client = Client::new(&whop, &whop.account_api_key(&account, Rights::All));
    let memberships = whop.memberships(&account);
    let products = whop.products(&account);
    let (one, two) = (id(&products[0]), id(&products[1]));

    let repeated = client
        .all(&format!("/memberships?account_id={account}&product_ids={one}&product_ids={two}&first=100"))
        .await;
    let bracketed = client
        .all(&format!("/memberships?account_id={account}&product_ids[]={one}&product_ids[]={two}&first=100"))
        .await;
    let unclaimed = client.all(&format!("/memberships?account_id={account}&status=unclaimed")).await;
    let canceling = client.all(&format!("/memberships?account_id={account}&status=canceling")).await;
    let two_states = client
        .all(&format!("/memberships?account_id={account}&statuses=past_due&statuses=trialing&first=100"))
        .await;
    let member = memberships[4]["member_id"].as_str().unwrap();
    let of_member = client.all(&format!("/memberships?account_id={account}&member_id={member}")).await;
    let payments =
        client.all(&format!("/payments?account_id={account}&membership_id={}", id(&memberships[0]))).await;
    let invalid = client.get(&format!("/payments?account_id={account}&status=refunded")).await;
    let members = whop.members(&account);
    let email = members[1]["email"].as_str().unwrap();
    let by_email = client.all(&format!("/members?account_id={account}&query={email}")).await;

    let expected = memberships.iter().filter(|row| [one, two].contains(&row["product_id"].as_str().unwrap()));
    assert_eq!(repeated.len(), expected.count());
    assert_eq!(repeated, bracketed);
    assert!(unclaimed.iter().all(|row| row["member_id"].is_null()));
    assert!(!canceling.is_empty() && canceling.iter().all(|row| row["cancel_at_period_end"] == true));
    assert!(!two_states.is_empty());
    assert!(two_states.iter().all(|row| ["past_due", "trialing"].contains(&row["status"].as_str().unwrap())));
    assert!(of_member.iter().all(|row| row["member_id"] == *member) && !of_member.is_empty());
    assert!(payments.iter().all(|row| row["membership_id"] == memberships[0]["id"]) && !payments.is_empty());
    assert_eq!(invalid.status, StatusCode::BAD_REQUEST);
    assert_eq!(ids(&by_email), [id(&members[1])]);

    client.get(&format!("/members?account_id={account}&updated_after=2026-01-01")).await;
    assert_eq!(whop.calls_not_understood(), ["members_list does not know the query parameter updated_after"]);
}

#[tokio::test]
async fn what_a_credential_may_not_see_is_missing_and_not_an_error() {
    let (whop, _clock) = start().await;
    let account = whop.create_account("Harbor Lights");
    let foreign = whop.create_account("Elsewhere");
    whop.seed(&account, 30, 1);
    whop.seed(&foreign, 30, 2);
    let poor = whop.account_api_key(&account, Rights::only(&["member:basic:read"]));
    let client = Client::new(&whop, &poor);
    let nobody = Client::new(&whop, "apik_nobody");
    let stranger = whop.members(&foreign)[0].clone();
    let payment = whop.payments(&account)[0].clone();

    let own = client.all(&format!("/members?account_id={account}&first=100")).await;
    let theirs = client.get(&format!("/members?account_id={foreign}")).await;
    let payments = client.get(&format!("/payments?account_id={account}")).await;
    let one_payment = client.get(&format!("/payments/{}", id(&payment))).await;
    let one_stranger = client.get(&format!("/members/{}", id(&stranger))).await;
    let anonymous = nobody.get("/members").await;
    let permissions = client
        .get(&format!("/permissions?resource_id={account}&actions=member:basic:read,payment:basic:read"))
        .await;
    let unknown = client.get("/permissions?resource_id=biz_nothing&actions=member:basic:read").await;

    assert_eq!(own.len(), 30);
    assert!(own.iter().all(|row| row["email"].is_null() && row["phone_number"].is_null()));
    assert_eq!((theirs.status, &theirs.body["data"]), (StatusCode::OK, &json!([])));
    assert_eq!((payments.status, &payments.body["data"]), (StatusCode::OK, &json!([])));
    assert_eq!(one_payment.status, StatusCode::FORBIDDEN);
    assert_eq!(one_payment.body["error"]["message"], "missing permission: payment:basic:read");
    assert_eq!(one_stranger.status, StatusCode::NOT_FOUND);
    assert_eq!(anonymous.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        permissions.body["data"],
        json!([
            {"action": "member:basic:read", "granted": true},
            {"action": "payment:basic:read", "granted": false},
        ])
    );
    assert_eq!(unknown.body["data"][0]["granted"], false);
}

#[tokio::test]
async fn a_version_is_expected_and_an_unknown_one_refused() {
    let (whop, _clock) = start().await;
    let account = whop.create_account("Harbor Lights");
    let key = whop.account_api_key(&account, Rights::All);
    let client = Client::new(&whop, &key);

    let url = format!("{}/api/v1/accounts/me", whop.url());
    let without = Client::send(client.http.get(&url).bearer_auth(&key)).await;
    let unknown = client.http.get(&url).bearer_auth(&key).header("api-version-date", "2031-01-01");
    let unknown = Client::send(unknown).await;

    assert_eq!(without.status, StatusCode::OK);
    assert_eq!(whop.flaws(), ["GET /api/v1/accounts/me came without Api-Version-Date"]);
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    assert!(unknown.body["error"]["message"].as_str().unwrap().contains(VERSION));
}

#[tokio::test]
async fn the_six_hundred_and_first_request_of_a_minute_is_told_to_wait() {
    let (whop, clock) = start().await;
    let account = whop.create_account("Harbor Lights");
    whop.switch(|switches| switches.rate_limit = 20);
    let client = Client::new(&whop, &whop.account_api_key(&account, Rights::All));
    let path = format!("/memberships?account_id={account}");

    for _ in 0..20 {
        assert_eq!(client.get(&path).await.status, StatusCode::OK);
    }
    clock.advance_ms(48_000);
    let refused = client.get(&path).await;
    let other_operation = client.get(&format!("/members?account_id={account}")).await;
    whop.switch(|switches| switches.retry_after = true);
    let with_header = client.get(&path).await;
    clock.advance_ms(12_000);
    let again = client.get(&path).await;

    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        refused.body,
        json!({"error": {"type": "rate_limit_exceeded", "message": "Try again in 12 seconds."}})
    );
    assert!(refused.headers.get("retry-after").is_none());
    assert_eq!(with_header.headers["retry-after"], "12");
    assert_eq!(other_operation.status, StatusCode::OK);
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(whop.list_calls("memberships_list"), 23);
}

#[tokio::test]
async fn an_idempotency_key_acts_once() {
    let (whop, clock) = start().await;
    let account = whop.create_account("Harbor Lights");
    let product = whop.product_create(&account, "Inner Circle");
    let variant = whop.variant_create(&product, monthly());
    let membership = whop.buy(&account, "Zoë", "zoe@example.com", &variant);
    let client = Client::new(&whop, &whop.account_api_key(&account, Rights::All));
    let cancel = |body: Value| {
        let request = client.request("POST", &format!("/memberships/{membership}/cancel"));
        Client::send(request.header("idempotency-key", "crm-1").json(&body))
    };

    let first = cancel(json!({"cancel_at_period_end": false})).await;
    let second = cancel(json!({"cancel_at_period_end": false})).await;
    let different = cancel(json!({"cancel_at_period_end": true})).await;
    clock.advance_ms(25 * HOUR);
    let later = cancel(json!({"cancel_at_period_end": false})).await;

    assert_eq!(first.body["status"], "canceled");
    assert_eq!(second.body, first.body);
    assert_eq!(second.headers["idempotent-replayed"], "true");
    assert!(first.headers.get("idempotent-replayed").is_none());
    assert_eq!(different.status, StatusCode::BAD_REQUEST);
    assert_eq!(later.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn what_is_strange_is_strange_in_the_same_way_every_time() {
    let (whop, _clock) = start().await;
    let account = whop.create_account("Harbor Lights");
    whop.seed(&account, 100, 9);
    let client = Client::new(&whop, &whop.account_api_key(&account, Rights::All));
    whop.switch(|switches| switches.strange = true);

    let first = client.get(&format!("/memberships?account_id={account}&first=100")).await;
    let second = client.get(&format!("/memberships?account_id={account}&first=100")).await;

    let rows = first.body["data"].as_array().unwrap();
    let odd_status = |row: &&Value| row["status"].as_str().unwrap().starts_with("future_");
    let odd_field = |row: &Value| row.as_object().unwrap().keys().any(|key| key.starts_with("x_future_"));
    assert_eq!(first.body, second.body);
    assert!(rows.iter().all(odd_field));
    assert!((2..40).contains(&rows.iter().filter(odd_status).count()));
}

#[tokio::test]
async fn members_can_be_changed_by_the_seller_through_the_api() {
    let (whop, _clock) = start().await;
    let account = whop.create_account("Harbor Lights");
    let product = whop.product_create(&account, "Inner Circle");
    let variant = whop.variant_create(&product, monthly());
    let membership = whop.buy(&account, "Zoë", "zoe@example.com", &variant);
    let client = Client::new(&whop, &whop.account_api_key(&account, Rights::All));
    let poor = Client::new(&whop, &whop.account_api_key(&account, Rights::only(&["member:basic:read"])));
    let path = format!("/memberships/{membership}");

    let refused = poor.post(&format!("{path}/pause"), json!({})).await;
    let paused = client.post(&format!("{path}/pause"), json!({})).await;
    let resumed = client.post(&format!("{path}/resume"), json!({})).await;
    let merged = Client::send(client.request("PATCH", &path).json(&json!({"metadata": {"crm": "1"}}))).await;
    let scheduled = client
        .post(&format!("{path}/cancel"), json!({"cancel_at_period_end": true, "reason": "moving"}))
        .await;

    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(paused.body["most_recent_action"], "paused_at");
    assert_eq!(resumed.body["most_recent_action"], "renewing_on");
    assert_eq!(merged.body["metadata"], json!({"crm": "1"}));
    assert_eq!(scheduled.body["status"], "active");
    assert_eq!(scheduled.body["cancel_at_period_end"], true);
    assert_eq!(scheduled.body["cancellation_reason"], "moving");
}

// ------------------------------------------------------------------------------------------------------------
// Webhooks.

/// What a receiver answers, and what it was told.
type Heard = (StatusCode, Vec<(HeaderMap, Bytes)>);

/// Somebody who listens, answers what a test says, and remembers.
struct Receiver {
    served: Served,
    state: Arc<Mutex<Heard>>,
}

impl Receiver {
    async fn start() -> Self {
        let state = Arc::new(Mutex::new((StatusCode::OK, Vec::new())));
        let kept = Arc::clone(&state);
        let router = Router::new().route(
            "/hook",
            post(move |headers: HeaderMap, body: Bytes| async move {
                let mut kept = kept.lock().unwrap();
                kept.1.push((headers, body));
                (kept.0, r#"{"seen":true}"#)
            }),
        );
        Self { served: serve(router, 0).await.unwrap(), state }
    }

    fn url(&self) -> String {
        format!("{}/hook", self.served.url())
    }

    fn answer(&self, status: StatusCode) {
        self.state.lock().unwrap().0 = status;
    }

    fn seen(&self) -> Vec<(HeaderMap, Bytes)> {
        self.state.lock().unwrap().1.clone()
    }
}

fn verify(secret: &str, delivery: &SignedDelivery) {
    let mut headers = HeaderMap::new();
    for (name, value) in &delivery.headers {
        let name: http::HeaderName = name.parse().unwrap();
        headers.insert(name, value.parse().unwrap());
    }
    let verifier = standardwebhooks::Webhook::from_bytes(secret.as_bytes().to_vec()).unwrap();
    verifier.verify(&delivery.body, &headers).unwrap();
}

#[test]
fn the_signature_vector_is_reproduced() {
    let vector: Value =
        serde_json::from_str(include_str!("../fixtures/whop-webhook-samples/_signature-vector.json"))
            .unwrap();
    let text = |name: &str| vector[name].as_str().unwrap();
    let timestamp: i64 = text("timestamp").parse().unwrap();
    let sign = |secret: &str, id: &str| sign(secret, id, timestamp, text("body").as_bytes());

    assert_eq!(sign(text("secret"), text("id")), text("signature"));

    for bad in vector["bad"].as_array().unwrap() {
        let secret = bad["secret"].as_str().unwrap_or(text("secret"));
        let id = bad["id"].as_str().unwrap_or(text("id"));
        if secret != text("secret") || id != text("id") {
            assert_ne!(sign(secret, id), text("signature"), "{}", bad["why"]);
        }
    }
}

/// The names of all fields, with those of objects that both sides have.
fn same_fields(sample: &Value, ours: &Value, path: &str) {
    let (Value::Object(sample), Value::Object(ours)) = (sample, ours) else {
        return;
    };
    if path.ends_with("/metadata") || path.ends_with("/previous_attributes") {
        return;
    }
    let names =
        |object: &serde_json::Map<String, Value>| -> BTreeSet<String> { object.keys().cloned().collect() };
    assert_eq!(names(ours), names(sample), "{path}");
    for (name, value) in ours {
        same_fields(&sample[name], value, &format!("{path}/{name}"));
    }
}

#[tokio::test]
async fn every_delivery_is_signed_described_and_shaped_like_the_sample() {
    // The verifier reads the machine's clock, so this world lives in real time.
    let whop = Whop::start(Clock::system(), &Faults::default(), 0).await;
    whop.switch(|switches| switches.delivery = Delivery::Collect);
    let account = whop.create_account("Harbor Lights");
    let client = Client::new(&whop, &whop.account_api_key(&account, Rights::All));
    let hook = client
        .post(
            "/webhooks",
            json!({"url": "https://receiver.example/whop", "events": EVERYTHING, "api_version_date": VERSION}),
        )
        .await;
    let secret = hook.body["webhook_secret"].as_str().unwrap().to_owned();
    let product = whop.product_create(&account, "Inner Circle");
    let variant = whop.variant_create(&product, monthly());
    let membership = whop.buy(&account, "Zoë Marchetti", "zoe@example.com", &variant);
    let member = whop.members(&account)[0].clone();
    whop.trial_ending_soon(&membership);
    whop.fail_payment(&membership);
    whop.recover(&membership);
    whop.schedule_cancel(&membership);
    let payment = whop.pay(&membership);
    whop.dispute_alert(&payment);
    let dispute = whop.dispute_open(&payment);
    whop.dispute_won(&dispute);
    whop.refund(&payment, Some(1_050));
    whop.refund(&payment, None);
    whop.change_email(id(&member), Some("New@Example.com"));
    whop.leave(id(&member));
    whop.variant_update(&variant, 5_900);
    whop.product_update(&product, "Outer Circle");
    whop.product_delete(&product);

    let deliveries = whop.take_deliveries();
    let mut description = Description::read();
    let mut seen = BTreeSet::new();
    for delivery in &deliveries {
        verify(&secret, delivery);
        let body: Value = serde_json::from_slice(&delivery.body).unwrap();
        assert_eq!(body["id"], delivery.id.as_str());
        assert_eq!(body["account_id"], account.as_str());
        description.check_webhook(&delivery.event, &body);
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/whop-webhook-samples");
        let name = match delivery.event.as_str() {
            "membership.updated" => "membership.updated.past_due",
            event => event,
        };
        let sample = std::fs::read_to_string(format!("{folder}/{name}.json")).unwrap();
        let sample: Value = serde_json::from_str(&sample).unwrap();
        same_fields(&sample["data"], &body["data"], name);
        seen.insert(delivery.event.clone());
    }
    let expected: BTreeSet<String> = EVERYTHING.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(seen, expected);
    assert!(whop.take_deliveries().is_empty());
    let distinct: BTreeSet<&str> = deliveries.iter().map(|delivery| delivery.id.as_str()).collect();
    assert_eq!(distinct.len(), deliveries.len());
}

#[tokio::test]
async fn an_activation_is_told_twice_and_a_refund_tells_its_whole_story() {
    let (whop, clock) = start().await;
    whop.switch(|switches| switches.delivery = Delivery::Collect);
    let account = whop.create_account("Harbor Lights");
    let product = whop.product_create(&account, "Inner Circle");
    let variant = whop.variant_create(&product, monthly());
    let client = Client::new(&whop, &whop.account_api_key(&account, Rights::All));
    client
        .post(
            "/webhooks",
            json!({"url": "https://a.example/", "events": EVERYTHING, "api_version_date": VERSION}),
        )
        .await;
    let told = || -> Vec<(String, Value)> {
        let deliveries = whop.take_deliveries().into_iter();
        deliveries.map(|told| (told.event, serde_json::from_slice(&told.body).unwrap())).collect()
    };
    let names =
        |told: &[(String, Value)]| -> Vec<String> { told.iter().map(|(name, _)| name.clone()).collect() };

    let membership = whop.buy(&account, "Zoë", "zoe@example.com", &variant);
    let bought = told();
    clock.advance_ms(HOUR);
    let payment = id(&whop.payments(&account)[0]).to_owned();
    whop.refund(&payment, None);
    let refunded = told();

    assert_eq!(
        names(&bought),
        [
            "member.created",
            "payment.created",
            "payment.succeeded",
            "membership.activated",
            "membership.updated",
            "member.updated",
        ]
    );
    assert_eq!(bought[4].1["previous_attributes"], json!({"status": "drafted"}));
    assert_eq!(
        names(&refunded),
        [
            "refund.created",
            "refund.updated",
            "membership.updated",
            "membership.deactivated",
            "member.updated",
        ]
    );
    assert_eq!(refunded[0].1["data"]["status"], "pending");
    assert_eq!(refunded[1].1["data"]["amount"], 49);
    let after = client.get(&format!("/payments/{payment}")).await;
    assert_eq!(after.body["substatus"], "refunded");
    let after = client.get(&format!("/memberships/{membership}")).await;
    assert_eq!(after.body["status"], "canceled");
}

#[tokio::test]
async fn the_pin_of_an_endpoint_decides_the_envelope() {
    let (whop, _clock) = start().await;
    whop.switch(|switches| switches.delivery = Delivery::Collect);
    let account = whop.create_account("Harbor Lights");
    let product = whop.product_create(&account, "Inner Circle");
    let variant = whop.variant_create(&product, monthly());
    let membership = whop.buy(&account, "Zoë", "zoe@example.com", &variant);
    let client = Client::new(&whop, &whop.account_api_key(&account, Rights::All));
    for pin in [json!(VERSION), json!("2026-08-12"), Value::Null] {
        let body = json!({
            "url": "https://a.example/",
            "events": ["membership.deactivated"],
            "api_version_date": pin,
        });
        assert_eq!(client.post("/webhooks", body).await.status, StatusCode::OK);
    }

    whop.cancel(&membership);

    let bodies: Vec<Value> = whop
        .take_deliveries()
        .iter()
        .map(|delivery| serde_json::from_slice(&delivery.body).unwrap())
        .collect();
    assert_eq!(bodies.len(), 3);
    assert_eq!(bodies[0]["account_id"], account.as_str());
    assert!(bodies[0].get("company_id").is_none());
    assert_eq!(bodies[1]["company_id"], account.as_str());
    assert!(bodies[1].get("account_id").is_none());
    assert_eq!(bodies[1]["data"]["plan_id"], variant.as_str());
    assert_eq!(bodies[2]["api_version_date"], Value::Null);
    let sample = include_str!("../fixtures/whop-webhook-samples/membership.deactivated.unpinned.json");
    let sample: Value = serde_json::from_str(sample).unwrap();
    same_fields(&sample, &bodies[2], "unpinned");
}

#[tokio::test]
async fn an_app_hears_of_every_account_that_installed_it_and_allowed_it() {
    let (whop, _clock) = start().await;
    whop.switch(|switches| switches.delivery = Delivery::Collect);
    let app = whop.register_app(&[REDIRECT]);
    let rights = Rights::only(&["developer:manage_webhook", "webhook_receive:members", "member:basic:read"]);
    let client = Client::new(&whop, &whop.app_api_key(&app.client_id, rights));
    let body = json!({
        "url": "https://a.example/", "resource_id": app.client_id, "api_version_date": VERSION,
        "events": ["member.created", "payment.succeeded"],
    });
    let created = client.post("/webhooks", body).await;

    for (title, installed) in [("One", true), ("Two", true), ("Three", false)] {
        let account = whop.create_account(title);
        if installed {
            whop.install_app(&app.client_id, &account);
        }
        let product = whop.product_create(&account, "Inner Circle");
        let variant = whop.variant_create(&product, monthly());
        whop.buy(&account, "Zoë", "zoe@example.com", &variant);
    }

    let told = whop.take_deliveries();
    assert_eq!(created.body["resource_id"], app.client_id.as_str());
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|delivery| delivery.event == "member.created"));
    let body: Value = serde_json::from_slice(&told[0].body).unwrap();
    assert_eq!(body["data"]["email"], Value::Null);
}

#[tokio::test]
async fn failed_deliveries_come_again_by_the_schedule_with_the_same_id() {
    let (whop, clock) = start().await;
    let receiver = Receiver::start().await;
    let account = whop.create_account("Harbor Lights");
    let client = Client::new(&whop, &whop.account_api_key(&account, Rights::All));
    let body = json!({"url": receiver.url(), "events": ["product.created"], "api_version_date": VERSION});
    let hook = client.post("/webhooks", body).await;
    receiver.answer(StatusCode::INTERNAL_SERVER_ERROR);

    whop.product_create(&account, "Inner Circle");
    assert_eq!(whop.deliver_due().await, 1);
    let mut waits = Vec::new();
    while let Some(due) = whop.next_delivery_at() {
        let now = clock.cell().unwrap().load(std::sync::atomic::Ordering::SeqCst);
        waits.push((due - now) / 1_000);
        clock.advance_ms(due - now - 1);
        assert_eq!(whop.deliver_due().await, 0);
        clock.advance_ms(1);
        assert_eq!(whop.deliver_due().await, 1);
    }

    let half_day = 12 * 3_600;
    let expected =
        [30, 120, 480, 1_800, 3_600, 10_800, 21_600, half_day, half_day, half_day, half_day, half_day];
    assert_eq!(waits, expected);
    let seen = receiver.seen();
    assert_eq!(seen.len(), 13);
    assert!(
        seen.iter()
            .all(|(headers, body)| headers["webhook-id"] == seen[0].0["webhook-id"] && *body == seen[0].1)
    );
    assert_ne!(seen[0].0["webhook-timestamp"], seen[12].0["webhook-timestamp"]);
    assert_eq!(whop.mails().len(), 1, "{:?}", whop.mails());

    clock.advance_ms(2 * HOUR);
    whop.product_create(&account, "One more");
    whop.deliver_due().await;
    let path = format!("/webhooks/{}", id(&hook.body));
    let disabled = client.get(&path).await;
    whop.product_create(&account, "Never told");
    let quiet = whop.next_delivery_at();
    receiver.answer(StatusCode::OK);
    let enabled = Client::send(client.request("PATCH", &path).json(&json!({"enabled": true}))).await;
    whop.product_create(&account, "Told");
    whop.deliver_due().await;

    assert_eq!(disabled.body["enabled"], false);
    assert_eq!(disabled.body["disabled_reason"], "delivery_failures");
    assert_eq!(disabled.body["consecutive_failures"], 14);
    assert_eq!(quiet, None);
    assert_eq!(enabled.body["enabled"], true);
    let last: Value = serde_json::from_slice(&receiver.seen().last().unwrap().1).unwrap();
    assert_eq!(last["data"]["title"], "Told");
    assert_eq!(receiver.seen().len(), 15);
}

#[tokio::test]
async fn a_receiver_that_is_slow_or_redirects_has_failed() {
    let (whop, _clock) = start().await;
    let slow = Router::new()
        .route(
            "/slow",
            post(|| async {
                tokio::time::sleep(Duration::from_mins(1)).await;
            }),
        )
        .route("/moved", post(|| async { axum::response::Redirect::temporary("/fine") }))
        .route("/fine", post(|| async {}));
    let slow = serve(slow, 0).await.unwrap();
    whop.switch(|switches| switches.webhook_timeout = Duration::from_millis(20));
    let account = whop.create_account("Harbor Lights");
    let client = Client::new(&whop, &whop.account_api_key(&account, Rights::All));
    let subscribe = |path: &str| {
        let url = format!("{}/{path}", slow.url());
        client.post("/webhooks", json!({"url": url, "events": ["product.created"]}))
    };
    let failures = |hook: &Answer| {
        let path = format!("/webhooks/{}", id(&hook.body));
        async { client.get(&{ path }).await.body["consecutive_failures"].clone() }
    };

    let late = subscribe("slow").await;
    whop.product_create(&account, "Inner Circle");
    whop.deliver_due().await;
    let off = client.request("PATCH", &format!("/webhooks/{}", id(&late.body)));
    Client::send(off.json(&json!({"enabled": false}))).await;
    // A machine under load needs more than a moment for the two that do answer.
    whop.switch(|switches| switches.webhook_timeout = Duration::from_mins(1));
    let (moved, fine) = (subscribe("moved").await, subscribe("fine").await);
    whop.product_create(&account, "Outer Circle");
    whop.deliver_due().await;

    let failures = [failures(&late).await, failures(&moved).await, failures(&fine).await];
    assert_eq!(failures, [json!(1), json!(1), json!(0)]);
}

#[tokio::test]
async fn webhook_endpoints_are_managed_by_keys_only_and_tell_their_secret_once() {
    let (whop, _clock) = start().await;
    let receiver = Receiver::start().await;
    let account = whop.create_account("Harbor Lights");
    let client = Client::new(&whop, &whop.account_api_key(&account, Rights::All));
    let poor = Client::new(&whop, &whop.account_api_key(&account, Rights::only(&["member:basic:read"])));
    let (_, tokens) = connect(&whop, &account).await;
    let user = Client::new(&whop, tokens["access_token"].as_str().unwrap());
    let body = json!({"url": receiver.url(), "events": ["product.created", "payment.succeeded"]});
    let mut old = body.clone();
    old["api_version"] = json!("v5");

    let refused_user = user.post("/webhooks", body.clone()).await;
    let refused_poor = poor.post("/webhooks", body.clone()).await;
    let refused_old = client.post("/webhooks", old).await;
    let unknown_event =
        client.post("/webhooks", json!({"url": receiver.url(), "events": ["user.created"]})).await;
    let created = client.post("/webhooks", body).await;
    let path = format!("/webhooks/{}", id(&created.body));
    let read = client.get(&path).await;
    let list = client.get(&format!("/webhooks?account_id={account}")).await;

    assert_eq!(refused_user.status, StatusCode::FORBIDDEN);
    assert_eq!(refused_poor.status, StatusCode::FORBIDDEN);
    assert_eq!(refused_old.status, StatusCode::BAD_REQUEST);
    assert_eq!(unknown_event.status, StatusCode::BAD_REQUEST);
    let secret = created.body["webhook_secret"].as_str().unwrap();
    assert!(secret.starts_with("ws_") && secret.len() == 67);
    assert_eq!(read.body["webhook_secret"], Value::Null);
    assert_eq!(list.body["data"][0]["webhook_secret"], Value::Null);

    let mut description = Description::read();
    description.check_answer("post", "/webhooks", &created);
    description.check_answer("get", "/webhooks/{id}", &read);
    description.check_answer("get", "/webhooks", &list);

    let tested = client.post(&format!("{path}/test"), json!({"event": "payment.succeeded"})).await;
    receiver.answer(StatusCode::BAD_GATEWAY);
    whop.product_create(&account, "Inner Circle");
    whop.deliver_due().await;
    receiver.answer(StatusCode::OK);
    let log = client.get(&format!("{path}/deliveries")).await;
    let failed = &log.body["data"][0];
    let replayed = client
        .post(&format!("{path}/deliveries/{}/replay", id(failed)), json!({"regenerate_id": false}))
        .await;
    let queued = client
        .post(
            &format!("{path}/replay"),
            json!({"sent_after": iso(NOON - HOUR), "failed_only": true, "regenerate_ids": true}),
        )
        .await;
    whop.deliver_due().await;
    let deleted = Client::send(client.request("DELETE", &path)).await;
    let gone = client.get(&path).await;

    description.check_answer("post", "/webhooks/{id}/test", &tested);
    description.check_answer("get", "/webhooks/{id}/deliveries", &log);
    description.check_answer("post", "/webhooks/{id}/deliveries/{delivery_id}/replay", &replayed);
    description.check_answer("post", "/webhooks/{id}/replay", &queued);
    description.check_answer("delete", "/webhooks/{id}", &deleted);
    assert_eq!(tested.body["success"], true);
    assert_eq!(failed["response_code"], 502);
    let sent: Vec<String> = receiver
        .seen()
        .iter()
        .map(|(headers, _)| headers["webhook-id"].to_str().unwrap().to_owned())
        .collect();
    assert_eq!(sent.len(), 4);
    assert_eq!(sent[1], sent[2]);
    assert_ne!(sent[2], sent[3]);
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

// ------------------------------------------------------------------------------------------------------------
// OAuth.

const SCOPES: &str = "openid profile email member:basic:read member:email:read";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn authorize_url(whop: &Whop, app: &App, changes: &[(&str, &str)]) -> url::Url {
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let mut parameters = vec![
        ("response_type", "code"),
        ("client_id", &app.client_id),
        ("redirect_uri", REDIRECT),
        ("scope", SCOPES),
        ("state", "s-1"),
        ("nonce", "n-1"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        parameters.retain(|(known, _)| known != name);
        if !value.is_empty() {
            parameters.push((name, value));
        }
    }
    url::Url::parse_with_params(&format!("{}/oauth/authorize", whop.url()), parameters).unwrap()
}

fn answer_of(answer: &Answer) -> HashMap<String, String> {
    assert_eq!(answer.status, StatusCode::FOUND, "{}", answer.body);
    let location = answer.headers["location"].to_str().unwrap();
    assert!(location.starts_with(REDIRECT), "{location}");
    let location = url::Url::parse(location).unwrap();
    location.query_pairs().into_owned().collect()
}

fn code_form(app: &App, code: &str) -> Vec<(String, String)> {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("client_id", &app.client_id),
        ("client_secret", &app.client_secret),
        ("code_verifier", VERIFIER),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

async fn token(client: &Client, form: &[(String, String)]) -> Answer {
    Client::send(client.http.post(format!("{}/oauth/token", client.base)).form(form)).await
}

/// The whole flow without a person, bound to an account.
async fn connect(whop: &Whop, account: &str) -> (App, Value) {
    let app = whop.register_app(&[REDIRECT]);
    whop.switch(|switches| switches.auto_consent = true);
    let client = Client::new(whop, "");
    let url = authorize_url(whop, &app, &[("company_id", account)]);
    let back = answer_of(&Client::send(client.http.get(url)).await);
    let tokens = token(&client, &code_form(&app, &back["code"])).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
    (app, tokens.body)
}

async fn refresh(whop: &Whop, app: &App, refresh_token: &Value, company: Option<&str>) -> Answer {
    let mut form = vec![
        ("grant_type".to_owned(), "refresh_token".to_owned()),
        ("refresh_token".to_owned(), refresh_token.as_str().unwrap().to_owned()),
        ("client_id".to_owned(), app.client_id.clone()),
        ("client_secret".to_owned(), app.client_secret.clone()),
    ];
    if let Some(company) = company {
        form.push(("company_id".to_owned(), company.to_owned()));
    }
    token(&Client::new(whop, ""), &form).await
}

#[tokio::test]
async fn a_user_token_reads_what_its_user_manages() {
    let (whop, clock) = start().await;
    let account = whop.create_account("Harbor Lights");
    let second = whop.create_account("Second Shop");
    let other = whop.create_user("Somebody Else");
    let foreign = whop.create_account_of(&other, "Foreign");
    whop.seed(&account, 20, 1);
    whop.seed(&second, 20, 2);
    whop.seed(&foreign, 20, 3);

    let (_, tokens) = connect(&whop, &account).await;

    let user = Client::new(&whop, tokens["access_token"].as_str().unwrap());
    let own = user.all(&format!("/members?account_id={account}&first=100")).await;
    let unbound = user.all(&format!("/members?account_id={second}&first=100")).await;
    let theirs = user.all(&format!("/members?account_id={foreign}&first=100")).await;
    let accounts = user.get("/accounts").await;
    let me = user.get("/users/me").await;
    let info = user.http.get(format!("{}/oauth/userinfo", whop.url())).bearer_auth(&user.key);
    let info = Client::send(info).await;
    assert_eq!((tokens["token_type"].as_str(), tokens["expires_in"].as_i64()), (Some("Bearer"), Some(3_600)));
    let claims = tokens["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["nonce"], "n-1");
    assert_eq!((own.len(), unbound.len(), theirs.len()), (20, 0, 0));
    assert!(own.iter().any(|row| row["email"].is_string()));
    assert!(own.iter().all(|row| row["phone_number"].is_null()));
    assert_eq!(ids(accounts.body["data"].as_array().unwrap()), [account.as_str()]);
    assert_eq!(me.body["id"], info.body["sub"]);
    assert_eq!(me.body["email"], info.body["email"]);
    assert_eq!(user.get("/accounts/me").await.status, StatusCode::NOT_FOUND);

    clock.advance_ms(HOUR);
    assert_eq!(user.get("/accounts").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_refresh_token_used_twice_costs_the_whole_family() {
    let (whop, _clock) = start().await;
    let account = whop.create_account("Harbor Lights");
    let (app, tokens) = connect(&whop, &account).await;
    let company = Some(account.as_str());

    let mismatch = refresh(&whop, &app, &tokens["refresh_token"], None).await;
    let second = refresh(&whop, &app, &tokens["refresh_token"], company).await;
    let third = refresh(&whop, &app, &second.body["refresh_token"], company).await;
    let reused = refresh(&whop, &app, &second.body["refresh_token"], company).await;
    let newest = refresh(&whop, &app, &third.body["refresh_token"], company).await;

    assert_eq!(mismatch.body["error"], "invalid_grant");
    assert_eq!(second.status, StatusCode::OK);
    assert_ne!(second.body["refresh_token"], tokens["refresh_token"]);
    assert_eq!(third.status, StatusCode::OK);
    assert_eq!((reused.status, &reused.body["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_grant")));
    assert_eq!(newest.body["error"], "invalid_grant");
    assert_eq!((whop.refreshes(), whop.families_revoked()), (2, 1));
    let user = Client::new(&whop, third.body["access_token"].as_str().unwrap());
    assert_eq!(user.get("/accounts").await.status, StatusCode::OK);
}

#[tokio::test]
async fn codes_are_single_use_and_the_client_must_prove_itself() {
    let (whop, clock) = start().await;
    whop.create_account("Harbor Lights");
    let app = whop.register_app(&[REDIRECT]);
    whop.switch(|switches| switches.auto_consent = true);
    let client = Client::new(&whop, "");
    let code = || async {
        let answer = Client::send(client.http.get(authorize_url(&whop, &app, &[]))).await;
        answer_of(&answer)["code"].clone()
    };
    let changed = |form: Vec<(String, String)>, name: &str, value: &str| -> Vec<(String, String)> {
        form.into_iter()
            .map(|(known, old)| if known == name { (known, value.to_owned()) } else { (known, old) })
            .collect()
    };

    let once = code().await;
    let fine = token(&client, &code_form(&app, &once)).await;
    let twice = token(&client, &code_form(&app, &once)).await;
    let wrong_secret =
        token(&client, &changed(code_form(&app, &code().await), "client_secret", "guess")).await;
    let verifier = "a".repeat(43);
    let wrong_verifier =
        token(&client, &changed(code_form(&app, &code().await), "code_verifier", &verifier)).await;
    let other_redirect = format!("{REDIRECT}/");
    let wrong_redirect = changed(code_form(&app, &code().await), "redirect_uri", &other_redirect);
    let wrong_redirect = token(&client, &wrong_redirect).await;
    let old = code().await;
    clock.advance_ms(10 * 60_000);
    let expired = token(&client, &code_form(&app, &old)).await;
    let form: serde_json::Map<String, Value> =
        code_form(&app, &code().await).into_iter().map(|(name, value)| (name, value.into())).collect();
    let as_json = client.http.post(format!("{}/oauth/token", whop.url())).json(&form);
    let as_json = Client::send(as_json).await;
    let mut bare = code_form(&app, &code().await);
    bare.retain(|(name, _)| !name.starts_with("client_"));
    let basic = BASE64_STANDARD.encode(format!("{}:{}", app.client_id, app.client_secret));
    let with_basic = client.http.post(format!("{}/oauth/token", whop.url()));
    let with_basic = with_basic.header("authorization", format!("Basic {basic}")).form(&bare);
    let with_basic = Client::send(with_basic).await;

    assert_eq!(fine.status, StatusCode::OK);
    assert_eq!(twice.body["error"], "invalid_grant");
    assert_eq!(
        (wrong_secret.status, &wrong_secret.body["error"]),
        (StatusCode::UNAUTHORIZED, &json!("invalid_client"))
    );
    assert_eq!(wrong_verifier.body["error"], "invalid_grant");
    assert_eq!(wrong_redirect.body["error"], "invalid_grant");
    assert_eq!(expired.body["error"], "invalid_grant");
    assert_eq!(as_json.status, StatusCode::OK);
    assert_eq!(with_basic.status, StatusCode::OK);

    let body = json!({
        "token": fine.body["refresh_token"], "client_id": app.client_id, "client_secret": app.client_secret,
    });
    let revoked = client.http.post(format!("{}/oauth/revoke", whop.url())).json(&body);
    assert_eq!(Client::send(revoked).await.status, StatusCode::OK);
    let after = refresh(&whop, &app, &fine.body["refresh_token"], None).await;
    assert_eq!(after.body["error"], "invalid_grant");
    assert_eq!(whop.families_revoked(), 0);
}

#[tokio::test]
async fn a_person_may_choose_an_account_allow_or_deny() {
    let (whop, _clock) = start().await;
    whop.create_account("Harbor Lights");
    let second = whop.create_account("Second & <Shop>");
    let app = whop.register_app(&[REDIRECT]);
    let client = Client::new(&whop, "");
    let ticket = |page: &Answer| {
        let page = page.body.as_str().unwrap().to_owned();
        let (_, rest) = page.split_once("name=\"ticket\" value=\"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    let press = |ticket: String, decision: &'static str, account: String| {
        let form = [("ticket", ticket), ("decision", decision.to_owned()), ("account", account)];
        Client::send(client.http.post(format!("{}/oauth/consent", whop.url())).form(&form))
    };

    let page = Client::send(client.http.get(authorize_url(&whop, &app, &[]))).await;
    let denied = answer_of(&press(ticket(&page), "deny", second.clone()).await);
    let page = Client::send(client.http.get(authorize_url(&whop, &app, &[]))).await;
    let allowed = answer_of(&press(ticket(&page), "allow", second.clone()).await);
    let tokens = token(&client, &code_form(&app, &allowed["code"])).await;

    let html = page.body.as_str().unwrap();
    assert!(html.contains("Second &amp; &lt;Shop&gt;") && html.contains(">Allow</button>"));
    assert_eq!((denied["error"].as_str(), denied["state"].as_str()), ("access_denied", "s-1"));
    assert_eq!(allowed["state"], "s-1");
    let user = Client::new(&whop, tokens.body["access_token"].as_str().unwrap());
    let accounts = user.get("/accounts").await;
    assert_eq!(ids(accounts.body["data"].as_array().unwrap()), [second.as_str()]);

    let returning = authorize_url(&whop, &app, &[("company_id", &second)]);
    let returning = Client::send(client.http.get(returning)).await;
    assert!(answer_of(&returning).contains_key("code"));
}

#[tokio::test]
async fn an_authorize_request_that_is_not_in_order_is_refused() {
    let (whop, _clock) = start().await;
    whop.create_account("Harbor Lights");
    let other = whop.create_user("Somebody Else");
    let foreign = whop.create_account_of(&other, "Foreign");
    let app = whop.register_app(&[REDIRECT]);
    let client = Client::new(&whop, "");

    for (changes, expected) in [
        ([("nonce", "")], "invalid_request"),
        ([("state", "")], "invalid_request"),
        ([("scope", "openid everything")], "invalid_scope"),
        ([("scope", "developer:manage_webhook")], "invalid_scope"),
        ([("response_type", "token")], "unsupported_response_type"),
        ([("code_challenge_method", "plain")], "invalid_request"),
        ([("company_id", foreign.as_str())], "access_denied"),
    ] {
        let answer = Client::send(client.http.get(authorize_url(&whop, &app, &changes))).await;
        assert_eq!(answer_of(&answer)["error"], expected, "{changes:?}");
    }
    let trailing = format!("{REDIRECT}/");
    let elsewhere = authorize_url(&whop, &app, &[("redirect_uri", &trailing)]);
    let elsewhere = Client::send(client.http.get(elsewhere)).await;
    assert_eq!(elsewhere.status, StatusCode::BAD_REQUEST);
    assert!(elsewhere.headers.get("location").is_none());

    let discovery = format!("{}/oauth/.well-known/openid-configuration", whop.url());
    let discovery = Client::send(client.http.get(discovery)).await;
    assert_eq!(discovery.body["token_endpoint"], format!("{}/oauth/token", whop.url()));
}

// ------------------------------------------------------------------------------------------------------------
// The console.

#[tokio::test]
async fn the_console_shows_the_world_and_sells_a_membership() {
    let (whop, _clock) = start().await;
    let account = whop.create_account("Harbor <Lights>");
    whop.seed(&account, 40, 4);
    let client = Client::new(&whop, "");
    let variant = id(&whop.variants(&account)[0]).to_owned();
    let console = || Client::send(client.http.get(format!("{}/console", whop.url())));
    let act = |action: &str, form: Vec<(&'static str, String)>| {
        Client::send(client.http.post(format!("{}/console/{action}", whop.url())).form(&form))
    };

    let form = vec![
        ("account", account.clone()),
        ("name", "Ida \"Quote\"".to_owned()),
        ("email", "ida@example.com".to_owned()),
        ("variant", variant),
    ];
    let bought = act("buy", form).await;
    let membership = whop.memberships(&account).pop().unwrap();
    let payment = whop.payments(&account).pop().unwrap();
    let page = console().await;
    act("dispute", vec![("id", id(&payment).to_owned())]).await;
    act("fail", vec![("id", id(&membership).to_owned())]).await;
    let failed = whop.memberships(&account).pop().unwrap();
    act("cancel", vec![("id", id(&membership).to_owned())]).await;

    assert_eq!(bought.status, StatusCode::SEE_OTHER);
    let html = page.body.as_str().unwrap();
    assert!(html.contains("Harbor &lt;Lights&gt;") && html.contains("Ida &quot;Quote&quot;"));
    assert_eq!((&membership["status"], &failed["status"]), (&json!("active"), &json!("past_due")));
    assert_eq!(whop.memberships(&account).pop().unwrap()["status"], "canceled");
    assert_eq!(whop.disputes(&account).last().unwrap()["payment"]["id"], payment["id"]);
    assert_eq!(whop.calls_not_understood(), Vec::<String>::new());
}
