//! Subscriptions and the history of deliveries.

use serde_json::{Value, json};

use super::super::hooks::{Attempt, Hook};
use super::super::life::DAY;
use super::super::wire::{Asked, Reply, text};
use super::super::world::World;
use super::super::{Provider, ids, signing};
use super::show::stamp;
use super::{refuse, tell};

const MOST: usize = 300;

fn shown(world: &World, hook: &Hook) -> Value {
    // Switched off by the owner is INACTIVE, by PandaDoc DEACTIVATED.
    let status = match (hook.active, hook.failures > 0) {
        (true, _) => "ACTIVE",
        (false, true) => "DEACTIVATED",
        (false, false) => "INACTIVE",
    };
    json!({
        "uuid": hook.id,
        "name": hook.shown["name"],
        "url": hook.url,
        "active": hook.active,
        "status": status,
        "triggers": hook.events,
        "payload": hook.include,
        "workspace_id": world.pandadoc.workspace,
        "shared_key": hook.key,
    })
}

fn words(value: &Value) -> Option<Vec<String>> {
    let all = value.as_array()?;
    Some(all.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

fn change(hook: &mut Hook, given: &Value) -> Result<(), Reply> {
    if let Some(url) = given["url"].as_str() {
        if !url.starts_with("https://") && !url.starts_with("http://127.0.0.1") {
            return Err(refuse(400, "validation_error", json!({"url": ["The URL must begin with https."]})));
        }
        url.clone_into(&mut hook.url);
    }
    if let Some(name) = given["name"].as_str() {
        hook.shown = json!({"name": name});
    }
    if let Some(active) = given["active"].as_bool() {
        hook.active = active;
        hook.failures = 0;
        hook.failing_since = None;
    }
    if let Some(events) = words(&given["triggers"]) {
        hook.events = events;
    }
    if let Some(include) = words(&given["payload"]) {
        hook.include = include;
    }
    Ok(())
}

pub(super) fn subscriptions(
    world: &mut World,
    operation: &str,
    path: &[String],
    given: &Value,
) -> Result<Reply, Reply> {
    if operation == "listWebhookSubscriptions" {
        let hooks = world.post.hooks.iter().filter(|it| it.provider == Provider::Pandadoc && !it.deleted);
        let items: Vec<Value> = hooks.map(|hook| shown(world, hook)).collect();
        return Ok(Reply::json(200, json!({"items": items})));
    }
    if operation == "createWebhookSubscription" {
        let live =
            world.post.hooks.iter().filter(|it| it.provider == Provider::Pandadoc && !it.deleted).count();
        if live >= MOST {
            return Err(refuse(400, "request_error", "At most 300 subscriptions."));
        }
        let number = world.next();
        let mut hook = Hook::new(Provider::Pandadoc, ids::guid("subscription", number), "");
        hook.key = ids::short("shared key", number);
        change(&mut hook, given)?;
        let reply = Reply::json(201, shown(world, &hook));
        world.post.add(hook);
        return Ok(reply);
    }
    let row = world.post.hook_by_id(Provider::Pandadoc, &path[0]);
    let row = row.ok_or_else(|| refuse(404, "request_error", "Not found"))?;
    match operation {
        "updateWebhookSubscription" => change(&mut world.post.hooks[row], given)?,
        "deleteWebhookSubscription" => {
            world.post.hooks[row].deleted = true;
            world.post.pending.retain(|message| message.hook != row);
            return Ok(Reply::empty(204));
        }
        "updateWebhookSubscriptionSharedKey" => {
            let key = ids::short("shared key", world.next());
            world.post.hooks[row].key.clone_from(&key);
            return Ok(Reply::json(200, json!({"shared_key": key})));
        }
        _ => {}
    }
    Ok(Reply::json(200, shown(world, &world.post.hooks[row])))
}

fn event(world: &World, attempt: &Attempt, full: bool) -> Value {
    let message = &attempt.message;
    let hook = &world.post.hooks[message.hook];
    let first = message.event.split('+').next().unwrap_or_default();
    let mut shown = json!({
        "uuid": tell::event_id(message),
        "name": text(&hook.shown, "name"),
        "type": first,
        "http_status_code": (attempt.status > 0).then_some(attempt.status),
        "error": (attempt.status == 0).then_some("CONNECT_ERROR"),
        "delivery_time": stamp(attempt.sent_at),
    });
    if full {
        let body = message.payload.to_string();
        shown["url"] = json!(hook.url);
        shown["signature"] = json!(signing::pandadoc(&hook.key, body.as_bytes()));
        shown["request_body"] = json!(body);
        shown["response_body"] = json!(attempt.body);
        shown["response_headers"] = Value::Null;
        shown["event_time"] = json!(stamp(message.made_at));
    }
    shown
}

/// Fifteen days of attempts, newest first.
pub(super) fn history(
    world: &World,
    operation: &str,
    path: &[String],
    asked: &Asked,
    now: i64,
) -> Result<Reply, Reply> {
    let kept = world
        .post
        .attempts
        .iter()
        .rev()
        .filter(|it| it.message.provider == Provider::Pandadoc && now - it.sent_at <= 15 * DAY);
    if operation == "detailsWebhookEvent" {
        let mut found = kept.filter(|it| tell::event_id(&it.message) == path[0]);
        let found = found.next().ok_or_else(|| refuse(404, "request_error", "Not found"))?;
        return Ok(Reply::json(200, event(world, found, true)));
    }
    let (count, page) = (asked.number("count").unwrap_or(50), asked.number("page").unwrap_or(1).max(1));
    let typed = kept.filter(|it| asked.query("type").is_none_or(|kind| it.message.event.contains(kind)));
    let items: Vec<Value> =
        typed.skip((page - 1) * count).take(count).map(|it| event(world, it, false)).collect();
    Ok(Reply::json(200, json!({"items": items})))
}
