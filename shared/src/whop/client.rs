//! One call to Whop: address, version, credential.
//!
//! It never repeats a call and never reads an answer; [`super::error::outcome`] does that.

use bytes::Bytes;
use http::Method;
use url::Url;

use super::error::{WhopError, outcome};
use crate::domain::grant::Secret;
use crate::domain::id::AccountId;
use crate::http::{Answer, Body, Http, HttpError, Outgoing};

/// The version of Whop's API that [`super::wire`] reads. Without it an answer has the shape that the key was
/// made with (Whop API, versioning).
pub(crate) const API_VERSION: &str = "2026-10-15-1";

/// Whop, at its base address. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Whop {
    http: Http,
    base: Url,
}

/// Who calls, and about which account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct As<'a> {
    /// An account key, an app key or an access token.
    pub(crate) token: &'a Secret,
    pub(crate) account: &'a AccountId,
}

/// The names and values of a query.
pub(super) type Params<'a> = Vec<(&'static str, &'a str)>;

impl Whop {
    /// Whop at `base`, for instance `https://api.whop.com`.
    pub(crate) fn new(http: Http, base: Url) -> Self {
        Self { http, base }
    }

    /// The address of `path` under the base.
    pub(super) fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    /// Reads `path` of the API.
    pub(super) async fn get(
        &self,
        token: &Secret,
        path: &[&str],
        params: &Params<'_>,
    ) -> Result<Bytes, WhopError> {
        let mut call = self.api(Method::GET, token, path)?;
        if !params.is_empty() {
            call.url.query_pairs_mut().extend_pairs(params);
        }
        outcome(self.send(call).await)
    }

    /// Creates something under `path`; the same `idempotency_key` within a day creates it once.
    pub(super) async fn post(
        &self,
        token: &Secret,
        path: &[&str],
        body: &serde_json::Value,
        idempotency_key: &str,
    ) -> Result<Bytes, WhopError> {
        let mut call = self.api(Method::POST, token, path)?;
        call.headers.push(("idempotency-key", idempotency_key.to_owned()));
        call.body = Body::Json(body.to_string().into_bytes());
        outcome(self.send(call).await)
    }

    /// Removes `path`.
    pub(super) async fn delete(&self, token: &Secret, path: &[&str]) -> Result<Bytes, WhopError> {
        outcome(self.send(self.api(Method::DELETE, token, path)?).await)
    }

    /// Makes any call, in our version.
    pub(super) async fn send(&self, mut call: Outgoing<'_>) -> Result<Answer, HttpError> {
        call.headers.push(("api-version-date", API_VERSION.to_owned()));
        self.http.send(call).await
    }

    /// A key that no header can carry was pasted with something around it; Whop would refuse it as well.
    fn api<'a>(&self, method: Method, token: &'a Secret, path: &[&str]) -> Result<Outgoing<'a>, WhopError> {
        let key = token.expose();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(WhopError::Unauthorized);
        }
        let path: Vec<&str> = ["api", "v1"].iter().chain(path).copied().collect();
        Ok(Outgoing::new(method, self.url(&path), Some(token)))
    }
}
