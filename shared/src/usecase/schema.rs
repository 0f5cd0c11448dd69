//! Keeps our fields in a Twenty workspace as we need them, and knows which options its select fields have.

use std::collections::BTreeMap;

use tracing::info;

use crate::domain::connection::SchemaState;
use crate::domain::draft::{Change, FieldName, Value};
use crate::domain::schema::{Object, VERSION};
use crate::error::{Error, Kind, Result};
use crate::usecase::access::Access;

/// Makes what is missing; true when nothing is missing any more, false when time ran out first.
pub(crate) async fn ensure_schema(access: &Access<'_>) -> Result<bool> {
    let (twenty, at) = access.twenty_free();
    let stages = access.workspace.settings.every_stage();
    let known = access.schema().await;
    let ensured = match twenty.ensure_schema(at, &stages, &known, || access.has_time()).await {
        Ok(ensured) => ensured,
        Err(error) => return Err(access.twenty_refused(error).await),
    };
    let mut state = ensured.state;
    if ensured.complete {
        state.creates_companies = creates_companies(access).await?;
    }
    let problems = state.problems.clone();
    access.keep_schema(state).await?;
    match problems.first() {
        Some(problem) => Err(Error::new(Kind::Rejected).saying(problem.clone())),
        None => Ok(ensured.complete),
    }
}

/// The schema, made first if it is not there yet. Deliveries may arrive before the first run.
pub(crate) async fn schema_is_ready(access: &Access<'_>) -> Result<()> {
    if access.schema().await.version == VERSION || ensure_schema(access).await? {
        return Ok(());
    }
    Err(Error::new(Kind::Throttled { retry_after: std::time::Duration::from_secs(1) }))
}

async fn creates_companies(access: &Access<'_>) -> Result<bool> {
    let (twenty, at) = access.twenty().await?;
    match twenty.creates_companies(at).await {
        Ok(active) => Ok(active),
        // A key that may not see workflows only costs the warning.
        Err(error) => access.refused(error).await.map(|_| false),
    }
}

/// Makes the schema be looked at again before the next write.
pub(crate) async fn forget_schema(access: &Access<'_>) -> Result<()> {
    let state = SchemaState { version: 0, ..access.schema().await };
    access.keep_schema(state).await
}

/// Adds the options that `changes` need and Twenty does not have yet: Whop adds words without notice.
pub(crate) async fn options_exist(access: &Access<'_>, changes: &[Change]) -> Result<()> {
    let mut state = access.schema().await;
    let missing = missing_options(changes, &state);
    if missing.is_empty() {
        return Ok(());
    }
    for ((object, field), words) in missing {
        let (twenty, at) = access.twenty_free();
        let options = twenty.add_options(at, object, field, &words).await?;
        info!(event = "schema.options_added", field, "new options were added to {field}");
        state.options.insert(format!("{}.{field}", object.singular()), options);
    }
    access.keep_schema(state).await
}

fn missing_options(changes: &[Change], state: &SchemaState) -> BTreeMap<(Object, FieldName), Vec<String>> {
    let mut missing: BTreeMap<(Object, FieldName), Vec<String>> = BTreeMap::new();
    for change in changes {
        for (field, value) in &change.fields {
            let Value::Choice(option) = value else { continue };
            let known = state.options.get(&format!("{}.{field}", change.object.singular()));
            let words = missing.entry((change.object, field)).or_default();
            if !known.is_some_and(|known| known.contains(option)) && !words.contains(option) {
                words.push(option.clone());
            }
        }
    }
    missing.retain(|_, words| !words.is_empty());
    missing
}
