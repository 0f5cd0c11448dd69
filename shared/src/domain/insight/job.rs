//! An insight that is answered later than its caller waited. Request and answer are kept sealed: both speak of a
//! person.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::request::Insight;
use crate::domain::caller::Means;
use crate::domain::grant::Sealed;
use crate::domain::id::InsightJobId;
use crate::domain::time::Timestamp;

/// How long a job is tried, and then told as failed.
pub const TRIED_FOR: Duration = Duration::from_hours(1);
/// How long it can be asked for.
pub const KEPT_FOR: Duration = Duration::from_hours(24);

/// A job as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InsightJob {
    pub id: InsightJobId,
    pub asked_at: Timestamp,
    /// Who asked.
    pub caller: Means,
    /// The request, as [`super::request::InsightRequest::to_text`] writes it.
    pub request: Sealed,
    pub state: JobState,
}

/// Where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum JobState {
    Waiting,
    Answered {
        /// The insight, as [`Insight::to_text`] writes it.
        insight: Sealed,
    },
    Failed {
        /// The code of an API answer.
        code: String,
        /// What to do, in words.
        reason: String,
    },
}

/// What whoever asked for a job is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    Waiting,
    Answered(Box<Insight>),
    Failed { code: String, reason: String },
}
