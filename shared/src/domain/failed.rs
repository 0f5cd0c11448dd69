//! Records that could not be brought into the CRM, kept with what they said and why they failed, until they
//! succeed or a person deals with them.

use serde::{Deserialize, Serialize};

use super::run::Failure;
use super::source::{Record, RecordRef, Stream, Unreadable};
use super::time::Timestamp;

/// One record kept aside. It holds personal data and never leaves the workspace's own table and page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedRecord {
    pub name: RecordRef,
    pub kind: Failure,
    /// For the person who reads it.
    pub reason: String,
    /// The record as we read it, JSON.
    pub raw: String,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// How often it was tried.
    pub tries: u32,
}

impl FailedRecord {
    /// A record that failed now.
    pub fn new(record: &Record, kind: Failure, reason: &str, now: Timestamp) -> Self {
        let (reason, raw) = (reason.to_owned(), raw(record));
        Self { name: record.name(), kind, reason, raw, first_at: now, last_at: now, tries: 1 }
    }

    /// A row that is not a record; nothing if it has no id to be known by.
    pub fn unreadable(stream: Stream, row: &Unreadable, now: Timestamp) -> Option<Self> {
        let name = RecordRef::new(stream, row.id.as_deref()?).ok()?;
        let (reason, raw) = (row.reason.clone(), row.raw.clone());
        Some(Self { name, kind: Failure::Unreadable, reason, raw, first_at: now, last_at: now, tries: 1 })
    }

    /// True if `record` says just what it said when it failed.
    pub fn is_about(&self, record: &Record) -> bool {
        self.raw == raw(record)
    }
}

fn raw(record: &Record) -> String {
    serde_json::to_string(record).unwrap_or_default()
}
