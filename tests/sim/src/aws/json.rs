//! AWS's JSON protocol, as far as our stand-ins share it: a target header and JSON in, JSON out, and errors shaped
//! as the SDKs read them. It knows no service and holds no state.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The largest body any stand-in reads, the largest any of the services does (`DynamoDB`: 16 MB).
pub(super) const MAX_BODY: usize = 16 * 1024 * 1024;

/// What a service says instead of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// The name of the error's shape, with its namespace: `com.amazonaws.sqs#QueueDoesNotExist`.
    pub shape: String,
    /// The older name that SQS sends in `x-amzn-query-error`, and that its SDKs report as the code.
    pub query_code: Option<&'static str>,
    /// The text for a person.
    pub message: String,
}

impl Refusal {
    /// A refusal that is the sender's fault.
    pub(super) fn new(shape: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            shape: shape.into(),
            query_code: None,
            message: message.into(),
        }
    }

    pub(super) fn with_query_code(mut self, code: &'static str) -> Self {
        self.query_code = Some(code);
        self
    }

    fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The code an SDK reports.
    pub fn code(&self) -> &str {
        self.query_code.unwrap_or_else(|| self.shape.split_once('#').map_or(&*self.shape, |(_, name)| name))
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code(), self.message)
    }
}

impl std::error::Error for Refusal {}

/// How one service speaks the protocol.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dialect {
    /// `application/x-amz-json-1.0` or `-1.1`.
    pub(super) content_type: &'static str,
    /// What stands before the operation's name in `X-Amz-Target`, with the dot.
    pub(super) target_prefix: &'static str,
    /// The service's name in a signature's scope.
    pub(super) signing_name: &'static str,
}

impl Dialect {
    /// A router whose only route hands operation and body to `answer`.
    pub(super) fn router<A, F>(self, answer: A) -> Router
    where
        A: Fn(String, Bytes) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Value, Refusal>> + Send + 'static,
    {
        let answer = Arc::new(answer);
        let handle = move |headers: HeaderMap, body: Bytes| {
            let answer = Arc::clone(&answer);
            async move {
                match self.operation(&headers) {
                    Ok(operation) => self.reply(answer(operation, body).await),
                    Err(refusal) => self.reply(Err(refusal)),
                }
            }
        };
        Router::new().route("/", post(handle)).layer(DefaultBodyLimit::max(MAX_BODY))
    }

    /// The operation asked for, when the request is one the service would look at.
    fn operation(self, headers: &HeaderMap) -> Result<String, Refusal> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !text("content-type").starts_with(self.content_type) {
            let unknown = Refusal::new("com.amazon.coral.service#UnknownOperationException", "");
            return Err(unknown.with_status(StatusCode::NOT_FOUND));
        }
        let scope = format!("/{}/aws4_request", self.signing_name);
        let authorization = text("authorization");
        if !authorization.starts_with("AWS4-HMAC-SHA256 ") || !authorization.contains(&scope) {
            let unsigned = Refusal::new(
                "com.amazon.coral.service#MissingAuthenticationTokenException",
                "Missing Authentication Token",
            );
            return Err(unsigned.with_status(StatusCode::FORBIDDEN));
        }
        match text("x-amz-target").strip_prefix(self.target_prefix) {
            Some(operation) => Ok(operation.to_owned()),
            None => Err(unknown_operation(text("x-amz-target"))),
        }
    }

    fn reply(self, result: Result<Value, Refusal>) -> Response {
        let content_type = (header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        match result {
            Ok(body) => ([content_type], body.to_string()).into_response(),
            Err(refusal) => {
                let body = json!({ "__type": refusal.shape, "message": refusal.message }).to_string();
                let mut response = (refusal.status, [content_type], body).into_response();
                if let Some(code) = refusal.query_code {
                    let value = HeaderValue::from_str(&format!("{code};Sender")).expect("a printable code");
                    response.headers_mut().insert("x-amzn-query-error", value);
                }
                response
            }
        }
    }
}

/// A field nobody here knows is an error: the real service might have acted on it.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        Refusal::new(
            "com.amazon.coral.service#SerializationException",
            format!("the stand-in cannot read this request: {error}"),
        )
    })
}

/// What an operation that no stand-in plays is told.
pub(super) fn unknown_operation(name: &str) -> Refusal {
    Refusal::new(
        "com.amazon.coral.service#UnknownOperationException",
        format!("the stand-in does not know the operation {name:?}"),
    )
}
