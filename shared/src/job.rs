//! What we say to ourselves over SQS. A job carries names, never a record or a token; the one body it may
//! carry is a delivery, as it arrived. Every job may happen twice or late; the second time changes nothing.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::domain::contract::ProviderName;
use crate::domain::delivery::Delivery;
use crate::domain::id::{
    ContractId, CrmId, InsightJobId, MemberId, MembershipId, ProductId, RunId, WorkspaceId,
};
use crate::domain::insight::automation::Cause;
use crate::domain::run::RunKind;
use crate::domain::source::RecordRef;
use crate::domain::time::Timestamp;

/// A queue of ours; each is FIFO, has a dead-letter queue beside it, and one function behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// `sync.fifo`: everything that writes members to Twenty.
    Sync,
    /// `ai.fifo`: what language models are asked for without anybody waiting.
    Ai,
    /// `contract.fifo`: what e-signature providers are asked for, and what they tell.
    Contract,
}

/// Something that comes over a queue.
pub trait Job: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// The queue it comes over.
    const LINE: Line;

    /// The message group: jobs of one group are done one after the other.
    fn group(&self) -> String;

    /// True if this job and the next one of its group may be done in one go.
    fn joins(&self, _next: &Self) -> bool {
        false
    }
}

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

impl Job for SyncJob {
    const LINE: Line = Line::Sync;

    /// All sync work of one workspace, so that a workspace has one writer at a time.
    fn group(&self) -> String {
        match self {
            Self::Deliver { delivery } => delivery.endpoint.workspace().to_string(),
            Self::StartDue { .. } => "schedules".to_owned(),
            Self::StartRun { workspace, .. }
            | Self::SyncPage { workspace, .. }
            | Self::SyncRecords { workspace, .. }
            | Self::SyncMember { workspace, .. } => workspace.to_string(),
        }
    }

    /// Deliveries of a workspace become one batch to Twenty; everything else is done alone.
    fn joins(&self, next: &Self) -> bool {
        matches!((self, next), (Self::Deliver { .. }, Self::Deliver { .. }))
    }
}

/// One message on `ai.fifo`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub enum AiJob {
    /// Answer a request whose caller asks for the answer later.
    Answer { workspace: WorkspaceId, insight: InsightJobId },
    /// Score a member from `due` on, if the workspace still wants that for this cause.
    Score { workspace: WorkspaceId, member: MemberId, cause: Cause, due: Timestamp },
    /// Score everybody in every workspace that wants it. Sent by the nightly schedule.
    ScoreDue,
    /// Score a page of a workspace's members, those after `after`, and queue the next. `night` names the pass.
    ScoreSome { workspace: WorkspaceId, night: Timestamp, after: Option<String> },
    /// Write a note about a member's figures, if one is still due.
    Note { workspace: WorkspaceId, member: MemberId },
}

impl Job for AiJob {
    const LINE: Line = Line::Ai;

    /// A workspace's requests are answered one after the other. Figures do not wait for those, nor for the notes, whose
    /// words may take a model long.
    fn group(&self) -> String {
        match self {
            Self::Answer { workspace, .. } => format!("{workspace}-asked"),
            Self::Score { workspace, .. } | Self::ScoreSome { workspace, .. } => workspace.to_string(),
            Self::ScoreDue => "schedules".to_owned(),
            Self::Note { workspace, .. } => format!("{workspace}-notes"),
        }
    }
}

/// One message on `contract.fifo`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub enum ContractJob {
    /// Take in what a provider tells. The contract is known where the provider repeats our own id.
    Deliver { provider: ProviderName, contract: Option<ContractId>, delivery: Delivery },
    /// Make the next steps of sending.
    Dispatch { workspace: WorkspaceId, contract: ContractId },
    /// Ask the provider to end it, as somebody wished.
    Cancel { workspace: WorkspaceId, contract: ContractId },
    /// Read it at the provider, if it was not read just now.
    Read { workspace: WorkspaceId, contract: ContractId },
    /// Fetch the signed file and keep it.
    Archive { workspace: WorkspaceId, contract: ContractId },
    /// Remind whose reminder is due, where the provider does not.
    Remind { workspace: WorkspaceId, contract: ContractId },
    /// Tell the CRM how it stands.
    Tell { workspace: WorkspaceId, contract: ContractId },
    /// Look after every contract that somebody must come back to. Sent by the schedule.
    LookAfter,
    /// A membership seems to have become active: send what the workspace's rules say, if any does.
    MembershipActive { workspace: WorkspaceId, membership: MembershipId, product: Option<ProductId> },
    /// Look for opportunities that reached the stage which a rule waits for; a page of them, after `after`. `look`
    /// names the look.
    WatchStages { workspace: WorkspaceId, rule: String, look: Timestamp, after: Option<String> },
    /// An opportunity reached the stage that a rule waits for: send what the rule says, if it still does.
    StageReached { workspace: WorkspaceId, rule: String, opportunity: CrmId },
}

impl Job for ContractJob {
    const LINE: Line = Line::Contract;

    /// A contract's jobs are done one after the other. The CRM is told in a group of its own, so that its call
    /// budget holds up nobody's signature.
    fn group(&self) -> String {
        match self {
            Self::Deliver { contract: Some(contract), .. }
            | Self::Dispatch { contract, .. }
            | Self::Cancel { contract, .. }
            | Self::Read { contract, .. }
            | Self::Archive { contract, .. }
            | Self::Remind { contract, .. } => contract.to_string(),
            Self::Deliver { contract: None, delivery, .. } => delivery.id.to_string(),
            Self::Tell { contract, .. } => format!("{contract}-told"),
            Self::LookAfter => "schedules".to_owned(),
            Self::MembershipActive { membership, .. } => membership.to_string(),
            Self::WatchStages { workspace, .. } => format!("{workspace}-stages"),
            Self::StageReached { opportunity, .. } => opportunity.to_string(),
        }
    }
}
