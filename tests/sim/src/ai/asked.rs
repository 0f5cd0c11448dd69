//! A request on any of the three wires, read into one form, and refused where a model would refuse it.

use http::HeaderMap;
use serde_json::{Value, json};

use super::asked_gpt::{chat, responses};
use super::caching::tokens;
use super::descriptions::Body;
use super::models::claude;
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
pub(super) type Pieces = Vec<(String, Option<i64>)>;

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

pub(super) fn plain(pieces: &Pieces) -> String {
    let texts: Vec<&str> = pieces.iter().map(|(text, _)| text.as_str()).collect();
    texts.join("\n")
}

/// Messages by who speaks: the operator, and everybody else.
pub(super) fn split(messages: &Value) -> (Pieces, Pieces) {
    let (mut operator, mut others) = (Vec::new(), Vec::new());
    for message in messages.as_array().into_iter().flatten() {
        let by_operator = ["system", "developer"].contains(&message["role"].as_str().unwrap_or_default());
        let side = if by_operator { &mut operator } else { &mut others };
        side.extend(pieces(&message["content"]));
    }
    (operator, others)
}

/// Static text first, then the schema, then what changes; and where the last mark is.
pub(super) fn prompt(
    operator: &Pieces,
    schema: Option<&Value>,
    others: &Pieces,
) -> (String, Option<(usize, i64)>) {
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
