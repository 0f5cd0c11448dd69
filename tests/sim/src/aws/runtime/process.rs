//! One process of a function, from its start to its end. It is killed when dropped.

use std::process::Stdio;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::super::REGION;
use super::api::{Stage, Work, router};
use super::{ErrorBody, INIT_LIMIT, Seen, Start};
use crate::serve::{Served, serve};

#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    started: Instant,
    offer: mpsc::Sender<Work>,
    stages: watch::Receiver<Stage>,
    readers: Vec<JoinHandle<()>>,
    _served: Served,
}

impl Process {
    pub(super) async fn spawn(start: &Start, seen: &Arc<Mutex<Seen>>) -> Self {
        let (router, offer, stages) = router(&start.name);
        let served = serve(router, 0).await.expect("a free port on loopback");
        let mut command = Command::new(&start.binary);
        command
            .env_clear()
            .envs(lambda_env(&start.name))
            .envs(start.env.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", served.url().trim_start_matches("http://"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let started = Instant::now();
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", start.binary.display()));
        let readers = vec![
            keep_lines(child.stdout.take().expect("a pipe"), Arc::clone(seen)),
            keep_lines(child.stderr.take().expect("a pipe"), Arc::clone(seen)),
        ];
        {
            let mut seen = seen.lock().unwrap();
            seen.pid = child.id();
            seen.progress = Some((started, stages.clone()));
            seen.starts += 1;
        }
        Self { child, started, offer, stages, readers, _served: served }
    }

    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until the process asks for work. When it never will, says why.
    pub(super) async fn ready(&mut self) -> Option<ErrorBody> {
        let left = INIT_LIMIT.saturating_sub(self.started.elapsed());
        let mut stages = self.stages.clone();
        let decided = async {
            let stage = stages.wait_for(|stage| !matches!(stage, Stage::Starting)).await;
            stage.map(|stage| stage.clone()).expect("the desk lives as long as its server")
        };
        let child = &mut self.child;
        let outcome = timeout(left, async {
            tokio::select! {
                biased;
                stage = decided => match stage {
                    Stage::Refused(error) => Some(error),
                    Stage::Starting | Stage::Ready(_) => None,
                },
                end = child.wait() => Some(exit_error("during its start", end)),
            }
        });
        outcome.await.unwrap_or_else(|_| {
            let message = format!("the start took longer than {INIT_LIMIT:?}");
            Some(ErrorBody::new("Sandbox.Timedout", message))
        })
    }

    /// Puts work where the process finds it when it asks.
    pub(super) fn offer(&self, work: Work) {
        self.offer.try_send(work).expect("one event at a time, and a desk that is open");
    }

    /// Resolves when the process ends.
    pub(super) async fn died(&mut self, request: &str) -> ErrorBody {
        let end = self.child.wait().await;
        exit_error(&format!("in request {request}"), end)
    }

    /// Kills the process and waits until the last line it wrote is kept.
    pub(super) async fn end(mut self) {
        // It may have ended by itself.
        drop(self.child.kill().await);
        for reader in self.readers {
            reader.await.expect("a reader of lines does not fail");
        }
    }
}

fn exit_error(when: &str, end: std::io::Result<std::process::ExitStatus>) -> ErrorBody {
    let how = end.map_or_else(|error| error.to_string(), |status| status.to_string());
    ErrorBody::new("Runtime.ExitError", format!("the process ended {when}: {how}"))
}

/// What Lambda sets for every function.
fn lambda_env(name: &str) -> Vec<(&'static str, String)> {
    let text = |value: &str| value.to_owned();
    vec![
        ("AWS_LAMBDA_FUNCTION_NAME", text(name)),
        ("AWS_LAMBDA_FUNCTION_VERSION", text("$LATEST")),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", text("128")),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}")),
        ("AWS_LAMBDA_LOG_STREAM_NAME", text("local")),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", text("on-demand")),
        ("AWS_EXECUTION_ENV", text("AWS_Lambda_provided.al2023")),
        ("AWS_REGION", text(REGION)),
        ("AWS_DEFAULT_REGION", text(REGION)),
        ("AWS_ACCESS_KEY_ID", text("AKIASIMULATED")),
        ("AWS_SECRET_ACCESS_KEY", text("simulated")),
        ("AWS_SESSION_TOKEN", text("simulated")),
        ("_HANDLER", text("bootstrap")),
        ("TZ", text(":UTC")),
    ]
}

fn keep_lines(pipe: impl AsyncRead + Send + Unpin + 'static, seen: Arc<Mutex<Seen>>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            seen.lock().unwrap().log.push(text);
            line.clear();
        }
    })
}
