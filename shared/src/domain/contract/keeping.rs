//! What we keep beside a contract's life: why it exists, the wish to end it, the signed file, what the CRM was told.

use serde::{Deserialize, Serialize};

use super::owed::Shown;
use super::state::State;
use crate::domain::id::CrmId;
use crate::domain::time::Timestamp;

/// Why there is a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause {
    /// Somebody asked, by this means.
    Person { by: String },
    /// A rule of the workspace, for this membership or opportunity, once.
    Automation { automation: String, subject: String },
}

/// Somebody wants the contract ended. Kept before the provider is told, because two of its words mean
/// something else without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelWish {
    pub reason: String,
    pub at: Timestamp,
    /// When the provider took it up.
    #[serde(default)]
    pub accepted_at: Option<Timestamp>,
}

/// The signed file as we keep it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedFile {
    pub key: String,
    pub bytes: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
    pub kept_at: Timestamp,
}

/// What the CRM was told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    /// The record of the contract.
    pub record: Option<CrmId>,
    /// What that record shows.
    pub shown: Option<Shown>,
    /// States for which there is a note.
    pub noted: Vec<State>,
    /// The signed file as it hangs on the person, or on the opportunity where there is none.
    pub attachment: Option<CrmId>,
}
