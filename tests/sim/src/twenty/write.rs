//! Writing records: the server's own upsert, in its own order. Matching and writing are two steps with room
//! between them, because the server has that room too: concurrent callers race in it.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::refusal::{Refusal, inspect};
use super::row::{Actor, Row, index_key};
use super::schema::{Column, Relation, cell};
use super::space::{Object, Space};
use super::value;

/// At most this many records are written by one request.
pub(super) const MOST: usize = 200;

type Outcome<T> = Result<T, Refusal>;

/// One input, checked and in the terms of the columns.
#[derive(Debug, Default)]
pub(super) struct Draft {
    id: Option<Uuid>,
    cells: Vec<(u16, Value)>,
    created_at: Option<i64>,
    source: Option<String>,
    nul: bool,
}

/// What is to be done with the inputs of one request.
#[derive(Debug, Default)]
pub(super) struct Plan {
    updates: Vec<(Uuid, Draft)>,
    inserts: Vec<Draft>,
    revive: bool,
}

/// Who writes, and when.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    pub actor: Arc<Actor>,
    pub now: i64,
}

/// Something that happened to a record.
#[derive(Debug)]
pub(super) struct Event {
    pub object: usize,
    pub name: &'static str,
    pub row: Row,
    pub fields: Vec<String>,
}

/// What a request did: the records it answers with, and what there is to tell the webhooks.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub ids: Vec<Uuid>,
    pub events: Vec<Event>,
    /// What stopped it half-way; everything before is written and stays.
    pub refused: Option<Refusal>,
}

/// Checks every input and decides which record each of them means.
pub(super) fn plan(space: &Space, number: usize, inputs: &[Value], upsert: bool) -> Outcome<Plan> {
    if inputs.len() > MOST {
        return Err(Refusal::too_many_inputs());
    }
    let drafts = inputs
        .iter()
        .map(|input| draft(space, number, input))
        .collect::<Outcome<Vec<_>>>()?;
    let object = &space.objects[number];
    let mut plan = Plan {
        revive: true,
        ..Plan::default()
    };
    for draft in drafts {
        match if upsert { matched(object, &draft)? } else { None } {
            Some(id) => plan.updates.push((id, draft)),
            None => plan.inserts.push(draft),
        }
    }
    Ok(plan)
}

/// An update of records that are already known.
pub(super) fn plan_updates(space: &Space, number: usize, ids: &[Uuid], input: &Value) -> Outcome<Plan> {
    let mut plan = Plan::default();
    for id in ids {
        plan.updates.push((*id, draft(space, number, input)?));
    }
    Ok(plan)
}

fn draft(space: &Space, number: usize, input: &Value) -> Outcome<Draft> {
    let object = &space.objects[number];
    let empty = Map::new();
    let mut draft = Draft::default();
    for (key, input) in input.as_object().unwrap_or(&empty) {
        draft.nul |= value::has_nul(input);
        let Some(spot) = object.spot(key) else {
            relation(space, number, key, input, &mut draft)?;
            continue;
        };
        match spot.column {
            Column::Id if input.is_null() => {}
            Column::Id => draft.id = Some(value::uuid(key, input)?),
            Column::CreatedAt => draft.created_at = input.as_str().and_then(value::instant),
            Column::CreatedBy(_) => draft.source = input["source"].as_str().map(ToOwned::to_owned),
            Column::UpdatedAt | Column::DeletedAt | Column::UpdatedBy(_) | Column::Search => {}
            Column::Cell(_) => {
                for (part, value) in value::stored(&object.fields[spot.field], input)? {
                    draft.cells.push((cell(spot.field, part), value));
                }
            }
        }
    }
    Ok(draft)
}

/// `{"connect":{"where":{…}}}` or `{"disconnect":true}` on a to-one relation.
fn relation(space: &Space, number: usize, key: &str, input: &Value, draft: &mut Draft) -> Outcome<()> {
    let object = &space.objects[number];
    let unknown = || Refusal::unknown_field(&object.singular, key);
    let (spot, target) = object.to_one(key).ok_or_else(unknown)?;
    let Column::Cell(column) = spot.column else {
        return Err(unknown());
    };
    if input["disconnect"] == json!(true) {
        draft.cells.push((column, Value::Null));
        return Ok(());
    }
    let Some(condition) = input["connect"]["where"].as_object() else {
        let shown = inspect(input);
        return Err(Refusal::value(
            format!("Invalid relation value {shown} for field \"{key}\""),
            &shown,
        ));
    };
    let target = space.object(target).expect("a relation leads to an object");
    let (id, spoken) = connected(target, condition)?;
    let id = id.ok_or_else(|| Refusal::no_target(key, &spoken))?;
    draft.cells.push((column, json!(id)));
    Ok(())
}

/// The one live record with these unique values, and the condition in words.
fn connected(target: &Object, condition: &Map<String, Value>) -> Outcome<(Option<Uuid>, String)> {
    let mut wanted: Vec<(String, Column, String)> = Vec::new();
    for (key, value) in condition {
        let spot = target
            .spot(key)
            .ok_or_else(|| Refusal::unknown_field(&target.singular, key))?;
        match value {
            Value::Object(parts) => {
                for (part, value) in parts {
                    let spot = target
                        .part(spot, part)
                        .ok_or_else(|| Refusal::unknown_field(&target.singular, part))?;
                    wanted.push((
                        format!("{key}.{part}"),
                        spot.column,
                        index_key(value).unwrap_or_default(),
                    ));
                }
            }
            value => wanted.push((key.clone(), spot.column, index_key(value).unwrap_or_default())),
        }
    }
    let spoken: Vec<String> = wanted
        .iter()
        .map(|(path, _, value)| format!("{path} = {value}"))
        .collect();
    let find = |column: Column, value: &str| match column {
        Column::Id => Uuid::try_parse(value).ok(),
        _ => target
            .table
            .unique_on(column)
            .and_then(|unique| unique.find(value)),
    };
    let ids: BTreeSet<_> = wanted
        .iter()
        .map(|(_, column, value)| find(*column, value))
        .collect();
    let id = match ids.into_iter().collect::<Vec<_>>().as_slice() {
        [Some(id)] => target
            .table
            .get(id)
            .filter(|row| row.deleted_at.is_none())
            .map(|row| row.id),
        _ => None,
    };
    Ok((id, spoken.join(" and ")))
}

/// The record an input means: by its id and by every unique field, soft-deleted records included.
fn matched(object: &Object, draft: &Draft) -> Outcome<Option<Uuid>> {
    let mut groups: Vec<(Uuid, String)> = Vec::new();
    if let Some(id) = draft.id.filter(|id| object.table.get(id).is_some()) {
        groups.push((id, format!("id (id: {id})")));
    }
    for unique in object.table.uniques() {
        let given = draft
            .cells
            .iter()
            .rev()
            .find(|(column, _)| *column == unique.column);
        let Some(key) = given.and_then(|(_, value)| index_key(value)) else {
            continue;
        };
        let Some(id) = unique.find(&key) else { continue };
        let field = &object.fields[unique.field];
        let path = match field.kind.parts().first() {
            Some((part, _)) => format!("{}.{part}", field.name),
            None => field.name.clone(),
        };
        groups.push((id, format!("{} ({path}: {key})", field.name)));
    }
    let ids: BTreeSet<_> = groups.iter().map(|(id, _)| *id).collect();
    if ids.len() > 1 {
        let spoken: Vec<_> = groups.into_iter().map(|(_, spoken)| spoken).collect();
        return Err(Refusal::conflict(&spoken.join("; ")));
    }
    Ok(ids.into_iter().next())
}

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

#[expect(
    clippy::too_many_arguments,
    reason = "an update is told everything the request knows"
)]
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
    let mut fields: Vec<String> = changed
        .iter()
        .map(|&field| space.objects[number].fields[field].name.clone())
        .collect();
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
        tell(
            space,
            done,
            Event {
                object: number,
                name: "updated",
                row,
                fields,
            },
        );
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
        tell(
            space,
            done,
            Event {
                object: number,
                name: "created",
                row,
                fields: Vec::new(),
            },
        );
    }
    Ok(())
}

fn new_row(space: &mut Space, number: usize, draft: &Draft, writer: &Writer) -> Row {
    let id = draft.id.unwrap_or_else(|| space.fresh_id());
    let mut row = Row::new(id, writer.now, &writer.actor);
    for (at, field) in space.objects[number].fields() {
        row.set(
            cell(at, 0),
            if field.system {
                Value::Null
            } else {
                field.default_value()
            },
        );
    }
    for (column, value) in &draft.cells {
        row.set(*column, value.clone());
    }
    if let Some(source) = &draft.source {
        let name = writer.actor.value["name"].as_str().unwrap_or_default();
        row.created_by = Actor::new(source, name, json!({}));
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
        if space
            .object(target)
            .is_none_or(|target| target.table.get(&id).is_none())
        {
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
        row.deleted_at = if deleted {
            row.deleted_at.or(Some(writer.now))
        } else {
            None
        };
        row.updated_at = writer.now;
        row.updated_by = writer.actor.clone();
        space.objects[number].table.insert(row.clone());
        done.ids.push(*id);
        wrote(space, number, changes);
        if changes {
            let name = if deleted { "deleted" } else { "restored" };
            let fields = vec!["deletedAt".to_owned()];
            tell(
                space,
                &mut done,
                Event {
                    object: number,
                    name,
                    row,
                    fields,
                },
            );
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
        tell(
            space,
            &mut done,
            Event {
                object: number,
                name: "destroyed",
                row,
                fields: Vec::new(),
            },
        );
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
