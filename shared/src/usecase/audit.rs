//! Writes down who did what. Never a secret, never personal data.

use crate::app::App;
use crate::domain::caller::AuditEntry;
use crate::domain::id::WorkspaceId;
use crate::error::Result;

/// Appends an entry: `who` did `what` (past tense) to `about`.
pub(crate) async fn audit(
    app: &App,
    workspace: WorkspaceId,
    who: &str,
    what: &str,
    about: &str,
) -> Result<()> {
    let entry = AuditEntry {
        at: app.clock().now(),
        who: who.to_owned(),
        what: what.to_owned(),
        about: about.to_owned(),
    };
    Ok(app.store().append(workspace, &entry).await?)
}
