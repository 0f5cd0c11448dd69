//! A consent survives everything but its end: one refresh per expiry however many want it, and only
//! `invalid_grant` disconnects.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use shared::domain::caller::{Caller, Means};
use shared::domain::id::WorkspaceId;
use shared::usecase::refresh_member;
use shared::usecase::refresh_member::Whom;
use shared::{App, Error, Kind};
use sim::fault::Fault;
use sim::twenty::Workspace;
use stack::{Stack, Visitor, pump};
use tokio::task::JoinSet;

use crate::story::{assert_well, monthly, start, status};

/// Longer than an access token lives.
const HOUR: Duration = Duration::from_hours(1);

/// A shop that is connected by consent, and its workspace as our table knows it.
struct Consented<'a> {
    admin: Visitor<'a>,
    account: String,
    workspace: Workspace,
    id: WorkspaceId,
}

async fn consented(stack: &Stack) -> Consented<'_> {
    stack.whop.switch(|it| it.auto_consent = true);
    let workspace = stack.twenty.create_workspace("Harbor Lights");
    let account = stack.whop.create_account("Harbor Lights Coaching");
    let variant = monthly(stack, &account, "Gym");
    stack.whop.buy(&account, "Ada", "ada@example.com", &variant);
    let mut admin = stack.visitor();
    let signed_in = admin.connect_twenty(&stack.twenty.url(), &workspace.api_key).await;
    let id = signed_in.json()["workspace"]["id"].as_str().unwrap().parse().unwrap();
    let back = admin.consent(None).await;
    assert!(back.header("location").unwrap().ends_with("/?connected=whop"), "{back:?}");
    Consented { admin, account, workspace, id }
}

/// Uses the access token once; answers with what Whop said about a member it does not have.
async fn use_token(app: &'static App, workspace: WorkspaceId) -> Error {
    let caller = Caller { workspace, by: Means::Session };
    let whom = Whom::Email("nobody@example.com".to_owned());
    loop {
        let outcome = refresh_member(app, &caller, &whom).await.unwrap_err();
        // Sixty-three who wait move the stepped clock far; who waited too long comes again, as a message would.
        if !matches!(outcome.kind(), Kind::Throttled { .. }) {
            return outcome;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_who_want_a_token_refresh_it_once_in_each_of_two_hundred_rounds() {
    let stack = Stack::start().await;
    let shop = consented(&stack).await;
    let before = stack.whop.refreshes();

    for round in 1..=200 {
        stack.advance(HOUR);
        let mut users = JoinSet::new();
        for _ in 0..64 {
            users.spawn(use_token(stack.app, shop.id));
        }
        for outcome in users.join_all().await {
            assert_eq!(outcome.kind(), Kind::NotFound, "round {round}: {}", outcome.chain());
        }
        assert_eq!(stack.whop.refreshes() - before, round);
        stack.faults.forget_calls();
    }

    assert_eq!(stack.whop.families_revoked(), 0);
}

#[tokio::test]
async fn a_withdrawn_consent_disconnects_says_so_and_is_mended_by_a_new_one() {
    let stack = Stack::start().await;
    let mut shop = consented(&stack).await;
    assert_well(&shop.admin.sync("FULL").await);
    let people = stack.twenty.count(&shop.workspace, "people");
    stack.whop.withdraw_consents();
    stack.advance(HOUR);

    let run = shop.admin.sync("INCREMENTAL").await;
    let lost = status(&mut shop.admin).await;
    let refused = shop.admin.ask_graphql("mutation { triggerWhopSync { run { id } } }", json!({})).await;
    shop.admin.consent(None).await;
    let mended = shop.admin.sync("INCREMENTAL").await;

    assert_eq!(run["state"], "FAILED", "{run}");
    assert_eq!((&lost["health"], &lost["isConnected"]), (&json!("NEEDS_RECONNECT"), &json!(false)));
    assert!(lost["healthReason"].as_str().unwrap().contains("withdrawn"), "{lost}");
    assert_eq!(refused["errors"][0]["extensions"]["code"], "RECONNECT_REQUIRED");
    assert!(refused["errors"][0]["message"].as_str().unwrap().contains("Connect Whop again"), "{refused}");
    assert_well(&mended);
    assert_eq!(status(&mut shop.admin).await["health"], "CONNECTED");
    assert_eq!(stack.twenty.count(&shop.workspace, "people"), people);
}

#[tokio::test]
async fn a_token_endpoint_that_is_out_of_order_disconnects_nobody() {
    let gateway = || Fault::Fail(StatusCode::BAD_GATEWAY, "<html>bad gateway</html>".to_owned());
    let troubles: [fn() -> Fault; 3] =
        [gateway, || Fault::CutBefore, || Fault::Fail(StatusCode::TOO_MANY_REQUESTS, String::new())];
    for trouble in troubles {
        let stack = Stack::start().await;
        let mut shop = consented(&stack).await;
        assert_well(&shop.admin.sync("FULL").await);
        stack.advance(HOUR);
        let mut left = 3;
        stack.faults.plan(move |call| {
            let hit = left > 0 && call.operation == "POST /oauth/token";
            left -= i32::from(hit);
            if hit { trouble() } else { Fault::Pass }
        });

        let id = start(&mut shop.admin, "FULL").await;
        pump::once(&stack).await;
        let during = status(&mut shop.admin).await;
        pump::drain(&stack).await;

        assert_eq!(during["health"], "CONNECTED", "{during}");
        assert_well(&shop.admin.run(&id).await);
        assert_eq!(status(&mut shop.admin).await["health"], "CONNECTED");
        assert_eq!(stack.whop.families_revoked(), 0);
    }
}

#[tokio::test]
async fn a_pair_that_is_lost_on_its_way_ends_in_a_state_that_says_to_connect_again() {
    for kind in ["FULL", "INCREMENTAL"] {
        let stack = Stack::start().await;
        let mut shop = consented(&stack).await;
        assert_well(&shop.admin.sync("FULL").await);
        stack.advance(HOUR);
        let mut lost = false;
        stack.faults.plan(move |call| {
            let hit = !lost && call.operation == "POST /oauth/token";
            lost |= hit;
            if hit { Fault::CutAfter } else { Fault::Pass }
        });

        let run = shop.admin.sync(kind).await;
        let told = status(&mut shop.admin).await;
        stack.faults.clear();
        shop.admin.consent(None).await;
        let mended = shop.admin.sync(kind).await;

        assert_eq!(run["state"], "FAILED", "{run}");
        assert!(run["reason"].as_str().unwrap().to_lowercase().contains("connect"), "{run}");
        assert_eq!((&told["health"], &told["isConnected"]), (&json!("NEEDS_RECONNECT"), &json!(false)));
        assert!(told["healthReason"].as_str().is_some_and(|reason| !reason.is_empty()), "{told}");
        assert_well(&mended);
        assert_eq!(status(&mut shop.admin).await["health"], "CONNECTED");
        assert!(stack.aws.sqs.messages(stack::DEAD).is_empty());
    }
}

#[tokio::test]
async fn an_access_token_that_whop_drops_early_is_replaced_without_a_word() {
    let stack = Stack::start().await;
    let mut shop = consented(&stack).await;
    assert_well(&shop.admin.sync("FULL").await);
    let mut left = 1;
    stack.faults.plan(move |call| {
        let hit = left > 0 && call.service == "whop" && call.operation.starts_with("GET /api/v1/members");
        left -= i32::from(hit);
        let body = r#"{"error":{"type":"unauthorized","message":"expired"}}"#.to_owned();
        if hit { Fault::Fail(StatusCode::UNAUTHORIZED, body) } else { Fault::Pass }
    });

    let before = stack.whop.refreshes();
    let run = shop.admin.sync("FULL").await;

    assert_well(&run);
    assert_eq!(stack.whop.refreshes() - before, 1);
    assert_eq!(status(&mut shop.admin).await["health"], Value::from("CONNECTED"));
    assert_eq!(stack.whop.members(&shop.account).len(), stack.twenty.count(&shop.workspace, "people"));
}
