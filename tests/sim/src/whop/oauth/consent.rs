//! The authorize endpoint and its consent page.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{RawForm, RawQuery, State};
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::{CODE_LIVES_MS, Code, GRANTABLE, Wish};
use crate::whop::Sim;
use crate::whop::api::query::Query;
use crate::whop::html::{escape, page};
use crate::whop::world::World;

/// Why an authorize request fails: told to the person, or to the app that sent the person.
enum Failure {
    /// The redirect cannot be trusted, so nobody is redirected.
    Here(&'static str),
    Back {
        redirect_uri: String,
        state: Option<String>,
        error: &'static str,
        description: String,
    },
}

/// `GET /oauth/authorize`
pub(in crate::whop) async fn authorize(State(sim): State<Arc<Sim>>, RawQuery(raw): RawQuery) -> Response {
    let query = Query::parse(&raw.unwrap_or_default());
    let now = sim.clock.now_ms();
    let mut world = sim.world();
    let wish = match read(&mut world, &query, now) {
        Ok(wish) => wish,
        Err(failure) => return fail(failure),
    };
    let accounts = world.accounts_owned(wish.user);
    let named = wish.company_id.as_deref().and_then(|id| world.books.account(id));
    let choices: Vec<usize> = named.map_or(accounts, |account| vec![account]);
    let granted = world.oauth.granted.get(&(wish.user, wish.app));
    let returning = granted.is_some_and(|granted| granted.is_superset(&wish.scopes)) && choices.len() <= 1;
    if world.switches.auto_consent || returning {
        return grant(&mut world, wish, choices.first().copied(), now);
    }
    let ticket = world.secret("ticket");
    let shown = consent_page(&world, &wish, &choices, &ticket);
    world.oauth.tickets.insert(ticket, wish);
    Html(shown).into_response()
}

/// `POST /oauth/consent`: the button of the page.
pub(in crate::whop) async fn decide(State(sim): State<Arc<Sim>>, RawForm(raw): RawForm) -> Response {
    let form = Query::parse(&String::from_utf8_lossy(&raw));
    let now = sim.clock.now_ms();
    let mut world = sim.world();
    let ticket = form.get("ticket").unwrap_or_default();
    let Some(wish) = world.oauth.tickets.remove(ticket) else {
        return fail(Failure::Here("This page was already answered. Go back and start again."));
    };
    if form.get("decision") != Some("allow") {
        return fail(back(&wish, "access_denied", "The user refused"));
    }
    let named = wish.company_id.clone().or(form.get("account").map(str::to_owned));
    let account = named.and_then(|id| world.books.account(&id));
    let owned = world.accounts_owned(wish.user);
    match account {
        Some(account) if !owned.contains(&account) => {
            fail(back(&wish, "access_denied", "The user has no access to this account"))
        }
        account => grant(&mut world, wish, account, now),
    }
}

fn read(world: &mut World, query: &Query, now: i64) -> Result<Wish, Failure> {
    let client = query.get("client_id").unwrap_or_default();
    let app = world.app_of_client(client).ok_or(Failure::Here("This app does not exist."))?;
    let redirect_uri = query.get("redirect_uri").unwrap_or_default().to_owned();
    if !world.apps[app].redirect_uris.contains(&redirect_uri) {
        return Err(Failure::Here("The redirect URI is not one that the app registered."));
    }
    let seller = world.seller(now);
    let scope = query.get("scope").unwrap_or_default();
    let wish = Wish {
        app,
        redirect_uri,
        state: query.get("state").map(str::to_owned),
        nonce: query.get("nonce").map(str::to_owned),
        challenge: query.get("code_challenge").map(str::to_owned),
        company_id: query.get("company_id").map(str::to_owned),
        scopes: scope.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        user: world.oauth.signed_in.unwrap_or(seller),
    };
    check(world, query, &wish)?;
    Ok(wish)
}

fn check(world: &World, query: &Query, wish: &Wish) -> Result<(), Failure> {
    if query.get("response_type") != Some("code") {
        return Err(back(wish, "unsupported_response_type", "response_type must be code"));
    }
    let unknown = wish.scopes.iter().find(|scope| !GRANTABLE.contains(&scope.as_str()));
    if let Some(unknown) = unknown {
        return Err(back(wish, "invalid_scope", format!("unknown scope {unknown}")));
    }
    if wish.scopes.is_empty() {
        return Err(back(wish, "invalid_request", "scope is required"));
    }
    if wish.state.as_deref().unwrap_or_default().is_empty() {
        return Err(back(wish, "invalid_request", "state is required"));
    }
    if wish.scopes.contains("openid") && wish.nonce.is_none() {
        return Err(back(wish, "invalid_request", "nonce is required with openid"));
    }
    let method = query.get("code_challenge_method");
    let shape = wish.challenge.as_ref().is_none_or(|text| text.len() == 43);
    if !shape || (wish.challenge.is_some() && method != Some("S256")) {
        return Err(back(wish, "invalid_request", "only S256 challenges are accepted"));
    }
    if let Some(id) = &wish.company_id {
        let account = world.books.account(id);
        if account.is_none_or(|account| world.books.accounts[account].owner != wish.user) {
            return Err(back(wish, "access_denied", "The user has no access to this account"));
        }
    }
    Ok(())
}

fn back(wish: &Wish, error: &'static str, description: impl Into<String>) -> Failure {
    Failure::Back {
        redirect_uri: wish.redirect_uri.clone(),
        state: wish.state.clone(),
        error,
        description: description.into(),
    }
}

fn grant(world: &mut World, wish: Wish, account: Option<usize>, now: i64) -> Response {
    let known = world.oauth.granted.entry((wish.user, wish.app)).or_default();
    known.extend(wish.scopes.iter().cloned());
    let code = world.secret("code");
    let state = wish.state.clone();
    let redirect_uri = wish.redirect_uri.clone();
    let granted = Code { wish, account, expires_at: now + CODE_LIVES_MS };
    world.oauth.codes.insert(code.clone(), granted);
    redirect(&redirect_uri, &[("code", Some(&code)), ("state", state.as_deref())])
}

fn fail(failure: Failure) -> Response {
    match failure {
        Failure::Here(message) => {
            let body = format!("<main><h1>Whop</h1><p role=\"alert\">{message}</p></main>");
            (StatusCode::BAD_REQUEST, Html(page("Authorize", &body))).into_response()
        }
        Failure::Back { redirect_uri, state, error, description } => redirect(
            &redirect_uri,
            &[("error", Some(error)), ("error_description", Some(&description)), ("state", state.as_deref())],
        ),
    }
}

fn redirect(to: &str, parameters: &[(&str, Option<&str>)]) -> Response {
    let mut to = url::Url::parse(to).expect("registered addresses are absolute");
    for (name, value) in parameters {
        if let Some(value) = value {
            to.query_pairs_mut().append_pair(name, value);
        }
    }
    let location = HeaderValue::from_str(to.as_str()).expect("an address is a header value");
    (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
}

fn consent_page(world: &World, wish: &Wish, accounts: &[usize], ticket: &str) -> String {
    let user = world.books.users[wish.user].username.as_str();
    let scopes: BTreeSet<&str> = wish.scopes.iter().map(String::as_str).collect();
    let scopes: String =
        scopes.iter().map(|scope| format!("<li><code>{}</code></li>", escape(scope))).collect();
    let option = |row: &usize| {
        let account = &world.books.accounts[*row];
        let id = world.books.account_id(*row);
        format!("<option value=\"{id}\">{} ({id})</option>", escape(&account.title))
    };
    let choice = match accounts {
        [] => "<p>You manage no account on Whop yet.</p>".to_owned(),
        [only] => {
            let (id, title) = (world.books.account_id(*only), &world.books.accounts[*only].title);
            let title = escape(title);
            format!(
                "<p>Account: <strong>{title}</strong></p><input type=\"hidden\" name=\"account\" value=\"{id}\">"
            )
        }
        many => {
            let options: String = many.iter().map(option).collect();
            format!("<p><label>Account <select name=\"account\">{options}</select></label></p>")
        }
    };
    let host = url::Url::parse(&wish.redirect_uri).ok();
    let host = host.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let body = format!(
        "<main class=\"narrow\"><h1>Allow access to your Whop?</h1>\
         <p>An app at <strong>{host}</strong> asks to act for <strong>@{user}</strong>.</p>\
         <form method=\"post\" action=\"/oauth/consent\"><input type=\"hidden\" name=\"ticket\" value=\"{ticket}\">\
         {choice}<h2>It may</h2><ul class=\"scopes\">{scopes}</ul><p class=\"buttons\">\
         <button name=\"decision\" value=\"allow\">Allow</button> \
         <button name=\"decision\" value=\"deny\" class=\"quiet\">Deny</button></p></form></main>",
        host = escape(&host),
        user = escape(user),
    );
    page("Allow access to your Whop?", &body)
}
