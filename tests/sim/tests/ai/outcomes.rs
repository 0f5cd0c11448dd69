//! What a script makes of requests that were accepted.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sim::ai::{CutOff, Failure, Outcome, Provider};
use sim::fault::Gate;

use super::{Answer, Documents, WIRES, World, mood_of};

/// Scripts one outcome and asks on this wire.
async fn meet(world: &World, path: &str, outcome: Outcome) -> Answer {
    world.ai.script(outcome);
    world.post(path, &mood_of(path, "I love this group, thanks!")).await
}

#[tokio::test]
async fn a_refusal_has_the_form_of_each_wire() {
    let world = World::start().await;
    let mut documents = Documents::read();

    let mut answers = Vec::new();
    for path in WIRES {
        for outcome in [Outcome::Refusal, Outcome::RefusalAfter("Here is".to_owned())] {
            let answer = meet(&world, path, outcome).await;
            documents.check_answer(path, &answer.body);
            answers.push(answer.body);
        }
    }

    let [responses, after, chat, _, before, partial] = &answers[..] else { panic!("six answers") };
    for body in [responses, after] {
        assert_eq!(body["status"], "completed");
        assert_eq!(body["output"][0]["content"][0]["type"], "refusal");
    }
    assert_eq!(chat["choices"][0]["message"]["content"], Value::Null);
    assert!(chat["choices"][0]["message"]["refusal"].is_string());
    assert_eq!((&before["stop_reason"], &before["content"]), (&json!("refusal"), &json!([])));
    assert_eq!(before["stop_details"]["category"], "general_harms");
    assert_eq!(partial["content"][0]["text"], "Here is");
    assert_eq!(partial["stop_reason"], "refusal");
}

#[tokio::test]
async fn an_answer_that_is_not_whole_says_why() {
    let world = World::start().await;
    let mut documents = Documents::read();

    let mut reasons = Vec::new();
    for path in WIRES {
        for reason in CutOff::ALL {
            let answer = meet(&world, path, Outcome::Incomplete(reason)).await;
            documents.check_answer(path, &answer.body);
            assert!(serde_json::from_str::<Value>(&answer.said()).is_err(), "{}", answer.text);
            let body = &answer.body;
            let said = [
                &body["incomplete_details"]["reason"],
                &body["choices"][0]["finish_reason"],
                &body["stop_reason"],
            ];
            reasons.push(said.into_iter().find_map(Value::as_str).unwrap().to_owned());
        }
    }

    let responses =
        ["max_output_tokens", "content_filter", "max_messages", "steered", "max_output_tokens", "steered"];
    let chat = ["length", "content_filter", "length", "length", "length", "length"];
    let window = "model_context_window_exceeded";
    let messages = ["max_tokens", "refusal", "pause_turn", "pause_turn", window, "pause_turn"];
    assert_eq!(reasons, [responses, chat, messages].concat());
}

#[tokio::test]
async fn the_responses_api_fails_with_200_and_the_others_with_500() {
    let world = World::start().await;
    let mut documents = Documents::read();

    let responses = meet(&world, WIRES[0], Outcome::Failed("server_error")).await;
    let chat = meet(&world, WIRES[1], Outcome::Failed("server_error")).await;
    let messages = meet(&world, WIRES[2], Outcome::Failed("server_error")).await;

    documents.check_answer(WIRES[0], &responses.body);
    assert_eq!((responses.status.as_u16(), &responses.body["status"]), (200, &json!("failed")));
    assert_eq!(responses.body["error"]["code"], "server_error");
    assert_eq!((chat.status.as_u16(), messages.status.as_u16()), (500, 529));
    assert!(world.ai.requests().iter().all(|request| request.usage.is_none()));
}

#[tokio::test]
async fn answers_without_worth_look_complete() {
    let world = World::start().await;
    let mut documents = Documents::read();

    for path in WIRES {
        let empty = meet(&world, path, Outcome::Empty).await;
        let cut = meet(&world, path, Outcome::CutJson).await;
        let wrong = meet(&world, path, Outcome::WrongJson).await;
        let chosen = meet(&world, path, Outcome::Text("{\"label\":\"glorious\"}".to_owned())).await;

        for answer in [&empty, &cut, &wrong, &chosen] {
            documents.check_answer(path, &answer.body);
            let body = &answer.body;
            let end = [&body["status"], &body["choices"][0]["finish_reason"], &body["stop_reason"]];
            let end = end.into_iter().find_map(Value::as_str).unwrap();
            assert!(["completed", "stop", "end_turn"].contains(&end), "{end}");
        }
        assert_eq!(empty.said(), "");
        assert!(serde_json::from_str::<Value>(&cut.said()).is_err());
        let schema = jsonschema::validator_for(&super::sentiment_schema()).unwrap();
        assert!(!schema.is_valid(&wrong.json()));
        assert_eq!(chosen.json()["label"], "glorious");
    }
}

#[tokio::test]
async fn bodies_break_in_every_way() {
    let world = World::start().await;

    for path in WIRES {
        let nothing = meet(&world, path, Outcome::EmptyBody).await;
        let half = meet(&world, path, Outcome::BrokenBody).await;
        let page = meet(&world, path, Outcome::Html(502)).await;

        assert_eq!((nothing.status.as_u16(), nothing.text.as_str()), (200, ""));
        assert!(half.status == 200 && half.text.starts_with('{') && half.body.is_null());
        assert_eq!((page.status.as_u16(), page.header("content-type")), (502, "text/html"));
    }
}

#[tokio::test]
async fn lines_break_before_and_after_the_effect() {
    let world = World::start().await;

    for path in WIRES {
        world.ai.forget();
        for outcome in [Outcome::CutBefore, Outcome::CutAfter, Outcome::StreamCut] {
            world.ai.script(outcome);
            let answer = world.try_post(path, &mood_of(path, "Fine.")).await;
            assert!(answer.is_err(), "{path}");
        }

        let billed: Vec<bool> = world.ai.requests().iter().map(|request| request.usage.is_some()).collect();
        assert_eq!(billed, [false, true, true]);
    }
}

#[tokio::test]
async fn slow_answers_come_in_the_end_and_hanging_ones_never() {
    let world = World::start().await;
    let wait = Duration::from_millis(30);

    for path in WIRES {
        for outcome in [Outcome::SlowFirstByte(wait), Outcome::SlowBody(wait)] {
            world.ai.script(outcome.clone());
            let began = Instant::now();
            let response = world.request("POST", path).json(&mood_of(path, "Fine.")).send().await.unwrap();
            let headers = began.elapsed();
            let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();

            assert!(began.elapsed() >= wait && body.is_object());
            assert!(matches!(outcome, Outcome::SlowBody(_)) || headers >= wait);
        }
        world.ai.script(Outcome::Hang);
        let hanging = world.request("POST", path).json(&mood_of(path, "Fine.")).timeout(wait).send().await;

        assert!(hanging.is_err_and(|error| error.is_timeout()));
    }
}

#[tokio::test]
async fn an_answer_waits_at_the_gate_until_it_is_opened() {
    let world = World::start().await;
    let gate = Gate::default();
    world.ai.script(Outcome::Wait(gate.clone()));
    let body = mood_of(WIRES[0], "Fine.");

    let test = async {
        gate.reached().await;
        let billed = world.ai.requests()[0].usage.is_some();
        let status = world.ai.requests()[0].status;
        gate.open();
        (billed, status)
    };
    let (answer, before) = tokio::join!(world.post(WIRES[0], &body), test);

    assert_eq!(before, (true, None));
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn the_script_is_met_in_order_and_by_its_provider_and_then_the_plan_is_asked() {
    let world = World::start().await;
    world.ai.script(Outcome::Error(Failure::anthropic("overloaded_error")));
    world.ai.script_for(Provider::Anthropic, Outcome::Refusal);
    world.ai.script(Outcome::Html(502));
    world.ai.plan(|request| {
        (request.model() == "gpt-6-luna").then_some(Outcome::Error(Failure::openai("slow_down")))
    });

    let mut met = Vec::new();
    for path in [WIRES[0], WIRES[0], WIRES[2], WIRES[2], WIRES[2]] {
        met.push(world.post(path, &mood_of(path, "Fine.")).await.status.as_u16());
    }
    world.ai.clear_script();
    let usual = world.post(WIRES[0], &mood_of(WIRES[0], "Fine.")).await;

    assert_eq!(met, [502, 429, 529, 200, 200]);
    assert_eq!((world.ai.waiting(), usual.status.as_u16()), (0, 200));
}
