//! Envelopes and templates in pages.

use serde_json::{Map, Value, json};

use super::super::life::DAY;
use super::super::wire::{Asked, Reply};
use super::super::world::World;
use super::api::Call;
use super::{refuse, show};
use crate::clock::from_iso;

/// Many envelopes: by ids, by our own ids, or by time of change.
pub(super) fn list(world: &World, call: &Call<'_>) -> Result<Reply, Reply> {
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

pub(super) fn page(name: &str, all: Vec<Value>, asked: &Asked, most: usize) -> Value {
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

pub(super) fn templates(world: &World, call: &Call<'_>) -> Reply {
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
