//! The index `due`: a sparse list of what somebody must come back to, across or within workspaces. It holds keys
//! only and may lag behind, so it finds and never decides.

use super::expression::text;
use super::table::{Item, Table};
use super::{Result, StoreError};
use crate::domain::id::WorkspaceId;

/// The index's name.
const INDEX: &str = "due";
/// Its partition key; an item without it is not listed.
pub(super) const GK: &str = "gk";
/// Its sort key.
pub(super) const GS: &str = "gs";

/// What can be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// A workspace's connection is swept.
    Sweep,
    /// A delivery of this workspace has an event that we did not know.
    Unknown(WorkspaceId),
    /// Somebody must come back to a contract.
    Contract,
}

impl Due {
    /// The index's partition.
    pub(super) fn partition(self) -> String {
        match self {
            Self::Sweep => "SWEEP".to_owned(),
            Self::Unknown(workspace) => format!("UNKNOWN#{workspace}"),
            Self::Contract => "CONTRACT".to_owned(),
        }
    }

    /// The attributes that list an item, sorted by `by`.
    pub(super) fn attributes(self, by: &str) -> [(String, aws_sdk_dynamodb::types::AttributeValue); 2] {
        [(GK.to_owned(), text(self.partition())), (GS.to_owned(), text(by))]
    }
}

/// An attribute of a listed item.
pub(super) fn attribute<'a>(listed: &'a Item, name: &str) -> Option<&'a str> {
    listed.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
}

impl Table {
    /// What is listed after `after`, and the last of it if there may be more.
    pub(super) async fn due(
        &self,
        due: Due,
        after: Option<Item>,
        limit: usize,
    ) -> Result<(Vec<Item>, Option<Item>)> {
        let answer = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(INDEX)
            .key_condition_expression("#gk = :gk")
            .expression_attribute_names("#gk", GK)
            .expression_attribute_values(":gk", text(due.partition()))
            .limit(i32::try_from(limit.max(1)).unwrap_or(i32::MAX))
            .set_exclusive_start_key(after)
            .send()
            .await
            .map_err(StoreError::of)?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }
}
