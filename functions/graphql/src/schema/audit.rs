//! Who did what.

use async_graphql::SimpleObject;
use shared::domain::caller;

use super::time::DateTime;

/// One entry of the audit log. It holds no secret and no personal data.
#[derive(SimpleObject)]
pub(crate) struct AuditEntry {
    /// When it happened.
    at: DateTime,
    /// Who did it: `session`, or `token` with its name.
    who: String,
    /// What was done, for instance `run.started`.
    what: String,
    /// What it was done to.
    about: String,
}

impl From<caller::AuditEntry> for AuditEntry {
    fn from(entry: caller::AuditEntry) -> Self {
        Self { at: entry.at.into(), who: entry.who, what: entry.what, about: entry.about }
    }
}
