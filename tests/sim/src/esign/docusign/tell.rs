//! Connect: what is said about an envelope, to whom, and with which signatures.

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::hooks::{Hook, Message, SignedDelivery};
use super::super::life::Happened;
use super::super::world::World;
use super::super::{Provider, ids, signing};
use super::{show, stamp};

/// The number of the first Connect configuration.
const FIRST_CONFIGURATION: usize = 12_345_678;

fn event(happened: Happened) -> Option<(&'static str, Option<usize>)> {
    Some(match happened {
        Happened::Sent => ("envelope-sent", None),
        Happened::PartySent(row) => ("recipient-sent", Some(row)),
        Happened::PartyViewed(row) => ("recipient-delivered", Some(row)),
        Happened::Viewed => ("envelope-delivered", None),
        Happened::FirstView => return None,
        Happened::PartySigned(row) => ("recipient-completed", Some(row)),
        Happened::Completed => ("envelope-completed", None),
        Happened::PartyDeclined(row) => ("recipient-declined", Some(row)),
        Happened::Declined => ("envelope-declined", None),
        Happened::Voided | Happened::Expired => ("envelope-voided", None),
        Happened::Bounced(row) => ("recipient-autoresponded", Some(row)),
    })
}

/// Tells every receiver of the account and of the envelope.
pub(in super::super) fn tell(world: &mut World, row: usize, happened: &[Happened], now: i64) {
    for (event, party) in happened.iter().filter_map(|it| event(*it)) {
        tell_one(world, row, event, party, now);
    }
}

pub(super) fn tell_one(world: &mut World, row: usize, event: &str, party: Option<usize>, now: i64) {
    let contract = &world.docusign.book.contracts[row];
    let id = contract.id.clone();
    let all = world.post.hooks.iter().enumerate().filter(|(_, hook)| hook.provider == Provider::Docusign);
    let ours = all.filter(|(number, hook)| {
        (hook.id.starts_with("envelope ") == contract.hooks.contains(number)) && hook.hears(event)
    });
    let hooks: Vec<usize> = ours.map(|(number, _)| number).collect();
    for hook in hooks {
        let include: Vec<&str> = world.post.hooks[hook].include.iter().map(String::as_str).collect();
        let contract = &world.docusign.book.contracts[row];
        let mut data = json!({
            "accountId": world.docusign.id,
            "userId": world.docusign.user,
        });
        if let Some(party) = party {
            data["recipientId"] = json!(contract.parties[party].id);
        }
        data["envelopeId"] = json!(id);
        if !include.is_empty() {
            data["envelopeSummary"] = show::envelope(world, contract, &include);
            trim_times(&mut data["envelopeSummary"]);
        }
        let delivery = world.switches.delivery;
        world.post.tell(delivery, hook, (&id, event), data, now);
    }
}

/// Times inside a summary have as many digits as they need.
fn trim_times(value: &mut Value) {
    match value {
        Value::String(text) if text.len() == 28 && text.ends_with("0000Z") => {
            let short = text.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
            *value = json!(format!("{short}Z"));
        }
        Value::Array(items) => items.iter_mut().for_each(trim_times),
        Value::Object(map) => map.values_mut().for_each(trim_times),
        _ => {}
    }
}

/// A Connect message as it goes out: the count of retries is part of what is signed.
pub(in super::super) fn signed(world: &World, message: &Message) -> SignedDelivery {
    let hook = &world.post.hooks[message.hook];
    let account = &world.docusign;
    let body = json!({
        "event": message.event,
        "apiVersion": "v2.1",
        "uri": format!("/restapi/v2.1/accounts/{}/envelopes/{}", account.id, message.contract),
        "retryCount": message.failed,
        "configurationId": FIRST_CONFIGURATION + message.hook,
        "generatedDateTime": stamp(message.made_at),
        "data": message.payload,
    });
    let body = body.to_string();
    let mut headers = vec![
        ("content-type".to_owned(), "application/json; charset=utf-8".to_owned()),
        ("user-agent".to_owned(), "Docusign Connect".to_owned()),
    ];
    if hook.signed && !account.hmac_keys.is_empty() {
        headers.push(("x-authorization-digest".to_owned(), "HMACSHA256".to_owned()));
        for (number, key) in (1..).zip(&account.hmac_keys) {
            headers.push((format!("X-DocuSign-Signature-{number}"), signing::docusign(key, body.as_bytes())));
        }
    }
    SignedDelivery {
        provider: Provider::Docusign,
        url: hook.url.clone(),
        headers,
        body: Bytes::from(body),
        event: message.event.clone(),
        contract: message.contract.clone(),
    }
}

fn texts(value: &Value) -> Vec<String> {
    let all = value.as_array().into_iter().flatten();
    all.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A receiver of one envelope (`eventNotification`) or of the account (`connect`).
pub(super) fn hook(world: &mut World, given: &Value, of_envelope: bool) -> Result<usize, &'static str> {
    let (url, acknowledged) = if of_envelope {
        (given["url"].as_str(), &given["requireAcknowledgment"])
    } else {
        (given["urlToPublishTo"].as_str(), &given["requiresAcknowledgement"])
    };
    let url = url.unwrap_or_default();
    if !url.starts_with("https://") && !url.starts_with("http://127.0.0.1") {
        return Err("The URL of an event notification must begin with https");
    }
    if given["deliveryMode"] != "SIM" {
        world.flaws.push("Docusign: an event notification without deliveryMode SIM".to_owned());
    }
    let number = world.post.hooks.len();
    let id =
        if of_envelope { format!("envelope {number}") } else { (FIRST_CONFIGURATION + number).to_string() };
    let mut hook = Hook::new(Provider::Docusign, id.clone(), url);
    hook.events = texts(&given["events"]);
    hook.include = texts(&given["eventData"]["includeData"]);
    hook.acknowledged = *acknowledged == "true";
    hook.signed = given["includeHMAC"] == "true";
    hook.shown = given.clone();
    hook.shown["connectId"] = json!(id);
    Ok(world.post.add(hook))
}

/// An account-wide configuration with everything in it.
pub(in super::super) fn subscribe(world: &mut World, url: &str) -> String {
    let number = world.next();
    let mut hook = Hook::new(Provider::Docusign, (FIRST_CONFIGURATION + number).to_string(), url);
    hook.include = vec!["recipients".to_owned(), "custom_fields".to_owned()];
    hook.shown = json!({
        "connectId": hook.id, "configurationType": "custom", "urlToPublishTo": url, "allUsers": "true",
        "allowEnvelopePublish": "true", "deliveryMode": "SIM", "includeHMAC": "true",
        "requiresAcknowledgement": "true", "name": ids::guid("connect", number),
        "eventData": {"version": "restv2.1", "format": "json", "includeData": ["recipients", "custom_fields"]},
    });
    world.post.add(hook);
    world.docusign.hmac_keys.first().cloned().unwrap_or_default()
}
