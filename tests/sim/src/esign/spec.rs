//! The providers' own descriptions, as a judge of what is said to the stand-ins and of what they answer.
//! Bodies of requests are closed in them: a field that nobody knows is a fault, not a decoration.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use http::Method;
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::Provider;

/// Something that does not fit the description.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    /// Such as `signers[0].email_address`; empty for the whole.
    pub(super) at: String,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(at: &str, message: impl Into<String>) -> Self {
        Self { at: at.to_owned(), message: message.into() }
    }
}

#[derive(Debug)]
pub(super) struct Operation {
    pub(super) id: String,
    method: Method,
    segments: Vec<String>,
    described: Value,
}

/// Why no operation was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Miss {
    Path,
    Method,
}

pub(super) struct Description {
    components: Value,
    operations: Vec<Operation>,
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

static DOCUSIGN: LazyLock<Description> =
    LazyLock::new(|| Description::read(include_str!("../../fixtures/esign/docusign.openapi.json")));
static DROPBOX_SIGN: LazyLock<Description> =
    LazyLock::new(|| Description::read(include_str!("../../fixtures/esign/dropbox-sign.openapi.json")));
static PANDADOC: LazyLock<Description> =
    LazyLock::new(|| Description::read(include_str!("../../fixtures/esign/pandadoc.openapi.json")));

/// The description of a provider, read once for the process.
pub(super) fn description(provider: Provider) -> &'static Description {
    match provider {
        Provider::Docusign => &DOCUSIGN,
        Provider::DropboxSign => &DROPBOX_SIGN,
        Provider::Pandadoc => &PANDADOC,
    }
}

/// OpenAPI 3.0 says `nullable` where JSON Schema names a type more.
fn allow_null(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(allow_null),
        Value::Object(map) => {
            map.values_mut().for_each(allow_null);
            if map.get("nullable") == Some(&Value::Bool(true)) {
                map.remove("nullable");
                if let Some(values) = map.get_mut("enum").and_then(Value::as_array_mut) {
                    values.push(Value::Null);
                }
                if let Some(Value::String(one)) = map.get("type").cloned() {
                    map.insert("type".into(), json!([one, "null"]));
                } else {
                    let rest = Value::Object(std::mem::take(map));
                    map.insert("anyOf".into(), json!([rest, {"type": "null"}]));
                }
            }
        }
        _ => {}
    }
}

impl Description {
    fn read(text: &str) -> Self {
        let mut document: Value = serde_json::from_str(text).expect("a description is JSON");
        allow_null(&mut document);
        let mut operations = Vec::new();
        for (path, methods) in document["paths"].as_object().expect("a description has paths") {
            for (method, described) in methods.as_object().expect("a path has methods") {
                let Some(id) = described["operationId"].as_str() else { continue };
                operations.push(Operation {
                    id: id.to_owned(),
                    method: method.to_uppercase().parse().expect("a method"),
                    segments: path.trim_matches('/').split('/').map(str::to_owned).collect(),
                    described: described.clone(),
                });
            }
        }
        // A fixed segment wins over a parameter.
        operations.sort_by_key(|it| it.segments.iter().filter(|segment| segment.starts_with('{')).count());
        Self { components: document["components"].clone(), operations, compiled: Mutex::default() }
    }

    /// The operation of a call, and the values of its path parameters in order.
    pub(super) fn find(&self, method: &Method, path: &str) -> Result<(&Operation, Vec<String>), Miss> {
        let asked: Vec<&str> = path.trim_matches('/').split('/').collect();
        let mut miss = Miss::Path;
        for operation in &self.operations {
            let Some(found) = fits(&operation.segments, &asked) else { continue };
            if operation.method == *method {
                return Ok((operation, found));
            }
            miss = Miss::Method;
        }
        Err(miss)
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str().and_then(|name| name.strip_prefix("#/components")) {
            Some(pointer) => {
                self.resolve(self.components.pointer(pointer).expect("a reference that leads somewhere"))
            }
            None => value,
        }
    }

    fn validator(&self, name: String, schema: &Value) -> Arc<Validator> {
        let mut compiled = self.compiled.lock().expect("no compiler panics");
        let made = || {
            let root = json!({
                "$schema": "http://json-schema.org/draft-04/schema#",
                "allOf": [schema],
                "components": self.components,
            });
            let options = jsonschema::options().should_validate_formats(true).build(&root);
            Arc::new(options.expect("a schema that can be compiled"))
        };
        Arc::clone(compiled.entry(name).or_insert_with(made))
    }

    fn check(&self, name: String, schema: &Value, value: &Value) -> Vec<Fault> {
        let validator = self.validator(name, schema);
        let faults = validator.iter_errors(value);
        faults
            .map(|fault| Fault::new(&dotted(&fault.instance_path().to_string()), fault.to_string()))
            .collect()
    }

    /// What is wrong with a body that was sent as `content_type`.
    pub(super) fn check_body(
        &self,
        operation: &Operation,
        content_type: &str,
        body: Option<&Value>,
    ) -> Vec<Fault> {
        let described = self.resolve(&operation.described["requestBody"]);
        if described.is_null() {
            return if body.is_some() { vec![Fault::new("", "This call has no body")] } else { Vec::new() };
        }
        let Some(body) = body else {
            let required = described["required"] == true;
            return if required { vec![Fault::new("", "A body is required")] } else { Vec::new() };
        };
        match described["content"].get(content_type).map(|content| &content["schema"]) {
            Some(schema) => self.check(format!("{} {content_type}", operation.id), schema, body),
            None => vec![Fault::new("", format!("{content_type} is not understood here"))],
        }
    }

    /// What is wrong with the query; names that begin with `free` are the caller's own.
    pub(super) fn check_query(
        &self,
        operation: &Operation,
        query: &[(String, String)],
        free: Option<&str>,
    ) -> Vec<Fault> {
        let none = Vec::new();
        let described = operation.described["parameters"].as_array().unwrap_or(&none);
        let described: Vec<&Value> =
            described.iter().map(|it| self.resolve(it)).filter(|it| it["in"] == "query").collect();
        let mut faults = Vec::new();
        for parameter in &described {
            let name = parameter["name"].as_str().unwrap_or_default();
            if parameter["required"] == true && !query.iter().any(|(asked, _)| asked == name) {
                faults.push(Fault::new(name, "This parameter is required"));
            }
        }
        for (name, text) in query {
            if free.is_some_and(|free| name.starts_with(free)) {
                continue;
            }
            match described.iter().find(|parameter| parameter["name"] == name.as_str()) {
                None => faults.push(Fault::new(name, "Unknown parameter")),
                Some(parameter) => {
                    let schema = self.resolve(&parameter["schema"]).clone();
                    let value = read_as(&schema, text);
                    let found = self.check(format!("{} ?{name}", operation.id), &schema, &value);
                    faults.extend(found.into_iter().map(|fault| Fault::new(name, fault.message)));
                }
            }
        }
        faults
    }

    /// What is wrong with an answer. Errors without a place of their own must look like the described 400.
    pub(super) fn check_answer(
        &self,
        operation: &Operation,
        status: u16,
        body: Option<&Value>,
    ) -> Vec<Fault> {
        let responses = &operation.described["responses"];
        let described = match responses.get(status.to_string()) {
            Some(found) => found,
            None if status >= 400 && responses.get("400").is_some() => &responses["400"],
            None if status >= 400 => return Vec::new(),
            None => return vec![Fault::new("", format!("The status {status} is not described"))],
        };
        let schema = &self.resolve(described)["content"]["application/json"]["schema"];
        match body {
            Some(body) if schema.is_object() => {
                self.check(format!("{} {status}", operation.id), schema, body)
            }
            _ => Vec::new(),
        }
    }

    /// The closed schema of the JSON body of an operation.
    pub(super) fn json_schema<'a>(&'a self, operation: &'a Operation) -> &'a Value {
        let body = self.resolve(&operation.described["requestBody"]);
        self.resolve(&body["content"]["application/json"]["schema"])
    }

    /// The value that a flat form field stands for, where `schema` says its type.
    pub(super) fn coerce(&self, schema: &Value, text: &str) -> Value {
        read_as(self.resolve(schema), text)
    }

    /// The schema one step further down.
    pub(super) fn below<'a>(&'a self, schema: &'a Value, name: &str) -> &'a Value {
        let schema = self.resolve(schema);
        if name.bytes().all(|byte| byte.is_ascii_digit()) && schema.get("items").is_some() {
            return self.resolve(&schema["items"]);
        }
        match schema["properties"].get(name) {
            Some(found) => self.resolve(found),
            None => self.resolve(&schema["additionalProperties"]),
        }
    }
}

fn fits(segments: &[String], asked: &[&str]) -> Option<Vec<String>> {
    if segments.len() != asked.len() {
        return None;
    }
    let mut found = Vec::new();
    for (segment, part) in segments.iter().zip(asked) {
        if segment.starts_with('{') {
            found.push((*part).to_owned());
        } else if segment != part {
            return None;
        }
    }
    Some(found)
}

/// `/signers/0/name` as `signers[0][name]`.
fn dotted(pointer: &str) -> String {
    let mut parts = pointer.split('/').skip(1);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.extend(["[", part, "]"]);
    }
    text
}

fn read_as(schema: &Value, text: &str) -> Value {
    let kind = match &schema["type"] {
        Value::String(kind) => kind.as_str(),
        Value::Array(kinds) => kinds.first().and_then(Value::as_str).unwrap_or_default(),
        _ => "",
    };
    let number = || text.parse::<i64>().map(Value::from);
    let parsed = match kind {
        "integer" | "number" => number().ok(),
        "boolean" => match text {
            "true" | "1" => Some(Value::Bool(true)),
            "false" | "0" => Some(Value::Bool(false)),
            _ => None,
        },
        "array" => Some(text.split(',').map(|item| read_as(&schema["items"], item)).collect()),
        "object" => Some(Value::Object(Map::new())),
        "" if schema.get("enum").is_some() => number().ok(),
        _ => None,
    };
    parsed.unwrap_or_else(|| Value::String(text.to_owned()))
}
