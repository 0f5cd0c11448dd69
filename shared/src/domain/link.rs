//! The tie between a record at Whop and its record in Twenty, and what we last said there.

use serde::{Deserialize, Serialize};

use super::id::{CrmId, RunId};
use super::policy::Written;
use super::revision::Revision;
use super::source::RecordRef;

/// One tie. It moves only forward, by [`Revision`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub name: RecordRef,
    pub crm: CrmId,
    pub revision: Revision,
    /// What we wrote last to the fields that people may take over.
    #[serde(default)]
    pub written: Written,
    /// The page that wrote last, so that a page done twice counts what it wrote once.
    #[serde(default)]
    pub by: Option<PageOf>,
}

/// One page of one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageOf {
    pub run: RunId,
    pub page: u64,
}
