//! Twenty: the workspace, its data model, and the records we keep there.
//!
//! One method is one call that costs a token of the workspace's budget, unless it says otherwise; the caller
//! takes the token first. It never repeats a call, never waits between two, and lets no wire type out.

mod claims;
mod client;
mod deal;
mod error;
mod file;
mod find;
mod mirror;
mod model;
mod note;
mod outcome;
mod plan;
mod read;
mod redact;
mod schema;
#[cfg(test)]
mod tests;
mod upsert;
mod value;
mod wire;

use serde_json::json;
use url::Url;
use uuid::Uuid;

use crate::domain::grant::Secret;
use crate::http::Http;

pub(crate) use claims::key_claims;
pub(crate) use deal::InStage;
pub(crate) use error::{KeyProblem, Right, TwentyError};
pub(crate) use file::UploadedFile;
pub(crate) use find::Lookup;
pub(crate) use mirror::Owned;
pub(crate) use note::{NewNote, Place, Tie};
pub(crate) use plan::Wanted;

use client::Graph;

/// The client. Cheap to clone; connections are shared.
#[derive(Clone, Debug)]
pub(crate) struct Twenty {
    http: Http,
}

/// Which server, and the API key that names the workspace there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'a> {
    /// The server's address; a path in it is kept as a prefix.
    pub(crate) server: &'a Url,
    pub(crate) key: &'a Secret,
}

/// Who a key speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WorkspaceIdentity {
    /// Twenty's own id of the workspace.
    pub(crate) id: Uuid,
    pub(crate) name: String,
}

/// The workflow every fresh workspace ships with; it makes a company for every person that is created.
const COMPANY_WORKFLOW: &str = "Create company when adding a new person";

impl Twenty {
    /// A client that calls through `http`.
    pub(crate) fn new(http: Http) -> Self {
        Self { http }
    }

    /// The workspace a key belongs to, which proves the key. Costs no token.
    pub(crate) async fn current_workspace(&self, at: At<'_>) -> Result<WorkspaceIdentity, TwentyError> {
        let query = "{currentWorkspace{id displayName}}";
        let found: wire::CurrentWorkspace = self.graphql(at, Graph::Metadata, query, json!({})).await?;
        Ok(WorkspaceIdentity {
            id: found.current_workspace.id,
            name: found.current_workspace.display_name.unwrap_or_default(),
        })
    }

    /// True while the workflow "Create company when adding a new person" is active. It starts a run for every
    /// person we make and delays every other workflow, so the user is warned before the first import.
    pub(crate) async fn creates_companies(&self, at: At<'_>) -> Result<bool, TwentyError> {
        let query =
            "query($f:WorkflowFilterInput){workflows(filter:$f,first:20){edges{node{name statuses}}}}";
        let filter = json!({"f": {"name": {"eq": COMPANY_WORKFLOW}}});
        let found: wire::Workflows = self.graphql(at, Graph::Workflows, query, filter).await?;
        let mut workflows = found.workflows.edges.into_iter().map(|edge| edge.node);
        Ok(workflows.any(|it| {
            let active = |status: &String| status == "ACTIVE";
            it.name.as_deref() == Some(COMPANY_WORKFLOW) && it.statuses.iter().flatten().any(active)
        }))
    }
}
