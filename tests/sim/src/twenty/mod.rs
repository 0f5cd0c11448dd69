//! A stand-in for a Twenty server 2.21: REST, GraphQL, metadata, webhooks, the rate bucket, and a console for
//! people. It follows what was recorded from a real server; what it has not learnt it says, and remembers.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "any JSON value and any field type may come; most rules are about one of them"
)]
#![expect(clippy::result_large_err, reason = "a refusal carries everything two protocols say about it")]

/// `write!` into a text, which cannot fail.
macro_rules! put {
    ($out:expr, $($text:tt)*) => { write!($out, $($text)*).expect("a String takes everything") };
}

mod apply;
mod auth;
mod bucket;
mod console;
mod contact;
mod counted;
mod document;
mod files;
mod filter;
mod grammar;
mod graph_render;
mod graphql;
mod graphql_metadata;
mod human;
mod list;
mod metadata;
mod metadata_shown;
mod refusal;
mod render;
mod rest;
mod rest_metadata;
mod rest_more;
mod row;
mod schema;
mod server;
mod space;
mod standard;
mod trouble;
mod value;
mod webhook;
mod write;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::routing::{any, get, post, put as on_put};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

pub use self::bucket::Generation;
use self::render::Renderer;
use self::row::Actor;
use self::server::Server;
pub use self::space::Role;
use self::space::{Key, Space};
use crate::clock::Clock;
use crate::fault::Faults;
use crate::serve::{Served, plain_client, serve};

/// Core requests per minute a workspace may make by default.
const DEFAULT_LIMIT: i64 = 100;
/// Keys live this long unless a test says otherwise: a hundred years.
const KEY_LIFE_MS: i64 = 100 * 365 * 24 * 60 * 60 * 1000;

/// A running server. It stops when dropped.
#[derive(Debug)]
pub struct Twenty {
    server: Arc<Server>,
    served: Served,
}

/// A workspace as a test knows it.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The workspace id, which is the tenant.
    pub id: String,
    /// A key with every right.
    pub api_key: String,
    /// What that key is called, as `createdBy.name` shows it.
    pub key_name: String,
}

impl AsRef<str> for Workspace {
    fn as_ref(&self) -> &str {
        &self.id
    }
}

impl Twenty {
    /// Starts a server without workspaces on `port` of the loopback interface; 0 takes any free port.
    pub async fn start(clock: Clock, faults: &Faults, port: u16) -> Self {
        let server = Arc::new(Server {
            clock,
            base: OnceLock::new(),
            state: Mutex::new(server::State {
                spaces: Vec::new(),
                keys: HashMap::new(),
                not_understood: Vec::new(),
                generation: Generation::V2_21,
                uploads: BTreeMap::new(),
            }),
            client: plain_client().build().expect("a plain HTTP client"),
            pending: watch::Sender::new(0),
        });
        let router = Router::new()
            .route(
                "/healthz",
                get(|| async { axum::Json(json!({"status": "ok", "info": {}, "details": {}})) }),
            )
            .route("/console", get(console::page))
            .route("/console/key", get(console::key))
            .route("/graphql", post(graphql::handle))
            .route("/metadata", post(graphql_metadata::handle))
            .route("/file-upload/{id}", on_put(upload))
            .route("/rest/{*path}", any(rest::handle))
            .fallback(unknown)
            .with_state(server.clone());
        let running = serve(faults.in_front_of("twenty", router), port).await.expect("a free loopback port");
        server.base.set(running.url()).expect("the address is set once");
        Self { server, served: running }
    }

    /// `http://127.0.0.1:port`
    pub fn url(&self) -> String {
        self.served.url()
    }

    /// A fresh workspace with the standard objects, the default workflow and one key with every right.
    pub fn create_workspace(&self, display_name: &str) -> Workspace {
        let now = self.server.clock.now_ms();
        let mut state = self.server.state.lock().unwrap();
        let id =
            Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{display_name}/{}", state.spaces.len()).as_bytes());
        let mut space = Space {
            id,
            display_name: display_name.to_owned(),
            created_at: now,
            metadata_version: 1,
            objects: Vec::new(),
            bucket: bucket::Bucket::new(DEFAULT_LIMIT),
            counters: space::Counters::default(),
            webhooks: Vec::new(),
            files: BTreeMap::new(),
            company_workflow_writes: false,
            ids: id.as_u64_pair().0,
        };
        standard::furnish(&mut space);
        state.spaces.push(space);
        drop(state);
        self.handed_over(id)
    }

    /// Another workspace with the same objects, fields and records, as if it had come about in the same way.
    pub fn copy_workspace(&self, workspace: impl AsRef<str>, display_name: &str) -> Workspace {
        let like = self.space(workspace, |space| space.clone());
        let mut state = self.server.state.lock().unwrap();
        let id =
            Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{display_name}/{}", state.spaces.len()).as_bytes());
        let (counters, webhooks) = (space::Counters::default(), Vec::new());
        let ids = id.as_u64_pair().0;
        state.spaces.push(Space {
            id,
            display_name: display_name.to_owned(),
            counters,
            webhooks,
            ids,
            ..like
        });
        drop(state);
        self.handed_over(id)
    }

    /// What somebody who made a workspace gets.
    fn handed_over(&self, id: Uuid) -> Workspace {
        let key_name = "Integration key".to_owned();
        let expires_at = self.server.clock.now_ms() + KEY_LIFE_MS;
        let api_key = self.issue(&id.to_string(), Role::Admin, &key_name, expires_at);
        Workspace { id: id.to_string(), api_key, key_name }
    }

    /// A further key of the workspace.
    pub fn issue_key(&self, workspace: impl AsRef<str>, role: Role) -> String {
        self.issue(workspace.as_ref(), role, "Further key", self.server.clock.now_ms() + KEY_LIFE_MS)
    }

    /// A key that stops working at `expires_at_ms`.
    pub fn issue_key_until(&self, workspace: impl AsRef<str>, role: Role, expires_at_ms: i64) -> String {
        self.issue(workspace.as_ref(), role, "Further key", expires_at_ms)
    }

    fn issue(&self, workspace: &str, role: Role, name: &str, expires_at: i64) -> String {
        let now = self.server.clock.now_ms();
        let mut state = self.server.state.lock().unwrap();
        let space = state.spaces.iter_mut().find(|space| space.id.to_string() == workspace);
        let space = space.expect("a workspace of this server");
        let actor = Actor::new("API", name, &json!({}));
        let key = Key { id: space.fresh_id(), workspace: space.id, role, expires_at, revoked: false, actor };
        let token = auth::token(&key, now);
        state.keys.insert(token.clone(), key);
        token
    }

    /// Makes the key useless from now on.
    pub fn revoke_key(&self, api_key: &str) {
        self.server.state.lock().unwrap().keys.get_mut(api_key).expect("a key of this server").revoked = true;
    }

    /// Core requests per minute from now on; what is left in the bucket is cut to it.
    pub fn set_limit(&self, workspace: impl AsRef<str>, per_minute: i64) {
        self.space(workspace, |space| space.bucket.limit = per_minute);
    }

    /// How the server says that a caller is too fast.
    pub fn set_generation(&self, generation: Generation) {
        self.server.state.lock().unwrap().generation = generation;
    }

    /// Lets the default workflow really create companies, or not (the default).
    pub fn let_workflow_create_companies(&self, workspace: impl AsRef<str>, really: bool) {
        self.space(workspace, |space| space.company_workflow_writes = really);
    }

    /// How many runs of the default workflow the creation of people has started.
    pub fn workflow_runs(&self, workspace: impl AsRef<str>) -> u64 {
        self.space(workspace, |space| space.counters.workflow_runs)
    }

    /// Switches the default workflow off, as an administrator would.
    pub fn deactivate_workflow(&self, workspace: impl AsRef<str>) {
        self.edit_all_as_human(workspace, "workflows", &json!({"statuses": ["DEACTIVATED"]}));
    }

    fn edit_all_as_human(&self, workspace: impl AsRef<str>, plural: &str, change: &Value) {
        for record in self.records(&workspace, plural) {
            let id = record["id"].as_str().expect("a record has an id");
            self.edit_as_human(&workspace, plural, id, change);
        }
    }

    fn space<T>(&self, workspace: impl AsRef<str>, run: impl FnOnce(&mut Space) -> T) -> T {
        let mut state = self.server.state.lock().unwrap();
        let space = state.spaces.iter_mut().find(|space| space.id.to_string() == workspace.as_ref());
        run(space.expect("a workspace of this server"))
    }

    /// Every record of an object in order of id, soft-deleted ones included, as REST shows them.
    pub fn records(&self, workspace: impl AsRef<str>, plural: &str) -> Vec<Value> {
        self.space(workspace, |space| {
            let object = &space.objects[space.plural(plural).expect("an object of the workspace")];
            let mut renderer = Renderer::new(space, self.server.base());
            renderer.records(object, object.table.rows(), 0);
            let records: Value = renderer.out.parse().expect("JSON of our own");
            records.as_array().cloned().unwrap_or_default()
        })
    }

    /// How many records an object has, soft-deleted ones included.
    pub fn count(&self, workspace: impl AsRef<str>, plural: &str) -> usize {
        self.space(workspace, |space| {
            space.objects[space.plural(plural).expect("an object of the workspace")].table.len()
        })
    }

    /// One record, soft-deleted or not.
    pub fn record(&self, workspace: impl AsRef<str>, plural: &str, id: &str) -> Option<Value> {
        self.space(workspace, |space| {
            let object = &space.objects[space.plural(plural).expect("an object of the workspace")];
            let row = object.table.get(&Uuid::try_parse(id).ok()?)?;
            let mut renderer = Renderer::new(space, self.server.base());
            renderer.record(object, row, 0);
            renderer.out.parse().ok()
        })
    }
}

async fn upload(State(server): State<Arc<Server>>, Path(id): Path<Uuid>, request: Request) -> StatusCode {
    let bytes = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap_or_default();
    let mut state = server.state.lock().unwrap();
    let Some(file) = state.spaces.iter_mut().find_map(|space| space.files.get_mut(&id)) else {
        return StatusCode::NOT_FOUND;
    };
    file["stored"] = json!(bytes.len());
    state.uploads.insert(id, bytes.to_vec());
    StatusCode::NO_CONTENT
}

async fn unknown(State(server): State<Arc<Server>>, request: Request) -> axum::response::Response {
    rest::not_understood(&server, &format!("{} {}", request.method(), request.uri()))
}
