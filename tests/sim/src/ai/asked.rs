//! A request on any of the three wires, read into one form, and refused where a model would refuse it.

use http::HeaderMap;
use serde_json::{Value, json};

use super::caching::tokens;
use super::descriptions::Body;
use super::models::{claude, gpt};
use super::{Failure, Provider, Wire, subset};

/// How much of the prompt is remembered for the next request.
pub(super) enum Caching {
    Off,
    Implicit { place: String, writes: bool },
    Marked { place: String, prefix: String, ttl_ms: i64 },
}

/// What was asked.
pub(super) struct Asked {
    pub(super) wire: Wire,
    pub(super) model: String,
    /// What the operator says.
    pub(super) instructions: String,
    /// What the user says.
    pub(super) material: String,
    /// Everything that is read, in the order of a cache: what never changes first.
    pub(super) prompt: String,
    pub(super) schema: Option<Value>,
    /// A tool that must be used, by name.
    pub(super) tool: Option<String>,
    pub(super) limit: Option<u64>,
    pub(super) effort: String,
    pub(super) caching: Caching,
    pub(super) body: Value,
}

/// Where a request is read: the time, the models a test has added.
pub(super) struct Circumstances<'a> {
    pub(super) now: String,
    pub(super) more: &'a [String],
    pub(super) headers: &'a HeaderMap,
}

/// Pieces of text, each with the life of the cache mark behind it.
type Pieces = Vec<(String, Option<i64>)>;

impl Asked {
    /// Reads a body that is JSON, or says why the provider refuses it.
    pub(super) fn read(wire: Wire, body: Value, around: &Circumstances<'_>) -> Result<Self, Failure> {
        match wire {
            Wire::Responses => responses(body, around),
            Wire::Chat => chat(body, around),
            Wire::Messages => messages(body, around, Body::Message),
        }
    }

    /// The same for the route that only counts.
    pub(super) fn to_count(body: Value, around: &Circumstances<'_>) -> Result<Self, Failure> {
        messages(body, around, Body::Count)
    }

    pub(super) fn streams(&self) -> bool {
        self.body["stream"] == json!(true)
    }
}

/// The text of a content: a string, or parts with a `text`.
fn pieces(content: &Value) -> Pieces {
    if let Some(text) = content.as_str() {
        return vec![(text.to_owned(), None)];
    }
    let parts = content.as_array().into_iter().flatten();
    parts
        .filter_map(|part| {
            let text = part["text"].as_str()?.to_owned();
            let mark = match part["cache_control"]["ttl"].as_str() {
                Some("1h") => Some(3_600_000),
                _ if part["cache_control"].is_object() => Some(300_000),
                _ if part["prompt_cache_breakpoint"].is_object() => Some(1_800_000),
                _ => None,
            };
            Some((text, mark))
        })
        .collect()
}

/// The pieces one after the other, and the longest prefix that ends at a mark with the life of that mark.
fn join(pieces: &Pieces) -> (String, Option<(usize, i64)>) {
    let mut text = String::new();
    let mut mark = None;
    for (piece, life) in pieces {
        text.push_str(piece);
        text.push('\n');
        mark = life.map(|life| (text.len(), life)).or(mark);
    }
    (text, mark)
}

fn plain(pieces: &Pieces) -> String {
    let texts: Vec<&str> = pieces.iter().map(|(text, _)| text.as_str()).collect();
    texts.join("\n")
}

/// Messages by who speaks: the operator, and everybody else.
fn split(messages: &Value) -> (Pieces, Pieces) {
    let (mut operator, mut others) = (Vec::new(), Vec::new());
    for message in messages.as_array().into_iter().flatten() {
        let by_operator = ["system", "developer"].contains(&message["role"].as_str().unwrap_or_default());
        let side = if by_operator { &mut operator } else { &mut others };
        side.extend(pieces(&message["content"]));
    }
    (operator, others)
}

fn responses(body: Value, around: &Circumstances<'_>) -> Result<Asked, Failure> {
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

fn chat(body: Value, around: &Circumstances<'_>) -> Result<Asked, Failure> {
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

/// Static text first, then the schema, then what changes; and where the last mark is.
fn prompt(operator: &Pieces, schema: Option<&Value>, others: &Pieces) -> (String, Option<(usize, i64)>) {
    let (mut text, first) = join(operator);
    if let Some(schema) = schema {
        text.push_str(&schema.to_string());
        text.push('\n');
    }
    let (rest, second) = join(others);
    let second = second.map(|(end, life)| (text.len() + end, life));
    text.push_str(&rest);
    (text, second.or(first))
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

fn messages(body: Value, around: &Circumstances<'_>, kind: Body) -> Result<Asked, Failure> {
    let version =
        around.headers.get("anthropic-version").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut judged = body.clone();
    if let Some(fields) = judged.as_object_mut().filter(|_| version == "2023-06-01") {
        for sampling in ["temperature", "top_p", "top_k"] {
            fields.remove(sampling);
        }
    }
    kind.accept(&judged)?;
    let name = body["model"].as_str().unwrap_or_default().to_owned();
    let model = claude(&name, around.more, &around.now)?;
    model.accept(&body, version)?;
    let last = body["messages"].as_array().and_then(|messages| messages.last());
    if last.is_none_or(|message| message["role"] != "user") {
        let message = "This model does not support assistant message prefill. The conversation must end with a user message.";
        return Err(Failure::anthropic("invalid_request").saying(message));
    }
    let format = &body["output_config"]["format"];
    let schema = (format["type"] == "json_schema").then(|| format["schema"].clone());
    if let Some(schema) = &schema {
        subset::accept(Provider::Anthropic, schema, "output_config.format.schema", "")?;
    }
    let (system, others) = split(&body["messages"]);
    let mut operator = pieces(&body["system"]);
    operator.extend(system);
    let tool = forced_tool(&body);
    let (prompt, mark) = prompt(&operator, schema.as_ref(), &others);
    let mark = mark.or_else(|| body["cache_control"].is_object().then_some((prompt.len(), 300_000)));
    let count = tokens(&prompt);
    if count + body["max_tokens"].as_u64().unwrap_or(0) > model.window {
        let message = format!("prompt is too long: {count} tokens > {} maximum", model.window);
        return Err(Failure::anthropic("invalid_request").saying(message));
    }
    let place = format!("anthropic {name}");
    let caching = match mark {
        Some((end, ttl_ms)) => Caching::Marked { place, prefix: prompt[..end].to_owned(), ttl_ms },
        None => Caching::Off,
    };
    let effort = model.effort(&body).to_owned();
    let (instructions, material) = (plain(&operator), plain(&others));
    let schema = tool.as_ref().map(|(_, schema)| schema.clone()).or(schema);
    let (tool, limit) = (tool.map(|(name, _)| name), body["max_tokens"].as_u64());
    let wire = Wire::Messages;
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

/// The tool that a request insists on, and the schema of its input.
fn forced_tool(body: &Value) -> Option<(String, Value)> {
    let tools = body["tools"].as_array()?;
    let tool = match body["tool_choice"]["type"].as_str()? {
        "any" => tools.first()?,
        "tool" => tools.iter().find(|tool| tool["name"] == body["tool_choice"]["name"])?,
        _ => return None,
    };
    Some((tool["name"].as_str()?.to_owned(), tool["input_schema"].clone()))
}
