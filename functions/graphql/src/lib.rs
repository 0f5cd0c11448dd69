//! `POST /graphql`: the API of a workspace, for its settings page and for its programs.
//!
//! One document at a time. Who asks is known before the document is looked at; what a document may ask for is
//! limited before it is run. What goes wrong inside is told in our words, with a code and the request's id.

mod limits;
mod schema;

use std::sync::LazyLock;
use std::time::Duration;

use async_graphql::{ErrorExtensionValues, Response, ServerError};
use shared::lambda::{Reply, Request, tell};
use shared::{App, Error, Kind, Result};

use crate::schema::{Access, Api, api};

/// Largest body: a text of 24,000 characters for a model, whatever its script, and what belongs to it. `POST /ai` takes
/// as much.
const LARGEST_BODY: usize = 128 * 1024;

/// Longest that the work for one document takes; API Gateway gives up after 30 seconds.
const PATIENCE: Duration = Duration::from_secs(25);

static API: LazyLock<Api> = LazyLock::new(api);

/// `POST /graphql`
pub async fn handle(app: &'static App, request: Request) -> Result<Reply> {
    if request.method() != "POST" {
        return Reply::empty(405).header("allow", "POST");
    }
    let caller = request.caller(app).await?;
    let asked: async_graphql::Request = request.json(LARGEST_BODY)?;
    let now = app.clock().now();
    let deadline = (now + PATIENCE).min(request.deadline(now));
    let mut answer = run(asked, Access { app, caller, deadline }).await;
    for error in &mut answer.errors {
        explain(error, request.id());
    }
    Reply::json(200, &answer)
}

async fn run(mut asked: async_graphql::Request, access: Access) -> Response {
    match asked.parsed_query().map(limits::check) {
        Err(error) => return Response::from_errors(vec![error]),
        Ok(Err(too_much)) => {
            return Response::from_errors(vec![ServerError::new(too_much.to_string(), None)]);
        }
        Ok(Ok(())) => {}
    }
    if !access.app.config().graphql_introspection {
        asked = asked.disable_introspection();
    }
    API.execute(asked.data(access)).await
}

/// Puts an error of ours into words for the outside, and its chain into the log. What has no source is about
/// the document itself.
fn explain(error: &mut ServerError, request: &str) {
    let (code, message) = match error.source::<Error>() {
        Some(source) => {
            tell(source);
            (source.kind().code(), source.advice().to_owned())
        }
        None => (Kind::Invalid.code(), error.message.clone()),
    };
    error.message = message;
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    extensions.set("code", code);
    extensions.set("requestId", request);
}

#[cfg(test)]
mod tests;
