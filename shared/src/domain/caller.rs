//! Who is calling our API. Made only by `usecase::authenticate`, after a proof.

use serde::{Deserialize, Serialize};

use super::id::WorkspaceId;
use super::time::Timestamp;

/// A caller, already authenticated. Everything they may see or do is in their workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub workspace: WorkspaceId,
    pub by: Means,
}

/// How the caller proved who they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Means {
    /// A session in the browser, after giving the workspace's Twenty key.
    Session,
    /// An API token of the workspace, by its name.
    Token { name: String },
    /// Nobody: the workspace switched on what happens by itself.
    Automation,
}

impl Caller {
    /// The name in the audit log.
    pub fn name(&self) -> String {
        match &self.by {
            Means::Session => "session".to_owned(),
            Means::Token { name } => format!("token {name}"),
            Means::Automation => "automation".to_owned(),
        }
    }
}

/// An API token as stored: its digest only; the token itself was shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiToken {
    /// SHA-256 of the token's secret part, hex.
    pub digest: String,
    pub name: String,
    pub created_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

/// One entry of the audit log: who did what, never with a secret or personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub at: Timestamp,
    pub who: String,
    /// Past tense: `run.started`, `connection.removed`.
    pub what: String,
    pub about: String,
}
