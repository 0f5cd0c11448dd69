//! A host for Lambda binaries: starts one, speaks the Runtime API with it, and hands it one event at a time.
//!
//! It adds nothing to an event and takes nothing from an answer. It never reuses a process that died, outlived a
//! deadline or failed to start; the next invocation gets a new one, as on Lambda.

mod api;
mod process;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Mutex as Turn, watch};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use self::api::{Stage, Work};
use self::process::Process;
use super::{ACCOUNT, REGION};

/// How long a process may take from its start to its first request for work, as on Lambda.
const INIT_LIMIT: Duration = Duration::from_secs(10);

/// A function: a binary, its environment, and the process that runs it.
#[derive(Debug)]
pub struct RuntimeHost {
    start: Start,
    /// Whoever holds it talks to the function; `None` when a process has to be started first.
    turn: Turn<Option<Process>>,
    seen: Arc<Mutex<Seen>>,
}

/// What it takes to start a process.
#[derive(Clone, Debug)]
struct Start {
    binary: PathBuf,
    env: Vec<(String, String)>,
    name: String,
}

/// What can be seen from outside while the function works.
#[derive(Debug, Default)]
struct Seen {
    pid: Option<u32>,
    /// When the present process started, and how far it has come.
    progress: Option<(Instant, watch::Receiver<Stage>)>,
    starts: usize,
    invocations: u64,
    log: Vec<String>,
}

/// What came of one event.
#[derive(Clone, Debug)]
pub struct Invocation {
    pub result: Result<Value, ErrorBody>,
    /// From the moment the function took the event until its answer, its end or the deadline.
    pub duration: Duration,
}

/// The error that a function reported, or that Lambda reports about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorBody {
    pub error_type: String,
    pub error_message: String,
}

impl RuntimeHost {
    /// Starts `binary` with nothing in its environment but `env` and what Lambda sets. `env` wins, so a test may
    /// set `AWS_REGION` or `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`.
    ///
    /// # Panics
    ///
    /// When the binary cannot be started.
    pub async fn start(binary: &Path, env: &[(String, String)], name: &str) -> Self {
        let start = Start { binary: binary.to_owned(), env: env.to_vec(), name: name.to_owned() };
        let seen = Arc::default();
        let process = Process::spawn(&start, &seen).await;
        Self { start, turn: Turn::new(Some(process)), seen }
    }

    /// Hands the function an event and waits for what comes of it. Calls beside each other wait for their turn.
    pub async fn invoke(&self, event: Value, deadline: Duration) -> Invocation {
        let mut turn = self.turn.lock().await;
        let is_running = turn.as_mut().is_some_and(Process::is_running);
        let mut process = match turn.take() {
            Some(process) if is_running => process,
            Some(_) | None => Process::spawn(&self.start, &self.seen).await,
        };
        let id = self.next_id();
        let (invocation, is_usable) = run(&mut process, &id, event, deadline).await;
        if is_usable {
            *turn = Some(process);
        } else {
            process.end().await;
        }
        invocation
    }

    /// Resolves when the function first asked for work: how long after its start that was. `None` when its process
    /// ended first or took longer than Lambda allows.
    pub async fn ready(&self) -> Option<Duration> {
        let mut turn = self.turn.lock().await;
        turn.as_mut()?.ready().await;
        self.ready_after()
    }

    /// From the start of the present process to its first request for work.
    pub fn ready_after(&self) -> Option<Duration> {
        let seen = self.seen.lock().unwrap();
        let (started, stages) = seen.progress.as_ref()?;
        match *stages.borrow() {
            Stage::Ready(since) => Some(since - *started),
            Stage::Starting | Stage::Refused(_) => None,
        }
    }

    /// The present process; the last one when none runs.
    pub fn pid(&self) -> Option<u32> {
        self.seen.lock().unwrap().pid
    }

    /// How many processes were started so far.
    pub fn starts(&self) -> usize {
        self.seen.lock().unwrap().starts
    }

    /// The lines the function wrote to its standard output and error, of all its processes. A line may still be on
    /// its way when an answer is there; [`stop`](Self::stop) waits for all.
    pub fn log(&self) -> Vec<String> {
        self.seen.lock().unwrap().log.clone()
    }

    /// Ends the process and returns every line it wrote.
    pub async fn stop(self) -> Vec<String> {
        if let Some(process) = self.turn.lock().await.take() {
            process.end().await;
        }
        self.log()
    }

    fn next_id(&self) -> String {
        let mut seen = self.seen.lock().unwrap();
        seen.invocations += 1;
        let name = format!("{}/{}", self.start.name, seen.invocations);
        Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()).to_string()
    }
}

fn function_arn(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")
}

/// One event through one process; also says whether the process may be given another.
async fn run(process: &mut Process, id: &str, event: Value, deadline: Duration) -> (Invocation, bool) {
    if let Some(refused) = process.ready().await {
        return (failed(refused, Duration::ZERO), false);
    }
    let timed_out = || {
        let message = format!("Task timed out after {:.2} seconds", deadline.as_secs_f64());
        ErrorBody::new("Sandbox.Timedout", message)
    };
    let (work, taken, answered) = Work::new(id, &event, deadline);
    process.offer(work);
    tokio::select! {
        biased;
        _ = taken => {}
        error = process.died(id) => return (failed(error, Duration::ZERO), false),
        () = sleep(deadline) => return (failed(timed_out(), Duration::ZERO), false),
    }
    let began = Instant::now();
    tokio::select! {
        biased;
        Ok(result) = answered => {
            let invocation = Invocation { result, duration: began.elapsed() };
            (invocation, true)
        }
        error = process.died(id) => (failed(error, began.elapsed()), false),
        () = sleep(deadline) => (failed(timed_out(), began.elapsed()), false),
    }
}

fn failed(error: ErrorBody, duration: Duration) -> Invocation {
    Invocation { result: Err(error), duration }
}

impl ErrorBody {
    fn new(error_type: impl Into<String>, error_message: impl Into<String>) -> Self {
        Self { error_type: error_type.into(), error_message: error_message.into() }
    }

    /// Reads the body that a runtime posts; what is not of its form is kept as text.
    fn read(body: &[u8]) -> Self {
        let parsed: Option<Value> = serde_json::from_slice(body).ok();
        let text = |name: &str| parsed.as_ref()?.get(name)?.as_str().map(str::to_owned);
        Self {
            error_type: text("errorType").unwrap_or_default(),
            error_message: text("errorMessage").unwrap_or_else(|| String::from_utf8_lossy(body).into_owned()),
        }
    }
}

impl std::fmt::Display for ErrorBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.error_type, self.error_message)
    }
}
