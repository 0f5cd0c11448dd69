//! The providers' `OpenAPI` documents as judges of what arrives.
//!
//! Two things are read more loosely or more strictly than they are written. `OpenAI` writes `oneOf` where it
//! tells variants apart by other means, so that its own plainest message fits two of them: there it means
//! `anyOf`. Anthropic refuses unknown fields everywhere, and the document says so only at the top.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::Failure;

/// The bodies that are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Response,
    Chat,
    Message,
    Count,
}

/// A judge and the fields it knows at the top.
struct Judge {
    validator: Validator,
    fields: BTreeSet<String>,
}

/// Anthropic's request objects that the document leaves open.
const CLOSED: &[&str] = &[
    "TextBlockParam",
    "ToolUseBlockParam",
    "ToolResultBlockParam",
    "ThinkingBlockParam",
    "UserMessage",
    "AssistantMessage",
    "SystemMessage",
    "Tool",
];

fn openai() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let text = include_str!("../../fixtures/openai.openapi.json");
        let mut document: Value = serde_json::from_str(text).expect("a JSON document");
        loosen(&mut document);
        document
    })
}

fn anthropic() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let text = include_str!("../../fixtures/anthropic.openapi.json");
        let mut document: Value = serde_json::from_str(text).expect("a JSON document");
        for name in CLOSED {
            document["components"]["schemas"][*name]["additionalProperties"] = json!(false);
        }
        document
    })
}

/// `oneOf` becomes `anyOf`, and `nullable`, a word of an older `OpenAPI`, becomes a type.
fn loosen(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(variants @ Value::Array(_)) = object.remove("oneOf") {
                object.insert("anyOf".to_owned(), variants);
            }
            object.values_mut().for_each(loosen);
            if object.get("nullable") == Some(&json!(true)) {
                let mut inner = std::mem::take(object);
                inner.remove("nullable");
                object.insert("anyOf".to_owned(), json!([inner, {"type": "null"}]));
            }
        }
        Value::Array(list) => list.iter_mut().for_each(loosen),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The names of the properties of a schema, through `allOf` and references.
fn fields_of(document: &Value, schema: &Value, fields: &mut BTreeSet<String>) {
    if let Some(target) = schema["$ref"].as_str().and_then(|to| document.pointer(to.trim_start_matches('#')))
    {
        fields_of(document, target, fields);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        fields_of(document, part, fields);
    }
    fields.extend(schema["properties"].as_object().into_iter().flat_map(Map::keys).cloned());
}

fn judge(document: &Value, name: &str) -> Judge {
    let schema = json!({"$ref": format!("#/components/schemas/{name}")});
    let root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "allOf": [schema],
        "components": document["components"],
    });
    let validator = jsonschema::validator_for(&root).expect("a document that can be judged by");
    let mut fields = BTreeSet::new();
    fields_of(document, &schema, &mut fields);
    Judge { validator, fields }
}

impl Body {
    fn judge(self) -> &'static Judge {
        static RESPONSE: OnceLock<Judge> = OnceLock::new();
        static CHAT: OnceLock<Judge> = OnceLock::new();
        static MESSAGE: OnceLock<Judge> = OnceLock::new();
        static COUNT: OnceLock<Judge> = OnceLock::new();
        match self {
            Self::Response => RESPONSE.get_or_init(|| judge(openai(), "CreateResponse")),
            Self::Chat => CHAT.get_or_init(|| judge(openai(), "CreateChatCompletionRequest")),
            Self::Message => MESSAGE.get_or_init(|| judge(anthropic(), "CreateMessage")),
            Self::Count => COUNT.get_or_init(|| judge(anthropic(), "CountTokens")),
        }
    }

    /// Says no to a body that the document does not describe.
    pub(super) fn accept(self, body: &Value) -> Result<(), Failure> {
        let judge = self.judge();
        let keys = body.as_object().into_iter().flat_map(Map::keys);
        let strange = keys.into_iter().find(|key| !judge.fields.contains(*key));
        let claude = matches!(self, Self::Message | Self::Count);
        if let Some(field) = strange {
            return Err(if claude {
                Failure::anthropic("invalid_request")
                    .saying(format!("{field}: Extra inputs are not permitted"))
            } else {
                let message = format!("Unknown parameter: '{field}'.");
                Failure::openai("invalid_request").saying(message).about(field, Some("unknown_parameter"))
            });
        }
        let Some(fault) = judge.validator.iter_errors(body).next() else { return Ok(()) };
        let path = fault.instance_path().to_string();
        let place = path.trim_start_matches('/').replace('/', ".");
        let shown = fault.to_string();
        Err(if claude {
            Failure::anthropic("invalid_request").saying(format!("{place}: {}", short(&shown)))
        } else {
            openai_fault(&place, &shown)
        })
    }
}

fn openai_fault(place: &str, shown: &str) -> Failure {
    let missing = shown.strip_suffix(" is a required property").map(|name| name.trim_matches('"'));
    if let Some(name) = missing {
        let name = if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
        let message = format!("Missing required parameter: '{name}'.");
        return Failure::openai("missing_required_parameter")
            .saying(message)
            .about(&name, Some("missing_required_parameter"));
    }
    let typed = shown.contains("is not of type") || shown.contains("is not valid under any");
    let message = format!("Invalid value for '{place}': {}", short(shown));
    Failure::openai("invalid_request").saying(message).about(place, typed.then_some("invalid_type"))
}

/// The judge repeats the value it judges; the start of that is enough.
fn short(text: &str) -> String {
    let mut short: String = text.chars().take(160).collect();
    if short.len() < text.len() {
        let end: String = text.chars().rev().take(80).collect();
        short = format!("{short} … {}", end.chars().rev().collect::<String>());
    }
    short
}
