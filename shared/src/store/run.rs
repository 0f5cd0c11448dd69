//! Runs and their checkpoints. Progress moves only from the page that was worked on.

use std::time::Duration;

use super::expression::{Expression, number, text, value};
use super::listing::{Listed, Listing, Order};
use super::table::{EXPIRES_AT, Held, Key, read};
use super::{Result, Store};
use crate::domain::id::{RunId, WorkspaceId};
use crate::domain::run::{Run, RunState};
use crate::domain::time::Timestamp;

const KIND: &str = "RUN";
/// How long a run and its receipt are kept.
const KEPT: Duration = Duration::from_hours(90 * 24);

fn key(workspace: WorkspaceId, id: &RunId) -> Key {
    Key::new(workspace, KIND, id)
}

/// A state that can be left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Open {
    Running,
    Paused,
}

impl Open {
    /// As [`RunState`] writes it.
    fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
        }
    }
}

impl Store {
    /// Keeps a new run. False if there is another of its name.
    pub(crate) async fn insert_run(&self, run: &Run) -> Result<bool> {
        let mut item = key(run.workspace, &run.id).item(run)?;
        item.insert(EXPIRES_AT.to_owned(), number((run.started_at + KEPT).seconds()));
        self.table.insert(item).await
    }

    /// One run.
    pub(crate) async fn find_run(&self, workspace: WorkspaceId, id: &RunId) -> Result<Option<Run>> {
        self.table.find(&key(workspace, id)).await
    }

    /// Runs, the latest first.
    pub(crate) async fn list_runs(
        &self,
        workspace: WorkspaceId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Listed<Run>> {
        let listing = Listing::of(workspace, KIND, "", limit).from(cursor).ordered(Order::Descending);
        self.table.list(&listing).await
    }

    /// Keeps a run as it is after its page `from_page`, if it still stands there and runs. What it expects is
    /// left alone where `after` does not say. True also if it is there just so already.
    pub(crate) async fn checkpoint(&self, after: &Run, from_page: u64) -> Result<bool> {
        let key = key(after.workspace, &after.id);
        let mut change = item_change(&key, after)?
            .and_only_if("#page = :from_page AND #state.#state = :running")
            .with("from_page", number(from_page));
        change = change.with("running", text(Open::Running.as_str()));
        match self.table.update(&key, &change).await? {
            Held::Yes(_) => Ok(true),
            Held::No(there) => {
                let there: Option<Run> = there.map(read).transpose()?;
                Ok(there.is_some_and(|there| Run { expected: after.expected, ..there } == *after))
            }
        }
    }

    /// Moves a run to another state, if it is in one of `from`: pause, resume, cancel, fail. Answers the run as
    /// it is then; nothing if it was elsewhere.
    pub(crate) async fn move_run(
        &self,
        (workspace, id): (WorkspaceId, &RunId),
        from: &[Open],
        to: &RunState,
        now: Timestamp,
    ) -> Result<Option<Run>> {
        let words: Vec<String> = (0..from.len()).map(|at| format!(":from{at}")).collect();
        let states = words.join(", ");
        let mut change = Expression::update("SET #state = :to, #moved_at = :now")
            .and_only_if(format!("#state.#state IN ({states}) OR (#state = :to AND #moved_at = :now)"))
            .with("to", value(to)?)
            .with("now", number(now.millis()));
        for (at, state) in from.iter().enumerate() {
            change = change.with(&format!("from{at}"), text(state.as_str()));
        }
        match self.table.update(&key(workspace, id), &change).await? {
            Held::Yes(item) => item.map(read).transpose(),
            Held::No(_) => Ok(None),
        }
    }

    /// Notes that a run was resumed and is not stuck.
    pub(crate) async fn touch_run(&self, workspace: WorkspaceId, id: &RunId, now: Timestamp) -> Result<bool> {
        let change = Expression::update("SET #moved_at = :now")
            .and_only_if("#state.#state = :running")
            .with("now", number(now.millis()))
            .with("running", text(Open::Running.as_str()));
        Ok(self.table.update(&key(workspace, id), &change).await?.is_yes())
    }
}

/// Sets everything a run says, and removes the cursor where it has none.
fn item_change(key: &Key, run: &Run) -> Result<Expression> {
    let mut item = key.item(run)?;
    for name in key.attributes().keys() {
        item.remove(name);
    }
    let mut names: Vec<&String> = item.keys().collect();
    names.sort();
    let sets: Vec<String> = names.iter().map(|name| format!("#{name} = :{name}")).collect();
    let remove = if run.cursor.is_none() { " REMOVE #cursor" } else { "" };
    let change = Expression::update(format!("SET {}{remove}", sets.join(", ")));
    Ok(item.into_iter().fold(change, |change, (name, value)| change.with(&name, value)))
}
