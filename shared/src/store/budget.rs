//! The call budget of a workspace. A taker who read an older bucket takes nothing.

use super::expression::{ABSENT, Expression, number};
use super::table::Key;
use super::{Result, Store};
use crate::domain::budget::Bucket;
use crate::domain::id::WorkspaceId;

fn key(workspace: WorkspaceId) -> Key {
    Key::new(workspace, "BUCKET", "twenty")
}

impl Store {
    /// A workspace's bucket.
    pub(crate) async fn find_bucket(&self, workspace: WorkspaceId) -> Result<Option<Bucket>> {
        self.table.find(&key(workspace)).await
    }

    /// Keeps a bucket: the first where `expected_version` is absent, else in place of just that version.
    ///
    /// False also if it is there already just so: two takers at the same moment write the same bucket, and only
    /// one of them may call. A write whose answer was lost thus costs one call that nobody makes.
    pub(crate) async fn put_bucket(
        &self,
        workspace: WorkspaceId,
        bucket: &Bucket,
        expected_version: Option<u64>,
    ) -> Result<bool> {
        let only = match expected_version {
            None => Expression::only_if(ABSENT),
            Some(version) => Expression::only_if("#version = :version").with("version", number(version)),
        };
        Ok(self.table.put(key(workspace).item(bucket)?, &only).await?.is_yes())
    }
}
