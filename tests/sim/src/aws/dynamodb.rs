//! `DynamoDB` for the unmodified SDK: the dynoxide engine in this process, behind our plan of misfortune.
//!
//! It is always consistent and never expires an item, so nothing may be concluded here about stale indexes or
//! about when a time to live is honoured.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use dynoxide::actions::list_tables::ListTablesRequest;
use dynoxide::actions::scan::ScanRequest;
use dynoxide::auth_material::{self, AuthMaterial};
use dynoxide::{Database, DynoxideError};
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::json::MAX_BODY;
use crate::fault::Faults;
use crate::serve::{Served, serve};

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";
const TARGET_PREFIX: &str = "DynamoDB_20120810.";

/// The database. Clones are the same database; it stops listening when the last clone is dropped.
#[derive(Clone)]
pub struct DynamoDb {
    engine: Database,
    units: Arc<Mutex<Units>>,
    served: Arc<Served>,
}

/// What on-demand billing would count, in half units: an eventually consistent read takes half a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Units {
    pub half_reads: u64,
    pub half_writes: u64,
}

/// What a call needs.
#[derive(Clone)]
struct Desk {
    engine: Database,
    units: Arc<Mutex<Units>>,
}

impl std::fmt::Debug for DynamoDb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DynamoDb").field("url", &self.url()).finish()
    }
}

impl DynamoDb {
    /// An empty database in memory.
    ///
    /// # Panics
    ///
    /// When the port is taken.
    pub async fn start(faults: &Faults, port: u16) -> Self {
        let engine = Database::memory().expect("a database in memory");
        Self::serve(engine, faults, port).await
    }

    /// A database that is kept in a file, which is created when it is missing.
    ///
    /// # Panics
    ///
    /// When the port is taken, or the file is not such a database.
    pub async fn open(file: &Path, faults: &Faults, port: u16) -> Self {
        let path = file.to_str().expect("a path that is text");
        let engine = Database::new(path).unwrap_or_else(|error| panic!("cannot open {path}: {error}"));
        Self::serve(engine, faults, port).await
    }

    async fn serve(engine: Database, faults: &Faults, port: u16) -> Self {
        let units: Arc<Mutex<Units>> = Arc::default();
        let router = Router::new()
            .route("/", post(answer))
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .with_state(Desk { engine: engine.clone(), units: units.clone() });
        let served = serve(faults.in_front_of("dynamodb", router), port)
            .await
            .unwrap_or_else(|error| panic!("DynamoDB cannot listen on port {port}: {error}"));
        Self { engine, units, served: Arc::new(served) }
    }

    /// The endpoint for an SDK client.
    pub fn url(&self) -> String {
        self.served.url()
    }

    /// What was consumed so far.
    pub fn units(&self) -> Units {
        *self.units.lock().unwrap()
    }

    /// The names of all tables, sorted.
    pub fn tables(&self) -> Vec<String> {
        let mut names = Vec::new();
        loop {
            let request = ListTablesRequest {
                exclusive_start_table_name: names.last().cloned(),
                ..ListTablesRequest::default()
            };
            let page = self.engine.list_tables(request).expect("a list of tables");
            names.extend(page.table_names);
            if page.last_evaluated_table_name.is_none() {
                return names;
            }
        }
    }

    /// All items of all tables in `DynamoDB` JSON, in an order that depends on their content alone.
    pub fn dump(&self) -> Vec<Value> {
        self.tables().iter().flat_map(|table| self.items(table)).collect()
    }

    /// All items of one table in `DynamoDB` JSON, in an order that depends on their content alone.
    pub fn items(&self, table: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let request = ScanRequest {
                table_name: table.to_owned(),
                exclusive_start_key: start,
                ..ScanRequest::default()
            };
            let page = self.engine.scan(request).expect("a scan of a known table");
            items.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        let mut items: Vec<Value> =
            items.iter().map(|item| sorted(serde_json::to_value(item).expect("an item is JSON"))).collect();
        items.sort_by_cached_key(Value::to_string);
        items
    }
}

/// The same value with every object's keys in order, whatever map `serde_json` was built with.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(sorted).collect()),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => other,
    }
}

async fn answer(State(desk): State<Desk>, headers: HeaderMap, body: String) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let material = AuthMaterial {
        authorization: text("authorization"),
        query: "",
        has_date_header: text("x-amz-date").is_some(),
    };
    if let Some(refusal) = auth_material::validate(material) {
        return reply(StatusCode::BAD_REQUEST, refusal);
    }
    let operation = text("x-amz-target").and_then(|target| target.strip_prefix(TARGET_PREFIX));
    match metered(&desk, operation.unwrap_or_default(), &body) {
        Ok(answer) => reply(StatusCode::OK, answer),
        Err(error) => {
            let status = StatusCode::from_u16(error.status_code()).expect("a status the engine knows");
            reply(status, error.to_json())
        }
    }
}

fn reply(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, CONTENT_TYPE)], body).into_response()
}

/// Answers a call and notes what it consumed, which the engine only tells when it is asked.
fn metered(desk: &Desk, operation: &str, body: &str) -> Result<String, DynoxideError> {
    const ASK: &str = "ReturnConsumedCapacity";
    const METERED: &[&str] = &["Item", "Query", "Scan", "Transact"];
    let parsed: Option<Value> = serde_json::from_str(body).ok();
    let is_metered = METERED.iter().any(|word| operation.contains(word));
    let Some(mut request) = parsed.filter(|it| is_metered && it.is_object() && it.get(ASK).is_none()) else {
        return run(&desk.engine, operation, body);
    };
    request[ASK] = "TOTAL".into();
    let answered = run(&desk.engine, operation, &request.to_string());
    let mut told = answered.as_ref().ok().and_then(|it| serde_json::from_str::<Value>(it).ok());
    let consumed = told.as_mut().and_then(|it| it.as_object_mut()?.remove("ConsumedCapacity"));
    let is_read = ["Get", "Query", "Scan"].iter().any(|word| operation.contains(word));
    let mut units = desk.units.lock().unwrap();
    match (&answered, is_read) {
        (Ok(_), true) => units.half_reads += half_units(consumed.as_ref()),
        (Ok(_), false) => units.half_writes += half_units(consumed.as_ref()),
        // A write whose condition fails is charged like one that succeeds; our items are below one unit.
        (Err(_), false) => units.half_writes += 2,
        (Err(_), true) => {}
    }
    answered.map(|text| told.map_or(text, |told| told.to_string()))
}

/// The total of an answer: one table, or a list of them.
fn half_units(consumed: Option<&Value>) -> u64 {
    match consumed {
        Some(Value::Array(tables)) => tables.iter().map(|table| half_units(Some(table))).sum(),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::float_arithmetic,
            reason = "the engine counts in halves and never below zero"
        )]
        Some(table) => (table["CapacityUnits"].as_f64().unwrap_or_default() * 2.0).round() as u64,
        None => 0,
    }
}

/// Only what a serverless application calls; the rest is refused by name.
fn run(engine: &Database, operation: &str, body: &str) -> Result<String, DynoxideError> {
    match operation {
        "CreateTable" => with(body, |request| engine.create_table(request)),
        "DeleteTable" => with(body, |request| engine.delete_table(request)),
        "DescribeTable" => with(body, |request| engine.describe_table(request)),
        "ListTables" => with(body, |request| engine.list_tables(request)),
        "UpdateTable" => with(body, |request| engine.update_table(request)),
        "UpdateTimeToLive" => with(body, |request| engine.update_time_to_live(request)),
        "DescribeTimeToLive" => with(body, |request| engine.describe_time_to_live(request)),
        "PutItem" => single_write(with(body, |request| engine.put_item(request))),
        "UpdateItem" => single_write(with(body, |request| engine.update_item(request))),
        "DeleteItem" => single_write(with(body, |request| engine.delete_item(request))),
        "GetItem" => with(body, |request| engine.get_item(request)),
        "Query" => with(body, |request| engine.query(request)),
        "Scan" => with(body, |request| engine.scan(request)),
        "BatchGetItem" => with(body, |request| engine.batch_get_item(request)),
        "BatchWriteItem" => with(body, |request| engine.batch_write_item(request)),
        "TransactGetItems" => with(body, |request| engine.transact_get_items(request)),
        "TransactWriteItems" => with(body, |request| engine.transact_write_items(request)),
        other => Err(DynoxideError::ValidationException(format!(
            "the stand-in does not know the operation {other:?}"
        ))),
    }
}

fn with<Q: DeserializeOwned, A: Serialize>(
    body: &str,
    act: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Result<String, DynoxideError> {
    let request = serde_json::from_str(body).map_err(|error| unreadable(&error))?;
    let answer = act(request)?;
    serde_json::to_string(&answer).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// The engine marks in its texts which error the real service would give; its own server strips the marks too.
fn unreadable(error: &serde_json::Error) -> DynoxideError {
    let text = error.to_string();
    let plain = |text: &str| text.rsplit_once(" at line ").map_or(text, |(text, _)| text).to_owned();
    for mark in ["SERIALIZATION_AS_READ:", "SERIALIZATION:"] {
        if let Some(rest) = text.strip_prefix(mark) {
            return DynoxideError::SerializationException(plain(rest));
        }
    }
    if let Some(rest) = text.strip_prefix("VALIDATION_REQUEST:") {
        return DynoxideError::EnvelopedValidation(plain(rest));
    }
    for mark in ["VALIDATION_AS_READ:", "VALIDATION:"] {
        if let Some(rest) = text.strip_prefix(mark) {
            return DynoxideError::ValidationException(plain(rest));
        }
    }
    DynoxideError::ValidationException(plain(&text))
}

/// `DynamoDB` announces a refused request more formally for the three single writes than elsewhere.
fn single_write(result: Result<String, DynoxideError>) -> Result<String, DynoxideError> {
    result.map_err(|error| {
        if let DynoxideError::EnvelopedValidation(text) = error {
            return DynoxideError::ValidationException(format!("1 validation error detected: {text}"));
        }
        error
    })
}
