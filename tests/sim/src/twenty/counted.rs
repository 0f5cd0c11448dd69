//! What a test may ask the server afterwards: how often it was called, refused, and made to write.

use std::collections::BTreeMap;

use super::Twenty;

impl Twenty {
    /// Core requests that write, refused ones apart. A GraphQL root field counts as one.
    pub fn write_calls(&self, workspace: impl AsRef<str>) -> u64 {
        self.space(workspace, |space| space.counters.writes)
    }

    /// Core requests that read, refused ones apart.
    pub fn read_calls(&self, workspace: impl AsRef<str>) -> u64 {
        self.space(workspace, |space| space.counters.reads)
    }

    /// Core requests by kind: `batch upsert people`, `list opportunities`, `graphql createPeople`.
    pub fn calls(&self, workspace: impl AsRef<str>) -> BTreeMap<String, u64> {
        self.space(workspace, |space| space.counters.calls.clone())
    }

    /// Refused core requests by kind: `limit`, `not found`, `duplicate`, `INVALID_ARGS_DATA`, and so on.
    pub fn refusals(&self, workspace: impl AsRef<str>) -> BTreeMap<String, u64> {
        self.space(workspace, |space| space.counters.refusals.clone())
    }

    /// How often records of an object were written, unchanged ones included.
    pub fn records_written(&self, workspace: impl AsRef<str>, plural: &str) -> u64 {
        self.space(workspace, |space| space.counters.written.get(plural).copied().unwrap_or_default())
    }

    /// How often a write really changed a record of an object.
    pub fn records_changed(&self, workspace: impl AsRef<str>, plural: &str) -> u64 {
        self.space(workspace, |space| space.counters.changed.get(plural).copied().unwrap_or_default())
    }

    /// Forgets every count of the workspace.
    pub fn forget_counts(&self, workspace: impl AsRef<str>) {
        self.space(workspace, |space| {
            space.counters = super::space::Counters::default();
        });
    }

    /// Requests this stand-in has not learnt to answer. Tests assert that it is empty.
    pub fn calls_not_understood(&self) -> Vec<String> {
        self.server.state.lock().unwrap().not_understood.clone()
    }

    /// The bytes of an uploaded file.
    pub fn uploaded(&self, file_id: &str) -> Option<Vec<u8>> {
        let id = uuid::Uuid::try_parse(file_id).ok()?;
        self.server.state.lock().unwrap().uploads.get(&id).cloned()
    }

    /// Resolves when no webhook is on its way.
    pub async fn webhooks_settled(&self) {
        let mut pending = self.server.pending.subscribe();
        pending.wait_for(|count| *count == 0).await.expect("the server is alive");
    }
}
