//! The binaries themselves, under a host that speaks Lambda's Runtime API: they start, answer what AWS sends
//! them, and outlive what nobody should send.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};
use sim::aws::RuntimeHost;
use sim::clock::Clock;
use sim::whop::Delivery;
use stack::{Ask, DEAD, Options, SYNC, Stack, fixtures, gateway};

use crate::template::document::{root, text};

const FUNCTIONS: [&str; 6] = ["ai", "contract", "graphql", "oauth", "sync", "webhook"];
const LONG: Duration = Duration::from_secs(30);

/// A function's binary, of the profile that this test has. Cargo builds what is missing or out of date.
fn binary(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(build).join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// Asks for the whole workspace and an example, so that everything has the features it has in `cargo test` and
/// only the binaries remain to be linked.
fn build() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let folder = own.ancestors().nth(2).unwrap();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--workspace", "--locked", "--quiet", "--example", "function"]);
    cargo.arg("--target-dir").arg(folder.parent().unwrap());
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    for function in FUNCTIONS {
        cargo.args(["--bin", function]);
    }
    let built = cargo.current_dir(root()).stdout(Stdio::null()).status().unwrap();
    assert!(built.success(), "the binaries do not build");
    folder.to_owned()
}

/// Processes live in the machine's own time, so the stack does too.
async fn stack() -> Stack {
    Stack::with(Options { clock: Clock::system(), ..Options::default() }).await
}

async fn host(stack: &Stack, function: &str) -> RuntimeHost {
    let env: Vec<(String, String)> = stack.environment().into_iter().collect();
    let host = RuntimeHost::start(&binary(function), &env, function).await;
    assert!(host.ready().await.is_some(), "{function} does not start: {:?}", host.stop().await);
    host
}

/// The samples for a function, by the name of their file.
fn samples(function: &str) -> Vec<(String, Value)> {
    let files = std::fs::read_dir(root().join("events")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let for_it = names.filter(|name| name.split(['-', '.']).next() == Some(function));
    for_it
        .map(|name| (name.clone(), serde_json::from_str(&text(&format!("events/{name}"))).unwrap()))
        .collect()
}

#[tokio::test]
async fn every_binary_answers_the_sample_events_that_are_for_it() {
    let stack = stack().await;

    for function in FUNCTIONS {
        let host = host(&stack, function).await;
        for (name, event) in samples(function) {
            let answer = host.invoke(event, LONG).await.result;

            let answer = answer.unwrap_or_else(|error| panic!("{name}: {error} {:?}", host.log()));
            match answer["statusCode"].as_u64() {
                Some(status) => assert!(status < 500, "{name}: {answer} {:?}", host.log()),
                None => assert_eq!(answer["batchItemFailures"], json!([]), "{name}: {:?}", host.log()),
            }
        }
        assert_eq!(host.starts(), 1, "{function}: {:?}", host.log());
    }
}

#[tokio::test]
async fn a_message_that_does_not_decode_is_parked_and_the_others_are_done() {
    let stack = stack().await;
    let host = host(&stack, "sync").await;
    let mut batch = json!({ "Records": [] });
    for name in ["start-due", "page", "deliver"] {
        let event: Value = serde_json::from_str(&text(&format!("events/sync-{name}.json"))).unwrap();
        batch["Records"].as_array_mut().unwrap().push(event["Records"][0].clone());
    }
    batch["Records"][1]["body"] = json!("{\"job\":\"a kind that nobody knows\"}");

    let answer = host.invoke(batch, LONG).await.result.unwrap();

    let parked: Vec<String> = stack.aws.sqs.messages(DEAD).into_iter().map(|message| message.body).collect();
    assert_eq!(answer["batchItemFailures"], json!([]), "{:?}", host.log());
    assert_eq!(parked, ["{\"job\":\"a kind that nobody knows\"}"]);
    assert_eq!(host.starts(), 1);
}

/// What is no event, no request or no message: wrong types, broken JSON, numbers beyond any type.
fn bad_events() -> Vec<Value> {
    let huge = "9".repeat(400);
    let request = |body: &str, encoded: bool| {
        let ask = Ask::new("POST", "/graphql").header("content-type", "application/json");
        let mut event = gateway::event(&ask);
        event["body"] = json!(body);
        event["isBase64Encoded"] = json!(encoded);
        event
    };
    let message =
        |body: Value| json!({ "Records": [{ "messageId": "m", "receiptHandle": "r", "body": body }] });
    vec![
        json!(null),
        json!({}),
        json!([1, "two", null]),
        json!({ "Records": 9 }),
        json!({ "Records": [null] }),
        json!({ "version": "2.0", "requestContext": { "timeEpoch": u64::MAX } }),
        message(json!(7)),
        message(json!("{")),
        message(json!(huge)),
        request("{ not json", false),
        request(&huge, false),
        request("this is not base64 !", true),
    ]
}

#[tokio::test]
async fn a_binary_outlives_events_that_nobody_should_send() {
    let stack = stack().await;
    for function in FUNCTIONS {
        let host = host(&stack, function).await;

        for event in bad_events() {
            drop(host.invoke(event, LONG).await); // Any answer will do; the process must stay.
        }

        let (name, sample) = samples(function).into_iter().next().unwrap();
        let answer = host.invoke(sample, LONG).await.result;
        assert!(answer.is_ok(), "{name}: {answer:?}");
        assert_eq!(host.starts(), 1, "{function}: {:?}", host.log());
    }
}

#[tokio::test]
async fn the_webhook_binary_takes_a_signed_delivery_and_refuses_a_changed_one() {
    let stack = stack().await;
    stack.whop.switch(|it| it.delivery = Delivery::Collect);
    let account = fixtures::connected(&stack, 3).await.account;
    let variant = stack.whop.variants(&account)[0]["id"].as_str().unwrap().to_owned();
    stack.whop.buy(&account, "Zoë Marchetti", "zoe@example.com", &variant);
    let delivery = stack.whop.take_deliveries().into_iter().next().unwrap();
    let mut ask = Ask::new("POST", delivery.url.strip_prefix(&stack.url).unwrap());
    ask.body = delivery.body.to_vec();
    let ask = delivery.headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value));
    let mut changed = ask.clone();
    changed.body.push(b' ');
    let host = host(&stack, "webhook").await;

    let refused = host.invoke(gateway::event(&changed), LONG).await.result.unwrap();
    let before = stack.aws.sqs.messages(SYNC).len();
    let accepted = host.invoke(gateway::event(&ask), LONG).await.result.unwrap();

    assert_eq!((&refused["statusCode"], before), (&json!(401), 0), "{:?}", host.log());
    assert_eq!(accepted["statusCode"], 200, "{:?}", host.log());
    assert_eq!(stack.aws.sqs.messages(SYNC).len(), 1);
}
