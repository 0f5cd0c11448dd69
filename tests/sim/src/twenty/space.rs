//! A workspace: its objects, its keys, its bucket and its counters. It answers no request by itself.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::bucket::Bucket;
use super::row::{Actor, Table};
use super::schema::{Column, Field, Kind, Relation, Spot, column_of};
use super::webhook::Webhook;

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Admin,
    /// Reads and writes records, but may not touch the data model or webhooks.
    RecordsOnly,
    /// Reads records and nothing else.
    ReadOnly,
}

/// An API key that was issued.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub id: Uuid,
    pub workspace: Uuid,
    pub role: Role,
    pub expires_at: i64,
    pub revoked: bool,
    pub actor: Arc<Actor>,
}

/// An object of the workspace with all its records.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub id: Uuid,
    pub universal: Uuid,
    pub standard: bool,
    pub singular: String,
    pub plural: String,
    pub label_singular: String,
    pub label_plural: String,
    pub description: Option<String>,
    pub icon: Option<String>,
    pub active: bool,
    pub created_at: i64,
    pub updated_at: i64,
    pub fields: Vec<Field>,
    pub table: Table,
    keys: HashMap<String, Spot>,
}

impl Object {
    pub(super) fn new(id: Uuid, singular: &str, plural: &str, now: i64) -> Self {
        Self {
            id,
            universal: Uuid::new_v5(&id, b"universal"),
            standard: true,
            singular: singular.to_owned(),
            plural: plural.to_owned(),
            label_singular: capital(singular),
            label_plural: capital(plural),
            description: None,
            icon: None,
            active: true,
            created_at: now,
            updated_at: now,
            fields: Vec::new(),
            table: Table::default(),
            keys: HashMap::new(),
        }
    }

    /// Adds the field and its columns; the records get the field's default.
    pub(super) fn add(&mut self, field: Field) {
        let number = self.fields.len();
        if let Some(key) = field.key() {
            let column = column_of(&field.name, number, 0);
            self.keys.insert(key, Spot { field: number, part: 0, column });
        }
        let default = field.default_value();
        if let (false, Column::Cell(column)) = (default.is_null(), column_of(&field.name, number, 0)) {
            self.table.fill(column, &default);
        }
        self.fields.push(field);
    }

    pub(super) fn remove_field(&mut self, number: usize) {
        if let Some(key) = self.fields[number].key() {
            self.keys.remove(&key);
        }
        self.fields[number].deleted = true;
        self.table.forget_field(number);
    }

    /// The field that is read and written under `key` (`jobTitle`, `companyId`).
    pub(super) fn spot(&self, key: &str) -> Option<Spot> {
        self.keys.get(key).copied()
    }

    /// A part of the composite field at `spot`.
    pub(super) fn part(&self, spot: Spot, name: &str) -> Option<Spot> {
        let field = &self.fields[spot.field];
        let part = field.kind.parts().iter().position(|(part, _)| *part == name)?;
        Some(Spot { field: spot.field, part, column: column_of(&field.name, spot.field, part) })
    }

    /// The fields that are there, with their numbers.
    pub(super) fn fields(&self) -> impl Iterator<Item = (usize, &Field)> {
        self.fields.iter().enumerate().filter(|(_, field)| !field.deleted)
    }

    pub(super) fn field_named(&self, name: &str) -> Option<(usize, &Field)> {
        self.fields().find(|(_, field)| field.name == name)
    }

    pub(super) fn field_with_id(&self, id: Uuid) -> Option<(usize, &Field)> {
        self.fields().find(|(_, field)| field.id == id)
    }

    /// The to-one relation called `name`: its column and the object it leads to.
    pub(super) fn to_one(&self, name: &str) -> Option<(Spot, Uuid)> {
        let (number, field) = self.field_named(name)?;
        match field.relation {
            Some(Relation::ToOne { target }) => {
                let column = column_of(&field.name, number, 0);
                Some((Spot { field: number, part: 0, column }, target))
            }
            _ => None,
        }
    }

    pub(super) fn kind(&self, spot: Spot) -> Kind {
        self.fields[spot.field].kind
    }
}

/// What a workspace has been asked to do.
#[derive(Clone, Debug, Default)]
pub(super) struct Counters {
    pub reads: u64,
    pub writes: u64,
    pub calls: BTreeMap<String, u64>,
    pub refusals: BTreeMap<String, u64>,
    pub written: BTreeMap<String, u64>,
    pub changed: BTreeMap<String, u64>,
    pub workflow_runs: u64,
}

/// A workspace.
#[derive(Clone, Debug)]
pub(super) struct Space {
    pub id: Uuid,
    pub display_name: String,
    pub created_at: i64,
    pub metadata_version: u64,
    pub objects: Vec<Object>,
    pub bucket: Bucket,
    pub counters: Counters,
    pub webhooks: Vec<Webhook>,
    pub files: BTreeMap<Uuid, Value>,
    pub company_workflow_writes: bool,
    pub ids: u64,
}

impl Space {
    pub(super) fn object(&self, id: Uuid) -> Option<&Object> {
        self.objects.iter().find(|object| object.id == id)
    }

    pub(super) fn number_of(&self, id: Uuid) -> Option<usize> {
        self.objects.iter().position(|object| object.id == id)
    }

    pub(super) fn plural(&self, name: &str) -> Option<usize> {
        self.objects.iter().position(|object| object.plural == name && object.active)
    }

    pub(super) fn singular(&self, name: &str) -> Option<usize> {
        self.objects.iter().position(|object| object.singular == name && object.active)
    }

    /// Ids that look random and are the same in every run.
    pub(super) fn fresh_id(&mut self) -> Uuid {
        let mut next = || {
            self.ids = self.ids.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (self.ids ^ (self.ids >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^ (mixed >> 31)
        };
        let bytes = (u128::from(next()) << 64 | u128::from(next())).to_be_bytes();
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    pub(super) fn count_call(&mut self, kind: &str, writes: bool) {
        if writes {
            self.counters.writes += 1;
        } else {
            self.counters.reads += 1;
        }
        *self.counters.calls.entry(kind.to_owned()).or_default() += 1;
    }

    pub(super) fn count_refusal(&mut self, kind: String) {
        *self.counters.refusals.entry(kind).or_default() += 1;
    }

    /// Whether the workflow a fresh workspace ships with is still on.
    pub(super) fn company_workflow_active(&self) -> bool {
        let Some(number) = self.singular("workflow") else {
            return false;
        };
        let workflows = &self.objects[number];
        let Some(spot) = workflows.spot("statuses") else {
            return false;
        };
        let Column::Cell(column) = spot.column else {
            return false;
        };
        let active = Value::from("ACTIVE");
        workflows.table.rows().any(|row| row.get(column).as_array().is_some_and(|all| all.contains(&active)))
    }
}

pub(super) fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
