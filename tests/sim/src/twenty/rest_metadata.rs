//! `/rest/metadata/{objects,fields,webhooks}`. Costs no token.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::auth::Caller;
use super::metadata;
use super::metadata_shown;
use super::rest::{Call, json as answer, not_understood};
use super::server::Server;
use super::space::{Role, Space};
use super::trouble::Trouble;
use super::webhook::Webhook;

type Outcome<T> = Result<T, Trouble>;

pub(super) fn handle(server: &Server, caller: &Caller, call: &Call) -> Response {
    let segments: Vec<&str> = call.segments.iter().skip(1).map(String::as_str).collect();
    let method = call.method.as_str();
    let done = match segments.as_slice() {
        ["objects" | "fields", ..] if caller.key.role != Role::Admin => Some(Err(Trouble::denied(403))),
        ["webhooks", ..] if caller.key.role != Role::Admin => Some(Err(Trouble::denied(400))),
        ["objects"] => objects(server, caller, call),
        ["fields"] => fields(server, caller, call),
        ["objects", id] => with_id(id, Trouble::no_such_object, |id| object(server, caller, call, id)),
        ["fields", id] => with_id(id, Trouble::no_field, |id| field(server, caller, call, id)),
        ["webhooks"] => webhooks(server, caller, method, &call.body),
        ["webhooks", id] => with_id(id, Trouble::no_webhook, |id| webhook(server, caller, call, id)),
        _ => None,
    };
    match done {
        None => not_understood(server, &call.line),
        Some(Ok((status, body))) => answer(status, body.to_string()),
        Some(Err(Trouble { status, body: Value::String(text), .. })) => {
            (StatusCode::from_u16(status).expect("a status of ours"), text).into_response()
        }
        Some(Err(trouble)) => answer(trouble.status, trouble.body.to_string()),
    }
}

type Reply = Option<Outcome<(u16, Value)>>;

fn with_id(text: &str, missing: fn() -> Trouble, run: impl FnOnce(Uuid) -> Reply) -> Reply {
    match Uuid::try_parse(text) {
        Ok(id) => run(id),
        Err(_) => Some(Err(missing())),
    }
}

/// A page of things that are sorted by id, last first, as the server sorts them.
fn paged(call: &Call, mut all: Vec<Value>) -> Value {
    let id = |value: &Value| value["id"].as_str().unwrap_or_default().to_owned();
    all.sort_by_key(|value| std::cmp::Reverse(id(value)));
    let total = all.len();
    let limit = call.parameter("limit").and_then(|text| text.parse().ok()).unwrap_or(60);
    if let Some(after) = call.parameter("starting_after") {
        all.retain(|value| id(value).as_str() < after);
    }
    let more = all.len() > limit;
    all.truncate(limit);
    json!({
        "pageInfo": {
            "hasNextPage": more, "startCursor": all.first().map(id), "endCursor": all.last().map(id),
        },
        "data": all, "totalCount": total,
    })
}

fn objects(server: &Server, caller: &Caller, call: &Call) -> Reply {
    let now = server.clock.now_ms();
    server.with(caller, |space| match call.method.as_str() {
        "GET" => {
            let all = space.objects.iter().map(|object| metadata_shown::read_object(space, object)).collect();
            Some(Ok((200, paged(call, all))))
        }
        "POST" => {
            Some(metadata::create_object(space, &call.body, now).map(|id| (201, shown_object(space, id))))
        }
        _ => None,
    })
}

fn shown_object(space: &Space, id: Uuid) -> Value {
    space.object(id).map(|object| metadata_shown::made_object(space, object)).unwrap_or_default()
}

fn object(server: &Server, caller: &Caller, call: &Call, id: Uuid) -> Reply {
    let now = server.clock.now_ms();
    server.with(caller, |space| match call.method.as_str() {
        "GET" => Some(
            space
                .object(id)
                .map(|object| (200, metadata_shown::read_object(space, object)))
                .ok_or_else(Trouble::no_such_object),
        ),
        "PATCH" | "PUT" => {
            let done = metadata::update_object(space, id, &call.body, now);
            Some(done.map(|()| (200, shown_object(space, id))))
        }
        "DELETE" => Some(metadata::delete_object(space, id).map(|shown| (200, shown))),
        _ => None,
    })
}

fn fields(server: &Server, caller: &Caller, call: &Call) -> Reply {
    let now = server.clock.now_ms();
    server.with(caller, |space| match call.method.as_str() {
        "GET" => {
            let fields = space
                .objects
                .iter()
                .flat_map(|object| object.fields().map(move |(_, field)| (object, field)));
            let all =
                fields.map(|(object, field)| metadata_shown::read_field(space, object, field)).collect();
            Some(Ok((200, paged(call, all))))
        }
        "POST" => {
            let made = metadata::create_field(space, &call.body, now);
            Some(made.and_then(|id| shown_field(space, id)).map(|shown| (201, shown)))
        }
        _ => None,
    })
}

fn shown_field(space: &Space, id: Uuid) -> Outcome<Value> {
    let (object, at) = metadata::find_field(space, id)?;
    let object = &space.objects[object];
    Ok(metadata_shown::made_field(space, object, &object.fields[at]))
}

fn field(server: &Server, caller: &Caller, call: &Call, id: Uuid) -> Reply {
    let now = server.clock.now_ms();
    server.with(caller, |space| match call.method.as_str() {
        "GET" => Some(metadata::find_field(space, id).map(|(object, at)| {
            let object = &space.objects[object];
            (200, metadata_shown::read_field(space, object, &object.fields[at]))
        })),
        "PATCH" | "PUT" => {
            let done = metadata::update_field(space, id, &call.body, now);
            Some(done.and_then(|()| shown_field(space, id)).map(|shown| (200, shown)))
        }
        "DELETE" => Some(metadata::delete_field(space, id).map(|shown| (200, shown))),
        _ => None,
    })
}

fn webhooks(server: &Server, caller: &Caller, method: &str, body: &Value) -> Reply {
    let now = server.clock.now_ms();
    server.with(caller, |space| match method {
        "GET" => Some(Ok((200, space.webhooks.iter().map(|webhook| webhook.shown(space.id)).collect()))),
        "POST" => Some(create_webhook(space, body, now).map(|shown| (201, shown))),
        _ => None,
    })
}

/// Makes a subscription; what it subscribes to is not looked at, the address is.
pub(super) fn create_webhook(space: &mut Space, input: &Value, now: i64) -> Outcome<Value> {
    let target_url = checked_url(&input["targetUrl"])?;
    let id = space.fresh_id();
    let secret = format!("{}{}", space.fresh_id().simple(), space.fresh_id().simple());
    let webhook = Webhook {
        id,
        target_url,
        operations: operations(&input["operations"]),
        description: input["description"].as_str().map(ToOwned::to_owned),
        secret: input["secret"].as_str().map_or(secret, ToOwned::to_owned),
        created_at: now,
        updated_at: now,
    };
    let shown = webhook.shown(space.id);
    space.webhooks.push(webhook);
    Ok(shown)
}

pub(super) fn update_webhook(space: &mut Space, id: Uuid, input: &Value, now: i64) -> Outcome<Value> {
    let workspace = space.id;
    let webhook =
        space.webhooks.iter_mut().find(|webhook| webhook.id == id).ok_or_else(Trouble::no_webhook)?;
    if !input["targetUrl"].is_null() {
        webhook.target_url = checked_url(&input["targetUrl"])?;
    }
    if !input["operations"].is_null() {
        webhook.operations = operations(&input["operations"]);
    }
    if let Some(description) = input["description"].as_str() {
        webhook.description = Some(description.to_owned());
    }
    if let Some(secret) = input["secret"].as_str() {
        secret.clone_into(&mut webhook.secret);
    }
    webhook.updated_at = now;
    Ok(webhook.shown(workspace))
}

pub(super) fn delete_webhook(space: &mut Space, id: Uuid) -> Outcome<Value> {
    let at = space.webhooks.iter().position(|webhook| webhook.id == id).ok_or_else(Trouble::no_webhook)?;
    Ok(space.webhooks.remove(at).shown(space.id))
}

fn checked_url(input: &Value) -> Outcome<String> {
    let text = input.as_str().unwrap_or_default();
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(text.to_owned()),
        _ => Err(Trouble::bad_webhook()),
    }
}

fn operations(input: &Value) -> Vec<String> {
    let all = input.as_array().into_iter().flatten();
    all.filter_map(|operation| operation.as_str().map(ToOwned::to_owned)).collect()
}

fn webhook(server: &Server, caller: &Caller, call: &Call, id: Uuid) -> Reply {
    let now = server.clock.now_ms();
    server.with(caller, |space| match call.method.as_str() {
        "GET" => {
            let found = space.webhooks.iter().find(|webhook| webhook.id == id);
            Some(found.map(|webhook| (200, webhook.shown(space.id))).ok_or_else(Trouble::no_webhook))
        }
        "PATCH" | "PUT" => Some(update_webhook(space, id, &call.body, now).map(|shown| (200, shown))),
        "DELETE" => Some(delete_webhook(space, id).map(|_| (200, Value::Bool(true)))),
        _ => None,
    })
}
