//! Records in the shape a GraphQL document asks for. Fields that do not exist are null without a word.

use serde_json::{Value, json};

use super::document::{Asked, projected};
use super::list::{Order, Page, cursor_of};
use super::render::{Renderer, children, label, related};
use super::row::Row;
use super::schema::{Column, Relation, cell};
use super::space::{Object, Space, capital};

/// One record.
pub(super) fn node(renderer: &mut Renderer<'_>, object: &Object, row: &Row, asked: &[Asked]) {
    renderer.out.push('{');
    for (at, asked) in asked.iter().enumerate() {
        if at > 0 {
            renderer.out.push(',');
        }
        renderer.text(&asked.key);
        renderer.out.push(':');
        field(renderer, object, row, asked);
    }
    renderer.out.push('}');
}

fn field(renderer: &mut Renderer<'_>, object: &Object, row: &Row, asked: &Asked) {
    if asked.name == "__typename" {
        renderer.text(&capital(&object.singular));
        return;
    }
    if let Some(spot) = object.spot(&asked.name) {
        let known = &object.fields[spot.field];
        if asked.inner.is_empty() || known.kind.parts().is_empty() {
            renderer.field(object, spot.field, known, row);
            return;
        }
        composite(renderer, object, row, asked, spot.field);
        return;
    }
    let found = object.field_named(&asked.name).and_then(|(number, field)| Some((number, field.relation?)));
    match found {
        None => renderer.out.push_str("null"),
        Some((number, Relation::ToOne { target })) => match related(renderer.space, row, number, target) {
            Some((object, row)) => node(renderer, object, row, &asked.inner),
            None => renderer.out.push_str("null"),
        },
        Some((_, Relation::ToMany { source, field })) => {
            let (object, rows) = children(renderer.space, row.id, source, field);
            let total = rows.len();
            let limit =
                asked.arguments["first"].as_u64().map_or(60, |first| usize::try_from(first).unwrap_or(60));
            let rows: Vec<_> = rows.into_iter().take(limit).collect();
            let page = Page { has_next: total > rows.len(), rows, total, has_previous: false };
            connection(renderer, object, &page, &[], asked);
        }
    }
}

fn composite(renderer: &mut Renderer<'_>, object: &Object, row: &Row, asked: &Asked, number: usize) {
    let known = &object.fields[number];
    if !matches!(super::schema::column_of(&known.name, number, 0), Column::Cell(_)) {
        let actor = if known.name == "createdBy" { &row.created_by } else { &row.updated_by };
        let shown = projected(&actor.value, &asked.inner).to_string();
        renderer.out.push_str(&shown);
        return;
    }
    renderer.out.push('{');
    for (at, asked) in asked.inner.iter().enumerate() {
        if at > 0 {
            renderer.out.push(',');
        }
        renderer.text(&asked.key);
        renderer.out.push(':');
        match known.kind.parts().iter().position(|(part, _)| *part == asked.name) {
            Some(part) => renderer.value(row.get(cell(number, part)), known.kind.parts()[part].1),
            None => renderer.out.push_str("null"),
        }
    }
    renderer.out.push('}');
}

/// A page of records: edges, page information and count, as far as they are asked for.
pub(super) fn connection(
    renderer: &mut Renderer<'_>,
    object: &Object,
    page: &Page<'_>,
    order: &[Order],
    asked: &Asked,
) {
    let nodes = asked.find("edges").and_then(|edges| edges.find("node"));
    let selected = |order: &Order| nodes.is_some_and(|nodes| nodes.find(&order.path[0]).is_some());
    let cursor = |row: &Row| cursor_of(object, order, row, selected);
    renderer.out.push('{');
    for (at, asked) in asked.inner.iter().enumerate() {
        if at > 0 {
            renderer.out.push(',');
        }
        renderer.text(&asked.key);
        renderer.out.push(':');
        match asked.name.as_str() {
            "totalCount" => renderer.out.push_str(&page.total.to_string()),
            "pageInfo" => {
                let information = json!({
                    "hasNextPage": page.has_next, "hasPreviousPage": page.has_previous,
                    "startCursor": page.rows.first().map(|row| cursor(row)),
                    "endCursor": page.rows.last().map(|row| cursor(row)),
                });
                let shown = projected(&information, &asked.inner).to_string();
                renderer.out.push_str(&shown);
            }
            "edges" => edges(renderer, object, page, asked, &cursor),
            _ => renderer.out.push_str("null"),
        }
    }
    renderer.out.push('}');
}

fn edges(
    renderer: &mut Renderer<'_>,
    object: &Object,
    page: &Page<'_>,
    asked: &Asked,
    cursor: &dyn Fn(&Row) -> String,
) {
    renderer.out.push('[');
    for (at, row) in page.rows.iter().enumerate() {
        renderer.out.push_str(if at > 0 { ",{" } else { "{" });
        for (at, asked) in asked.inner.iter().enumerate() {
            if at > 0 {
                renderer.out.push(',');
            }
            renderer.text(&asked.key);
            renderer.out.push(':');
            match asked.name.as_str() {
                "node" => node(renderer, object, row, &asked.inner),
                "cursor" => renderer.text(&cursor(row)),
                _ => renderer.out.push_str("null"),
            }
        }
        renderer.out.push('}');
    }
    renderer.out.push(']');
}

/// The search over everything with a name: people, companies and opportunities here.
pub(super) fn search(space: &Space, asked: &Asked) -> String {
    let wanted = asked.arguments["searchInput"].as_str().unwrap_or_default().to_lowercase();
    let limit = asked.arguments["limit"].as_u64().map_or(20, |limit| usize::try_from(limit).unwrap_or(20));
    let searched = space.objects.iter().filter(|object| {
        matches!(object.singular.as_str(), "person" | "company" | "opportunity") && object.active
    });
    let rows = searched.flat_map(|object| object.table.rows().map(move |row| (object, row)));
    let found = rows.filter(|(object, row)| row.deleted_at.is_none() && mentions(object, row, &wanted));
    let edges: Vec<Value> = found
        .take(limit)
        .map(|(object, row)| {
            json!({"node": {
                "recordId": row.id, "objectNameSingular": object.singular, "label": label(object, row),
                "imageUrl": "",
            }})
        })
        .collect();
    projected(&json!({"edges": edges}), &asked.inner).to_string()
}

fn mentions(object: &Object, row: &Row, wanted: &str) -> bool {
    let email = object.spot("emails").and_then(|spot| row.get(cell(spot.field, 0)).as_str());
    label(object, row).to_lowercase().contains(wanted) || email.is_some_and(|email| email.contains(wanted))
}
