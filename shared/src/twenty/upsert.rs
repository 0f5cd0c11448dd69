//! Writing records. A batch is refused as a whole for one bad record, but what it updated before may stay
//! written, so a refused batch is sent again in parts and never counted as done or undone.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::wire::{Batch, Record};
use super::{At, Twenty, TwentyError, value};
use crate::domain::draft::Change;
use crate::domain::id::CrmId;
use crate::domain::schema::Object;

/// Most records of one batch (Twenty, API docs); at 200 a call can pass seven seconds (measured on 2.21).
pub(crate) const LARGEST_BATCH: usize = 60;

/// What became of one change.
#[derive(Debug)]
pub(crate) struct Upserted {
    /// The Whop id.
    pub(crate) key: String,
    /// The record that was written, which need not have the id that was sent.
    pub(crate) id: Result<CrmId, TwentyError>,
}

impl Twenty {
    /// Creates or changes records of one object, at most [`LARGEST_BATCH`]. One call. The answers are in the
    /// order of the changes.
    pub(crate) async fn upsert(
        &self,
        at: At<'_>,
        object: Object,
        changes: &[Change],
    ) -> Result<Vec<Upserted>, TwentyError> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        if changes.len() > LARGEST_BATCH {
            return Err(TwentyError::Misused("a batch is too large"));
        }
        let records: Result<Vec<Json>, TwentyError> =
            changes.iter().map(|change| record(object, change)).collect();
        let path = format!("/rest/batch/{}?upsert=true", object.plural());
        let answer: Batch = self.post_records(at, &path, &Json::Array(records?)).await?;
        let written = by_key(object, answer.data.into_values().flatten());
        Ok(changes.iter().map(|change| outcome(&written, change)).collect())
    }
}

/// A change as Twenty takes it. It names its id as well as its key: a new record is made with that id, and a
/// known one is found by it.
pub(super) fn record(object: Object, change: &Change) -> Result<Json, TwentyError> {
    if change.object != object {
        return Err(TwentyError::Misused("a change of another object is in the batch"));
    }
    let mut record = Map::new();
    for (name, wanted) in &change.fields {
        let field =
            object.field(name).ok_or(TwentyError::Misused("a change names a field we do not have"))?;
        record.insert(value::column(field), value::write(field, wanted)?);
    }
    record.insert("id".to_owned(), json!(change.id));
    record.insert(object.key_field().to_owned(), json!(change.key));
    Ok(Json::Object(record))
}

/// The answer is not in the order of the request (updated records come first), so only the key tells.
fn by_key(object: Object, records: impl Iterator<Item = Record>) -> BTreeMap<String, CrmId> {
    let named = records.filter_map(|record| {
        let text = |name: &str| record.get(name).and_then(Json::as_str);
        Some((text(object.key_field())?.to_owned(), text("id")?.parse().ok()?))
    });
    named.collect()
}

fn outcome(written: &BTreeMap<String, CrmId>, change: &Change) -> Upserted {
    let missing = || TwentyError::Rejected {
        reason: "Twenty took the batch but did not answer for this record".to_owned(),
        culprit: None,
    };
    Upserted { key: change.key.clone(), id: written.get(&change.key).copied().ok_or_else(missing) }
}
