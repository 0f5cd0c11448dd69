//! What the API and the settings page read. It changes nothing, and sees one workspace.

use std::collections::BTreeMap;

use crate::app::App;
use crate::domain::caller::{ApiToken, AuditEntry, Caller};
use crate::domain::card::Card;
use crate::domain::connection::{Connection, Workspace};
use crate::domain::delivery::StoredDelivery;
use crate::domain::failed::FailedRecord;
use crate::domain::id::RunId;
use crate::domain::run::Run;
use crate::error::{Error, Result};
use crate::store::Cards;
use crate::usecase::go_live::webhook_url;

/// How a workspace is doing.
#[derive(Debug)]
pub struct Status {
    pub workspace: Workspace,
    pub connection: Option<Connection>,
    /// Where Whop delivers to, if it does.
    pub webhook_url: Option<String>,
    pub open_run: Option<Run>,
    /// What the user should know before it costs them something, in words.
    pub warnings: Vec<String>,
}

/// A part of a list and where the next part begins.
pub type Part<T> = (Vec<T>, Option<String>);

/// How the caller's workspace is doing.
pub async fn status(app: &App, caller: &Caller) -> Result<Status> {
    let workspace = app.store().find_workspace(caller.workspace).await?.ok_or_else(Error::not_found)?;
    let connection = app.store().find_connection(caller.workspace).await?;
    let open_run = match connection.as_ref().and_then(|it| it.open_run.as_ref()) {
        Some(id) => app.store().find_run(caller.workspace, id).await?,
        None => None,
    };
    let endpoint = connection.as_ref().and_then(|it| it.live.endpoint());
    let webhook_url = endpoint.map(|endpoint| webhook_url(app, endpoint));
    let warnings = warnings(&workspace);
    Ok(Status { workspace, connection, webhook_url, open_run, warnings })
}

fn warnings(workspace: &Workspace) -> Vec<String> {
    let mut warnings = workspace.schema.all_problems();
    if workspace.refused_at.is_some() {
        warnings.push("Twenty refuses the API key. Give a new one to go on.".to_owned());
    }
    if workspace.schema.creates_companies {
        warnings.push(
            "The workflow \"Create company when adding a new person\" is active in Twenty. It would run for every \
             imported person and hold up your other workflows. Deactivate it in Twenty under Workflows before \
             the first sync."
                .to_owned(),
        );
    }
    warnings
}

/// One run.
pub async fn run(app: &App, caller: &Caller, id: &RunId) -> Result<Run> {
    app.store().find_run(caller.workspace, id).await?.ok_or_else(Error::not_found)
}

/// The latest runs, newest first.
pub async fn runs(app: &App, caller: &Caller, first: u32) -> Result<Vec<Run>> {
    Ok(app.store().list_runs(caller.workspace, size(first), None).await?.items)
}

/// Records that were kept aside.
pub async fn failed_records(
    app: &App,
    caller: &Caller,
    first: u32,
    after: Option<&str>,
) -> Result<Part<FailedRecord>> {
    let listed = app.store().list_failed(caller.workspace, size(first), after).await?;
    Ok((listed.items, listed.next))
}

/// Decision cards, only those without an answer if `open`.
pub async fn decision_cards(
    app: &App,
    caller: &Caller,
    open: bool,
    first: u32,
    after: Option<&str>,
) -> Result<Part<Card>> {
    let which = if open { Cards::Open } else { Cards::All };
    let listed = app.store().list_cards(caller.workspace, which, size(first), after).await?;
    Ok((listed.items, listed.next))
}

/// Every API token.
pub async fn api_tokens(app: &App, caller: &Caller) -> Result<Vec<ApiToken>> {
    Ok(app.store().list_tokens(caller.workspace).await?)
}

/// The latest entries of the audit log, newest first.
pub async fn audit_log(app: &App, caller: &Caller, first: u32) -> Result<Vec<AuditEntry>> {
    Ok(app.store().list_audit(caller.workspace, size(first), None).await?.items)
}

/// Deliveries that were kept.
pub async fn deliveries(app: &App, caller: &Caller, first: u32) -> Result<Vec<StoredDelivery>> {
    Ok(app.store().list_deliveries(caller.workspace, size(first), None).await?.items)
}

/// Events this version does not know, and how many deliveries of each are kept.
pub async fn unknown_events(app: &App, caller: &Caller) -> Result<BTreeMap<String, u64>> {
    Ok(app.store().count_unknown(caller.workspace).await?)
}

/// As many as one list shows.
fn size(first: u32) -> usize {
    usize::try_from(first).unwrap_or(usize::MAX).clamp(1, 100)
}
