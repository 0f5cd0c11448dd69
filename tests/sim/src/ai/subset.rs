//! The part of JSON Schema that each provider takes for structured output.

use serde_json::{Map, Value};

use super::{Failure, Provider};

const BOTH: &[&str] = &[
    "$schema",
    "$defs",
    "definitions",
    "$ref",
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "const",
    "anyOf",
    "title",
    "description",
    "pattern",
    "format",
    "minItems",
];
const OPENAI_ONLY: &[&str] =
    &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "maxItems"];
const ANTHROPIC_ONLY: &[&str] = &["allOf", "default"];
const FORMATS: &[&str] =
    &["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];

/// What is counted on the way through a schema.
#[derive(Default)]
struct Counts {
    properties: usize,
    enum_values: usize,
    characters: usize,
    optional: usize,
    unions: usize,
}

struct Walk<'a> {
    provider: Provider,
    root: &'a Value,
    counts: Counts,
}

/// Says no to a schema outside the subset. `param` is where the request carries it, `name` what it calls it.
pub(super) fn accept(provider: Provider, schema: &Value, param: &str, name: &str) -> Result<(), Failure> {
    let mut walk = Walk { provider, root: schema, counts: Counts::default() };
    let result = walk.root().and_then(|()| walk.limits());
    result.map_err(|reason| match provider {
        Provider::OpenAi => Failure::openai("invalid_json_schema")
            .saying(format!("Invalid schema for response_format '{name}': {reason}"))
            .about(param, Some("invalid_json_schema")),
        Provider::Anthropic => {
            Failure::anthropic("invalid_request").saying(format!("output_config.format.schema: {reason}"))
        }
    })
}

type Verdict = Result<(), String>;

impl Walk<'_> {
    fn openai(&self) -> bool {
        self.provider == Provider::OpenAi
    }

    fn root(&mut self) -> Verdict {
        if self.root["type"] != "object" {
            return Err("schema must be of type \"object\"".to_owned());
        }
        for group in ["$defs", "definitions"] {
            let defined = self.root[group].as_object().into_iter().flatten();
            for (name, schema) in defined {
                self.counts.characters += name.len();
                self.schema(schema, &format!("{group}/{name}"), 1, &mut Vec::new())?;
            }
        }
        self.schema(self.root, "", 1, &mut Vec::new())
    }

    fn limits(&self) -> Verdict {
        let counts = &self.counts;
        if self.openai() {
            let over = counts.properties > 5_000 || counts.enum_values > 1_000 || counts.characters > 120_000;
            return if over { Err("the schema is too large".to_owned()) } else { Ok(()) };
        }
        let complex = counts.optional > 24 || counts.unions > 16;
        if complex { Err("Schema is too complex".to_owned()) } else { Ok(()) }
    }

    fn schema(&mut self, schema: &Value, at: &str, depth: usize, seen: &mut Vec<String>) -> Verdict {
        let Value::Object(object) = schema else {
            return Err(format!("In context=({at}), schema must be an object"));
        };
        if self.openai() && depth > 10 {
            return Err(format!("In context=({at}), schema is nested deeper than 10 levels"));
        }
        for key in object.keys() {
            self.keyword(object, key, at)?;
        }
        self.values(object, at)?;
        if object.contains_key("properties") || object.get("type").is_some_and(|kind| kind == "object") {
            self.object(object, at, depth, seen)?;
        }
        if let Some(items) = object.get("items") {
            self.schema(items, &format!("{at}/items"), depth + 1, seen)?;
        }
        for union in ["anyOf", "allOf"] {
            for part in object.get(union).and_then(Value::as_array).into_iter().flatten() {
                if union == "allOf" && part.get("$ref").is_some() {
                    return Err("allOf with $ref is not supported".to_owned());
                }
                self.counts.unions += 1;
                self.schema(part, &format!("{at}/{union}"), depth, seen)?;
            }
        }
        self.reference(object, seen)
    }

    fn keyword(&self, object: &Map<String, Value>, key: &str, at: &str) -> Verdict {
        let own = if self.openai() { OPENAI_ONLY } else { ANTHROPIC_ONLY };
        if !BOTH.contains(&key) && !own.contains(&key) {
            let kind = object.get("type").and_then(Value::as_str).unwrap_or("any");
            return Err(if self.openai() {
                format!("In context=({at}), '{key}' is not permitted.")
            } else {
                format!("For '{kind}' type, property '{key}' is not supported")
            });
        }
        let bound = object.get("minItems").and_then(Value::as_u64).unwrap_or(0);
        if key == "minItems" && !self.openai() && bound > 1 {
            return Err(format!(
                "For 'array' type, 'minItems' values other than 0 or 1 are not supported: {bound}"
            ));
        }
        let format = object.get("format").and_then(Value::as_str);
        let uri = !self.openai() && format == Some("uri");
        match format.filter(|format| key == "format" && !uri && !FORMATS.contains(format)) {
            Some(format) => Err(format!("In context=({at}), '{format}' is not a valid format.")),
            None => Ok(()),
        }
    }

    fn values(&mut self, object: &Map<String, Value>, at: &str) -> Verdict {
        let values = object.get("enum").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        self.counts.enum_values += values.len();
        let texts = values.iter().chain(object.get("const")).filter_map(Value::as_str);
        self.counts.characters += texts.map(str::len).sum::<usize>();
        let text: usize = values.iter().filter_map(Value::as_str).map(str::len).sum();
        if self.openai() && values.len() > 250 && text > 15_000 {
            return Err(format!("In context=({at}), enum is too large"));
        }
        if values.iter().any(|value| value.is_object() || value.is_array()) {
            return Err(format!("In context=({at}), enum values must be primitive"));
        }
        Ok(())
    }

    fn object(
        &mut self,
        object: &Map<String, Value>,
        at: &str,
        depth: usize,
        seen: &mut Vec<String>,
    ) -> Verdict {
        if object.get("additionalProperties") != Some(&Value::Bool(false)) {
            return Err(if self.openai() {
                format!(
                    "In context=({at}), 'additionalProperties' is required to be supplied and to be false."
                )
            } else {
                "For 'object' type, 'additionalProperties' must be explicitly set to false".to_owned()
            });
        }
        let required: Vec<&str> = object
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for (name, schema) in object.get("properties").and_then(Value::as_object).into_iter().flatten() {
            self.counts.properties += 1;
            self.counts.characters += name.len();
            if !required.contains(&name.as_str()) {
                self.counts.optional += 1;
                if self.openai() {
                    return Err(format!(
                        "In context=({at}), 'required' is required to be supplied and to be an array including every \
                         key in properties. Missing '{name}'."
                    ));
                }
            }
            self.schema(schema, &format!("{at}/properties/{name}"), depth + 1, seen)?;
        }
        Ok(())
    }

    fn reference(&mut self, object: &Map<String, Value>, seen: &mut Vec<String>) -> Verdict {
        let Some(to) = object.get("$ref").and_then(Value::as_str) else { return Ok(()) };
        let target = to.strip_prefix('#').and_then(|path| self.root.pointer(path));
        let Some(target) = target.filter(|_| to.starts_with('#')) else {
            return Err(format!("reference {to} does not lead to a local definition"));
        };
        if self.openai() {
            return Ok(());
        }
        if seen.iter().any(|before| before == to) {
            return Err(format!("recursive schemas are not supported: {to}"));
        }
        seen.push(to.to_owned());
        let result = self.schema(target, to, 1, seen);
        seen.pop();
        result
    }
}
