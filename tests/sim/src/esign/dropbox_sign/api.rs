//! The API: who may call, how often, and what each operation does.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::Provider;
use super::super::book::Effect;
use super::super::ids;
use super::super::life::{Contract, HOUR, MINUTE, Stage, Turn};
use super::super::pdf::zip;
use super::super::spec::{Miss, description};
use super::super::wire::{Asked, Reply, text};
use super::super::world::{Judged, Meter, World};
use super::{create, lists, refuse, show, tell};

const STANDARD_LIMIT: usize = 100;

const HEAVY_LIMIT: usize = 25;

const TEST_LIMIT: usize = 10;

/// How long a link to a file lives.
const LINK_MS: i64 = 5 * MINUTE;

/// Answers a call to the API, or to a short-lived link of a file.
pub(in super::super) fn answer(world: &mut World, base: &str, asked: &Asked, now: i64) -> Reply {
    if let Some(token) = asked.path.strip_prefix("/files/") {
        let link = world.dropbox_sign.links.iter().find(|(name, until, _)| name == token && *until > now);
        return match link {
            Some((_, _, row)) => {
                Reply::file("application/pdf", sealed(&world.dropbox_sign.book.contracts[*row]))
            }
            None => Reply::empty(403),
        };
    }
    let key = asked.authorization("basic").and_then(|text| STANDARD.decode(text).ok());
    let key = key.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    let known =
        key.strip_suffix(':').is_some_and(|key| world.dropbox_sign.api_keys.iter().any(|it| it == key));
    if !known {
        return refuse(401, "unauthorized", "Unauthorized api key", None);
    }
    let body = body(asked);
    let meter = meter(world, asked, body.as_ref(), now);
    let reply = if meter.spent {
        refuse(429, "exceeded_rate", "Exceeded the rate limit of this account", None)
    } else {
        judged(world, base, asked, body, now)
    };
    reply
        .header("X-RateLimit-Limit", meter.limit)
        .header("X-RateLimit-Remaining", meter.remaining)
        .header("X-Ratelimit-Reset", meter.reset_at / 1_000)
}

/// Sending and files have a smaller limit, and test mode the smallest.
fn meter(world: &mut World, asked: &Asked, body: Option<&Value>, now: i64) -> Meter {
    let name = asked.path.trim_start_matches("/v3/signature_request/");
    let sends = name.starts_with("send");
    if sends && body.is_some_and(|body| body["test_mode"] == true) {
        world.spend("dropbox sign test", TEST_LIMIT, MINUTE, now)
    } else if sends || name.starts_with("files") {
        world.spend("dropbox sign heavy", HEAVY_LIMIT, MINUTE, now)
    } else {
        world.spend("dropbox sign", STANDARD_LIMIT, MINUTE, now)
    }
}

/// The body as JSON, whichever way it was sent.
fn body(asked: &Asked) -> Option<Value> {
    if asked.content_type == "multipart/form-data" {
        let description = description(Provider::DropboxSign);
        let (operation, _) = description.find(&asked.method, &asked.path).ok()?;
        let files: Vec<String> = asked.parts.iter().map(|part| part.field.clone()).collect();
        return Some(tell::unflatten(description.json_schema(operation), &asked.fields, &files));
    }
    if asked.body.is_empty() {
        return None;
    }
    Some(serde_json::from_slice(&asked.body).unwrap_or(Value::Null))
}

fn judged(world: &mut World, base: &str, asked: &Asked, body: Option<Value>, now: i64) -> Reply {
    // A form is held against the closed JSON it stands for: the description leaves forms open.
    let form = asked.content_type == "multipart/form-data";
    let as_json = Asked {
        content_type: if form { "application/json".to_owned() } else { asked.content_type.clone() },
        method: asked.method.clone(),
        path: asked.path.clone(),
        query: asked.query.clone(),
        headers: asked.headers.clone(),
        body: bytes::Bytes::new(),
        fields: Vec::new(),
        parts: Vec::new(),
    };
    match world.judge(Provider::DropboxSign, &as_json, body.as_ref(), None) {
        Judged::Unknown(Miss::Path) => refuse(404, "not_found", "Not found", None),
        Judged::Unknown(Miss::Method) => refuse(405, "method_not_supported", "Method not supported", None),
        Judged::Faulty(faults) => {
            let first = &faults[0];
            refuse(400, "bad_request", &first.message, Some(&first.at))
        }
        Judged::Fine(operation, path) => {
            let body = body.unwrap_or(Value::Null);
            let call = Call { base, asked, body: &body, now };
            operate(world, &operation.id, &path, &call).unwrap_or_else(|refused| refused)
        }
    }
}

pub(super) struct Call<'a> {
    pub(super) base: &'a str,
    pub(super) asked: &'a Asked,
    pub(super) body: &'a Value,
    pub(super) now: i64,
}

fn operate(world: &mut World, operation: &str, path: &[String], call: &Call<'_>) -> Result<Reply, Reply> {
    Ok(match operation {
        "signatureRequestSend" => {
            return create::create(world, call.base, call.asked, call.body, false, call.now);
        }
        "signatureRequestSendWithTemplate" => {
            return create::create(world, call.base, call.asked, call.body, true, call.now);
        }
        "signatureRequestList" => lists::list(world, call),
        "templateList" => lists::templates(world, call),
        "templateGet" => {
            let row = world.dropbox_sign.book.template(&path[0]);
            let row = row.ok_or_else(|| refuse(404, "not_found", "Template not found", None))?;
            Reply::json(
                200,
                json!({"template": show::template(world, &world.dropbox_sign.book.templates[row])}),
            )
        }
        "accountGet" => lists::account(world),
        "accountUpdate" => {
            if let Some(url) = call.body["callback_url"].as_str() {
                callback(url)?;
                tell::set_account(world, url);
            }
            lists::account(world)
        }
        "accountVerify" => Reply::json(200, json!({})),
        "apiAppGet" | "apiAppUpdate" => {
            if path[0] != world.dropbox_sign.client_id {
                return Err(refuse(404, "not_found", "App not found", None));
            }
            if let Some(url) = call.body["callback_url"].as_str() {
                callback(url)?;
                tell::set_app(world, url);
            }
            Reply::json(200, json!({"api_app": lists::app(world)}))
        }
        "apiAppList" => {
            Reply::json(200, json!({"list_info": lists::info(1, 1, 20), "api_apps": [lists::app(world)]}))
        }
        "embeddedSignUrl" => return Err(refuse(404, "not_found", "Not an embedded signature", None)),
        _ => return of_request(world, operation, &path[0], call),
    })
}

fn callback(url: &str) -> Result<(), Reply> {
    let fine = url.is_empty() || url.starts_with("https://") || url.starts_with("http://127.0.0.1");
    let refused =
        || refuse(400, "bad_request", "The callback URL must begin with https", Some("callback_url"));
    fine.then_some(()).ok_or_else(refused)
}

fn sealed(contract: &Contract) -> Vec<u8> {
    contract.sealed("Signed with the Dropbox Sign stand-in, audit trail included")
}

fn of_request(world: &mut World, operation: &str, id: &str, call: &Call<'_>) -> Result<Reply, Reply> {
    let book = &mut world.dropbox_sign.book;
    let row = book.contract(id).ok_or_else(|| refuse(404, "not_found", "Not found", None))?;
    let contract = &mut book.contracts[row];
    if matches!(contract.stage, Stage::Voided | Stage::Deleted) {
        let status = world.switches.cancelled_answers;
        let name = if status == 410 { "deleted" } else { "not_found" };
        return Err(refuse(status, name, "This resource has been deleted", None));
    }
    let expired = contract.stage == Stage::Expired;
    let ended =
        |status: u16| refuse(status, "signature_request_expired", "The signature request has expired", None);
    match operation {
        "signatureRequestGet" => {}
        "signatureRequestCancel" => {
            if expired {
                return Err(ended(400));
            }
            if !matches!(contract.stage, Stage::Open | Stage::Preparing) {
                let message = "The signature request cannot be canceled";
                return Err(refuse(400, "signature_request_cancel_failed", message, None));
            }
            if !contract.cancelling {
                contract.cancelling = true;
                book.plan(call.now + world.switches.cancel_ms, row, Effect::Cancel);
            }
            return Ok(Reply::empty(200));
        }
        "signatureRequestRemind" | "signatureRequestUpdate" if expired => return Err(ended(400)),
        "signatureRequestRemind" => remind(world, row, call)?,
        "signatureRequestUpdate" => update(world, row, call)?,
        "signatureRequestRemove" => {
            if contract.stage != Stage::Completed {
                let message = "Only completely signed requests can be removed";
                return Err(refuse(400, "signature_request_remove_failed", message, None));
            }
            contract.end(Stage::Deleted, None, call.now);
            return Ok(Reply::empty(200));
        }
        _ if expired => return Err(ended(403)),
        _ => return files(world, operation, row, call),
    }
    let shown = show::request(world, &world.dropbox_sign.book.contracts[row], call.base);
    Ok(Reply::json(200, json!({"signature_request": shown})))
}

/// The file, once it is there: of an open request after the conversion, of a complete one after the sealing.
fn files(world: &mut World, operation: &str, row: usize, call: &Call<'_>) -> Result<Reply, Reply> {
    let number = world.next();
    let contract = &world.dropbox_sign.book.contracts[row];
    let ready = contract.stage != Stage::Preparing && contract.files_at.is_none_or(|at| at <= call.now);
    if !ready {
        return Err(refuse(
            409,
            "conflict",
            "Files are still being processed. Please try again later.",
            None,
        ));
    }
    let bytes = sealed(contract);
    Ok(match operation {
        "signatureRequestFilesAsFileUrl" => {
            let token = ids::secret("dropbox sign link", number);
            let until = call.now + LINK_MS;
            world.dropbox_sign.links.push((token.clone(), until, row));
            let url = format!("{}/files/{token}", call.base);
            Reply::json(200, json!({"file_url": url, "expires_at": until / 1_000}))
        }
        "signatureRequestFilesAsDataUri" => Reply::json(
            200,
            json!({"data_uri": format!("data:application/pdf;base64,{}", STANDARD.encode(bytes))}),
        ),
        _ if call.asked.query("file_type") == Some("zip") => {
            Reply::file("application/zip", zip(&[("agreement.pdf".to_owned(), bytes)]))
        }
        _ => Reply::file("application/pdf", bytes),
    })
}

fn remind(world: &mut World, row: usize, call: &Call<'_>) -> Result<(), Reply> {
    let invalid = |message: &str| refuse(400, "invalid_reminder", message, None);
    let contract = &mut world.dropbox_sign.book.contracts[row];
    if contract.stage != Stage::Open {
        return Err(invalid("The signature request is not open"));
    }
    let (email, name) = (text(call.body, "email_address"), call.body["name"].as_str());
    let fits: Vec<usize> = contract
        .signers()
        .filter(|(_, party)| party.email == email && name.is_none_or(|name| party.name == name))
        .map(|(row, _)| row)
        .collect();
    let [signer] = fits.as_slice() else { return Err(invalid("There is no such signer, or more than one")) };
    let party = &mut contract.parties[*signer];
    if !matches!(party.turn, Turn::Sent | Turn::Viewed) {
        return Err(invalid("The signer does not need a reminder"));
    }
    if party.reminded_at.is_some_and(|at| call.now - at < HOUR) {
        return Err(invalid("A reminder was sent within the last hour"));
    }
    party.reminded_at = Some(call.now);
    contract.reminded += 1;
    tell::tell_one(world, row, "signature_request_remind", Some(*signer), None, call.now);
    Ok(())
}

fn update(world: &mut World, row: usize, call: &Call<'_>) -> Result<(), Reply> {
    let number = world.next();
    let expires_at = create::expiry(call.body, call.now)?;
    let book = &mut world.dropbox_sign.book;
    let contract = &mut book.contracts[row];
    let wanted = text(call.body, "signature_id");
    let party = contract.parties.iter_mut().find(|party| party.id == wanted && party.turn != Turn::Signed);
    let party = party.ok_or_else(|| {
        refuse(400, "bad_request", "This signature cannot be updated", Some("signature_id"))
    })?;
    if let Some(name) = call.body["name"].as_str() {
        name.clone_into(&mut party.name);
    }
    if let Some(email) = call.body["email_address"].as_str() {
        email.clone_into(&mut party.email);
        // A new address is a new signature.
        party.id = ids::hexadecimal("updated signature", number, 32);
        if party.turn == Turn::Bounced {
            party.turn = Turn::Sent;
            party.reason = None;
        }
    }
    if let Some(at) = expires_at {
        contract.expires_at = Some(at);
        book.plan(at, row, Effect::Expire);
    }
    Ok(())
}
