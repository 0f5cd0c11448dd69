//! Takes a provider's webhook in: checks its signature and puts it on the queue, nothing else.

use tracing::{info, warn};

use super::signing::open_account;
use crate::app::App;
use crate::domain::contract::ProviderName;
use crate::domain::contract::account::Enrolled;
use crate::domain::delivery::Delivery;
use crate::domain::id::EndpointId;
use crate::error::{Error, Kind, Result};
use crate::esign::webhook::{Unverified, read_events, receipt, verify};
use crate::job::ContractJob;

/// Largest body. As text in a message's JSON it stays below what a message can carry.
const LARGEST: usize = 400 * 1024;

/// A request as it came, before anything in it can be believed.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    pub endpoint: &'a str,
    /// Names in lower case, with their values.
    pub headers: &'a [(&'a str, &'a str)],
    /// Of the query, decoded.
    pub query: &'a [(&'a str, &'a str)],
    pub body: &'a [u8],
}

/// Where the webhooks of an account go.
pub fn webhook_url(app: &App, enrolled: &Enrolled) -> String {
    let provider = enrolled.account.provider();
    app.config().own_url(&format!("/webhooks/{provider}/{}", enrolled.endpoint))
}

/// Accepts what a provider tells, durably; answers what it wants to read.
pub async fn accept_signature_webhook(
    app: &App,
    provider: ProviderName,
    arrival: Arrival<'_>,
) -> Result<&'static str> {
    if arrival.body.len() > LARGEST {
        return Err(Error::invalid(format!("The body is larger than {LARGEST} bytes.")));
    }
    let refused = || Error::new(Kind::Unauthenticated);
    let endpoint: EndpointId = arrival.endpoint.parse().map_err(|_| refused())?;
    let workspace = endpoint.workspace();
    let enrolled = app.store().find_enrolled(workspace, provider).await?.ok_or_else(refused)?;
    if enrolled.endpoint != endpoint {
        return Err(refused());
    }
    let account = open_account(app, workspace, &enrolled).await?;
    let now = app.clock().now();
    let unverified = Unverified { headers: arrival.headers, query: arrival.query, body: arrival.body };
    let verified = verify(provider, account.webhook_keys(), &unverified, now).map_err(|error| {
        warn!(event = "delivery.refused", workspace.id = %workspace, "a delivery was refused");
        refused().because(error)
    })?;
    let events = read_events(provider, verified.body(), now).unwrap_or_default();
    let contract = events.into_iter().find_map(|hint| hint.contract);
    let delivery =
        Delivery { id: verified.id().clone(), endpoint, body: verified.body().to_owned(), received_at: now };
    info!(event = "delivery.accepted", delivery.id = %delivery.id, "a delivery was accepted");
    let dedup = delivery.id.to_string();
    let job = ContractJob::Deliver { provider, contract, delivery };
    app.queue().send(&job, &dedup).await?;
    Ok(receipt(provider))
}
