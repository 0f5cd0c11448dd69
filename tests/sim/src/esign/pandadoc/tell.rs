//! Webhooks: lists of events, signed in the query, and what happens to a document by itself.

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::book::Effect;
use super::super::hooks::{Hook, Message, SignedDelivery};
use super::super::life::{Happened, Stage};
use super::super::world::World;
use super::super::{Provider, ids, signing};
use super::show;

/// Everything a document can say.
pub(super) const TRIGGERS: [&str; 6] = [
    "document_state_changed",
    "recipient_completed",
    "document_completed_pdf_ready",
    "document_creation_failed",
    "document_updated",
    "document_deleted",
];

/// Tells what happened; what belongs together is one delivery.
pub(in super::super) fn tell(world: &mut World, row: usize, happened: &[Happened], now: i64) {
    let mut events: Vec<(&str, Option<usize>)> = Vec::new();
    for it in happened {
        match it {
            Happened::Sent
            | Happened::FirstView
            | Happened::Declined
            | Happened::Voided
            | Happened::Expired => {
                events.push(("document_state_changed", None));
            }
            Happened::PartySigned(party) => events.push(("recipient_completed", Some(*party))),
            Happened::Completed => {
                events.push(("document_state_changed", None));
                sealed(world, row, now);
            }
            Happened::PartySent(_)
            | Happened::PartyViewed(_)
            | Happened::Viewed
            | Happened::PartyDeclined(_)
            | Happened::Bounced(_) => {}
        }
    }
    deliver(world, row, &events, now);
}

/// The sealed file follows.
pub(super) fn sealed(world: &mut World, row: usize, now: i64) {
    let at = now + world.switches.files_ms;
    world.pandadoc.book.contracts[row].files_at = Some(at);
    world.pandadoc.book.plan(at, row, Effect::Files);
}

pub(super) fn changed(world: &mut World, row: usize, now: i64) {
    deliver(world, row, &[("document_state_changed", None)], now);
}

pub(super) fn deliver(world: &mut World, row: usize, events: &[(&str, Option<usize>)], now: i64) {
    let all = world.post.hooks.iter().enumerate().filter(|(_, hook)| hook.provider == Provider::Pandadoc);
    let hooks: Vec<usize> = all.filter(|(_, hook)| !hook.deleted).map(|(number, _)| number).collect();
    for number in hooks {
        let hook = &world.post.hooks[number];
        let contract = &world.pandadoc.book.contracts[row];
        let with_metadata = hook.include.iter().any(|it| it == "metadata");
        let heard: Vec<_> = events.iter().filter(|(event, _)| hook.hears(event)).collect();
        if heard.is_empty() {
            continue;
        }
        let told: Vec<Value> = heard
            .iter()
            .map(|(event, party)| {
                let mut data = match *event {
                    "document_deleted" => json!({"id": contract.id, "name": contract.title}),
                    "document_creation_failed" => {
                        let detail = "Field tag role is not present in the recipients list";
                        json!({"id": contract.id, "error": {"type": "validation_error", "detail": detail}})
                    }
                    _ => show::event(world, contract, with_metadata),
                };
                if let Some(party) = party {
                    let party = &contract.parties[*party];
                    data["action_by"] = show::recipient(contract, party);
                    data["action_date"] = show::maybe_stamp(party.signed_at);
                }
                json!({"event": event, "data": data})
            })
            .collect();
        let names: Vec<&str> = heard.iter().map(|(event, _)| *event).collect();
        let id = contract.id.clone();
        let delivery = world.switches.delivery;
        world.post.tell(delivery, number, (&id, &names.join("+")), Value::Array(told), now);
    }
}

/// The stable id of a delivery.
pub(super) fn event_id(message: &Message) -> String {
    ids::guid("pandadoc event", message.number)
}

/// A delivery as it goes out.
pub(in super::super) fn signed(world: &World, message: &Message) -> SignedDelivery {
    let hook = &world.post.hooks[message.hook];
    let body = message.payload.to_string();
    let signature = signing::pandadoc(&hook.key, body.as_bytes());
    let join = if hook.url.contains('?') { '&' } else { '?' };
    SignedDelivery {
        provider: Provider::Pandadoc,
        url: format!("{}{join}signature={signature}", hook.url),
        headers: vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("X-PandaDoc-Webhook-Event-Id".to_owned(), event_id(message)),
        ],
        body: Bytes::from(body),
        event: message.event.clone(),
        contract: message.contract.clone(),
    }
}

/// What happens by itself.
pub(in super::super) fn come(world: &mut World, row: usize, effect: Effect, at: i64) {
    let contract = &mut world.pandadoc.book.contracts[row];
    match effect {
        Effect::Ready if contract.stage == Stage::Preparing => {
            contract.stage = Stage::Draft;
            contract.changed_at = at;
            changed(world, row, at);
        }
        Effect::Fail if contract.stage == Stage::Preparing => {
            contract.end(Stage::Failed, None, at);
            deliver(world, row, &[("document_creation_failed", None), ("document_state_changed", None)], at);
        }
        Effect::Files if contract.files_at == Some(at) => {
            deliver(world, row, &[("document_completed_pdf_ready", None)], at);
        }
        _ => {}
    }
}

/// A subscription to everything a document can say, our own keys included.
pub(in super::super) fn subscribe(world: &mut World, url: &str) -> String {
    let number = world.next();
    let mut hook = Hook::new(Provider::Pandadoc, ids::guid("subscription", number), url);
    hook.key = ids::short("shared key", number);
    hook.include = vec!["metadata".to_owned()];
    hook.events = TRIGGERS.iter().map(|it| (*it).to_owned()).collect();
    hook.shown = json!({"name": "Contracts"});
    let key = hook.key.clone();
    world.post.add(hook);
    key
}
