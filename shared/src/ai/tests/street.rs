//! A server on loopback that answers as a test says and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Response, Uri};
use bytes::Bytes;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use url::Url;

use super::super::*;
use crate::http::Addresses;

#[derive(Clone, Debug)]
pub(super) struct Canned {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, &'static str)>,
    pub(super) body: Vec<u8>,
}

impl Canned {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: Vec::new(), body: body.to_string().into_bytes() }
    }

    fn response(self) -> Response<Body> {
        let headers = self.headers.into_iter();
        let response =
            headers.fold(Response::builder().status(self.status), |it, (name, value)| it.header(name, value));
        response.body(Body::from(self.body)).unwrap()
    }

    pub(super) fn html(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: b"<html>Bad gateway</html>".to_vec() }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

pub(super) struct Street {
    base: Url,
    pub(super) seen: Arc<Mutex<Vec<Seen>>>,
}

async fn listen() -> (TcpListener, Url) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap()).parse().unwrap();
    (listener, base)
}

/// Reads a request from everybody who comes, says the same to all, and keeps the line open.
async fn say_to_all(listener: TcpListener, says: &'static [u8]) {
    let mut open = Vec::new();
    while let Ok((mut socket, _)) = listener.accept().await {
        let mut request = [0; 4_096];
        let read = socket.read(&mut request).await.unwrap_or(0);
        if read > 0 && socket.write_all(says).await.is_ok() {
            open.push(socket);
        }
    }
}

impl Street {
    pub(super) async fn open(answers: Vec<Canned>) -> Self {
        let (listener, base) = listen().await;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, queue) = (Arc::clone(&seen), Arc::new(Mutex::new(VecDeque::from(answers))));
        let handler = move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let body = String::from_utf8(body.to_vec()).unwrap();
            log.lock().unwrap().push(Seen { path: uri.path().to_owned(), headers, body });
            let canned = queue.lock().unwrap().pop_front().expect("one more call than answers");
            std::future::ready(canned.response())
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handler)).await });
        Self { base, seen }
    }

    /// Takes connections and never answers.
    pub(super) async fn hanging() -> Self {
        Self::raw(b"").await
    }

    /// Sends the head and a part of the body, and then nothing more.
    pub(super) async fn trickling() -> Self {
        Self::raw(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"status\":").await
    }

    async fn raw(says: &'static [u8]) -> Self {
        let (listener, base) = listen().await;
        tokio::spawn(say_to_all(listener, says));
        Self { base, seen: Arc::default() }
    }

    /// An address where nobody listens.
    pub(super) async fn gone() -> Self {
        Self { base: listen().await.1, seen: Arc::default() }
    }

    pub(super) fn provider(&self, wire: Wire) -> Provider {
        self.provider_with(wire, LimitField::MaxCompletionTokens)
    }

    pub(super) fn provider_with(&self, wire: Wire, limit_field: LimitField) -> Provider {
        let (name, auth) = match wire {
            Wire::AnthropicMessages => (ProviderName::Anthropic, Auth::XApiKey),
            Wire::OpenAiResponses | Wire::OpenAiChat => (ProviderName::OpenAi, Auth::Bearer),
        };
        let config = ProviderConfig {
            base_url: self.base.clone(),
            key_secret: None,
            wire,
            auth,
            model: String::new(),
            limit_field,
            supports: None,
            price_percent: 100,
        };
        let http = Http::new(Addresses::PrivateToo).unwrap();
        Provider::new(name, &config, Some(Secret::new("canary-key")), &http).unwrap()
    }

    pub(super) fn only(&self) -> Seen {
        let seen = self.seen.lock().unwrap();
        assert_eq!(seen.len(), 1);
        seen[0].clone()
    }
}
