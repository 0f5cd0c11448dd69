//! Records a wish for a contract. It asks the provider for nothing but the template's roles; sending is a job.

use tracing::{info, warn};

use super::document::is_there;
use super::follow_up;
use super::signing::Signing;
use crate::app::App;
use crate::domain::caller::Caller;
use crate::domain::contract::request::ContractRequest;
use crate::domain::contract::{Cause, Contract, Invalid, ProviderName, Source};
use crate::domain::id::{ContractId, TemplateId};
use crate::error::{Error, Kind, Result};
use crate::esign::Esign as _;
use crate::ids;
use crate::store::Named;
use crate::usecase::audit::audit;

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::invalid(invalid.to_string())
    }
}

/// Longest name a caller may give a request.
const LONGEST_NAME: usize = 200;

/// Records a contract and lets it be sent. The same `name` (the caller's idempotency key) means the same contract.
pub async fn send_contract(
    app: &App,
    caller: &Caller,
    request: ContractRequest,
    name: Option<&str>,
) -> Result<Contract> {
    let workspace = caller.workspace;
    let settings = app.store().find_contract_settings(workspace).await?.unwrap_or_default();
    let provider = request.provider(&settings)?;
    request.check(provider)?;
    check_source(app, caller, &request, provider).await?;
    let cause = Cause::Person { by: caller.name() };
    let contract = record(app, caller, request, (provider, cause), name).await?;
    audit(app, workspace, &caller.name(), "contract.requested", contract.id.as_str()).await?;
    Ok(contract)
}

/// Keeps a contract that was checked, once for its name, and queues its sending.
pub(crate) async fn record(
    app: &App,
    caller: &Caller,
    request: ContractRequest,
    (provider, cause): (ProviderName, Cause),
    name: Option<&str>,
) -> Result<Contract> {
    let (workspace, now) = (caller.workspace, app.clock().now());
    let id = ids::by_time("ctr", now).map_err(|error| Error::new(Kind::Bug).because(error))?;
    let mut id: ContractId = id.try_into().map_err(|error| Error::new(Kind::Bug).because(error))?;
    if let Some(name) = name {
        if name.is_empty() || name.len() > LONGEST_NAME || name.contains(char::is_control) {
            let advice = format!("An idempotency key has 1 to {LONGEST_NAME} characters.");
            return Err(Error::invalid(advice));
        }
        let expiring = matches!(cause, Cause::Person { .. }).then_some(now);
        let fingerprint = fingerprint(&request, &cause);
        match app.store().name_contract(workspace, (name, &fingerprint), &id, expiring).await? {
            Named::As(known) => id = known,
            Named::Other => {
                let advice = "This idempotency key was used for another contract. Use a new one.";
                return Err(Error::new(Kind::Conflict).saying(advice));
            }
        }
        if let Some(there) = app.store().find_contract(workspace, &id).await? {
            return Ok(there);
        }
    }
    let contract = request.into_contract(id, workspace, provider, cause, now)?;
    if !app.store().insert_contract(&contract, now).await? {
        let there = app.store().find_contract(workspace, &contract.id).await?;
        return there.ok_or_else(|| Error::new(Kind::Conflict));
    }
    info!(
        event = "contract.requested",
        workspace.id = %workspace,
        contract.id = %contract.id,
        contract.provider = provider.as_str(),
        "a contract was requested"
    );
    // It is kept. If the queue does not take the job now, the schedule finds what is owed.
    if let Err(error) = follow_up(app, &contract).await {
        warn!(event = "contract.not_queued", error.kind = error.kind().as_str(), "{}", error.chain());
    }
    Ok(contract)
}

/// What tells requests of one name apart. A rule's name means one contract, whatever its person is called by now and
/// however its message is drafted.
fn fingerprint(request: &ContractRequest, cause: &Cause) -> String {
    match cause {
        Cause::Person { .. } => request.fingerprint(),
        Cause::Automation { .. } => "by a rule".to_owned(),
    }
}

/// Refuses what the provider would refuse, as far as it can be known now.
async fn check_source(
    app: &App,
    caller: &Caller,
    request: &ContractRequest,
    provider: ProviderName,
) -> Result<()> {
    match &request.source {
        Source::File(file) => {
            Signing::open(app, caller.workspace, provider).await?;
            is_there(app, caller, file).await
        }
        Source::Template { template } => check_template(app, caller, request, (provider, template)).await,
    }
}

async fn check_template(
    app: &App,
    caller: &Caller,
    request: &ContractRequest,
    (provider, template): (ProviderName, &TemplateId),
) -> Result<()> {
    let signing = Signing::open(app, caller.workspace, provider).await?;
    let found = match signing.provider.template(template).await {
        Ok(found) => found,
        Err(error) => {
            let error = signing.refused(error).await;
            return match error.kind() {
                Kind::NotFound => Err(Invalid::one("template", "The provider has no such template.").into()),
                // It will be found out when it is sent.
                Kind::Unavailable | Kind::Throttled { .. } => Ok(()),
                Kind::Invalid
                | Kind::Unauthenticated
                | Kind::Conflict
                | Kind::Disconnected
                | Kind::Rejected
                | Kind::Bug => Err(error),
            };
        }
    };
    signing.works().await?;
    if let Some(roles) = &found.roles {
        request.check_roles(roles)?;
    }
    Ok(())
}
