//! Every quarter of an hour a sweep finds what no webhook told; runs can be steered, and outlive any outage.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use sim::fault::Fault;
use stack::fixtures::{self, Shop};
use stack::{SYNC, Stack, pump};

use crate::story::{assert_well, member_of, monthly, open_shop, record, start, status, stream};

/// A word of Whop's as Twenty's options write it.
fn option(word: &Value) -> Value {
    word.as_str().map_or(Value::Null, |word| json!(word.to_uppercase()))
}

/// Compares every status on both sides.
fn assert_mirrored(stack: &Stack, shop: &Shop<'_>) {
    let objects = [
        ("people", "whopStatus", stack.whop.members(&shop.account)),
        ("opportunities", "whopStatus", stack.whop.memberships(&shop.account)),
        ("whopPayments", "substatus", stack.whop.payments(&shop.account)),
    ];
    for (plural, field, rows) in objects {
        let records = stack.twenty.records(&shop.workspace, plural);
        let key = match plural {
            "people" => "whopMemberId",
            "opportunities" => "whopMembershipId",
            _ => "whopPaymentId",
        };
        for row in rows {
            let there = records.iter().find(|it| it[key] == row["id"]);
            let there = there.unwrap_or_else(|| panic!("{plural}: {} is missing", row["id"]));
            let says = if field == "substatus" { &row["substatus"] } else { &row["status"] };
            assert_eq!(there[field], option(says), "{plural} {}", row["id"]);
        }
    }
}

/// The run of a schedule, worked off.
async fn sweep(stack: &Stack, shop: &mut Shop<'_>) -> Value {
    stack.advance(Duration::from_mins(15));
    pump::schedule(stack, "incremental");
    pump::drain(stack).await;
    let latest = shop.admin.graphql("{ runs(first: 1) { id kind trigger } }", json!({})).await;
    assert_eq!(latest["runs"][0]["kind"], "INCREMENTAL", "{latest}");
    assert_eq!(latest["runs"][0]["trigger"], "SCHEDULE", "{latest}");
    shop.admin.run(&latest["runs"][0]["id"]).await
}

/// A membership of the first kind that is in this state, bought long ago.
fn long_ago(stack: &Stack, shop: &Shop<'_>, state: &str) -> String {
    let all = stack.whop.memberships(&shop.account);
    let found = all.iter().find(|it| it["status"] == state).unwrap();
    found["id"].as_str().unwrap().to_owned()
}

fn paid_for(stack: &Stack, shop: &Shop<'_>, membership: &str) -> String {
    let all = stack.whop.payments(&shop.account);
    let of = |it: &&Value| it["membership_id"] == membership || it["membership"]["id"] == membership;
    let found = all.iter().filter(of).find(|it| it["substatus"] == "succeeded").unwrap();
    found["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_sweep_finds_everything_that_happened_with_few_calls() {
    let stack = Stack::start().await;
    let mut shop = fixtures::connected(&stack, 60).await;
    let variant = monthly(&stack, &shop.account, "Gym");
    let deals: Vec<String> = (0..6)
        .map(|n| stack.whop.buy(&shop.account, &format!("Old {n}"), &format!("old{n}@example.com"), &variant))
        .collect();
    let full = shop.admin.sync("FULL").await;
    assert_well(&full);
    stack.advance(Duration::from_hours(72));
    shop.admin.connect_twenty(&stack.twenty.url(), &shop.workspace.api_key.clone()).await;
    stack.whop.fail_payment(&deals[0]);
    assert_well(&sweep(&stack, &mut shop).await);
    assert_mirrored(&stack, &shop);
    stack.advance(Duration::from_hours(1));
    assert_well(&sweep(&stack, &mut shop).await);
    stack.advance(Duration::from_hours(1));

    stack.whop.recover(&deals[0]);
    stack.whop.schedule_cancel(&deals[1]);
    stack.whop.refund(&paid_for(&stack, &shop, &deals[2]), None);
    stack.whop.refund(&paid_for(&stack, &shop, &deals[3]), Some(100));
    stack.whop.dispute_open(&paid_for(&stack, &shop, &deals[4]));
    stack.whop.pause(&deals[5]);
    stack.whop.buy(&shop.account, "New", "new@example.com", &variant);
    stack.whop.cancel(&long_ago(&stack, &shop, "active"));
    let run = sweep(&stack, &mut shop).await;

    assert_well(&run);
    assert_mirrored(&stack, &shop);
    assert!(run["whopCalls"].as_u64().unwrap() <= 40, "{run}");
    let quiet = sweep(&stack, &mut shop).await;
    stack.twenty.forget_counts(&shop.workspace);
    assert_well(&quiet);
    assert_well(&sweep(&stack, &mut shop).await);
    assert_eq!(stack.twenty.write_calls(&shop.workspace), 0, "{:?}", stack.twenty.calls(&shop.workspace));
}

/// What Twenty says of the dispute over a payment.
fn dispute_of(stack: &Stack, shop: &Shop<'_>, payment: &str) -> Value {
    record(stack, &shop.workspace.id, "whopPayments", payment).unwrap()["disputeStatus"].clone()
}

#[tokio::test]
async fn a_dispute_that_was_settled_between_two_sweeps_is_found_by_the_next_and_costs_nothing_after() {
    let stack = Stack::start().await;
    let mut shop = open_shop(&stack).await;
    let variant = monthly(&stack, &shop.account, "Gym");
    let payments: Vec<String> = (0..3)
        .map(|n| {
            let email = format!("buyer{n}@example.com");
            let deal = stack.whop.buy(&shop.account, &format!("Buyer {n}"), &email, &variant);
            paid_for(&stack, &shop, &deal)
        })
        .collect();
    let disputes: Vec<String> = payments.iter().map(|payment| stack.whop.dispute_open(payment)).collect();
    assert_well(&shop.admin.sync("FULL").await);
    stack.advance(Duration::from_hours(60 * 24));
    shop.admin.connect_twenty(&stack.twenty.url(), &shop.workspace.api_key.clone()).await;
    assert_well(&sweep(&stack, &mut shop).await);
    let open: Vec<Value> = payments.iter().map(|payment| dispute_of(&stack, &shop, payment)).collect();

    stack.advance(Duration::from_mins(5));
    stack.whop.dispute_won(&disputes[0]);
    stack.whop.dispute_lost(&disputes[1]);
    let run = sweep(&stack, &mut shop).await;

    assert_well(&run);
    let now: Vec<Value> = payments.iter().map(|payment| dispute_of(&stack, &shop, payment)).collect();
    assert_eq!(
        (open, now),
        (vec![json!("NEEDS_RESPONSE"); 3], vec![json!("WON"), json!("LOST"), json!("NEEDS_RESPONSE")])
    );
    assert_mirrored(&stack, &shop);
    assert_well(&sweep(&stack, &mut shop).await);
    stack.twenty.forget_counts(&shop.workspace);
    let quiet = sweep(&stack, &mut shop).await;
    assert_eq!(stream(&quiet, "DISPUTES")["seen"].as_u64().unwrap_or_default(), 0, "{quiet}");
    assert_eq!(stack.twenty.write_calls(&shop.workspace), 0, "{:?}", stack.twenty.calls(&shop.workspace));
}

#[tokio::test]
async fn no_schedule_starts_the_first_import_and_none_starts_a_second_run_beside_an_open_one() {
    let stack = Stack::start().await;
    let mut shop = open_shop(&stack).await;
    pump::schedule(&stack, "incremental");
    pump::drain(&stack).await;
    let before = shop.admin.graphql("{ runs { id } }", json!({})).await;
    let first = start(&mut shop.admin, "FULL").await;

    let second = start(&mut shop.admin, "FULL").await;
    pump::schedule(&stack, "full");
    pump::drain(&stack).await;

    assert_eq!(before["runs"], json!([]));
    assert_eq!(first, second);
    assert_eq!(shop.admin.graphql("{ runs { id } }", json!({})).await["runs"], json!([{ "id": first }]));
}

/// Tells a run what to do; answers with its state.
async fn steer(shop: &mut Shop<'_>, what: &str, id: &Value) -> Value {
    let query = format!("mutation($id: ID!) {{ {what}(id: $id) {{ state }} }}");
    shop.admin.graphql(&query, json!({ "id": id })).await[what]["state"].clone()
}

/// Works off some messages of a run, and stops in its middle.
async fn half_way(stack: &Stack, shop: &mut Shop<'_>) -> Value {
    let id = start(&mut shop.admin, "FULL").await;
    for _ in 0..4 {
        pump::once(stack).await;
    }
    let run = shop.admin.run(&id).await;
    assert_eq!(run["state"], "RUNNING", "{run}");
    id
}

#[tokio::test]
async fn a_paused_run_stands_still_and_goes_on_where_it_stood() {
    let stack = Stack::start().await;
    let mut shop = fixtures::connected(&stack, 30).await;
    let id = half_way(&stack, &mut shop).await;

    let paused = steer(&mut shop, "pauseRun", &id).await;
    let before = shop.admin.run(&id).await;
    pump::drain(&stack).await;
    stack.advance(Duration::from_hours(1));
    pump::schedule(&stack, "incremental");
    pump::drain(&stack).await;
    let after = shop.admin.run(&id).await;
    let resumed = steer(&mut shop, "resumeRun", &id).await;
    pump::drain(&stack).await;

    assert_eq!((paused, resumed), (json!("PAUSED"), json!("RUNNING")));
    assert_eq!(before["streams"], after["streams"]);
    assert_well(&shop.admin.run(&id).await);
    assert_mirrored(&stack, &shop);
    let again = json!({ "id": id });
    let refused = shop.admin.ask_graphql("mutation($id: ID!) { pauseRun(id: $id) { id } }", again).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "CONFLICT", "{refused}");
}

#[tokio::test]
async fn a_cancelled_run_ends_keeps_what_it_did_and_leaves_room_for_the_next() {
    let stack = Stack::start().await;
    let mut shop = fixtures::connected(&stack, 30).await;
    let id = half_way(&stack, &mut shop).await;

    let cancelled = steer(&mut shop, "cancelRun", &id).await;
    pump::drain(&stack).await;
    let open = status(&mut shop.admin).await["openRun"].clone();
    let next = shop.admin.sync("FULL").await;

    assert_eq!((cancelled, open), (json!("CANCELLED"), Value::Null));
    assert_eq!(shop.admin.run(&id).await["balances"], true);
    assert_ne!(next["id"], id);
    assert_well(&next);
    assert_mirrored(&stack, &shop);
}

#[tokio::test]
async fn a_run_whose_message_was_lost_goes_on_from_its_checkpoint_at_the_next_schedule() {
    let stack = Stack::start().await;
    let mut shop = fixtures::connected(&stack, 30).await;
    let id = half_way(&stack, &mut shop).await;
    let before = shop.admin.run(&id).await;
    stack.aws.sqs.purge(SYNC);

    stack.advance(Duration::from_mins(15));
    let variants = stack.whop.list_calls("variants_list");
    pump::schedule(&stack, "incremental");
    pump::drain(&stack).await;

    let run = shop.admin.run(&id).await;
    assert_well(&run);
    assert_eq!(stream(&run, "VARIANTS"), stream(&before, "VARIANTS"));
    assert_eq!(stack.whop.list_calls("variants_list"), variants, "what was read is not read again");
    assert_mirrored(&stack, &shop);
}

/// The counts of a receipt, without its calls.
fn counts(run: &Value) -> Vec<(Value, Value, Value)> {
    let streams = run["streams"].as_array().unwrap().iter();
    streams.map(|it| (it["name"].clone(), it["seen"].clone(), it["written"].clone())).collect()
}

#[tokio::test]
async fn an_outage_of_whop_or_twenty_in_the_middle_only_costs_time_and_each_write_is_counted_once() {
    let clean = Stack::start().await;
    let mut calm = fixtures::connected(&clean, 30).await;
    let expected = calm.admin.sync("FULL").await;
    for (service, trouble) in [("whop", false), ("whop", true), ("twenty", false), ("twenty", true)] {
        let stack = Stack::start().await;
        let mut shop = fixtures::connected(&stack, 30).await;
        let mut calls = 0;
        stack.faults.plan(move |call| {
            let ours = call.service == service && !call.operation.contains("metadata");
            calls += i32::from(ours);
            let hit = ours && (8..16).contains(&calls);
            match (hit, trouble) {
                (false, _) => Fault::Pass,
                (true, true) => Fault::CutAfter,
                (true, false) => Fault::Fail(StatusCode::SERVICE_UNAVAILABLE, String::new()),
            }
        });

        let run = shop.admin.sync("FULL").await;

        assert_well(&run);
        assert_eq!(counts(&run), counts(&expected), "{service} {trouble}");
        assert_mirrored(&stack, &shop);
        assert!(stack.aws.sqs.messages(stack::DEAD).is_empty());
    }
}

#[tokio::test]
async fn one_member_can_be_brought_up_to_date_by_id_and_by_e_mail() {
    let stack = Stack::start().await;
    let mut shop = open_shop(&stack).await;
    let variant = monthly(&stack, &shop.account, "Gym");
    assert_well(&shop.admin.sync("FULL").await);
    let ada = stack.whop.buy(&shop.account, "Ada", "ada@example.com", &variant);
    let bob = stack.whop.buy(&shop.account, "Bob", "bob@example.com", &variant);

    let by_id = "mutation($id: ID!) { refreshMember(id: $id) { memberId } }";
    shop.admin.graphql(by_id, json!({ "id": member_of(&stack, &shop.account, &ada) })).await;
    let by_email = "mutation { refreshMember(email: \" BOB@example.com\") { memberId } }";
    shop.admin.graphql(by_email, json!({})).await;
    let nobody = "mutation { refreshMember(email: \"nobody@example.com\") { memberId } }";
    let absent = shop.admin.ask_graphql(nobody, json!({})).await;
    pump::drain(&stack).await;

    assert!(
        absent["errors"][0]["message"].as_str().unwrap().contains("no member with this e-mail"),
        "{absent}"
    );
    for deal in [ada, bob] {
        assert!(record(&stack, &shop.workspace.id, "opportunities", &deal).is_some());
    }
    assert_eq!(stack.twenty.count(&shop.workspace, "people"), 2);
}
