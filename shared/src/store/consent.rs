//! Consents that were begun. Each can be taken up once.

use super::expression::{Expression, number};
use super::table::{EXPIRES_AT, Held, Key, read};
use super::{Result, Store};
use crate::domain::grant::PendingConsent;
use crate::domain::id::WorkspaceId;
use crate::domain::time::Timestamp;

fn key(workspace: WorkspaceId, state: &str) -> Key {
    Key::new(workspace, "CONSENT", state)
}

impl Store {
    /// Keeps a consent that was begun. False if there is another of its state.
    pub(crate) async fn put_state(&self, workspace: WorkspaceId, pending: &PendingConsent) -> Result<bool> {
        let mut item = key(workspace, &pending.state).item(pending)?;
        item.insert(EXPIRES_AT.to_owned(), number(pending.expires_at.seconds()));
        self.table.insert(item).await
    }

    /// Takes a consent up. Nothing if there is none of this state, if it was taken up before, or came too late.
    pub(crate) async fn take_state(
        &self,
        workspace: WorkspaceId,
        state: &str,
        now: Timestamp,
    ) -> Result<Option<PendingConsent>> {
        let valid = Expression::only_if("#valid_until > :now").with("now", number(now.millis()));
        match self.table.delete(&key(workspace, state), &valid).await? {
            Held::Yes(item) => item.map(read).transpose(),
            Held::No(_) => Ok(None),
        }
    }
}
