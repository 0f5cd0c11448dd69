//! Takes in a delivery: what it tells becomes facts of its contract. The same facts in any order, however often, come
//! to the same contract, so nothing has to be remembered of a delivery.

use std::time::Duration;

use tracing::{info, warn};

use super::read::observed;
use super::signing::Signing;
use super::{follow_up, later, observe};
use crate::app::App;
use crate::domain::contract::{Contract, Observed, Overall, ProviderName, State};
use crate::domain::delivery::Delivery;
use crate::domain::id::WorkspaceId;
use crate::domain::time::Timestamp;
use crate::error::{Error, Result};
use crate::esign::webhook::{Hint, Reading, read_events};

/// How soon a delivery comes again whose contract is being created.
const LOOK_AGAIN: Duration = Duration::from_secs(20);

/// Works off a delivery of a provider's.
pub async fn record_signature(app: &App, provider: ProviderName, delivery: &Delivery) -> Result<()> {
    let events = read_events(provider, &delivery.body, delivery.received_at)
        .map_err(|error| Error::invalid("The delivery cannot be read.").because(error))?;
    for event in events {
        record(app, provider, delivery, &event).await?;
    }
    Ok(())
}

async fn record(app: &App, provider: ProviderName, delivery: &Delivery, event: &Hint) -> Result<()> {
    if event.reading == Reading::Nothing {
        info!(event = "delivery.ignored", "an event says nothing of a contract: {}", event.event);
        return Ok(());
    }
    let workspace = delivery.endpoint.workspace();
    let Some(contract) = find(app, workspace, provider, event).await? else {
        // An account sends its other contracts, too. Ours carry our id, or are known by the provider's.
        info!(event = "delivery.of_nobody", "an event is about no contract of ours: {}", event.event);
        return Ok(());
    };
    let seen = match &event.reading {
        Reading::Nothing => None,
        Reading::Snapshot(seen) => Some((seen.clone(), None)),
        Reading::ReRead { if_gone } => reread(app, &contract, if_gone.as_ref()).await?,
    };
    let contract = match seen {
        Some((seen, read_at)) => observe(app, &contract, &seen, read_at).await?,
        None => Some(contract),
    };
    match contract {
        Some(contract) => follow_up(app, &contract).await,
        None => Ok(()),
    }
}

/// The contract an event is about: by our own id, if the provider repeats it, else by the provider's.
async fn find(
    app: &App,
    workspace: WorkspaceId,
    provider: ProviderName,
    event: &Hint,
) -> Result<Option<Contract>> {
    let by_request = match (&event.contract, &event.request) {
        (Some(contract), _) => Some(contract.clone()),
        (None, Some(request)) => app.store().contract_of(workspace, provider, request).await?,
        (None, None) => None,
    };
    let Some(id) = by_request else { return Ok(None) };
    let contract = app.store().find_contract(workspace, &id).await?;
    Ok(contract.filter(|it| it.provider == provider && is_of(it, event)))
}

/// A copy that somebody made at the provider carries our id as well, and is another request.
fn is_of(contract: &Contract, event: &Hint) -> bool {
    match (&contract.request, &event.request) {
        (Some(ours), Some(theirs)) => ours == theirs,
        _ => true,
    }
}

/// What the provider says now. What is over is not read again.
async fn reread(
    app: &App,
    contract: &Contract,
    if_gone: Option<&Observed>,
) -> Result<Option<(Observed, Option<Timestamp>)>> {
    if contract.life.is_over() {
        return Ok(None);
    }
    if contract.request.is_none() {
        return Err(later(LOOK_AGAIN)); // It is being created; then it has a name to be read by.
    }
    let signing = Signing::open(app, contract.workspace, contract.provider).await?;
    let seen = observed(app, &signing, contract).await?;
    if contract.state() == State::Draft && seen.overall.is_none() {
        warn!(event = "contract.unclear", contract.id = %contract.id, "the provider's word was not understood");
    }
    let read_at = Some(app.clock().now());
    Ok(Some(match if_gone {
        Some(explained) if seen.overall == Some(Overall::Gone) => (explained.clone(), read_at),
        _ => (seen, read_at),
    }))
}
