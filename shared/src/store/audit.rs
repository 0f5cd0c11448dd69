//! The audit log of a workspace: append only.

use std::time::Duration;

use super::expression::{Expression, number};
use super::listing::{Listed, Listing, Order};
use super::table::{EXPIRES_AT, Key};
use super::{Result, Store};
use crate::domain::caller::AuditEntry;
use crate::domain::id::WorkspaceId;
use crate::ids;

const KIND: &str = "AUDIT";
/// How long an entry is kept.
const KEPT: Duration = Duration::from_hours(400 * 24);

impl Store {
    /// Adds an entry.
    pub(crate) async fn append(&self, workspace: WorkspaceId, entry: &AuditEntry) -> Result<()> {
        // The random part keeps two entries of one millisecond apart.
        let id = format!("{:015}-{}", entry.at.millis().max(0), hex::encode(ids::random::<4>()?));
        let mut item = Key::new(workspace, KIND, id).item(entry)?;
        item.insert(EXPIRES_AT.to_owned(), number((entry.at + KEPT).seconds()));
        self.table.put(item, &Expression::default()).await?;
        Ok(())
    }

    /// Entries, the latest first.
    pub(crate) async fn list_audit(
        &self,
        workspace: WorkspaceId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Listed<AuditEntry>> {
        let listing = Listing::of(workspace, KIND, "", limit).from(cursor).ordered(Order::Descending);
        self.table.list(&listing).await
    }
}
