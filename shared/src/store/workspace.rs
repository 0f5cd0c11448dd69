//! Workspaces: one item each. Replaced as a whole, by its version.

use super::expression::{ABSENT, Expression, number};
use super::table::Key;
use super::{Result, Store};
use crate::domain::connection::Workspace;
use crate::domain::id::WorkspaceId;

fn key(workspace: WorkspaceId) -> Key {
    Key::new(workspace, "WORKSPACE", "twenty")
}

impl Store {
    /// A workspace that was connected.
    pub(crate) async fn find_workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>> {
        self.table.find(&key(id)).await
    }

    /// Keeps a workspace: a new one where `expected_version` is absent, else in place of just that version.
    /// The workspace carries its new version. False if somebody else was faster.
    pub(crate) async fn put_workspace(
        &self,
        workspace: &Workspace,
        expected_version: Option<u64>,
    ) -> Result<bool> {
        let only = match expected_version {
            None => Expression::only_if(ABSENT),
            Some(version) => Expression::only_if("#version = :version").with("version", number(version)),
        };
        self.table
            .put_once(key(workspace.id).item(workspace)?, &only)
            .await
    }
}
