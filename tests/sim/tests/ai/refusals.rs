//! What is not let in: keys, headers, bodies outside the documents, settings and schemas a model does not take.

use serde_json::{Value, json};
use sim::ai::Provider;

use super::{Documents, WIRES, World, mood_of, provider, sentiment_schema};

/// Changes one field of a request, by its pointer; null removes it.
fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = if parent.is_empty() { &mut body } else { body.pointer_mut(parent).unwrap() };
    if value.is_null() {
        parent.as_object_mut().unwrap().remove(name);
    } else {
        parent[name] = value;
    }
    body
}

/// Posts a body that must be refused with 400 as its provider refuses, and leave one violation.
async fn refused(world: &World, documents: &mut Documents, path: &str, body: &Value) -> Value {
    world.ai.forget();

    let answer = world.post(path, body).await;

    assert_eq!(answer.status, 400, "{path} took {body}");
    documents.check_error(provider(path), &answer.body);
    assert_eq!(world.ai.violations().len(), 1, "{path} {body}");
    answer.body["error"].clone()
}

#[tokio::test]
async fn a_wrong_key_is_answered_and_is_no_violation() {
    let world = World::start().await;
    let mut documents = Documents::read();

    for path in WIRES {
        let url = format!("{}{path}", world.ai.url());
        let request = |name: &'static str, value: &'static str| {
            let request = world.http.post(&url).header("anthropic-version", "2026-10-21").header(name, value);
            World::try_send(request.json(&mood_of(path, "Fine.")))
        };
        let wrong = request("authorization", "Bearer wrong").await.unwrap();
        let none = request("x-nothing", "").await.unwrap();

        for answer in [&wrong, &none] {
            assert_eq!(answer.status, 401);
            documents.check_error(provider(path), &answer.body);
        }
        if provider(path) == Provider::OpenAi {
            assert_eq!(wrong.body["error"]["code"], "invalid_api_key");
            assert_eq!(none.body["error"]["code"], Value::Null);
        } else {
            assert_eq!(wrong.body["error"]["type"], "authentication_error");
        }
    }
    assert_eq!(world.ai.violations(), Vec::<String>::new());
    assert_eq!(world.ai.requests().len(), 6);
}

#[tokio::test]
async fn anthropic_takes_its_key_in_either_header_but_not_in_both() {
    let world = World::start().await;
    let path = "/anthropic/v1/messages";
    let key = world.ai.key(Provider::Anthropic);
    let post = || world.http.post(format!("{}{path}", world.ai.url())).json(&mood_of(path, "Fine."));

    let bearer =
        World::try_send(post().bearer_auth(&key).header("anthropic-version", "2026-10-21")).await.unwrap();
    let both = World::try_send(world.request("POST", path).json(&mood_of(path, "Fine.")).bearer_auth(&key))
        .await
        .unwrap();
    let no_version = World::try_send(post().header("x-api-key", &key)).await.unwrap();

    assert_eq!(bearer.status, 200);
    assert_eq!((both.status.as_u16(), no_version.status.as_u16()), (400, 400));
    assert_eq!(world.ai.violations().len(), 2);
}

#[tokio::test]
async fn a_key_in_a_body_and_an_unknown_route_are_violations() {
    let world = World::start().await;
    let path = "/openai/v1/responses";
    let key = world.ai.key(Provider::Anthropic);

    world.post(path, &mood_of(path, &key)).await;
    let lost = world.post("/openai/v1/completions", &json!({})).await;

    assert_eq!(lost.status, 404);
    assert_eq!(world.ai.violations().len(), 2);
    assert!(!format!("{:?}", world.ai.violations()).contains(&key));
}

#[tokio::test]
async fn bodies_outside_the_documents_are_refused_in_the_words_of_the_provider() {
    let world = World::start().await;
    let mut documents = Documents::read();
    let openai = [
        ("/openai/v1/responses", "/colour", json!("red"), "unknown_parameter", "colour"),
        ("/openai/v1/responses", "/model", Value::Null, "missing_required_parameter", "model"),
        ("/openai/v1/responses", "/input", Value::Null, "missing_required_parameter", "input"),
        ("/openai/v1/responses", "/input", json!(42), "invalid_type", "input"),
        ("/openai/v1/responses", "/max_output_tokens", json!(3), "invalid_type", "max_output_tokens"),
        (
            "/openai/v1/responses",
            "/safety_identifier",
            json!("x".repeat(129)),
            "invalid_type",
            "safety_identifier",
        ),
        ("/openai/v1/chat/completions", "/messages", Value::Null, "missing_required_parameter", "messages"),
        ("/openai/v1/chat/completions", "/top_k", json!(5), "unknown_parameter", "top_k"),
    ];
    for (path, pointer, value, code, param) in openai {
        let error =
            refused(&world, &mut documents, path, &with(mood_of(path, "Fine."), pointer, value)).await;

        assert_eq!((error["code"].as_str(), error["param"].as_str()), (Some(code), Some(param)), "{error}");
    }

    let anthropic = [
        ("/temperature", json!(1.0)),
        ("/top_p", json!(0.9)),
        ("/output_format", json!({})),
        ("/max_tokens", Value::Null),
        ("/messages", json!([])),
        ("/metadata/email", json!("dana@example.com")),
        ("/system/0/colour", json!("red")),
        ("/messages/0/name", json!("Dana")),
        ("/output_config/effort", json!("none")),
        ("/messages", json!([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "{"}])),
    ];
    for (pointer, value) in anthropic {
        let path = "/anthropic/v1/messages";
        let error =
            refused(&world, &mut documents, path, &with(mood_of(path, "Fine."), pointer, value)).await;

        assert_eq!(error["type"], "invalid_request_error");
    }
}

#[tokio::test]
async fn settings_that_a_model_does_not_take_are_refused() {
    let world = World::start().await;
    let mut documents = Documents::read();
    let (responses, chat, messages) = (WIRES[0], WIRES[1], WIRES[2]);
    let of = |path: &str, model: &str| with(mood_of(path, "Fine."), "/model", json!(model));
    let cold = |body: Value| with(body, "/temperature", Value::Null);

    let thinks = with(of(responses, "gpt-6-luna"), "/reasoning/effort", json!("low"));
    let parameter = refused(&world, &mut documents, responses, &thinks).await;
    let default = with(of(responses, "gpt-6-luna"), "/reasoning", Value::Null);
    refused(&world, &mut documents, responses, &default).await;
    let loud =
        with(with(of(chat, "gpt-6-luna"), "/reasoning_effort", json!("high")), "/temperature", json!(0.2));
    let value = refused(&world, &mut documents, chat, &loud).await;
    let effort = refused(&world, &mut documents, responses, &cold(of(responses, "gpt-6-astra"))).await;
    refused(&world, &mut documents, responses, &of(responses, "gpt-4o-mini")).await;
    let minimal = with(cold(of(responses, "gpt-6-luna")), "/reasoning/effort", json!("minimal"));
    refused(&world, &mut documents, responses, &minimal).await;
    let old_name =
        refused(&world, &mut documents, chat, &with(of(chat, "gpt-6-luna"), "/max_tokens", json!(300))).await;

    assert_eq!((parameter["param"].as_str(), &parameter["code"]), (Some("temperature"), &Value::Null));
    assert_eq!(
        (value["param"].as_str(), value["code"].as_str()),
        (Some("temperature"), Some("unsupported_value"))
    );
    assert_eq!(
        (effort["param"].as_str(), effort["code"].as_str()),
        (Some("reasoning.effort"), Some("unsupported_value"))
    );
    assert_eq!(old_name["param"], "max_tokens");

    let tool = json!([{"name": "note", "input_schema": {"type": "object"}}]);
    let forced = |model: &str| {
        let body = with(of(messages, model), "/thinking", Value::Null);
        with(with(body, "/tools", tool.clone()), "/tool_choice", json!({"type": "any"}))
    };
    let adaptive = json!({"type": "adaptive"});
    let budget = json!({"type": "enabled", "budget_tokens": 1024});
    let bodies = [
        of(messages, "claude-sonnet-5-5"),
        of(messages, "claude-opus-5-5"),
        of(messages, "claude-fable-5-1"),
        with(of(messages, "claude-haiku-5-5"), "/thinking", json!({"type": "between_tools"})),
        with(of(messages, "claude-haiku-5-5"), "/thinking", budget),
        with(of(messages, "claude-haiku-5-5"), "/output_config/effort", json!("max")),
        with(of(messages, "claude-haiku-4-5"), "/thinking", adaptive),
        of(messages, "claude-haiku-4-5"),
        forced("claude-sonnet-5-5"),
        forced("claude-opus-5-5"),
        with(of(messages, "claude-haiku-5-5"), "/max_tokens", json!(128_001)),
    ];
    for body in bodies {
        refused(&world, &mut documents, messages, &body).await;
    }
}

#[tokio::test]
async fn settings_that_a_model_takes_are_taken() {
    let world = World::start().await;
    let messages = WIRES[2];
    let of = |model: &str| with(mood_of(messages, "Fine."), "/model", json!(model));
    let tool = json!([{"name": "note", "input_schema": sentiment_schema()}]);
    let free = |body: Value| with(body, "/output_config/format", Value::Null);
    let forced =
        with(with(free(of("claude-haiku-5-5")), "/tools", tool), "/tool_choice", json!({"type": "any"}));

    let between = world
        .post(messages, &with(of("claude-sonnet-5-5"), "/thinking", json!({"type": "between_tools"})))
        .await;
    let opus = world.post(messages, &with(of("claude-opus-5-5"), "/thinking", Value::Null)).await;
    let forced = world.post(messages, &forced).await;
    let older = with(with(of("claude-haiku-4-5"), "/output_config", Value::Null), "/temperature", json!(0.2));
    let older = world.request("POST", messages).header("anthropic-version", "2023-06-01").json(&older);
    let (client, request) = older.build_split();
    let mut request = request.unwrap();
    request.headers_mut().insert("anthropic-version", "2023-06-01".parse().unwrap());
    let older = client.execute(request).await.unwrap();

    assert_eq!(between.body["usage"]["output_tokens_details"]["thinking_tokens"], 0, "{}", between.text);
    assert_eq!(opus.body["usage"]["output_tokens_details"]["thinking_tokens"], 64, "{}", opus.text);
    assert_eq!(forced.body["stop_reason"], "tool_use", "{}", forced.text);
    assert_eq!(forced.body["content"][0]["input"]["injection_suspected"], false);
    Documents::read().check_answer(messages, &forced.body);
    assert_eq!(older.status(), 200, "{}", older.text().await.unwrap());
    assert_eq!(world.ai.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn schemas_outside_the_subset_are_refused() {
    let world = World::start().await;
    let mut documents = Documents::read();
    let score = |more: Value| {
        let mut schema = sentiment_schema();
        schema["properties"]["score"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        schema
    };
    let put = |path: &str, schema: &Value| super::ask(path, "Judge.", "Fine.", Some(schema));
    let open = with(sentiment_schema(), "/additionalProperties", Value::Null);
    let optional = with(sentiment_schema(), "/required", json!(["label"]));
    let recursive = json!({
        "type": "object", "additionalProperties": false, "required": ["next"],
        "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
        "$defs": {"node": {"type": "object", "additionalProperties": false, "required": ["next"],
            "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}}}},
    });
    let bounded = score(json!({"minimum": -1}));
    let list = |min: u64| {
        with(
            sentiment_schema(),
            "/properties/label",
            json!({"type": "array", "items": {"type": "string"}, "minItems": min}),
        )
    };

    for path in [WIRES[0], WIRES[1]] {
        for schema in [
            &open,
            &optional,
            &score(json!({"default": 0})),
            &score(json!({"oneOf": []})),
            &score(json!({"minLength": 1})),
        ] {
            let error = refused(&world, &mut documents, path, &put(path, schema)).await;

            assert_eq!(error["code"], "invalid_json_schema");
        }
        world.ai.forget();
        for schema in [&recursive, &bounded, &list(2), &sentiment_schema()] {
            let answer = world.post(path, &put(path, schema)).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
    }
    let path = WIRES[2];
    for schema in [
        &open,
        &recursive,
        &bounded,
        &list(2),
        &score(json!({"minLength": 1})),
        &score(json!({"enum": [{}]})),
    ] {
        refused(&world, &mut documents, path, &put(path, schema)).await;
    }
    world.ai.forget();
    for schema in [&optional, &list(1), &score(json!({"default": 0})), &sentiment_schema()] {
        let answer = world.post(path, &put(path, schema)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

#[tokio::test]
async fn an_unknown_model_and_a_full_window_are_no_violations() {
    let world = World::start().await;
    let mut documents = Documents::read();

    for path in WIRES {
        let unknown = world.post(path, &with(mood_of(path, "Fine."), "/model", json!("nonesuch"))).await;
        assert_eq!(unknown.status, 404);
        documents.check_error(provider(path), &unknown.body);
    }
    let mut large = mood_of(WIRES[2], &"long ".repeat(170_000));
    large["model"] = json!("claude-haiku-4-5");
    large.as_object_mut().unwrap().remove("output_config");
    let claude = world.post(WIRES[2], &large).await;
    let mut large = mood_of(WIRES[0], &"long ".repeat(110_000));
    (large["model"], large["text"]) = (json!("gpt-4o-mini"), json!({}));
    large.as_object_mut().unwrap().remove("reasoning");
    let gpt = world.post(WIRES[0], &large).await;

    assert_eq!(
        (claude.status.as_u16(), gpt.body["error"]["code"].as_str()),
        (400, Some("context_length_exceeded"))
    );
    assert_eq!(world.ai.violations(), Vec::<String>::new());
}
