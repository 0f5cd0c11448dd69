//! `POST /webhooks/{source}/{endpoint}`: checked and queued, nothing else.

use shared::domain::contract::ProviderName;
use shared::lambda::{Reply, Request};
use shared::usecase::accept_webhook;
use shared::usecase::accept_webhook::Arrival;
use shared::usecase::contracts::accept::{self, accept_signature_webhook};
use shared::{App, Error, Result};

/// Takes a webhook in.
pub async fn handle(app: &App, request: Request) -> Result<Reply> {
    match request.segment(1)? {
        "whop" => {
            accept_webhook(app, of_whop(&request)?).await?;
            Ok(Reply::empty(200))
        }
        source => of_signatures(app, &request, source.parse().map_err(|_| Error::not_found())?).await,
    }
}

fn of_whop(request: &Request) -> Result<Arrival<'_>> {
    Ok(Arrival {
        endpoint: request.segment(2)?,
        id: request.header("webhook-id"),
        timestamp: request.header("webhook-timestamp"),
        signature: request.header("webhook-signature"),
        body: request.body(),
    })
}

/// What an e-signature provider tells; it wants to read a word of its own.
async fn of_signatures(app: &App, request: &Request, provider: ProviderName) -> Result<Reply> {
    let parameters = request.parameters();
    let query: Vec<(&str, &str)> = parameters.iter().map(|(name, it)| (name.as_str(), it.as_str())).collect();
    let arrival = accept::Arrival {
        endpoint: request.segment(2)?,
        headers: &request.headers(),
        query: &query,
        body: request.body(),
    };
    let receipt = accept_signature_webhook(app, provider, arrival).await?;
    Ok(Reply::text(200, "text/plain", receipt))
}
