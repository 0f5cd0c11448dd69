//! `/metadata`: objects, fields, webhooks and the workspace by GraphQL. Costs no token.

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::auth::{self, Caller};
use super::document::{self, Asked, projected};
use super::rest::{json as answer, not_understood};
use super::server::Server;
use super::space::{Object, Role, Space};
use super::trouble::Trouble;
use super::{files, metadata, metadata_shown, rest_metadata};

/// `POST /metadata`
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
    let caller = match caller {
        Ok(caller) => caller,
        Err(stranger) => {
            let forbidden = || json!({"errors": [Trouble::forbidden_resource()], "data": null});
            return answer(200, stranger.graph().unwrap_or_else(forbidden).to_string());
        }
    };
    let operation = match document::read(&body) {
        Ok(operation) => operation,
        Err(error) => return answer(200, json!({"errors": [error]}).to_string()),
    };
    let mut data = Map::new();
    for asked in &operation.roots {
        match root(&server, &caller, asked, operation.mutation) {
            None => return not_understood(&server, &format!("metadata GraphQL {}", asked.name)),
            Some(Err(error)) => return answer(200, json!({"errors": [error], "data": null}).to_string()),
            Some(Ok(value)) => drop(data.insert(asked.key.clone(), projected(&value, &asked.inner))),
        }
    }
    answer(200, json!({"data": data}).to_string())
}

/// The whole value of a root field, or a GraphQL error; nothing if it is not known here.
fn root(server: &Server, caller: &Caller, asked: &Asked, mutation: bool) -> Option<Result<Value, Value>> {
    let admin = caller.key.role == Role::Admin;
    let name = asked.name.as_str();
    if matches!(name, "currentUser" | "generateTransientToken") {
        return Some(Err(Trouble::forbidden_resource()));
    }
    let guarded = mutation || name.starts_with("webhook");
    if guarded && !admin && !name.ends_with("FileUpload") {
        return Some(Err(Trouble::denied(403).error));
    }
    let arguments = &asked.arguments;
    let now = server.clock.now_ms();
    let done = if mutation {
        mutate(server, caller, name, arguments, now)
    } else {
        server.with(caller, |space| query(space, name, arguments))
    };
    done.map(|done| done.map_err(|trouble| trouble.error))
}

type Reply = Option<Result<Value, Trouble>>;

fn query(space: &Space, name: &str, arguments: &Value) -> Reply {
    let id = || arguments["id"].as_str().and_then(|id| Uuid::try_parse(id).ok()).unwrap_or_default();
    let webhook = |webhook: &super::webhook::Webhook| webhook.shown(space.id);
    Some(Ok(match name {
        "currentWorkspace" => json!({
            "id": space.id, "displayName": space.display_name, "metadataVersion": space.metadata_version,
            "activationStatus": "ACTIVE", "subdomain": "simulated", "logo": null, "deletedAt": null,
            "createdAt": crate::clock::iso(space.created_at), "updatedAt": crate::clock::iso(space.created_at),
        }),
        "objects" => {
            let mut all: Vec<&Object> = space.objects.iter().collect();
            all.sort_by_key(|object| std::cmp::Reverse(object.id));
            connection(all.into_iter().map(|object| whole(space, object)).collect(), &arguments["paging"])
        }
        "object" => match space.object(id()) {
            Some(object) => whole(space, object),
            None => return Some(Err(Trouble::no_such_object())),
        },
        "fields" => {
            let fields = space
                .objects
                .iter()
                .flat_map(|object| object.fields().map(move |(_, field)| (object, field)));
            let all =
                fields.map(|(object, field)| metadata_shown::whole_field(space, object, field)).collect();
            connection(all, &arguments["paging"])
        }
        "field" => match metadata::find_field(space, id()) {
            Ok((object, at)) => field(space, object, at),
            Err(trouble) => return Some(Err(trouble)),
        },
        "webhooks" => space.webhooks.iter().map(webhook).collect(),
        "webhook" => space.webhooks.iter().find(|one| one.id == id()).map(webhook).unwrap_or_default(),
        _ => return None,
    }))
}

fn field(space: &Space, object: usize, at: usize) -> Value {
    let object = &space.objects[object];
    metadata_shown::whole_field(space, object, &object.fields[at])
}

/// An object with its fields as a list and as a connection, and its unique indexes.
fn whole(space: &Space, object: &Object) -> Value {
    let mut shown = metadata_shown::whole_object(space, object, |field| {
        metadata_shown::whole_field(space, object, field)
    });
    let fields = shown["fields"].take();
    let indexes = object.fields().filter(|(_, field)| field.unique).map(|(_, field)| {
        json!({
            "id": Uuid::new_v5(&field.id, b"index"), "name": format!("IDX_UNIQUE_{}", field.name),
            "isUnique": true, "indexType": "BTREE", "isCustom": !field.standard, "indexWhereClause": null,
            "indexFieldMetadataList": [{"fieldMetadataId": field.id, "order": 0}],
        })
    });
    shown["indexMetadataList"] = indexes.collect();
    shown["fields"] = connection(fields.as_array().cloned().unwrap_or_default(), &Value::Null);
    shown["fieldsList"] = fields;
    shown
}

fn connection(all: Vec<Value>, paging: &Value) -> Value {
    let start = match paging["after"].as_str() {
        Some(after) => all.iter().position(|node| node["id"].as_str() == Some(after)).map_or(0, |at| at + 1),
        None => 0,
    };
    let first =
        paging["first"].as_u64().map_or(all.len(), |first| usize::try_from(first).unwrap_or(usize::MAX));
    let more = all.len() > start.saturating_add(first);
    let page: Vec<Value> = all.into_iter().skip(start).take(first).collect();
    let edges: Vec<Value> = page.iter().map(|node| json!({"node": node, "cursor": node["id"]})).collect();
    json!({
        "pageInfo": {
            "hasNextPage": more, "hasPreviousPage": start > 0,
            "startCursor": page.first().map(|node| &node["id"]), "endCursor": page.last().map(|node| &node["id"]),
        },
        "edges": edges,
    })
}

fn mutate(server: &Server, caller: &Caller, name: &str, arguments: &Value, now: i64) -> Reply {
    let input = &arguments["input"];
    let id_in =
        |value: &Value| value["id"].as_str().and_then(|id| Uuid::try_parse(id).ok()).unwrap_or_default();
    let id = id_in(input);
    let base = server.base();
    server.with(caller, |space| {
        let shown_field =
            |space: &Space, id| metadata::find_field(space, id).map(|(object, at)| field(space, object, at));
        let shown_object = |space: &Space, id| {
            space.object(id).map(|object| whole(space, object)).ok_or_else(Trouble::no_such_object)
        };
        Some(match name {
            "createOneField" => {
                metadata::create_field(space, &input["field"], now).and_then(|id| shown_field(space, id))
            }
            "updateOneField" => {
                metadata::update_field(space, id, &input["update"], now).and_then(|()| shown_field(space, id))
            }
            "deleteOneField" => metadata::delete_field(space, id),
            "createOneObject" => {
                metadata::create_object(space, &input["object"], now).and_then(|id| shown_object(space, id))
            }
            "updateOneObject" => metadata::update_object(space, id, &input["update"], now)
                .and_then(|()| shown_object(space, id)),
            "deleteOneObject" => metadata::delete_object(space, id),
            "createWebhook" => rest_metadata::create_webhook(space, input, now),
            "updateWebhook" => rest_metadata::update_webhook(space, id, &input["update"], now),
            "deleteWebhook" => rest_metadata::delete_webhook(space, id_in(arguments)),
            "createFileUpload" => Ok(files::create(space, arguments, base, now)),
            "completeFileUpload" => {
                let id =
                    arguments["fileId"].as_str().and_then(|id| Uuid::try_parse(id).ok()).unwrap_or_default();
                let size = space.files.get(&id).and_then(|file| file["stored"].as_u64());
                let size = size.map(|size| usize::try_from(size).unwrap_or_default());
                let done = size.and_then(|size| files::complete(space, id, size, base, now));
                done.ok_or_else(|| Trouble::bad_request("File upload not found"))
            }
            _ => return None,
        })
    })
}
