//! Tokens: how many, and at which rate.

use serde_json::{Value, json};

use super::{World, ask, mood_of};

const LONG: &str = "Rules that stay the same for every request. ";

/// Long rules and a short question; 44 bytes of rules, a hundred and twenty times, are 1,320 tokens.
fn long(path: &str, user: &str) -> Value {
    ask(path, &LONG.repeat(120), user, None)
}

#[tokio::test]
async fn four_bytes_are_a_token_and_all_fields_add_up() {
    let world = World::start().await;

    let body = ask("/openai/v1/responses", "12345678", "1234567", None);
    let usage = world.post("/openai/v1/responses", &body).await.body["usage"].clone();

    // Eight, seven and two line ends are 17 bytes.
    assert_eq!(usage["input_tokens"], 5);
    assert_eq!(usage["total_tokens"], json!(5 + usage["output_tokens"].as_u64().unwrap()));
    assert_eq!(usage["output_tokens_details"]["reasoning_tokens"], 0);
}

#[tokio::test]
async fn a_repeated_prefix_comes_from_the_cache_of_openai() {
    let world = World::start().await;
    let path = "/openai/v1/responses";
    let mut first = long(path, "First question?");
    first["prompt_cache_options"] = json!({"mode": "implicit"});
    let mut second = first.clone();
    second["input"] = json!("Second question?");

    let written = world.post(path, &first).await.body["usage"].clone();
    let read = world.post(path, &second).await.body["usage"].clone();
    world.clock.advance_ms(31 * 60_000);
    let late = world.post(path, &second).await.body["usage"].clone();

    assert_eq!(written["input_tokens_details"]["cached_tokens"], 0);
    assert_eq!(written["input_tokens_details"]["cache_write_tokens"], 1_280);
    assert_eq!(read["input_tokens_details"]["cached_tokens"], 1_280);
    assert_eq!(read["input_tokens_details"]["cache_write_tokens"], 0);
    assert_eq!(late["input_tokens_details"]["cached_tokens"], 0);
}

#[tokio::test]
async fn explicit_without_a_mark_and_short_prompts_are_never_cached() {
    let world = World::start().await;
    let path = "/openai/v1/responses";

    for body in [long(path, "Question?"), mood_of(path, "Fine.")] {
        for _ in 0..2 {
            let usage = world.post(path, &body).await.body["usage"].clone();

            assert_eq!(usage["input_tokens_details"], json!({"cached_tokens": 0, "cache_write_tokens": 0}));
        }
    }
}

#[tokio::test]
async fn a_marked_prefix_comes_from_the_cache_of_anthropic_while_it_lives() {
    let world = World::start().await;
    let path = "/anthropic/v1/messages";
    let ask = |ttl: &str, user: &str| {
        let mut body = long(path, user);
        body["system"][0]["cache_control"] = json!({"type": "ephemeral", "ttl": ttl});
        body
    };

    let written = world.post(path, &ask("5m", "First question?")).await.body["usage"].clone();
    let read = world.post(path, &ask("5m", "Second question?")).await.body["usage"].clone();
    world.clock.advance_ms(6 * 60_000);
    let hour = world.post(path, &ask("1h", "Third question?")).await.body["usage"].clone();

    assert_eq!(written["cache_creation_input_tokens"], 1_320);
    assert_eq!(written["cache_creation"]["ephemeral_5m_input_tokens"], 1_320);
    assert_eq!(
        (&read["cache_read_input_tokens"], &read["cache_creation_input_tokens"]),
        (&json!(1_320), &json!(0))
    );
    assert!(read["input_tokens"].as_u64().unwrap() < 10, "only the uncached part: {read}");
    assert_eq!(hour["cache_creation"]["ephemeral_1h_input_tokens"], 1_320);
}

#[tokio::test]
async fn thinking_is_billed_as_output_and_eats_the_limit() {
    let world = World::start().await;
    let mut openai = mood_of("/openai/v1/responses", "Fine.");
    openai.as_object_mut().unwrap().remove("temperature");
    openai["reasoning"] = json!({"effort": "high"});
    let mut claude = mood_of("/anthropic/v1/messages", "Fine.");
    claude["thinking"] = json!({"type": "adaptive"});
    let mut starved = openai.clone();
    starved["max_output_tokens"] = json!(100);

    let openai = world.post("/openai/v1/responses", &openai).await.body;
    let claude = world.post("/anthropic/v1/messages", &claude).await.body;
    let starved = world.post("/openai/v1/responses", &starved).await.body;

    assert_eq!(openai["usage"]["output_tokens_details"]["reasoning_tokens"], 384);
    assert!(openai["usage"]["output_tokens"].as_u64().unwrap() > 384);
    assert_eq!(openai["output"][0]["type"], "reasoning");
    assert_eq!(claude["usage"]["output_tokens_details"]["thinking_tokens"], 64);
    assert_eq!(claude["content"][0]["type"], "thinking");
    assert_eq!(starved["status"], "incomplete");
    assert_eq!(starved["output"].as_array().unwrap().len(), 1);
    assert_eq!(starved["usage"]["output_tokens"], 100);
}
