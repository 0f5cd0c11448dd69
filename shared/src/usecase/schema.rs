//! Keeps our fields in a Twenty workspace as we need them, and knows which options its select fields have.

use std::collections::BTreeMap;

use tracing::info;

use crate::domain::connection::SchemaState;
use crate::domain::contract::record;
use crate::domain::draft::{Change, FieldName, Value};
use crate::domain::schema::{Object, VERSION};
use crate::error::{Error, Kind, Result};
use crate::twenty::Wanted;
use crate::usecase::crm::Crm;

/// Makes what is missing; true when nothing is missing any more, false when time ran out first.
pub(crate) async fn ensure_schema(crm: &Crm<'_>) -> Result<bool> {
    let (twenty, at) = crm.twenty_free();
    let stages = crm.workspace.settings.every_stage();
    let known = crm.schema().await;
    let ensured =
        match twenty.ensure_schema(at, Wanted::Mirror { stages: &stages }, &known, || crm.has_time()).await {
            Ok(ensured) => ensured,
            Err(error) => return Err(crm.twenty_refused(error).await),
        };
    let mut state = ensured.state;
    if ensured.complete {
        state.creates_companies = creates_companies(crm).await?;
    }
    let problems = state.problems.clone();
    crm.keep_schema(state).await?;
    match problems.first() {
        Some(problem) => Err(Error::new(Kind::Rejected).saying(problem.clone())),
        None => Ok(ensured.complete),
    }
}

/// The schema, made first if it is not there yet. Deliveries may arrive before the first run.
pub(crate) async fn schema_is_ready(crm: &Crm<'_>) -> Result<()> {
    if crm.schema().await.version == VERSION || ensure_schema(crm).await? {
        return Ok(());
    }
    Err(Error::new(Kind::Throttled { retry_after: std::time::Duration::from_secs(1) }))
}

/// Makes the object of contracts, if it is not there yet. False if only a person can make room for it; what they must
/// do is kept with the workspace.
pub(crate) async fn contract_schema_is_ready(crm: &Crm<'_>) -> Result<bool> {
    let known = crm.schema().await;
    if known.contracts == record::VERSION {
        return Ok(true);
    }
    let (twenty, at) = crm.twenty_free();
    let ensured = match twenty.ensure_schema(at, Wanted::Contracts, &known, || crm.has_time()).await {
        Ok(ensured) => ensured,
        Err(error) => return no_room(crm, crm.twenty_refused(error).await).await,
    };
    let ready = ensured.state.contract_problems.is_empty();
    if ensured.state != known {
        crm.keep_schema(ensured.state).await?;
    }
    if ensured.complete {
        return Ok(ready);
    }
    Err(Error::new(Kind::Throttled { retry_after: std::time::Duration::from_secs(1) }))
}

/// A key without the right to make it is a problem for a person, like an object in the way.
async fn no_room(crm: &Crm<'_>, error: Error) -> Result<bool> {
    if error.kind() != Kind::Rejected {
        return Err(error);
    }
    let problems = vec![error.advice().to_owned()];
    let state = SchemaState { contract_problems: problems, ..crm.schema().await };
    if state != crm.schema().await {
        crm.keep_schema(state).await?;
    }
    Ok(false)
}

/// Makes the object of contracts be looked at again before the next record is written.
pub(crate) async fn forget_contract_schema(crm: &Crm<'_>) -> Result<()> {
    let state = SchemaState { contracts: 0, ..crm.schema().await };
    crm.keep_schema(state).await
}

async fn creates_companies(crm: &Crm<'_>) -> Result<bool> {
    let (twenty, at) = crm.twenty().await?;
    match twenty.creates_companies(at).await {
        Ok(active) => Ok(active),
        // A key that may not see workflows only costs the warning.
        Err(error) => crm.refused(error).await.map(|_| false),
    }
}

/// Makes the schema be looked at again before the next write.
pub(crate) async fn forget_schema(crm: &Crm<'_>) -> Result<()> {
    let state = SchemaState { version: 0, ..crm.schema().await };
    crm.keep_schema(state).await
}

/// Adds the options that `changes` need and Twenty does not have yet: Whop adds words without notice.
pub(crate) async fn options_exist(crm: &Crm<'_>, changes: &[Change]) -> Result<()> {
    let mut state = crm.schema().await;
    let missing = missing_options(changes, &state);
    if missing.is_empty() {
        return Ok(());
    }
    for ((object, field), words) in missing {
        let (twenty, at) = crm.twenty_free();
        let options = twenty.add_options(at, object, field, &words).await?;
        info!(event = "schema.options_added", field, "new options were added to {field}");
        state.options.insert(format!("{}.{field}", object.singular()), options);
    }
    crm.keep_schema(state).await
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
