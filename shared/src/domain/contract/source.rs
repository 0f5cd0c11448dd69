//! What is signed, and when signers are reminded of it.

use serde::{Deserialize, Serialize};

use crate::domain::id::TemplateId;

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum Source {
    /// A document prepared at the provider.
    Template { template: TemplateId },
    /// A PDF that we keep until it is sent.
    File(SourceFile),
}

/// A PDF to be signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// Its name, ending in `.pdf`.
    pub name: String,
    /// Where we keep it.
    pub key: String,
    pub bytes: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// When signers are reminded, in days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminders {
    /// From sending to the first one.
    pub first_after_days: u16,
    /// From one to the next; none means once only.
    pub then_every_days: Option<u16>,
}
