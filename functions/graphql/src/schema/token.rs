//! API tokens of a workspace.

use async_graphql::{ID, SimpleObject};
use shared::domain::caller;

use super::time::DateTime;

/// A token that lets a program use this API. The token itself is not kept.
#[derive(SimpleObject)]
pub(crate) struct ApiToken {
    /// Its id, which is no secret.
    id: ID,
    /// The name it was given.
    name: String,
    /// When it was made.
    created_at: DateTime,
    /// When it was revoked; null while it works.
    revoked_at: Option<DateTime>,
}

impl From<caller::ApiToken> for ApiToken {
    fn from(token: caller::ApiToken) -> Self {
        Self {
            id: token.digest.into(),
            name: token.name,
            created_at: token.created_at.into(),
            revoked_at: token.revoked_at.map(DateTime),
        }
    }
}

/// A token that was just made.
#[derive(SimpleObject)]
pub(crate) struct NewApiToken {
    /// The token. It is shown now and never again; send it as `Authorization: Bearer …`.
    pub(crate) token: String,
    /// What is kept of it.
    pub(crate) api_token: ApiToken,
}

/// A token that was just revoked.
#[derive(SimpleObject)]
pub(crate) struct RevokedApiToken {
    /// Its id.
    pub(crate) id: ID,
    /// The name it was given.
    pub(crate) name: String,
}
