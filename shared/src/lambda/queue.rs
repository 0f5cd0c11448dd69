//! A batch of messages at a function's door.
//!
//! Each message is decoded alone and each panic is caught alone. What can be tried again goes back with a delay;
//! what can never succeed is parked at once with its reason, so that it does not block its group; nothing is
//! dropped. A message group keeps its order: after the first message that goes back, so do the rest.

use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use lambda_runtime::{LambdaEvent, service_fn};
use tracing::{Instrument, error, info_span, warn};

use super::http::tell;
use super::telemetry;
use crate::app::App;
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::job::{Job, Line};
use crate::queue::Parked;

/// Jobs of one group that may be done in one go, mostly one.
#[derive(Debug)]
pub struct Batch<J> {
    pub jobs: Vec<J>,
    /// Stop with a checkpoint before this moment.
    pub deadline: Timestamp,
}

/// Work stops this long before the function is ended.
const MARGIN: Duration = Duration::from_secs(10);
/// A message that came this often is sent again as a new one: the queue's own limit would set it aside though
/// only a partner's outage stands in its way.
const LAST_TRY: u32 = 4;

/// What becomes of a message.
enum Verdict {
    Done,
    GiveBack,
}

/// One message, its body decoded or not.
struct Message<J> {
    raw: SqsMessage,
    job: std::result::Result<J, serde_json::Error>,
}

/// Works off a batch and names the messages that go back.
pub async fn answer_queue<J, F, Fut>(
    app: &'static App,
    event: SqsEvent,
    deadline: Timestamp,
    handle: F,
) -> SqsBatchResponse
where
    J: Job,
    F: Fn(&'static App, Batch<J>) -> Fut + Copy,
    Fut: Future<Output = Vec<Result<()>>> + Send,
{
    let deadline = deadline - MARGIN;
    let mut failures = Vec::new();
    for group in by_group::<J>(event.records) {
        let span = info_span!("group", messages = group.len());
        failures.extend(work_off(app, group, deadline, handle).instrument(span).await);
    }
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failures;
    response
}

fn by_group<J: Job>(records: Vec<SqsMessage>) -> Vec<Vec<Message<J>>> {
    let group_of = |raw: &SqsMessage| raw.attributes.get("MessageGroupId").cloned().unwrap_or_default();
    let mut groups: Vec<(String, Vec<Message<J>>)> = Vec::new();
    for raw in records {
        let group = group_of(&raw);
        let job = serde_json::from_str(raw.body.as_deref().unwrap_or_default());
        let message = Message { raw, job };
        match groups.iter_mut().find(|(name, _)| *name == group) {
            Some((_, messages)) => messages.push(message),
            None => groups.push((group, vec![message])),
        }
    }
    groups.into_iter().map(|(_, messages)| messages).collect()
}

/// Works off one group in order; after the first message that goes back, so do the rest.
async fn work_off<J, F, Fut>(
    app: &'static App,
    group: Vec<Message<J>>,
    deadline: Timestamp,
    handle: F,
) -> Vec<BatchItemFailure>
where
    J: Job,
    F: Fn(&'static App, Batch<J>) -> Fut + Copy,
    Fut: Future<Output = Vec<Result<()>>> + Send,
{
    let mut back = Vec::new();
    let mut rest = group.as_slice();
    while let Some(first) = rest.first() {
        let (now, later) = rest.split_at(together(first, rest));
        let results = if app.clock().now() < deadline {
            run(app, now, deadline, handle).await
        } else {
            now.iter().map(|_| Err(Error::new(Kind::Conflict))).collect()
        };
        for (message, result) in now.iter().zip(results) {
            if !back.is_empty()
                || matches!(settle(app, J::LINE, &message.raw, result).await, Verdict::GiveBack)
            {
                back.push(failure(&message.raw));
            }
        }
        if !back.is_empty() {
            back.extend(later.iter().map(|message| failure(&message.raw)));
            break;
        }
        rest = later;
    }
    back
}

/// How many messages from the first on may be done in one go.
fn together<J: Job>(first: &Message<J>, rest: &[Message<J>]) -> usize {
    let Ok(first) = &first.job else { return 1 };
    let joins = |message: &&Message<J>| message.job.as_ref().is_ok_and(|job| first.joins(job));
    1 + rest.iter().skip(1).take_while(joins).count()
}

/// Does jobs in one go. If that panics they are taken apart, so that only the one at fault pays.
async fn run<J, F, Fut>(
    app: &'static App,
    messages: &[Message<J>],
    deadline: Timestamp,
    handle: F,
) -> Vec<Result<()>>
where
    J: Job,
    F: Fn(&'static App, Batch<J>) -> Fut + Copy,
    Fut: Future<Output = Vec<Result<()>>> + Send,
{
    let jobs: Vec<J> = messages.iter().filter_map(|message| message.job.as_ref().ok().cloned()).collect();
    if jobs.is_empty() {
        return messages.iter().map(|_| Err(Error::bug("a message does not decode"))).collect();
    }
    let expected = jobs.len();
    match caught(Box::pin(handle(app, Batch { jobs: jobs.clone(), deadline }))).await {
        Some(results) if results.len() == expected => results,
        Some(_) => jobs.iter().map(|_| Err(Error::bug("a handler forgot a message"))).collect(),
        None if expected == 1 => vec![Err(Error::bug("a handler panicked"))],
        None => one_by_one(app, jobs, deadline, handle).await,
    }
}

async fn one_by_one<J, F, Fut>(
    app: &'static App,
    jobs: Vec<J>,
    deadline: Timestamp,
    handle: F,
) -> Vec<Result<()>>
where
    J: Job,
    F: Fn(&'static App, Batch<J>) -> Fut + Copy,
    Fut: Future<Output = Vec<Result<()>>> + Send,
{
    let mut results = Vec::with_capacity(jobs.len());
    for job in jobs {
        let result = caught(Box::pin(handle(app, Batch { jobs: vec![job], deadline }))).await;
        let panicked = || Err(Error::bug("a handler panicked"));
        results.push(result.and_then(|results| results.into_iter().next()).unwrap_or_else(panicked));
    }
    results
}

async fn caught<T>(work: impl Future<Output = T> + Send) -> Option<T> {
    AssertUnwindSafe(work).catch_unwind().await.ok()
}

/// Decides what becomes of a message.
async fn settle(app: &'static App, line: Line, message: &SqsMessage, result: Result<()>) -> Verdict {
    let Err(error) = result else { return Verdict::Done };
    tell(&error);
    let delay = match error.kind() {
        Kind::Disconnected => return Verdict::Done,
        Kind::Conflict => Duration::from_secs(5),
        Kind::Throttled { retry_after } => retry_after,
        Kind::Unavailable => backoff(receives(message)),
        Kind::Invalid | Kind::Unauthenticated | Kind::NotFound | Kind::Rejected | Kind::Bug => {
            return park(app, line, message, &error).await;
        }
    };
    if receives(message) >= LAST_TRY && send_again(app, line, message).await {
        return Verdict::Done;
    }
    postpone(app, line, message, delay).await;
    Verdict::GiveBack
}

fn receives(message: &SqsMessage) -> u32 {
    message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1)
}

/// Longer each time: 15 s, 1 min, 4 min.
fn backoff(receives: u32) -> Duration {
    Duration::from_secs(15 * 4_u64.saturating_pow(receives.saturating_sub(1).min(3)))
}

async fn park(app: &'static App, line: Line, message: &SqsMessage, error: &Error) -> Verdict {
    let parked = Parked {
        body: message.body.as_deref().unwrap_or_default(),
        group: &group(message),
        kind: error.kind().as_str(),
        reason: &error.chain(),
        attributes: &[],
    };
    match app.queue().park(line, &parked).await {
        Ok(()) => {
            error!(event = "message.parked", error.kind = error.kind().as_str(), "a message was set aside");
            Verdict::Done
        }
        Err(failed) => {
            tell(&failed.into());
            Verdict::GiveBack
        }
    }
}

async fn send_again(app: &'static App, line: Line, message: &SqsMessage) -> bool {
    let (body, group) = (message.body.as_deref().unwrap_or_default(), group(message));
    let id = message.message_id.as_deref().unwrap_or_default();
    match app.queue().send_again(line, body, &group, &format!("again-{id}")).await {
        Ok(()) => {
            warn!(event = "message.sent_again", "a message was tried often and is sent again as a new one");
            true
        }
        Err(failed) => {
            tell(&failed.into());
            false
        }
    }
}

async fn postpone(app: &'static App, line: Line, message: &SqsMessage, delay: Duration) {
    let Some(receipt) = message.receipt_handle.as_deref() else {
        return;
    };
    if let Err(failed) = app.queue().postpone(line, receipt, delay).await {
        tell(&failed.into()); // It then comes back when its visibility ends, which is later than needed.
    }
}

fn group(message: &SqsMessage) -> String {
    message.attributes.get("MessageGroupId").cloned().unwrap_or_default()
}

fn failure(message: &SqsMessage) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = message.message_id.clone().unwrap_or_default();
    failure
}

/// Serves a function behind a queue until the process ends.
pub async fn serve_queue<J, F, Fut>(handle: F) -> Result<(), lambda_runtime::Error>
where
    J: Job,
    F: Fn(&'static App, Batch<J>) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Vec<Result<()>>> + Send + 'static,
{
    let app = App::from_env()?;
    telemetry::start(&app.config().log_level, std::io::stdout);
    // Boxed and nameless: the type of all that happens below a door is deeper than the compiler follows.
    let serve =
        move |event: LambdaEvent<SqsEvent>| -> BoxFuture<'static, Result<SqsBatchResponse, Infallible>> {
            let deadline = Timestamp::from_millis(i64::try_from(event.context.deadline).unwrap_or(i64::MAX));
            let span = info_span!("batch", request.id = event.context.request_id);
            Box::pin(answer_queue(app, event.payload, deadline, handle).map(Ok).instrument(span))
        };
    lambda_runtime::run(service_fn(serve)).await
}
