//! API Gateway in small: HTTP becomes the event that Lambda would get, and goes to the function that
//! `template.yaml` would send it to.

use std::net::Ipv4Addr;

use axum::Router;
use axum::body::{Body as AxumBody, to_bytes};
use axum::extract::Request as AxumRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_http::Body;
use serde_json::{Map, Value, json};
use shared::App;
use shared::lambda::answer_http;
use sim::serve::Served;
use tokio::net::TcpListener;

/// A request of a test or of the network.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    pub method: String,
    /// With its query.
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Ask {
    /// A request without headers or body.
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), ..Self::default() }
    }

    /// The same with a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        self
    }

    /// The same with a JSON body.
    #[must_use]
    pub fn json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into_bytes();
        self.header("content-type", "application/json")
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The event of an HTTP API, payload version 2.0.
pub fn event(ask: &Ask) -> Value {
    let (path, query) = ask.path.split_once('?').unwrap_or((&ask.path, ""));
    let mut headers = Map::new();
    let mut cookies = Vec::new();
    for (name, value) in &ask.headers {
        if name == "cookie" {
            cookies.extend(value.split("; ").map(str::to_owned));
        } else {
            headers.insert(name.clone(), json!(value));
        }
    }
    let parameters: Map<String, Value> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decoded(name), json!(decoded(value))))
        .collect();
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
        "cookies": cookies, "headers": headers, "queryStringParameters": parameters,
        "requestContext": {
            "accountId": "123456789012", "apiId": "local", "domainName": "localhost", "domainPrefix": "local",
            "http": { "method": ask.method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1",
                      "userAgent": "local" },
            "requestId": "local-request", "routeKey": "$default", "stage": "$default",
            "time": "23/Nov/2026:08:00:00 +0000", "timeEpoch": 1_795_420_800_000_i64
        },
        "body": STANDARD.encode(&ask.body), "isBase64Encoded": true
    })
}

fn decoded(text: &str) -> String {
    let pair = format!("x={text}");
    let url: reqwest::Url = format!("http://x/?{pair}").parse().unwrap();
    url.query_pairs().next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// Sends a request through the door of the function it is for.
pub async fn answer(app: &'static App, ask: &Ask) -> Answer {
    let request = lambda_http::request::from_str(&event(ask).to_string()).expect("an event");
    let path = ask.path.split('?').next().unwrap_or_default();
    let response = if path.starts_with("/webhooks/") {
        answer_http(app, request, webhook::handle).await
    } else if path.starts_with("/ai/") {
        answer_http(app, request, ai::handle).await
    } else if path == "/contracts" || path.starts_with("/contracts/") {
        answer_http(app, request, contract::handle).await
    } else if path == "/graphql" {
        answer_http(app, request, graphql::handle).await
    } else {
        answer_http(app, request, oauth::handle).await
    };
    let (parts, body) = response.into_parts();
    let headers = parts.headers.iter();
    Answer {
        status: parts.status.as_u16(),
        headers: headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
            .collect(),
        body: match body {
            Body::Text(text) => text.into_bytes(),
            Body::Binary(bytes) => bytes,
            _ => Vec::new(),
        },
    }
}

/// Takes a port before anything listens on it, so that its address can be told to others.
pub(crate) async fn bind(port: u16) -> (TcpListener, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.expect("a free port");
    let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    (listener, url)
}

/// Serves the functions to browsers and to Whop.
pub(crate) fn serve(app: &'static App, listener: TcpListener) -> Served {
    let router = Router::new().fallback(move |request: AxumRequest| async move {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, 10 * 1024 * 1024).await.unwrap_or_default();
        let headers = parts.headers.iter();
        let ask = Ask {
            method: parts.method.to_string(),
            path: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            headers: headers
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
                .collect(),
            body: body.to_vec(),
        };
        let answer = answer(app, &ask).await;
        let mut response = http::Response::builder().status(answer.status);
        for (name, value) in &answer.headers {
            response = response.header(name, value);
        }
        response.body(AxumBody::from(answer.body)).expect("an answer")
    });
    Served::on(listener, router)
}
