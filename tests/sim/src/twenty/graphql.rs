//! `/graphql`: the generated operations on records. Always HTTP 200; one token per root field.

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use super::auth::{self, Caller, Stranger};
use super::document::{self, Asked};
use super::filter::Filter;
use super::grammar;
use super::graph_render::{connection, node, search};
use super::list::{self, Query};
use super::refusal::Refusal;
use super::render::Renderer;
use super::rest::{json as answer, not_understood};
use super::server::{Fate, Server, Target};
use super::space::{Space, capital};
use super::value;

/// What a root field does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    List,
    Find,
    Search,
    Create {
        many: bool,
    },
    Update {
        many: bool,
    },
    Change {
        fate: Fate,
        many: bool,
    },
    /// Switching workflow versions on and off, which no key may.
    Workflow,
    /// A real server has it, this one does not.
    Unlearnt,
}

/// The text of a JSON value, or the refusal of one root field.
type Outcome = Result<String, Refusal>;

/// `POST /graphql`
pub(super) async fn handle(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, 10 * 1024 * 1024).await.unwrap_or_default();
    let Ok(body) = String::from_utf8_lossy(&bytes).parse::<Value>() else {
        return answer(
            400,
            r#"{"message":"Unexpected token in JSON","error":"Bad Request","statusCode":400}"#,
        );
    };
    let caller = auth::caller(&server.state.lock().unwrap(), &parts.headers, server.clock.now_ms());
    if let Some(refused) = caller.as_ref().err().and_then(|stranger| stranger.graph()) {
        return answer(200, refused.to_string());
    }
    let operation = match document::read(&body) {
        Ok(operation) => operation,
        Err(error) => return answer(200, json!({"errors": [error]}).to_string()),
    };
    let root = if operation.mutation { "Mutation" } else { "Query" };
    let caller = match caller {
        Ok(caller) => caller,
        Err(stranger) => {
            debug_assert_eq!(stranger, Stranger::NoToken, "every other stranger was answered above");
            let errors: Vec<Value> = operation.roots.iter().map(|asked| asked.unknown(root)).collect();
            return answer(200, json!({"errors": errors}).to_string());
        }
    };
    let mut planned = Vec::new();
    for asked in &operation.roots {
        match server.with(&caller, |space| verb(space, &asked.name, operation.mutation)) {
            None => return answer(200, json!({"errors": [asked.unknown(root)]}).to_string()),
            Some((Verb::Unlearnt, _)) => return not_understood(&server, &format!("GraphQL {}", asked.name)),
            Some((verb, object)) => planned.push((asked, verb, object)),
        }
    }
    for (at, asked) in operation.roots.iter().enumerate() {
        if operation.roots.iter().skip(at + 1).any(|other| other.name == asked.name) {
            let error = json!({
                "message": format!("Duplicate root resolver: \"{}\"", asked.name),
                "extensions": {"code": "BAD_USER_INPUT"},
            });
            return answer(200, json!({"data": {}, "errors": [error]}).to_string());
        }
    }
    let runs = planned.into_iter().map(|(asked, verb, object)| run(&server, &caller, asked, verb, object));
    let outcomes = join_all(runs).await;
    answer(200, together(&server, &caller, &operation.roots, outcomes))
}

/// All root fields in one answer, with the errors of those that were refused.
fn together(server: &Server, caller: &Caller, roots: &[Asked], outcomes: Vec<Outcome>) -> String {
    let (mut data, mut errors) = (Vec::new(), Vec::new());
    for (asked, outcome) in roots.iter().zip(outcomes) {
        match outcome {
            Ok(text) => data.push(format!("\"{}\":{text}", asked.key)),
            Err(refusal) => {
                server.refused(caller, &refusal);
                data.push(format!("\"{}\":null", asked.key));
                errors.push(refusal.graph_error());
            }
        }
    }
    let data = data.join(",");
    if errors.is_empty() {
        return format!("{{\"data\":{{{data}}}}}");
    }
    format!("{{\"data\":{{{data}}},\"errors\":{}}}", Value::from(errors))
}

/// Which operation a root field is, and the number of its object.
fn verb(space: &Space, name: &str, mutation: bool) -> Option<(Verb, usize)> {
    if mutation && matches!(name, "activateWorkflowVersion" | "deactivateWorkflowVersion") {
        return Some((Verb::Workflow, 0));
    }
    if !mutation && name == "search" {
        return Some((Verb::Search, 0));
    }
    for (number, object) in space.objects.iter().enumerate().filter(|(_, object)| object.active) {
        let (one, many) = (&object.singular, &object.plural);
        if !mutation {
            let verb = match name {
                _ if name == many => Verb::List,
                _ if name == one => Verb::Find,
                _ if name == format!("{many}GroupBy") || name == format!("{one}Duplicates") => Verb::Unlearnt,
                _ => continue,
            };
            return Some((verb, number));
        }
        for (subject, many) in [(capital(one), false), (capital(many), true)] {
            let Some(verb) = name.strip_suffix(&subject) else {
                continue;
            };
            let verb = match verb {
                "create" => Verb::Create { many },
                "update" => Verb::Update { many },
                "delete" => Verb::Change { fate: Fate::SoftDelete, many },
                "destroy" => Verb::Change { fate: Fate::Destroy, many },
                "restore" => Verb::Change { fate: Fate::Restore, many },
                "merge" => Verb::Unlearnt,
                _ => continue,
            };
            return Some((verb, number));
        }
    }
    None
}

async fn run(server: &Server, caller: &Caller, asked: &Asked, verb: Verb, object: usize) -> Outcome {
    let writes = !matches!(verb, Verb::List | Verb::Find | Verb::Search);
    server.admit(caller, &format!("graphql {}", asked.name), writes)?;
    let arguments = &asked.arguments;
    match verb {
        Verb::Workflow | Verb::Unlearnt => Err(Refusal::denied()),
        Verb::Search => Ok(server.with(caller, |space| search(space, asked))),
        Verb::List => server.with(caller, |space| list(server, space, asked, object)),
        Verb::Find => server.with(caller, |space| find(server, space, asked, object)),
        Verb::Create { many } => {
            let upsert = arguments["upsert"] == json!(true);
            let inputs = match &arguments["data"] {
                Value::Array(items) if many => items.as_slice(),
                one => std::slice::from_ref(one),
            };
            let ids = server.create(caller, object, inputs, upsert).await?;
            Ok(server.with(caller, |space| shown(server, space, asked, object, (&ids, many))))
        }
        Verb::Update { many } => {
            let filter = server.with(caller, |space| target(space, object, arguments, many))?;
            let ids = server.update(caller, object, filter.as_target(), &arguments["data"]).await?;
            Ok(server.with(caller, |space| shown(server, space, asked, object, (&ids, many))))
        }
        Verb::Change { fate, many } => {
            let filter = server.with(caller, |space| target(space, object, arguments, many))?;
            let before = server.with(caller, |space| match (fate, &filter) {
                (Fate::Destroy, Named::One(id)) => Some(shown(server, space, asked, object, (&[*id], many))),
                _ => None,
            });
            let ids = server.change_fate(caller, object, &filter.as_target(), fate)?;
            let after = || server.with(caller, |space| shown(server, space, asked, object, (&ids, many)));
            Ok(before.unwrap_or_else(after))
        }
    }
}

/// The records a mutation names.
enum Named {
    One(Uuid),
    Matching(Filter),
}

impl Named {
    fn as_target(&self) -> Target<'_> {
        match self {
            Self::One(id) => Target::One(*id),
            Self::Matching(filter) => Target::Matching(filter),
        }
    }
}

fn target(space: &Space, object: usize, arguments: &Value, many: bool) -> Result<Named, Refusal> {
    if many {
        return grammar::graph_filter(space, object, &arguments["filter"]).map(Named::Matching);
    }
    value::uuid("id", &arguments["id"]).map(Named::One)
}

fn shown(
    server: &Server,
    space: &Space,
    asked: &Asked,
    object: usize,
    (ids, many): (&[Uuid], bool),
) -> String {
    let target = &space.objects[object];
    let mut renderer = Renderer::new(space, server.base());
    if many {
        renderer.out.push('[');
    }
    for (at, id) in ids.iter().enumerate() {
        if at > 0 {
            renderer.out.push(',');
        }
        match target.table.get(id) {
            Some(row) => node(&mut renderer, target, row, &asked.inner),
            None => renderer.out.push_str(&document::projected(&json!({"id": id}), &asked.inner).to_string()),
        }
    }
    if many {
        renderer.out.push(']');
    }
    renderer.out
}

fn list(server: &Server, space: &Space, asked: &Asked, object: usize) -> Outcome {
    let arguments = &asked.arguments;
    let count =
        |name: &str| arguments[name].as_u64().map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    let text = |name: &str| arguments[name].as_str().map(ToOwned::to_owned);
    let given = |name: &str| Some(&arguments[name]).filter(|value| !value.is_null());
    let query = Query {
        filter: given("filter").map(|filter| grammar::graph_filter(space, object, filter)).transpose()?,
        order: given("orderBy")
            .map(|order| grammar::graph_order(space, object, order))
            .transpose()?
            .unwrap_or_default(),
        limit: count("first").or_else(|| count("last")).unwrap_or(60),
        after: text("after"),
        before: text("before"),
        offset: count("offset").unwrap_or_default(),
    };
    let page = list::page(space, object, &query)?;
    let mut renderer = Renderer::new(space, server.base());
    connection(&mut renderer, &space.objects[object], &page, &query.order, asked);
    Ok(renderer.out)
}

fn find(server: &Server, space: &Space, asked: &Asked, object: usize) -> Outcome {
    let filter = grammar::graph_filter(space, object, &asked.arguments["filter"])?;
    let rows = list::matching(space, object, Some(&filter));
    let row = rows.first().ok_or_else(Refusal::not_found)?;
    let mut renderer = Renderer::new(space, server.base());
    node(&mut renderer, &space.objects[object], row, &asked.inner);
    Ok(renderer.out)
}
