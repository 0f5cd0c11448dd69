//! Writing what was planned, in the server's own order and with its own halfway stops. It decides nothing about
//! which record is meant.

use std::collections::HashSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::refusal::Refusal;
use super::row::{Actor, Row, index_key};
use super::schema::{Column, Relation, cell};
use super::space::Space;
use super::write::{Done, Draft, Event, Plan, Writer};

type Outcome<T> = Result<T, Refusal>;

/// Does what was planned: updates one by one, each of them final, then all inserts or none.
pub(super) fn apply(space: &mut Space, number: usize, plan: Plan, writer: &Writer) -> Done {
    let mut done = Done::default();
    for (id, draft) in plan.updates {
        if let Err(refusal) = update(space, number, id, &draft, plan.revive, writer, &mut done) {
            done.refused = Some(refusal);
            return done;
        }
    }
    if let Err(refusal) = insert_all(space, number, plan.inserts, writer, &mut done) {
        done.refused = Some(refusal);
    }
    done
}

#[expect(clippy::too_many_arguments, reason = "an update is told everything the request knows")]
fn update(
    space: &mut Space,
    number: usize,
    id: Uuid,
    draft: &Draft,
    revive: bool,
    writer: &Writer,
    done: &mut Done,
) -> Outcome<()> {
    let Some(before) = space.objects[number].table.get(&id) else {
        return Ok(());
    };
    let before = before.clone();
    let mut row = before.clone();
    for (column, value) in &draft.cells {
        row.set(*column, value.clone());
    }
    if revive {
        row.deleted_at = None;
    }
    check(space, number, &row, draft)?;
    row.updated_at = writer.now;
    let changed = row.changed_fields(&before);
    let mut fields: Vec<String> =
        changed.iter().map(|&field| space.objects[number].fields[field].name.clone()).collect();
    if row.deleted_at != before.deleted_at {
        fields.push("deletedAt".to_owned());
    }
    row.updated_by = writer.actor.clone();
    space.objects[number].table.remove(&id);
    space.objects[number].table.insert(row.clone());
    if !done.ids.contains(&id) {
        done.ids.push(id);
    }
    wrote(space, number, !fields.is_empty());
    if !fields.is_empty() {
        tell(space, done, Event { object: number, name: "updated", row, fields });
    }
    Ok(())
}

fn insert_all(
    space: &mut Space,
    number: usize,
    drafts: Vec<Draft>,
    writer: &Writer,
    done: &mut Done,
) -> Outcome<()> {
    let mut rows = Vec::with_capacity(drafts.len());
    let mut taken: HashSet<(u16, String)> = HashSet::new();
    for draft in drafts {
        let row = new_row(space, number, &draft, writer);
        check(space, number, &row, &draft)?;
        let object = &space.objects[number];
        if object.table.get(&row.id).is_some() {
            return Err(Refusal::duplicate("Id", &object.singular, &row.id.to_string()));
        }
        if !taken.insert((u16::MAX, row.id.to_string())) {
            return Err(Refusal::duplicate("Id", &object.singular, &row.id.to_string()));
        }
        for unique in object.table.uniques() {
            let Some(key) = index_key(row.get(unique.column)) else {
                continue;
            };
            if !taken.insert((unique.column, key)) {
                let label = &object.fields[unique.field].label;
                return Err(Refusal::duplicate(label, &object.singular, &row.id.to_string()));
            }
        }
        rows.push(row);
    }
    for mut row in rows {
        let position = space.objects[number].table.take_position();
        if let Some(Column::Cell(column)) = space.objects[number].spot("position").map(|spot| spot.column)
            && row.get(column).is_null()
        {
            row.set(column, json!(position));
        }
        done.ids.push(row.id);
        space.objects[number].table.insert(row.clone());
        wrote(space, number, true);
        tell(space, done, Event { object: number, name: "created", row, fields: Vec::new() });
    }
    Ok(())
}

fn new_row(space: &mut Space, number: usize, draft: &Draft, writer: &Writer) -> Row {
    let id = draft.id.unwrap_or_else(|| space.fresh_id());
    let mut row = Row::new(id, writer.now, &writer.actor);
    for (at, field) in space.objects[number].fields() {
        row.set(cell(at, 0), if field.system { Value::Null } else { field.default_value() });
    }
    for (column, value) in &draft.cells {
        row.set(*column, value.clone());
    }
    if let Some(source) = &draft.source {
        let name = writer.actor.value["name"].as_str().unwrap_or_default();
        row.created_by = Actor::new(source, name, &json!({}));
    }
    row.created_at = draft.created_at.unwrap_or(writer.now);
    row
}

/// What the database itself would refuse.
fn check(space: &Space, number: usize, row: &Row, draft: &Draft) -> Outcome<()> {
    let object = &space.objects[number];
    if draft.nul {
        return Err(Refusal::nul_byte());
    }
    for (at, field) in object.fields() {
        let value = row.get(cell(at, 0));
        if !field.nullable && !field.system && value.is_null() {
            return Err(Refusal::not_null(&object.singular, &field.name));
        }
        let Some(Relation::ToOne { target }) = field.relation else {
            continue;
        };
        let Some(id) = value.as_str().and_then(|id| Uuid::try_parse(id).ok()) else {
            continue;
        };
        if space.object(target).is_none_or(|target| target.table.get(&id).is_none()) {
            let name = field.id.simple().to_string();
            return Err(Refusal::foreign_key(
                &object.singular,
                &format!("FK_{}", name.get(..27).unwrap_or(&name)),
            ));
        }
    }
    if let Some((field, holder)) = object.table.holder(row) {
        let label = &object.fields[field].label;
        return Err(Refusal::duplicate(label, &object.singular, &holder.to_string()));
    }
    Ok(())
}

/// Soft-deletes or restores records.
pub(super) fn set_deleted(
    space: &mut Space,
    number: usize,
    ids: &[Uuid],
    deleted: bool,
    writer: &Writer,
) -> Done {
    let mut done = Done::default();
    for id in ids {
        let Some(mut row) = space.objects[number].table.remove(id) else {
            continue;
        };
        let changes = row.deleted_at.is_some() != deleted;
        row.deleted_at = if deleted { row.deleted_at.or(Some(writer.now)) } else { None };
        row.updated_at = writer.now;
        row.updated_by = writer.actor.clone();
        space.objects[number].table.insert(row.clone());
        done.ids.push(*id);
        wrote(space, number, changes);
        if changes {
            let name = if deleted { "deleted" } else { "restored" };
            let fields = vec!["deletedAt".to_owned()];
            tell(space, &mut done, Event { object: number, name, row, fields });
        }
    }
    done
}

/// Removes records for good; what pointed at them points at nothing.
pub(super) fn destroy(space: &mut Space, number: usize, ids: &[Uuid]) -> Done {
    let mut done = Done::default();
    let sources: Vec<(Uuid, Uuid)> = space.objects[number]
        .fields()
        .filter_map(|(_, field)| match field.relation {
            Some(Relation::ToMany { source, field }) => Some((source, field)),
            _ => None,
        })
        .collect();
    for id in ids {
        let Some(row) = space.objects[number].table.remove(id) else {
            continue;
        };
        for (source, field) in &sources {
            unlink(space, *id, *source, *field);
        }
        done.ids.push(*id);
        wrote(space, number, true);
        tell(space, &mut done, Event { object: number, name: "destroyed", row, fields: Vec::new() });
    }
    done
}

fn unlink(space: &mut Space, id: Uuid, source: Uuid, field: Uuid) {
    let Some(number) = space.number_of(source) else {
        return;
    };
    let Some((at, _)) = space.objects[number].field_with_id(field) else {
        return;
    };
    let wanted = id.to_string();
    let rows = space.objects[number].table.rows();
    let pointing = rows.filter(|row| row.get(cell(at, 0)).as_str() == Some(&wanted));
    for id in pointing.map(|row| row.id).collect::<Vec<_>>() {
        if let Some(mut row) = space.objects[number].table.remove(&id) {
            row.set(cell(at, 0), Value::Null);
            space.objects[number].table.insert(row);
        }
    }
}

fn wrote(space: &mut Space, number: usize, changed: bool) {
    let plural = space.objects[number].plural.clone();
    if changed {
        *space.counters.changed.entry(plural.clone()).or_default() += 1;
    }
    *space.counters.written.entry(plural).or_default() += 1;
}

/// Snapshots are kept only where somebody listens.
fn tell(space: &Space, done: &mut Done, event: Event) {
    let person = event.name == "created" && space.objects[event.object].singular == "person";
    if !space.webhooks.is_empty() || person {
        done.events.push(event);
    }
}
