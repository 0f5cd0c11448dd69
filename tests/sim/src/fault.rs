//! Misfortune by plan: every call to any stand-in passes here, is counted, and may be failed, delayed, cut,
//! held or repeated. It never decides by chance; the plan is the test's.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use tokio::sync::watch;

/// One call as it arrived at a stand-in.
#[derive(Clone, Debug)]
pub struct Call {
    /// Counts from 0 over all stand-ins that share the same [`Faults`].
    pub index: usize,
    /// `dynamodb`, `sqs`, `secrets`, `s3`, `whop`, `twenty` or `ai`.
    pub service: &'static str,
    /// The AWS target without its version (`PutItem`), or `POST /rest/batch/people?upsert=true`.
    pub operation: String,
}

/// What happens to a call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It is answered as usual.
    Pass,
    /// It is refused with this status and body before it has any effect.
    Fail(StatusCode, String),
    /// It is answered late, in real time.
    Delay(Duration),
    /// The line breaks before it has any effect.
    CutBefore,
    /// It takes effect, and the line breaks before the answer.
    CutAfter,
    /// It waits at the gate before it has any effect.
    HoldBefore(Gate),
    /// It takes effect, and the answer waits at the gate.
    HoldAfter(Gate),
    /// It takes effect twice; the second answer is given.
    Twice,
}

/// A place where a call waits. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate {
    reached: watch::Sender<bool>,
    open: watch::Sender<bool>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { reached: watch::Sender::new(false), open: watch::Sender::new(false) }
    }
}

impl Gate {
    /// Resolves when a call stands at the gate.
    pub async fn reached(&self) {
        self.reached.subscribe().wait_for(|reached| *reached).await.expect("the gate is alive");
    }

    /// Lets every call through, now and later.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    pub(crate) async fn wait(&self) {
        self.reached.send_replace(true);
        self.open.subscribe().wait_for(|open| *open).await.expect("the gate is alive");
    }
}

type Plan = Box<dyn FnMut(&Call) -> Fault + Send>;

#[derive(Default)]
struct State {
    plan: Option<Plan>,
    calls: Vec<Call>,
}

/// The plan and the record of calls; clones share both.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<State>>);

impl std::fmt::Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Faults").field("calls", &self.calls().len()).finish()
    }
}

impl Faults {
    /// Asks `plan` about every call from now on.
    pub fn plan(&self, plan: impl FnMut(&Call) -> Fault + Send + 'static) {
        self.0.lock().unwrap().plan = Some(Box::new(plan));
    }

    /// Lets everything pass again.
    pub fn clear(&self) {
        self.0.lock().unwrap().plan = None;
    }

    /// Every call so far, in the order of arrival.
    pub fn calls(&self) -> Vec<Call> {
        self.0.lock().unwrap().calls.clone()
    }

    /// How many calls have arrived so far.
    pub fn count(&self) -> usize {
        self.0.lock().unwrap().calls.len()
    }

    /// How many calls of one stand-in have arrived so far.
    pub fn count_of(&self, service: &str) -> usize {
        self.0.lock().unwrap().calls.iter().filter(|call| call.service == service).count()
    }

    /// Forgets the record of calls; counting starts at 0 again. Long runs call this to stay small.
    pub fn forget_calls(&self) {
        self.0.lock().unwrap().calls.clear();
    }

    /// Puts this plan in front of a stand-in.
    pub fn in_front_of(&self, service: &'static str, router: Router) -> Router {
        let faults = self.clone();
        router.layer(from_fn(move |request: Request, next: Next| {
            let faults = faults.clone();
            async move { faults.pass(service, request, next).await }
        }))
    }

    fn decide(&self, service: &'static str, request: &Request) -> Fault {
        let mut state = self.0.lock().unwrap();
        let call = Call { index: state.calls.len(), service, operation: operation(request) };
        state.calls.push(call.clone());
        state.plan.as_mut().map_or(Fault::Pass, |plan| plan(&call))
    }

    async fn pass(&self, service: &'static str, request: Request, next: Next) -> Response {
        match self.decide(service, &request) {
            Fault::Pass => next.run(request).await,
            Fault::Fail(status, body) => (status, body).into_response(),
            Fault::Delay(time) => {
                tokio::time::sleep(time).await;
                next.run(request).await
            }
            Fault::CutBefore => cut(),
            Fault::CutAfter => {
                finish(next.run(request)).await;
                cut()
            }
            Fault::HoldBefore(gate) => {
                gate.wait().await;
                next.run(request).await
            }
            Fault::HoldAfter(gate) => {
                let answer = next.run(request).await;
                gate.wait().await;
                answer
            }
            Fault::Twice => twice(request, next).await,
        }
    }
}

/// The name a test gives a call.
fn operation(request: &Request) -> String {
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
    match target.and_then(|target| target.split_once('.')) {
        Some((_, name)) => name.to_owned(),
        None => format!("{} {}", request.method(), request.uri()),
    }
}

async fn finish(answer: impl Future<Output = Response>) {
    let body = answer.await.into_body();
    drop(to_bytes(body, usize::MAX).await);
}

async fn twice(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.expect("a request body on loopback");
    let again = Request::from_parts(parts.clone(), Body::from(bytes.clone()));
    finish(next.clone().run(again)).await;
    next.run(Request::from_parts(parts, Body::from(bytes))).await
}

/// An answer whose body breaks at once, which makes the server drop the connection.
pub(crate) fn cut() -> Response {
    struct Broken;
    impl futures_util::Stream for Broken {
        type Item = Result<Bytes, std::io::Error>;
        fn poll_next(
            self: Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Self::Item>> {
            std::task::Poll::Ready(Some(Err(std::io::Error::other("the line was cut by plan"))))
        }
    }
    Response::new(Body::from_stream(Broken))
}
