//! Lists in pages: order, cursors, counts. Keyset paging, so a page is stable while records come and go.

use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::filter::{Filter, Key};
use super::refusal::Refusal;
use super::row::Row;
use super::schema::{Column, Spot};
use super::space::{Object, Space};

/// Ascending or descending, and where empty values stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Direction {
    descending: bool,
    nulls_first: bool,
}

impl Direction {
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (descending, nulls_first) = match name {
            "AscNullsFirst" => (false, true),
            "AscNullsLast" => (false, false),
            "DescNullsFirst" => (true, true),
            "DescNullsLast" => (true, false),
            _ => return None,
        };
        Some(Self { descending, nulls_first })
    }

    fn compare(self, a: &Key, b: &Key) -> Ordering {
        match (a == &Key::Nothing, b == &Key::Nothing) {
            (true, true) => Ordering::Equal,
            (true, false) => {
                if self.nulls_first {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
            (false, true) => {
                if self.nulls_first {
                    Ordering::Greater
                } else {
                    Ordering::Less
                }
            }
            (false, false) if self.descending => b.compare(a),
            (false, false) => a.compare(b),
        }
    }
}

/// One sort key.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub path: Vec<String>,
    pub spot: Spot,
    pub direction: Direction,
}

/// What is asked of a list.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub filter: Option<Filter>,
    pub order: Vec<Order>,
    pub limit: usize,
    pub after: Option<String>,
    pub before: Option<String>,
    pub offset: usize,
}

/// A page of a list.
#[derive(Debug)]
pub(super) struct Page<'a> {
    pub rows: Vec<&'a Row>,
    pub total: usize,
    pub has_next: bool,
    pub has_previous: bool,
}

/// Answers `query` on the object number `number`.
pub(super) fn page<'a>(space: &'a Space, number: usize, query: &Query) -> Result<Page<'a>, Refusal> {
    let object = &space.objects[number];
    let order = complete(object, &query.order);
    let after = query.after.as_deref().map(|text| cursor(object, &order, text)).transpose()?;
    let before = query.before.as_deref().map(|text| cursor(object, &order, text)).transpose()?;
    if let (None, None, [only], 0) = (&query.filter, &before, order.as_slice(), query.offset)
        && only.spot.column == Column::Id
        && !only.direction.descending
    {
        return Ok(by_id(object, after.as_deref(), query.limit));
    }
    let mut rows = matching(space, number, query.filter.as_ref());
    let total = rows.len();
    let keys = |row: &Row| order.iter().map(|order| Key::in_row(row, order.spot.column)).collect::<Vec<_>>();
    let compare = |a: &[Key], b: &[Key]| {
        let pairs = order.iter().zip(a.iter().zip(b));
        pairs
            .map(|(order, (a, b))| order.direction.compare(a, b))
            .find(|by| by.is_ne())
            .unwrap_or(Ordering::Equal)
    };
    rows.sort_by_cached_key(|row| Sorted { keys: keys(row), compare: &compare });
    if let Some(after) = &after {
        rows.retain(|row| compare(&keys(row), after).is_gt());
    }
    if let Some(before) = &before {
        rows.retain(|row| compare(&keys(row), before).is_lt());
        let more = rows.len().saturating_sub(query.limit);
        return Ok(Page { rows: rows.split_off(more), total, has_next: true, has_previous: more > 0 });
    }
    let rows: Vec<_> = rows.into_iter().skip(query.offset).collect();
    let has_next = rows.len() > query.limit;
    let rows = rows.into_iter().take(query.limit).collect();
    Ok(Page { rows, total, has_next, has_previous: after.is_some() })
}

/// Sort keys that know how they compare, so that each is computed once.
struct Sorted<'a, F: Fn(&[Key], &[Key]) -> Ordering> {
    keys: Vec<Key>,
    compare: &'a F,
}

impl<F: Fn(&[Key], &[Key]) -> Ordering> Ord for Sorted<'_, F> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.compare)(&self.keys, &other.keys)
    }
}

impl<F: Fn(&[Key], &[Key]) -> Ordering> PartialOrd for Sorted<'_, F> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<F: Fn(&[Key], &[Key]) -> Ordering> PartialEq for Sorted<'_, F> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<F: Fn(&[Key], &[Key]) -> Ordering> Eq for Sorted<'_, F> {}

/// The short way for the default order without a filter.
fn by_id<'a>(object: &'a Object, after: Option<&[Key]>, limit: usize) -> Page<'a> {
    let start = match after {
        Some([Key::Text(id), ..]) => Uuid::try_parse(id).ok(),
        _ => None,
    };
    let all: Box<dyn Iterator<Item = &Row>> = match start {
        Some(id) => Box::new(object.table.rows_after(id)),
        None => Box::new(object.table.rows()),
    };
    let mut rows: Vec<_> = all.filter(|row| row.deleted_at.is_none()).take(limit + 1).collect();
    let has_next = rows.len() > limit;
    rows.truncate(limit);
    Page { rows, total: object.table.live(), has_next, has_previous: start.is_some() }
}

/// Every record the filter means; soft-deleted ones only if the filter speaks of them.
pub(super) fn matching<'a>(space: &'a Space, number: usize, filter: Option<&Filter>) -> Vec<&'a Row> {
    let object = &space.objects[number];
    let hide = !filter.is_some_and(Filter::speaks_of_deletion);
    let fits = |row: &&Row| {
        (!hide || row.deleted_at.is_none()) && filter.is_none_or(|filter| filter.holds(space, row))
    };
    match filter.and_then(|filter| filter.candidates(object)) {
        Some(ids) => ids.iter().filter_map(|id| object.table.get(id)).filter(fits).collect(),
        None => object.table.rows().filter(fits).collect(),
    }
}

/// The id always decides last.
fn complete(object: &Object, order: &[Order]) -> Vec<Order> {
    let mut order = order.to_vec();
    if !order.iter().any(|order| order.spot.column == Column::Id) {
        let direction = Direction { descending: false, nulls_first: true };
        let spot = object.spot("id").expect("every object has an id");
        order.push(Order { path: vec!["id".to_owned()], spot, direction });
    }
    order
}

fn cursor(object: &Object, order: &[Order], text: &str) -> Result<Vec<Key>, Refusal> {
    let bad = || Refusal::bad(format!("Invalid cursor: {text}"));
    let bytes = STANDARD.decode(text).map_err(|_| bad())?;
    let value = String::from_utf8(bytes).ok().and_then(|json| json.parse::<Value>().ok()).ok_or_else(bad)?;
    let keys = order.iter().map(|order| {
        let mut found = &value;
        for part in &order.path {
            found = found.get(part)?;
        }
        Key::of(order.spot.column, object.kind(order.spot), found)
    });
    keys.collect::<Option<Vec<_>>>().ok_or_else(bad)
}

/// The place of `row` in the order, for the next page to start after. `keep` says which keys go in.
pub(super) fn cursor_of(
    object: &Object,
    order: &[Order],
    row: &Row,
    keep: impl Fn(&Order) -> bool,
) -> String {
    let mut cursor = Map::new();
    for order in complete(object, order).iter().filter(|order| order.spot.column == Column::Id || keep(order))
    {
        let value = match Key::in_row(row, order.spot.column) {
            Key::Nothing => Value::Null,
            Key::Time(ms) => json!(crate::clock::iso(ms)),
            Key::Number(number) => json!(number),
            Key::Text(text) => json!(text),
            Key::Flag(flag) => json!(flag),
        };
        match order.path.as_slice() {
            [name] => drop(cursor.insert(name.clone(), value)),
            [name, part, ..] => {
                let nested = cursor.entry(name.clone()).or_insert_with(|| json!({}));
                nested[part.as_str()] = value;
            }
            [] => {}
        }
    }
    STANDARD.encode(Value::Object(cursor).to_string())
}
