//! The routes, and what the two providers keep between requests.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use serde_json::{Value, json};

use super::asked::{Asked, Circumstances};
use super::caching::{Cache, Input, tokens};
use super::door::{Turned, enter};
use super::models::{claude, gpt};
use super::words::Obeys;
use super::{
    CANARY, Failure, Outcome, Provider, Wire, console, headers, models_claude, models_gpt, perform, reply,
};
use crate::clock::Clock;
use crate::fault::Faults;

/// How the providers behave from now on.
#[derive(Clone, Debug, Default)]
pub struct Switches {
    /// The ways in which the model obeys hostile text; none at first.
    pub gullible: Vec<Obeys>,
    /// Models that exist besides those in the tables, and take every setting.
    pub more_models: Vec<String>,
    /// Chat Completions tells only the three totals, as compatible servers do.
    pub bare_usage: bool,
    /// Above so many generating requests in a minute of the clock a provider answers 429.
    pub requests_per_minute: Option<u64>,
}

/// The tokens of one answer. The three classes of input are disjoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input at the full rate.
    pub fresh: u64,
    /// Input that came from the cache.
    pub read: u64,
    /// Input that was written to the cache.
    pub written: u64,
    /// All output, thinking included.
    pub output: u64,
    /// The part of the output that nobody sees.
    pub thinking: u64,
}

/// One request as it arrived, and what became of it.
#[derive(Clone, Debug)]
pub struct Received {
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What the provider calls it, in the header of its answer.
    pub request_id: String,
    /// Whose route it was.
    pub provider: Provider,
    /// Such as `POST`.
    pub method: String,
    /// Such as `/openai/v1/responses`.
    pub path: String,
    /// By their names in lower case; keys are replaced by `[key]`.
    pub headers: BTreeMap<String, String>,
    /// As JSON; as a text if it was none; null if there was none.
    pub body: Value,
    /// The status of the answer; none while it is on its way, and if the line broke or nothing ever came.
    pub status: Option<u16>,
    /// What was generated and billed, whether it arrived or not.
    pub usage: Option<Usage>,
    /// The text that was generated.
    pub answer: Option<String>,
}

impl Received {
    /// The model that was asked; empty if none was.
    pub fn model(&self) -> &str {
        self.body["model"].as_str().unwrap_or_default()
    }

    /// True if it asks for text, and not for a count or a list.
    pub fn generates(&self) -> bool {
        ["/responses", "/chat/completions", "/messages"].iter().any(|end| self.path.ends_with(end))
    }
}

pub(super) type Plan = Box<dyn FnMut(&Received) -> Option<Outcome> + Send>;

/// A request on its way through the stand-in.
#[derive(Clone, Copy)]
pub(super) struct Ticket {
    pub(super) number: usize,
    pub(super) provider: Provider,
}

/// What is kept.
pub(super) struct Books {
    pub(super) keys: HashMap<Provider, String>,
    pub(super) switches: Switches,
    pub(super) queue: VecDeque<(Option<Provider>, Outcome)>,
    pub(super) plan: Option<Plan>,
    pub(super) received: Vec<Received>,
    /// How many requests came before the first of `received`.
    forgotten: usize,
    pub(super) violations: Vec<String>,
    cache: Cache,
    stored: HashMap<String, Value>,
    answers: u64,
}

impl Books {
    /// The record of a request, unless it was forgotten.
    fn record(&mut self, ticket: Ticket) -> Option<&mut Received> {
        let at = ticket.number.checked_sub(self.forgotten)?;
        self.received.get_mut(at)
    }

    /// Forgets requests and violations.
    pub(super) fn forget(&mut self) {
        self.forgotten += self.received.len();
        self.received.clear();
        self.violations.clear();
    }
}

/// What the handlers share.
pub(super) struct Sim {
    pub(super) clock: Clock,
    books: Mutex<Books>,
}

impl Sim {
    pub(super) fn new(clock: Clock) -> Self {
        let key = |provider: Provider| {
            let start = if provider == Provider::OpenAi { "sk-proj" } else { "sk-ant-api03" };
            (provider, format!("{start}-{CANARY}-{}-0123456789abcdef", provider.name()))
        };
        let books = Books {
            keys: Provider::ALL.map(key).into(),
            switches: Switches::default(),
            queue: VecDeque::new(),
            plan: None,
            received: Vec::new(),
            forgotten: 0,
            violations: Vec::new(),
            cache: Cache::default(),
            stored: HashMap::new(),
            answers: 0,
        };
        Self { clock, books: Mutex::new(books) }
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().expect("no handler panics while it holds the books")
    }

    pub(super) fn key(&self, provider: Provider) -> String {
        self.books().keys[&provider].clone()
    }

    /// Remembers a request.
    fn note(&self, provider: Provider, call: &Call) -> Ticket {
        let text = String::from_utf8_lossy(&call.bytes);
        let body = match serde_json::from_str(&text) {
            _ if text.is_empty() => Value::Null,
            Ok(body) => body,
            Err(_) => Value::String(text.clone().into_owned()),
        };
        let path = call.uri.path().to_owned();
        let mut books = self.books();
        if books.keys.values().any(|key| text.contains(key.as_str())) {
            books.violations.push(format!("{path}: a key stands in the body"));
        }
        let ticket = Ticket { number: books.forgotten + books.received.len(), provider };
        books.received.push(Received {
            at_ms: self.clock.now_ms(),
            request_id: reply::request_id(ticket),
            provider,
            method: call.method.to_string(),
            path,
            headers: headers::without_keys(&call.headers),
            body,
            status: None,
            usage: None,
            answer: None,
        });
        ticket
    }

    pub(super) fn settle(&self, ticket: Ticket, settle: impl FnOnce(&mut Received)) {
        // A test may have forgotten the request while it was held.
        if let Some(received) = self.books().record(ticket) {
            settle(received);
        }
    }

    fn violated(&self, path: &str, failure: &Failure) {
        self.books().violations.push(format!("{path}: {}", failure.message));
    }

    /// What the next request meets: the queue first, then the plan.
    fn outcome(&self, ticket: Ticket) -> Outcome {
        let mut books = self.books();
        let fits = |(whose, outcome): &(Option<Provider>, Outcome)| {
            let failure = match outcome {
                Outcome::Error(failure) => Some(failure.provider),
                _ => None,
            };
            whose.or(failure).is_none_or(|whose| whose == ticket.provider)
        };
        if let Some(at) = books.queue.iter().position(fits)
            && let Some((_, outcome)) = books.queue.remove(at)
        {
            return outcome;
        }
        let Some(received) = books.record(ticket).cloned() else { return Outcome::Answer };
        let planned = books.plan.as_mut().and_then(|plan| plan(&received));
        planned.unwrap_or(Outcome::Answer)
    }

    /// Counts and remembers the input of a request, and numbers its answer.
    pub(super) fn bill(&self, asked: &Asked) -> (Input, (u64, i64)) {
        let now = self.clock.now_ms();
        let mut books = self.books();
        books.answers += 1;
        let input = books.cache.bill(asked, now);
        (input, (books.answers, now))
    }

    pub(super) fn store(&self, body: &Value) {
        let id = body["id"].as_str().unwrap_or_default().to_owned();
        self.books().stored.insert(id, body.clone());
    }
}

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
    let stored = sim.books().stored.get(&id).cloned();
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
