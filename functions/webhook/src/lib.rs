//! `POST /webhooks/{source}/{endpoint}`: checked and queued, nothing else.

use shared::lambda::{Reply, Request};
use shared::usecase::accept_webhook;
use shared::usecase::accept_webhook::Arrival;
use shared::{App, Error, Result};

/// Takes a webhook in.
pub async fn handle(app: &App, request: Request) -> Result<Reply> {
    let (source, endpoint) = (request.segment(1)?, request.segment(2)?);
    let arrival = Arrival {
        endpoint,
        id: request.header("webhook-id"),
        timestamp: request.header("webhook-timestamp"),
        signature: request.header("webhook-signature"),
        body: request.body(),
    };
    match source {
        "whop" => accept_webhook(app, arrival).await?,
        _ => return Err(Error::not_found()),
    }
    Ok(Reply::empty(200))
}
