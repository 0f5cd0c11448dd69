//! The Runtime API as one process sees it: ask for work, answer, or report an error.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use tokio::sync::{Mutex as Turn, mpsc, oneshot, watch};
use tokio::time::Instant;

use super::{ErrorBody, function_arn};
use crate::clock::Clock;

/// The largest answer Lambda takes from a function, 6 MB, and a little for its envelope.
const MAX_ANSWER: usize = 6 * 1024 * 1024 + 100 * 1024;

/// What the function says to an event.
type Answer = Result<Value, ErrorBody>;

/// An event that waits for the process to ask for it.
#[derive(Debug)]
pub(super) struct Work {
    id: String,
    event: String,
    deadline: Duration,
    taken: oneshot::Sender<()>,
    answer: oneshot::Sender<Answer>,
}

impl Work {
    /// The work, the moment it is taken, and its answer.
    pub(super) fn new(
        id: &str,
        event: &Value,
        deadline: Duration,
    ) -> (Self, oneshot::Receiver<()>, oneshot::Receiver<Answer>) {
        let (taken, when_taken) = oneshot::channel();
        let (answer, when_answered) = oneshot::channel();
        let work = Self { id: id.to_owned(), event: event.to_string(), deadline, taken, answer };
        (work, when_taken, when_answered)
    }
}

/// An invocation that is out, by its request id, and where its answer goes.
type Open = (String, oneshot::Sender<Answer>);

/// What the process has said about itself.
#[derive(Clone, Debug)]
pub(super) enum Stage {
    Starting,
    /// It has asked for work, first at this moment.
    Ready(Instant),
    Refused(ErrorBody),
}

#[derive(Debug)]
struct Desk {
    function: String,
    work: Turn<mpsc::Receiver<Work>>,
    open: Mutex<Option<Open>>,
    stage: watch::Sender<Stage>,
}

/// The routes for one process, and the two ends to talk to it.
pub(super) fn router(function: &str) -> (Router, mpsc::Sender<Work>, watch::Receiver<Stage>) {
    let (offer, work) = mpsc::channel(1);
    let (stage, stages) = watch::channel(Stage::Starting);
    let desk = Desk { function: function.to_owned(), work: Turn::new(work), open: Mutex::default(), stage };
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .layer(DefaultBodyLimit::max(MAX_ANSWER))
        .with_state(Arc::new(desk));
    (router, offer, stages)
}

async fn next(State(desk): State<Arc<Desk>>) -> Response {
    desk.stage.send_if_modified(|stage| {
        let is_first = matches!(stage, Stage::Starting);
        if is_first {
            *stage = Stage::Ready(Instant::now());
        }
        is_first
    });
    let Some(work) = desk.work.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let milliseconds = i64::try_from(work.deadline.as_millis()).expect("a deadline below years");
    let deadline = Clock::system().now_ms() + milliseconds;
    let headers = [
        ("lambda-runtime-aws-request-id", work.id.clone()),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", function_arn(&desk.function)),
        ("lambda-runtime-trace-id", trace_id(&work.id)),
        ("content-type", "application/json".to_owned()),
    ];
    let headers: HeaderMap = headers
        .into_iter()
        .map(|(name, value)| {
            let value = HeaderValue::from_str(&value).expect("a printable value");
            (HeaderName::from_static(name), value)
        })
        .collect();
    *desk.open.lock().unwrap() = Some((work.id, work.answer));
    // Whoever offered the work may have given up; then nobody is told.
    work.taken.send(()).ok();
    (headers, work.event).into_response()
}

fn trace_id(id: &str) -> String {
    let digits: String = id.chars().filter(char::is_ascii_hexdigit).collect();
    let (root, parent) = digits.split_at(24);
    format!("Root=1-5759e988-{root};Parent={parent}00000000;Sampled=0")
}

async fn response(State(desk): State<Arc<Desk>>, Path(id): Path<String>, body: Bytes) -> Response {
    let result = serde_json::from_slice(&body)
        .map_err(|_| ErrorBody::new("Runtime.InvalidResponse", "the function's answer is not JSON"));
    desk.close(&id, result)
}

async fn error(State(desk): State<Arc<Desk>>, Path(id): Path<String>, body: Bytes) -> Response {
    desk.close(&id, Err(ErrorBody::read(&body)))
}

async fn init_error(State(desk): State<Arc<Desk>>, body: Bytes) -> Response {
    desk.stage.send_replace(Stage::Refused(ErrorBody::read(&body)));
    accepted()
}

impl Desk {
    fn close(&self, id: &str, result: Answer) -> Response {
        let mut open = self.open.lock().unwrap();
        let Some((_, answer)) = open.take_if(|(open, _)| open == id) else {
            let body = json!({ "errorType": "InvalidRequestID", "errorMessage": "Invalid request ID" });
            let content_type = [(header::CONTENT_TYPE, "application/json")];
            return (StatusCode::BAD_REQUEST, content_type, body.to_string()).into_response();
        };
        // Late answers find nobody waiting; Lambda drops them, too.
        answer.send(result).ok();
        accepted()
    }
}

fn accepted() -> Response {
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    (StatusCode::ACCEPTED, content_type, r#"{"status":"OK"}"#).into_response()
}
