//! Who is calling: an API token of a workspace, or a session in the browser. It never says what was wrong.

use crate::app::App;
use crate::domain::caller::{Caller, Means};
use crate::error::{Error, Kind, Result};
use crate::session::{self, Cookie};
use crate::usecase::connect_twenty::transport;

/// What a request brought along.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The `authorization` header.
    pub authorization: Option<&'a str>,
    /// All cookies in one line.
    pub cookies: &'a str,
    /// True if the request changes nothing, or carries a header that no foreign page can make a browser send.
    pub from_our_page: bool,
}

/// Finds the caller.
pub async fn authenticate(app: &App, credentials: &Credentials<'_>) -> Result<Caller> {
    match credentials.authorization {
        Some(header) => by_token(app, header).await,
        None => by_session(app, credentials).await,
    }
}

fn refused() -> Error {
    Error::new(Kind::Unauthenticated)
}

async fn by_token(app: &App, header: &str) -> Result<Caller> {
    let (scheme, token) = header.split_once(' ').ok_or_else(refused)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(refused());
    }
    let (workspace, digest) = session::read_api_token(token.trim()).ok_or_else(refused)?;
    let token = app.store().find_token(workspace, &digest).await?.ok_or_else(refused)?;
    if token.revoked_at.is_some() {
        return Err(refused());
    }
    Ok(Caller { workspace, by: Means::Token { name: token.name } })
}

async fn by_session(app: &App, credentials: &Credentials<'_>) -> Result<Caller> {
    let cookie = Cookie::Session.read(transport(app), credentials.cookies).ok_or_else(refused)?;
    let workspace = app.sessions().await?.check(cookie, app.clock().now()).map_err(|_| refused())?;
    if !credentials.from_our_page {
        return Err(refused().saying("Send the header x-requested-with; a browser session needs it."));
    }
    Ok(Caller { workspace, by: Means::Session })
}
