//! Records that failed, with their source, until they succeed.

use std::collections::HashMap;

use super::expression::{Expression, number, text, value};
use super::listing::{Listed, Listing};
use super::table::{Key, read};
use super::{Result, Store, kept_raw};
use crate::domain::failed::FailedRecord;
use crate::domain::id::WorkspaceId;
use crate::domain::source::RecordRef;

const KIND: &str = "FAILED";

fn key(workspace: WorkspaceId, name: &RecordRef) -> Key {
    Key::new(workspace, KIND, format_args!("{}#{}", name.stream().as_str(), name.id()))
}

impl Store {
    /// Keeps a record that failed. One that failed before keeps its first moment and counts one try more,
    /// whatever `tries` says. A raw text of more than 300 KB is cut.
    pub(crate) async fn record_failure(&self, workspace: WorkspaceId, failed: &FailedRecord) -> Result<()> {
        let change = Expression::update(
            "SET #name = :name, #reason = :reason, #kind = :kind, #raw = :raw, #last_at = :last_at, \
             #first_at = if_not_exists(#first_at, :first_at), #tries = if_not_exists(#tries, :zero) + :one",
        )
        .with("name", value(&failed.name)?)
        .with("reason", text(&failed.reason))
        .with("kind", value(&failed.kind)?)
        .with("raw", text(kept_raw(&failed.raw)))
        .with("last_at", number(failed.last_at.millis()))
        .with("first_at", number(failed.first_at.millis()))
        .with("zero", number(0))
        .with("one", number(1));
        self.table.update(&key(workspace, &failed.name), &change).await?;
        Ok(())
    }

    /// Failed records by stream and id.
    pub(crate) async fn list_failed(
        &self,
        workspace: WorkspaceId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Listed<FailedRecord>> {
        self.table.list(&Listing::of(workspace, KIND, "", limit).from(cursor)).await
    }

    /// True if any record failed and did not succeed since. Mostly none did, and then nothing more is asked.
    pub(crate) async fn has_failed(&self, workspace: WorkspaceId) -> Result<bool> {
        self.table.has_any(&Listing::of(workspace, KIND, "", 1)).await
    }

    /// Of these records, those that failed before.
    pub(crate) async fn failed_among(
        &self,
        workspace: WorkspaceId,
        names: &[RecordRef],
    ) -> Result<HashMap<RecordRef, FailedRecord>> {
        let items = self.table.get_many(names.iter().map(|name| key(workspace, name))).await?;
        let failed = items.into_iter().map(read::<FailedRecord>);
        failed.map(|failed| failed.map(|failed| (failed.name.clone(), failed))).collect()
    }

    /// Forgets a record that succeeded, or that nobody wants any more.
    pub(crate) async fn clear_failed(&self, workspace: WorkspaceId, name: &RecordRef) -> Result<()> {
        self.table.delete(&key(workspace, name), &Expression::default()).await?;
        Ok(())
    }
}
