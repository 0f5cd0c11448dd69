//! API tokens of a workspace, by the digest of their secret.

use super::expression::{Expression, PRESENT, number};
use super::listing::Listing;
use super::table::Key;
use super::{Result, Store};
use crate::domain::caller::ApiToken;
use crate::domain::id::WorkspaceId;
use crate::domain::time::Timestamp;

const KIND: &str = "TOKEN";

fn key(workspace: WorkspaceId, digest: &str) -> Key {
    Key::new(workspace, KIND, digest)
}

impl Store {
    /// Keeps a new token. False if there is another of its digest.
    pub(crate) async fn put_token(&self, workspace: WorkspaceId, token: &ApiToken) -> Result<bool> {
        self.table.insert(key(workspace, &token.digest).item(token)?).await
    }

    /// The token of a digest, revoked ones too.
    pub(crate) async fn find_token(&self, workspace: WorkspaceId, digest: &str) -> Result<Option<ApiToken>> {
        self.table.find(&key(workspace, digest)).await
    }

    /// Every token of a workspace, the oldest first.
    pub(crate) async fn list_tokens(&self, workspace: WorkspaceId) -> Result<Vec<ApiToken>> {
        let listing = Listing::of(workspace, KIND, "", usize::MAX);
        let mut tokens: Vec<ApiToken> = self.table.list_all(listing).await?;
        tokens.sort_by_key(|token| token.created_at);
        Ok(tokens)
    }

    /// Revokes a token. False if there is none, or it was revoked before.
    pub(crate) async fn revoke_token(
        &self,
        workspace: WorkspaceId,
        digest: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let change = Expression::update("SET #revoked_at = :now")
            .and_only_if(format!("{PRESENT} AND (attribute_not_exists(#revoked_at) OR #revoked_at = :now)"))
            .with("now", number(now.millis()));
        Ok(self.table.update(&key(workspace, digest), &change).await?.is_yes())
    }
}
