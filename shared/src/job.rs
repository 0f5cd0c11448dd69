//! What we say to ourselves over SQS. A job carries names, never a record or a token; the one body it may
//! carry is a delivery, as it arrived. Every job may happen twice or late; the second time changes nothing.

use serde::{Deserialize, Serialize};

use crate::domain::delivery::Delivery;
use crate::domain::id::{MemberId, RunId, WorkspaceId};
use crate::domain::run::RunKind;
use crate::domain::source::RecordRef;

/// One message on `sync.fifo`. To change one: add a variant, read the old one until the queue's retention has
/// passed, then delete it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub enum SyncJob {
    /// Work off a delivery.
    Deliver { delivery: Delivery },
    /// Start what is due in every workspace. Sent by the schedules.
    StartDue { sweep: Sweep },
    /// The same for one workspace.
    StartRun { workspace: WorkspaceId, sweep: Sweep },
    /// Do one page of a run.
    SyncPage { workspace: WorkspaceId, run: RunId, page: u64 },
    /// Read these records again and bring them up to date, even if nothing seems to have changed.
    SyncRecords { workspace: WorkspaceId, records: Vec<RecordRef> },
    /// The same for a member and everything they bought.
    SyncMember { workspace: WorkspaceId, member: MemberId },
}

/// Which sweep is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sweep {
    Incremental,
    Full,
}

impl Sweep {
    /// The run it becomes.
    pub fn kind(self) -> RunKind {
        match self {
            Self::Incremental => RunKind::Incremental,
            Self::Full => RunKind::Full,
        }
    }
}

impl SyncJob {
    /// The message group: all sync work of one workspace, so that a workspace has one writer at a time.
    pub fn group(&self) -> String {
        match self {
            Self::Deliver { delivery } => delivery.endpoint.workspace().to_string(),
            Self::StartDue { .. } => "schedules".to_owned(),
            Self::StartRun { workspace, .. }
            | Self::SyncPage { workspace, .. }
            | Self::SyncRecords { workspace, .. }
            | Self::SyncMember { workspace, .. } => workspace.to_string(),
        }
    }
}
