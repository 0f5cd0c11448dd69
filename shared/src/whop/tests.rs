//! Wire tests: the adapter against canned answers on loopback, and against the samples of Whop's webhooks.

mod calls;
mod consent;
mod decoding;
mod events;
mod outcomes;
mod signatures;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, Uri};
use serde_json::Value;

use super::client::{As, Whop};
use crate::domain::grant::Secret;
use crate::domain::id::AccountId;
use crate::http::{Addresses, Http};

/// One request as the far end saw it.
#[derive(Clone, Debug)]
struct Seen {
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: String,
}

impl Seen {
    fn param(&self, name: &str) -> Option<&str> {
        let pair = self.query.iter().find(|(key, _)| key == name);
        pair.map(|(_, value)| value.as_str())
    }

    fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }
}

/// A canned answer.
#[derive(Clone, Debug)]
struct Canned {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
}

fn canned(status: u16, body: impl Into<Vec<u8>>) -> Canned {
    Canned { status, headers: Vec::new(), body: body.into() }
}

fn json(body: &Value) -> Canned {
    canned(200, body.to_string())
}

#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<Canned>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A far end that gives the answers it was told, in order, and remembers what it was asked.
struct FarEnd {
    whop: Whop,
    script: Script,
}

impl FarEnd {
    async fn answering(answers: impl IntoIterator<Item = Canned>) -> Self {
        let script = Script::default();
        script.answers.lock().unwrap().extend(answers);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(script.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { whop: whop_at(&base), script }
    }

    /// The one request that was made.
    fn only(&self) -> Seen {
        let seen = self.script.seen.lock().unwrap();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0].clone()
    }
}

async fn answer(
    State(script): State<Script>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let query = uri.query().unwrap_or_default().as_bytes();
    script.seen.lock().unwrap().push(Seen {
        method,
        path: uri.path().to_owned(),
        query: url::form_urlencoded::parse(query).into_owned().collect(),
        headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    let canned = script.answers.lock().unwrap().pop_front().unwrap();
    let mut response = Response::builder().status(canned.status);
    for (name, value) in canned.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(canned.body)).unwrap()
}

fn whop_at(base: &str) -> Whop {
    Whop::new(Http::new(Addresses::PrivateToo).unwrap(), base.parse().unwrap())
}

/// The account of every sample.
const ACCOUNT: &str = "biz_8kTq2LmV4xRzNc";

/// A caller for the samples' account.
struct Seller {
    token: Secret,
    account: AccountId,
}

impl Seller {
    fn new() -> Self {
        Self { token: Secret::new("apik_canary"), account: ACCOUNT.parse().unwrap() }
    }

    fn by(&self) -> As<'_> {
        As { token: &self.token, account: &self.account }
    }
}

macro_rules! samples {
    ($($name:literal),+ $(,)?) => {
        /// Every sample of a webhook's body, by its file's name.
        const SAMPLES: &[(&str, &str)] = &[$(($name, include_str!(concat!("samples/", $name, ".json")))),+];
    };
}

samples! {
    "dispute.created", "dispute.updated", "dispute_alert.created", "entry.approved", "entry.created",
    "entry.deleted", "entry.denied", "invoice.created", "invoice.paid", "invoice.past_due", "member.created",
    "member.updated", "membership.activated", "membership.cancel_at_period_end_changed",
    "membership.deactivated", "membership.deactivated.unpinned", "membership.trial_ending_soon",
    "membership.updated.activated", "membership.updated.cancel_scheduled", "membership.updated.deactivated",
    "membership.updated.past_due", "payment.created", "payment.failed", "payment.pending",
    "payment.requires_action", "payment.succeeded", "payment.succeeded.renewal", "plan.created",
    "plan.deleted", "plan.updated", "product.created", "product.deleted", "product.updated",
    "refund.created", "refund.updated", "resolution_center_case.created",
}

fn sample(name: &str) -> &'static str {
    let found = SAMPLES.iter().find(|(file, _)| *file == name);
    found.unwrap_or_else(|| panic!("no sample {name}")).1
}

/// The record inside a sample.
fn data(name: &str) -> Value {
    let body: Value = serde_json::from_str(sample(name)).unwrap();
    body["data"].clone()
}

/// A list with these rows that goes on at `next`.
fn list(rows: &[Value], next: Option<&str>) -> Canned {
    json(&serde_json::json!({
        "data": rows,
        "page_info": { "end_cursor": next, "start_cursor": "s", "has_next_page": next.is_some(),
                       "has_previous_page": false },
    }))
}
