//! The Messages API of Anthropic.

use serde_json::{Value, json};

use super::{Generated, Said, deltas, named};
use crate::ai::asked::{Asked, Caching};
use crate::ai::outcome::CutOff;

pub(super) fn body(asked: &Asked, generated: &Generated) -> Value {
    let (text, stop, details) = match &generated.said {
        Said::Text(text, Some(CutOff::Filter)) => (text.as_str(), "refusal", declined(Some("general_harms"))),
        Said::Text(text, Some(cut)) => (text.as_str(), cut.in_messages(), Value::Null),
        Said::Text(text, None) if asked.tool.is_some() => (text.as_str(), "tool_use", Value::Null),
        Said::Text(text, None) => (text.as_str(), "end_turn", Value::Null),
        Said::Refused(None) => ("", "refusal", declined(Some("general_harms"))),
        Said::Refused(Some(text)) => (text.as_str(), "refusal", declined(None)),
        Said::Failed(_) => ("", "end_turn", Value::Null),
    };
    json!({
        "id": generated.id("msg_01", 22), "type": "message", "role": "assistant", "model": asked.model,
        "content": content(asked, generated, text, stop), "stop_reason": stop, "stop_sequence": null, "stop_details": details,
        "container": null, "diagnostics": null, "usage": usage(asked, generated),
    })
}

fn declined(category: Option<&str>) -> Value {
    json!({"type": "refusal", "category": category, "explanation": null})
}

fn content(asked: &Asked, generated: &Generated, text: &str, stop: &str) -> Vec<Value> {
    let mut content = Vec::new();
    if generated.thinking > 0 {
        let signature = generated.id("EqQBCgIYAhIM", 24);
        content.push(json!({"type": "thinking", "thinking": "", "signature": signature}));
    }
    let tool = asked.tool.as_ref().filter(|_| stop == "tool_use");
    match (tool, serde_json::from_str::<Value>(text)) {
        (Some(name), Ok(input)) if input.is_object() => content.push(json!({
            "type": "tool_use", "id": generated.id("toolu_01", 22), "name": name, "input": input,
            "caller": {"type": "direct"}, "toolset_name": null,
        })),
        _ if text.is_empty() => {}
        _ => content.push(json!({"type": "text", "text": text, "citations": null})),
    }
    content
}

fn usage(asked: &Asked, generated: &Generated) -> Value {
    let usage = generated.usage();
    let hour = matches!(&asked.caching, Caching::Marked { ttl_ms, .. } if *ttl_ms == 3_600_000);
    let (five, sixty) = if hour { (0, usage.written) } else { (usage.written, 0) };
    json!({
        "input_tokens": usage.fresh, "cache_creation_input_tokens": usage.written,
        "cache_read_input_tokens": usage.read,
        "cache_creation": {"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": sixty},
        "output_tokens": usage.output, "output_tokens_details": {"thinking_tokens": usage.thinking},
        "server_tool_use": null, "service_tier": "standard", "inference_geo": "global", "speed": "standard",
    })
}

pub(super) fn events(body: &Value) -> Vec<String> {
    let mut begun = body.clone();
    begun["content"] = json!([]);
    for name in ["stop_reason", "stop_details"] {
        begun[name] = Value::Null;
    }
    begun["usage"]["output_tokens"] = json!(1);
    begun["usage"]["output_tokens_details"] = Value::Null;
    let mut events = vec![named(&json!({"type": "message_start", "message": begun}))];
    for (index, block) in body["content"].as_array().into_iter().flatten().enumerate() {
        block_events(&mut events, index, block);
    }
    // A ping comes anywhere; here once before the first block is through.
    events.insert(events.len().min(2), named(&json!({"type": "ping"})));
    events.push(named(&json!({
        "type": "message_delta", "usage": body["usage"],
        "delta": {
            "stop_reason": body["stop_reason"], "stop_sequence": null, "stop_details": body["stop_details"], "container": null,
        },
    })));
    events.push(named(&json!({"type": "message_stop"})));
    events
}

fn block_events(events: &mut Vec<String>, index: usize, block: &Value) {
    let mut begun = block.clone();
    let (field, deltas): (&str, Vec<Value>) = match block["type"].as_str().unwrap_or_default() {
        "thinking" => {
            let signature = json!({"type": "signature_delta", "signature": block["signature"]});
            ("signature", vec![json!({"type": "thinking_delta", "thinking": ""}), signature])
        }
        "tool_use" => {
            let pieces = deltas(&block["input"].to_string()).into_iter();
            (
                "input",
                pieces.map(|piece| json!({"type": "input_json_delta", "partial_json": piece})).collect(),
            )
        }
        _ => {
            let pieces = deltas(block["text"].as_str().unwrap_or_default()).into_iter();
            ("text", pieces.map(|piece| json!({"type": "text_delta", "text": piece})).collect())
        }
    };
    begun[field] = if field == "input" { json!({}) } else { json!("") };
    events.push(named(&json!({"type": "content_block_start", "index": index, "content_block": begun})));
    for delta in deltas {
        events.push(named(&json!({"type": "content_block_delta", "index": index, "delta": delta})));
    }
    events.push(named(&json!({"type": "content_block_stop", "index": index})));
}

pub(super) fn broken() -> String {
    named(
        &json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": null}),
    )
}
