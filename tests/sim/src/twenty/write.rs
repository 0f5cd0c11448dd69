//! What a write means: the inputs checked, the records they are about found, as the server does it before it
//! writes anything. Writing is `apply`; between the two is room, because the server has that room too.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::refusal::{Refusal, inspect};
use super::row::{Actor, Row, index_key};
use super::schema::{Column, cell};
use super::space::{Object, Space};
use super::value;

/// At most this many records are written by one request.
pub(super) const MOST: usize = 200;

type Outcome<T> = Result<T, Refusal>;

/// One input, checked and in the terms of the columns.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) id: Option<Uuid>,
    pub(super) cells: Vec<(u16, Value)>,
    pub(super) created_at: Option<i64>,
    pub(super) source: Option<String>,
    pub(super) nul: bool,
}

/// What is to be done with the inputs of one request.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) updates: Vec<(Uuid, Draft)>,
    pub(super) inserts: Vec<Draft>,
    pub(super) revive: bool,
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
    let drafts = inputs.iter().map(|input| draft(space, number, input)).collect::<Outcome<Vec<_>>>()?;
    let object = &space.objects[number];
    let mut plan = Plan { revive: true, ..Plan::default() };
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
        return Err(Refusal::value(format!("Invalid relation value {shown} for field \"{key}\""), &shown));
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
        let spot = target.spot(key).ok_or_else(|| Refusal::unknown_field(&target.singular, key))?;
        match value {
            Value::Object(parts) => {
                for (part, value) in parts {
                    let spot = target
                        .part(spot, part)
                        .ok_or_else(|| Refusal::unknown_field(&target.singular, part))?;
                    wanted.push((format!("{key}.{part}"), spot.column, index_key(value).unwrap_or_default()));
                }
            }
            value => wanted.push((key.clone(), spot.column, index_key(value).unwrap_or_default())),
        }
    }
    let spoken: Vec<String> = wanted.iter().map(|(path, _, value)| format!("{path} = {value}")).collect();
    let find = |column: Column, value: &str| match column {
        Column::Id => Uuid::try_parse(value).ok(),
        _ => target.table.unique_on(column).and_then(|unique| unique.find(value)),
    };
    let ids: BTreeSet<_> = wanted.iter().map(|(_, column, value)| find(*column, value)).collect();
    let id = match ids.into_iter().collect::<Vec<_>>().as_slice() {
        [Some(id)] => target.table.get(id).filter(|row| row.deleted_at.is_none()).map(|row| row.id),
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
        let given = draft.cells.iter().rev().find(|(column, _)| *column == unique.column);
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
