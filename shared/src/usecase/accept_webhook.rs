//! Takes a webhook in: checks its signature and puts it on the queue, nothing else. What it means is decided
//! later. It writes nothing to the table: if queueing fails, the provider's next attempt is the recovery.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tracing::{info, warn};

use crate::app::App;
use crate::domain::grant::Secret;
use crate::domain::id::EndpointId;
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::job::SyncJob;
use crate::usecase::access::owner;
use crate::vault::Bound;
use crate::whop::webhook::{BadSignature, Unverified, deliver, verify};

/// A request as it came, before anything in it can be believed.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    pub endpoint: &'a str,
    pub id: Option<&'a str>,
    pub timestamp: Option<&'a str>,
    pub signature: Option<&'a str>,
    pub body: &'a [u8],
}

/// Largest body: several times the largest event of Whop's, and far below what a message can carry.
const LARGEST: usize = 256 * 1024;
/// How long an endpoint's secrets are remembered.
const REMEMBER: Duration = Duration::from_mins(1);
/// How old they may be when no signature fits: a newer secret may be just what is missing. It is not asked for
/// at every forgery.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// The secrets of endpoints that were used lately.
#[derive(Default)]
pub(crate) struct KnownEndpoints(Mutex<HashMap<EndpointId, Known>>);

#[derive(Clone)]
struct Known {
    secrets: Arc<[Secret]>,
    read_at: Timestamp,
}

/// Accepts a delivery of Whop's, durably.
pub async fn accept_webhook(app: &App, arrival: Arrival<'_>) -> Result<()> {
    if arrival.body.len() > LARGEST {
        return Err(Error::invalid(format!("The body is larger than {LARGEST} bytes.")));
    }
    let refused = || Error::new(Kind::Unauthenticated);
    let endpoint: EndpointId = arrival.endpoint.parse().map_err(|_| refused())?;
    let unverified = Unverified {
        id: arrival.id.ok_or_else(refused)?,
        timestamp: arrival.timestamp.ok_or_else(refused)?,
        signature: arrival.signature.ok_or_else(refused)?,
        body: arrival.body,
    };
    let now = app.clock().now();
    let live = secrets(app, &endpoint, now, REMEMBER).await?.ok_or_else(refused)?;
    let mut verified = verify(&live, &unverified, now);
    if matches!(verified, Err(BadSignature::Mismatch)) {
        let newest = secrets(app, &endpoint, now, LOOK_AGAIN).await?.ok_or_else(refused)?;
        verified = verify(&newest, &unverified, now);
    }
    let verified = verified.map_err(|error| {
        warn!(event = "delivery.refused", workspace.id = %endpoint.workspace(), "a delivery was refused");
        refused().because(error)
    })?;
    let delivery = deliver(&verified, endpoint, now).map_err(|error| Error::invalid(error.to_string()))?;
    let dedup = delivery.id.to_string();
    info!(event = "delivery.accepted", delivery.id = %delivery.id, "a delivery was accepted");
    Ok(app.queue().send(&SyncJob::Deliver { delivery }, &dedup).await?)
}

/// The live secrets of an endpoint as they were `within` the last moments; nothing if there is no such endpoint.
async fn secrets(
    app: &App,
    id: &EndpointId,
    now: Timestamp,
    within: Duration,
) -> Result<Option<Arc<[Secret]>>> {
    if let Some(known) = app.endpoints().recall(id, now, within) {
        return Ok(Some(known));
    }
    let Some(endpoint) = app.store().find_endpoint(id).await? else {
        return Ok(None);
    };
    let vault = app.vault().await?;
    let owner = owner(&endpoint.connection);
    let bound = Bound { workspace: id.workspace(), owner: &owner, field: "webhook_secret" };
    let secrets: std::result::Result<Vec<Secret>, _> =
        endpoint.secrets.iter().map(|it| vault.open(&bound, &it.sealed)).collect();
    let secrets: Arc<[Secret]> = secrets?.into();
    app.endpoints().remember(id.clone(), secrets.clone(), now);
    Ok(Some(secrets))
}

impl KnownEndpoints {
    fn recall(&self, id: &EndpointId, now: Timestamp, within: Duration) -> Option<Arc<[Secret]>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(id).filter(|it| now < it.read_at + within).map(|it| it.secrets.clone())
    }

    fn remember(&self, id: EndpointId, secrets: Arc<[Secret]>, now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, it| now < it.read_at + REMEMBER);
        known.insert(id, Known { secrets, read_at: now });
    }
}
