//! The routes.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use serde_json::{Value, json};

use super::asked::{Asked, Circumstances};
use super::books::Sim;
use super::caching::tokens;
use super::door::{Turned, enter};
use super::models::{claude, gpt};
use super::{Failure, Provider, Wire, console, headers, models_claude, models_gpt, perform, reply};
use crate::fault::Faults;

/// One call, taken apart.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) bytes: Bytes,
}

/// Everything that answers. The console stands beside the plan of misfortune, not behind it.
pub(super) fn router(sim: &Arc<Sim>, faults: &Faults) -> Router {
    let api = Router::new()
        .route("/openai/v1/responses", post(responses))
        .route("/openai/v1/responses/{id}", get(response))
        .route("/openai/v1/chat/completions", post(chat))
        .route("/openai/v1/models", get(gpts))
        .route("/openai/v1/models/{id}", get(one_gpt))
        .route("/anthropic/v1/messages", post(messages))
        .route("/anthropic/v1/messages/count_tokens", post(count))
        .route("/anthropic/v1/models", get(claudes))
        .route("/anthropic/v1/models/{id}", get(one_claude))
        .fallback(lost)
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(Arc::clone(sim));
    faults.in_front_of("ai", api).merge(console::router(sim))
}

type Shared = State<Arc<Sim>>;

async fn responses(
    State(sim): Shared,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    generate(&sim, Wire::Responses, Call { method, uri, headers, bytes }).await
}

async fn chat(State(sim): Shared, method: Method, uri: Uri, headers: HeaderMap, bytes: Bytes) -> Response {
    generate(&sim, Wire::Chat, Call { method, uri, headers, bytes }).await
}

async fn messages(
    State(sim): Shared,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    generate(&sim, Wire::Messages, Call { method, uri, headers, bytes }).await
}

async fn generate(sim: &Sim, wire: Wire, call: Call) -> Response {
    let provider = wire.provider();
    let ticket = sim.note(provider, &call);
    let asked = admitted(sim, provider, &call, true)
        .and_then(|()| read(sim, provider, &call, |body, around| Asked::read(wire, body, around)));
    let asked = match asked.and_then(|asked| headers::within_rate(sim, provider).map(|()| asked)) {
        Ok(asked) => asked,
        Err(failure) => return reply::failure(sim, ticket, &failure),
    };
    let outcome = sim.outcome(ticket);
    perform::perform(sim, ticket, &asked, outcome).await
}

/// Lets a call in, and remembers it if it is wrong.
fn admitted(sim: &Sim, provider: Provider, call: &Call, has_body: bool) -> Result<(), Failure> {
    let body = has_body.then_some(&*call.bytes);
    enter(sim, provider, &call.headers, body).map_err(|turned| match turned {
        Turned::Away(failure) => failure,
        Turned::Wrong(failure) => {
            sim.violated(call.uri.path(), &failure);
            failure
        }
    })
}

fn read(
    sim: &Sim,
    provider: Provider,
    call: &Call,
    read: impl FnOnce(Value, &Circumstances<'_>) -> Result<Asked, Failure>,
) -> Result<Asked, Failure> {
    let more = sim.books().switches.more_models.clone();
    let around = Circumstances { now: sim.clock.now_iso(), more: &more, headers: &call.headers };
    let body: Result<Value, Failure> = serde_json::from_slice(&call.bytes)
        .map_err(|_| Failure::of(provider, "invalid_request").saying("The body is not valid JSON."));
    body.and_then(|body| read(body, &around)).inspect_err(|failure| {
        let setting = failure.status == 404
            || failure.code.as_deref() == Some("context_length_exceeded")
            || failure.message.starts_with("prompt is too long");
        if !setting {
            sim.violated(call.uri.path(), failure);
        }
    })
}

async fn count(State(sim): Shared, method: Method, uri: Uri, headers: HeaderMap, bytes: Bytes) -> Response {
    let call = Call { method, uri, headers, bytes };
    let ticket = sim.note(Provider::Anthropic, &call);
    let asked = admitted(&sim, Provider::Anthropic, &call, true)
        .and_then(|()| read(&sim, Provider::Anthropic, &call, Asked::to_count));
    match asked {
        Ok(asked) => reply::json(&sim, ticket, &json!({"input_tokens": tokens(&asked.prompt)})),
        Err(failure) => reply::failure(&sim, ticket, &failure),
    }
}

/// Answers a call without a body from what is known.
fn known(
    sim: &Sim,
    provider: Provider,
    call: &Call,
    find: impl FnOnce(&[String], &str) -> Result<Value, Failure>,
) -> Response {
    let ticket = sim.note(provider, call);
    let more = sim.books().switches.more_models.clone();
    let found = admitted(sim, provider, call, false).and_then(|()| find(&more, &sim.clock.now_iso()));
    match found {
        Ok(body) => reply::json(sim, ticket, &body),
        Err(failure) => reply::failure(sim, ticket, &failure),
    }
}

async fn response(
    State(sim): Shared,
    Path(id): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let call = Call { method, uri, headers, bytes: Bytes::new() };
    let stored = sim.stored(&id);
    known(&sim, Provider::OpenAi, &call, |_, _| {
        stored.ok_or_else(|| {
            let missing = Failure::openai("model_not_found").about("id", None);
            missing.saying(format!("Response with id '{id}' not found."))
        })
    })
}

async fn gpts(State(sim): Shared, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let call = Call { method, uri, headers, bytes: Bytes::new() };
    known(&sim, Provider::OpenAi, &call, |_, now| {
        let alive = models_gpt::TABLE.iter().filter(|model| gpt(model.name, &[], now).is_ok());
        Ok(json!({"object": "list", "data": alive.map(models_gpt::Gpt::shown).collect::<Vec<_>>()}))
    })
}

async fn one_gpt(
    State(sim): Shared,
    Path(id): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let call = Call { method, uri, headers, bytes: Bytes::new() };
    known(&sim, Provider::OpenAi, &call, |more, now| gpt(&id, more, now).map(models_gpt::Gpt::shown))
}

async fn claudes(State(sim): Shared, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let call = Call { method, uri, headers, bytes: Bytes::new() };
    known(&sim, Provider::Anthropic, &call, |_, now| {
        let alive = models_claude::TABLE.iter().filter(|model| claude(model.name, &[], now).is_ok());
        let shown: Vec<Value> = alive.map(models_claude::Claude::shown).collect();
        let id = |model: Option<&Value>| model.map_or(Value::Null, |model| model["id"].clone());
        Ok(
            json!({"first_id": id(shown.first()), "last_id": id(shown.last()), "has_more": false, "data": shown}),
        )
    })
}

async fn one_claude(
    State(sim): Shared,
    Path(id): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let call = Call { method, uri, headers, bytes: Bytes::new() };
    known(&sim, Provider::Anthropic, &call, |more, now| {
        claude(&id, more, now).map(models_claude::Claude::shown)
    })
}

async fn lost(State(sim): Shared, method: Method, uri: Uri, headers: HeaderMap, bytes: Bytes) -> Response {
    let claude = uri.path().starts_with("/anthropic");
    let (provider, name) =
        if claude { (Provider::Anthropic, "not_found_error") } else { (Provider::OpenAi, "model_not_found") };
    let failure = Failure::of(provider, name).saying(format!("Unknown request URL: {method} {}", uri.path()));
    let call = Call { method, uri, headers, bytes };
    let ticket = sim.note(provider, &call);
    sim.violated(call.uri.path(), &failure);
    reply::failure(&sim, ticket, &failure)
}
