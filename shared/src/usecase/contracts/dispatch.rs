//! Sends a contract, step by step.
//!
//! Creating is idempotent at no provider. So it is written down before it is begun, under a lease that outlives every
//! worker; whoever finds it begun waits for the lease to end, looks for our own id at the provider, and creates again
//! only if nothing is there.

use std::time::Duration;

use bytes::Bytes;
use tracing::info;
use url::Url;

use super::document::is_pdf;
use super::read::read_now;
use super::signing::Signing;
use super::{change, follow_up, joined, later, observe, replace};
use crate::app::App;
use crate::domain::contract::owed::CREATING_LEASE;
use crate::domain::contract::{Contract, Dispatch, NextCall, Observed, Overall, SendStep, Source};
use crate::domain::id::{ContractId, SignatureRequestId, WorkspaceId};
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::esign::{Esign as _, EsignError, Sending, Step, Trouble};

/// How long an account that cannot be used is waited for, from the wish on.
const WAIT_FOR_ACCOUNT: Duration = Duration::from_hours(24);

/// Makes the steps that are left, until there is none, one has to be waited for, or time is up.
pub async fn dispatch_contract(
    app: &App,
    workspace: WorkspaceId,
    id: &ContractId,
    deadline: Timestamp,
) -> Result<()> {
    // Boxed: the calls of all providers are in this future.
    match Box::pin(steps(app, workspace, id, deadline)).await {
        Err(error) if error.kind() == Kind::Disconnected => give_up_in_time(app, workspace, id, error).await,
        result => result,
    }
}

async fn steps(app: &App, workspace: WorkspaceId, id: &ContractId, deadline: Timestamp) -> Result<()> {
    let Some(mut contract) = app.store().find_contract(workspace, id).await? else {
        return Ok(());
    };
    if contract.next_call() == NextCall::Nothing {
        return follow_up(app, &contract).await;
    }
    let signing = Signing::open(app, workspace, contract.provider).await?;
    loop {
        contract = match contract.next_call() {
            NextCall::Nothing => return follow_up(app, &contract).await,
            NextCall::LookUp => look_up(app, &signing, contract).await?,
            NextCall::Step(SendStep::Create) => Box::pin(create(app, &signing, contract)).await?,
            NextCall::Step(step) => go_on(app, &signing, contract, step).await?,
        };
        if app.clock().now() >= deadline {
            return Err(later(Duration::ZERO)); // The same message comes again, and goes on from here.
        }
    }
}

/// An account that cannot be used may be mended, for a day; then the contract says why it was not sent.
async fn give_up_in_time(app: &App, workspace: WorkspaceId, id: &ContractId, error: Error) -> Result<()> {
    let Some(contract) = app.store().find_contract(workspace, id).await? else {
        return Ok(());
    };
    if app.clock().now() < contract.requested_at + WAIT_FOR_ACCOUNT {
        return Err(error);
    }
    let failed = fail(app, &contract, error.advice()).await?;
    follow_up(app, &failed).await
}

/// Ends a contract that can never be sent, with its reason.
async fn fail(app: &App, contract: &Contract, reason: &str) -> Result<Contract> {
    let now = app.clock().now();
    info!(event = "contract.failed", contract.id = %contract.id, "a contract cannot be sent: {reason}");
    let failed = change(app, contract.workspace, &contract.id, |it| {
        let mut next = it.clone();
        next.life.fail(now, reason);
        (next != *it).then_some(next)
    });
    failed.await?.ok_or_else(Error::not_found)
}

/// Writes down how far sending came, over whatever else was written meanwhile, if sending is still where it was.
async fn advance(
    app: &App,
    contract: &Contract,
    to: impl Fn(Contract) -> Contract + Send + Sync,
) -> Result<Contract> {
    let from = contract.dispatch.clone();
    let kept = change(app, contract.workspace, &contract.id, |it| {
        (it.dispatch == from).then(|| to(it.clone())).filter(|next| next != it)
    });
    kept.await?.ok_or_else(Error::not_found)
}

/// Finds what an earlier attempt made, or goes back to where it began.
async fn look_up(app: &App, signing: &Signing<'_>, contract: Contract) -> Result<Contract> {
    let now = app.clock().now();
    if let Dispatch::Creating { since } = contract.dispatch
        && now < since + CREATING_LEASE
    {
        return Err(later((since + CREATING_LEASE).since(now)));
    }
    let found = match signing.provider.find_by_own_id(&contract).await {
        Ok(found) => found,
        Err(error) => return Err(signing.refused(error).await),
    };
    let Some(found) = found else {
        return advance(app, &contract, |it| Contract { dispatch: Dispatch::Requested, ..it }).await;
    };
    info!(event = "contract.found", contract.id = %contract.id, "an earlier attempt had created the contract");
    if let Some(step) = found.next {
        return created(app, contract, found.request, step).await;
    }
    app.store().put_request(&contract, &found.request).await?;
    let request = Some(found.request);
    let sent = advance(app, &contract, |it| {
        let dispatch = Dispatch::Sent { at: now };
        Contract { request: request.clone(), dispatch, ..it }
    });
    read_now(app, signing, &sent.await?).await
}

async fn create(app: &App, signing: &Signing<'_>, contract: Contract) -> Result<Contract> {
    let file = match source_file(app, &contract).await {
        Ok(file) => file,
        Err(error) if error.kind() == Kind::Rejected => return fail(app, &contract, error.advice()).await,
        Err(error) => return Err(error),
    };
    let begun = Contract { dispatch: Dispatch::Creating { since: app.clock().now() }, ..contract.clone() };
    let begun = replace(app, &contract, begun).await?;
    let webhook = webhook_url(app, signing)?;
    let sending = Sending { now: app.clock().now(), file: file.as_ref(), webhook: webhook.as_ref() };
    match signing.provider.send_step(&begun, SendStep::Create, &sending).await {
        Ok(step) => {
            signing.works().await?;
            took(app, begun, step).await
        }
        Err(error) if error.may_have_happened() => Err(signing.refused(error).await),
        Err(error) if says_never(&error) => {
            let reason = signing.refused(error).await;
            fail(app, &begun, reason.advice()).await
        }
        Err(error) => {
            // It surely was not created, so nobody has to look for it.
            advance(app, &begun, |it| Contract { dispatch: Dispatch::Requested, ..it }).await?;
            Err(signing.refused(error).await)
        }
    }
}

/// True for refusals that no later attempt will change.
fn says_never(error: &EsignError) -> bool {
    match error.trouble {
        Trouble::Rejected | Trouble::NotFound => true,
        Trouble::LoggedOut
        | Trouble::ConsentRequired { .. }
        | Trouble::Misconfigured
        | Trouble::NotReady { .. }
        | Trouble::Throttled { .. }
        | Trouble::Unavailable
        | Trouble::TooLarge => false,
    }
}

async fn go_on(app: &App, signing: &Signing<'_>, contract: Contract, step: SendStep) -> Result<Contract> {
    let webhook = webhook_url(app, signing)?;
    let sending = Sending { now: app.clock().now(), file: None, webhook: webhook.as_ref() };
    match signing.provider.send_step(&contract, step, &sending).await {
        Ok(step) => took(app, contract, step).await,
        Err(error) if says_never(&error) => {
            let reason = signing.refused(error).await;
            fail(app, &contract, reason.advice()).await
        }
        Err(error) => Err(signing.refused(error).await),
    }
}

/// Writes down what a step came to.
async fn took(app: &App, contract: Contract, step: Step) -> Result<Contract> {
    let now = app.clock().now();
    match step {
        Step::Created { request, next, after } => {
            let kept = created(app, contract, request, next).await?;
            pause(after)?;
            Ok(kept)
        }
        Step::Next { step, after } => {
            let dispatch = Dispatch::Created { next: step, since: now };
            let kept = advance(app, &contract, |it| Contract { dispatch: dispatch.clone(), ..it }).await?;
            pause(after)?;
            Ok(kept)
        }
        Step::Wait { after } => Err(later(after)),
        Step::Sent { request, observed } => sent(app, contract, &request, &observed).await,
        Step::Failed { observed } => {
            observe(app, &contract, &observed, None).await?.ok_or_else(Error::not_found)
        }
    }
}

async fn sent(
    app: &App,
    contract: Contract,
    request: &SignatureRequestId,
    observed: &Observed,
) -> Result<Contract> {
    app.store().put_request(&contract, request).await?;
    let at = match contract.dispatch {
        Dispatch::Sent { at } => at,
        Dispatch::Requested | Dispatch::Creating { .. } | Dispatch::Created { .. } => app.clock().now(),
    };
    let sent = advance(app, &contract, |it| {
        let dispatch = Dispatch::Sent { at };
        let sent = Contract { request: Some(request.clone()), dispatch, ..it };
        joined(&sent, observed, None).unwrap_or(sent)
    });
    sent.await
}

async fn created(
    app: &App,
    contract: Contract,
    request: SignatureRequestId,
    next: SendStep,
) -> Result<Contract> {
    app.store().put_request(&contract, &request).await?;
    let now = app.clock().now();
    let made = advance(app, &contract, |it| {
        let dispatch = Dispatch::Created { next, since: now };
        let made = Contract { request: Some(request.clone()), dispatch, ..it };
        joined(&made, &Observed::overall(now, Overall::Draft), None).unwrap_or(made)
    });
    made.await
}

/// A provider that needs time gets it between two messages, never inside a function.
fn pause(after: Duration) -> Result<()> {
    if after.is_zero() { Ok(()) } else { Err(later(after)) }
}

/// The bytes to be signed, if a file is.
async fn source_file(app: &App, contract: &Contract) -> Result<Option<Bytes>> {
    let Source::File(file) = &contract.source else { return Ok(None) };
    let bytes = app.files()?.get(&file.key, &file.sha256, app.clock().now()).await?;
    if is_pdf(&bytes) {
        return Ok(Some(bytes));
    }
    Err(Error::new(Kind::Rejected).saying("The file is not a PDF."))
}

/// Where events of this account's contracts go, for providers that are told with each of them.
fn webhook_url(app: &App, signing: &Signing<'_>) -> Result<Option<Url>> {
    let url = super::accept::webhook_url(app, &signing.enrolled);
    let url = url.parse().map_err(|error| Error::new(Kind::Bug).because(error))?;
    Ok(Some(url))
}
