//! Bringing a workspace's data model up to date: idempotent, one call at a time, and able to stop anywhere.
//!
//! Nothing is remembered between two visits but what Twenty itself shows, so whoever comes next goes on where
//! the last one stopped. Changes of the data model cost no tokens.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::json;

use super::client::Graph;
use super::model::{Model, option_values};
use super::plan::{Plan, Step, Wanted, object_body, plan, union};
use super::wire::{FieldThere, ObjectThere, Objects};
use super::{At, Twenty, TwentyError};
use crate::domain::connection::SchemaState;
use crate::domain::contract::record;
use crate::domain::schema::{self, Object, option_value};

/// How far it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ensured {
    pub(crate) state: SchemaState,
    /// False if time ran out; call again to go on.
    pub(crate) complete: bool,
}

const MODEL: &str = "query($after:ConnectionCursor){objects(paging:{first:200,after:$after}){edges{node{\
    id nameSingular isActive description fieldsList{id name type isUnique isActive options \
    relation{type targetObjectMetadata{nameSingular}}}}}pageInfo{hasNextPage endCursor}}}";

/// Refusals by the step they met.
type Refusals = BTreeMap<String, String>;

impl Twenty {
    /// Makes the objects, fields and options that are missing, one call at a time, while `time_left` says yes.
    ///
    /// What only a person can mend ends up among the state's problems; everything else is made all the same. An error stops it, and nothing is lost by that.
    pub(crate) async fn ensure_schema(
        &self,
        at: At<'_>,
        wanted: Wanted<'_>,
        known: &SchemaState,
        time_left: impl Fn() -> bool + Send + Sync,
    ) -> Result<Ensured, TwentyError> {
        let mut model = self.model(at).await?;
        let mut tried = BTreeSet::new();
        let mut refusals = Refusals::new();
        loop {
            let steps = plan(&model, wanted).steps;
            let Some(step) = steps.into_iter().find(|step| !tried.contains(&step.label())) else {
                return Ok(ended(&model, wanted, known, &refusals));
            };
            if !time_left() {
                return Ok(unfinished(&model, wanted, known));
            }
            tried.insert(step.label());
            match self.apply(at, &step, &mut model).await {
                Ok(()) => {}
                // Somebody else was faster, or the answer told us nothing: look again.
                Err(
                    TwentyError::NameTaken | TwentyError::SchemaDrift { .. } | TwentyError::Unexpected { .. },
                ) => {
                    model = self.model(at).await?;
                }
                Err(error) => {
                    let text = refusal(&step, error)?;
                    refusals.insert(step.label(), text);
                }
            }
        }
    }

    /// Adds options to a select field, Whop's words or values; those that are there stay. Answers with all of
    /// them. Costs no token.
    pub(crate) async fn add_options(
        &self,
        at: At<'_>,
        object: Object,
        field: &str,
        words: &[String],
    ) -> Result<Vec<String>, TwentyError> {
        let model = self.model(at).await?;
        let gone = || TwentyError::SchemaDrift { what: format!("{}.{field} is missing", object.singular()) };
        let there = model.field(object, field).ok_or_else(gone)?;
        let mut wanted: Vec<String> = words.iter().map(|word| option_value(word)).collect();
        wanted.sort();
        wanted.dedup();
        let Some(options) = union(there, &wanted) else {
            return Ok(option_values(there));
        };
        let path = format!("/rest/metadata/fields/{}", there.id);
        let body = json!({"options": options});
        let changed: FieldThere = self.change_model(at, Method::PATCH, &path, &body).await?;
        Ok(option_values(&changed))
    }

    /// The data model as it is. One call for every 200 objects.
    async fn model(&self, at: At<'_>) -> Result<Model, TwentyError> {
        let mut model = Model::default();
        let mut after = None;
        loop {
            let variables = json!({"after": after});
            let page: Objects = self.graphql(at, Graph::Metadata, MODEL, variables).await?;
            for edge in page.objects.edges {
                model.put_object(edge.node);
            }
            let before = after;
            after = page.objects.page.end_cursor;
            if !page.objects.page.has_next_page || after.is_none() || after == before {
                return Ok(model);
            }
        }
    }

    /// Takes one step and notes in `model` what the answer shows.
    async fn apply(&self, at: At<'_>, step: &Step, model: &mut Model) -> Result<(), TwentyError> {
        let (method, path, body) = call(step);
        match step {
            Step::MakeObject(object) => {
                let mut there: ObjectThere = self.change_model(at, method, &path, &body).await?;
                // It is known as ours until it has its key.
                there.description = Some(object.description().to_owned());
                model.put_object(there);
            }
            Step::WakeObject { .. } => {
                let _: ObjectThere = self.change_model(at, method, &path, &body).await?;
                // The answer to a change does not list the fields.
                *model = self.model(at).await?;
            }
            Step::MakeField { field, .. }
            | Step::WakeField { field, .. }
            | Step::MakeUnique { field, .. }
            | Step::SetOptions { field, .. } => {
                let there: FieldThere = self.change_model(at, method, &path, &body).await?;
                model.put_field(field.object, there);
            }
        }
        Ok(())
    }
}

fn call(step: &Step) -> (Method, String, serde_json::Value) {
    let field = |id: &str| format!("/rest/metadata/fields/{id}");
    match step {
        Step::MakeObject(object) => (Method::POST, "/rest/metadata/objects".to_owned(), object_body(*object)),
        Step::WakeObject { id, .. } => {
            (Method::PATCH, format!("/rest/metadata/objects/{id}"), json!({"isActive": true}))
        }
        Step::MakeField { body, .. } => (Method::POST, "/rest/metadata/fields".to_owned(), body.clone()),
        Step::WakeField { id, .. } => (Method::PATCH, field(id), json!({"isActive": true})),
        Step::MakeUnique { id, .. } => (Method::PATCH, field(id), json!({"isUnique": true})),
        Step::SetOptions { id, options, .. } => (Method::PATCH, field(id), json!({"options": options})),
    }
}

/// What a person reads about a step that was refused for good; any other error stops the whole.
fn refusal(step: &Step, error: TwentyError) -> Result<String, TwentyError> {
    let TwentyError::Rejected { reason, .. } = error else {
        return Err(error);
    };
    let subject = step.subject();
    if matches!(step, Step::MakeUnique { .. }) && reason.starts_with("Migration action") {
        return Ok(format!(
            "{subject} cannot be made unique: several records in Twenty, perhaps deleted ones, have the same value \
             in it; empty it in all but one of them, then sync again"
        ));
    }
    Ok(format!("Twenty refuses to {}: {reason}", step.label()))
}

/// Every step was taken that can be; what is still wanted is a problem.
fn ended(model: &Model, wanted: Wanted<'_>, known: &SchemaState, refusals: &Refusals) -> Ensured {
    let Plan { steps, mut problems } = plan(model, wanted);
    problems.extend(steps.iter().map(|step| {
        let label = step.label();
        refusals.get(&label).cloned().unwrap_or_else(|| {
            format!(
                "Twenty does not {label}, perhaps because the name is taken on the other side; look at it in Twenty → \
                 Settings → Data model, then sync again"
            )
        })
    }));
    let whole = problems.is_empty();
    Ensured { state: state(model, wanted, known, (problems, whole)), complete: true }
}

fn unfinished(model: &Model, wanted: Wanted<'_>, known: &SchemaState) -> Ensured {
    let problems = plan(model, wanted).problems;
    Ensured { state: state(model, wanted, known, (problems, false)), complete: false }
}

/// The version to remember. That the present one is not whole has just been seen; one before it still may be.
fn version(known: u32, present: u32, whole: bool) -> u32 {
    if whole {
        return present;
    }
    if known < present { known } else { 0 }
}

/// What is known afterwards: of the part that was looked at, and of the other one as before.
fn state(
    model: &Model,
    wanted: Wanted<'_>,
    known: &SchemaState,
    (problems, whole): (Vec<String>, bool),
) -> SchemaState {
    let known = SchemaState { options: model.options(), ..known.clone() };
    match wanted {
        Wanted::Mirror { .. } => {
            SchemaState { version: version(known.version, schema::VERSION, whole), problems, ..known }
        }
        Wanted::Contracts => {
            let contracts = version(known.contracts, record::VERSION, whole);
            SchemaState { contracts, contract_problems: problems, ..known }
        }
    }
}
