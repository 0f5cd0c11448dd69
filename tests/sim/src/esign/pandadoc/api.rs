//! The public API: who may call, how often, and what each operation does.

use serde_json::{Value, json};

use super::super::life::{Contract, MINUTE, Stage, Turn};
use super::super::spec::Miss;
use super::super::wire::{Asked, Reply, text};
use super::super::world::{Judged, World};
use super::super::{Provider, ids};
use super::show::{self, stamp};
use super::{create, hooks_api, lists, moves, refuse, tell};

const SANDBOX_LIMIT: usize = 10;

const UPLOADED: &str = "Warning - Document status document.uploaded doesn’t mean that the document already exists - \
                        processing happens asynchronously.";

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

pub(super) struct Call<'a> {
    pub(super) base: &'a str,
    pub(super) asked: &'a Asked,
    pub(super) body: &'a Value,
    pub(super) sandbox: bool,
    pub(super) now: i64,
}

fn missing() -> Reply {
    refuse(404, "request_error", "Not found")
}

/// The answer of everything that does not fit the state.
pub(super) fn conflict(contract: &Contract, message: &str) -> Reply {
    Reply::json(409, json!({"id": contract.id, "status": show::status(contract), "info_message": message}))
}

fn operate(world: &mut World, operation: &str, path: &[String], call: &Call<'_>) -> Result<Reply, Reply> {
    Ok(match operation {
        "createDocument" => return create_document(world, call),
        "listDocuments" => lists::list(world, call),
        "listTemplates" => lists::templates(world, call),
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
        "updateDocument" => return moves::update(world, row, call),
        "sendDocument" => return moves::send(world, row, call),
        "changeDocumentStatus" => return moves::change_status(world, row, call),
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
        "downloadDocument" | "downloadProtectedDocument" => {
            return moves::download(world, operation, row, call);
        }
        "getDocumentAutoReminderSettings" => Reply::json(200, contract.extra["auto_reminders"].clone()),
        "updateDocumentAutoReminderSettings" => return moves::auto_reminders(world, row, call),
        "statusDocumentAutoReminder" => {
            let status = |at: Option<i64>| if at.is_some() { "sent" } else { "scheduled" };
            let all = contract.signers();
            let all: Vec<Value> =
                all.map(|(_, it)| json!({"recipient_id": it.id, "status": status(it.reminded_at)})).collect();
            Reply::json(200, json!({"reminders": all}))
        }
        "createManualReminder" => return moves::remind(world, row, call),
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
