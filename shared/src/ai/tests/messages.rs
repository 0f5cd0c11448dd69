use super::*;

fn said(stop: &str, content: &Value) -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-5-5", "content": content,
        "stop_reason": stop, "stop_details": null,
        "usage": {"input_tokens": 412, "cache_creation_input_tokens": 30, "cache_read_input_tokens": 2048,
            "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10},
            "output_tokens": 64, "output_tokens_details": {"thinking_tokens": 9},
            "service_tier": "standard", "inference_geo": "global"}})
}

fn text() -> Value {
    json!([{"type": "thinking", "thinking": "", "signature": "x"}, {"type": "text", "text": "{}", "citations": null}])
}

async fn asked(model: &str) -> (Value, street::Seen) {
    let street = Street::open(vec![Canned::json(200, &said("end_turn", &text()))]).await;
    let entry = models().entry(ProviderName::Anthropic, model, None);
    street.provider(Wire::AnthropicMessages).ask(&ask(&entry)).await.unwrap();
    let seen = street.only();
    (serde_json::from_str(&seen.body).unwrap(), seen)
}

#[tokio::test]
async fn a_request_says_exactly_what_the_model_takes() {
    let (_, seen) = asked("claude-haiku-5-5").await;

    assert_eq!(seen.path, "/v1/v1/messages", "the base address is kept");
    assert_eq!(seen.headers["anthropic-version"], "2026-10-21");
    assert_eq!(seen.headers["x-api-key"], "canary-key");
    assert!(seen.headers.get("authorization").is_none(), "never both");
    let schema = Schema::of(Operation::AnalyzeSentiment).text;
    assert_eq!(
        seen.body,
        format!(
            r#"{{"model":"claude-haiku-5-5","max_tokens":300,"system":[{{"type":"text","text":"Be brief."}}],"messages":[{{"role":"user","content":"<data-1>{{}}</data-1>"}}],"thinking":{{"type":"disabled"}},"output_config":{{"effort":"low","format":{{"type":"json_schema","schema":{schema}}}}},"metadata":{{"user_id":"5f2c"}}}}"#
        )
    );
}

#[tokio::test]
async fn thinking_and_temperature_follow_the_model() {
    let (sonnet, _) = asked("claude-sonnet-5-5").await;
    assert_eq!(sonnet["thinking"]["type"], "between_tools");
    let (opus, _) = asked("claude-opus-5-5").await;
    assert!(opus.get("thinking").is_none());
    assert_eq!((&opus["max_tokens"], &opus["output_config"]["effort"]), (&json!(2_300), &json!("low")));
    let (old, seen) = asked("claude-haiku-4-5").await;
    assert_eq!(
        (&old["temperature"], &seen.headers["anthropic-version"]),
        (&json!(0.2), &"2023-06-01".parse().unwrap())
    );
    for body in [sonnet, opus] {
        assert!(body.get("temperature").is_none());
    }
}

#[tokio::test]
async fn input_is_only_what_no_cache_served() {
    let reply = reply(Wire::AnthropicMessages, said("end_turn", &text())).await;

    let usage = Usage {
        uncached: 412,
        cached: 2_048,
        written_5m: 20,
        written_1h: 10,
        output: 64,
        reasoning: 9,
        ..Usage::default()
    };
    assert_eq!((reply.text.as_str(), reply.stop, reply.usage), ("{}", Stop::Complete, Some(usage)));
}

#[tokio::test]
async fn every_way_to_stop_is_told_apart() {
    for (stop, content, expected) in [
        ("max_tokens", text(), Stop::Truncated),
        ("model_context_window_exceeded", text(), Stop::Truncated),
        ("stop_sequence", text(), Stop::Complete),
        ("refusal", json!([]), Stop::Refused),
        ("refusal", json!([{"type": "text", "text": "partial"}]), Stop::Refused),
        ("pause_turn", text(), Stop::Other("pause_turn".to_owned())),
    ] {
        let reply = reply(Wire::AnthropicMessages, said(stop, &content)).await;
        let refused = expected == Stop::Refused;
        assert_eq!(reply.stop, expected);
        assert_eq!(reply.text.is_empty(), refused, "partial text of a refusal is dropped");
    }
    let nulls = json!({"content": null, "stop_reason": "end_turn",
        "usage": {"input_tokens": 5, "cache_creation_input_tokens": null, "cache_read_input_tokens": null, "output_tokens": 1}});
    let empty = reply(Wire::AnthropicMessages, nulls).await;
    assert_eq!((empty.text.as_str(), empty.usage.unwrap().total()), ("", 6));
}

/// Every row of Anthropic's table of errors.
#[tokio::test]
async fn every_status_and_code_has_one_meaning() {
    let busy = Trouble::Busy { after: None };
    for (status, kind, code, expected) in [
        (400, "invalid_request_error", "", Trouble::Rejected),
        (400, "invalid_request_error", "organization_on_hold", Trouble::OutOfMoney),
        (401, "authentication_error", "", Trouble::Misconfigured),
        (402, "billing_error", "", Trouble::OutOfMoney),
        (402, "billing_error", "linked_organization_suspended", Trouble::OutOfMoney),
        (403, "permission_error", "", Trouble::Misconfigured),
        (404, "not_found_error", "", Trouble::Misconfigured),
        (409, "conflict_error", "", busy),
        (413, "request_too_large", "", Trouble::TooLarge),
        (429, "rate_limit_error", "", busy),
        (429, "rate_limit_error", "ramp_limit_exceeded", busy),
        (429, "rate_limit_error", "brand_new", busy),
        (429, "rate_limit_error", "enforced_spend_limit_reached", Trouble::OutOfMoney),
        (429, "rate_limit_error", "contract_spend_limit_reached", Trouble::OutOfMoney),
        (500, "api_error", "", busy),
        (504, "timeout_error", "", busy),
        (529, "overloaded_error", "", busy),
    ] {
        let details = if code.is_empty() { json!(null) } else { json!({"error_code": code}) };
        let body = json!({"type": "error", "error": {"type": kind, "message": "words", "details": details}, "request_id": "req_9"});
        let street = Street::open(vec![Canned::json(status, &body)]).await;

        let error = trouble(&street, Wire::AnthropicMessages).await;

        assert_eq!(
            (error.trouble, error.request_id.as_deref()),
            (expected, Some("req_9")),
            "{status} {code}"
        );
        assert_eq!(error.code.as_deref(), Some(if code.is_empty() { kind } else { code }));
    }
}
