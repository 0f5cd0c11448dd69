//! `CloudFormation` as plain values: short tags written out, globals laid under each function.
//!
//! It never resolves a reference to a value; it only follows one to the resource it names.

use std::collections::BTreeMap;
use std::path::PathBuf;

use saphyr::{LoadableYamlNode, Yaml};
use serde_json::{Map, Value, json};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// A file of the repository.
pub(crate) fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The first document of a YAML file, with `!Ref x` as `{"Ref": x}` and `!Sub x` as `{"Fn::Sub": x}`.
pub(crate) fn yaml(source: &str) -> Value {
    let documents = Yaml::load_from_str(source).unwrap();
    plain(documents.first().unwrap())
}

fn plain(node: &Yaml<'_>) -> Value {
    if let Yaml::Tagged(tag, inner) = node {
        return written_out(&tag.suffix, &plain(inner));
    }
    if let Some(map) = node.as_mapping() {
        return map.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), plain(value))).collect();
    }
    if let Some(list) = node.as_sequence() {
        return list.iter().map(plain).collect();
    }
    scalar(node)
}

fn scalar(node: &Yaml<'_>) -> Value {
    if let Some(text) = node.as_str() {
        return json!(text);
    }
    if let Some(flag) = node.as_bool() {
        return json!(flag);
    }
    if let Some(number) = node.as_integer() {
        return json!(number);
    }
    if let Some(number) = node.as_floating_point() {
        return json!(number);
    }
    Value::Null
}

fn written_out(tag: &str, value: &Value) -> Value {
    match tag {
        "Ref" | "Condition" => json!({ tag: value }),
        "GetAtt" => {
            let path: Vec<_> = value.as_str().unwrap().splitn(2, '.').collect();
            json!({ "Fn::GetAtt": path })
        }
        _ => json!({ (format!("Fn::{tag}")): value }),
    }
}

/// A key schema of two attributes.
pub(crate) fn keys(hash: &str, range: &str) -> Value {
    json!([{ "AttributeName": hash, "KeyType": "HASH" }, { "AttributeName": range, "KeyType": "RANGE" }])
}

/// One statement of a policy.
pub(crate) struct Statement {
    pub(crate) effect: String,
    pub(crate) actions: Vec<String>,
    pub(crate) resources: Vec<String>,
}

/// A template.
pub(crate) struct Template(Value);

impl Template {
    /// The product's own.
    pub(crate) fn main() -> Self {
        Self::read("template.yaml")
    }

    /// The one in this file.
    pub(crate) fn read(path: &str) -> Self {
        Self(yaml(&text(path)))
    }

    /// One resource, with its type and properties.
    pub(crate) fn resource(&self, id: &str) -> &Value {
        self.0["Resources"].get(id).unwrap_or_else(|| panic!("no resource {id}"))
    }

    /// The resource that a `Ref` or `Fn::GetAtt` names.
    pub(crate) fn referred(&self, reference: &Value) -> &Value {
        let named = reference.get("Ref").or_else(|| reference["Fn::GetAtt"].get(0));
        self.resource(named.and_then(Value::as_str).unwrap_or_else(|| panic!("not a reference: {reference}")))
    }

    /// One parameter; null if there is none.
    pub(crate) fn parameter(&self, name: &str) -> &Value {
        &self.0["Parameters"][name]
    }

    /// Identifiers and properties of all resources of a type.
    pub(crate) fn of_type(&self, kind: &str) -> Vec<(String, Value)> {
        let all = self.0["Resources"].as_object().unwrap().iter();
        all.filter(|(_, resource)| resource["Type"] == kind)
            .map(|(id, resource)| (id.clone(), resource["Properties"].clone()))
            .collect()
    }

    /// Every function's properties, those of `Globals` included.
    pub(crate) fn functions(&self) -> BTreeMap<String, Value> {
        let globals = &self.0["Globals"]["Function"];
        let own = self.of_type("AWS::Serverless::Function").into_iter();
        own.map(|(id, function)| (id, over(globals, &function))).collect()
    }

    /// Every queue that feeds a function: the function's name and properties, and the mapping.
    pub(crate) fn mappings(&self) -> Vec<(String, Value, Value)> {
        let mut found = Vec::new();
        for (name, function) in self.functions() {
            let events = function["Events"].as_object().cloned().unwrap_or_default();
            for event in events.values().filter(|event| event["Type"] == "SQS") {
                found.push((name.clone(), function.clone(), event["Properties"].clone()));
            }
        }
        found
    }

    /// Every statement of every policy, with the resource it stands in; who may assume a role is not one.
    pub(crate) fn statements(&self) -> Vec<(String, Statement)> {
        let roles = self.of_type("AWS::IAM::Role").into_iter();
        let policies = self.of_type("AWS::IAM::ManagedPolicy").into_iter();
        roles
            .flat_map(|(id, role)| inline(&role).into_iter().map(move |statement| (id.clone(), statement)))
            .chain(policies.flat_map(|(id, policy)| {
                read(&policy["PolicyDocument"]).into_iter().map(move |statement| (id.clone(), statement))
            }))
            .collect()
    }

    /// Everything the role that `reference` names allows, sorted.
    pub(crate) fn actions_of(&self, reference: &Value) -> Vec<String> {
        let role = &self.referred(reference)["Properties"];
        let mut statements = inline(role);
        for policy in role["ManagedPolicyArns"].as_array().unwrap() {
            statements.extend(read(&self.referred(policy)["Properties"]["PolicyDocument"]));
        }
        let mut actions: Vec<_> = statements.into_iter().flat_map(|statement| statement.actions).collect();
        actions.sort();
        actions
    }
}

fn inline(role: &Value) -> Vec<Statement> {
    list(&role["Policies"]).iter().flat_map(|policy| read(&policy["PolicyDocument"])).collect()
}

fn read(document: &Value) -> Vec<Statement> {
    let texts = |value: &Value| list(value).iter().map(words).collect();
    list(&document["Statement"])
        .iter()
        .map(|statement| Statement {
            effect: words(&statement["Effect"]),
            actions: texts(&statement["Action"]),
            resources: texts(&statement["Resource"]),
        })
        .collect()
}

/// IAM lets a list of one be written as the one.
fn list(value: &Value) -> Vec<Value> {
    if value.is_null() {
        return Vec::new();
    }
    value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
}

fn words(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// `own` laid over `globals`, maps merged, anything else replaced, as SAM does.
fn over(globals: &Value, own: &Value) -> Value {
    let (Some(below), Some(above)) = (globals.as_object(), own.as_object()) else {
        return own.clone();
    };
    let mut merged: Map<_, _> = below.clone();
    for (key, value) in above {
        let under = merged.get(key).unwrap_or(&Value::Null);
        let value = over(under, value);
        merged.insert(key.clone(), value);
    }
    Value::Object(merged)
}
