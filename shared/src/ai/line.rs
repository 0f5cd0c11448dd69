//! One call to a provider: address, key, time limit. What an answer means is decided by the wires.

use std::time::Duration;

use http::Method;
use serde::Serialize;
use url::Url;

use super::Auth;
use super::error::{AiError, Trouble};
use crate::domain::grant::Secret;
use crate::http::{Answer, Body, Http, Outgoing};

/// A provider within reach.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) http: Http,
    pub(super) base: Url,
    pub(super) auth: Auth,
    pub(super) key: Option<Secret>,
}

impl Line {
    /// Sends a body to `path` below the base address. Redirects are not followed: keys stay with their host.
    pub(super) async fn post(
        &self,
        path: &[&str],
        headers: Vec<(&'static str, String)>,
        body: &impl Serialize,
        limit: Duration,
    ) -> Result<Answer, AiError> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let key = self.key.as_ref().filter(|key| is_sendable(key.expose()));
        if key.is_none() && self.auth != Auth::None {
            return Err(AiError::new(Trouble::Misconfigured));
        }
        let bearer = key.filter(|_| self.auth == Auth::Bearer);
        let mut call = Outgoing::new(Method::POST, url, bearer);
        call.headers = headers;
        let name = match self.auth {
            Auth::XApiKey => Some("x-api-key"),
            Auth::ApiKey => Some("api-key"),
            Auth::Bearer | Auth::None => None,
        };
        if let (Some(name), Some(key)) = (name, key) {
            call.headers.push((name, key.expose().to_owned()));
        }
        let body = serde_json::to_vec(body).map_err(|_| AiError::new(Trouble::Rejected))?;
        call.body = Body::Json(body);
        call.timeout = limit;
        Ok(self.http.send(call).await?)
    }
}

/// A key that no header can carry was pasted with something around it.
fn is_sendable(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic())
}
