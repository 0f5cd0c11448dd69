//! Which records a request means: the tree both filter grammars end in, its truth, and the short way to the
//! records through an index. It never reads the wire.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};

use serde_json::Value;
use uuid::Uuid;

use super::refusal::{Refusal, inspect};
use super::row::Row;
use super::schema::{Column, Kind, Relation, Spot};
use super::space::{Object, Space};
use super::value::instant;

/// A condition on a record.
#[derive(Clone, Debug)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Test {
        column: Column,
        op: Op,
        operand: Operand,
    },
    /// A condition on the record that a to-one relation leads to.
    Related {
        column: Column,
        object: usize,
        filter: Box<Filter>,
    },
}

/// The comparators, in the order of Twenty's own error message.
pub(super) const OPS: [(&str, Op); 13] = [
    ("eq", Op::Eq),
    ("neq", Op::Neq),
    ("in", Op::In),
    ("containsAny", Op::ContainsAny),
    ("is", Op::Is),
    ("gt", Op::Gt),
    ("gte", Op::Gte),
    ("lt", Op::Lt),
    ("lte", Op::Lte),
    ("startsWith", Op::StartsWith),
    ("endsWith", Op::EndsWith),
    ("like", Op::Like),
    ("ilike", Op::Ilike),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Eq,
    Neq,
    In,
    ContainsAny,
    Is,
    Gt,
    Gte,
    Lt,
    Lte,
    StartsWith,
    EndsWith,
    Like,
    Ilike,
}

/// What a column is compared with, already in the column's own terms.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Null,
    NotNull,
    One(Key),
    Set(HashSet<String>),
}

/// A comparable value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Key {
    Nothing,
    Time(i64),
    Number(f64),
    Text(String),
    Flag(bool),
}

impl Key {
    /// Nothing is apart from everything else; the caller says on which side.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Time(a), Self::Time(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Flag(a), Self::Flag(b)) => a.cmp(b),
            _ => Ordering::Equal,
        }
    }

    /// The value in the terms of `column`: times of the record itself are milliseconds, the rest is as stored.
    pub(super) fn of(column: Column, kind: Kind, value: &Value) -> Option<Self> {
        if value.is_null() {
            return Some(Self::Nothing);
        }
        let text = || value.as_str().map(ToOwned::to_owned).or_else(|| Some(value.to_string()));
        match (column, kind) {
            (Column::CreatedAt | Column::UpdatedAt | Column::DeletedAt, _) => {
                value.as_str().and_then(instant).map(Self::Time)
            }
            (Column::Id, _) | (_, Kind::Uuid | Kind::Relation) => {
                Some(Self::Text(Uuid::try_parse(value.as_str()?).ok()?.to_string()))
            }
            (_, Kind::DateTime) => Some(Self::Text(crate::clock::iso(value.as_str().and_then(instant)?))),
            (_, Kind::Number | Kind::Numeric | Kind::Position) => number(value).map(Self::Number),
            (_, Kind::Currency) => number(value).map(Self::Number).or_else(|| text().map(Self::Text)),
            (_, Kind::Boolean) => match value {
                Value::Bool(flag) => Some(Self::Flag(*flag)),
                other => other.as_str()?.parse().ok().map(Self::Flag),
            },
            _ => text().map(Self::Text),
        }
    }

    /// What `row` has in `column`.
    pub(super) fn in_row(row: &Row, column: Column) -> Self {
        let of_value = |value: &Value| match value {
            Value::Null => Self::Nothing,
            Value::Bool(flag) => Self::Flag(*flag),
            Value::Number(number) => Self::Number(number.as_f64().unwrap_or_default()),
            Value::String(text) => Self::Text(text.clone()),
            other => Self::Text(other.to_string()),
        };
        match column {
            Column::Id => Self::Text(row.id.to_string()),
            Column::CreatedAt => Self::Time(row.created_at),
            Column::UpdatedAt => Self::Time(row.updated_at),
            Column::DeletedAt => row.deleted_at.map_or(Self::Nothing, Self::Time),
            Column::CreatedBy(part) => of_value(actor_part(&row.created_by.value, part)),
            Column::UpdatedBy(part) => of_value(actor_part(&row.updated_by.value, part)),
            Column::Search => Self::Nothing,
            Column::Cell(cell) => of_value(row.get(cell)),
        }
    }
}

fn actor_part(actor: &Value, part: usize) -> &Value {
    &actor[Kind::Actor.parts()[part].0]
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

impl Filter {
    /// The condition `path` `op` `value`, as both grammars mean it.
    pub(super) fn test(
        space: &Space,
        number: usize,
        path: &[&str],
        op: Op,
        value: &Value,
    ) -> Result<Self, Refusal> {
        let object = &space.objects[number];
        let [first, rest @ ..] = path else {
            return Err(Refusal::unknown_field(&object.singular, ""));
        };
        if let Some(spot) = object.spot(first) {
            let spot = match rest {
                [] => spot,
                [part, ..] => object.part(spot, part).ok_or_else(|| unknown_part(object, spot, part))?,
            };
            return leaf(object, spot, op, value);
        }
        if let Some((spot, target)) = object.to_one(first) {
            let target = space.number_of(target).expect("a relation leads to an object");
            let filter = Box::new(Self::test(space, target, rest, op, value)?);
            return Ok(Self::Related { column: spot.column, object: target, filter });
        }
        Err(no_such_filter(object, first))
    }

    /// Whether the filter itself speaks of soft-deleted records, so that they are not hidden.
    pub(super) fn speaks_of_deletion(&self) -> bool {
        match self {
            Self::All(inner) | Self::Any(inner) => inner.iter().any(Self::speaks_of_deletion),
            Self::Not(inner) => inner.speaks_of_deletion(),
            Self::Test { column, .. } => *column == Column::DeletedAt,
            Self::Related { .. } => false,
        }
    }

    pub(super) fn holds(&self, space: &Space, row: &Row) -> bool {
        match self {
            Self::All(inner) => inner.iter().all(|filter| filter.holds(space, row)),
            Self::Any(inner) => inner.iter().any(|filter| filter.holds(space, row)),
            Self::Not(inner) => !inner.holds(space, row),
            Self::Test { column, op, operand } => passes(row, *column, *op, operand),
            Self::Related { column, object, filter } => {
                let Column::Cell(cell) = column else { return false };
                let id = row.get(*cell).as_str().and_then(|id| Uuid::try_parse(id).ok());
                let related = id.and_then(|id| space.objects[*object].table.get(&id));
                related.is_some_and(|related| filter.holds(space, related))
            }
        }
    }

    /// The only records that can match, if an index knows them.
    pub(super) fn candidates(&self, object: &Object) -> Option<BTreeSet<Uuid>> {
        match self {
            Self::All(inner) => {
                inner.iter().filter_map(|filter| filter.candidates(object)).min_by_key(BTreeSet::len)
            }
            Self::Any(inner) => {
                let all: Option<Vec<_>> = inner.iter().map(|filter| filter.candidates(object)).collect();
                Some(all?.into_iter().flatten().collect())
            }
            Self::Not(_) | Self::Related { .. } => None,
            Self::Test { column, op, operand } => indexed(object, *column, *op, operand),
        }
    }
}

fn unknown_part(object: &Object, spot: Spot, part: &str) -> Refusal {
    let field = &object.fields[spot.field];
    Refusal::bad(format!("Sub field metadata not found for composite type: {} ({part})", field.kind.name()))
}

/// What is said to a filter on something that is no column.
pub(super) fn no_such_filter(object: &Object, name: &str) -> Refusal {
    match object.field_named(name).map(|(_, field)| field.relation) {
        Some(Some(Relation::ToMany { .. })) => Refusal::relation_filter(name),
        _ => Refusal::unknown_field(&object.singular, name),
    }
}

fn leaf(object: &Object, spot: Spot, op: Op, value: &Value) -> Result<Filter, Refusal> {
    let (kind, name) = (object.kind(spot), &object.fields[spot.field].name);
    let key = |value: &Value| {
        Key::of(spot.column, kind, value).ok_or_else(|| {
            let shown = inspect(value);
            let spoken = kind.spoken();
            Refusal::value(format!("Invalid {spoken} value {shown} for field \"{name}\""), &shown)
        })
    };
    let operand = match (op, value) {
        (Op::Is, Value::String(text)) if text == "NULL" => Operand::Null,
        (Op::Is, Value::String(text)) if text == "NOT_NULL" => Operand::NotNull,
        (Op::Is, other) => {
            let shown = inspect(other);
            return Err(Refusal::bad(format!("Invalid filter value {shown} for operator \"is\"")));
        }
        (Op::In | Op::ContainsAny, Value::Array(items)) => {
            let keys = items.iter().map(key).collect::<Result<Vec<_>, _>>()?;
            Operand::Set(keys.iter().map(text_of).collect())
        }
        (Op::In | Op::ContainsAny, one) => Operand::Set([text_of(&key(one)?)].into()),
        (Op::StartsWith | Op::EndsWith | Op::Like | Op::Ilike, value) => {
            Operand::One(Key::Text(value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)))
        }
        (_, value) => Operand::One(key(value)?),
    };
    Ok(Filter::Test { column: spot.column, op, operand })
}

fn text_of(key: &Key) -> String {
    match key {
        Key::Nothing => String::new(),
        Key::Time(ms) => ms.to_string(),
        Key::Number(number) => number.to_string(),
        Key::Text(text) => text.clone(),
        Key::Flag(flag) => flag.to_string(),
    }
}

fn passes(row: &Row, column: Column, op: Op, operand: &Operand) -> bool {
    if op == Op::ContainsAny {
        let (Column::Cell(cell), Operand::Set(set)) = (column, operand) else {
            return false;
        };
        let items = row.get(cell).as_array().map(Vec::as_slice).unwrap_or_default();
        return items.iter().filter_map(Value::as_str).any(|item| set.contains(item));
    }
    let key = Key::in_row(row, column);
    match operand {
        Operand::Null => key == Key::Nothing,
        Operand::NotNull => key != Key::Nothing,
        Operand::Set(set) => key != Key::Nothing && set.contains(&text_of(&key)),
        Operand::One(Key::Text(wanted)) if wanted.is_empty() && key == Key::Nothing => op == Op::Eq,
        Operand::One(_) if key == Key::Nothing => false,
        Operand::One(wanted) => compare(op, &key, wanted),
    }
}

fn compare(op: Op, key: &Key, wanted: &Key) -> bool {
    let text = || (text_of(key), text_of(wanted));
    match op {
        Op::Eq => key == wanted,
        Op::Neq => key != wanted,
        Op::Gt => key.compare(wanted) == Ordering::Greater,
        Op::Gte => key.compare(wanted) != Ordering::Less,
        Op::Lt => key.compare(wanted) == Ordering::Less,
        Op::Lte => key.compare(wanted) != Ordering::Greater,
        Op::StartsWith => text().0.starts_with(&text().1),
        Op::EndsWith => text().0.ends_with(&text().1),
        Op::Like => like(&text().0, &text().1),
        Op::Ilike => like(&text().0.to_lowercase(), &text().1.to_lowercase()),
        Op::In | Op::ContainsAny | Op::Is => false,
    }
}

/// SQL's `LIKE` with `%` alone.
fn like(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('%');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    if !pattern.contains('%') {
        return rest.is_empty();
    }
    let middle: Vec<&str> = parts.collect();
    let (last, middle) = middle.split_last().expect("a pattern with % has two parts");
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn indexed(object: &Object, column: Column, op: Op, operand: &Operand) -> Option<BTreeSet<Uuid>> {
    let wanted: Vec<String> = match (op, operand) {
        (Op::Eq, Operand::One(key)) if *key != Key::Nothing => vec![text_of(key)],
        (Op::In, Operand::Set(set)) => set.iter().cloned().collect(),
        (Op::Gt | Op::Gte, Operand::One(Key::Time(ms))) if column == Column::UpdatedAt => {
            return Some(object.table.changed_since(*ms).into_iter().collect());
        }
        _ => return None,
    };
    if column == Column::Id {
        return Some(wanted.iter().filter_map(|id| Uuid::try_parse(id).ok()).collect());
    }
    let unique = object.table.unique_on(column)?;
    if wanted.iter().any(String::is_empty) {
        return None;
    }
    Some(wanted.iter().filter_map(|key| unique.find(key)).collect())
}

impl Filter {
    /// Every record, soft-deleted ones included.
    pub(super) fn anything(space: &Space, object: usize) -> Self {
        let spot = space.objects[object].spot("deletedAt").expect("every object has deletedAt");
        let test = |operand| Self::Test { column: spot.column, op: Op::Is, operand };
        Self::Any(vec![test(Operand::Null), test(Operand::NotNull)])
    }
}
