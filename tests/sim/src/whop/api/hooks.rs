//! `/webhooks`: endpoints, their delivery log, tests and replays. Never for an OAuth token, and the secret
//! is told once.

use std::sync::Arc;

use serde_json::{Value, json};

use super::page::Ask;
use super::{Answer, Call, Refusal};
use crate::clock::from_iso;
use crate::whop::hooks::{ATTEMPT, Endpoint, Resource};
use crate::whop::world::{Reach, VERSIONS, World};
use crate::whop::{Sim, ids, samples};

const RIGHT: &str = "developer:manage_webhook";

pub(super) fn answer(world: &mut World, call: &Call<'_>) -> Answer {
    admit(call)?;
    match call.operation {
        "webhooks_list" => list(world, call),
        "webhooks_create" => create(world, call),
        "webhooks_retrieve" => {
            let row = own(world, call)?;
            Ok(world.show_endpoint(row, None))
        }
        "webhooks_update" => update(world, call),
        "webhooks_delete" => {
            let row = own(world, call)?;
            world.hooks.endpoints[row].deleted = true;
            world.hooks.pending.retain(|message| message.endpoint != row);
            Ok(json!({"id": call.ids[0], "deleted": true}))
        }
        "webhooks_list_deliveries" => deliveries(world, call),
        _ => replay_many(world, call),
    }
}

fn admit(call: &Call<'_>) -> Result<(), Refusal> {
    match call.caller.reach {
        Reach::User { .. } => Err(Refusal::forbidden(RIGHT)),
        Reach::Account(_) | Reach::App(_) => call.need(RIGHT),
    }
}

fn visible(world: &World, call: &Call<'_>, row: usize) -> bool {
    let endpoint = &world.hooks.endpoints[row];
    match (endpoint.resource, call.caller.reach) {
        _ if endpoint.deleted => false,
        (Resource::App(of), Reach::App(app)) => of == app,
        (Resource::App(_), _) => false,
        (Resource::Account(account), _) => world.reaches(&call.caller, account),
    }
}

fn own(world: &World, call: &Call<'_>) -> Result<usize, Refusal> {
    let row = world.hooks.endpoint(call.ids[0]);
    row.filter(|row| visible(world, call, *row)).ok_or_else(|| Refusal::absent("Webhook"))
}

fn list(world: &mut World, call: &Call<'_>) -> Answer {
    let ask = Ask::read(call.operation, call.query, &["created_at"], world.switches.refuse_big_pages)?;
    let account = call.query.get("account_id").map(|id| world.books.account(id));
    let app = call.query.get("app_id").map(|id| ids::row("app_", id));
    let failing = call.query.get("has_failures").map(|text| text == "true");
    let places = (0..world.hooks.endpoints.len())
        .map(|row| (Some(world.hooks.endpoints[row].created_at), row))
        .collect();
    let page = ask.page(&places, |row| {
        let endpoint = &world.hooks.endpoints[row];
        visible(world, call, row)
            && account.is_none_or(|wanted| wanted.map(Resource::Account) == Some(endpoint.resource))
            && app.is_none_or(|wanted| wanted.map(Resource::App) == Some(endpoint.resource))
            && failing.is_none_or(|wanted| wanted == (endpoint.failures > 0))
    });
    let shown = |row: usize| {
        let mut shown = world.show_endpoint(row, None);
        shown.as_object_mut().expect("an object").remove("testable_events");
        shown
    };
    let data: Vec<Value> = page.rows.into_iter().map(shown).collect();
    Ok(json!({"data": data, "page_info": page.info}))
}

fn create(world: &mut World, call: &Call<'_>) -> Answer {
    let mut endpoint = Endpoint {
        resource: resource(world, call)?,
        rights: call.caller.rights.clone(),
        url: String::new(),
        events: Vec::new(),
        pin: None,
        child_events: false,
        enabled: true,
        secret: String::new(),
        created_at: call.now,
        failures: 0,
        failing_since: None,
        last_failure_at: None,
        disabled_at: None,
        warned: false,
        deleted: false,
    };
    if !call.body["url"].is_string() {
        return Err(Refusal::bad("url is required"));
    }
    change(&mut endpoint, call, &["resource_id"])?;
    endpoint.secret = format!("ws_{}", world.secret("webhook"));
    let secret = endpoint.secret.clone();
    world.hooks.endpoints.push(endpoint);
    Ok(world.show_endpoint(world.hooks.endpoints.len() - 1, Some(&secret)))
}

fn resource(world: &World, call: &Call<'_>) -> Result<Resource, Refusal> {
    let Some(id) = call.body["resource_id"].as_str() else {
        return match call.caller.reach {
            Reach::Account(account) => Ok(Resource::Account(account)),
            Reach::App(app) => Ok(Resource::App(app)),
            Reach::User { .. } => Err(Refusal::forbidden(RIGHT)),
        };
    };
    if let Some(app) = ids::row("app_", id) {
        return if call.caller.reach == Reach::App(app) {
            Ok(Resource::App(app))
        } else {
            Err(Refusal::absent("Resource"))
        };
    }
    let account = world.books.account(id);
    account
        .filter(|account| world.reaches(&call.caller, *account))
        .map(Resource::Account)
        .ok_or_else(|| Refusal::absent("Resource"))
}

fn update(world: &mut World, call: &Call<'_>) -> Answer {
    let row = own(world, call)?;
    let mut endpoint = world.hooks.endpoints[row].clone();
    change(&mut endpoint, call, &[])?;
    if endpoint.enabled {
        endpoint.disabled_at = None;
    }
    if endpoint.enabled && !world.hooks.endpoints[row].enabled {
        (endpoint.failures, endpoint.failing_since, endpoint.warned) = (0, None, false);
    }
    world.hooks.endpoints[row] = endpoint;
    Ok(world.show_endpoint(row, None))
}

/// The fields that create and update share.
fn change(endpoint: &mut Endpoint, call: &Call<'_>, more: &[&str]) -> Result<(), Refusal> {
    let fields = call.body.as_object().ok_or_else(|| Refusal::bad("the body must be an object"))?;
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("url", Value::String(url)) if is_web_address(url) => endpoint.url.clone_from(url),
            ("url", _) => return Err(Refusal::bad("url must be an absolute http or https address")),
            ("events", Value::Array(names)) => endpoint.events = events(names)?,
            ("enabled", Value::Bool(enabled)) => endpoint.enabled = *enabled,
            ("child_resource_events", Value::Bool(child)) => endpoint.child_events = *child,
            ("api_version_date", Value::Null) => endpoint.pin = None,
            ("api_version_date", Value::String(pin)) if VERSIONS.contains(&pin.as_str()) => {
                endpoint.pin = Some(pin.clone());
            }
            ("api_version_date", _) => return Err(Refusal::bad("unknown api_version_date")),
            (name, _) if more.contains(&name) => {}
            ("events" | "enabled" | "child_resource_events", Value::Null) => {}
            (name, _) => return Err(Refusal::bad(format!("unknown or malformed field {name}"))),
        }
    }
    Ok(())
}

fn is_web_address(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

fn events(names: &[Value]) -> Result<Vec<String>, Refusal> {
    let known = |name: &Value| {
        let name = name.as_str().unwrap_or_default();
        let dotted = samples::EVENTS.iter().find(|known| **known == name);
        dotted.map(|name| (*name).to_owned()).ok_or_else(|| Refusal::bad(format!("unknown event {name}")))
    };
    names.iter().map(known).collect()
}

fn deliveries(world: &mut World, call: &Call<'_>) -> Answer {
    let row = own(world, call)?;
    let ask = Ask::read(call.operation, call.query, &["created_at"], world.switches.refuse_big_pages)?;
    let log = world.hooks.log(row, call.now);
    let places =
        log.into_iter().map(|attempt| (Some(world.hooks.attempts[attempt].sent_at), attempt)).collect();
    let page = ask.page(&places, |_| true);
    let data: Vec<Value> = page.rows.into_iter().map(|row| world.show_attempt(row)).collect();
    Ok(json!({"data": data, "page_info": page.info}))
}

/// Queues the messages of a time span once more. Ids stay, so that a careful receiver ignores what it knows.
fn replay_many(world: &mut World, call: &Call<'_>) -> Answer {
    let row = own(world, call)?;
    let moment = |name: &str| call.body[name].as_str().and_then(from_iso);
    let Some(after) = moment("sent_after") else {
        return Err(Refusal::bad("sent_after is required"));
    };
    let before = moment("sent_before").unwrap_or(i64::MAX);
    let wanted = call.body["events"].as_array();
    let failed_only = call.body["failed_only"].as_bool() == Some(true);
    let fresh = call.body["regenerate_ids"].as_bool() == Some(true);
    let mut chosen: Vec<usize> = Vec::new();
    for attempt in world.hooks.log(row, call.now) {
        let found = &world.hooks.attempts[attempt];
        let again = |known: &usize| world.hooks.attempts[*known].message.id == found.message.id;
        let fits = (after..=before).contains(&found.sent_at)
            && !(failed_only && found.outcome.success())
            && wanted.is_none_or(|names| names.contains(&found.message.event.clone().into()));
        if fits && !chosen.iter().any(again) {
            chosen.push(attempt);
        }
    }
    for attempt in chosen.into_iter().rev() {
        let message = world.copy_of(attempt, fresh, call.now);
        world.hooks.pending.push(message);
    }
    Ok(json!({"queued": true}))
}

/// Sends a sample at once and tells what the receiver answered.
pub(super) async fn test(sim: &Arc<Sim>, call: &Call<'_>) -> Answer {
    admit(call)?;
    let message = {
        let mut world = sim.world();
        let row = own(&world, call)?;
        let event = call.body["event"].as_str().unwrap_or_default().to_owned();
        if !world.hooks.endpoints[row].events.contains(&event) {
            return Err(Refusal::bad("the endpoint is not subscribed to this event"));
        }
        world.sample_for(row, &event, call.now)
    };
    let outcome = sim.send(message).await;
    Ok(json!({"body": outcome.body, "status": outcome.status, "success": outcome.success()}))
}

/// Sends one logged delivery once more and tells what the receiver answered.
pub(super) async fn replay_one(sim: &Arc<Sim>, call: &Call<'_>) -> Answer {
    admit(call)?;
    let message = {
        let mut world = sim.world();
        let row = own(&world, call)?;
        let attempt = ids::row(ATTEMPT, call.ids[1]).filter(|attempt| {
            let found = world.hooks.attempts.get(*attempt);
            found.is_some_and(|found| found.message.endpoint == row)
        });
        let attempt = attempt.ok_or_else(|| Refusal::absent("Delivery"))?;
        let fresh = call.body["regenerate_id"].as_bool() == Some(true);
        world.copy_of(attempt, fresh, call.now)
    };
    let outcome = sim.send(message).await;
    Ok(json!({"body": outcome.body, "status": outcome.status, "success": outcome.success()}))
}
