//! Callbacks: a form with one field `json`, signed twice and weakly, told to the app or to the account.

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::book::Effect;
use super::super::hooks::{Hook, Message, SignedDelivery};
use super::super::life::{Happened, Stage};
use super::super::world::World;
use super::super::{Provider, ids, signing};
use super::show;

fn event(happened: Happened) -> Option<(&'static str, Option<usize>)> {
    Some(match happened {
        Happened::PartyViewed(row) => ("signature_request_viewed", Some(row)),
        Happened::PartySigned(row) => ("signature_request_signed", Some(row)),
        Happened::PartyDeclined(row) => ("signature_request_declined", Some(row)),
        Happened::Bounced(row) => ("signature_request_email_bounce", Some(row)),
        Happened::Completed => ("signature_request_all_signed", None),
        Happened::Voided => ("signature_request_canceled", None),
        Happened::Expired => ("signature_request_expired", None),
        // `signature_request_sent` follows the request, see `come`.
        Happened::Sent
        | Happened::PartySent(_)
        | Happened::Viewed
        | Happened::FirstView
        | Happened::Declined => {
            return None;
        }
    })
}

/// Tells what happened, and plans the file of a complete request.
pub(in super::super) fn tell(world: &mut World, row: usize, happened: &[Happened], now: i64) {
    let mut last = None;
    for it in happened {
        if let Happened::PartySigned(party) = it {
            last = Some(*party);
        }
        let Some((name, party)) = event(*it) else { continue };
        let party = party.or(last.filter(|_| *it == Happened::Completed));
        tell_one(world, row, name, party, None, now);
        if *it == Happened::Completed {
            let at = now + world.switches.files_ms;
            let book = &mut world.dropbox_sign.book;
            book.contracts[row].files_at = Some(at);
            book.plan(at, row, Effect::Files);
        }
    }
}

pub(super) fn tell_one(
    world: &mut World,
    row: usize,
    event: &str,
    party: Option<usize>,
    message: Option<&str>,
    now: i64,
) {
    let contract = &world.dropbox_sign.book.contracts[row];
    let id = contract.id.clone();
    let related = party.map(|party| contract.parties[party].id.clone());
    let message = message
        .map(str::to_owned)
        .or_else(|| contract.end_reason.clone().filter(|_| event == "signature_request_declined"));
    let request = show::request(world, contract, "https://api.hellosign.com");
    let client = contract.extra["client_id"].as_str().map(str::to_owned);
    let app =
        world.dropbox_sign.app_hook.filter(|hook| client.is_some() && world.post.hooks[*hook].hears(event));
    let Some(hook) = app.or(world.dropbox_sign.own_hook).filter(|hook| world.post.hooks[*hook].hears(event))
    else {
        return;
    };
    let reported = app.and(client.clone());
    let mut payload = json!({
        "metadata": {
            "related_signature_id": related,
            "reported_for_account_id": world.dropbox_sign.id,
            "reported_for_app_id": reported,
            "event_message": message,
        },
        "account_guid": world.dropbox_sign.id,
        "signature_request": request,
    });
    if let Some(client) = reported {
        payload["client_id"] = json!(client);
    }
    let delivery = world.switches.delivery;
    world.post.tell(delivery, hook, (&id, event), payload, now);
}

/// `callback_test` to the account's receiver.
pub(super) fn test(world: &mut World, now: i64) {
    let Some(hook) = world.dropbox_sign.own_hook else { return };
    let account = world.dropbox_sign.id.clone();
    let metadata = json!({"related_signature_id": null, "reported_for_account_id": account,
                          "reported_for_app_id": null, "event_message": null});
    let payload = json!({"metadata": metadata, "account_guid": account});
    let delivery = world.switches.delivery;
    world.post.tell(delivery, hook, ("", "callback_test"), payload, now);
}

/// A callback as it goes out.
pub(in super::super) fn signed(world: &World, message: &Message) -> SignedDelivery {
    let key = &world.dropbox_sign.api_keys[0];
    let time = (message.made_at / 1_000).to_string();
    let mut body = json!({
        "event": {
            "event_time": time,
            "event_type": message.event,
            "event_hash": signing::dropbox_sign_event(key, &time, &message.event),
            "event_metadata": message.payload["metadata"],
        },
        "account_guid": message.payload["account_guid"],
    });
    for name in ["client_id", "signature_request"] {
        if let Some(value) = message.payload.get(name) {
            body[name] = value.clone();
        }
    }
    let json = body.to_string();
    let content = signing::dropbox_sign_content(key, json.as_bytes(), world.switches.content_sha256_raw);
    SignedDelivery {
        provider: Provider::DropboxSign,
        url: world.post.hooks[message.hook].url.clone(),
        headers: vec![
            ("content-type".to_owned(), format!("multipart/form-data; boundary={}", signing::BOUNDARY)),
            ("user-agent".to_owned(), "Dropbox Sign API".to_owned()),
            ("Content-Sha256".to_owned(), content),
        ],
        body: Bytes::from(signing::dropbox_sign_form(&json)),
        event: message.event.clone(),
        contract: message.contract.clone(),
    }
}

/// What happens by itself.
pub(in super::super) fn come(world: &mut World, row: usize, effect: Effect, at: i64) {
    let contract = &mut world.dropbox_sign.book.contracts[row];
    match effect {
        Effect::Send if contract.stage == Stage::Preparing => {
            contract.send(at);
            world.dropbox_sign.book.plan_life(row, at);
            tell_one(world, row, "signature_request_sent", None, None, at);
        }
        Effect::Fail if contract.stage == Stage::Preparing => {
            contract.end(Stage::Failed, None, at);
            let reason = Some("There was a problem processing the document.");
            tell_one(world, row, "signature_request_invalid", None, reason, at);
        }
        Effect::Files => tell_one(world, row, "signature_request_downloadable", None, None, at),
        Effect::Cancel => {
            contract.cancelling = false;
            // Whoever signed last while the cancel was waiting has won.
            if matches!(contract.stage, Stage::Open | Stage::Preparing) {
                contract.end(Stage::Voided, None, at);
                tell(world, row, &[Happened::Voided], at);
            }
        }
        _ => {}
    }
}

/// Sets, or with an empty text removes, the account's receiver.
pub(super) fn set_account(world: &mut World, url: &str) {
    let number = world.next();
    let hook = Hook::new(Provider::DropboxSign, ids::hexadecimal("callback", number, 16), url);
    world.dropbox_sign.own_hook = Some(replace(world, world.dropbox_sign.own_hook, hook));
}

pub(super) fn set_app(world: &mut World, url: &str) {
    let number = world.next();
    let hook = Hook::new(Provider::DropboxSign, ids::hexadecimal("app callback", number, 16), url);
    world.dropbox_sign.app_hook = Some(replace(world, world.dropbox_sign.app_hook, hook));
}

fn replace(world: &mut World, old: Option<usize>, hook: Hook) -> usize {
    if let Some(old) = old {
        world.post.hooks[old].deleted = true;
    }
    world.post.add(hook)
}

/// The address of a receiver that is still there.
pub(super) fn url(world: &World, hook: Option<usize>) -> Option<String> {
    hook.map(|row| world.post.hooks[row].url.clone()).filter(|url| !url.is_empty())
}

pub(in super::super) fn subscribe(world: &mut World, url: &str) -> String {
    set_account(world, url);
    world.dropbox_sign.api_keys[0].clone()
}

/// A flat form as the JSON it stands for: `signers[0][name]`, `metadata[contract_id]`, `files[0]`.
pub(super) fn unflatten(schema: &Value, fields: &[(String, String)], files: &[String]) -> Value {
    let description = super::super::spec::description(Provider::DropboxSign);
    let mut root = json!({});
    for (name, text) in fields {
        let path: Vec<&str> = name.split('[').map(|part| part.trim_end_matches(']')).collect();
        let mut below = schema;
        for part in &path {
            below = description.below(below, part);
        }
        let value = description.coerce(below, text);
        put(&mut root, &path, value);
    }
    for name in files {
        let path: Vec<&str> = name.split('[').map(|part| part.trim_end_matches(']')).collect();
        put(&mut root, &path, json!("file"));
    }
    root
}

fn put(at: &mut Value, path: &[&str], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        *at = value;
        return;
    };
    if let (Ok(index), true) = (first.parse::<usize>(), index_follows(at)) {
        if at.is_null() {
            *at = json!([]);
        }
        let items = at.as_array_mut().expect("it was made an array");
        while items.len() <= index.min(100) {
            items.push(Value::Null);
        }
        put(&mut items[index.min(100)], rest, value);
        return;
    }
    if !at.is_object() {
        *at = json!({});
    }
    put(&mut at[*first], rest, value);
}

fn index_follows(at: &Value) -> bool {
    at.is_null() || at.is_array()
}
