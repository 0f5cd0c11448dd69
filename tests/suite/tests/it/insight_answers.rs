//! Whatever a provider says, the caller gets the right thing, after the right number of calls, at the right cost.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use serde_json::{Value, json};
use shared::domain::insight::attempt::Ending;
use shared::domain::insight::budget::DailyLimit;
use shared::usecase::insight_settings;
use sim::ai::{CutOff, Failure, Outcome, Provider, Usage};
use stack::Options;

use crate::insight_desk::{Desk, Rates, SMALL, billed, cost, dollars};
use crate::template::document::text;

/// Longer than any circuit stays open.
const UNTIL_ALL_SERVE: Duration = Duration::from_mins(16);

/// Who is asked first, over which wire.
#[derive(Clone, Copy, Debug)]
struct Way {
    wire: &'static str,
    first: Provider,
}

const WAYS: [Way; 3] = [
    Way { wire: "openai_responses", first: Provider::OpenAi },
    Way { wire: "openai_chat", first: Provider::OpenAi },
    Way { wire: "anthropic_messages", first: Provider::Anthropic },
];

impl Way {
    fn second(self) -> Provider {
        match self.first {
            Provider::OpenAi => Provider::Anthropic,
            Provider::Anthropic => Provider::OpenAi,
        }
    }

    async fn open(self) -> Desk {
        let wire = if self.first == Provider::OpenAi { self.wire } else { "openai_responses" };
        let vars = HashMap::from([("OPENAI_WIRE", wire.to_owned())]);
        Desk::with(Options { vars, ..Options::default() }).await
    }

    /// A request that nobody made before, to this provider first.
    fn body(self, what: &str) -> Value {
        json!({ "text": format!("Thanks for the call about {what}."), "provider": self.first.name() })
    }
}

/// What is to happen after one failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Our mistake: nobody else is bothered.
    Ours,
    /// Worth another call of the same provider, if there is time.
    Busy,
    /// It wants more patience than we have.
    Later,
    /// It will not serve us: a person must mend it.
    Closed,
    /// It cannot take so much; another one may.
    Large,
}

fn expected(provider: Provider) -> &'static [(Class, &'static str)] {
    match provider {
        Provider::OpenAi => &[
            (
                Class::Ours,
                "invalid_request invalid_type missing_required_parameter unsupported_value invalid_json_schema",
            ),
            (Class::Large, "context_length_exceeded"),
            (Class::Closed, "invalid_api_key no_api_key unsupported_country_region_territory"),
            (Class::Closed, "no_access_to_model model_not_found credit_balance_exhausted"),
            (Class::Closed, "organization_spend_limit_exceeded project_spend_limit_exceeded"),
            (Class::Closed, "organization_usage_limit_exceeded insufficient_quota"),
            (Class::Busy, "request_timeout conflict rate_limit_tokens rate_limit_requests slow_down"),
            (Class::Busy, "server_error server_is_overloaded"),
        ],
        Provider::Anthropic => &[
            (Class::Ours, "invalid_request own_spend_limit"),
            (Class::Large, "request_too_large request_too_large_at_the_edge"),
            (Class::Closed, "organization_on_hold authentication_error billing_error linked_organization"),
            (Class::Closed, "permission_error not_found_error"),
            (Class::Closed, "enforced_spend_limit_reached contract_spend_limit_reached"),
            (Class::Later, "rate_limit_error ramp_limit_exceeded"),
            (Class::Busy, "conflict_error api_error timeout_error overloaded_error"),
        ],
    }
}

/// Failures with what is expected of each; every one that the stand-in knows.
fn failures(provider: Provider) -> Vec<(Class, Failure)> {
    let named =
        expected(provider).iter().flat_map(|(class, names)| names.split(' ').map(|name| (*class, name)));
    let rows: Vec<(Class, Failure)> =
        named.map(|(class, name)| (class, Failure::of(provider, name))).collect();
    let names: BTreeSet<&str> = rows.iter().map(|(_, failure)| failure.name).collect();
    let all: BTreeSet<&str> = Failure::all(provider).iter().map(|failure| failure.name).collect();
    assert_eq!(names, all);
    rows
}

/// One failure at the door, where a caller waits: there is no time for a second call of the same provider.
async fn at_the_door(desk: &Desk, way: Way, class: Class, failure: &Failure) {
    let name = failure.name;
    desk.stack.ai.forget();
    desk.stack.ai.script(Outcome::Error(failure.clone()));

    let answer = desk.ask("analyze-sentiment", &way.body(name)).await;

    let told = answer.json();
    let calls = (desk.calls(way.first), desk.calls(way.second()));
    if class == Class::Ours {
        assert_eq!((answer.status, &told["code"]), (500, &json!("INTERNAL")), "{name}: {told}");
        assert_eq!(calls, (1, 0), "{name}");
    } else {
        assert_eq!(answer.status, 200, "{name}: {told}");
        assert_eq!(calls, (1, 1), "{name}");
        assert_eq!((&told["state"], &told["fellBack"]), (&json!("ANSWERED"), &json!(true)), "{name}");
        assert_eq!(told["provider"], way.second().name(), "{name}");
        let answered = cost(desk.stack.ai.requests()[1].usage.unwrap(), SMALL);
        assert_eq!(told["costUsd"], dollars(answered), "{name}: a refused call is not billed");
    }
    assert!(
        !String::from_utf8_lossy(&answer.body).contains(&failure.message),
        "{name}: their words are theirs"
    );
}

/// Whether the circuit is open after a failure.
async fn afterwards(desk: &Desk, way: Way, class: Class, failure: &Failure) {
    desk.stack.ai.forget();
    desk.stack.advance(Duration::from_secs(70));

    let answer = desk.ask("analyze-sentiment", &way.body(&format!("what followed {}", failure.name))).await;

    let closed = class == Class::Closed;
    assert_eq!(answer.status, 200, "{}", failure.name);
    assert_eq!(desk.calls(way.first), usize::from(!closed), "{}", failure.name);
    assert_eq!(answer.json()["fellBack"], closed, "{}", failure.name);
}

/// The same failure in a job, where nobody waits: a busy provider is asked again.
async fn in_a_job(desk: &Desk, way: Way, class: Class, failure: &Failure) {
    let name = failure.name;
    desk.stack.ai.script(Outcome::Error(Failure::openai("server_error")));
    desk.stack.ai.script(Outcome::Error(Failure::anthropic("api_error")));
    let promised = desk.ask("analyze-sentiment", &way.body(&format!("{name} later"))).await;
    assert_eq!(promised.status, 202, "{name}: {}", promised.json());
    desk.stack.ai.forget();
    desk.stack.ai.script(Outcome::Error(failure.clone()));

    assert_eq!(desk.work_off().await, 1);

    let job = desk.job(promised.json()["jobId"].as_str().unwrap()).await.json();
    let calls = (desk.calls(way.first), desk.calls(way.second()));
    let (state, expected) = match class {
        Class::Ours => ("FAILED", (1, 0)),
        Class::Busy => ("ANSWERED", (2, 0)),
        Class::Later | Class::Closed | Class::Large => ("ANSWERED", (1, 1)),
    };
    assert_eq!((job["state"].as_str(), calls), (Some(state), expected), "{name}: {job}");
    if state == "ANSWERED" {
        assert_eq!(job["fellBack"], expected.1 == 1, "{name}");
        assert_eq!(job["costUsd"], dollars(billed(&desk.stack.ai.requests(), SMALL)), "{name}");
    } else {
        assert_eq!(job["code"], "INTERNAL", "{name}");
    }
}

#[tokio::test]
async fn every_documented_error_leads_to_the_right_calls_and_the_right_words() {
    for way in WAYS {
        let desk = way.open().await;
        for (class, failure) in failures(way.first) {
            at_the_door(&desk, way, class, &failure).await;
            afterwards(&desk, way, class, &failure).await;
            desk.stack.advance(UNTIL_ALL_SERVE);
            in_a_job(&desk, way, class, &failure).await;
            desk.stack.advance(UNTIL_ALL_SERVE);
            assert_eq!(desk.stack.ai.waiting(), 0, "{}", failure.name);
            assert_eq!(desk.stack.ai.violations(), Vec::<String>::new());
        }
    }
}

/// An outcome that is no error answer, the calls of first and second provider it leads to, and the state.
type Row = (Outcome, (usize, usize), &'static str);

fn outcomes() -> Vec<Row> {
    vec![
        (Outcome::Answer, (1, 0), "ANSWERED"),
        (Outcome::Refusal, (1, 0), "REFUSED"),
        (Outcome::RefusalAfter("Here is how".to_owned()), (1, 0), "REFUSED"),
        (Outcome::Incomplete(CutOff::Filter), (1, 0), "REFUSED"),
        (Outcome::Incomplete(CutOff::Limit), (2, 0), "ANSWERED"),
        (Outcome::Incomplete(CutOff::Window), (2, 0), "ANSWERED"),
        (Outcome::Incomplete(CutOff::Messages), (2, 0), "ANSWERED"),
        (Outcome::Incomplete(CutOff::Steered), (2, 0), "ANSWERED"),
        (Outcome::Incomplete(CutOff::Pause), (2, 0), "ANSWERED"),
        (Outcome::Empty, (2, 0), "ANSWERED"),
        (Outcome::CutJson, (2, 0), "ANSWERED"),
        (Outcome::WrongJson, (2, 0), "ANSWERED"),
        (Outcome::Text("I would rather talk about boats.".to_owned()), (2, 0), "ANSWERED"),
        (Outcome::Text(mood("positive", "-0.9", "0.5")), (2, 0), "ANSWERED"),
        (Outcome::Text(mood("neutral", "7", "0.5")), (2, 0), "ANSWERED"),
        (Outcome::Text(mood("enraptured", "0.5", "0.5")), (2, 0), "ANSWERED"),
        (Outcome::Failed("server_error"), (1, 1), "ANSWERED"),
        (Outcome::EmptyBody, (1, 1), "ANSWERED"),
        (Outcome::BrokenBody, (1, 1), "ANSWERED"),
        (Outcome::Html(502), (1, 1), "ANSWERED"),
        (Outcome::CutBefore, (1, 1), "ANSWERED"),
        (Outcome::CutAfter, (1, 1), "ANSWERED"),
        (Outcome::StreamError, (1, 1), "ANSWERED"),
        (Outcome::StreamCut, (1, 1), "ANSWERED"),
    ]
}

fn mood(label: &str, score: &str, confidence: &str) -> String {
    format!(
        r#"{{"rationale":"It shows.","label":"{label}","score":{score},"confidence":{confidence},"injection_suspected":false}}"#
    )
}

/// Calls that may have been served although nobody saw the answer.
fn is_lost(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::EmptyBody
            | Outcome::BrokenBody
            | Outcome::CutBefore
            | Outcome::CutAfter
            | Outcome::StreamCut
    )
}

#[tokio::test]
async fn every_answer_is_taken_for_what_it_is_after_the_right_calls_at_the_right_cost() {
    for way in WAYS {
        let desk = way.open().await;
        for (number, (outcome, calls, state)) in outcomes().into_iter().enumerate() {
            desk.stack.ai.forget();
            desk.stack.ai.script(outcome.clone());

            let answer = desk.ask("analyze-sentiment", &way.body(&format!("number {number}"))).await;

            let (told, row) = (answer.json(), format!("{way:?}, {outcome:?}"));
            assert_eq!((answer.status, told["state"].as_str()), (200, Some(state)), "{row}: {told}");
            assert_eq!((desk.calls(way.first), desk.calls(way.second())), calls, "{row}");
            assert_eq!(told["fellBack"], calls.1 == 1, "{row}");
            let (billed, asked) = (billed(&desk.stack.ai.requests(), SMALL), &told["costUsd"]);
            if is_lost(&outcome) {
                assert!(asked.as_str().unwrap() > dollars(billed).as_str(), "{row}: {asked}, {billed}");
            } else {
                assert_eq!(*asked, dollars(billed), "{row}");
            }
            desk.stack.advance(UNTIL_ALL_SERVE);
        }
        assert_eq!(desk.stack.ai.violations(), Vec::<String>::new());
    }
}

/// The limit of the output that a request names.
fn limit(body: &Value) -> u64 {
    let names = ["max_output_tokens", "max_completion_tokens", "max_tokens"];
    names.iter().find_map(|name| body[*name].as_u64()).unwrap()
}

#[tokio::test]
async fn what_is_cut_off_gets_twice_the_room_once_and_then_goes_to_somebody_else() {
    for way in WAYS {
        let desk = way.open().await;
        for (number, outcome) in
            [Outcome::CutJson, Outcome::Incomplete(CutOff::Limit)].into_iter().enumerate()
        {
            desk.stack.ai.forget();
            desk.stack.ai.script(outcome.clone());
            desk.stack.ai.script(outcome);

            let answer = desk.ask("summarize-text", &way.body(&format!("row {number}"))).await;

            assert_eq!((answer.status, &answer.json()["fellBack"]), (200, &json!(true)));
            let limits: Vec<u64> = desk.stack.ai.requests().iter().map(|it| limit(&it.body)).collect();
            assert_eq!(limits, [600, 1_200, 1_200], "{way:?}");
            let told = dollars(billed(&desk.stack.ai.requests(), SMALL));
            assert_eq!(answer.json()["costUsd"], told, "all three are paid");
        }
    }
}

#[tokio::test]
async fn an_answer_that_fails_our_checks_twice_is_an_error_and_a_score_has_words_of_our_own() {
    for way in WAYS {
        let desk = way.open().await;
        for (number, outcome) in [Outcome::Empty, Outcome::WrongJson].into_iter().enumerate() {
            desk.stack.ai.forget();
            desk.stack.ai.script(outcome.clone());
            desk.stack.ai.script(outcome);

            let answer = desk.ask("summarize-text", &way.body(&format!("row {number}"))).await;

            assert_eq!((answer.status, &answer.json()["code"]), (422, &json!("REJECTED")));
            let words = "The model's answers did not pass our checks. Try a shorter text or another model.";
            assert_eq!(answer.json()["message"], words);
            assert_eq!((desk.calls(way.first), desk.calls(way.second())), (2, 0), "{way:?}");
            desk.stack.advance(Duration::from_secs(1));
        }
        let endings: Vec<Ending> = desk.attempts().await.into_iter().map(|it| it.ending).collect();
        let invalid = |why: &str| Ending::Invalid(why.to_owned());
        assert_eq!(endings, ["empty", "empty", "wrong_shape", "wrong_shape"].map(invalid));
    }
}

#[tokio::test]
async fn every_operation_has_an_answer_of_its_shape_from_each_provider() {
    let mut calls = 0;
    for way in WAYS {
        let desk = way.open().await;
        let bodies = [
            (
                "generate-text",
                json!({ "instruction": "Invite Ada to the spring course.", "tone": "friendly" }),
            ),
            ("analyze-sentiment", json!({ "text": "I love the calls. Thank you!" })),
            ("summarize-text", json!({ "text": "Ada asked for an invoice. Is it paid?", "language": "en" })),
            (
                "draft-email",
                json!({ "instruction": "Ask about the payment.", "temperature": 0.4, "maxTokens": 700 }),
            ),
        ];

        for (operation, mut body) in bodies {
            body["provider"] = json!(way.first.name());
            let answer = desk.ask(operation, &body).await;

            let told = answer.json();
            assert_eq!((answer.status, told["state"].as_str()), (200, Some("ANSWERED")), "{told}");
            assert_eq!(
                (&told["provider"], &told["operation"]),
                (&json!(way.first.name()), &json!(operation))
            );
            let usage = desk.stack.ai.requests().last().unwrap().usage.unwrap();
            assert_eq!(told["inputTokens"], usage.fresh + usage.read + usage.written);
            assert_eq!(told["outputTokens"], usage.output);
            calls += 1;
        }
        assert_eq!(desk.stack.ai.violations(), Vec::<String>::new());
    }
    assert_eq!(calls, 12);
}

#[tokio::test]
async fn every_model_of_the_table_takes_what_we_send_it_on_each_wire() {
    let table: Value = serde_json::from_str(&text("shared/src/ai/models.json")).unwrap();
    let mut asked = 0;
    for way in WAYS {
        let desk = way.open().await;
        desk.allow(DailyLimit { tokens: None, nano_dollars: None }).await;
        let models = table["models"].as_array().unwrap().iter();
        for model in models.filter(|it| it["provider"] == way.first.name()) {
            for operation in ["generate-text", "analyze-sentiment", "summarize-text", "draft-email"] {
                let mut body = way.body("the spring course");
                body["instruction"] = json!("Invite Ada.");
                body["model"] = model["model"].clone();
                body["temperature"] = json!(0.4);

                let told = desk.ask(operation, &body).await.json();

                assert_eq!(
                    (told["state"].as_str(), &told["fellBack"]),
                    (Some("ANSWERED"), &json!(false)),
                    "{told}"
                );
                assert_eq!(told["model"], model["model"], "{way:?}");
                asked += 1;
            }
        }
    }
    assert!(asked > 100, "{asked}");
}

#[tokio::test]
async fn a_provider_that_says_whether_to_retry_is_believed() {
    let way = WAYS[0];
    let desk = way.open().await;
    let never = Failure::openai("server_error").should_retry(false);
    let always = Failure::openai("invalid_request").should_retry(true);
    for (failure, expected) in [(never, (1, 1)), (always, (2, 0))] {
        let retried = format!("{failure:?}");
        desk.stack.ai.script(Outcome::Error(Failure::openai("server_error")));
        desk.stack.ai.script(Outcome::Error(Failure::anthropic("api_error")));
        let promised = desk.ask("analyze-sentiment", &way.body(&retried)).await.json();
        desk.stack.ai.forget();
        desk.stack.ai.script(Outcome::Error(failure));

        desk.work_off().await;

        assert_eq!(desk.job(promised["jobId"].as_str().unwrap()).await.json()["state"], "ANSWERED");
        assert_eq!((desk.calls(way.first), desk.calls(way.second())), expected, "{retried}");
        desk.stack.advance(UNTIL_ALL_SERVE);
    }
}

#[tokio::test]
async fn a_model_that_somebody_misspells_does_not_close_the_provider_to_others() {
    let desk = Desk::open().await;
    let other = Desk::another(desk.stack.clone()).await;
    let misspelt = json!({ "text": "Thank you!", "provider": "openai", "model": "gpt-6-lunna" });

    let answer = desk.ask("analyze-sentiment", &misspelt).await;
    desk.stack.ai.forget();
    let theirs = other.ask("analyze-sentiment", &json!({ "text": "Fine." })).await;

    assert_eq!((answer.status, &answer.json()["fellBack"]), (200, &json!(true)));
    assert_eq!(theirs.json()["provider"], "openai");
    assert_eq!((desk.calls(Provider::OpenAi), desk.calls(Provider::Anthropic)), (1, 0));
}

/// Models with prices of their own, by the wire that serves them.
fn priced() -> Vec<(Way, &'static str, Rates)> {
    vec![
        (WAYS[0], "gpt-6-luna", SMALL),
        (WAYS[0], "gpt-6.1-sol", (2_000_000, 100_000, 2_500_000, 10_000_000)),
        (WAYS[1], "gpt-6.1-terra", (1_000_000, 50_000, 1_250_000, 5_000_000)),
        (WAYS[2], "claude-haiku-5-5", SMALL),
        (WAYS[2], "claude-sonnet-5-5", (2_000_000, 100_000, 2_500_000, 10_000_000)),
        (WAYS[2], "claude-opus-5-5", (4_000_000, 200_000, 5_000_000, 20_000_000)),
    ]
}

#[tokio::test]
async fn cached_written_and_reasoning_tokens_cost_what_they_cost_to_the_nanodollar() {
    let bills = [
        Usage { fresh: 1_001, read: 0, written: 0, output: 33, thinking: 0 },
        Usage { fresh: 7, read: 1_024, written: 0, output: 1, thinking: 0 },
        Usage { fresh: 0, read: 0, written: 2_047, output: 850, thinking: 801 },
        Usage { fresh: 13, read: 1_152, written: 1_283, output: 97, thinking: 64 },
        Usage { fresh: 1, read: 1, written: 1, output: 2, thinking: 1 },
        // Half a nanodollar is one: 0.125 dollars a million, 4 tokens.
        Usage { fresh: 0, read: 0, written: 4, output: 0, thinking: 0 },
    ];
    for (way, model, rates) in priced() {
        let desk = way.open().await;
        let (mut sum, mut tokens) = (0, Usage::default());
        for (number, usage) in bills.into_iter().enumerate() {
            desk.stack.ai.script(Outcome::Billed(usage));
            let mut body = way.body(&format!("bill {number}"));
            body["model"] = json!(model);

            let told = desk.ask("analyze-sentiment", &body).await.json();

            assert_eq!(told["costUsd"], dollars(cost(usage, rates)), "{model}, {usage:?}: {told}");
            sum += cost(usage, rates);
            tokens.fresh += usage.fresh;
            tokens.read += usage.read;
            tokens.written += usage.written;
            tokens.output += usage.output;
            tokens.thinking += usage.thinking;
        }

        let day = "2026-11-23";
        let lines = insight_settings::usage(desk.stack.app, &desk.caller, day, day).await.unwrap();
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!((line.model.as_str(), line.calls, line.failed, line.nano_dollars.0), (model, 6, 0, sum));
        let kept = (line.uncached, line.cached, line.written, line.output, line.reasoning);
        assert_eq!(kept, (tokens.fresh, tokens.read, tokens.written, tokens.output, tokens.thinking));
        let spent = insight_settings::spent_today(desk.stack.app, &desk.caller).await.unwrap();
        assert_eq!(spent.nano_dollars.0, sum, "the budget counts the same");
    }
}

#[tokio::test]
async fn long_input_costs_more_for_the_whole_request() {
    let rows = [
        (WAYS[0], 272_000, cost(Usage { fresh: 272_000, output: 10, ..Usage::default() }, SMALL)),
        (WAYS[0], 272_001, 272_001 * 200 + 10 * 750),
        (WAYS[2], 100_000, cost(Usage { fresh: 100_000, output: 10, ..Usage::default() }, SMALL)),
        (WAYS[2], 100_001, 100_001 * 500 + 10 * 2_500),
    ];
    for (way, fresh, expected) in rows {
        let desk = way.open().await;
        desk.stack.ai.script(Outcome::Billed(Usage { fresh, output: 10, ..Usage::default() }));

        let told = desk.ask("analyze-sentiment", &way.body("a long story")).await.json();

        assert_eq!(told["costUsd"], dollars(expected), "{way:?}, {fresh}");
    }
}

#[tokio::test]
async fn a_model_without_a_price_works_and_its_cost_is_unknown_and_not_nothing() {
    for way in WAYS {
        let desk = way.open().await;
        desk.stack.ai.switch(|it| it.more_models.push("llama-9-huge".to_owned()));
        let mut body = way.body("the weather");
        body["model"] = json!("llama-9-huge");

        let told = desk.ask("analyze-sentiment", &body).await.json();

        assert_eq!((told["state"].as_str(), &told["costUsd"]), (Some("ANSWERED"), &Value::Null), "{told}");
        let warning = "The price of llama-9-huge is not known; its cost is not counted.";
        assert!(told["warnings"].as_str().unwrap().contains(warning), "{told}");
        let day = "2026-11-23";
        let lines = insight_settings::usage(desk.stack.app, &desk.caller, day, day).await.unwrap();
        assert_eq!((lines[0].unpriced, lines[0].nano_dollars.0), (1, 0));
        assert!(lines[0].tokens() > 0);
        assert_eq!(desk.stack.ai.violations(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_model_that_does_not_take_what_we_send_is_the_mistake_of_who_named_it() {
    for way in WAYS {
        let desk = way.open().await;
        desk.stack.ai.switch(|it| it.more_models.push("llama-9-huge".to_owned()));
        desk.stack.ai.script(Outcome::Error(Failure::of(way.first, "invalid_request")));
        let mut body = way.body("the weather");
        body["model"] = json!("llama-9-huge");

        let answer = desk.ask("analyze-sentiment", &body).await;

        let words =
            "The provider does not take this request with the model that was named. Name another one.";
        assert_eq!((answer.status, &answer.json()["message"]), (400, &json!(words)), "{way:?}");
        assert_eq!((desk.calls(way.first), desk.calls(way.second())), (1, 0), "{way:?}");
    }
}
