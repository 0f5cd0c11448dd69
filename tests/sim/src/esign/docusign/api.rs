//! The REST API: who may call, how often, and what each operation does.

use serde_json::{Value, json};

use super::super::Provider;
use super::super::life::{DAY, HOUR, Happened, MINUTE, SECOND, Stage, Turn};
use super::super::pdf::{pdf, zip};
use super::super::spec::Miss;
use super::super::wire::{Asked, Reply, is_email, text};
use super::super::world::{Judged, World};
use super::{connect, create, lists, maybe_stamp, oauth, refuse, show, tell};

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

pub(super) struct Call<'a> {
    pub(super) base: &'a str,
    pub(super) asked: &'a Asked,
    pub(super) body: &'a Value,
    pub(super) now: i64,
}

fn operate(world: &mut World, operation: &str, path: &[String], call: &Call<'_>) -> Result<Reply, Reply> {
    match operation {
        "Envelopes_PostEnvelopes" => return create::create(world, call.body, call.now),
        "Envelopes_GetEnvelopes" | "Envelopes_PutStatus" => return lists::list(world, call),
        "Templates_GetTemplates" => return Ok(lists::templates(world, call)),
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
        name if name.starts_with("Connect") => return connect::connect(world, name, path, call),
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
