//! Documents and templates in pages.

use serde_json::{Value, json};

use super::super::life::{Contract, Stage};
use super::super::wire::Reply;
use super::super::world::World;
use super::api::Call;
use super::show;

pub(super) fn paged<T>(call: &Call<'_>, all: impl Iterator<Item = T>) -> Vec<T> {
    let count = call.asked.number("count").unwrap_or(50).clamp(1, 100);
    let page = call.asked.number("page").unwrap_or(1).max(1);
    all.skip((page - 1) * count).take(count).collect()
}

pub(super) fn number(contract: &Contract) -> &'static str {
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

pub(super) fn list(world: &World, call: &Call<'_>) -> Reply {
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

pub(super) fn templates(world: &World, call: &Call<'_>) -> Reply {
    let wanted = call.asked.query("q").unwrap_or_default().to_lowercase();
    let found = world.pandadoc.book.templates.iter().filter(|it| it.name.to_lowercase().contains(&wanted));
    let results: Vec<Value> = paged(call, found).into_iter().map(show::template).collect();
    Reply::json(200, json!({"results": results}))
}
