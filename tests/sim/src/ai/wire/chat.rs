//! The Chat Completions API of `OpenAI`, which every compatible server speaks.

use serde_json::{Value, json};

use super::responses::DECLINED;
use super::{Generated, Said, deltas};
use crate::ai::asked::Asked;

pub(super) fn body(asked: &Asked, generated: &Generated) -> Value {
    let (content, refusal, finish) = match &generated.said {
        Said::Text(text, cut) => (json!(text), Value::Null, cut.map_or("stop", |cut| cut.in_chat())),
        Said::Refused(_) => (Value::Null, json!(DECLINED), "stop"),
        Said::Failed(_) => (json!(""), Value::Null, "stop"),
    };
    let usage = generated.usage();
    let whole = usage.fresh + usage.read + usage.written;
    json!({
        "id": generated.id("chatcmpl-", 28), "object": "chat.completion", "created": generated.seconds(),
        "model": asked.model,
        "choices": [{
            "index": 0, "logprobs": null, "finish_reason": finish,
            "message": {"role": "assistant", "content": content, "refusal": refusal, "annotations": []},
        }],
        "usage": {
            "prompt_tokens": whole, "completion_tokens": usage.output, "total_tokens": whole + usage.output,
            "prompt_tokens_details": {
                "cached_tokens": usage.read, "audio_tokens": 0, "cache_write_tokens": usage.written,
            },
            "completion_tokens_details": {
                "reasoning_tokens": usage.thinking, "audio_tokens": 0,
                "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "default",
    })
}

pub(super) fn events(asked: &Asked, body: &Value) -> Vec<String> {
    let choice = &body["choices"][0];
    let with_usage = asked.body["stream_options"]["include_usage"] == json!(true);
    let chunk = |choices: Value, usage: &Value| {
        let mut chunk = json!({
            "id": body["id"], "object": "chat.completion.chunk", "created": body["created"], "model": body["model"],
            "service_tier": body["service_tier"], "choices": choices,
        });
        if with_usage {
            chunk["usage"] = usage.clone();
        }
        format!("data: {chunk}\n\n")
    };
    let step = |delta: Value, finish: &Value| {
        let choices = json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]);
        chunk(choices, &Value::Null)
    };
    let mut events = vec![step(json!({"role": "assistant", "content": "", "refusal": null}), &Value::Null)];
    for field in ["content", "refusal"] {
        let text = choice["message"][field].as_str().unwrap_or_default();
        events.extend(deltas(text).into_iter().map(|delta| step(json!({field: delta}), &Value::Null)));
    }
    events.push(step(json!({}), &choice["finish_reason"]));
    if with_usage {
        events.push(chunk(json!([]), &body["usage"]));
    }
    events.push("data: [DONE]\n\n".to_owned());
    events
}

pub(super) fn broken() -> String {
    let message = "The server had an error while processing your request.";
    let error = json!({"error": {"message": message, "type": "server_error", "param": null, "code": null}});
    format!("data: {error}\n\n")
}
