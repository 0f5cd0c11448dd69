//! The Responses API of `OpenAI`.

use serde_json::{Value, json};

use super::{Generated, Said, deltas, named};
use crate::ai::asked::Asked;
use crate::ai::models::gpt;

pub(in crate::ai) const DECLINED: &str = "I'm sorry, I can't help with that.";

pub(super) fn body(asked: &Asked, generated: &Generated) -> Value {
    let (status, reason) = match &generated.said {
        Said::Text(_, Some(cut)) => ("incomplete", Some(cut.in_responses())),
        Said::Failed(_) => ("failed", None),
        Said::Text(_, None) | Said::Refused(_) => ("completed", None),
    };
    let mut body = envelope(asked, generated);
    body["status"] = json!(status);
    body["incomplete_details"] = reason.map_or(Value::Null, |reason| json!({"reason": reason}));
    if let Said::Failed(code) = generated.said {
        body["error"] = json!({"code": code, "message": "The model failed to generate a response."});
        return body;
    }
    if status == "completed" {
        body["completed_at"] = json!(generated.seconds());
    }
    body["output"] = json!(output(generated));
    body["usage"] = usage(asked, generated);
    body
}

fn output(generated: &Generated) -> Vec<Value> {
    let mut output = Vec::new();
    if generated.thinking > 0 {
        output.push(json!({"id": generated.id("rs_", 40), "type": "reasoning", "summary": []}));
    }
    let (status, part) = match &generated.said {
        Said::Text(text, None) => ("completed", text_part(text)),
        // All the room went into thinking: nothing was said.
        Said::Text(text, Some(_)) if text.is_empty() && generated.thinking > 0 => return output,
        Said::Text(text, Some(_)) => ("incomplete", text_part(text)),
        Said::Refused(_) => ("completed", json!({"type": "refusal", "refusal": DECLINED})),
        Said::Failed(_) => return output,
    };
    output.push(json!({
        "id": generated.id("msg_", 40), "type": "message", "status": status, "role": "assistant", "content": [part],
    }));
    output
}

fn text_part(text: &str) -> Value {
    json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text})
}

fn usage(asked: &Asked, generated: &Generated) -> Value {
    let usage = generated.usage();
    let mut input = json!({"cached_tokens": usage.read, "cache_write_tokens": usage.written});
    if usage.written > 0 && gpt(&asked.model, &[], "").is_ok_and(|model| model.counts_writes) {
        input["cache_write_tokens_details"] = json!({"ttl_30m_tokens": usage.written, "ttl_12h_tokens": 0});
    }
    let whole = usage.fresh + usage.read + usage.written;
    json!({
        "input_tokens": whole, "input_tokens_details": input,
        "output_tokens": usage.output, "output_tokens_details": {"reasoning_tokens": usage.thinking},
        "total_tokens": whole + usage.output,
    })
}

/// What an answer repeats of its request.
fn envelope(asked: &Asked, generated: &Generated) -> Value {
    let body = &asked.body;
    let or = |name: &str, other: Value| if body[name].is_null() { other } else { body[name].clone() };
    let format = body["text"].get("format").cloned().unwrap_or_else(|| json!({"type": "text"}));
    let verbosity = body["text"].get("verbosity").cloned().unwrap_or_else(|| json!("medium"));
    let tier = body["service_tier"].as_str().filter(|tier| *tier != "auto").unwrap_or("default");
    let mut envelope = json!({
        "id": generated.id("resp_", 48), "object": "response", "created_at": generated.seconds(),
        "completed_at": null, "background": false, "error": null, "incomplete_details": null,
        "instructions": body["instructions"], "max_output_tokens": body["max_output_tokens"],
        "max_tool_calls": body["max_tool_calls"], "model": asked.model, "output": [],
        "parallel_tool_calls": or("parallel_tool_calls", json!(true)),
        "previous_response_id": body["previous_response_id"], "prompt_cache_key": body["prompt_cache_key"],
        "reasoning": {"effort": asked.effort, "summary": null},
        "safety_identifier": body["safety_identifier"], "service_tier": tier, "store": or("store", json!(true)),
        "temperature": or("temperature", json!(1.0)), "text": {"format": format, "verbosity": verbosity},
        "tool_choice": or("tool_choice", json!("auto")), "tools": or("tools", json!([])), "top_logprobs": 0,
        "top_p": or("top_p", json!(1.0)), "truncation": or("truncation", json!("disabled")),
        "metadata": or("metadata", json!({})),
    });
    if body["prompt_cache_options"].is_object() {
        let options = &body["prompt_cache_options"];
        let of = |name: &str, other: &str| options[name].as_str().unwrap_or(other).to_owned();
        envelope["prompt_cache_options"] = json!({"mode": of("mode", "implicit"), "ttl": of("ttl", "30m")});
    }
    envelope
}

/// Numbers the events of a stream.
struct Numbered(Vec<String>);

impl Numbered {
    fn push(&mut self, kind: &str, mut event: Value) {
        event["type"] = json!(kind);
        event["sequence_number"] = json!(self.0.len());
        self.0.push(named(&event));
    }
}

pub(super) fn events(asked: &Asked, body: &Value) -> Vec<String> {
    let mut events = Numbered(Vec::new());
    let mut begun = body.clone();
    for (name, value) in [("status", json!("in_progress")), ("output", json!([]))] {
        begun[name] = value;
    }
    for name in ["completed_at", "error", "incomplete_details"] {
        begun[name] = Value::Null;
    }
    if let Some(fields) = begun.as_object_mut() {
        fields.remove("usage");
    }
    events.push("response.created", json!({"response": begun}));
    events.push("response.in_progress", json!({"response": begun}));
    let padded = asked.body["stream_options"]["include_obfuscation"] != json!(false);
    for (index, item) in body["output"].as_array().into_iter().flatten().enumerate() {
        item_events(&mut events, index, item, padded);
    }
    let status = body["status"].as_str().unwrap_or_default();
    events.push(&format!("response.{status}"), json!({"response": body}));
    events.0
}

fn item_events(events: &mut Numbered, index: usize, item: &Value, padded: bool) {
    let mut begun = item.clone();
    if item["type"] == "message" {
        (begun["status"], begun["content"]) = (json!("in_progress"), json!([]));
    }
    events.push("response.output_item.added", json!({"output_index": index, "item": begun}));
    for (at, part) in item["content"].as_array().into_iter().flatten().enumerate() {
        let place = json!({"item_id": item["id"], "output_index": index, "content_index": at});
        part_events(events, &place, part, padded);
    }
    events.push("response.output_item.done", json!({"output_index": index, "item": item}));
}

fn part_events(events: &mut Numbered, place: &Value, part: &Value, padded: bool) {
    let refused = part["type"] == "refusal";
    let field = if refused { "refusal" } else { "text" };
    let stem = if refused { "response.refusal" } else { "response.output_text" };
    let with = |name: &str, value: Value| {
        let mut event = place.clone();
        event[name] = value;
        event
    };
    let mut empty = part.clone();
    empty[field] = json!("");
    events.push("response.content_part.added", with("part", empty));
    let text = part[field].as_str().unwrap_or_default();
    for delta in deltas(text) {
        let mut event = with("delta", json!(delta));
        if !refused {
            event["logprobs"] = json!([]);
        }
        if padded {
            // As long as is missing to the next multiple of sixteen, so that lengths tell nothing.
            event["obfuscation"] = json!("x".repeat(16 - delta.len() % 16));
        }
        events.push(&format!("{stem}.delta"), event);
    }
    let mut done = with(field, json!(text));
    if !refused {
        done["logprobs"] = json!([]);
    }
    events.push(&format!("{stem}.done"), done);
    events.push("response.content_part.done", with("part", part.clone()));
}

pub(super) fn broken(sent: usize) -> String {
    let message = "The server had an error while processing your request.";
    named(
        &json!({"type": "error", "code": "server_error", "message": message, "param": null, "sequence_number": sent}),
    )
}
