//! What a person of the local runner looks at: every workspace with its people, opportunities and the objects
//! that were added to it. Plain HTML that loads itself again; it changes nothing.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Html;
use serde_json::Value;

use super::render::related;
use super::row::Row;
use super::schema::{Column, Field, Kind, Relation, cell, column_of};
use super::server::Server;
use super::space::{Object, Space};

/// Rows shown per table, the latest first.
const ROWS: usize = 50;
/// Columns shown per table.
const COLUMNS: usize = 9;

const STYLE: &str = include_str!("console.css");

/// `GET /console`
pub(super) async fn page(State(server): State<Arc<Server>>) -> Html<String> {
    let state = server.state.lock().unwrap();
    let mut body = String::new();
    for space in &state.spaces {
        workspace(&mut body, space);
    }
    if state.spaces.is_empty() {
        body.push_str("<p>No workspace yet.</p>");
    }
    Html(document("Twenty (simulated)", &body, true))
}

/// `GET /console/key`: the API key of the first workspace, for copy and paste.
pub(super) async fn key(State(server): State<Arc<Server>>) -> Html<String> {
    let state = server.state.lock().unwrap();
    let mut body = String::from("<p><a href=\"/console\">Back to the records</a></p>");
    if let Some(space) = state.spaces.first() {
        let name = |key: &super::space::Key| key.actor.value["name"].as_str().unwrap_or_default().to_owned();
        let tokens = state.keys.iter().filter(|(_, key)| key.workspace == space.id && !key.revoked);
        for (token, key) in tokens {
            put!(
                body,
                "<section><h2>{}</h2><p>API key <b>{}</b> of this server at <code>{}</code>:</p>\
                 <textarea readonly rows=\"6\" aria-label=\"API key\">{}</textarea></section>",
                escape(&space.display_name),
                escape(&name(key)),
                escape(server.base()),
                escape(token),
            );
        }
    }
    Html(document("API key", &body, false))
}

fn document(title: &str, body: &str, refresh: bool) -> String {
    let refresh = if refresh { "<meta http-equiv=\"refresh\" content=\"2\">" } else { "" };
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">{refresh}\
         <title>{title}</title><style>{STYLE}</style></head><body><header><h1>{title}</h1>\
         <nav><a href=\"/console\">Records</a> <a href=\"/console/key\">API key</a></nav></header>\
         <main>{body}</main></body></html>"
    )
}

fn workspace(out: &mut String, space: &Space) {
    let counters = &space.counters;
    let limits = counters.refusals.get("limit").copied().unwrap_or_default();
    put!(
        out,
        "<section><h2>{}</h2><dl><div><dt>Reads</dt><dd>{}</dd></div><div><dt>Writes</dt><dd>{}</dd></div>\
         <div><dt>Over the limit</dt><dd>{limits}</dd></div><div><dt>Default company workflow</dt><dd>{}</dd></div></dl>",
        escape(&space.display_name),
        counters.reads,
        counters.writes,
        if space.company_workflow_active() { "active" } else { "off" },
    );
    let shown = |object: &&Object| {
        object.active && (matches!(object.singular.as_str(), "person" | "opportunity") || !object.standard)
    };
    for object in space.objects.iter().filter(shown) {
        table(out, space, object);
    }
    out.push_str("</section>");
}

/// Custom fields first, then the standard ones, without those that say nothing here.
fn columns(object: &Object) -> Vec<(usize, &Field)> {
    let telling = |field: &Field| {
        let plain = !matches!(field.kind, Kind::RawJson | Kind::RichText | Kind::TsVector | Kind::Files);
        plain && !field.system && field.active && !matches!(field.relation, Some(Relation::ToMany { .. }))
    };
    let mut columns: Vec<_> = object.fields().filter(|(_, field)| telling(field)).collect();
    let rank = |field: &Field| match field.name.as_str() {
        "name" => 0,
        "emails" | "stage" => 1,
        "amount" | "pointOfContact" => 2,
        _ if !field.standard && field.name.ends_with("Id") => 5,
        _ if !field.standard => 3,
        _ => 6,
    };
    columns.sort_by_key(|(_, field)| rank(field));
    columns.truncate(COLUMNS);
    columns
}

fn table(out: &mut String, space: &Space, object: &Object) {
    let deleted = object.table.len() - object.table.live();
    let gone = if deleted > 0 { format!(", {deleted} deleted") } else { String::new() };
    let columns = columns(object);
    put!(
        out,
        "<details open><summary>{} <span>{}{gone}</span></summary><div class=\"scroll\"><table><thead><tr>",
        escape(&object.label_plural),
        object.table.live(),
    );
    for (_, field) in &columns {
        put!(out, "<th scope=\"col\">{}</th>", escape(&field.label));
    }
    out.push_str("<th scope=\"col\">Changed</th></tr></thead><tbody>");
    for id in object.table.latest(ROWS) {
        let Some(row) = object.table.get(&id) else {
            continue;
        };
        out.push_str(if row.deleted_at.is_some() { "<tr class=\"deleted\">" } else { "<tr>" });
        for (number, field) in &columns {
            put!(out, "<td>{}</td>", escape(&shown(space, row, *number, field)));
        }
        let by = row.updated_by.value["name"].as_str().unwrap_or_default();
        let time = crate::clock::iso(row.updated_at);
        put!(out, "<td><time>{}</time> {}</td></tr>", time.get(..19).unwrap_or(&time), escape(by));
    }
    out.push_str("</tbody></table></div></details>");
}

/// A value in words.
fn shown(space: &Space, row: &Row, number: usize, field: &Field) -> String {
    if let Some(Relation::ToOne { target }) = field.relation {
        return related(space, row, number, target)
            .map(|(object, row)| super::render::label(object, row))
            .unwrap_or_default();
    }
    let part = |part: usize| match row.get(cell(number, part)) {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    if !matches!(column_of(&field.name, number, 0), Column::Cell(_)) {
        return String::new();
    }
    match field.kind {
        Kind::FullName => format!("{} {}", part(0), part(1)).trim().to_owned(),
        Kind::Phones => format!("{} {}", part(2), part(0)).trim().to_owned(),
        Kind::Currency => money(row.get(cell(number, 0)), &part(1)),
        Kind::DateTime => part(0).get(..10).unwrap_or_default().to_owned(),
        _ => part(0),
    }
}

/// Micros as an amount with two places.
fn money(micros: &Value, currency: &str) -> String {
    let Some(micros) = micros.as_i64() else {
        return String::new();
    };
    let sign = if micros < 0 { "-" } else { "" };
    let cents = micros.unsigned_abs() / 10_000;
    format!("{sign}{}.{:02} {currency}", cents / 100, cents % 100)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
