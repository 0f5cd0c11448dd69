//! Requests on the two wires of `OpenAI`, and what its models refuse.

use serde_json::{Value, json};

use super::asked::{Asked, Caching, Circumstances, Pieces, plain, prompt, split};
use super::caching::tokens;
use super::descriptions::Body;
use super::models::gpt;
use super::{Failure, Provider, Wire, subset};

pub(super) fn responses(body: Value, around: &Circumstances<'_>) -> Result<Asked, Failure> {
    Body::Response.accept(&body)?;
    for needed in ["model", "input"] {
        if body[needed].is_null() {
            return Err(missing(needed));
        }
    }
    let format = &body["text"]["format"];
    let effort = body["reasoning"]["effort"].as_str();
    let parts = OpenAi {
        instructions: body["instructions"].as_str().map(|text| (text.to_owned(), None)).into_iter().collect(),
        messages: if body["input"].is_string() {
            json!([{"role": "user", "content": body["input"]}])
        } else {
            body["input"].clone()
        },
        schema: (format["type"] == "json_schema").then(|| format.clone()),
        schema_param: "text.format.schema",
        effort: effort.map(str::to_owned),
        effort_param: "reasoning.effort",
        limit: body["max_output_tokens"].as_u64(),
    };
    if body["background"] == json!(true) && body["store"] == json!(false) {
        let message = "Background mode requires 'store' to be true.";
        return Err(Failure::openai("invalid_request").saying(message).about("background", None));
    }
    openai(Wire::Responses, body, parts, around)
}

pub(super) fn chat(body: Value, around: &Circumstances<'_>) -> Result<Asked, Failure> {
    Body::Chat.accept(&body)?;
    let format = &body["response_format"];
    let parts = OpenAi {
        instructions: Vec::new(),
        messages: body["messages"].clone(),
        schema: (format["type"] == "json_schema").then(|| format["json_schema"].clone()),
        schema_param: "response_format",
        effort: body["reasoning_effort"].as_str().map(str::to_owned),
        effort_param: "reasoning_effort",
        limit: body["max_completion_tokens"].as_u64().or_else(|| body["max_tokens"].as_u64()),
    };
    openai(Wire::Chat, body, parts, around)
}

/// What the two wires of `OpenAI` say in different places.
struct OpenAi {
    instructions: Pieces,
    messages: Value,
    schema: Option<Value>,
    schema_param: &'static str,
    effort: Option<String>,
    effort_param: &'static str,
    limit: Option<u64>,
}

fn missing(name: &str) -> Failure {
    Failure::openai("missing_required_parameter")
        .saying(format!("Missing required parameter: '{name}'."))
        .about(name, Some("missing_required_parameter"))
}

fn openai(wire: Wire, body: Value, parts: OpenAi, around: &Circumstances<'_>) -> Result<Asked, Failure> {
    let name = body["model"].as_str().unwrap_or_default().to_owned();
    let model = gpt(&name, around.more, &around.now)?;
    let effort = model.effort(parts.effort.as_deref(), parts.effort_param)?.to_owned();
    if !model.takes_temperature(&effort) {
        sampling(wire, &body)?;
    }
    if !body["max_tokens"].is_null()
        && wire == Wire::Chat
        && !model.efforts.is_empty()
        && model.name != "other"
    {
        let message = "Unsupported parameter: 'max_tokens' is not supported with this model. \
                       Use 'max_completion_tokens' instead.";
        return Err(Failure::openai("invalid_request")
            .saying(message)
            .about("max_tokens", Some("unsupported_parameter")));
    }
    metadata(&body["metadata"])?;
    let schema = parts.schema.as_ref();
    if let Some(format) = schema {
        named(format["name"].as_str().unwrap_or_default(), parts.schema_param)?;
        if format["strict"] == json!(true) {
            let name = format["name"].as_str().unwrap_or_default();
            subset::accept(Provider::OpenAi, &format["schema"], parts.schema_param, name)?;
        }
    }
    let schema = schema.map(|format| format["schema"].clone());
    let (mut operator, others) = split(&parts.messages);
    operator.splice(0..0, parts.instructions);
    let (prompt, mark) = prompt(&operator, schema.as_ref(), &others);
    if tokens(&prompt) + parts.limit.unwrap_or(0) > model.window {
        return Err(
            Failure::openai("context_length_exceeded").about("input", Some("context_length_exceeded"))
        );
    }
    let key = body["prompt_cache_key"].as_str().unwrap_or_default();
    let place = format!("openai {name} {key}");
    let caching = match mark {
        Some((end, ttl_ms)) if model.counts_writes => {
            Caching::Marked { place, prefix: prompt[..end].to_owned(), ttl_ms }
        }
        _ if body["prompt_cache_options"]["mode"] == "explicit" => Caching::Off,
        _ => Caching::Implicit { place, writes: model.counts_writes },
    };
    let (instructions, material) = (plain(&operator), plain(&others));
    let (tool, limit) = (None, parts.limit);
    Ok(Asked {
        wire,
        model: name,
        instructions,
        material,
        prompt,
        schema,
        tool,
        limit,
        effort,
        caching,
        body,
    })
}

fn sampling(wire: Wire, body: &Value) -> Result<(), Failure> {
    for name in ["temperature", "top_p"] {
        let value = &body[name];
        if value.is_null() || (wire == Wire::Chat && value.as_f64() == Some(1.0)) {
            continue;
        }
        return Err(if wire == Wire::Chat {
            let message = format!(
                "Unsupported value: '{name}' does not support {value} with this model. Only the default (1) value is supported."
            );
            Failure::openai("unsupported_value").saying(message).about(name, Some("unsupported_value"))
        } else {
            let message = format!("Unsupported parameter: '{name}' is not supported with this model.");
            Failure::openai("invalid_request").saying(message).about(name, None)
        });
    }
    Ok(())
}

fn metadata(metadata: &Value) -> Result<(), Failure> {
    let Some(pairs) = metadata.as_object() else { return Ok(()) };
    let long = |key: &str, value: &Value| {
        key.chars().count() > 64 || value.as_str().is_some_and(|text| text.chars().count() > 512)
    };
    if pairs.len() > 16 || pairs.iter().any(|(key, value)| long(key, value)) {
        let message = "Invalid 'metadata': at most 16 pairs, keys of 64 and values of 512 characters.";
        return Err(Failure::openai("invalid_request").saying(message).about("metadata", None));
    }
    Ok(())
}

fn named(name: &str, param: &str) -> Result<(), Failure> {
    let fits = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if fits {
        return Ok(());
    }
    let message = format!("Invalid name '{name}': letters, digits, '_' and '-', at most 64.");
    Err(Failure::openai("invalid_request").saying(message).about(&param.replace("schema", "name"), None))
}
