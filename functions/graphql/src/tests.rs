//! The published schema is the one that runs, and a document cannot hurt us.

use std::path::Path;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{FieldDefinition, InputValueDefinition, TypeKind, TypeSystemDefinition};

use super::*;

const PUBLISHED: &str = include_str!("../schema.graphql");

#[test]
#[expect(clippy::disallowed_methods, reason = "a switch for the developer, not configuration")]
fn the_published_schema_is_the_one_that_runs() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
    let running = api().sdl();

    if std::env::var("RENEW_SCHEMA").is_ok() {
        std::fs::write(&file, &running).unwrap();
        return;
    }

    let stale = "schema.graphql is stale; renew it with: RENEW_SCHEMA=1 cargo test --locked -p graphql published_schema";
    assert!(running == PUBLISHED, "{stale}");
}

#[test]
fn every_part_of_the_schema_is_described() {
    let bare: Vec<String> = described_parts(PUBLISHED)
        .into_iter()
        .filter_map(|(name, is_described)| (!is_described).then_some(name))
        .collect();

    assert_eq!(bare, Vec::<String>::new());
}

/// Every type, field, argument and enum value of a schema, and whether it has a description.
fn described_parts(sdl: &str) -> Vec<(String, bool)> {
    let mut parts = Vec::new();
    for definition in parse_schema(sdl).unwrap().definitions {
        let TypeSystemDefinition::Type(it) = definition else {
            continue;
        };
        let name = it.node.name.node.to_string();
        parts.push((name.clone(), it.node.description.is_some()));
        match it.node.kind {
            TypeKind::Object(object) => {
                parts.extend(object.fields.iter().flat_map(|field| of_field(&name, &field.node)));
            }
            TypeKind::InputObject(input) => {
                parts.extend(input.fields.iter().map(|field| of_input(&name, &field.node)));
            }
            TypeKind::Enum(it) => parts.extend(it.values.iter().map(|value| {
                (format!("{name}.{}", value.node.value.node), value.node.description.is_some())
            })),
            TypeKind::Scalar | TypeKind::Interface(_) | TypeKind::Union(_) => {}
        }
    }
    parts
}

fn of_field(parent: &str, field: &FieldDefinition) -> Vec<(String, bool)> {
    let name = format!("{parent}.{}", field.name.node);
    let arguments = field.arguments.iter().map(|it| of_input(&name, &it.node));
    let own = (name.clone(), field.description.is_some());
    std::iter::once(own).chain(arguments).collect()
}

fn of_input(parent: &str, input: &InputValueDefinition) -> (String, bool) {
    (format!("{parent}.{}", input.name.node), input.description.is_some())
}

#[tokio::test]
async fn a_document_nested_without_end_is_refused_and_not_run() {
    for (open, close) in [("{a", "}"), ("{a(b:[", "])}"), ("{a(b:{c:", "})}")] {
        let levels = LARGEST_BODY / (open.len() + close.len());
        let document = format!("{}{}", open.repeat(levels), close.repeat(levels));

        let answer = api().execute(document).await;

        assert!(answer.is_err());
    }
}

#[tokio::test]
async fn a_document_that_nests_too_deep_is_refused() {
    let wrapped = format!("{}name{}", "{ ofType ".repeat(12), " }".repeat(12));

    let answer = api().execute(format!("{{ __schema {{ types {{ fields {{ type {wrapped} }} }} }} }}")).await;

    assert_eq!(messages(&answer), ["Query is nested too deep."]);
}

#[tokio::test]
async fn a_document_that_costs_too_much_is_refused() {
    let streams =
        "streams { name seen written linked unchanged skipped { reason count } failed { reason count } }";
    let runs = |name| format!("{name}: runs(first: 100) {{ id kind state reason percent {streams} }}");
    let document = format!("{{ {} {} {} {} }}", runs("a"), runs("b"), runs("c"), runs("d"));

    let answer = api().execute(document).await;

    assert_eq!(messages(&answer), ["Query is too complex."]);
}

fn messages(answer: &Response) -> Vec<&str> {
    answer.errors.iter().map(|error| error.message.as_str()).collect()
}

#[tokio::test]
async fn an_error_of_ours_is_told_in_our_words_with_its_code() {
    let mut answer = api().execute("{ workspace { name } }").await;

    for error in &mut answer.errors {
        explain(error, "req-1");
    }

    let told = serde_json::to_value(&answer.errors).unwrap();
    assert_eq!(told[0]["message"], Error::new(Kind::Bug).advice());
    assert_eq!(told[0]["extensions"]["code"], "INTERNAL");
    assert_eq!(told[0]["extensions"]["requestId"], "req-1");
}
