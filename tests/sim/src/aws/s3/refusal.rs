//! What S3 says instead of an answer: a status and a small XML document.

use std::fmt::Write as _;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

/// A refusal with S3's own code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
    /// Further elements: name and text.
    pub(super) more: Vec<(&'static str, String)>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), more: Vec::new() }
    }

    /// The sender's fault.
    pub(super) fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// Not for this caller.
    pub(super) fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// What nobody plays here, said loudly: the real service might have acted on it.
    pub(super) fn unplayed(what: &str) -> Self {
        let message = format!("the stand-in does not play {what}");
        Self::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message)
    }

    pub(super) fn with(mut self, element: &'static str, text: impl Into<String>) -> Self {
        self.more.push((element, text.into()));
        self
    }

    /// The answer; to HEAD there is no document.
    pub(super) fn reply(self, to_head: bool) -> Response {
        let mut document = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
        let first = [("Code", self.code.to_owned()), ("Message", self.message)];
        for (element, text) in first.into_iter().chain(self.more) {
            write!(document, "<{element}>{}</{element}>", plain(&text)).expect("a text takes text");
        }
        document.push_str("<RequestId>STANDIN</RequestId><HostId>stand-in</HostId></Error>");
        let body = if to_head { String::new() } else { document };
        let content_type = (header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        (self.status, [content_type], body).into_response()
    }
}

fn plain(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
