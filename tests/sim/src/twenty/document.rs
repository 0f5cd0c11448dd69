//! A GraphQL document as a tree of what is asked for: fragments opened, variables filled in.

use async_graphql_parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
};
use async_graphql_parser::types::{Selection, SelectionSet};
use async_graphql_parser::{Error, parse_query};
use async_graphql_value::{ConstValue, Value as Argument};
use serde_json::{Map, Value, json};

/// One asked field.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The key of the answer: the alias, or the name.
    pub key: String,
    pub name: String,
    pub arguments: Value,
    pub inner: Vec<Asked>,
    line: usize,
    column: usize,
}

/// An operation.
#[derive(Debug)]
pub(super) struct Operation {
    pub mutation: bool,
    pub roots: Vec<Asked>,
}

impl Asked {
    pub(super) fn find(&self, name: &str) -> Option<&Self> {
        self.inner.iter().find(|asked| asked.name == name)
    }

    /// `Cannot query field …` where this field stands.
    pub(super) fn unknown(&self, root: &str) -> Value {
        json!({
            "message": format!("Cannot query field \"{}\" on type \"{root}\".", self.name),
            "locations": [{"line": self.line, "column": self.column}],
        })
    }
}

/// Reads the body of a request; the error is a GraphQL error.
pub(super) fn read(body: &Value) -> Result<Operation, Value> {
    let text = body["query"].as_str().unwrap_or_default();
    let document = parse_query(text).map_err(|error| syntax(text, &error))?;
    let operation = chosen(&document, body["operationName"].as_str()).ok_or_else(
        || json!({"message": "Must provide operation name if query contains multiple operations."}),
    )?;
    let mut variables = Map::new();
    for definition in &operation.variable_definitions {
        let definition = &definition.node;
        let name = definition.name.node.as_str();
        let given = body["variables"].get(name).cloned();
        let default = definition.default_value().map(constant);
        if let Some(value) = given.or(default) {
            variables.insert(name.to_owned(), value);
        }
    }
    let reader = Reader { document: &document, variables };
    let mut roots = Vec::new();
    reader.open(&operation.selection_set.node, &mut roots);
    Ok(Operation { mutation: operation.ty == OperationType::Mutation, roots })
}

fn chosen<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Option<&'a OperationDefinition> {
    match &document.operations {
        DocumentOperations::Single(operation) => Some(&operation.node),
        DocumentOperations::Multiple(all) => {
            let found = all.iter().find(|(key, _)| Some(key.as_str()) == name);
            found
                .or_else(|| all.iter().next().filter(|_| all.len() == 1))
                .map(|(_, operation)| &operation.node)
        }
    }
}

/// The parser's complaint in the words of the server's own parser.
fn syntax(text: &str, error: &Error) -> Value {
    let position = error.positions().next().unwrap_or_default();
    let line = text.lines().nth(position.line.saturating_sub(1)).unwrap_or_default();
    let rest: String = line.chars().skip(position.column.saturating_sub(1)).collect();
    let message = match rest.trim().chars().next() {
        None => "Syntax Error: Expected Name, found <EOF>.".to_owned(),
        Some(found) => format!("Syntax Error: Unexpected \"{found}\"."),
    };
    json!({"message": message, "locations": [{"line": position.line, "column": position.column}]})
}

struct Reader<'a> {
    document: &'a ExecutableDocument,
    variables: Map<String, Value>,
}

impl Reader<'_> {
    fn open(&self, set: &SelectionSet, into: &mut Vec<Asked>) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let (position, field) = (field.pos, &field.node);
                    let name = field.name.node.to_string();
                    let mut inner = Vec::new();
                    self.open(&field.selection_set.node, &mut inner);
                    let arguments = field
                        .arguments
                        .iter()
                        .map(|(name, value)| (name.node.to_string(), self.argument(&value.node)));
                    into.push(Asked {
                        key: field
                            .alias
                            .as_ref()
                            .map_or_else(|| name.clone(), |alias| alias.node.to_string()),
                        name,
                        arguments: Value::Object(arguments.collect()),
                        inner,
                        line: position.line,
                        column: position.column,
                    });
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = self.document.fragments.get(&spread.node.fragment_name.node);
                    if let Some(fragment) = fragment {
                        self.open(&fragment.node.selection_set.node, into);
                    }
                }
                Selection::InlineFragment(fragment) => self.open(&fragment.node.selection_set.node, into),
            }
        }
    }

    fn argument(&self, argument: &Argument) -> Value {
        match argument {
            Argument::Variable(name) => self.variables.get(name.as_str()).cloned().unwrap_or_default(),
            Argument::Null | Argument::Binary(_) => Value::Null,
            Argument::Number(number) => Value::Number(number.clone()),
            Argument::String(text) => Value::String(text.clone()),
            Argument::Boolean(flag) => Value::Bool(*flag),
            Argument::Enum(name) => Value::String(name.to_string()),
            Argument::List(items) => items.iter().map(|item| self.argument(item)).collect(),
            Argument::Object(map) => {
                map.iter().map(|(name, value)| (name.to_string(), self.argument(value))).collect()
            }
        }
    }
}

fn constant(value: &ConstValue) -> Value {
    value.clone().into_json().unwrap_or_default()
}

/// The asked part of a value that is there as a whole; what is not in it is null.
pub(super) fn projected(value: &Value, asked: &[Asked]) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| projected(item, asked)).collect(),
        Value::Object(map) if !asked.is_empty() => asked
            .iter()
            .map(|asked| {
                let found = map.get(&asked.name).unwrap_or(&Value::Null);
                (asked.key.clone(), projected(found, &asked.inner))
            })
            .collect(),
        other => other.clone(),
    }
}
