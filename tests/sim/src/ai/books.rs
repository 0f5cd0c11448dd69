//! What the two providers keep between requests: keys, switches, script, what came in, what was stored.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

use serde_json::Value;

use super::asked::Asked;
use super::caching::{Cache, Input};
use super::server::Call;
use super::words::Obeys;
use super::{CANARY, Failure, Outcome, Provider, headers, reply};
use crate::clock::Clock;

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
    /// Nobody is told of violations in the end: people play here, or a story breaks the rules on purpose.
    pub unjudged: bool,
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
    /// Those that were forgotten; the last word counts them all the same.
    earlier: Vec<String>,
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
        self.earlier.append(&mut self.violations);
    }

    /// Every violation, the forgotten ones first.
    pub(super) fn all_violations(&self) -> Vec<String> {
        self.earlier.iter().chain(&self.violations).cloned().collect()
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
            earlier: Vec::new(),
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
    pub(super) fn note(&self, provider: Provider, call: &Call) -> Ticket {
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

    pub(super) fn violated(&self, path: &str, failure: &Failure) {
        self.books().violations.push(format!("{path}: {}", failure.message));
    }

    /// What the next request meets: the queue first, then the plan.
    pub(super) fn outcome(&self, ticket: Ticket) -> Outcome {
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

    /// A response that was kept.
    pub(super) fn stored(&self, id: &str) -> Option<Value> {
        self.books().stored.get(id).cloned()
    }

    pub(super) fn store(&self, body: &Value) {
        let id = body["id"].as_str().unwrap_or_default().to_owned();
        self.books().stored.insert(id, body.clone());
    }
}
