//! Records as JSON text. Text, not values: a list of two hundred records must cost next to nothing.

use std::fmt::Write as _;

use serde_json::Value;
use uuid::Uuid;

use super::row::Row;
use super::schema::{Column, Empty, Field, Kind, Relation, cell, column_of};
use super::space::{Object, Space};

/// At most this many records of a to-many relation are shown.
const RELATED: usize = 60;

/// Writes records of one workspace.
pub(super) struct Renderer<'a> {
    pub space: &'a Space,
    /// The server's own address, for signed links.
    pub base: &'a str,
    pub out: String,
    last_time: (i64, String),
}

impl<'a> Renderer<'a> {
    pub(super) fn new(space: &'a Space, base: &'a str) -> Self {
        Self { space, base, out: String::new(), last_time: (i64::MIN, String::new()) }
    }

    /// A whole record; at depth 1 with what its relations lead to.
    pub(super) fn record(&mut self, object: &Object, row: &Row, depth: u8) {
        self.out.push('{');
        let mut first = true;
        for (number, field) in object.fields() {
            if matches!(field.relation, Some(Relation::ToMany { .. })) {
                continue;
            }
            self.comma(&mut first);
            self.out.push('"');
            self.out.push_str(&field.name);
            self.out.push_str(if field.relation.is_some() { "Id\":" } else { "\":" });
            self.field(object, number, field, row);
        }
        if depth > 0 {
            self.relations(object, row, &mut first);
        }
        self.out.push('}');
    }

    pub(super) fn records<'r>(
        &mut self,
        object: &Object,
        rows: impl IntoIterator<Item = &'r Row>,
        depth: u8,
    ) {
        self.out.push('[');
        let mut first = true;
        for row in rows {
            self.comma(&mut first);
            self.record(object, row, depth);
        }
        self.out.push(']');
    }

    fn comma(&mut self, first: &mut bool) {
        if !*first {
            self.out.push(',');
        }
        *first = false;
    }

    fn relations(&mut self, object: &Object, row: &Row, first: &mut bool) {
        for (number, field) in object.fields() {
            let Some(relation) = field.relation else { continue };
            self.comma(first);
            put!(self.out, "\"{}\":", field.name);
            match relation {
                Relation::ToOne { target } => match related(self.space, row, number, target) {
                    Some((object, row)) => self.record(object, row, 0),
                    None => self.out.push_str("null"),
                },
                Relation::ToMany { source, field } => {
                    let (object, rows) = children(self.space, row.id, source, field);
                    self.records(object, rows.into_iter().take(RELATED), 0);
                }
            }
        }
    }

    /// One field of a record as it is read back.
    pub(super) fn field(&mut self, object: &Object, number: usize, field: &Field, row: &Row) {
        match column_of(&field.name, number, 0) {
            Column::Id => self.uuid(row.id),
            Column::CreatedAt => self.time(row.created_at),
            Column::UpdatedAt => self.time(row.updated_at),
            Column::DeletedAt => match row.deleted_at {
                Some(ms) => self.time(ms),
                None => self.out.push_str("null"),
            },
            Column::CreatedBy(_) => self.out.push_str(&row.created_by.text),
            Column::UpdatedBy(_) => self.out.push_str(&row.updated_by.text),
            Column::Search => self.search(object, row),
            Column::Cell(_) if field.kind.parts().is_empty() => self.plain(field, row.get(cell(number, 0))),
            Column::Cell(_) => {
                self.out.push('{');
                for (part, (name, empty)) in field.kind.parts().iter().enumerate() {
                    if part > 0 {
                        self.out.push(',');
                    }
                    put!(self.out, "\"{name}\":");
                    self.value(row.get(cell(number, part)), *empty);
                }
                self.out.push('}');
            }
        }
    }

    fn plain(&mut self, field: &Field, value: &Value) {
        if field.kind == Kind::Files && value.is_array() {
            let shown = super::files::shown(value, self.base).to_string();
            self.out.push_str(&shown);
        } else {
            self.value(value, field.kind.empty());
        }
    }

    pub(super) fn value(&mut self, value: &Value, empty: Empty) {
        match value {
            Value::Null => self.out.push_str(match empty {
                Empty::Text => "\"\"",
                Empty::List => "[]",
                Empty::Null => "null",
            }),
            Value::String(text) => self.text(text),
            other => self.out.push_str(&other.to_string()),
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        let plain = text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
        if plain {
            self.out.push('"');
            self.out.push_str(text);
            self.out.push('"');
        } else {
            self.out.push_str(&Value::from(text).to_string());
        }
    }

    fn uuid(&mut self, id: Uuid) {
        let mut buffer = Uuid::encode_buffer();
        self.out.push('"');
        self.out.push_str(id.as_hyphenated().encode_lower(&mut buffer));
        self.out.push('"');
    }

    fn time(&mut self, ms: i64) {
        if self.last_time.0 != ms {
            self.last_time = (ms, crate::clock::iso(ms));
        }
        self.out.push('"');
        self.out.push_str(&self.last_time.1);
        self.out.push('"');
    }

    /// A stand-in for the search vector: the words of the record's name.
    fn search(&mut self, object: &Object, row: &Row) {
        let words = label(object, row).to_lowercase();
        let words: Vec<String> = words
            .split_whitespace()
            .enumerate()
            .map(|(at, word)| format!("'{}':{}", word.replace('\'', ""), at + 1))
            .collect();
        self.text(&words.join(" "));
    }
}

/// The record that the to-one field number `number` of `row` leads to, unless it is gone or soft-deleted.
pub(super) fn related<'a>(
    space: &'a Space,
    row: &Row,
    number: usize,
    target: Uuid,
) -> Option<(&'a Object, &'a Row)> {
    let id = Uuid::try_parse(row.get(cell(number, 0)).as_str()?).ok()?;
    let object = space.object(target)?;
    let row = object.table.get(&id).filter(|row| row.deleted_at.is_none())?;
    Some((object, row))
}

/// The records of `source` whose field `field` leads to `id`.
pub(super) fn children(space: &Space, id: Uuid, source: Uuid, field: Uuid) -> (&Object, Vec<&Row>) {
    let object = space.object(source).expect("a relation comes from an object");
    let Some((number, _)) = object.field_with_id(field) else {
        return (object, Vec::new());
    };
    let (column, wanted) = (cell(number, 0), id.to_string());
    let rows = object.table.rows();
    let rows = rows.filter(|row| row.deleted_at.is_none() && row.get(column).as_str() == Some(&wanted));
    (object, rows.collect())
}

/// What a person would call the record: its `name` or `title`.
pub(super) fn label(object: &Object, row: &Row) -> String {
    let Some(spot) = object.spot("name").or_else(|| object.spot("title")) else {
        return String::new();
    };
    let parts = object.kind(spot).parts().len().max(1);
    let words = (0..parts).filter_map(|part| row.get(cell(spot.field, part)).as_str());
    words.collect::<Vec<_>>().join(" ")
}
