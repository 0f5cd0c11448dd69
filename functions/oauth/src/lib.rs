//! Connecting both sides, and the settings page.

mod settings;

use serde::Deserialize;
use serde_json::json;
use shared::domain::grant::Secret;
use shared::domain::id::AccountId;
use shared::lambda::{Reply, Request};
use shared::usecase::connect_twenty::{self, connect_twenty};
use shared::usecase::connect_whop::{self, Arrival, Consented, Departure, KeyOffer};
use shared::{App, Error, Kind, Result};

/// Largest body of these routes: an address and a key.
const LARGEST: usize = 16 * 1024;

/// Serves the page and takes both sides in.
pub async fn handle(app: &App, request: Request) -> Result<Reply> {
    match (request.method(), request.path().trim_end_matches('/')) {
        ("GET", "") => settings::page(),
        ("GET", path) if path.starts_with("/settings/") => settings::file(request.segment(1)?),
        ("POST", "/connect/twenty") => twenty(app, &request).await,
        ("POST", "/connect/whop") => whop_key(app, &request).await,
        ("GET", "/connect/whop/oauth") => whop_consent(app, &request).await,
        ("GET", "/oauth/whop/callback") => whop_callback(app, &request).await,
        ("POST", "/sign-out") => Reply::empty(204).header("set-cookie", &connect_twenty::sign_out(app)),
        _ => Err(Error::not_found()),
    }
}

#[derive(Deserialize)]
struct TwentyOffer {
    url: String,
    key: String,
}

async fn twenty(app: &App, request: &Request) -> Result<Reply> {
    let offer: TwentyOffer = request.json(LARGEST)?;
    let connected = connect_twenty(app, &offer.url, &Secret::new(offer.key.trim())).await?;
    let workspace = json!({ "id": connected.workspace.id, "name": connected.workspace.name });
    Reply::json(200, &json!({ "workspace": workspace }))?.header("set-cookie", &connected.cookie)
}

#[derive(Deserialize)]
struct WhopOffer {
    key: String,
    account: Option<String>,
    app: Option<String>,
}

async fn whop_key(app: &App, request: &Request) -> Result<Reply> {
    let caller = request.caller(app).await?;
    let offer: WhopOffer = request.json(LARGEST)?;
    let offer = KeyOffer {
        key: Secret::new(offer.key.trim()),
        account: account(offer.account.as_deref())?,
        app: offer.app.map(|app| app.trim().to_owned()).filter(|app| !app.is_empty()),
    };
    let connection = connect_whop::by_key(app, &caller, offer).await?;
    Reply::json(200, &json!({ "account": { "id": connection.account, "title": connection.title } }))
}

/// A link that a browser follows: whatever is in the way, it is sent on to the page, which says what to do.
async fn whop_consent(app: &App, request: &Request) -> Result<Reply> {
    match depart(app, request).await {
        Ok(departure) => Reply::see_other(&departure.url)?.header("set-cookie", &departure.cookie),
        Err(error) => {
            let reason = if error.kind() == Kind::Unauthenticated {
                "signed-out"
            } else if error.kind() == Kind::Invalid {
                "unavailable"
            } else {
                "failed"
            };
            Reply::see_other_after(&error, &app.config().own_url(&format!("/?error={reason}")))
        }
    }
}

async fn depart(app: &App, request: &Request) -> Result<Departure> {
    let caller = request.caller(app).await?;
    let account = account(request.query("account").as_deref())?;
    connect_whop::begin_consent(app, &caller, account).await
}

fn account(text: Option<&str>) -> Result<Option<AccountId>> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    let parsed = text.map(str::parse).transpose();
    parsed.map_err(|error| Error::invalid("An account's id looks like biz_….").because(error))
}

/// The browser comes back here; it is always sent on to the page, which says how it went.
async fn whop_callback(app: &App, request: &Request) -> Result<Reply> {
    let (state, code) = (request.query("state").unwrap_or_default(), request.query("code"));
    let arrival = Arrival { state: &state, code: code.as_deref(), cookies: &request.cookies() };
    let consented = match connect_whop::finish_consent(app, arrival).await {
        Ok(consented) => consented,
        Err(error) => return Reply::see_other_after(&error, &app.config().own_url("/?error=failed")),
    };
    let page = match consented {
        Consented::Connected(_) => "/?connected=whop".to_owned(),
        Consented::Denied => "/?error=denied".to_owned(),
        Consented::Expired => "/?error=expired".to_owned(),
        Consented::Choose(accounts) => {
            let accounts: Vec<String> = accounts.into_iter().map(String::from).collect();
            format!("/?error=choose&accounts={}", accounts.join(","))
        }
    };
    Reply::see_other(&app.config().own_url(&page))
}
