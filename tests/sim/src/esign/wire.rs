//! A call as the operations see it, and what they answer.

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Multipart, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::Value;

/// More than any provider takes.
const LIMIT: usize = 120 * 1024 * 1024;

/// A file part of a form.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) field: String,
    pub(super) name: String,
    pub(super) bytes: Bytes,
}

#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    /// Without parameters; empty when there is no body.
    pub(super) content_type: String,
    pub(super) body: Bytes,
    /// Text parts of a form, whichever way it was sent.
    pub(super) fields: Vec<(String, String)>,
    pub(super) parts: Vec<Part>,
}

impl Asked {
    /// Reads a call to its end.
    pub(super) async fn read(request: Request) -> Result<Self, String> {
        let (head, body) = request.into_parts();
        let body = to_bytes(body, LIMIT).await.map_err(|error| error.to_string())?;
        let given = head.headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
        let content_type = given.split(';').next().unwrap_or_default().trim().to_lowercase();
        let mut asked = Self {
            method: head.method.clone(),
            path: head.uri.path().to_owned(),
            query: pairs(head.uri.query().unwrap_or_default()),
            headers: head.headers.clone(),
            content_type,
            body: body.clone(),
            fields: Vec::new(),
            parts: Vec::new(),
        };
        match asked.content_type.as_str() {
            "multipart/form-data" => {
                let again = Request::from_parts(head, Body::from(body));
                let form = Multipart::from_request(again, &()).await.map_err(|error| error.to_string())?;
                asked.read_parts(form).await?;
            }
            "application/x-www-form-urlencoded" => asked.fields = pairs(&String::from_utf8_lossy(&body)),
            _ => {}
        }
        Ok(asked)
    }

    async fn read_parts(&mut self, mut form: Multipart) -> Result<(), String> {
        while let Some(field) = form.next_field().await.map_err(|error| error.to_string())? {
            let name = field.name().unwrap_or_default().to_owned();
            let file = field.file_name().map(str::to_owned);
            let bytes = field.bytes().await.map_err(|error| error.to_string())?;
            match file {
                Some(file) => self.parts.push(Part { field: name, name: file, bytes }),
                None => self.fields.push((name, String::from_utf8_lossy(&bytes).into_owned())),
            }
        }
        Ok(())
    }

    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.query(name).and_then(|text| text.parse().ok())
    }

    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// What follows a scheme such as `Bearer` in the header of that name.
    pub(super) fn authorization(&self, scheme: &str) -> Option<&str> {
        let header = self.headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (found, rest) = header.split_once(' ')?;
        found.eq_ignore_ascii_case(scheme).then_some(rest.trim())
    }
}

fn pairs(text: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// An answer before it is put on the wire.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) json: Option<Value>,
    pub(super) bytes: Vec<u8>,
}

impl Reply {
    pub(super) fn json(status: u16, value: Value) -> Self {
        Self { status, headers: Vec::new(), json: Some(value), bytes: Vec::new() }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), json: None, bytes: Vec::new() }
    }

    /// A file of the given type.
    pub(super) fn file(content_type: &str, bytes: Vec<u8>) -> Self {
        Self { status: 200, headers: vec![("content-type", content_type.to_owned())], json: None, bytes }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let body = match &self.json {
            Some(value) => value.to_string().into_bytes(),
            None => self.bytes,
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(self.status).expect("a status");
        if self.json.is_some() {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for (name, value) in self.headers {
            let value = HeaderValue::from_str(&value).expect("a header value");
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// The text of a field of an object, or nothing.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// Enough of an address for the providers to try: one `@`, a name before it and a domain with a dot behind.
pub(super) fn is_email(text: &str) -> bool {
    let Some((name, domain)) = text.split_once('@') else { return false };
    !name.is_empty()
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && !text.contains(char::is_whitespace)
        && !domain.contains('@')
}
