//! `/rest/{objects}`: reading the request's path and query, and the shape of each answer.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, header};
use serde_json::Value;
use uuid::Uuid;

use super::auth::{self, Caller};
use super::bucket::Generation;
use super::filter::Filter;
use super::grammar;
use super::list::{self, Query};
use super::refusal::Refusal;
use super::render::Renderer;
use super::server::{Fate, Server, Target};
use super::space::{Space, capital};
use super::{rest_metadata, rest_more};

/// The server refuses larger bodies.
const BODY_LIMIT: usize = 10 * 1024 * 1024;

/// Status and JSON text.
pub(super) type Answer = (u16, String);

/// A REST request, read.
#[derive(Debug)]
pub(super) struct Call {
    pub method: Method,
    /// As it was asked, for the record of what was not understood.
    pub line: String,
    pub path: String,
    /// What comes after `/rest/`.
    pub segments: Vec<String>,
    pub query: Vec<(String, String)>,
    pub body: Value,
}

impl Call {
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn flag(&self, name: &str) -> bool {
        self.parameter(name) == Some("true")
    }

    fn depth(&self) -> Result<u8, Refusal> {
        match self.parameter("depth") {
            None | Some("0") => Ok(0),
            Some("1") => Ok(1),
            Some(other) => {
                Err(Refusal::bad(format!("'depth={other}' parameter invalid. Allowed values are 0, 1")))
            }
        }
    }
}

/// A JSON answer.
pub(super) fn json(status: u16, body: impl Into<Body>) -> Response {
    let status = StatusCode::from_u16(status).expect("a status of ours");
    (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], body.into()).into_response()
}

/// `/rest/*`
pub(super) async fn handle(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let caller = auth::caller(&server.state.lock().unwrap(), &parts.headers, server.clock.now_ms());
    let caller = match caller {
        Ok(caller) => caller,
        Err(stranger) => {
            let (status, body) = stranger.rest();
            return json(status, body.to_string());
        }
    };
    let Ok(bytes) = to_bytes(body, BODY_LIMIT).await else {
        let body = r#"{"message":"request entity too large","error":"Payload Too Large","statusCode":413}"#;
        return json(413, body);
    };
    let text = String::from_utf8_lossy(&bytes);
    let body = if text.trim().is_empty() { Ok(Value::Null) } else { text.parse::<Value>() };
    let Ok(body) = body else {
        let body = r#"{"message":"Unexpected token in JSON","error":"Bad Request","statusCode":400}"#;
        return json(400, body);
    };
    let path = parts.uri.path().to_owned();
    let call = Call {
        method: parts.method.clone(),
        line: format!("{} {}", parts.method, parts.uri),
        segments: path.split('/').skip(2).filter(|part| !part.is_empty()).map(ToOwned::to_owned).collect(),
        path,
        query: url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect(),
        body,
    };
    if call.segments.first().is_some_and(|first| first == "metadata") {
        return rest_metadata::handle(&server, &caller, &call);
    }
    core(&server, &caller, &call).await
}

async fn core(server: &Server, caller: &Caller, call: &Call) -> Response {
    match dispatch(server, caller, call).await {
        Ok(Some((status, body))) => json(status, body),
        Ok(None) => not_understood(server, &call.line),
        Err(refusal) => {
            server.refused(caller, &refusal);
            let mut response = json(refusal.status, refusal.rest_body().to_string());
            for (name, value) in &refusal.headers {
                response.headers_mut().insert(*name, value.parse().expect("a plain header"));
            }
            response
        }
    }
}

/// What no real server would answer; a test that sees it asked for something this stand-in has not learnt.
pub(super) fn not_understood(server: &Server, line: &str) -> Response {
    server.state.lock().unwrap().not_understood.push(line.to_owned());
    json(501, r#"{"statusCode":501,"messages":["simulator does not know"]}"#)
}

async fn dispatch(server: &Server, caller: &Caller, call: &Call) -> Result<Option<Answer>, Refusal> {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let invalid = || {
        Refusal::bad(format!(
            "Query path '{}' invalid. Valid examples: /rest/companies/id or /rest/companies or \
             /rest/batch/companies",
            call.path
        ))
    };
    let find = |plural: &str| {
        server
            .with(caller, |space| space.plural(plural))
            .ok_or_else(|| Refusal::bad(format!("object '{plural}' not found. eg: companies")))
    };
    let newer = server.state.lock().unwrap().generation == Generation::Newer;
    let method = call.method.as_str();
    match (method, segments.as_slice()) {
        (_, ["open-api", ..]) => Ok(None),
        ("POST", ["batch", plural]) => create(server, caller, call, find(plural)?, true).await.map(Some),
        ("PATCH", ["restore", plural]) => {
            let object = find(plural)?;
            fate(server, caller, call, object, Fate::Restore).map(Some)
        }
        ("GET", [plural]) => list(server, caller, call, find(plural)?).map(Some),
        ("POST", [plural]) => create(server, caller, call, find(plural)?, false).await.map(Some),
        ("PATCH" | "PUT", [plural]) => update(server, caller, call, find(plural)?, None).await.map(Some),
        ("DELETE", [plural]) => fate(server, caller, call, find(plural)?, removal(call)).map(Some),
        ("POST", [plural, "duplicates"]) => {
            rest_more::duplicates(server, caller, call, find(plural)?).map(Some)
        }
        ("GET", [plural, "groupBy"]) => rest_more::group_by(server, caller, call, find(plural)?),
        (_, [_, "merge"]) => Ok(None),
        ("GET", [plural, id]) => get(server, caller, call, find(plural)?, uuid(id)?).map(Some),
        ("PATCH" | "PUT", [plural, id]) => {
            update(server, caller, call, find(plural)?, Some(uuid(id)?)).await.map(Some)
        }
        ("DELETE", [plural, id]) => {
            one_fate(server, caller, find(plural)?, uuid(id)?, removal(call)).map(Some)
        }
        ("PATCH", [plural, id, "restore"]) if newer => {
            one_fate(server, caller, find(plural)?, uuid(id)?, Fate::Restore).map(Some)
        }
        _ => Err(invalid()),
    }
}

fn uuid(text: &str) -> Result<Uuid, Refusal> {
    Uuid::try_parse(text).map_err(|_| Refusal::bad(format!("'{text}' is not a valid UUID")))
}

fn removal(call: &Call) -> Fate {
    if call.flag("soft_delete") { Fate::SoftDelete } else { Fate::Destroy }
}

/// `{"data":{"createPerson":…}}` with what `write` adds.
fn wrapped(server: &Server, space: &Space, key: &str, write: impl FnOnce(&mut Renderer<'_>)) -> String {
    let mut renderer = Renderer::new(space, server.base());
    renderer.out = format!("{{\"data\":{{\"{key}\":");
    write(&mut renderer);
    renderer.out.push_str("}}");
    renderer.out
}

async fn create(
    server: &Server,
    caller: &Caller,
    call: &Call,
    object: usize,
    many: bool,
) -> Result<Answer, Refusal> {
    let (upsert, depth) = (call.flag("upsert"), call.depth()?);
    let name = server.with(caller, |space| space.objects[object].plural.clone());
    let verb = if upsert { "upsert" } else { "create" };
    server.admit(caller, &format!("{}{verb} {name}", if many { "batch " } else { "" }), true)?;
    let inputs = match &call.body {
        Value::Array(items) if many => items.as_slice(),
        _ if many => return Err(Refusal::not_an_array()),
        one => std::slice::from_ref(one),
    };
    let ids = server.create(caller, object, inputs, upsert).await?;
    Ok(server.with(caller, |space| {
        let target = &space.objects[object];
        let rows: Vec<_> = ids.iter().filter_map(|id| target.table.get(id)).collect();
        let key = format!("create{}", capital(if many { &target.plural } else { &target.singular }));
        let body = wrapped(server, space, &key, |renderer| {
            if many {
                renderer.records(target, rows, depth);
            } else if let Some(row) = rows.first() {
                renderer.record(target, row, depth);
            }
        });
        (201, body)
    }))
}

fn get(server: &Server, caller: &Caller, call: &Call, object: usize, id: Uuid) -> Result<Answer, Refusal> {
    let depth = call.depth()?;
    let kind = server.with(caller, |space| format!("get {}", space.objects[object].plural));
    server.admit(caller, &kind, false)?;
    server.with(caller, |space| {
        Server::one(space, object, id, false)?;
        let target = &space.objects[object];
        let row = target.table.get(&id).ok_or_else(Refusal::not_found)?;
        let body = wrapped(server, space, &target.singular, |renderer| {
            renderer.record(target, row, depth);
        });
        Ok((200, body))
    })
}

fn list(server: &Server, caller: &Caller, call: &Call, object: usize) -> Result<Answer, Refusal> {
    let depth = call.depth()?;
    let kind = server.with(caller, |space| format!("list {}", space.objects[object].plural));
    server.admit(caller, &kind, false)?;
    server.with(caller, |space| {
        let query = query(space, call, object)?;
        let page = list::page(space, object, &query)?;
        let target = &space.objects[object];
        let mut renderer = Renderer::new(space, server.base());
        renderer.out = format!("{{\"data\":{{\"{}\":", target.plural);
        renderer.records(target, page.rows.iter().copied(), depth);
        let cursor = |row: Option<&&super::row::Row>| match row {
            Some(row) => Value::from(list::cursor_of(target, &query.order, row, |_| true)),
            None => Value::Null,
        };
        let mut out = renderer.out;
        put!(
            out,
            "}},\"totalCount\":{},\"pageInfo\":{{\"startCursor\":{},\"endCursor\":{},\"hasNextPage\":{},\
             \"hasPreviousPage\":{}}}}}",
            page.total,
            cursor(page.rows.first()),
            cursor(page.rows.last()),
            page.has_next,
            page.has_previous,
        );
        Ok((200, out))
    })
}

fn query(space: &Space, call: &Call, object: usize) -> Result<Query, Refusal> {
    let limit = match call.parameter("limit") {
        None => 60,
        Some(text) => text
            .parse::<usize>()
            .map_err(|_| Refusal::bad(format!("limit '{text}' is invalid. Should be an integer")))?,
    };
    Ok(Query {
        filter: filter(space, call, object)?,
        order: call
            .parameter("order_by")
            .map(|text| grammar::rest_order(space, object, text))
            .transpose()?
            .unwrap_or_default(),
        limit: limit.min(super::write::MOST),
        after: call.parameter("starting_after").map(ToOwned::to_owned),
        before: call.parameter("ending_before").map(ToOwned::to_owned),
        offset: 0,
    })
}

fn filter(space: &Space, call: &Call, object: usize) -> Result<Option<Filter>, Refusal> {
    let text = call.parameter("filter").filter(|text| !text.trim().is_empty());
    text.map(|text| grammar::rest_filter(space, object, text)).transpose()
}

async fn update(
    server: &Server,
    caller: &Caller,
    call: &Call,
    object: usize,
    id: Option<Uuid>,
) -> Result<Answer, Refusal> {
    let depth = call.depth()?;
    let kind = server.with(caller, |space| format!("update {}", space.objects[object].plural));
    server.admit(caller, &kind, true)?;
    let filter = server.with(caller, |space| filter(space, call, object))?.unwrap_or(Filter::All(Vec::new()));
    let target = id.map_or(Target::Matching(&filter), Target::One);
    let ids = server.update(caller, object, target, &call.body).await?;
    Ok(server
        .with(caller, |space| (200, changed(server, space, object, &ids, ("update", id.is_some(), depth)))))
}

/// The answer to an update, a deletion or a restoration.
fn changed(
    server: &Server,
    space: &Space,
    object: usize,
    ids: &[Uuid],
    (verb, one, depth): (&str, bool, u8),
) -> String {
    let target = &space.objects[object];
    let key = format!("{verb}{}", capital(if one { &target.singular } else { &target.plural }));
    wrapped(server, space, &key, |renderer| {
        let rows: Vec<_> = ids.iter().filter_map(|id| target.table.get(id)).collect();
        match (one, rows.first()) {
            (true, Some(row)) => renderer.record(target, row, depth),
            (true, None) => renderer.out.push_str(&serde_json::json!({"id": ids.first()}).to_string()),
            (false, None) if !ids.is_empty() => {
                let gone: Vec<Value> = ids.iter().map(|id| serde_json::json!({"id": id})).collect();
                renderer.out.push_str(&Value::from(gone).to_string());
            }
            (false, _) => renderer.records(target, rows, depth),
        }
    })
}

fn fate(server: &Server, caller: &Caller, call: &Call, object: usize, fate: Fate) -> Result<Answer, Refusal> {
    let (verb, spoken) = match fate {
        Fate::SoftDelete => ("delete", "delete"),
        Fate::Destroy => ("delete", "destroy"),
        Fate::Restore => ("restore", "restore"),
    };
    let kind = server.with(caller, |space| format!("{spoken} {}", space.objects[object].plural));
    server.admit(caller, &kind, true)?;
    let filter = server.with(caller, |space| filter(space, call, object))?.ok_or_else(|| {
        Refusal::bad(format!(
            "Filters are mandatory for bulk {spoken} operations. Please provide at least one filter to prevent \
             accidental deletion of all records."
        ))
    })?;
    let ids = server.change_fate(caller, object, &Target::Matching(&filter), fate)?;
    Ok(server.with(caller, |space| (200, changed(server, space, object, &ids, (verb, false, 0)))))
}

fn one_fate(
    server: &Server,
    caller: &Caller,
    object: usize,
    id: Uuid,
    fate: Fate,
) -> Result<Answer, Refusal> {
    let verb = if fate == Fate::Restore { "restore" } else { "delete" };
    let kind = server.with(caller, |space| format!("{verb} one of {}", space.objects[object].plural));
    server.admit(caller, &kind, true)?;
    let ids = server.change_fate(caller, object, &Target::One(id), fate)?;
    Ok(server.with(caller, |space| (200, changed(server, space, object, &ids, (verb, true, 0)))))
}
