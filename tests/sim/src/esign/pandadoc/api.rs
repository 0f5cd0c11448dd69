//! The public API: who may call, how often, and what each operation does.

use serde_json::{Value, json};

use super::super::life::{Contract, DAY, Happened, MINUTE, Stage, Turn};
use super::super::pdf::zip;
use super::super::spec::Miss;
use super::super::wire::{Asked, Reply, text};
use super::super::world::{Judged, World};
use super::super::{Provider, ids};
use super::show::{self, maybe_stamp, stamp};
use super::{create, hooks_api, refuse, tell};

const SANDBOX_LIMIT: usize = 10;
const UPLOADED: &str = "Warning - Document status document.uploaded doesn’t mean that the document already exists - \
                        processing happens asynchronously.";

const REMIND_ORDER: &str =
    "Can't send reminder. Signing order is enabled and this Recipient can't sign the document yet";
const REMIND_DAY: &str = "Can't send email reminder to the Recipient more than once every 24 hours";
const REMIND_WHOM: &str =
    "Can't send reminder. The document does not contain a recipient with the specified recipient ID";

/// Calls per minute and user, by operation.
fn limit(operation: &str, template: bool) -> usize {
    match operation {
        "createDocument" if template => 300,
        "createDocument" | "downloadDocument" => 50,
        "sendDocument" => 200,
        "detailsDocument" | "detailsTemplate" | "downloadProtectedDocument" => 300,
        _ => 2_000,
    }
}

/// Answers a call to the API or to its OAuth.
pub(in super::super) fn answer(world: &mut World, base: &str, asked: &Asked, now: i64) -> Reply {
    let body = body(asked);
    if asked.path == "/oauth2/access_token" {
        return match world.judge(Provider::Pandadoc, asked, body.as_ref(), None) {
            Judged::Fine(..) => token(world, asked, now),
            _ => Reply::json(400, json!({"error": "invalid_request"})),
        };
    }
    let key = asked.authorization("api-key");
    let bearer = asked.authorization("bearer").and_then(|token| world.pandadoc.tokens.get(token));
    let sandbox = key == Some(world.pandadoc.sandbox_key.as_str());
    if !sandbox && key != Some(world.pandadoc.api_key.as_str()) && bearer.is_none_or(|ends| *ends <= now) {
        return refuse(401, "authentication_error", "Authentication credentials were not provided.");
    }
    // An upload is named by a parameter without a value.
    match world.judge(Provider::Pandadoc, asked, body.as_ref(), Some("metadata_")) {
        Judged::Unknown(Miss::Path) => refuse(404, "request_error", "Not found"),
        Judged::Unknown(Miss::Method) => {
            refuse(405, "request_error", format!("Method \"{}\" not allowed.", asked.method))
        }
        Judged::Faulty(faults) => {
            let mut detail = json!({});
            for fault in faults {
                let at = if fault.at.is_empty() { "non_field_errors" } else { &fault.at };
                detail[at] = json!([fault.message]);
            }
            refuse(400, "validation_error", detail)
        }
        Judged::Fine(operation, path) => {
            let body = body.unwrap_or(Value::Null);
            let given = inner(asked, &body);
            let most = if sandbox {
                SANDBOX_LIMIT
            } else {
                limit(&operation.id, given["template_uuid"].is_string())
            };
            let meter = world.spend(&format!("pandadoc {sandbox} {}", operation.id), most, MINUTE, now);
            if meter.spent {
                let wait = (meter.reset_at - now + 999) / 1_000;
                let detail = format!("Request was throttled. Expected available in {wait} seconds.");
                return refuse(429, "throttled", detail);
            }
            let call = Call { base, asked, body: &given, sandbox, now };
            operate(world, &operation.id, &path, &call).unwrap_or_else(|refused| refused)
        }
    }
}

/// The body as the description has it: a form becomes its parts, `data` parsed.
fn body(asked: &Asked) -> Option<Value> {
    match asked.content_type.as_str() {
        "multipart/form-data" => {
            let mut body = json!({});
            for (name, text) in &asked.fields {
                body[name] = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()));
            }
            for part in &asked.parts {
                body[&part.field] = match part.field.as_str() {
                    "data" => serde_json::from_slice(&part.bytes).unwrap_or(Value::Null),
                    _ => json!("file"),
                };
            }
            Some(body)
        }
        "application/x-www-form-urlencoded" => {
            Some(asked.fields.iter().map(|(name, text)| (name.clone(), json!(text))).collect())
        }
        _ if asked.body.is_empty() => None,
        _ => Some(serde_json::from_slice(&asked.body).unwrap_or(Value::Null)),
    }
}

fn inner(asked: &Asked, body: &Value) -> Value {
    if asked.content_type == "multipart/form-data" { body["data"].clone() } else { body.clone() }
}

fn token(world: &mut World, asked: &Asked, now: i64) -> Reply {
    let number = world.next();
    let account = &mut world.pandadoc;
    let known = asked.field("client_id") == Some(&account.client_id)
        && asked.field("client_secret") == Some(&account.client_secret);
    let (given, held) = match asked.field("grant_type") {
        Some("authorization_code") => (asked.field("code"), &mut account.codes),
        _ => (asked.field("refresh_token"), &mut account.refresh_tokens),
    };
    let row = held.iter().position(|it| Some(it.as_str()) == given).filter(|_| known);
    let Some(row) = row else { return Reply::json(400, json!({"error": "invalid_grant"})) };
    held.remove(row);
    let life = 31_535_999;
    let (token, refresh) = (ids::secret("pandadoc token", number), ids::secret("pandadoc refresh", number));
    account.tokens.insert(token.clone(), now + life * 1_000);
    account.refresh_tokens.push(refresh.clone());
    Reply::json(
        200,
        json!({"access_token": token, "token_type": "Bearer", "expires_in": life, "scope": "read+write",
               "refresh_token": refresh}),
    )
}

struct Call<'a> {
    base: &'a str,
    asked: &'a Asked,
    body: &'a Value,
    sandbox: bool,
    now: i64,
}

fn missing() -> Reply {
    refuse(404, "request_error", "Not found")
}

/// The answer of everything that does not fit the state.
fn conflict(contract: &Contract, message: &str) -> Reply {
    Reply::json(409, json!({"id": contract.id, "status": show::status(contract), "info_message": message}))
}

fn operate(world: &mut World, operation: &str, path: &[String], call: &Call<'_>) -> Result<Reply, Reply> {
    Ok(match operation {
        "createDocument" => return create_document(world, call),
        "listDocuments" => list(world, call),
        "listTemplates" => templates(world, call),
        "statusTemplate" | "detailsTemplate" => {
            let row = world.pandadoc.book.template(&path[0]).ok_or_else(missing)?;
            let template = &world.pandadoc.book.templates[row];
            let full = operation == "detailsTemplate";
            Reply::json(
                200,
                if full { show::template_details(world, template) } else { show::template(template) },
            )
        }
        "detailsCurrentMember" => {
            let account = &world.pandadoc;
            Reply::json(
                200,
                json!({"user_id": account.user, "membership_id": account.membership, "email": account.email,
                       "first_name": "Contracts", "last_name": "Sender", "is_active": true,
                       "workspace": account.workspace, "workspace_name": "Acme", "emails_verified": true,
                       "role": "Admin", "user_license": "Full", "date_created": "2024-05-01T09:00:00.000000Z",
                       "date_modified": "2024-05-01T09:00:00.000000Z"}),
            )
        }
        "listWebhookEvent" | "detailsWebhookEvent" => {
            return hooks_api::history(world, operation, path, call.asked, call.now);
        }
        name if name.contains("WebhookSubscription") => {
            return hooks_api::subscriptions(world, operation, path, call.body);
        }
        _ => {
            let row = world.pandadoc.book.contract(&path[0]).ok_or_else(missing)?;
            let contract = &world.pandadoc.book.contracts[row];
            if contract.stage == Stage::Deleted || contract.test != call.sandbox {
                return Err(missing());
            }
            return of_document(world, operation, row, call);
        }
    })
}

fn create_document(world: &mut World, call: &Call<'_>) -> Result<Reply, Reply> {
    if call.asked.content_type == "multipart/form-data" {
        // The description leaves `data` open; it is held against the closed body of the same call.
        let mut as_link = call.body.clone();
        as_link["url"] = json!("https://upload.example/file.pdf");
        let plain = Asked {
            content_type: "application/json".to_owned(),
            method: call.asked.method.clone(),
            path: call.asked.path.clone(),
            query: Vec::new(),
            headers: call.asked.headers.clone(),
            body: bytes::Bytes::new(),
            fields: Vec::new(),
            parts: Vec::new(),
        };
        if let Judged::Faulty(faults) = world.judge(Provider::Pandadoc, &plain, Some(&as_link), None) {
            return Err(refuse(400, "validation_error", json!({"data": [faults[0].message]})));
        }
    }
    create::create(world, call.base, call.asked, call.body, call.sandbox, call.now)
}

/// Stages whose file can be had.
fn complete(stage: Stage) -> bool {
    matches!(stage, Stage::Completed | Stage::Paid)
}

fn of_document(world: &mut World, operation: &str, row: usize, call: &Call<'_>) -> Result<Reply, Reply> {
    let contract = &world.pandadoc.book.contracts[row];
    let reads = call.asked.method == http::Method::GET || operation == "createManualReminder";
    if contract.locked && !reads {
        return Err(refuse(423, "document_locked", "The document is being edited by somebody else."));
    }
    match operation {
        "statusDocument" => return Ok(Reply::json(200, show::brief(contract))),
        "deleteDocument" => {
            world.pandadoc.book.contracts[row].end(Stage::Deleted, None, call.now);
            tell::deliver(world, row, &[("document_deleted", None)], call.now);
            return Ok(Reply::empty(204));
        }
        _ if contract.stage == Stage::Preparing => return Err(conflict(contract, UPLOADED)),
        _ => {}
    }
    Ok(match operation {
        "detailsDocument" => Reply::json(200, show::details(world, contract)),
        "updateDocument" => return update(world, row, call),
        "sendDocument" => return send(world, row, call),
        "changeDocumentStatus" => return change_status(world, row, call),
        "documentRevertToDraft" => {
            let contract = &mut world.pandadoc.book.contracts[row];
            contract.stage = Stage::Draft;
            (contract.sent_at, contract.viewed_at, contract.completed_at) = (None, None, None);
            (contract.expires_at, contract.files_at, contract.changed_at) = (None, None, call.now);
            for party in &mut contract.parties {
                party.turn = Turn::Waiting;
                (party.sent_at, party.viewed_at, party.signed_at) = (None, None, None);
            }
            tell::deliver(world, row, &[("document_updated", None)], call.now);
            Reply::json(200, show::brief(&world.pandadoc.book.contracts[row]))
        }
        "createDocumentLink" => {
            let wanted = text(call.body, "recipient");
            if !contract.parties.iter().any(|party| party.email.eq_ignore_ascii_case(wanted)) {
                return Err(refuse(400, "request_error", "There is no such recipient."));
            }
            let life = call.body["lifetime"].as_i64().unwrap_or(3_600);
            let id = ids::short("session", world.next());
            Reply::json(201, json!({"id": id, "expires_at": stamp(call.now + life * 1_000)}))
        }
        "downloadDocument" | "downloadProtectedDocument" => return download(world, operation, row, call),
        "getDocumentAutoReminderSettings" => Reply::json(200, contract.extra["auto_reminders"].clone()),
        "updateDocumentAutoReminderSettings" => return auto_reminders(world, row, call),
        "statusDocumentAutoReminder" => {
            let status = |at: Option<i64>| if at.is_some() { "sent" } else { "scheduled" };
            let all = contract.signers();
            let all: Vec<Value> =
                all.map(|(_, it)| json!({"recipient_id": it.id, "status": status(it.reminded_at)})).collect();
            Reply::json(200, json!({"reminders": all}))
        }
        "createManualReminder" => return remind(world, row, call),
        "documentSettingsGet" => Reply::json(200, contract.extra["settings"].clone()),
        "documentSettingsUpdate" => {
            let contract = &mut world.pandadoc.book.contracts[row];
            if contract.stage != Stage::Draft {
                let details = json!([{"code": "invalid_status", "pointer": "", "data": {}}]);
                return Err(Reply::json(400, json!({"code": "bad_request", "details": details})));
            }
            for (name, value) in call.body.as_object().into_iter().flatten() {
                contract.extra["settings"][name] = value.clone();
            }
            contract.expire_days = contract.extra["settings"]["expires_in"].as_i64();
            Reply::json(200, contract.extra["settings"].clone())
        }
        _ => {
            let person = json!({"id": world.pandadoc.user, "email": world.pandadoc.email});
            let at = contract.sent_at.unwrap_or(contract.created_at);
            let row = json!({"id": ids::short(&contract.id, 99), "user": person, "action": 1, "reason": null,
                             "date_created": stamp(at), "ip_address": null});
            Reply::json(200, json!({"count": 1, "results": [row]}))
        }
    })
}

fn update(world: &mut World, row: usize, call: &Call<'_>) -> Result<Reply, Reply> {
    let contract = &mut world.pandadoc.book.contracts[row];
    if contract.stage != Stage::Draft {
        return Err(refuse(400, "request_error", "The document is not a draft."));
    }
    if let Some(name) = call.body["name"].as_str() {
        name.clone_into(&mut contract.title);
    }
    for (name, value) in call.body["metadata"].as_object().into_iter().flatten() {
        contract.own.insert(name.clone(), value.clone());
    }
    for name in ["tokens", "fields", "tags"] {
        if let Some(value) = call.body.get(name) {
            contract.extra[name] = value.clone();
        }
    }
    for given in call.body["recipients"].as_array().into_iter().flatten() {
        let known = contract.parties.iter_mut().find(|party| party.id == text(given, "id"));
        let party = known.ok_or_else(|| refuse(400, "request_error", "There is no such recipient."))?;
        if let Some(email) = given["email"].as_str() {
            email.clone_into(&mut party.email);
        }
    }
    contract.changed_at = call.now;
    Ok(Reply::empty(204))
}

fn send(world: &mut World, row: usize, call: &Call<'_>) -> Result<Reply, Reply> {
    let approval = world.switches.approval;
    let contract = &mut world.pandadoc.book.contracts[row];
    if !matches!(contract.stage, Stage::Draft | Stage::Approved) {
        return Err(conflict(contract, "Document is not in draft or approved status"));
    }
    if let Some(subject) = call.body["subject"].as_str() {
        subject.clone_into(&mut contract.subject);
    }
    contract.message = text(call.body, "message").to_owned();
    let silent = call.body["silent"] == true;
    if call.sandbox {
        create::own_domain(world, &world.pandadoc.book.contracts[row])?;
    }
    let contract = &mut world.pandadoc.book.contracts[row];
    if contract.stage == Stage::Draft && approval {
        contract.stage = Stage::Approval;
        contract.changed_at = call.now;
        tell::changed(world, row, call.now);
    } else if contract.signers().next().is_none() {
        return Err(refuse(400, "request_error", "Nobody has to sign this document."));
    } else {
        contract.expires_at = contract.expire_days.map(|days| call.now + days * DAY);
        if silent {
            contract.remind = None;
        }
        let happened = contract.send(call.now);
        world.pandadoc.book.plan_life(row, call.now);
        tell::tell(world, row, &happened, call.now);
    }
    let contract = &world.pandadoc.book.contracts[row];
    let mut shown = show::brief(contract);
    if contract.expires_at.is_none() {
        shown.as_object_mut().map(|map| map.remove("expiration_date"));
    }
    shown["recipients"] = show::recipients(contract)
        .into_iter()
        .map(|mut it| {
            it["shared_link"] = json!(format!("https://app.pandadoc.com/document/{}", contract.id));
            it
        })
        .collect();
    Ok(Reply::json(200, shown))
}

/// Whether a change of state by hand is allowed.
pub(super) fn allowed(from: Stage, to: i64) -> bool {
    match from {
        Stage::Draft => matches!(to, 2 | 10 | 12),
        Stage::Open => matches!(to, 2 | 11 | 12),
        Stage::Completed => to == 12,
        Stage::Voided | Stage::Expired => matches!(to, 2 | 10 | 12),
        Stage::Declined => matches!(to, 2 | 10),
        Stage::Preparing
        | Stage::Approval
        | Stage::Approved
        | Stage::Paid
        | Stage::Failed
        | Stage::Deleted => false,
    }
}

fn change_status(world: &mut World, row: usize, call: &Call<'_>) -> Result<Reply, Reply> {
    let contract = &mut world.pandadoc.book.contracts[row];
    let to = call.body["status"].as_i64().unwrap_or_default();
    if !allowed(contract.stage, to) {
        return Err(conflict(contract, "The status cannot be changed to the requested one"));
    }
    let note = call.body["note"].as_str();
    let happened = match to {
        11 => {
            contract.end(Stage::Voided, note, call.now);
            Happened::Voided
        }
        12 => {
            contract.end(Stage::Declined, note, call.now);
            Happened::Declined
        }
        _ => {
            contract.complete(call.now);
            if to == 10 {
                contract.stage = Stage::Paid;
            }
            Happened::Completed
        }
    };
    tell::tell(world, row, &[happened], call.now);
    Ok(Reply::empty(204))
}

fn download(world: &mut World, operation: &str, row: usize, call: &Call<'_>) -> Result<Reply, Reply> {
    let contract = &world.pandadoc.book.contracts[row];
    let protected = operation == "downloadProtectedDocument";
    if protected && call.sandbox {
        return Err(refuse(401, "authentication_error", "This key cannot download protected documents."));
    }
    if protected && !complete(contract.stage) {
        return Err(conflict(contract, "The document is not completed"));
    }
    if let Some(left) = contract.files_at.map(|at| at - call.now).filter(|left| *left > 0) {
        return Ok(Reply::empty(202).header("retry-after", (left + 999) / 1_000));
    }
    let heading = if protected { "Sealed with the PandaDoc stand-in" } else { "Copy without seal" };
    let bytes = contract.sealed(heading);
    if call.asked.query("separate_files") == Some("true") {
        return Ok(Reply::file("application/zip", zip(&[(format!("{}.pdf", contract.id), bytes)])));
    }
    Ok(Reply::file("application/pdf", bytes))
}

fn auto_reminders(world: &mut World, row: usize, call: &Call<'_>) -> Result<Reply, Reply> {
    let contract = &mut world.pandadoc.book.contracts[row];
    if !matches!(contract.stage, Stage::Draft | Stage::Approval | Stage::Approved | Stage::Open) {
        return Err(refuse(400, "request_error", json!({"status": ["The document is in a final state."]})));
    }
    let given = call.body;
    contract.extra["auto_reminders"] = given.clone();
    contract.remind = (given["enabled"] == true).then(|| {
        let again =
            if given["is_recurring"] == true { given["recurrence_frequency_days"].as_i64() } else { None };
        (given["initial_delay_days"].as_i64().unwrap_or(1), again.unwrap_or(0))
    });
    Ok(Reply::json(200, given.clone()))
}

/// Failures are told for each recipient inside a 200.
fn remind(world: &mut World, row: usize, call: &Call<'_>) -> Result<Reply, Reply> {
    let contract = &mut world.pandadoc.book.contracts[row];
    if contract.stage != Stage::Open {
        return Err(conflict(contract, "The document is not sent"));
    }
    let mut result = Vec::new();
    for given in call.body["reminders"].as_array().into_iter().flatten() {
        let id = text(given, "recipient_id");
        let Some(party) = contract.parties.iter_mut().find(|party| party.id == id) else {
            let email = json!({"status": "error", "sent_at": null, "detail": REMIND_WHOM});
            result.push(json!({"recipient_id": id, "email": email}));
            continue;
        };
        let refused = match party.turn {
            _ if party.copy => Some("Can't send reminder to CC recipient"),
            Turn::Signed => Some("Can't send reminder to the Recipient who completed their part"),
            Turn::Waiting => Some(REMIND_ORDER),
            _ if party.reminded_at.is_some_and(|at| call.now - at < DAY) => Some(REMIND_DAY),
            _ => None,
        };
        if refused.is_none() {
            party.reminded_at = Some(call.now);
            contract.reminded += 1;
        }
        let status = if refused.is_some() { "error" } else { "sent" };
        let sent_at = maybe_stamp(Some(call.now).filter(|_| refused.is_none()));
        result.push(
            json!({"recipient_id": id, "email": {"status": status, "sent_at": sent_at, "detail": refused}}),
        );
    }
    Ok(Reply::json(200, json!({"result": result})))
}

fn paged<T>(call: &Call<'_>, all: impl Iterator<Item = T>) -> Vec<T> {
    let count = call.asked.number("count").unwrap_or(50).clamp(1, 100);
    let page = call.asked.number("page").unwrap_or(1).max(1);
    all.skip((page - 1) * count).take(count).collect()
}

fn number(contract: &Contract) -> &'static str {
    match show::status(contract) {
        "document.draft" => "0",
        "document.sent" => "1",
        "document.completed" => "2",
        "document.uploaded" => "3",
        "document.error" => "4",
        "document.viewed" => "5",
        "document.waiting_approval" => "6",
        "document.approved" => "7",
        "document.paid" => "10",
        "document.voided" => "11",
        _ => "12",
    }
}

fn list(world: &World, call: &Call<'_>) -> Reply {
    let asked = call.asked;
    let own = |contract: &Contract| {
        asked.query.iter().all(|(name, value)| match name.strip_prefix("metadata_") {
            Some(key) => contract.own.get(key).is_some_and(|own| own.as_str() == Some(value)),
            None => true,
        })
    };
    let found = world.pandadoc.book.contracts.iter().rev().filter(|it| {
        it.stage != Stage::Deleted
            && it.test == call.sandbox
            && own(it)
            && asked.query("status").is_none_or(|status| number(it) == status)
            && asked.query("status__ne").is_none_or(|status| number(it) != status)
            && asked.query("q").is_none_or(|text| it.title.contains(text))
            && asked.query("id").is_none_or(|id| it.id == id)
    });
    let results: Vec<Value> = paged(call, found)
        .into_iter()
        .map(|it| {
            let mut shown = show::brief(it);
            shown.as_object_mut().map(|map| map.remove("uuid"));
            shown
        })
        .collect();
    Reply::json(200, json!({"results": results}))
}

fn templates(world: &World, call: &Call<'_>) -> Reply {
    let wanted = call.asked.query("q").unwrap_or_default().to_lowercase();
    let found = world.pandadoc.book.templates.iter().filter(|it| it.name.to_lowercase().contains(&wanted));
    let results: Vec<Value> = paged(call, found).into_iter().map(show::template).collect();
    Reply::json(200, json!({"results": results}))
}
