//! `POST /public/v1/documents`, from a template, from a link or from bytes.

use serde_json::{Value, json};

use super::super::book::Effect;
use super::super::ids;
use super::super::life::{Contract, File, Party, Stage};
use super::super::pdf::pdf;
use super::super::wire::{Asked, Reply, is_email, text};
use super::super::world::World;
use super::{refuse, show};

/// More bytes are no PDF for an upload.
const LARGEST_FILE: usize = 50 * 1024 * 1024;
/// More bytes are no JSON body.
const LARGEST_JSON: usize = 2 * 1024 * 1024;
const PROCESSING: &str =
    "You need to poll the Document Status method until the status will be changed to document.draft";

fn invalid(field: &str, message: &str) -> Reply {
    refuse(400, "validation_error", json!({field: [message]}))
}

/// Creates; the document becomes a draft after a while.
pub(super) fn create(
    world: &mut World,
    base: &str,
    asked: &Asked,
    given: &Value,
    sandbox: bool,
    now: i64,
) -> Result<Reply, Reply> {
    let upload = asked.content_type == "multipart/form-data";
    if !upload && asked.body.len() > LARGEST_JSON {
        return Err(refuse(413, "request_error", "The body is too large."));
    }
    let id = ids::short("document", world.next());
    let mut contract = Contract::new(id.clone(), text(given, "name"), now);
    contract.stage = Stage::Preparing;
    contract.test = sandbox;
    contract.extra = json!({"tokens": given["tokens"], "fields": given["fields"], "tags": given["tags"],
                            "settings": {"language": "en-US", "qualified_electronic_signature": false,
                                         "expires_in": 60, "suggest_edits": false},
                            "auto_reminders": {"enabled": false}});
    contract.expire_days = Some(60);
    if let Some(uuid) = given["template_uuid"].as_str() {
        let row = world
            .pandadoc
            .book
            .template(uuid)
            .ok_or_else(|| invalid("template_uuid", "Template not found."))?;
        let template = &world.pandadoc.book.templates[row];
        contract.template = Some(row);
        if contract.title.is_empty() {
            template.name.clone_into(&mut contract.title);
        }
        for (name, _) in given["fields"].as_object().into_iter().flatten() {
            if !template.fields.contains(name) {
                return Err(invalid("fields", &format!("There is no field {name} in the template.")));
            }
        }
        let bytes = pdf(std::slice::from_ref(&template.name));
        contract.files.push(File { id: "0".to_owned(), name: format!("{}.pdf", template.name), bytes });
    } else if upload {
        let part = asked.parts.iter().find(|part| part.field == "file");
        let part = part.ok_or_else(|| invalid("file", "This field is required."))?;
        if part.bytes.len() > LARGEST_FILE {
            return Err(refuse(413, "request_error", "The file is larger than 50 MB."));
        }
        if !part.bytes.starts_with(b"%PDF") {
            return Err(invalid("file", "The file is not a PDF."));
        }
        contract.files.push(File { id: "0".to_owned(), name: part.name.clone(), bytes: part.bytes.to_vec() });
    } else {
        let url = text(given, "url");
        if !url.starts_with("https://") && !url.starts_with("http://127.0.0.1") {
            return Err(invalid("url", "The URL must begin with https."));
        }
        contract.files.push(File {
            id: "0".to_owned(),
            name: "document.pdf".to_owned(),
            bytes: url.as_bytes().to_vec(),
        });
    }
    recipients(world, &mut contract, given)?;
    if sandbox {
        own_domain(world, &contract)?;
        contract.title = format!("[DEV] {}", contract.title);
    }
    contract.subject.clone_from(&contract.title);
    contract.own = given["metadata"].as_object().cloned().unwrap_or_default();
    let mut shown = show::brief(&contract);
    shown["version"] = Value::Null;
    shown["info_message"] = json!(PROCESSING);
    shown["links"] =
        json!([{"rel": "status", "href": format!("{base}/public/v1/documents/{id}"), "type": "GET"}]);
    let book = &mut world.pandadoc.book;
    book.contracts.push(contract);
    let effect = if world.switches.draft_fails { Effect::Fail } else { Effect::Ready };
    book.plan(now + world.switches.draft_ms, book.contracts.len() - 1, effect);
    Ok(Reply::json(201, shown))
}

/// Everybody of a sandbox document belongs to the sender.
pub(super) fn own_domain(world: &World, contract: &Contract) -> Result<(), Reply> {
    let domain = |email: &str| email.split_once('@').map(|(_, domain)| domain.to_lowercase());
    let own = domain(&world.pandadoc.email);
    if contract.parties.iter().all(|party| domain(&party.email) == own) {
        return Ok(());
    }
    let mut reply = refuse(403, "permissions_error", "You do not have permission to perform this action.");
    if let Some(body) = &mut reply.json {
        body["info_message"] = json!("You are not allowed to send documents outside of your organization");
    }
    Err(reply)
}

fn recipients(world: &World, contract: &mut Contract, given: &Value) -> Result<(), Reply> {
    let template = contract.template.map(|row| &world.pandadoc.book.templates[row]);
    let all: Vec<&Value> = given["recipients"].as_array().into_iter().flatten().collect();
    let mut ordered = false;
    for (number, given) in all.iter().enumerate() {
        let email = text(given, "email");
        if !is_email(email) {
            return Err(invalid("recipients", "Enter a valid email address."));
        }
        let name = format!("{} {}", text(given, "first_name"), text(given, "last_name"));
        let mut party = Party::new(ids::short(&contract.id, number), name.trim(), email);
        party.guid = ids::short("contact", number);
        party.role = given["role"].as_str().filter(|role| !role.is_empty()).map(str::to_owned);
        party.copy = party.role.is_none();
        if let Some(order) = given["signing_order"].as_i64() {
            ordered = true;
            party.order = order;
        }
        if party.order < 1 {
            return Err(invalid("recipients", "signing_order must be greater than 0."));
        }
        let role = party.role.as_ref();
        if let (Some(role), Some(template)) = (role, template)
            && !template.roles.iter().any(|known| known.name == *role)
        {
            return Err(invalid("recipients", &format!("There is no role {role} in the template.")));
        }
        let twin = |other: &Party| {
            other.email.eq_ignore_ascii_case(email) || (role.is_some() && other.role.as_ref() == role)
        };
        if contract.parties.iter().any(twin) {
            return Err(invalid("recipients", "Recipients must be unique, and so must their roles."));
        }
        contract.parties.push(party);
    }
    if let Some(template) = template {
        for role in &template.roles {
            let there =
                contract.parties.iter().any(|party| party.role.as_deref() == Some(role.name.as_str()));
            if !there {
                return Err(invalid("recipients", &format!("The role {} needs a recipient.", role.name)));
            }
        }
    }
    if ordered && contract.signers().any(|(row, _)| !all[row]["signing_order"].is_i64()) {
        return Err(invalid("recipients", "Either every signer has a signing_order or none."));
    }
    contract.extra["ordered"] = json!(ordered);
    Ok(())
}
