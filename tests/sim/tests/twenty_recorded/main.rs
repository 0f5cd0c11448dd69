//! Every recorded exchange with a real Twenty 2.21 server, asked again of the stand-in: same status, same shape,
//! same words in every refusal. What is not asked again is listed with its reason in `skipped.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]
#![allow(
    clippy::too_many_lines,
    clippy::excessive_nesting,
    reason = "the world of the recordings is a long list of cases"
)]

mod behaviour;
mod compare;
mod skipped;
mod world;

use std::collections::BTreeSet;

use compare::compare;
use serde_json::{Value, json};
use sim::clock::Clock;
use sim::fault::Faults;
use sim::serve::serve;
use sim::twenty::{Role, Twenty};
use skipped::SKIPPED;
use world::World;

fn recorded(file: &str) -> Value {
    let path = format!("{}/fixtures/twenty-recorded/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap().parse().unwrap()
}

fn names() -> Vec<String> {
    let index = recorded("index.json");
    let names = index["exchanges"].as_array().unwrap().iter();
    names.map(|exchange| exchange["file"].as_str().unwrap().trim_end_matches(".json").to_owned()).collect()
}

/// Exchanges that a test of their own asks again.
const ON_THEIR_OWN: [&str; 3] = ["matrix-", "race-", "webhook-delivered-"];

fn skipped(name: &str) -> bool {
    SKIPPED
        .iter()
        .any(|(pattern, _)| name == *pattern || (pattern.ends_with('-') && name.starts_with(pattern)))
}

#[tokio::test]
async fn every_applicable_exchange_gets_the_recorded_status_and_shape() {
    let mut failures = Vec::new();
    let mut asked = 0;

    for name in names() {
        if skipped(&name) || ON_THEIR_OWN.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        let exchange = recorded(&format!("{name}.json"));
        let world = World::for_exchange(&name, &exchange).await;
        let (status, body) = world.ask(&name, &exchange).await;
        asked += 1;
        let mut found = compare(&exchange["response"]["body"], &body);
        if exchange["status"] != json!(status) {
            found.insert(0, format!("status {status} instead of {}: {body}", exchange["status"]));
        }
        found.extend(world.twenty.calls_not_understood());
        if !found.is_empty() {
            failures.push(format!("{name}:\n    {}", found.join("\n    ")));
        }
    }

    assert!(failures.is_empty(), "{} of {asked} differ:\n{}", failures.len(), failures.join("\n"));
    assert!(asked > 180, "only {asked} exchanges were asked again");
}

#[test]
fn every_skip_has_a_reason_and_is_still_needed() {
    let names = names();

    for (pattern, reason) in SKIPPED {
        assert!(reason.len() > 10, "{pattern} is skipped without a reason");
        assert!(
            names.iter().any(|name| name.starts_with(pattern)),
            "{pattern} is skipped but was never recorded"
        );
    }
}

#[tokio::test]
async fn values_are_taken_stored_and_refused_as_recorded() {
    let fields = [
        ("matrix-currency", "opportunities", "amount", ""),
        ("matrix-date-time", "opportunities", "whopRenewsAt", ""),
        ("matrix-email-validation", "people", "emails", "primaryEmail"),
        ("matrix-links", "opportunities", "whopManageLink", "primaryLinkUrl"),
        ("matrix-raw-json", "opportunities", "whopRaw", ""),
    ];
    for (file, plural, field, part) in fields {
        let exchange = recorded(&format!("{file}.json"));
        let world = World::for_exchange(
            file,
            &json!({"fields": "whopRenewsAt whopManageLink whopRaw whopMembershipId"}),
        )
        .await;
        for case in exchange["cases"].as_array().unwrap().iter().filter(|case| case["status"].is_number()) {
            let value = if part.is_empty() { case["input"].clone() } else { json!({part: case["input"]}) };
            let mut body = json!({field: value});
            if plural == "opportunities" {
                body["whopMembershipId"] = json!("mem_matrix");
            }

            let (status, answer) = world.send("POST", &format!("/rest/{plural}?upsert=true"), &body).await;

            assert_eq!(json!(status), case["status"], "{file} {case}: {answer}");
            if status >= 400 {
                assert_eq!(answer, case["stored"], "{file}");
                continue;
            }
            let record = answer["data"].as_object().unwrap().values().next().unwrap();
            let stored = if part.is_empty() { &record[field] } else { &record[field][part] };
            assert_eq!(*stored, case["stored"], "{file} {case}");
        }
    }
}

#[tokio::test]
async fn ten_upserts_of_one_new_key_at_once_make_one_record() {
    let exchange = recorded("race-concurrent-upsert.json");
    let world = World::for_exchange("race", &json!({"fields": "whopUserId"})).await;
    let allowed: BTreeSet<String> =
        exchange["results"].as_array().unwrap().iter().map(|result| result["status"].to_string()).collect();
    let body = json!({"whopUserId": "race_1"});
    // Ten open connections, so that the ten requests really arrive together.
    futures_util::future::join_all((0..10).map(|_| world.send("GET", "/rest/people", &Value::Null))).await;

    let calls = (0..10).map(|_| world.send("POST", "/rest/people?upsert=true", &body));
    let answers = futures_util::future::join_all(calls).await;

    let records = world.twenty.records(&world.workspace, "people");
    assert_eq!(records.iter().filter(|record| record["whopUserId"] == "race_1").count(), 1);
    for (status, answer) in &answers {
        assert!(allowed.contains(&status.to_string()), "{status}");
        if *status == 400 {
            assert_eq!(answer["messages"], json!(["A duplicate entry was detected"]));
        }
    }
    assert!(answers.iter().any(|(status, _)| *status == 400), "the race has a loser, as on a real server");
}

#[tokio::test]
async fn webhooks_look_and_are_signed_as_recorded() {
    let (sender, mut received) = tokio::sync::mpsc::unbounded_channel();
    let listener = axum::Router::new().fallback(move |headers: http::HeaderMap, body: String| {
        sender.send((headers, body)).unwrap();
        std::future::ready("ok")
    });
    let listener = serve(listener, 0).await.unwrap();
    let fields = json!({"fields": "whopUserId whopJoinedOn whopMembershipCount whopUsername whopLifetimeSpend whopProducts \
        whopRenewsAt whopMembershipStatus whopRaw whopMembershipId whopCancelAtPeriodEnd whopManageLink"});
    let world = World::for_exchange("deliveries", &fields).await;
    let hook = json!({
        "targetUrl": listener.url(), "operations": ["person.*", "*.created", "opportunity.updated"],
        "secret": "whsec_example_secret",
    });
    world.send("POST", "/rest/metadata/webhooks", &hook).await;

    let person = json!({"whopUserId": "vec_0001", "emails": {"primaryEmail": "vec1@gmail.com"}});
    let (_, made) = world.send("POST", "/rest/people", &person).await;
    let path = format!("/rest/people/{}", made["data"]["createPerson"]["id"].as_str().unwrap());
    world.send("PATCH", &path, &json!({"jobTitle": "Founder"})).await;
    world.send("PATCH", &path, &json!({"jobTitle": "Founder"})).await;
    world.send("DELETE", &format!("{path}?soft_delete=true"), &Value::Null).await;
    world.send("PATCH", "/rest/restore/people?filter=whopUserId[eq]:vec_0001", &Value::Null).await;
    world.send("DELETE", &path, &Value::Null).await;
    let opportunity = json!({"name": "Vector", "whopMembershipId": "mem_vec"});
    world.send("POST", "/rest/opportunities?upsert=true", &opportunity).await;
    let canceled = json!({"whopMembershipId": "mem_vec", "whopMembershipStatus": "CANCELED"});
    world.send("POST", "/rest/opportunities?upsert=true", &canceled).await;
    world.twenty.webhooks_settled().await;

    let mut events = Vec::new();
    while let Ok((headers, raw)) = received.try_recv() {
        let body: Value = raw.parse().unwrap();
        let event = body["eventName"].as_str().unwrap().replace('.', "-");
        let exchange = recorded(&format!("webhook-delivered-{event}.json"));
        let found = compare(&exchange["request"]["body"], &body);
        assert!(found.is_empty(), "{event}: {found:?}");
        for header in exchange["request"]["headers"].as_object().unwrap().keys() {
            let carried = headers.contains_key(header.as_str()) || header == "Accept-Encoding";
            assert!(carried, "{event} comes without {header}");
        }
        assert_eq!(headers["x-twenty-webhook-signature"].len(), 64);
        events.push(event);
    }
    events.sort();
    let expected = [
        "opportunity-created",
        "opportunity-updated",
        "person-created",
        "person-deleted",
        "person-destroyed",
        "person-restored",
        "person-updated",
    ];
    assert_eq!(events, expected, "one event per changed record, none for unchanged values");
}

#[tokio::test]
async fn newer_servers_say_how_long_to_wait() {
    let clock = Clock::stepped(1_795_423_975_000);
    let twenty = Twenty::start(clock.clone(), &Faults::default(), 0).await;
    let workspace = twenty.create_workspace("Acme");
    twenty.set_limit(&workspace, 2);
    twenty.set_generation(sim::twenty::Generation::Newer);
    let key = twenty.issue_key(&workspace, Role::ReadOnly);
    let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
    let call = || client.get(format!("{}/rest/people", twenty.url())).bearer_auth(&key).send();

    let first = call().await.unwrap().status();
    let second = call().await.unwrap().status();
    let third = call().await.unwrap();

    assert_eq!((first.as_u16(), second.as_u16(), third.status().as_u16()), (200, 200, 429));
    assert_eq!(third.headers()["retry-after"], "30");
    assert_eq!(third.headers()["x-ratelimit-limit"], "2");
    let body: Value = third.text().await.unwrap().parse().unwrap();
    assert_eq!(body["error"], "RATE_LIMITED");
    assert_eq!(body["retryAfterSeconds"], 30);
    clock.advance_ms(29_999);
    assert_eq!(call().await.unwrap().status(), 429);
    clock.advance_ms(1);
    assert_eq!(call().await.unwrap().status(), 200);
}
