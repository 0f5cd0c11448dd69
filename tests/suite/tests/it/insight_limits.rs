//! What an insight may take: money, time, one call for identical work, one answer for a job.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shared::domain::insight::attempt::Ending;
use shared::domain::insight::budget::DailyLimit;
use shared::domain::insight::cost::NanoDollars;
use shared::domain::insight::policy::Pace;
use shared::usecase::insight_settings;
use sim::ai::{Failure, Outcome, Provider};
use sim::clock::Clock;
use sim::fault::{Fault, Gate};
use stack::{AI, AI_DEAD, Answer, Ask, Options, RealModels, Stack, canary, pump};

use crate::insight_desk::{Desk, SMALL, billed};
use crate::outage::{Point, crash};

/// Longer than the AI queue hides a message.
const UNTIL_SEEN_AGAIN_MS: i64 = 721_000;
/// Longer than any circuit stays open.
const UNTIL_ALL_SERVE: Duration = Duration::from_mins(16);

/// So many requests at the same moment, each with a body of its own.
async fn together(desk: &Arc<Desk>, count: usize, body: impl Fn(usize) -> Value) -> Vec<Answer> {
    let asks: Vec<_> = (0..count)
        .map(|number| {
            let (desk, body) = (desk.clone(), body(number));
            tokio::spawn(async move { desk.ask("analyze-sentiment", &body).await })
        })
        .collect();
    let mut answers = Vec::new();
    for ask in asks {
        answers.push(ask.await.unwrap());
    }
    answers
}

/// Everything that the stand-ins billed, in tokens.
fn tokens(stack: &Stack) -> u64 {
    let received = stack.ai.requests();
    let usages = received.iter().filter_map(|it| it.usage);
    usages.map(|it| it.fresh + it.read + it.written + it.output).sum()
}

async fn spend_in_parallel(daily: DailyLimit) -> (usize, u64, u64) {
    let desk = Arc::new(Desk::open().await);
    desk.allow(daily).await;

    let answers = together(&desk, 32, |number| json!({ "text": format!("Letter number {number}.") })).await;

    let (answered, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|it| it.status == 200);
    assert!(answered.len() > 1 && !refused.is_empty(), "{} answered", answered.len());
    for answer in &refused {
        assert_eq!((answer.status, &answer.json()["code"]), (503, &json!("UNAVAILABLE")));
        let words = "The workspace's daily budget for language models is spent. It begins anew at midnight UTC; the \
                     limit is in the settings.";
        assert_eq!(answer.json()["message"], words);
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((57_500..=57_600).contains(&seconds), "from 8 to 24 o'clock: {seconds}");
    }
    assert_eq!(desk.calls(Provider::OpenAi), answered.len(), "who was refused made no call");
    let spent = insight_settings::spent_today(desk.stack.app, &desk.caller).await.unwrap();
    let (took, paid) = (tokens(&desk.stack), billed(&desk.stack.ai.requests(), SMALL));
    assert_eq!((spent.tokens, spent.nano_dollars.0), (took, paid), "what is booked is what was billed");

    desk.stack.advance(Duration::from_hours(16));
    let tomorrow = desk.ask("analyze-sentiment", &json!({ "text": "A new day." })).await;
    assert_eq!(tomorrow.status, 200, "{}", tomorrow.json());
    assert_eq!(desk.stack.ai.violations(), Vec::<String>::new());
    (answered.len(), took, paid)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_callers_never_overspend_a_day_of_tokens_or_of_dollars() {
    let limit = 8_000;
    let (answered, took, _) = spend_in_parallel(DailyLimit { tokens: Some(limit), nano_dollars: None }).await;
    assert!(took <= limit, "{answered} calls took {took} tokens of {limit}");

    let limit = 1_500_000;
    let daily = DailyLimit { tokens: None, nano_dollars: Some(NanoDollars(limit)) };
    let (answered, _, paid) = spend_in_parallel(daily).await;
    assert!(paid <= limit, "{answered} calls cost {paid} nanodollars of {limit}");
}

/// The shipped policy in small: what takes seconds there takes a tenth of that here.
fn hasty() -> Options {
    let ms = Duration::from_millis;
    let pace = Pace {
        longest: ms(1_500),
        reserve: ms(100),
        first: ms(250),
        longest_wait: ms(200),
        wait: ms(20),
        retry_needs: ms(1_400),
        least: ms(200),
        ..Pace::default()
    };
    Options { pace, ..Options::default() }
}

fn stalls() -> [Outcome; 3] {
    let never = Duration::from_mins(10);
    [Outcome::SlowFirstByte(never), Outcome::SlowBody(never), Outcome::Hang]
}

#[tokio::test]
async fn a_caller_waits_no_longer_than_promised_however_the_providers_stall() {
    let desk = Desk::with(hasty()).await;
    for (number, stall) in stalls().into_iter().enumerate() {
        let outcome = stall.clone();
        desk.stack.ai.plan(move |_| Some(outcome.clone()));
        let (started, stepped) = (Instant::now(), desk.stack.clock.now_ms());

        let text = format!("Letter number {number}.");
        let promised = desk.ask("analyze-sentiment", &json!({ "text": text })).await;

        let waited =
            started.elapsed() + Duration::from_millis((desk.stack.clock.now_ms() - stepped).unsigned_abs());
        assert!(waited < Duration::from_secs(10), "{stall:?}: {waited:?}");
        assert_eq!(promised.status, 202, "{stall:?}: {}", promised.json());
        let id = promised.json()["jobId"].as_str().unwrap().to_owned();
        assert_eq!(promised.header("location").unwrap(), format!("/ai/jobs/{id}"));
        assert_eq!(promised.header("retry-after"), Some("5"));
        assert_eq!(desk.job(&id).await.json()["state"], "WAITING");

        desk.stack.ai.clear_script();
        desk.stack.advance(UNTIL_ALL_SERVE);
        assert_eq!(desk.work_off().await, 1);
        let job = desk.job(&id).await.json();
        assert_eq!((&job["state"], &job["label"]), (&json!("ANSWERED"), &json!("neutral")), "{job}");
    }
    let lost = Ending::Failed("lost".to_owned());
    let lost = desk.attempts().await.into_iter().filter(|it| it.ending == lost && it.estimated).count();
    assert_eq!(lost, 6, "each provider once, booked as if it had been served");
    assert_eq!(desk.stack.ai.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn where_one_provider_stalls_the_other_one_answers_in_time() {
    let desk = Desk::with(hasty()).await;
    for (number, stall) in stalls().into_iter().enumerate() {
        desk.stack.ai.script_for(Provider::OpenAi, stall.clone());

        let text = format!("Letter number {number}.");
        let answer = desk.ask("analyze-sentiment", &json!({ "text": text })).await;

        let told = answer.json();
        assert_eq!((answer.status, &told["provider"]), (200, &json!("anthropic")), "{stall:?}: {told}");
        assert_eq!(told["fellBack"], true);
        desk.stack.advance(UNTIL_ALL_SERVE);
    }
}

#[tokio::test]
async fn a_record_that_nobody_serves_in_time_becomes_a_job_and_a_score_comes_in_our_own_words() {
    let desk = Desk::joined(hasty()).await;
    let person = desk.stack.twenty.records(&desk.workspace, "people")[0]["id"].as_str().unwrap().to_owned();
    desk.stack.ai.plan(|_| Some(Outcome::Hang));

    let score = desk.ask("score-lead", &json!({ "personId": person })).await;
    let draft = desk.ask("draft-email", &json!({ "personId": person, "instruction": "Say hello." })).await;

    let told = score.json();
    assert_eq!((score.status, &told["wordedBy"]), (200, &json!("TEMPLATE")), "{told}");
    assert!(told["warnings"].as_str().unwrap().starts_with("No model worded this score."), "{told}");
    assert_eq!((&told["provider"], &told["model"]), (&Value::Null, &Value::Null));
    assert_eq!(draft.status, 202);
}

#[tokio::test]
async fn without_any_provider_a_score_comes_in_our_own_words_and_all_else_says_at_once_what_is_missing() {
    let desk = Desk::joined(Options { models: Some(RealModels::default()), ..Options::default() }).await;
    let person = desk.stack.twenty.records(&desk.workspace, "people")[0]["id"].as_str().unwrap().to_owned();

    let score = desk.ask("score-lead", &json!({ "personId": person })).await;
    let mood = desk.ask("analyze-sentiment", &json!({ "text": "Thank you!" })).await;

    let told = score.json();
    assert_eq!((score.status, &told["wordedBy"]), (200, &json!("TEMPLATE")), "{told}");
    assert!(told["score"].is_u64() && !told["summary"].as_str().unwrap().is_empty(), "{told}");
    assert_eq!((mood.status, mood.header("retry-after")), (503, Some("3600")));
    let words = "No language model is set up. Give the deployment a provider's key.";
    assert_eq!(mood.json()["message"], words);
    assert!(desk.stack.aws.sqs.messages(AI).is_empty(), "nobody waits for what waiting does not bring");
}

#[tokio::test]
async fn a_caller_does_not_wait_for_a_crm_that_stalls() {
    let desk = Desk::joined(Options::default()).await;
    let person = desk.stack.twenty.records(&desk.workspace, "people")[0]["id"].as_str().unwrap().to_owned();
    desk.stack.faults.plan(|call| match call.service {
        "twenty" => Fault::HoldBefore(Gate::default()),
        _ => Fault::Pass,
    });
    let started = Instant::now();

    let promised = desk.ask("summarize-text", &json!({ "personId": person })).await;

    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert_eq!(promised.status, 202, "{}", promised.json());
    desk.stack.faults.clear();
    desk.work_off().await;
    let id = promised.json()["jobId"].as_str().unwrap().to_owned();
    assert_eq!(desk.job(&id).await.json()["state"], "ANSWERED");
}

/// A promise: both providers are down while the caller waits.
async fn promise(desk: &Desk, body: &Value) -> String {
    desk.stack.ai.script(Outcome::Error(Failure::openai("server_error")));
    desk.stack.ai.script(Outcome::Error(Failure::anthropic("api_error")));
    let promised = desk.ask("analyze-sentiment", body).await;
    assert_eq!(promised.status, 202, "{}", promised.json());
    promised.json()["jobId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_job_that_cannot_succeed_is_tried_for_an_hour_and_then_says_why() {
    let desk = Desk::open().await;
    let id = promise(&desk, &json!({ "text": "Thank you!" })).await;
    desk.stack.ai.plan(|request| {
        Some(Outcome::Error(match request.provider {
            Provider::OpenAi => Failure::openai("server_is_overloaded"),
            Provider::Anthropic => Failure::anthropic("overloaded_error"),
        }))
    });
    let begun = desk.stack.clock.now_ms();

    pump::drain(&desk.stack).await;

    let job = desk.job(&id).await.json();
    let told = (job["state"].as_str(), job["code"].as_str());
    assert_eq!(told, (Some("FAILED"), Some("UNAVAILABLE")), "{job}");
    assert!(!job["message"].as_str().unwrap().is_empty());
    let took = Duration::from_millis((desk.stack.clock.now_ms() - begun).unsigned_abs());
    assert!((Duration::from_hours(1)..Duration::from_mins(75)).contains(&took), "{took:?}");
    assert!(desk.stack.aws.sqs.messages(AI).is_empty() && desk.stack.aws.sqs.messages(AI_DEAD).is_empty());
}

#[tokio::test]
async fn a_job_of_somebody_else_is_answered_like_one_that_does_not_exist() {
    let mine = Desk::open().await;
    let theirs = Desk::another(mine.stack.clone()).await;
    let id = promise(&mine, &json!({ "text": "Thank you!" })).await;
    mine.work_off().await;
    assert_eq!(mine.job(&id).await.json()["state"], "ANSWERED");

    let foreign = theirs.job(&id).await;
    let absent = theirs.job("job_00000000000000000000000000").await;
    let nonsense = theirs.job("no%20id").await;

    assert_eq!((foreign.status, absent.status, nonsense.status), (404, 404, 404));
    assert_eq!((foreign.json(), absent.json()), (absent.json(), nonsense.json()));
}

/// Works off what is left after a crash.
async fn finish(desk: &Desk) {
    desk.stack.clock.advance_ms(UNTIL_SEEN_AGAIN_MS);
    pump::drain(&desk.stack).await;
    assert!(desk.stack.aws.sqs.messages(AI).is_empty() && desk.stack.aws.sqs.messages(AI_DEAD).is_empty());
}

#[tokio::test]
async fn a_crash_at_any_call_of_a_job_leaves_one_answer() {
    let desk = Arc::new(Desk::open().await);
    let body = |number: usize| json!({ "text": format!("Letter number {number}.") });
    promise(&desk, &body(0)).await;
    finish(&desk).await;
    promise(&desk, &body(1)).await;
    let before = desk.stack.faults.count();
    desk.work_off().await;
    let calls = desk.stack.faults.count() - before;

    let (mut call, mut tried) = (0, 0);
    'points: loop {
        for point in Point::both(call) {
            desk.stack.advance(UNTIL_ALL_SERVE);
            let id = promise(&desk, &body(2 + tried)).await;
            desk.stack.ai.forget();
            let work = desk.clone();
            let crashed = crash(&desk.stack, point, async move {
                work.work_off().await;
            })
            .await;
            finish(&desk).await;

            let job = desk.job(&id).await.json();
            assert_eq!(job["state"], "ANSWERED", "{point:?}: {job}");
            assert_eq!(desk.job(&id).await.json(), job, "it stays as it is");
            let asked = desk.calls(Provider::OpenAi) + desk.calls(Provider::Anthropic);
            assert!((1..=2).contains(&asked), "{point:?}: {asked}");
            if !crashed {
                break 'points;
            }
            tried += 1;
        }
        call += 1;
    }

    assert!(calls > 8, "{calls}");
    assert_eq!(tried, calls * 2);
    canary::assert_no_secret_seen(&desk.stack, &[&desk.token, "Letter number"]);
}

#[tokio::test]
async fn a_crash_at_any_call_at_the_door_is_made_good_by_asking_again_under_the_same_name() {
    let desk = Arc::new(Desk::open().await);
    let body = |number: usize| json!({ "text": format!("Letter {number}."), "idempotencyKey": format!("n{number}") });
    desk.ask("analyze-sentiment", &body(0)).await;
    let before = desk.stack.faults.count();
    desk.ask("analyze-sentiment", &body(1)).await;
    let calls = desk.stack.faults.count() - before;

    let (mut call, mut tried) = (0, 0);
    'points: loop {
        for point in Point::both(call) {
            desk.stack.ai.forget();
            let (work, asked) = (desk.clone(), body(2 + tried));
            let first = async move { drop(work.ask("analyze-sentiment", &asked).await) };
            let crashed = crash(&desk.stack, point, first).await;
            desk.stack.advance(Duration::from_mins(1));

            let answer = desk.ask("analyze-sentiment", &body(2 + tried)).await;
            let again = desk.ask("analyze-sentiment", &body(2 + tried)).await.json();

            let told = answer.json();
            assert_eq!((answer.status, &told["state"]), (200, &json!("ANSWERED")), "{point:?}: {told}");
            assert_eq!((&again["rationale"], &again["cached"]), (&told["rationale"], &json!(true)));
            let asked = desk.calls(Provider::OpenAi) + desk.calls(Provider::Anthropic);
            assert!((1..=2).contains(&asked), "{point:?}: {asked}");
            if !crashed {
                break 'points;
            }
            tried += 1;
        }
        call += 1;
    }

    assert!(calls > 8, "{calls}");
    assert_eq!(tried, calls * 2);
}

#[tokio::test]
async fn the_same_work_is_done_once_a_day_and_what_differs_is_other_work() {
    let desk = Desk::open().await;
    let thanks = json!({ "text": "Thank you for the call!" });

    let first = desk.ask("analyze-sentiment", &thanks).await.json();
    let second = desk.ask("analyze-sentiment", &thanks).await.json();

    assert_eq!((&first["cached"], &second["cached"]), (&json!(false), &json!(true)));
    assert_eq!((&second["costUsd"], &second["rationale"]), (&json!("0.000000000"), &first["rationale"]));
    assert_eq!(desk.calls(Provider::OpenAi), 1);
    let others = [
        json!({ "text": "Thank you for the call?" }),
        json!({ "text": "Thank you for the call!", "language": "de" }),
        json!({ "text": "Thank you for the call!", "tone": "formal" }),
        json!({ "text": "Thank you for the call!", "maxTokens": 200 }),
        json!({ "text": "Thank you for the call!", "model": "gpt-6-sol" }),
        json!({ "text": "Thank you for the call!", "temperature": 0.1 }),
    ];
    for (number, other) in others.iter().enumerate() {
        assert_eq!(desk.ask("analyze-sentiment", other).await.json()["cached"], false, "{other}");
        assert_eq!(desk.calls(Provider::OpenAi), 2 + number);
    }
    let stranger = Desk::another(desk.stack.clone()).await;
    assert_eq!(
        stranger.ask("analyze-sentiment", &thanks).await.json()["cached"],
        false,
        "not across workspaces"
    );
    desk.stack.advance(Duration::from_hours(25));
    assert_eq!(desk.ask("analyze-sentiment", &thanks).await.json()["cached"], false, "not for ever");
}

#[tokio::test]
async fn a_name_for_a_request_stands_for_one_request() {
    let desk = Desk::open().await;
    let named = |text: &str| {
        let ask = Ask::new("POST", "/ai/summarize-text").json(&json!({ "text": text }));
        ask.header("idempotency-key", "order-7")
    };

    let first = desk.send(named("Ada likes boats.")).await.json();
    let second = desk.send(named("Ada likes boats.")).await.json();
    let other = desk.send(named("Ada likes trains.")).await;
    let in_the_body = json!({ "text": "Ada likes boats.", "idempotencyKey": "order-7" });
    let third = desk.ask("summarize-text", &in_the_body).await.json();

    assert_eq!(
        (&first["cached"], &second["cached"], &third["cached"]),
        (&json!(false), &json!(true), &json!(true))
    );
    assert_eq!((&second["summary"], &third["summary"]), (&first["summary"], &first["summary"]));
    assert_eq!((other.status, &other.json()["code"]), (409, &json!("CONFLICT")));
    let words = "This idempotency key was used for another request. Take a new one.";
    assert_eq!(other.json()["message"], words);
    assert_eq!(desk.calls(Provider::OpenAi), 1);
    assert!(desk.stack.aws.sqs.messages(AI).is_empty(), "a conflict does not go away by waiting");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_who_ask_the_same_at_the_same_moment_make_one_call() {
    let options = Options { clock: Clock::system(), ..Options::default() };
    let desk = Arc::new(Desk::with(options).await);

    let answers = together(&desk, 16, |_| json!({ "text": "Is everybody happy? Yes, very happy!" })).await;

    let told: Vec<Value> = answers.iter().map(Answer::json).collect();
    assert!(answers.iter().all(|it| it.status == 200), "{told:?}");
    assert!(told.iter().all(|it| it["rationale"] == told[0]["rationale"] && it["label"] == "positive"));
    assert_eq!(told.iter().filter(|it| it["cached"] == json!(false)).count(), 1);
    assert_eq!((desk.calls(Provider::OpenAi), desk.calls(Provider::Anthropic)), (1, 0));
}
