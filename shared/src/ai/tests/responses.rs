use super::*;

fn said(output: &Value) -> Value {
    json!({"id": "resp_1", "status": "completed", "model": "gpt-6-luna-2026", "service_tier": "default",
        "output": [{"type": "reasoning", "summary": []},
                   {"type": "message", "content": [output, {"type": "output_text", "text": "b"}, {"type": "new"}]},
                   {"type": "shell_call", "content": null}],
        "usage": {"input_tokens": 1240, "input_tokens_details": {"cached_tokens": 1024, "cache_write_tokens": 16,
                    "cache_write_tokens_details": {"ttl_30m_tokens": 10, "ttl_12h_tokens": 6}},
                  "output_tokens": 85, "output_tokens_details": {"reasoning_tokens": 40}, "total_tokens": 1325}})
}

#[tokio::test]
async fn a_request_says_exactly_what_the_model_takes() {
    let street =
        Street::open(vec![Canned::json(200, &said(&json!({"type": "output_text", "text": "a"})))]).await;
    let entry = models().entry(ProviderName::OpenAi, "gpt-6-luna", None);

    street.provider(Wire::OpenAiResponses).ask(&ask(&entry)).await.unwrap();

    let seen = street.only();
    assert_eq!(
        (seen.path.as_str(), &seen.headers["authorization"]),
        ("/v1/responses", &"Bearer canary-key".parse().unwrap())
    );
    let schema = Schema::of(Operation::AnalyzeSentiment).text;
    assert_eq!(
        seen.body,
        format!(
            r#"{{"model":"gpt-6-luna","instructions":"Be brief.","input":[{{"role":"user","content":[{{"type":"input_text","text":"<data-1>{{}}</data-1>"}}]}}],"max_output_tokens":300,"reasoning":{{"effort":"none"}},"temperature":0.20,"text":{{"verbosity":"low","format":{{"type":"json_schema","name":"sentiment","strict":true,"schema":{schema}}}}},"prompt_cache_options":{{"mode":"explicit"}},"store":false,"safety_identifier":"5f2c"}}"#
        )
    );
}

#[tokio::test]
async fn a_model_that_reasons_gets_room_for_it_and_no_temperature() {
    let street = Street::open(vec![Canned::json(200, &said(&json!({})))]).await;
    let entry = models().entry(ProviderName::OpenAi, "gpt-6-astra", None);

    street.provider(Wire::OpenAiResponses).ask(&ask(&entry)).await.unwrap();

    let body: Value = serde_json::from_str(&street.only().body).unwrap();
    assert_eq!((&body["max_output_tokens"], &body["reasoning"]["effort"]), (&json!(2_300), &json!("low")));
    assert!(body.get("temperature").is_none());
}

#[tokio::test]
async fn all_text_of_all_messages_is_the_answer_and_the_classes_of_input_do_not_overlap() {
    let headers = vec![("x-request-id", "req_77")];
    let canned = Canned { headers, ..Canned::json(200, &said(&json!({"type": "output_text", "text": "a"}))) };
    let street = Street::open(vec![canned]).await;
    let entry = models().entry(ProviderName::OpenAi, "gpt-6-luna", None);

    let reply = street.provider(Wire::OpenAiResponses).ask(&ask(&entry)).await.unwrap();

    let usage = Usage {
        uncached: 200,
        cached: 1_024,
        written_30m: 10,
        written_12h: 6,
        output: 85,
        reasoning: 40,
        ..Usage::default()
    };
    let expected = Reply {
        text: "ab".to_owned(),
        stop: Stop::Complete,
        usage: Some(usage),
        percent: 100,
        served: Some("gpt-6-luna-2026".to_owned()),
        request_id: Some("req_77".to_owned()),
    };
    assert_eq!(reply, expected);
}

#[tokio::test]
async fn every_way_to_stop_is_told_apart() {
    let refusal = said(&json!({"type": "refusal", "refusal": "no"}));
    assert_eq!(reply(Wire::OpenAiResponses, refusal).await.stop, Stop::Refused);
    for (reason, stop) in [
        (json!({"reason": "max_output_tokens"}), Stop::Truncated),
        (json!({"reason": "content_filter"}), Stop::Refused),
        (json!({"reason": "steered"}), Stop::Other("steered".to_owned())),
        (json!(null), Stop::Truncated),
    ] {
        let body = json!({"status": "incomplete", "incomplete_details": reason, "output": []});
        let reply = reply(Wire::OpenAiResponses, body).await;
        assert_eq!((reply.stop, reply.usage), (stop, None));
    }
    let empty = reply(Wire::OpenAiResponses, json!({"status": "completed", "output": []})).await;
    assert_eq!((empty.text.as_str(), empty.stop), ("", Stop::Complete));
    let policy = json!({"status": "failed", "error": {"code": "bio_policy", "message": "x"}, "output": []});
    assert_eq!(reply(Wire::OpenAiResponses, policy).await.stop, Stop::Refused);
}

#[tokio::test]
async fn a_failure_with_status_200_is_a_failure() {
    let busy = Trouble::Busy { after: None };
    for (body, expected) in [
        (json!({"status": "failed", "error": {"code": "server_error"}}), busy),
        (json!({"status": "failed", "error": {"code": "rate_limit_exceeded"}}), busy),
        (json!({"status": "failed", "error": {"code": "brand_new"}}), busy),
        (json!({"status": "failed", "error": {"code": "invalid_prompt"}}), Trouble::Rejected),
        (json!({"status": "in_progress"}), Trouble::Lost),
        (json!({"ok": true}), Trouble::Lost),
    ] {
        let street = Street::open(vec![Canned::json(200, &body)]).await;
        assert_eq!(trouble(&street, Wire::OpenAiResponses).await.trouble, expected, "{body}");
    }
}

#[tokio::test]
async fn the_tier_that_served_is_the_one_that_is_paid() {
    for (tier, percent) in [("flex", 50), ("priority", 200), ("default", 100), ("new", 100)] {
        let body = json!({"status": "completed", "service_tier": tier, "output": []});
        assert_eq!(reply(Wire::OpenAiResponses, body).await.percent, percent);
    }
}

/// Every row of `OpenAI`'s table of errors, on both of its wires.
#[tokio::test]
async fn every_status_and_code_has_one_meaning() {
    let busy = Trouble::Busy { after: None };
    let rows: Vec<(u16, &str, Value, Trouble)> = [
        (400, "invalid_request_error", json!(null), Trouble::Rejected),
        (400, "invalid_request_error", json!("invalid_type"), Trouble::Rejected),
        (400, "invalid_request_error", json!("missing_required_parameter"), Trouble::Rejected),
        (400, "invalid_request_error", json!("unsupported_value"), Trouble::Rejected),
        (400, "invalid_request_error", json!("invalid_json_schema"), Trouble::Rejected),
        (400, "invalid_request_error", json!("context_length_exceeded"), Trouble::TooLarge),
        (401, "invalid_request_error", json!("invalid_api_key"), Trouble::Misconfigured),
        (401, "invalid_request_error", json!(null), Trouble::Misconfigured),
        (403, "request_forbidden", json!("unsupported_country_region_territory"), Trouble::Misconfigured),
        (404, "invalid_request_error", json!("model_not_found"), Trouble::Misconfigured),
        (408, "timeout", json!(null), busy),
        (409, "conflict", json!(null), busy),
        (413, "invalid_request_error", json!(null), Trouble::TooLarge),
        (422, "invalid_request_error", json!(null), Trouble::Rejected),
        (429, "tokens", json!("rate_limit_exceeded"), busy),
        (429, "requests", json!("rate_limit_exceeded"), busy),
        (429, "rate_limit_error", json!("slow_down"), busy),
        (429, "insufficient_quota", json!("credit_balance_exhausted"), Trouble::OutOfMoney),
        (429, "insufficient_quota", json!("organization_spend_limit_exceeded"), Trouble::OutOfMoney),
        (429, "insufficient_quota", json!("project_spend_limit_exceeded"), Trouble::OutOfMoney),
        (429, "insufficient_quota", json!("organization_usage_limit_exceeded"), Trouble::OutOfMoney),
        (429, "insufficient_quota", json!("insufficient_quota"), Trouble::OutOfMoney),
        (429, "insufficient_quota", json!("brand_new"), Trouble::OutOfMoney),
        (500, "server_error", json!(null), busy),
        (503, "service_unavailable_error", json!("server_is_overloaded"), busy),
    ]
    .into();
    for wire in [Wire::OpenAiResponses, Wire::OpenAiChat] {
        for (status, kind, code, expected) in &rows {
            let body = json!({"error": {"message": "words", "type": kind, "param": null, "code": code}});
            let street = Street::open(vec![Canned::json(*status, &body)]).await;

            let error = trouble(&street, wire).await;

            assert_eq!((error.trouble, error.status), (*expected, Some(*status)), "{kind} {code}");
            assert_eq!(error.code.as_deref(), code.as_str().or(Some(kind)));
        }
    }
}

#[tokio::test]
async fn the_older_wire_speaks_the_same_with_other_words() {
    let body = json!({"model": "llama", "choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 3}}});
    let street = Street::open(vec![Canned::json(200, &body)]).await;
    let supports = models::Supports { temperature: true, json_schema: false, effort: false };
    let entry = models().entry(ProviderName::OpenAi, "llama", Some(&supports));

    let reply =
        street.provider_with(Wire::OpenAiChat, LimitField::MaxTokens).ask(&ask(&entry)).await.unwrap();

    assert_eq!((reply.text.as_str(), reply.stop), ("hello", Stop::Complete));
    assert_eq!(reply.usage, Some(Usage { uncached: 7, cached: 3, output: 4, ..Usage::default() }));
    let seen = street.only();
    assert_eq!(seen.path, "/v1/chat/completions");
    let sent: Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!((&sent["max_tokens"], &sent["temperature"]), (&json!(2_300), &json!(0.2)));
    let told = sent["messages"][0]["content"].as_str().unwrap();
    assert!(told.contains("The schema of your answer:"), "a server without schemas is told in words");
    for absent in
        ["max_completion_tokens", "response_format", "store", "safety_identifier", "reasoning_effort"]
    {
        assert!(sent.get(absent).is_none(), "{absent} is not sent to a server we do not know");
    }
}

#[tokio::test]
async fn the_older_wire_tells_every_way_to_stop_apart() {
    let chat =
        |message: Value, finish: &str| json!({"choices": [{"message": message, "finish_reason": finish}]});
    for (body, stop) in [
        (chat(json!({"content": null, "refusal": "no"}), "stop"), Stop::Refused),
        (chat(json!({"content": "{\"a"}), "length"), Stop::Truncated),
        (chat(json!({"content": null}), "content_filter"), Stop::Refused),
        (chat(json!({"content": null}), "tool_calls"), Stop::Other("tool_calls".to_owned())),
        (chat(json!({"content": ""}), "stop"), Stop::Complete),
    ] {
        assert_eq!(reply(Wire::OpenAiChat, body).await.stop, stop);
    }
}
