//! Records that could not be brought to the CRM, kept with their source and the reason until they succeed.

use serde::{Deserialize, Serialize};

use super::id::RunId;
use super::run::Failure;
use super::source::RecordRef;
use super::time::Timestamp;

/// One such record. A record that fails again stays the same one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedRecord {
    pub name: RecordRef,
    /// What is wrong with it, for the person who mends it.
    pub reason: String,
    pub kind: Failure,
    /// The record as it came from Whop.
    pub raw: String,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// How often it failed.
    pub tries: u32,
    /// The run that met it last; absent if a delivery did.
    pub run: Option<RunId>,
}
