//! A batch of ten messages over several groups: exactly the right ones go back, whatever fails.

use std::sync::Mutex;

use serde_json::{Value, json};
use shared::domain::time::Timestamp;
use shared::job::SyncJob;
use shared::lambda::{Batch, answer_queue};
use shared::{Error, Kind, Result};
use stack::{DEAD, MORNING_MS, Stack, pump};

/// The group of each of the ten messages.
const GROUPS: [usize; 10] = [0, 1, 2, 0, 1, 0, 3, 2, 0, 1];
const WORKSPACE: &str = "6f2a1c9e-0000-5000-8000-000000000001";

/// What was done, in order.
type Log = &'static Mutex<Vec<String>>;

fn log() -> Log {
    Box::leak(Box::default())
}

/// A job that is done alone.
fn member(name: &str) -> Value {
    json!({ "job": "sync_member", "workspace": WORKSPACE, "member": name })
}

/// A job that is done together with those beside it.
fn delivery(name: &str) -> Value {
    let endpoint = format!("{}.endpoint", WORKSPACE.replace('-', ""));
    let delivery = json!({ "id": name, "endpoint": endpoint, "body": "{}", "received_at": MORNING_MS });
    json!({ "job": "deliver", "delivery": delivery })
}

fn record(number: usize, body: &str) -> Value {
    json!({
        "messageId": format!("m{number}"), "body": body,
        "attributes": { "MessageGroupId": format!("g{}", GROUPS[number]), "ApproximateReceiveCount": "1" }
    })
}

fn name(job: &SyncJob) -> String {
    match job {
        SyncJob::Deliver { delivery } => delivery.id.to_string(),
        SyncJob::SyncMember { member, .. } => member.to_string(),
        other => panic!("not a job of this test: {other:?}"),
    }
}

/// A job says in its name what becomes of it.
fn outcome(name: &str) -> Result<()> {
    match name.split('_').next().unwrap() {
        "later" => Err(Error::new(Kind::Conflict)),
        "never" => Err(Error::new(Kind::Rejected).because("Twenty refuses the colour")),
        "panic" => panic!("a job that panics"),
        _ => Ok(()),
    }
}

/// Hands ten messages over; answers with the identifiers that go back.
async fn back(stack: &Stack, done: Log, bodies: &[String]) -> Vec<String> {
    let records: Vec<Value> = bodies.iter().enumerate().map(|(at, body)| record(at, body)).collect();
    let event = serde_json::from_value(json!({ "Records": records })).unwrap();
    let deadline = Timestamp::from_millis(stack.clock.now_ms()) + pump::TIME_OUT;
    let handle = move |_, batch: Batch<SyncJob>| async move {
        let names: Vec<String> = batch.jobs.iter().map(name).collect();
        let outcomes = names.iter().map(|name| outcome(name)).collect();
        done.lock().unwrap().extend(names);
        outcomes
    };
    let answer = answer_queue(stack.app, event, deadline, handle).await;
    answer.batch_item_failures.into_iter().map(|it| it.item_identifier).collect()
}

/// In each group everything from the first failing message on, group after group.
fn expected(mask: usize) -> Vec<String> {
    let fails = |at: &usize| mask & (1 << at) != 0;
    let of_group = |group: usize| (0..10).filter(move |at| GROUPS[*at] == group);
    let groups = (0..4).flat_map(|group| of_group(group).skip_while(move |at| !fails(at)));
    groups.map(|at| format!("m{at}")).collect()
}

async fn every_mask(job: fn(&str) -> Value) {
    let stack = Stack::start().await;

    for mask in 0..1_024_usize {
        let bodies: Vec<String> = (0..10)
            .map(|at| job(&format!("{}_{at}", if mask & (1 << at) == 0 { "fine" } else { "later" })))
            .map(|job| job.to_string())
            .collect();

        let back = back(&stack, log(), &bodies).await;

        assert_eq!(back, expected(mask), "mask {mask:010b}");
    }

    assert!(stack.aws.sqs.messages(DEAD).is_empty());
}

#[tokio::test]
async fn exactly_the_failed_jobs_and_those_behind_them_in_their_group_go_back() {
    every_mask(member).await;
}

#[tokio::test]
async fn the_same_holds_for_jobs_that_are_done_together() {
    every_mask(delivery).await;
}

#[tokio::test]
async fn nothing_behind_a_failed_job_of_its_group_is_begun() {
    let (stack, done) = (Stack::start().await, log());
    let names = ["fine_0", "fine_1", "fine_2", "later_3", "fine_4", "fine_5", "fine_6", "fine_7", "fine_8"];
    let bodies: Vec<String> = names.iter().map(|name| member(name).to_string()).collect();

    let back = back(&stack, done, &bodies).await;

    assert_eq!(back, ["m3", "m5", "m8"]);
    let done = done.lock().unwrap();
    assert_eq!(*done, ["fine_0", "later_3", "fine_1", "fine_4", "fine_2", "fine_7", "fine_6"]);
}

/// What was set aside: body and reason.
fn parked(stack: &Stack) -> Vec<(String, String)> {
    let messages = stack.aws.sqs.messages(DEAD).into_iter();
    let reason = |name: &str, attributes: &std::collections::BTreeMap<_, sim::aws::sqs::MessageAttribute>| {
        attributes[name].string_value.clone().unwrap()
    };
    messages
        .map(|it| {
            let kind = reason("error.kind", &it.message_attributes);
            let why = reason("error.message", &it.message_attributes);
            (it.body, format!("{kind}: {why}"))
        })
        .collect()
}

#[tokio::test]
async fn a_message_that_does_not_decode_is_parked_alone_with_its_reason() {
    let (stack, done) = (Stack::start().await, log());
    let mut bodies: Vec<String> = (0..10).map(|at| member(&format!("fine_{at}")).to_string()).collect();
    bodies[3] = r#"{"job":"brew_tea","cups":2}"#.to_owned();

    let back = back(&stack, done, &bodies).await;

    assert_eq!(back, Vec::<String>::new());
    assert_eq!(done.lock().unwrap().len(), 9);
    let parked = parked(&stack);
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0].0, bodies[3]);
    assert!(parked[0].1.contains("does not decode"), "{}", parked[0].1);
}

#[tokio::test]
async fn a_job_that_can_never_succeed_is_parked_and_does_not_block_its_group() {
    let (stack, done) = (Stack::start().await, log());
    let mut bodies: Vec<String> = (0..10).map(|at| delivery(&format!("fine_{at}")).to_string()).collect();
    bodies[0] = delivery("never_0").to_string();

    let back = back(&stack, done, &bodies).await;

    assert_eq!(back, Vec::<String>::new());
    let parked = parked(&stack);
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0].0, bodies[0]);
    assert!(parked[0].1.contains("Twenty refuses the colour"), "{}", parked[0].1);
}

#[tokio::test]
async fn a_job_that_panics_costs_that_job_only() {
    for job in [member, delivery] {
        let (stack, done) = (Stack::start().await, log());
        let mut bodies: Vec<String> = (0..10).map(|at| job(&format!("fine_{at}")).to_string()).collect();
        bodies[5] = job("panic_5").to_string();

        let back = back(&stack, done, &bodies).await;

        assert_eq!(back, Vec::<String>::new());
        let mut done = done.lock().unwrap().clone();
        done.sort();
        let fine = (0..10).filter(|at| *at != 5).map(|at| format!("fine_{at}"));
        assert_eq!(done, fine.collect::<Vec<_>>());
        let parked = parked(&stack);
        assert_eq!(parked.len(), 1);
        assert_eq!(parked[0].0, bodies[5]);
        assert!(parked[0].1.contains("panicked"), "{}", parked[0].1);
    }
}

#[tokio::test]
async fn what_cannot_be_parked_goes_back() {
    let (stack, done) = (Stack::start().await, log());
    let mut bodies: Vec<String> = (0..10).map(|at| member(&format!("fine_{at}")).to_string()).collect();
    bodies[6] = "no job at all".to_owned();
    stack.faults.plan(|call| match call.service {
        "sqs" => sim::fault::Fault::Fail(reqwest::StatusCode::BAD_REQUEST, "{}".to_owned()),
        _ => sim::fault::Fault::Pass,
    });

    let back = back(&stack, done, &bodies).await;

    assert_eq!(back, ["m6"]);
}
