//! API tokens of a workspace: shown once, kept as a digest.

use crate::app::App;
use crate::domain::caller::{ApiToken, Caller};
use crate::domain::grant::Secret;
use crate::error::{Error, Kind, Result};
use crate::session;
use crate::usecase::audit::audit;

/// A token that was just made.
#[derive(Debug)]
pub struct NewToken {
    /// To be shown once.
    pub token: Secret,
    pub stored: ApiToken,
}

/// Makes a token.
pub async fn create(app: &App, caller: &Caller, name: &str) -> Result<NewToken> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 60 {
        return Err(Error::invalid("Give the token a name of 1 to 60 characters."));
    }
    let made = session::new_api_token(caller.workspace);
    let (token, digest) = made.map_err(|error| Error::new(Kind::Bug).because(error))?;
    let stored = ApiToken { digest, name: name.to_owned(), created_at: app.clock().now(), revoked_at: None };
    app.store().put_token(caller.workspace, &stored).await?;
    audit(app, caller.workspace, &caller.name(), "token.created", name).await?;
    Ok(NewToken { token, stored })
}

/// Ends a token at once.
pub async fn revoke(app: &App, caller: &Caller, digest: &str) -> Result<ApiToken> {
    let token = app.store().find_token(caller.workspace, digest).await?.ok_or_else(Error::not_found)?;
    app.store().revoke_token(caller.workspace, digest, app.clock().now()).await?;
    audit(app, caller.workspace, &caller.name(), "token.revoked", &token.name).await?;
    Ok(token)
}
