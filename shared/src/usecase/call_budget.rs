//! A job's calls to Twenty, taken from the workspace's budget before they are made.
//!
//! A job that knows how many it will need takes them in one write and gives back what it did not need in another.
//! It never calls without having taken the call, and never believes in a bucket that somebody else has moved.

use std::time::Duration;

use tokio::sync::Mutex;
use tracing::warn;

use crate::app::App;
use crate::domain::budget::{Bucket, Take, Urgency};
use crate::domain::id::WorkspaceId;
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind, Result};

/// The budget as one job draws on it.
pub(crate) struct CallBudget {
    workspace: WorkspaceId,
    urgency: Urgency,
    deadline: Timestamp,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The bucket at the version that is stored, as far as this job knows.
    bucket: Option<Bucket>,
    /// Calls that will probably be made.
    expected: u32,
    /// Calls that were taken and not made yet.
    ahead: u32,
    /// When the last call of several that were taken together was made; nothing if none is to be settled.
    unsettled: Option<Timestamp>,
}

impl CallBudget {
    /// Takes with this urgency, and waits until this moment at most.
    pub(crate) fn new(workspace: WorkspaceId, urgency: Urgency, deadline: Timestamp) -> Self {
        Self { workspace, urgency, deadline, state: Mutex::default() }
    }

    /// So many calls will probably be made. They are taken together when the first one is.
    pub(crate) async fn expect(&self, calls: u32) {
        self.state.lock().await.expected = calls;
    }

    /// Takes one call, waiting for it if need be.
    pub(crate) async fn take(&self, app: &App) -> Result<()> {
        let mut state = self.state.lock().await;
        if let Some(left) = state.ahead.checked_sub(1) {
            (state.ahead, state.unsettled) = (left, Some(app.clock().now()));
            return Ok(());
        }
        loop {
            let now = app.clock().now();
            let known = match (state.bucket.take(), state.unsettled.take()) {
                (Some(known), Some(last_at)) => known.settled(0, last_at),
                (Some(known), None) => known,
                (None, _) => self.load(app, now).await?,
            };
            let (take, calls) = known.take_some(state.expected, self.urgency, now);
            let after = match take {
                Take::Granted(after) => after,
                Take::Wait(time) if now + time < self.deadline => {
                    state.bucket = Some(known);
                    app.clock().sleep(time).await;
                    continue;
                }
                Take::Wait(retry_after) => return Err(Error::new(Kind::Throttled { retry_after })),
            };
            if app.store().put_bucket(self.workspace, &after, expected(&known)).await? {
                (state.bucket, state.ahead) = (Some(after), calls - 1);
                state.unsettled = (calls > 1).then_some(now);
                return Ok(());
            }
        }
    }

    /// Gives back the calls that were taken and not made, and says when the last one was. If somebody else took
    /// some meanwhile they are lost, which costs a moment's wait at most.
    pub(crate) async fn settle(&self, app: &App) -> Result<()> {
        let mut state = self.state.lock().await;
        let (Some(known), Some(last_at)) = (state.bucket.take(), state.unsettled.take()) else {
            return Ok(());
        };
        let after = known.settled(std::mem::take(&mut state.ahead), last_at).moved();
        app.store().put_bucket(self.workspace, &after, expected(&known)).await?;
        Ok(())
    }

    /// Twenty refused a call. Keeps what that teaches, and waits; fails if there is no time for that.
    pub(crate) async fn slow_down(
        &self,
        app: &App,
        limit: Option<u32>,
        retry_after: Option<Duration>,
    ) -> Result<()> {
        let clock = app.clock();
        let mut state = self.state.lock().await;
        let known = self.load(app, clock.now()).await?;
        let slower = known.refused(limit, clock.now());
        warn!(event = "twenty.throttled", limit = slower.limit, "Twenty asked us to slow down");
        app.store().put_bucket(self.workspace, &slower, expected(&known)).await?;
        // Calls that were taken before are not there any more.
        (state.bucket, state.ahead, state.unsettled) = (None, 0, None);
        let wait = retry_after.unwrap_or(Duration::from_secs(1));
        if clock.now() + wait >= self.deadline {
            return Err(Error::new(Kind::Throttled { retry_after: wait }));
        }
        clock.sleep(wait).await;
        Ok(())
    }

    async fn load(&self, app: &App, now: Timestamp) -> Result<Bucket> {
        let found = app.store().find_bucket(self.workspace).await?;
        Ok(found.unwrap_or_else(|| Bucket::full(app.config().twenty_calls_per_minute, now)))
    }
}

/// The version a bucket must still have when it is replaced; nothing for one that was never stored.
fn expected(known: &Bucket) -> Option<u64> {
    (known.version > 0).then_some(known.version)
}
