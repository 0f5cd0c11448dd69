//! Records of one object, with indexes on the id, on every unique field and on the time of the last change.
//!
//! Empty columns take no room: a hundred thousand people must fit into a test.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::schema::{Column, cell};

/// Who did it, as `createdBy` and `updatedBy` show it.
#[derive(Debug)]
pub(super) struct Actor {
    pub value: Value,
    pub text: String,
}

impl Actor {
    pub(super) fn new(source: &str, name: &str, context: &Value) -> Arc<Self> {
        let value = serde_json::json!({
            "source": source, "workspaceMemberId": null, "name": name, "context": context,
        });
        Arc::new(Self { text: value.to_string(), value })
    }
}

/// One record.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub id: Uuid,
    pub created_at: i64,
    pub updated_at: i64,
    pub deleted_at: Option<i64>,
    pub created_by: Arc<Actor>,
    pub updated_by: Arc<Actor>,
    cells: Vec<(u16, Value)>,
}

impl Row {
    pub(super) fn new(id: Uuid, now: i64, by: &Arc<Actor>) -> Self {
        Self {
            id,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            created_by: by.clone(),
            updated_by: by.clone(),
            cells: Vec::with_capacity(12),
        }
    }

    pub(super) fn get(&self, column: u16) -> &Value {
        match self.cells.binary_search_by_key(&column, |(at, _)| *at) {
            Ok(at) => &self.cells[at].1,
            Err(_) => &Value::Null,
        }
    }

    pub(super) fn set(&mut self, column: u16, value: Value) {
        match (self.cells.binary_search_by_key(&column, |(at, _)| *at), value) {
            (Ok(at), Value::Null) => drop(self.cells.remove(at)),
            (Ok(at), value) => self.cells[at].1 = value,
            (Err(_), Value::Null) => {}
            (Err(at), value) => self.cells.insert(at, (column, value)),
        }
    }

    /// Forgets every part of a field.
    pub(super) fn forget(&mut self, field: usize) {
        self.cells.retain(|(at, _)| usize::from(*at) / 16 != field);
    }

    /// Which fields differ between two states of a record.
    pub(super) fn changed_fields(&self, other: &Self) -> BTreeSet<usize> {
        let mut columns: BTreeSet<u16> = self.cells.iter().map(|(at, _)| *at).collect();
        columns.extend(other.cells.iter().map(|(at, _)| *at));
        let changed = columns.into_iter().filter(|at| self.get(*at) != other.get(*at));
        changed.map(|at| usize::from(at) / 16).collect()
    }
}

/// The text under which a value is indexed; an empty value is never indexed.
pub(super) fn index_key(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// A unique index on one column.
#[derive(Clone, Debug)]
pub(super) struct Unique {
    pub field: usize,
    pub column: u16,
    entries: HashMap<String, Uuid>,
}

/// Every record of one object, soft-deleted ones included.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    rows: BTreeMap<Uuid, Row>,
    uniques: Vec<Unique>,
    by_change: BTreeSet<(i64, Uuid)>,
    live: usize,
    next_position: i64,
}

impl Table {
    pub(super) fn get(&self, id: &Uuid) -> Option<&Row> {
        self.rows.get(id)
    }

    /// In order of the id.
    pub(super) fn rows(&self) -> impl DoubleEndedIterator<Item = &Row> {
        self.rows.values()
    }

    pub(super) fn rows_after(&self, id: Uuid) -> impl Iterator<Item = &Row> {
        use std::ops::Bound::{Excluded, Unbounded};
        self.rows.range((Excluded(id), Unbounded)).map(|(_, row)| row)
    }

    pub(super) fn changed_since(&self, ms: i64) -> Vec<Uuid> {
        self.by_change.range((ms, Uuid::nil())..).map(|(_, id)| *id).collect()
    }

    /// The records that changed last, latest first.
    pub(super) fn latest(&self, count: usize) -> Vec<Uuid> {
        self.by_change.iter().rev().take(count).map(|(_, id)| *id).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Records that are not soft-deleted.
    pub(super) fn live(&self) -> usize {
        self.live
    }

    pub(super) fn uniques(&self) -> &[Unique] {
        &self.uniques
    }

    pub(super) fn unique_on(&self, column: Column) -> Option<&Unique> {
        self.uniques.iter().find(|unique| Column::Cell(unique.column) == column)
    }

    /// New records come on top of the list: 0, -1, -2 and so on.
    pub(super) fn take_position(&mut self) -> i64 {
        self.next_position -= 1;
        self.next_position + 1
    }

    pub(super) fn insert(&mut self, row: Row) {
        self.live += usize::from(row.deleted_at.is_none());
        self.by_change.insert((row.updated_at, row.id));
        for unique in &mut self.uniques {
            if let Some(key) = index_key(row.get(unique.column)) {
                unique.entries.insert(key, row.id);
            }
        }
        self.rows.insert(row.id, row);
    }

    pub(super) fn remove(&mut self, id: &Uuid) -> Option<Row> {
        let row = self.rows.remove(id)?;
        self.live -= usize::from(row.deleted_at.is_none());
        self.by_change.remove(&(row.updated_at, row.id));
        for unique in &mut self.uniques {
            if let Some(key) = index_key(row.get(unique.column)) {
                unique.entries.remove(&key);
            }
        }
        Some(row)
    }

    /// The record other than `row` itself that already holds one of its unique values.
    pub(super) fn holder(&self, row: &Row) -> Option<(usize, Uuid)> {
        self.uniques.iter().find_map(|unique| {
            let key = index_key(row.get(unique.column))?;
            let holder = *unique.entries.get(&key)?;
            (holder != row.id).then_some((unique.field, holder))
        })
    }

    /// False, and no index, when two records hold the same value.
    pub(super) fn make_unique(&mut self, field: usize, part: usize) -> bool {
        let column = cell(field, part);
        let mut entries = HashMap::new();
        for row in self.rows.values() {
            let Some(key) = index_key(row.get(column)) else {
                continue;
            };
            if entries.insert(key, row.id).is_some() {
                return false;
            }
        }
        self.uniques.push(Unique { field, column, entries });
        true
    }

    pub(super) fn drop_unique(&mut self, field: usize) {
        self.uniques.retain(|unique| unique.field != field);
    }

    /// Writes one column of every record, past every rule.
    pub(super) fn fill(&mut self, column: u16, value: &Value) {
        for row in self.rows.values_mut() {
            row.set(column, value.clone());
        }
    }

    pub(super) fn forget_field(&mut self, field: usize) {
        self.drop_unique(field);
        for row in self.rows.values_mut() {
            row.forget(field);
        }
    }
}

impl Unique {
    pub(super) fn find(&self, key: &str) -> Option<Uuid> {
        self.entries.get(key).copied()
    }
}
