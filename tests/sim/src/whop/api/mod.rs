//! The versioned REST API: who calls, in which version, how often, and what it is answered. Each operation
//! has the name that the published description gives it.

mod hooks;
mod hooks_shown;
pub(super) mod idempotency;
mod lists;
mod lists_people;
mod lists_sales;
mod objects;
pub(super) mod page;
mod permissions;
pub(super) mod query;
pub(super) mod rate;
mod writes;

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

use super::world::{Caller, VERSION, VERSIONS, World};
use super::{Sim, strange};
use idempotency::Reply;
use query::Query;

/// Why a call is not answered with data.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    kind: &'static str,
    message: String,
    wait_seconds: Option<i64>,
}

impl Refusal {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into(), wait_seconds: None }
    }

    fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", message)
    }

    fn unauthorized() -> Self {
        let message = "Missing or invalid credential";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    fn forbidden(action: &str) -> Self {
        let message = format!("missing permission: {action}");
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    fn absent(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("{what} not found"))
    }

    fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message)
    }

    fn body(&self) -> String {
        json!({"error": {"type": self.kind, "message": self.message}}).to_string()
    }
}

type Answer = Result<Value, Refusal>;

/// A call as it arrived.
struct Incoming {
    method: Method,
    path: String,
    raw_query: String,
    query: Query,
    headers: HeaderMap,
    body: Bytes,
}

impl Incoming {
    async fn read(request: Request) -> Self {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap_or_default();
        let raw_query = parts.uri.query().unwrap_or_default().to_owned();
        Self {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: Query::parse(&raw_query),
            raw_query,
            headers: parts.headers,
            body,
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// What must be identical for an idempotent repetition.
    fn signature(&self) -> String {
        let version = self.header("api-version-date").unwrap_or_default();
        let body = String::from_utf8_lossy(&self.body);
        format!("{} {}?{}\n{version}\n{body}", self.method, self.path, self.raw_query)
    }

    /// The idempotency key, which counts on POST only.
    fn key(&self) -> Option<&str> {
        self.header("idempotency-key").filter(|_| self.method == Method::POST)
    }
}

/// A call that was let in.
struct Call<'a> {
    operation: &'static str,
    ids: Vec<&'a str>,
    query: &'a Query,
    body: Value,
    caller: Caller,
    now: i64,
}

impl Call<'_> {
    fn need(&self, action: &str) -> Result<(), Refusal> {
        if self.caller.rights.allow(action) { Ok(()) } else { Err(Refusal::forbidden(action)) }
    }
}

/// Answers anything below `/api/v1`.
pub(super) async fn answer(State(sim): State<Arc<Sim>>, request: Request) -> Response {
    let incoming = Incoming::read(request).await;
    let (call, replayed) = match admit(&sim, &incoming) {
        Ok(admitted) => admitted,
        Err(refusal) => return refuse(&sim, &refusal),
    };
    if let Some(reply) = replayed {
        let mut response = respond(reply.status, reply.body);
        let name = HeaderName::from_static("idempotent-replayed");
        response.headers_mut().insert(name, HeaderValue::from_static("true"));
        return response;
    }
    let answer = perform(&sim, &call).await;
    let (status, body) = match &answer {
        Ok(value) => (StatusCode::OK, value.to_string()),
        Err(refusal) => (refusal.status, refusal.body()),
    };
    if let Some(key) = incoming.key() {
        let reply = Reply { status, body: body.clone() };
        sim.world().replies.keep(&call.caller.token, key, reply);
    }
    respond(status, body)
}

fn respond(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn refuse(sim: &Sim, refusal: &Refusal) -> Response {
    let mut response = respond(refusal.status, refusal.body());
    let wait = refusal.wait_seconds.filter(|_| sim.world().switches.retry_after);
    if let Some(wait) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
    }
    response
}

/// Credential, version, rate, body and idempotency, in this order.
fn admit<'a>(sim: &Sim, incoming: &'a Incoming) -> Result<(Call<'a>, Option<Reply>), Refusal> {
    let now = sim.clock.now_ms();
    let mut world = sim.world();
    let place = format!("{} {}", incoming.method, incoming.path);
    let segments: Vec<&str> = incoming.path.trim_start_matches("/api/v1/").split('/').collect();
    let Some((operation, ids)) = operation(&incoming.method, &segments) else {
        world.notes.not_understood.push(place);
        return Err(Refusal::absent("Route"));
    };
    *world.notes.calls.entry(operation).or_default() += 1;
    let bearer = incoming.bearer().ok_or_else(Refusal::unauthorized)?;
    let caller = world.caller(bearer, now).ok_or_else(Refusal::unauthorized)?;
    check_version(&mut world, incoming, &place)?;
    let limit = world.switches.rate_limit;
    if let Err(wait) = world.windows.enter(&caller.token, operation, now, limit) {
        let message = format!("Try again in {wait} seconds.");
        let mut refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded", message);
        refusal.wait_seconds = Some(wait);
        return Err(refusal);
    }
    let body = if incoming.body.is_empty() {
        Value::Object(serde_json::Map::new())
    } else {
        serde_json::from_slice(&incoming.body).map_err(|_| Refusal::bad("the body is not JSON"))?
    };
    let replayed = match incoming.key() {
        Some(key) => {
            let request = incoming.signature();
            world.replies.start(&caller.token, key, &request, now)?
        }
        None => None,
    };
    let call = Call { operation, ids, query: &incoming.query, body, caller, now };
    Ok((call, replayed))
}

fn check_version(world: &mut World, incoming: &Incoming, place: &str) -> Result<(), Refusal> {
    match incoming.header("api-version-date") {
        Some(VERSION) => {}
        Some(known) if VERSIONS.contains(&known) => {
            let flaw = format!("{place} asked for version {known}; only {VERSION} is written here");
            world.notes.flaws.push(flaw);
        }
        Some(unknown) => {
            let known = VERSIONS.join(", ");
            let message = format!("Unknown Api-Version-Date {unknown}. Supported versions: {known}");
            return Err(Refusal::bad(message));
        }
        None => world.notes.flaws.push(format!("{place} came without Api-Version-Date")),
    }
    Ok(())
}

/// The operation behind a method and a path, with the ids in the path.
fn operation<'a>(method: &Method, segments: &[&'a str]) -> Option<(&'static str, Vec<&'a str>)> {
    let found = match (method.as_str(), segments) {
        ("GET", ["accounts"]) => ("accounts_list", vec![]),
        ("GET", ["accounts", "me"]) => ("accounts_me", vec![]),
        ("GET", ["accounts", id]) => ("accounts_retrieve", vec![*id]),
        ("GET", ["permissions"]) => ("permissions_list", vec![]),
        ("GET", ["products"]) => ("products_list", vec![]),
        ("GET", ["products", id]) => ("products_retrieve", vec![*id]),
        ("GET", ["variants" | "plans"]) => ("variants_list", vec![]),
        ("GET", ["variants" | "plans", id]) => ("variants_retrieve", vec![*id]),
        ("GET", ["members"]) => ("members_list", vec![]),
        ("GET", ["members", id]) => ("members_retrieve", vec![*id]),
        ("GET", ["memberships"]) => ("memberships_list", vec![]),
        ("GET", ["memberships", id]) => ("memberships_retrieve", vec![*id]),
        ("PATCH", ["memberships", id]) => ("memberships_update", vec![*id]),
        ("POST", ["memberships", id, "cancel"]) => ("memberships_cancel", vec![*id]),
        ("POST", ["memberships", id, "pause"]) => ("memberships_pause", vec![*id]),
        ("POST", ["memberships", id, "resume"]) => ("memberships_resume", vec![*id]),
        ("POST", ["memberships", id, "extend"]) => ("memberships_extend", vec![*id]),
        ("GET", ["payments"]) => ("payments_list", vec![]),
        ("GET", ["payments", id]) => ("payments_retrieve", vec![*id]),
        ("POST", ["payments", id, "refund"]) => ("payments_refund", vec![*id]),
        ("GET", ["refunds"]) => ("refunds_list", vec![]),
        ("GET", ["refunds", id]) => ("refunds_retrieve", vec![*id]),
        ("GET", ["disputes"]) => ("disputes_list", vec![]),
        ("GET", ["disputes", id]) => ("disputes_retrieve", vec![*id]),
        ("GET", ["dispute_alerts"]) => ("dispute_alerts_list", vec![]),
        ("GET", ["dispute_alerts", id]) => ("dispute_alerts_retrieve", vec![*id]),
        ("GET", ["users", id]) => ("users_retrieve", vec![*id]),
        ("GET", ["webhooks"]) => ("webhooks_list", vec![]),
        ("POST", ["webhooks"]) => ("webhooks_create", vec![]),
        ("GET", ["webhooks", id]) => ("webhooks_retrieve", vec![*id]),
        ("PATCH", ["webhooks", id]) => ("webhooks_update", vec![*id]),
        ("DELETE", ["webhooks", id]) => ("webhooks_delete", vec![*id]),
        ("POST", ["webhooks", id, "test"]) => ("webhooks_test", vec![*id]),
        ("GET", ["webhooks", id, "deliveries"]) => ("webhooks_list_deliveries", vec![*id]),
        ("POST", ["webhooks", id, "deliveries", one, "replay"]) => {
            ("webhooks_replay_delivery", vec![*id, *one])
        }
        ("POST", ["webhooks", id, "replay"]) => ("webhooks_replay", vec![*id]),
        _ => return None,
    };
    Some(found)
}

/// Runs an operation. Only those that send something themselves leave the lock meanwhile.
async fn perform(sim: &Arc<Sim>, call: &Call<'_>) -> Answer {
    match call.operation {
        "webhooks_test" => return hooks::test(sim, call).await,
        "webhooks_replay_delivery" => return hooks::replay_one(sim, call).await,
        _ => {}
    }
    let mut world = sim.world();
    let mut answer = match call.operation {
        name if name.starts_with("webhooks") => hooks::answer(&mut world, call),
        "permissions_list" => permissions::list(&world, call),
        name if name.ends_with("_list") => lists::answer(&mut world, call),
        name if name.ends_with("_retrieve") || name == "accounts_me" => objects::answer(&world, call),
        _ => writes::answer(&mut world, call),
    }?;
    if world.switches.strange {
        match answer.get_mut("data") {
            Some(Value::Array(rows)) => rows.iter_mut().for_each(strange::season),
            _ => strange::season(&mut answer),
        }
    }
    Ok(answer)
}
