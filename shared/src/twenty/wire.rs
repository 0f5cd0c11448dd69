//! Twenty's JSON, as it comes. These types derive serde and nothing else, and never leave the adapter.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

/// What every GraphQL answer is wrapped in.
#[derive(Deserialize)]
pub(super) struct GraphqlAnswer<T> {
    pub(super) data: T,
}

/// The part of a GraphQL answer that says what went wrong; HTTP says 200 all the same.
#[derive(Deserialize)]
pub(super) struct GraphqlErrors {
    #[serde(default)]
    pub(super) errors: Vec<GraphqlError>,
}

#[derive(Deserialize)]
pub(super) struct GraphqlError {
    #[serde(default)]
    pub(super) message: String,
    #[serde(default)]
    pub(super) extensions: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CurrentWorkspace {
    pub(super) current_workspace: Workspace,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Workspace {
    pub(super) id: Uuid,
    pub(super) display_name: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Connection<T> {
    pub(super) edges: Vec<Edge<T>>,
    #[serde(rename = "pageInfo", default)]
    pub(super) page: PageInfo,
}

#[derive(Deserialize)]
pub(super) struct Edge<T> {
    pub(super) node: T,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PageInfo {
    pub(super) has_next_page: bool,
    pub(super) end_cursor: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Workflows {
    pub(super) workflows: Connection<Workflow>,
}

#[derive(Deserialize)]
pub(super) struct Workflow {
    pub(super) name: Option<String>,
    pub(super) statuses: Option<Vec<String>>,
}

/// A list of records by the object's plural name.
pub(super) type Records = BTreeMap<String, Connection<Record>>;

/// A record: fields differ by workspace.
pub(super) type Record = Map<String, Value>;

/// The answer to a batch: `{"data": {"createPeople": [...]}}`.
#[derive(Deserialize)]
pub(super) struct Batch {
    pub(super) data: BTreeMap<String, Vec<Record>>,
}

#[derive(Deserialize)]
pub(super) struct Objects {
    pub(super) objects: Connection<ObjectThere>,
}

/// An object of the data model. GraphQL calls its fields `fieldsList`, REST `fields`.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ObjectThere {
    pub(super) id: String,
    pub(super) name_singular: String,
    pub(super) is_active: Option<bool>,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(alias = "fieldsList", default)]
    pub(super) fields: Vec<FieldThere>,
}

/// A field of the data model.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FieldThere {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) is_unique: Option<bool>,
    pub(super) is_active: Option<bool>,
    /// Options carry attributes of Twenty's own, which go back as they came.
    pub(super) options: Option<Vec<Map<String, Value>>>,
    pub(super) relation: Option<RelationThere>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RelationThere {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) target_object_metadata: Option<TargetThere>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TargetThere {
    pub(super) name_singular: String,
}

/// Where a file goes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatedUpload {
    pub(super) create_file_upload: Upload,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Upload {
    pub(super) file_id: String,
    /// Whoever has it may upload.
    #[serde(rename = "uploadUrl")]
    pub(super) url: String,
    pub(super) content_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CompletedUpload {
    #[serde(rename = "completeFileUpload")]
    pub(super) _file: Completed,
}

/// A file that has arrived whole.
#[derive(Deserialize)]
pub(super) struct Completed {}

/// What an API key says about itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Claims {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) workspace_id: Option<Uuid>,
    pub(super) exp: Option<i64>,
}
