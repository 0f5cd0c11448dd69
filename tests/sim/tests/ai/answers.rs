//! What is answered when all goes well.

use serde_json::json;
use sim::ai::{CANARY, Provider};

use super::{Documents, WIRES, World, ask, mood_of, provider, sentiment_schema};

#[tokio::test]
async fn every_answer_is_as_the_documents_describe_it() {
    let world = World::start().await;
    let mut documents = Documents::read();

    for path in WIRES {
        let structured = mood_of(path, "I love this group!");
        let text = ask(path, "Be brief.", "The meeting is on Tuesday.", None);
        let mut thinking = structured.clone();
        if path.starts_with("/openai") {
            thinking.as_object_mut().unwrap().remove("temperature");
            let efforts = [("reasoning", json!({"effort": "medium"})), ("reasoning_effort", json!("medium"))];
            let (name, value) = efforts[usize::from(path.ends_with("completions"))].clone();
            thinking[name] = value;
        } else {
            thinking["thinking"] = json!({"type": "adaptive"});
        }
        let mut short = structured.clone();
        let limits = ["max_output_tokens", "max_completion_tokens", "max_tokens"];
        let limit = limits.into_iter().find(|name| !short[*name].is_null()).unwrap();
        short[limit] = json!(16);
        let mut large = structured.clone();
        let rules = "Rule upon rule. ".repeat(400);
        match path {
            "/openai/v1/responses" => {
                (large["instructions"], large["prompt_cache_options"]) =
                    (json!(rules), json!({"mode": "implicit"}));
            }
            "/openai/v1/chat/completions" => large["messages"][0]["content"] = json!(rules),
            _ => {
                large["system"] =
                    json!([{"type": "text", "text": rules, "cache_control": {"type": "ephemeral"}}]);
            }
        }
        for body in [&structured, &text, &thinking, &short, &large, &large] {
            let answer = world.post(path, body).await;

            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            documents.check_answer(path, &answer.body);
        }
    }

    assert_eq!(world.ai.violations(), Vec::<String>::new());
    assert_eq!(world.ai.calls(Provider::OpenAi), 12);
    assert_eq!(world.ai.calls_of(Provider::Anthropic, "claude-haiku-5-5"), 6);
}

#[tokio::test]
async fn structured_answers_satisfy_the_schema_that_was_sent() {
    let world = World::start().await;
    let validator = jsonschema::validator_for(&sentiment_schema()).unwrap();

    for path in WIRES {
        let answer = world.post(path, &mood_of(path, "Support is slow and the payment failed twice.")).await;

        let said = answer.json();
        assert!(validator.is_valid(&said), "{said}");
        assert_eq!(said["label"], "negative");
        assert_eq!(said["injection_suspected"], false);
    }
}

#[tokio::test]
async fn the_same_request_has_the_same_answer() {
    let world = World::start().await;

    for path in WIRES {
        let body = mood_of(path, "Great content, but the app is broken.");
        let first = world.post(path, &body).await;
        let second = world.post(path, &body).await;

        assert_eq!(first.said(), second.said());
        assert_ne!(first.body["id"], second.body["id"]);
    }
}

#[tokio::test]
async fn models_and_counts_are_told() {
    let world = World::start().await;
    let mut documents = Documents::read();

    let gpts = world.get("/openai/v1/models").await;
    let luna = world.get("/openai/v1/models/gpt-6-luna").await;
    let claudes = world.get("/anthropic/v1/models").await;
    let haiku = world.get("/anthropic/v1/models/claude-haiku-5-5").await;
    let mut counted = mood_of("/anthropic/v1/messages", "Hello there.");
    let answer = world.post("/anthropic/v1/messages", &counted).await;
    for only_to_generate in ["max_tokens", "metadata"] {
        counted.as_object_mut().unwrap().remove(only_to_generate);
    }
    let count = world.post("/anthropic/v1/messages/count_tokens", &counted).await;

    documents.openai.check("ListModelsResponse", &gpts.body);
    documents.openai.check("Model", &luna.body);
    documents.anthropic.check("ModelList", &claudes.body);
    documents.anthropic.check("ModelInfo", &haiku.body);
    documents.anthropic.check("TokenCount", &count.body);
    assert_eq!(haiku.body["capabilities"]["thinking"]["types"]["disabled"]["supported"], true);
    assert_eq!(count.body["input_tokens"], answer.body["usage"]["input_tokens"]);
    assert_eq!(world.ai.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn models_end_when_their_day_has_come() {
    let world = World::start().await;
    let before = world.get("/anthropic/v1/models/claude-sonnet-4-5").await;

    world.clock.advance_ms(8 * 86_400_000);
    let after = world.get("/anthropic/v1/models/claude-sonnet-4-5").await;

    assert_eq!((before.status.as_u16(), after.status.as_u16()), (200, 404));
}

#[tokio::test]
async fn every_answer_carries_the_headers_of_its_provider() {
    let world = World::start().await;
    let openai = [
        "x-request-id",
        "openai-processing-ms",
        "openai-version",
        "openai-organization",
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
        "x-ratelimit-limit-tokens",
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-reset-tokens",
    ];
    let anthropic = [
        "request-id",
        "anthropic-organization-id",
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
        "anthropic-ratelimit-tokens-limit",
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
        "anthropic-ratelimit-input-tokens-remaining",
        "anthropic-ratelimit-output-tokens-reset",
    ];

    for path in WIRES {
        let answer = world.post(path, &mood_of(path, "Fine.")).await;

        let wanted = if provider(path) == Provider::OpenAi { openai } else { anthropic };
        let missing: Vec<&str> = wanted.into_iter().filter(|name| answer.header(name).is_empty()).collect();
        assert_eq!(missing, Vec::<&str>::new(), "{path}");
    }
    let ids: Vec<String> = world.ai.requests().into_iter().map(|request| request.request_id).collect();
    assert!(ids[0].starts_with("req_") && ids[2].starts_with("req_011C"));
    assert_eq!(world.ai.requests()[0].headers["authorization"], "[key]");
}

#[tokio::test]
async fn a_rate_that_is_exceeded_recovers_with_time() {
    let world = World::start().await;
    world.ai.switch(|switches| switches.requests_per_minute = Some(2));
    let path = "/openai/v1/responses";
    let body = mood_of(path, "Fine.");
    world.post(path, &body).await;
    world.clock.advance_ms(20_000);
    let second = world.post(path, &body).await;

    let third = world.post(path, &body).await;
    world.clock.advance_ms(60_000);
    let later = world.post(path, &body).await;

    assert_eq!(second.header("x-ratelimit-remaining-requests"), "0");
    assert_eq!(second.header("x-ratelimit-reset-requests"), "1m0s");
    assert_eq!((third.status.as_u16(), third.header("retry-after")), (429, "40"));
    assert_eq!(later.status.as_u16(), 200);
}

#[tokio::test]
async fn a_model_that_a_test_adds_takes_every_setting() {
    let world = World::start().await;
    world.ai.switch(|switches| {
        switches.more_models = vec!["llama-local".to_owned()];
        switches.bare_usage = true;
    });

    let path = "/openai/v1/chat/completions";
    let mut body = ask(path, "Be brief.", "The meeting is on Tuesday.", None);
    body["model"] = json!("llama-local");
    body["max_tokens"] = json!(300);
    body["temperature"] = json!(0.7);
    body.as_object_mut()
        .unwrap()
        .retain(|name, _| name != "max_completion_tokens" && name != "reasoning_effort");
    let answer = world.post(path, &body).await;

    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.body["usage"]["prompt_tokens_details"].is_null());
    assert_eq!(world.ai.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_response_is_kept_unless_the_request_forbids_it() {
    let world = World::start().await;
    let path = "/openai/v1/responses";
    let mut body = mood_of(path, "Fine.");
    let secret = world.post(path, &body).await;
    body["store"] = json!(true);
    let kept = world.post(path, &body).await;

    let of = |answer: &super::Answer| format!("{path}/{}", answer.body["id"].as_str().unwrap());
    let (found, lost) = (world.get(&of(&kept)).await, world.get(&of(&secret)).await);

    assert_eq!(found.body, kept.body);
    assert_eq!(lost.status, 404);
}

#[tokio::test]
async fn the_console_shows_what_came_in_and_takes_orders_but_knows_no_key() {
    let world = World::start().await;
    let path = "/openai/v1/responses";
    world.post(path, &mood_of(path, "I <b>love</b> it.")).await;
    let console = format!("{}/console", world.ai.url());

    let page = world.http.get(&console).send().await.unwrap().text().await.unwrap();
    let order = world.http.post(format!("{console}/openai")).form(&[("outcome", "503 server_is_overloaded")]);
    order.send().await.unwrap();
    world.http.post(format!("{console}/gullible")).form(&[("", "")]).send().await.unwrap();
    let overloaded = world.post(path, &mood_of(path, "Fine.")).await;

    assert!(page.contains("gpt-6-luna") && page.contains("&lt;b&gt;love&lt;/b&gt;"), "{page}");
    assert!(!page.contains(CANARY));
    assert_eq!(overloaded.status, 503);
    world.ai.switch(|switches| assert!(!switches.gullible.is_empty()));
}
