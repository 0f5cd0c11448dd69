//! Insights that are answered later. A job ends once, and stays for a day.

use super::expression::{Expression, number, text, value};
use super::table::{EXPIRES_AT, Key};
use super::{Result, Store};
use crate::domain::id::{InsightJobId, WorkspaceId};
use crate::domain::insight::job::{InsightJob, JobState, KEPT_FOR};

const KIND: &str = "AIJOB";

impl Store {
    /// Keeps a new job.
    pub(crate) async fn put_insight_job(&self, workspace: WorkspaceId, job: &InsightJob) -> Result<bool> {
        let mut item = Key::new(workspace, KIND, &job.id).item(job)?;
        item.insert(EXPIRES_AT.to_owned(), number((job.asked_at + KEPT_FOR).seconds()));
        self.table.insert(item).await
    }

    /// A job.
    pub(crate) async fn find_insight_job(
        &self,
        workspace: WorkspaceId,
        id: &InsightJobId,
    ) -> Result<Option<InsightJob>> {
        self.table.find(&Key::new(workspace, KIND, id)).await
    }

    /// Ends a job that waits. False if it ended before.
    pub(crate) async fn end_insight_job(
        &self,
        workspace: WorkspaceId,
        id: &InsightJobId,
        end: &JobState,
    ) -> Result<bool> {
        let change = Expression::update("SET #state = :state")
            .and_only_if("#state.#state = :waiting")
            .with("state", value(end)?)
            .with("waiting", text("waiting"));
        Ok(self.table.update(&Key::new(workspace, KIND, id), &change).await?.is_yes())
    }
}
