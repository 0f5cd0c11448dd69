//! One HTTP request at a function's door.

use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use lambda_http::request::RequestContext;
use lambda_http::{Body, RequestExt, Response, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::{Instrument, error, info, info_span, warn};

use super::telemetry;
use crate::app::App;
use crate::domain::caller::Caller;
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::usecase::authenticate::{Credentials, authenticate};

/// Largest body any of our routes takes: what Lambda takes. Each route has a limit of its own below it.
const LARGEST_BODY: usize = 6 * 1024 * 1024;

/// Longest that API Gateway waits (HTTP APIs, quotas), less what the way back takes.
const LONGEST_ANSWER: Duration = Duration::from_secs(29);

/// A request as API Gateway handed it over.
pub struct Request {
    inner: lambda_http::Request,
    id: String,
}

impl Request {
    /// The request's own id, which its answer and its log lines carry.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When the function is ended; without a word from Lambda, when API Gateway stops waiting.
    pub fn deadline(&self, now: Timestamp) -> Timestamp {
        match self.inner.lambda_context_ref() {
            Some(context) => Timestamp::from_millis(i64::try_from(context.deadline).unwrap_or(i64::MAX)),
            None => now + LONGEST_ANSWER,
        }
    }

    /// The method, upper case.
    pub fn method(&self) -> &str {
        self.inner.method().as_str()
    }

    /// The path without the stage.
    pub fn path(&self) -> &str {
        self.inner.raw_http_path()
    }

    /// A part of the path by its position, counted from 0.
    pub fn segment(&self, index: usize) -> Result<&str> {
        self.path().split('/').filter(|part| !part.is_empty()).nth(index).ok_or_else(Error::not_found)
    }

    /// A parameter of the query.
    pub fn query(&self, name: &str) -> Option<String> {
        self.inner.query_string_parameters_ref()?.first(name).map(str::to_owned)
    }

    /// A header, if it is there once and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.inner.headers().get(name)?.to_str().ok()
    }

    /// All headers that are text.
    pub fn headers(&self) -> Vec<(&str, &str)> {
        let headers = self.inner.headers().iter();
        headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect()
    }

    /// All parameters of the query, decoded, in their order.
    pub fn parameters(&self) -> Vec<(String, String)> {
        let query = self.inner.uri().query().unwrap_or_default();
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    /// The body, byte for byte.
    pub fn body(&self) -> &[u8] {
        self.inner.body().as_ref()
    }

    /// The body as JSON of at most `largest` bytes.
    pub fn json<T: DeserializeOwned>(&self, largest: usize) -> Result<T> {
        let kind = self.header("content-type").unwrap_or_default();
        if !kind.to_ascii_lowercase().starts_with("application/json") {
            return Err(Error::invalid("Send the body as application/json."));
        }
        if self.body().len() > largest {
            return Err(Error::invalid(format!("The body is larger than {largest} bytes.")));
        }
        serde_json::from_slice(self.body()).map_err(|error| Error::invalid(misfit(&error)))
    }

    /// Who is calling.
    pub async fn caller(&self, app: &App) -> Result<Caller> {
        let credentials = Credentials {
            authorization: self.header("authorization"),
            cookies: &self.cookies(),
            from_our_page: self.method() == "GET" || self.header("x-requested-with").is_some(),
        };
        authenticate(app, &credentials).await
    }

    /// All cookies in one line; API Gateway keeps them apart from the headers.
    pub fn cookies(&self) -> String {
        let lines = self.inner.headers().get_all("cookie").iter().filter_map(|line| line.to_str().ok());
        lines.collect::<Vec<_>>().join("; ")
    }
}

/// What is wrong with a body, in words that hold none of its values: they may be secrets.
fn misfit(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let is_about_names =
        ["unknown field", "missing field", "duplicate field"].iter().any(|it| text.starts_with(it));
    if is_about_names {
        return format!("The body is not what was expected: {text}.");
    }
    format!("The body is not what was expected (line {}, column {}).", error.line(), error.column())
}

/// An answer.
#[derive(Debug)]
pub struct Reply(Response<Body>);

impl Reply {
    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self::with_body(status, "text/plain; charset=utf-8", Body::Empty)
    }

    /// A text of any kind.
    pub fn text(status: u16, kind: &'static str, body: impl Into<String>) -> Self {
        Self::with_body(status, kind, Body::Text(body.into()))
    }

    /// JSON.
    pub fn json(status: u16, body: &impl Serialize) -> Result<Self> {
        let text = serde_json::to_string(body).map_err(|error| Error::new(Kind::Bug).because(error))?;
        Ok(Self::text(status, "application/json", text))
    }

    /// Sends the browser elsewhere; it comes back with GET.
    pub fn see_other(location: &str) -> Result<Self> {
        Self::empty(303).header("location", location)
    }

    /// Sends the browser elsewhere because something failed; the failure is logged here.
    pub fn see_other_after(error: &Error, location: &str) -> Result<Self> {
        tell(error);
        Self::see_other(location)
    }

    /// The same with one more header.
    pub fn header(mut self, name: &'static str, value: &str) -> Result<Self> {
        let value = value.parse().map_err(|error| Error::new(Kind::Bug).because(error))?;
        self.0.headers_mut().append(name, value);
        Ok(self)
    }

    fn with_body(status: u16, kind: &'static str, body: Body) -> Self {
        let mut response = Response::new(body);
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
        let headers = response.headers_mut();
        headers.insert("content-type", http::HeaderValue::from_static(kind));
        headers.insert("cache-control", http::HeaderValue::from_static("no-store"));
        headers.insert("x-content-type-options", http::HeaderValue::from_static("nosniff"));
        Self(response)
    }

    fn of_error(error: &Error, request: &str) -> Self {
        let kind = error.kind();
        let body =
            serde_json::json!({ "code": kind.code(), "message": error.advice(), "request_id": request });
        let reply = Self::text(kind.status(), "application/json", body.to_string());
        let Kind::Throttled { retry_after } = kind else { return reply };
        let seconds = retry_after.as_secs().max(1).to_string();
        reply.header("retry-after", &seconds).unwrap_or_else(|_| Self::empty(503))
    }
}

/// Answers one request: a span, a size limit, a panic caught, an error told.
pub async fn answer_http<F, Fut>(app: &'static App, inner: lambda_http::Request, handle: F) -> Response<Body>
where
    F: FnOnce(&'static App, Request) -> Fut,
    Fut: Future<Output = Result<Reply>> + Send,
{
    let request = Request { id: request_id(&inner), inner };
    let id = request.id.clone();
    let span = info_span!("request", request.id = %id, http.method = request.method());
    let started = app.clock().now();
    async move {
        if request.body().len() > LARGEST_BODY {
            return Reply::empty(413).0;
        }
        let outcome = AssertUnwindSafe(Box::pin(handle(app, request))).catch_unwind().await;
        let result = outcome.unwrap_or_else(|_| Err(Error::bug("a handler panicked")));
        let reply = result.unwrap_or_else(|error| {
            tell(&error);
            Reply::of_error(&error, &id)
        });
        let duration_ms = app.clock().now().since(started).as_millis();
        info!(http.status = reply.0.status().as_u16(), duration_ms, "answered");
        reply.0
    }
    .instrument(span)
    .await
}

/// Logs a failure once, at the level of who must act.
pub fn tell(error: &Error) {
    let (kind, chain) = (error.kind().as_str(), error.chain());
    match error.kind() {
        Kind::Bug => error!(error.kind = kind, error.chain = chain, "failed: {}", error.advice()),
        Kind::Disconnected | Kind::Unavailable | Kind::Rejected => {
            warn!(error.kind = kind, error.chain = chain, "failed: {}", error.advice());
        }
        Kind::Invalid | Kind::Unauthenticated | Kind::NotFound | Kind::Conflict | Kind::Throttled { .. } => {
            info!(error.kind = kind, error.chain = chain, "refused: {}", error.advice());
        }
    }
}

fn request_id(request: &lambda_http::Request) -> String {
    match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.request_id.clone(),
        _ => None,
    }
    .unwrap_or_else(|| "unknown".to_owned())
}

/// Serves a function behind API Gateway until the process ends.
pub async fn serve_http<F, Fut>(handle: F) -> Result<(), lambda_runtime::Error>
where
    F: Fn(&'static App, Request) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Result<Reply>> + Send + 'static,
{
    let app = App::from_env()?;
    telemetry::start(&app.config().log_level, std::io::stdout);
    lambda_http::run(service_fn(http_answers(app, handle))).await
}

/// What answers a function's requests. Its futures are boxed and nameless: the type of all that happens below a
/// door is deeper than the compiler follows.
pub(super) fn http_answers<F, Fut>(
    app: &'static App,
    handle: F,
) -> impl Fn(lambda_http::Request) -> BoxFuture<'static, Result<Response<Body>, Infallible>> + Copy
where
    F: Fn(&'static App, Request) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Result<Reply>> + Send + 'static,
{
    move |request| Box::pin(answer_http(app, request, handle).map(Ok))
}
