//! Connects a Twenty workspace, and signs its admin in: whoever has the workspace's API key is its admin.

use std::time::Duration;

use url::Url;

use crate::app::App;
use crate::domain::connection::{SchemaState, Workspace};
use crate::domain::grant::Secret;
use crate::domain::id::WorkspaceId;
use crate::domain::settings::Settings;
use crate::error::{Error, Kind, Result};
use crate::session::{Cookie, Transport};
use crate::twenty::{At, WorkspaceIdentity, key_claims};
use crate::usecase::audit::audit;
use crate::vault::Bound;

/// How long a session lasts.
const SESSION: Duration = Duration::from_hours(12);

/// A workspace that was connected, and the cookie that signs its admin in.
#[derive(Debug)]
pub struct Connected {
    pub workspace: Workspace,
    /// The value of a `set-cookie` header.
    pub cookie: String,
}

/// Proves the key, keeps it sealed, and opens a session. To do it again replaces the key.
pub async fn connect_twenty(app: &App, server: &str, key: &Secret) -> Result<Connected> {
    let server = server_url(server)?;
    check_key(app, key)?;
    let at = At { server: &server, key };
    let twenty = app.twenty()?;
    let identity = twenty.current_workspace(at).await?;
    let id = WorkspaceId::of(server.as_str(), identity.id);
    // A key that may not see workflows, or a spent budget, only costs the warning.
    let creates_companies = twenty.creates_companies(at).await.unwrap_or(false);
    let workspace = keep(app, &Proven { id, server: &server, key, identity, creates_companies }).await?;
    audit(app, id, "admin", "twenty.connected", server.as_str()).await?;
    let session = app.sessions().await?.mint(id, app.clock().now(), SESSION);
    Ok(Connected { workspace, cookie: Cookie::Session.set(transport(app), &session, SESSION) })
}

/// The header that takes the session's cookie away.
pub fn sign_out(app: &App) -> String {
    Cookie::Session.clear(transport(app))
}

/// How browsers reach us.
pub(crate) fn transport(app: &App) -> Transport {
    if app.config().public_url.scheme() == "https" { Transport::Https } else { Transport::PlainLocal }
}

/// The origin of a server, as the user may have written it. Workspaces of Twenty's cloud have addresses of
/// their own, and one API.
fn server_url(text: &str) -> Result<Url> {
    let text = text.trim();
    let advice = "Give the address of your Twenty server, like https://crm.example.com.";
    let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let mut url = Url::parse(&whole).map_err(|error| Error::invalid(advice).because(error))?;
    let Some(host) = url.host_str().map(str::to_owned) else {
        return Err(Error::invalid(advice));
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::invalid("Leave the user name and password out of the address."));
    }
    if host == "twenty.com" || host.ends_with(".twenty.com") {
        url.set_host(Some("api.twenty.com")).map_err(|error| Error::invalid(advice).because(error))?;
    }
    url.set_path("");
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

fn check_key(app: &App, key: &Secret) -> Result<()> {
    let claims = key_claims(key);
    if !claims.is_api_key {
        let advice = "This is not a Twenty API key. Make one in Twenty under Settings → APIs & Webhooks, and \
                      copy it whole.";
        return Err(Error::invalid(advice));
    }
    match claims.expires_at {
        Some(at) if at <= app.clock().now() => {
            Err(Error::invalid(format!("This API key expired on {at}. Make a new one in Twenty.")))
        }
        _ => Ok(()),
    }
}

/// A workspace whose key was tried.
struct Proven<'a> {
    id: WorkspaceId,
    server: &'a Url,
    key: &'a Secret,
    identity: WorkspaceIdentity,
    creates_companies: bool,
}

async fn keep(app: &App, proven: &Proven<'_>) -> Result<Workspace> {
    let Proven { id, server, key, identity, creates_companies } = proven;
    let (id, creates_companies) = (*id, *creates_companies);
    let bound = Bound { workspace: id, owner: "workspace", field: "twenty_key" };
    let sealed = app.vault().await?.seal(&bound, key)?;
    let before = app.store().find_workspace(id).await?;
    let version = before.as_ref().map(|it| it.version);
    let now = app.clock().now();
    let workspace = Workspace {
        id,
        server: server.as_str().trim_end_matches('/').to_owned(),
        twenty_id: identity.id,
        name: identity.name.clone(),
        key: sealed,
        key_expires_at: key_claims(key).expires_at,
        settings: before.as_ref().map_or_else(Settings::default, |it| it.settings.clone()),
        schema: SchemaState {
            creates_companies,
            ..before.as_ref().map_or_else(SchemaState::default, |it| it.schema.clone())
        },
        automations: before.as_ref().map(|it| it.automations).unwrap_or_default(),
        contract_rules: before.as_ref().map(|it| it.contract_rules.clone()).unwrap_or_default(),
        refused_at: None,
        version: version.unwrap_or(0) + 1,
        connected_at: before.map_or(now, |it| it.connected_at),
    };
    if app.store().put_workspace(&workspace, version).await? {
        return Ok(workspace);
    }
    Err(Error::new(Kind::Conflict))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_as_people_write_them() {
        for (given, taken) in [
            ("crm.example.com", "https://crm.example.com/"),
            (" https://crm.example.com/settings/apis?x=1#y ", "https://crm.example.com/"),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000/"),
            ("https://acme.twenty.com", "https://api.twenty.com/"),
        ] {
            assert_eq!(server_url(given).unwrap().as_str(), taken);
        }
        assert!(server_url("").is_err());
        assert!(server_url("https://me:secret@crm.example.com").is_err());
    }
}
