//! A server on loopback that answers as a test says and remembers what it was asked.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Response, Uri};
use bytes::Bytes;
use serde_json::Value as Json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

use crate::domain::grant::Secret;
use crate::http::{Addresses, Http};
use crate::twenty::{At, Twenty};

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// Method and path, with the query.
    pub(super) call: String,
    pub(super) authorization: Option<String>,
    pub(super) body: Json,
}

/// What to answer.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn json(status: u16, body: &Json) -> Self {
        Self { status, body: body.to_string().into_bytes() }
    }
}

pub(super) struct Street {
    pub(super) twenty: Twenty,
    pub(super) server: Url,
    pub(super) key: Secret,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Street {
    pub(super) async fn open(answer: impl FnMut(&Seen) -> Reply + Send + 'static) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(Mutex::new(answer)), Arc::clone(&seen));
        let handler = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let authorization = headers.get("authorization").map(|it| it.to_str().unwrap().to_owned());
            let seen = Seen {
                call: format!("{method} {uri}"),
                authorization,
                body: serde_json::from_slice(&body).unwrap_or_default(),
            };
            let reply = answer.lock().unwrap()(&seen);
            log.lock().unwrap().push(seen);
            async move { Response::builder().status(reply.status).body(Body::from(reply.body)).unwrap() }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(handler);
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { twenty: client(), server: server.parse().unwrap(), key: Secret::new("a-key"), seen, task }
    }

    pub(super) fn at(&self) -> At<'_> {
        At { server: &self.server, key: &self.key }
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn calls(&self) -> Vec<String> {
        self.seen().into_iter().map(|it| it.call).collect()
    }
}

impl Drop for Street {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(super) fn client() -> Twenty {
    Twenty::new(Http::new(Addresses::PrivateToo).unwrap())
}
