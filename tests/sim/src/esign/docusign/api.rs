//! The REST API: who may call, how often, and what each operation does.

use serde_json::{Map, Value, json};

use super::super::Provider;
use super::super::life::{DAY, HOUR, Happened, MINUTE, SECOND, Stage, Turn};
use super::super::pdf::{pdf, zip};
use super::super::spec::Miss;
use super::super::wire::{Asked, Reply, is_email, text};
use super::super::world::{Judged, World};
use super::{create, maybe_stamp, oauth, refuse, show, stamp, tell};
use crate::clock::from_iso;

/// At most one read of an envelope in this time.
const POLLING_MS: i64 = 15 * MINUTE;
const HOURLY: usize = 3_000;
/// The burst of the demo environment.
const BURST: usize = 200;

/// Answers a call to OAuth or to the REST API.
pub(in super::super) fn answer(world: &mut World, base: &str, asked: &Asked, now: i64) -> Reply {
    if asked.path.starts_with("/oauth/") {
        return oauth::answer(world, base, asked, now);
    }
    let trace = super::super::ids::guid("docusign trace", world.next());
    let (reply, meters) = enter(world, base, asked, now);
    let mut reply = reply.header("X-DocuSign-TraceToken", trace);
    if let Some((hour, burst)) = meters {
        reply = reply
            .header("X-RateLimit-Limit", hour.limit)
            .header("X-RateLimit-Remaining", hour.remaining)
            .header("X-RateLimit-Reset", hour.reset_at / 1_000)
            .header("X-BurstLimit-Limit", burst.limit)
            .header("X-BurstLimit-Remaining", burst.remaining);
    }
    reply
}

type Meters = Option<(super::super::world::Meter, super::super::world::Meter)>;

fn enter(world: &mut World, base: &str, asked: &Asked, now: i64) -> (Reply, Meters) {
    if asked.authorization("bearer").is_none() {
        return (
            refuse(401, "USER_AUTHENTICATION_FAILED", "One or both of Username and Password are invalid."),
            None,
        );
    }
    if !oauth::admitted(world, asked, now) {
        return (
            refuse(
                401,
                "AUTHORIZATION_INVALID_TOKEN",
                "The access token provided is expired, revoked or malformed.",
            ),
            None,
        );
    }
    let hour = world.spend("docusign hour", HOURLY, HOUR, now);
    let burst = world.spend("docusign burst", BURST, 30 * SECOND, now);
    let status = if world.switches.limits_answer_400 { 400 } else { 429 };
    let spent =
        [(hour, "HOURLY_APIINVOCATION_LIMIT_EXCEEDED"), (burst, "BURST_APIINVOCATION_LIMIT_EXCEEDED")];
    let reply = match spent.into_iter().find(|(meter, _)| meter.spent) {
        Some((_, code)) => refuse(status, code, "The limit of calls is exceeded."),
        None => judged(world, base, asked, now),
    };
    (reply, Some((hour, burst)))
}

fn judged(world: &mut World, base: &str, asked: &Asked, now: i64) -> Reply {
    let body = if asked.body.is_empty() {
        None
    } else if let Ok(value) = serde_json::from_slice::<Value>(&asked.body) {
        Some(value)
    } else {
        Some(Value::Null)
    };
    match world.judge(Provider::Docusign, asked, body.as_ref(), None) {
        Judged::Unknown(Miss::Path) => refuse(404, "RESOURCE_NOT_FOUND", "There is no such resource."),
        Judged::Unknown(Miss::Method) => refuse(405, "HTTP_METHOD_NOT_ALLOWED", "Not this method."),
        Judged::Faulty(faults) => {
            let of_body = faults.iter().all(|fault| asked.query(&fault.at).is_none());
            let code = if of_body { "INVALID_REQUEST_BODY" } else { "INVALID_REQUEST_PARAMETER" };
            let said: Vec<String> =
                faults.iter().map(|fault| format!("{} {}", fault.at, fault.message)).collect();
            refuse(400, code, &format!("The request is missing or improperly formatted. {}", said.join("; ")))
        }
        Judged::Fine(operation, path) => {
            if path[0] != world.docusign.id {
                let code = "USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT";
                return refuse(401, code, "The specified User is not a member of the specified Account.");
            }
            let body = body.unwrap_or(Value::Null);
            let call = Call { base, asked, body: &body, now };
            operate(world, &operation.id, &path[1..], &call).unwrap_or_else(|refused| refused)
        }
    }
}

struct Call<'a> {
    base: &'a str,
    asked: &'a Asked,
    body: &'a Value,
    now: i64,
}

fn operate(world: &mut World, operation: &str, path: &[String], call: &Call<'_>) -> Result<Reply, Reply> {
    match operation {
        "Envelopes_PostEnvelopes" => return create::create(world, call.body, call.now),
        "Envelopes_GetEnvelopes" | "Envelopes_PutStatus" => return list(world, call),
        "Templates_GetTemplates" => return Ok(templates(world, call)),
        "Templates_GetTemplate" | "Recipients_GetTemplateRecipients" => {
            let row = world.docusign.book.template(&path[0]);
            let row = row
                .ok_or_else(|| refuse(404, "TEMPLATE_ID_INVALID", "The template ID specified is invalid."))?;
            let template = &world.docusign.book.templates[row];
            return Ok(Reply::json(
                200,
                if operation == "Templates_GetTemplate" {
                    show::template(template, true)
                } else {
                    show::template_recipients(template)
                },
            ));
        }
        name if name.starts_with("Connect") => return connect(world, name, path, call),
        _ => {}
    }
    let Some(row) = world.docusign.book.contract(&path[0]) else {
        let status = if world.switches.missing_answers_400 { 400 } else { 404 };
        let code = "ENVELOPE_DOES_NOT_EXIST";
        return Err(refuse(status, code, "The envelope specified does not exist."));
    };
    of_envelope(world, operation, row, path, call)
}

fn of_envelope(
    world: &mut World,
    operation: &str,
    row: usize,
    path: &[String],
    call: &Call<'_>,
) -> Result<Reply, Reply> {
    let asked = call.asked;
    let contract = &world.docusign.book.contracts[row];
    Ok(match operation {
        "Envelopes_GetEnvelope" => {
            poll(world, row, call.now)?;
            let include: Vec<&str> = asked.query("include").unwrap_or_default().split(',').collect();
            Reply::json(200, show::envelope(world, &world.docusign.book.contracts[row], &include))
        }
        "Envelopes_PutEnvelope" => return change(world, row, call),
        "Recipients_GetRecipients" => {
            poll(world, row, call.now)?;
            Reply::json(200, show::recipients(&world.docusign.book.contracts[row]))
        }
        "Recipients_PutRecipients" => return correct(world, row, call),
        "Documents_GetDocuments" => Reply::json(200, show::documents(contract)),
        "Documents_GetDocument" => return document(world, row, &path[1], asked),
        "Notification_GetEnvelopesEnvelopeIdNotification" => Reply::json(200, show::notification(contract)),
        "Notification_PutEnvelopesEnvelopeIdNotification" => return renotify(world, row, call),
        "CustomFields_GetCustomFields" => Reply::json(200, show::custom_fields(contract)),
        "CustomFields_PutCustomFields" | "CustomFields_PostCustomFields" => {
            let contract = &mut world.docusign.book.contracts[row];
            for field in call.body["textCustomFields"].as_array().into_iter().flatten() {
                contract.own.insert(text(field, "name").to_owned(), field["value"].clone());
            }
            let status = if operation == "CustomFields_PostCustomFields" { 201 } else { 200 };
            Reply::json(status, show::custom_fields(contract))
        }
        "AuditEvents_GetAuditEvents" => {
            let field = |name: &str, value: Value| json!({"name": name, "value": value});
            let events: Vec<Value> = contract
                .signers()
                .filter(|(_, party)| party.signed_at.is_some())
                .map(|(_, party)| {
                    let at = maybe_stamp(party.signed_at);
                    let who = json!(party.name);
                    json!({"eventFields": [field("Action", json!("Signed")), field("UserName", who), field("logTime", at)]})
                })
                .collect();
            Reply::json(200, json!({"auditEvents": events}))
        }
        "Views_PostEnvelopeRecipientView" => {
            let email = text(call.body, "email");
            let known = contract.signers().find(|(_, party)| party.email == email);
            let (_, party) = known.ok_or_else(|| {
                refuse(
                    400,
                    "UNKNOWN_ENVELOPE_RECIPIENT",
                    "The recipient you have identified is not a valid recipient.",
                )
            })?;
            let url = format!("{}/signing/{}/{}", call.base, contract.id, party.guid);
            Reply::json(201, json!({"url": url}))
        }
        "Views_PostEnvelopeSenderView" => {
            Reply::json(201, json!({"url": format!("{}/prepare/{}", call.base, contract.id)}))
        }
        other => {
            world.flaws.push(format!("Docusign: {other} is not modelled"));
            return Err(refuse(400, "INVALID_REQUEST_PARAMETER", "not modelled by this stand-in"));
        }
    })
}

/// Notes a read, and refuses a second one that comes too soon where a test wants that.
fn poll(world: &mut World, row: usize, now: i64) -> Result<(), Reply> {
    let contract = &mut world.docusign.book.contracts[row];
    let too_soon = contract.last_read.is_some_and(|last| now - last < POLLING_MS);
    if too_soon {
        world.flaws.push(format!("Docusign: envelope {} was read twice within 15 minutes", contract.id));
        if world.switches.refuse_polling {
            let status = if world.switches.limits_answer_400 { 400 } else { 429 };
            let code = "Hourly_Envelope_Polling_Limit_Exceeded";
            return Err(refuse(status, code, "The envelope was read too often."));
        }
    }
    contract.last_read = Some(now);
    Ok(())
}

fn change(world: &mut World, row: usize, call: &Call<'_>) -> Result<Reply, Reply> {
    let contract = &mut world.docusign.book.contracts[row];
    let id = contract.id.clone();
    match (text(call.body, "status"), contract.stage) {
        ("voided", Stage::Open) => {
            let reason = text(call.body, "voidedReason");
            if reason.trim().is_empty() || reason.chars().count() > 200 {
                return Err(refuse(
                    400,
                    "INVALID_REQUEST_PARAMETER",
                    "A reason of at most 200 characters is required.",
                ));
            }
            contract.end(Stage::Voided, Some(reason), call.now);
            world.tell(Provider::Docusign, row, &[Happened::Voided], call.now);
        }
        ("voided", _) => {
            return Err(refuse(
                400,
                "ENVELOPE_CANNOT_VOID_INVALID_STATE",
                "Only envelopes in the 'Sent' or 'Delivered' states may be voided.",
            ));
        }
        ("sent", Stage::Draft) => {
            let bad = contract.signers().any(|(_, party)| !is_email(&party.email));
            if bad || contract.signers().next().is_none() || contract.files.is_empty() {
                return Err(refuse(400, "ENVELOPE_IS_INCOMPLETE", "The Envelope is not Complete."));
            }
            create::go(world, row, call.now);
        }
        ("", stage) => {
            if call.asked.query("resend_envelope") == Some("true") && stage == Stage::Open {
                resend(world, row, call.now);
            }
        }
        _ => return Err(refuse(400, "ENVELOPE_INVALID_STATUS", "The envelope status is invalid for this.")),
    }
    Ok(Reply::json(200, json!({"envelopeId": id})))
}

fn resend(world: &mut World, row: usize, now: i64) {
    let contract = &mut world.docusign.book.contracts[row];
    let mut again = Vec::new();
    for (number, party) in contract.parties.iter_mut().enumerate() {
        if !party.copy && matches!(party.turn, Turn::Sent | Turn::Viewed | Turn::Bounced) {
            party.reminded_at = Some(now);
            again.push(number);
        }
    }
    contract.reminded += again.len();
    for party in again {
        tell::tell_one(world, row, "recipient-resent", Some(party), now);
    }
    tell::tell_one(world, row, "envelope-resent", None, now);
}

fn correct(world: &mut World, row: usize, call: &Call<'_>) -> Result<Reply, Reply> {
    let contract = &mut world.docusign.book.contracts[row];
    if !matches!(contract.stage, Stage::Open | Stage::Draft) {
        return Err(refuse(400, "ENVELOPE_INVALID_STATUS", "The envelope status is invalid for this."));
    }
    let mut results = Vec::new();
    for given in call.body["signers"].as_array().into_iter().flatten() {
        let id = text(given, "recipientId");
        let party = contract.parties.iter_mut().find(|party| party.id == id && party.turn != Turn::Signed);
        let error = match party {
            Some(party) => {
                if let Some(email) = given["email"].as_str() {
                    party.email = email.to_owned();
                    if party.turn == Turn::Bounced {
                        party.turn = Turn::Sent;
                    }
                }
                if let Some(name) = given["name"].as_str() {
                    party.name = name.to_owned();
                }
                json!({"errorCode": "SUCCESS", "message": ""})
            }
            None => {
                json!({"errorCode": "RECIPIENT_UPDATE_FAILED", "message": "The recipient cannot be changed."})
            }
        };
        results.push(json!({"recipientId": id, "errorDetails": error}));
    }
    Ok(Reply::json(200, json!({"recipientUpdateResults": results})))
}

fn renotify(world: &mut World, row: usize, call: &Call<'_>) -> Result<Reply, Reply> {
    let book = &mut world.docusign.book;
    let contract = &mut book.contracts[row];
    if !matches!(contract.stage, Stage::Open | Stage::Draft) {
        return Err(refuse(400, "ENVELOPE_INVALID_STATUS", "The envelope status is invalid for this."));
    }
    create::notification(contract, call.body)?;
    if let Some(sent) = contract.sent_at {
        contract.expires_at = contract.expire_days.map(|days| sent + days * DAY);
        book.plan_life(row, call.now);
    }
    Ok(Reply::json(200, show::notification(&book.contracts[row])))
}

fn document(world: &World, row: usize, id: &str, asked: &Asked) -> Result<Reply, Reply> {
    let contract = &world.docusign.book.contracts[row];
    let heading =
        if contract.stage == Stage::Completed { "Signed with the DocuSign stand-in" } else { "In process" };
    let certificate = || pdf(&["Certificate of completion".to_owned(), contract.id.clone()]);
    let named = |name: &str| format!("file; filename=\"{name}\"; documentid=\"{id}\"");
    let reply = match id {
        "combined" => {
            let mut bytes = contract.sealed(heading);
            if asked.query("certificate") != Some("false") {
                bytes.extend(b"% with certificate of completion\n");
            }
            Reply::file("application/pdf", bytes).header("content-disposition", named("combined.pdf"))
        }
        "archive" => {
            let files = vec![
                ("agreement.pdf".to_owned(), contract.sealed(heading)),
                ("Summary.pdf".to_owned(), certificate()),
            ];
            Reply::file("application/zip", zip(&files)).header("content-disposition", named("archive.zip"))
        }
        "certificate" => {
            Reply::file("application/pdf", certificate()).header("content-disposition", named("Summary.pdf"))
        }
        _ => {
            let file = contract.files.iter().find(|file| file.id == id);
            let file =
                file.ok_or_else(|| refuse(404, "DOCUMENT_DOES_NOT_EXIST", "The document does not exist."))?;
            Reply::file("application/pdf", contract.sealed(heading))
                .header("content-disposition", named(&file.name))
        }
    };
    Ok(reply)
}

/// Many envelopes: by ids, by our own ids, or by time of change.
fn list(world: &World, call: &Call<'_>) -> Result<Reply, Reply> {
    let asked = call.asked;
    let all = &world.docusign.book.contracts;
    let listed = |text: Option<&str>| text.map(|text| text.split(',').map(str::to_owned).collect::<Vec<_>>());
    if let Some(wanted) = listed(asked.query("transaction_ids")) {
        // Remembered for seven days.
        let young = all.iter().filter(|it| call.now - it.created_at <= 7 * DAY);
        let found: Vec<Value> = young
            .filter(|it| it.transaction.as_ref().is_some_and(|id| wanted.contains(id)))
            .map(|it| json!({"transactionId": it.transaction, "envelopeId": it.id, "status": show::status(it)}))
            .collect();
        return Ok(Reply::json(200, json!({"envelopeTransactionStatuses": found})));
    }
    let mut ids = listed(asked.query("envelope_ids").filter(|ids| *ids != "request_body"));
    if let Some(given) = call.body["envelopeIds"].as_array() {
        ids = Some(given.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    }
    let from =
        asked.query("from_date").and_then(|text| from_iso(text).or_else(|| from_iso(&format!("{text}Z"))));
    if ids.is_none() && from.is_none() {
        return Err(refuse(
            400,
            "INVALID_REQUEST_PARAMETER",
            "from_date is required, or envelope_ids or transaction_ids.",
        ));
    }
    let to = asked.query("to_date").and_then(from_iso);
    let statuses = listed(asked.query("status").filter(|status| *status != "any"));
    let field = asked.query("custom_field").and_then(|text| text.split_once('='));
    let found: Vec<_> = all
        .iter()
        .filter(|it| ids.as_ref().is_none_or(|ids| ids.contains(&it.id)))
        .filter(|it| from.is_none_or(|from| it.changed_at >= from) && to.is_none_or(|to| it.changed_at <= to))
        .filter(|it| statuses.as_ref().is_none_or(|all| all.iter().any(|word| word == show::status(it))))
        .filter(|it| field.is_none_or(|(name, value)| it.own.get(name).is_some_and(|own| own == value)))
        .collect();
    let include: Vec<&str> = asked.query("include").unwrap_or_default().split(',').collect();
    let shown: Vec<Value> = found.iter().map(|it| show::envelope(world, it, &include)).collect();
    Ok(Reply::json(200, page("envelopes", shown, asked, 1_000)))
}

fn page(name: &str, all: Vec<Value>, asked: &Asked, most: usize) -> Value {
    let total = all.len();
    let start = asked.number("start_position").unwrap_or(0);
    let count = asked.number("count").unwrap_or(most).min(most);
    let shown: Vec<Value> = all.into_iter().skip(start).take(count).collect();
    let end = start + shown.len();
    let mut page = Map::new();
    page.insert("resultSetSize".into(), json!(shown.len().to_string()));
    page.insert("totalSetSize".into(), json!(total.to_string()));
    page.insert("startPosition".into(), json!(start.to_string()));
    page.insert("endPosition".into(), json!(end.saturating_sub(1).to_string()));
    if end < total {
        let path = asked.path.split_once("/accounts/").and_then(|(_, rest)| rest.split_once('/'));
        let path = path.map_or("", |(_, rest)| rest);
        page.insert("nextUri".into(), json!(format!("/{path}?start_position={end}&count={count}")));
    }
    page.insert(name.to_owned(), json!(shown));
    Value::Object(page)
}

fn templates(world: &World, call: &Call<'_>) -> Reply {
    let wanted = call.asked.query("search_text").map(str::to_lowercase);
    let all = world.docusign.book.templates.iter();
    let mut found: Vec<_> =
        all.filter(|it| wanted.as_ref().is_none_or(|text| it.name.to_lowercase().contains(text))).collect();
    if call.asked.query("order_by") == Some("name") {
        found.sort_by(|a, b| a.name.cmp(&b.name));
    }
    let full = call.asked.query("include").is_some_and(|it| it.split(',').any(|it| it == "recipients"));
    let shown = found.into_iter().map(|it| show::template(it, full)).collect();
    Reply::json(200, page("envelopeTemplates", shown, call.asked, 2_000))
}

/// Account-wide receivers, and what became of messages.
fn connect(world: &mut World, operation: &str, path: &[String], call: &Call<'_>) -> Result<Reply, Reply> {
    let missing = || refuse(404, "CONNECT_CONFIGURATION_DOES_NOT_EXIST", "There is no such configuration.");
    let body = |message: &str| refuse(400, "INVALID_REQUEST_BODY", message);
    let of_account = |world: &World| -> Vec<Value> {
        let hooks =
            world.post.hooks.iter().filter(|hook| hook.provider == Provider::Docusign && !hook.deleted);
        hooks.filter(|hook| !hook.id.starts_with("envelope ")).map(|hook| hook.shown.clone()).collect()
    };
    Ok(match operation {
        "Connect_PostConnectConfiguration" => {
            let row = tell::hook(world, call.body, false).map_err(body)?;
            Reply::json(201, world.post.hooks[row].shown.clone())
        }
        "Connect_PutConnectConfiguration" => {
            let id = text(call.body, "connectId");
            let old = world.post.hook_by_id(Provider::Docusign, id).ok_or_else(missing)?;
            let new = tell::hook(world, call.body, false).map_err(body)?;
            let mut hook = world.post.hooks.remove(new);
            hook.id = id.to_owned();
            hook.shown["connectId"] = json!(id);
            let shown = hook.shown.clone();
            world.post.hooks[old] = hook;
            Reply::json(200, shown)
        }
        "Connect_GetConnectConfigs" => {
            let all = of_account(world);
            Reply::json(200, json!({"configurations": all, "totalRecords": all.len().to_string()}))
        }
        "Connect_GetConnectConfig" => {
            let row = world.post.hook_by_id(Provider::Docusign, &path[0]).ok_or_else(missing)?;
            Reply::json(200, json!({"configurations": [world.post.hooks[row].shown], "totalRecords": "1"}))
        }
        "Connect_DeleteConnectConfig" => {
            let row = world.post.hook_by_id(Provider::Docusign, &path[0]).ok_or_else(missing)?;
            world.post.hooks[row].deleted = true;
            world.post.pending.retain(|message| message.hook != row);
            Reply::empty(200)
        }
        "ConnectFailures_GetConnectLogs" | "ConnectLog_GetConnectLogs" => {
            let failed = operation == "ConnectFailures_GetConnectLogs";
            let ours = world.post.attempts.iter().filter(|it| it.message.provider == Provider::Docusign);
            let rows: Vec<Value> = ours
                .filter(|it| !failed || !(200..300).contains(&it.status))
                .map(|it| {
                    let id = format!("{}-{}", it.message.number, it.message.failed);
                    json!({"envelopeId": it.message.contract, "failureId": id, "lastTry": stamp(it.sent_at),
                           "retryCount": it.message.failed.to_string(), "error": format!("HTTP {}", it.status),
                           "status": if (200..300).contains(&it.status) { "successful" } else { "failed" }})
                })
                .collect();
            let name = if failed { "failures" } else { "logs" };
            Reply::json(200, json!({"totalRecords": rows.len().to_string(), name: rows}))
        }
        _ => {
            let mut wanted: Vec<&str> =
                call.body["envelopeIds"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            wanted.extend(path.first().map(String::as_str));
            Reply::json(200, json!({"retryQueue": retry(world, &wanted, call.now)}))
        }
    })
}

/// Puts given-up and waiting messages of these envelopes on their way at once.
fn retry(world: &mut World, wanted: &[&str], now: i64) -> Vec<Value> {
    let ours = |message: &super::super::hooks::Message| {
        message.provider == Provider::Docusign && wanted.contains(&message.contract.as_str())
    };
    for message in world.post.pending.iter_mut().filter(|message| ours(message)) {
        message.due = now;
    }
    let mut back: Vec<_> = world.post.failures.extract_if(.., |message| ours(message)).collect();
    for message in &mut back {
        message.due = now;
    }
    world.post.pending.extend(back);
    wanted.iter().map(|id| json!({"envelopeId": id, "status": "queued", "statusMessage": ""})).collect()
}
