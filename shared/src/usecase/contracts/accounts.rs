//! Accounts at e-signature providers: taken in once a real call worked, shown without their secrets, removed once
//! nothing needs them.

use tracing::info;

use super::accept::webhook_url;
use super::find::{Wanted, list};
use super::settings::change_provider;
use super::signing::{Signing, label, open_account, seal_account};
use crate::app::App;
use crate::domain::caller::Caller;
use crate::domain::contract::account::{
    Account, AccountTrouble, Enrolled, Environment, OldKeys, OpenAccount, StoredAccount,
};
use crate::domain::contract::{Contract, Owed, ProviderName};
use crate::domain::id::{EndpointId, WorkspaceId};
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::esign::fault_of;
use crate::ids;
use crate::usecase::audit::audit;

/// An account as it may be shown: everything but its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountShown {
    pub provider: ProviderName,
    pub environment: Environment,
    /// Since when the workspace has an account there.
    pub since: Timestamp,
    pub trouble: Option<AccountTrouble>,
    /// Where the provider sends what happens. It never changes while there is an account.
    pub webhook_url: String,
    /// How many keys webhooks may be signed with.
    pub webhook_keys: usize,
    /// The app's id at `DocuSign`.
    pub integration_key: Option<String>,
    /// The user who sends at `DocuSign`.
    pub user_id: Option<String>,
    /// The account that is billed at `DocuSign`, if it was named.
    pub account_id: Option<String>,
    /// The API app at Dropbox Sign, if there is one.
    pub client_id: Option<String>,
    /// What is to be done at the provider, for the person who does it.
    pub next_steps: Vec<String>,
}

/// Takes an account in, or puts it in place of the one that is there: what is left empty then stays as it was.
pub async fn enroll(
    app: &App,
    caller: &Caller,
    offered: OpenAccount,
    old_keys: OldKeys,
) -> Result<AccountShown> {
    let (workspace, provider) = (caller.workspace, offered.provider());
    let before = app.store().find_enrolled(workspace, provider).await?;
    let account = match &before {
        Some(before) => offered.over(open_account(app, workspace, before).await?, old_keys),
        None => offered,
    };
    if let Some(fault) = fault_of(&account) {
        return Err(Error::invalid(fault));
    }
    let enrolled = enrolled(app, workspace, &account, before.as_ref()).await?;
    let trouble = Signing::prove(app, workspace, &enrolled, account).await?;
    let enrolled = Enrolled { trouble, ..enrolled };
    if !app.store().put_enrolled(workspace, &enrolled, before.map(|it| it.version)).await? {
        return Err(Error::new(Kind::Conflict));
    }
    change_provider(app, workspace, |chosen| chosen.or(Some(provider))).await?;
    audit(app, workspace, &caller.name(), "esign_account.saved", provider.as_str()).await?;
    info!(
        event = "esign.enrolled",
        workspace.id = %workspace,
        contract.provider = provider.as_str(),
        "an e-signature account was saved"
    );
    Ok(shown(app, &enrolled))
}

/// The account as it will be kept. The address of its webhooks is that of the account before it.
async fn enrolled(
    app: &App,
    workspace: WorkspaceId,
    account: &OpenAccount,
    before: Option<&Enrolled>,
) -> Result<Enrolled> {
    let (endpoint, since, version) = match before {
        Some(before) => (before.endpoint.clone(), before.since, before.version + 1),
        None => {
            let random = ids::unguessable().map_err(|error| Error::new(Kind::Bug).because(error))?;
            let endpoint = EndpointId::new(workspace, &random);
            (endpoint.map_err(|error| Error::new(Kind::Bug).because(error))?, app.clock().now(), 1)
        }
    };
    let account = seal_account(app, workspace, account).await?;
    Ok(Enrolled { account, endpoint, since, trouble: None, version })
}

/// The accounts of the caller's workspace.
pub async fn accounts(app: &App, caller: &Caller) -> Result<Vec<AccountShown>> {
    let enrolled = app.store().list_enrolled(caller.workspace).await?;
    Ok(enrolled.iter().map(|it| shown(app, it)).collect())
}

fn shown(app: &App, enrolled: &Enrolled) -> AccountShown {
    let account = &enrolled.account;
    let mut shown = AccountShown {
        provider: account.provider(),
        environment: Environment::Sandbox,
        since: enrolled.since,
        trouble: enrolled.trouble.clone(),
        webhook_url: webhook_url(app, enrolled),
        webhook_keys: account.webhook_keys().len(),
        integration_key: None,
        user_id: None,
        account_id: None,
        client_id: None,
        next_steps: next_steps(account, &app.config().own_url("/")),
    };
    match account {
        Account::DocuSign(it) => {
            shown.environment = it.environment;
            shown.integration_key = Some(it.integration_key.clone());
            shown.user_id = Some(it.user_id.clone());
            shown.account_id.clone_from(&it.account_id);
        }
        Account::DropboxSign(it) => {
            shown.environment = it.environment;
            shown.client_id.clone_from(&it.client_id);
        }
        Account::PandaDoc(it) => shown.environment = it.environment,
    }
    shown
}

/// What only a person can do at the provider.
fn next_steps(account: &StoredAccount, home: &str) -> Vec<String> {
    let steps: &[&str] = match account {
        Account::DocuSign(_) => &[
            "Every envelope names the webhook address by itself; nothing has to be set in Connect but its HMAC keys.",
            "The address of this page must be among the redirect URIs of the app, because a consent ends there:",
        ],
        Account::DropboxSign(it) if it.client_id.is_some() => &[
            "In Dropbox Sign: Settings, then API, then your API app. Give it the webhook address as its event callback.",
        ],
        Account::DropboxSign(_) => {
            &["In Dropbox Sign: Settings, then API. Give the webhook address as the account callback."]
        }
        Account::PandaDoc(it) if it.webhook_keys.is_empty() => &[
            "In PandaDoc: Developer Dashboard, then Webhooks. Create one with the webhook address, all document \
             and recipient events, and metadata in its payload.",
            "Then give its shared key here: until then nothing that PandaDoc tells is believed.",
        ],
        Account::PandaDoc(_) => {
            &["In PandaDoc: Developer Dashboard, then Webhooks. The webhook address must be active there."]
        }
    };
    let tell = |step: &&str| if step.ends_with(':') { format!("{step} {home}.") } else { (*step).to_owned() };
    steps.iter().map(tell).collect()
}

/// When an account may be taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Only if no contract needs it any more.
    IfUnneeded,
    /// Even if open contracts can then no longer be followed.
    Anyway,
}

/// Takes an account away, with its keys. New contracts go to another account, if there is one.
pub async fn remove(app: &App, caller: &Caller, provider: ProviderName, removal: Removal) -> Result<()> {
    let workspace = caller.workspace;
    if app.store().find_enrolled(workspace, provider).await?.is_none() {
        return Err(Error::not_found());
    }
    if removal == Removal::IfUnneeded && is_needed(app, caller, provider).await? {
        let name = label(provider);
        let advice = format!(
            "There are open contracts at {name}, or signed files to fetch. Wait for them, or cancel them first."
        );
        return Err(Error::new(Kind::Conflict).saying(advice));
    }
    app.store().remove_enrolled(workspace, provider).await?;
    let left = app.store().list_enrolled(workspace).await?.first().map(|it| it.account.provider());
    change_provider(app, workspace, |chosen| if chosen == Some(provider) { left } else { chosen }).await?;
    audit(app, workspace, &caller.name(), "esign_account.removed", provider.as_str()).await
}

/// True while a contract cannot do without this provider.
async fn is_needed(app: &App, caller: &Caller, provider: ProviderName) -> Result<bool> {
    let needs = |it: &Contract| {
        let owes_file = it.owed().contains(&Owed::Archive);
        it.provider == provider && (!it.life.is_over() || owes_file)
    };
    let mut after: Option<String> = None;
    loop {
        let (contracts, next) = list(app, caller, Wanted::default(), 100, after.as_deref()).await?;
        if contracts.iter().any(needs) {
            return Ok(true);
        }
        if next.is_none() {
            return Ok(false);
        }
        after = next;
    }
}
