//! The routes for programs: flat JSON in and out, with the workspace's token.

use serde_json::{Map, Value, json};
use shared::domain::caller::Caller;
use shared::domain::contract::Source;
use shared::domain::id::ContractId;
use shared::lambda::{Reply, Request};
use shared::usecase::contracts::cancel::cancel_contract;
use shared::usecase::contracts::document::{keep, signed_document, uploaded};
use shared::usecase::contracts::find::find;
use shared::usecase::contracts::send::send_contract;
use shared::{App, Error, Result};

use crate::flat::flat;
use crate::wire::{Document, Fields, Order};

/// Largest body of a request for a contract: a file of 4 MB as base64, and what belongs to it. Lambda itself takes
/// events of 6 MB.
const LARGEST: usize = 6 * 1024 * 1024;
/// Largest body of the other routes.
const LARGEST_WORD: usize = 16 * 1024;

/// What these routes take and answer, for programs.
const DESCRIPTION: &str = include_str!("openapi.json");

/// Answers a request.
pub async fn handle(app: &'static App, request: Request) -> Result<Reply> {
    let path = request.path().trim_end_matches('/').to_owned();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match (request.method(), parts.as_slice()) {
        ("GET", ["contracts", "openapi.json"]) => Ok(Reply::text(200, "application/json", DESCRIPTION)),
        ("POST", ["contracts"]) => send(app, &request).await,
        ("GET", ["contracts", id]) => status(app, &request, id).await,
        ("GET", ["contracts", id, "document"]) => document(app, &request, id).await,
        ("POST", ["contracts", id, "cancel"]) => cancel(app, &request, id).await,
        _ => Err(Error::not_found()),
    }
}

async fn send(app: &App, request: &Request) -> Result<Reply> {
    let caller = request.caller(app).await?;
    let body: Map<String, Value> = request.json(LARGEST)?;
    let (order, document) = Order::read(Fields::new(body), request.header("idempotency-key"))?;
    let source = source(app, &caller, document).await?;
    let key = order.key.clone();
    let asked = order.into_request(source);
    let contract = Box::pin(send_contract(app, &caller, asked, key.as_deref())).await?;
    let told = flat(&contract, &at(app, &contract.id));
    Reply::json(202, &told)?.header("location", &format!("/contracts/{}", contract.id))
}

async fn source(app: &App, caller: &Caller, document: Document) -> Result<Source> {
    Ok(match document {
        Document::Template(template) => Source::Template { template },
        Document::Uploaded { name, bytes, sha256 } => Source::File(uploaded(caller, &name, bytes, &sha256)?),
        Document::Inline { name, bytes } => Source::File(keep(app, caller, &name, bytes.into()).await?),
    })
}

async fn status(app: &App, request: &Request, id: &str) -> Result<Reply> {
    let caller = request.caller(app).await?;
    let contract = find(app, &caller, &named(id)?).await?;
    Reply::json(200, &flat(&contract, &at(app, &contract.id)))
}

async fn cancel(app: &App, request: &Request, id: &str) -> Result<Reply> {
    let caller = request.caller(app).await?;
    let id = named(id)?;
    let mut fields = Fields::new(request.json(LARGEST_WORD)?);
    let reason = fields.text("reason")?.unwrap_or_default();
    fields.end()?;
    let contract = cancel_contract(app, &caller, &id, &reason).await?;
    let status = if contract.life.is_over() { 200 } else { 202 };
    Reply::json(status, &flat(&contract, &at(app, &id)))
}

async fn document(app: &App, request: &Request, id: &str) -> Result<Reply> {
    let caller = request.caller(app).await?;
    let id = named(id)?;
    let file = signed_document(app, &caller, &id).await?;
    let told = json!({
        "contractId": id,
        "url": file.link.as_str(),
        "until": file.until.to_string(),
        "bytes": file.bytes,
        "sha256": file.sha256,
    });
    Reply::json(200, &told)
}

/// An id as its type. One that cannot be an id is answered like one that is not there.
fn named(id: &str) -> Result<ContractId> {
    id.parse().map_err(|_| Error::not_found())
}

fn at(app: &App, id: &ContractId) -> String {
    app.config().own_url(&format!("/contracts/{id}"))
}
