//! The calls themselves: addresses, bodies and time limits. What an answer means is decided in `outcome`.

use std::time::Duration;

use http::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use super::{At, Right, Twenty, TwentyError, outcome};
use crate::http::{Answer, Body, Outgoing};

/// A change of the data model takes Twenty up to four seconds, and longer on a busy server (measured on 2.21).
const SCHEMA_TIMEOUT: Duration = Duration::from_mins(1);

/// Which of Twenty's GraphQL schemas is asked, and what right that takes.
#[derive(Clone, Copy)]
pub(super) enum Graph {
    /// Records. Costs a token.
    Records,
    /// Workflows, which are records with a right of their own. Costs a token.
    Workflows,
    /// The data model and the workspace. Free.
    Metadata,
}

impl Graph {
    fn path(self) -> &'static str {
        match self {
            Self::Records | Self::Workflows => "/graphql",
            Self::Metadata => "/metadata",
        }
    }

    fn right(self) -> Right {
        match self {
            Self::Records => Right::Records,
            Self::Workflows => Right::Workflows,
            Self::Metadata => Right::DataModel,
        }
    }
}

impl Twenty {
    /// Sends records to `path`, which may carry a query.
    pub(super) async fn post_records<T: DeserializeOwned>(
        &self,
        at: At<'_>,
        path: &str,
        body: &Value,
    ) -> Result<T, TwentyError> {
        let mut call = outgoing(at, Method::POST, path);
        call.body = Body::Json(bytes(body));
        outcome::rest(&self.send(call).await?, Right::Records)
    }

    /// Makes or changes a part of the data model.
    pub(super) async fn change_model<T: DeserializeOwned>(
        &self,
        at: At<'_>,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<T, TwentyError> {
        let mut call = outgoing(at, method, path);
        call.body = Body::Json(bytes(body));
        call.timeout = SCHEMA_TIMEOUT;
        outcome::rest(&self.send(call).await?, Right::DataModel)
    }

    /// Asks by GraphQL.
    pub(super) async fn graphql<T: DeserializeOwned>(
        &self,
        at: At<'_>,
        graph: Graph,
        query: &str,
        variables: Value,
    ) -> Result<T, TwentyError> {
        let mut call = outgoing(at, Method::POST, graph.path());
        call.body = Body::Json(bytes(&json!({"query": query, "variables": variables})));
        outcome::graphql(&self.send(call).await?, graph.right())
    }

    pub(super) async fn send(&self, call: Outgoing<'_>) -> Result<Answer, TwentyError> {
        self.http.send(call).await.map_err(TwentyError::from)
    }
}

fn bytes(body: &Value) -> Vec<u8> {
    body.to_string().into_bytes()
}

fn outgoing<'a>(at: At<'a>, method: Method, path: &str) -> Outgoing<'a> {
    Outgoing::new(method, address(at.server, path), Some(at.key))
}

/// `path` on the server, below whatever path the server's own address has.
fn address(server: &Url, path: &str) -> Url {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let mut url = server.clone();
    url.set_path(&format!("{}{path}", server.path().trim_end_matches('/')));
    url.set_query(query);
    url.set_fragment(None);
    url
}
