//! The webhooks that we create at Whop ourselves.
//!
//! Whop tells a webhook's secret once, in the answer that creates it, and never again.

use serde_json::json;

use super::client::{API_VERSION, Whop};
use super::error::WhopError;
use super::event;
use super::row::{Misshapen, Row};
use super::wire;
use crate::domain::grant::Secret;
use crate::domain::id::WebhookId;

/// A webhook just created.
#[derive(Clone, Debug)]
pub(crate) struct NewWebhook {
    pub(crate) id: WebhookId,
    pub(crate) secret: Secret,
}

impl Whop {
    /// Creates a webhook of `resource`, an account or an app, that sends to `url` what we mirror, in our
    /// version. With the same `idempotency_key` Whop gives the same answer again for a day, secret included.
    pub(crate) async fn create_webhook(
        &self,
        token: &Secret,
        resource: &str,
        url: &str,
        idempotency_key: &str,
    ) -> Result<NewWebhook, WhopError> {
        let wanted = json!({
            "url": url,
            "resource_id": resource,
            "events": event::subscribable(),
            "api_version_date": API_VERSION,
            "enabled": true,
        });
        let body = self.post(token, &["webhooks"], &wanted, idempotency_key).await?;
        created(&body).ok_or(WhopError::Unexpected("a webhook without an id or a secret"))
    }

    /// The webhooks of `resource` that send to `url`, newest first, among its hundred newest.
    pub(crate) async fn webhooks_to(
        &self,
        token: &Secret,
        resource: &str,
        url: &str,
    ) -> Result<Vec<WebhookId>, WhopError> {
        let owner = if resource.starts_with("app_") { "app_id" } else { "account_id" };
        let params = vec![(owner, resource), ("first", "100")];
        let body = self.get(token, &["webhooks"], &params).await?;
        let ours = |json: &str| -> Result<Option<WebhookId>, Misshapen> {
            let row = Row::parse(json)?;
            let is_ours = row.text("url")? == url;
            is_ours.then(|| row.must("id")).transpose()
        };
        let found: Result<Vec<_>, Misshapen> = wire::rows(&body, None)?.rows.into_iter().map(ours).collect();
        let found = found.map_err(|_| WhopError::Unexpected("a webhook that cannot be read"))?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Removes a webhook; one that is gone already is fine.
    pub(crate) async fn delete_webhook(&self, token: &Secret, id: &WebhookId) -> Result<(), WhopError> {
        match self.delete(token, &["webhooks", id.as_str()]).await {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }
}

fn created(body: &[u8]) -> Option<NewWebhook> {
    let row = Row::parse(std::str::from_utf8(body).ok()?).ok()?;
    let secret = row.maybe_text("webhook_secret").ok()?;
    Some(NewWebhook {
        id: row.must("id").ok()?,
        secret: Secret::new(secret.filter(|secret| !secret.is_empty())?),
    })
}
