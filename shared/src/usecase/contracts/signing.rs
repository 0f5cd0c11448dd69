//! A workspace's account at a provider within reach: opened, and with a token that was got once for all workers.

use std::time::Duration;

use tracing::{info, warn};

use crate::app::App;
use crate::domain::contract::ProviderName;
use crate::domain::contract::account::{AccountTrouble, Enrolled, OpenAccount};
use crate::domain::grant::{Sealed, Secret};
use crate::domain::id::WorkspaceId;
use crate::error::{Error, Kind, Result};
use crate::esign::{Esign as _, EsignError, Provider, Token, Trouble};
use crate::store::StoredToken;
use crate::vault::{Bound, Vault};

/// Longer than a provider is given for the calls of a login, so that a lease outlives what it protects.
const LEASE: Duration = Duration::from_mins(1);
/// How long a worker waits for another one's login.
const WAIT_FOR_OTHERS: Duration = Duration::from_secs(20);

/// An account in use.
pub(super) struct Signing<'a> {
    app: &'a App,
    workspace: WorkspaceId,
    pub(super) enrolled: Enrolled,
    pub(super) provider: Provider,
    token: Option<StoredToken>,
}

/// The owner of an account's sealed secrets.
fn owner(provider: ProviderName) -> String {
    format!("esign {provider}")
}

/// Seals or opens an account's secrets. Each is bound to its place among them, which is the same both times.
struct Places<'a> {
    vault: &'a Vault,
    workspace: WorkspaceId,
    owner: String,
    next: usize,
}

impl<'a> Places<'a> {
    fn new(vault: &'a Vault, workspace: WorkspaceId, provider: ProviderName) -> Self {
        Self { vault, workspace, owner: owner(provider), next: 0 }
    }

    fn field(&mut self) -> String {
        self.next += 1;
        format!("secret {}", self.next)
    }

    fn open(&mut self, sealed: &Sealed) -> Result<Secret> {
        let field = self.field();
        let bound = Bound { workspace: self.workspace, owner: &self.owner, field: &field };
        Ok(self.vault.open(&bound, sealed)?)
    }

    fn seal(&mut self, secret: &Secret) -> Result<Sealed> {
        let field = self.field();
        let bound = Bound { workspace: self.workspace, owner: &self.owner, field: &field };
        Ok(self.vault.seal(&bound, secret)?)
    }
}

/// An account with its secrets in memory.
pub(crate) async fn open_account(
    app: &App,
    workspace: WorkspaceId,
    enrolled: &Enrolled,
) -> Result<OpenAccount> {
    let account = &enrolled.account;
    let mut places = Places::new(app.vault().await?, workspace, account.provider());
    account.try_map(|sealed| places.open(sealed))
}

/// An account as it may be stored.
pub(crate) async fn seal_account(
    app: &App,
    workspace: WorkspaceId,
    account: &OpenAccount,
) -> Result<crate::domain::contract::account::StoredAccount> {
    let mut places = Places::new(app.vault().await?, workspace, account.provider());
    account.try_map(|secret| places.seal(secret))
}

impl<'a> Signing<'a> {
    /// Opens the workspace's account at a provider.
    pub(super) async fn open(
        app: &'a App,
        workspace: WorkspaceId,
        name: ProviderName,
    ) -> Result<Signing<'a>> {
        let enrolled = app.store().find_enrolled(workspace, name).await?;
        let enrolled = enrolled.ok_or_else(|| not_enrolled(name))?;
        let account = open_account(app, workspace, &enrolled).await?;
        let token = app.store().find_esign_token(workspace, name).await?;
        let token = token.filter(|it| it.enrolled == enrolled.version);
        let known = match &token {
            Some(stored) => Some(open_token(app, workspace, name, stored).await?),
            None => None,
        };
        let provider = app.esign(account, known)?;
        let mut signing = Self { app, workspace, enrolled, provider, token };
        signing.log_in_if_due().await?;
        Ok(signing)
    }

    /// Uses an account that is not kept yet, so that what cannot work is refused before it is. Answers what a
    /// person still has to do at the provider, if that is all that is missing.
    pub(super) async fn prove(
        app: &'a App,
        workspace: WorkspaceId,
        enrolled: &Enrolled,
        account: OpenAccount,
    ) -> Result<Option<AccountTrouble>> {
        let provider = app.esign(account, None)?;
        let mut signing = Self { app, workspace, enrolled: enrolled.clone(), provider, token: None };
        let Err(error) = signing.try_out().await else {
            return Ok(None);
        };
        match (&error.trouble, signing.advice(&error)) {
            (Trouble::ConsentRequired { .. }, Some(advice)) => {
                Ok(Some(AccountTrouble { at: app.clock().now(), advice }))
            }
            (_, Some(advice)) => Err(Error::invalid(advice).because(error)),
            (_, None) => Err(signing.meaning(error)),
        }
    }

    async fn try_out(&mut self) -> Result<(), EsignError> {
        if let Some(token) = self.provider.log_in(self.app.clock().now()).await? {
            self.provider = self.provider.clone().with(token);
        }
        self.provider.templates(None).await.map(drop)
    }

    fn name(&self) -> ProviderName {
        self.enrolled.account.provider()
    }

    /// One worker gets a token; the others wait for it.
    async fn log_in_if_due(&mut self) -> Result<()> {
        let (app, store, name) = (self.app, self.app.store(), self.name());
        let give_up = app.clock().now() + WAIT_FOR_OTHERS;
        while self.provider.needs_token(app.clock().now()) {
            let now = app.clock().now();
            let lease = store.lease_esign_token(self.workspace, name, now, now + LEASE).await?;
            if let Some(taker) = lease {
                return self.log_in(&taker).await;
            }
            if now >= give_up {
                return Err(super::later(Duration::from_secs(5)));
            }
            app.clock().sleep(Duration::from_millis(100)).await;
            let stored = store.find_esign_token(self.workspace, name).await?;
            self.use_token(stored.filter(|it| it.enrolled == self.enrolled.version)).await?;
        }
        Ok(())
    }

    async fn log_in(&mut self, taker: &str) -> Result<()> {
        let (app, store, name) = (self.app, self.app.store(), self.name());
        // Somebody may have got one between our look and our lease.
        let stored = store.find_esign_token(self.workspace, name).await?;
        self.use_token(stored.filter(|it| it.enrolled == self.enrolled.version)).await?;
        if !self.provider.needs_token(app.clock().now()) {
            store.end_token_lease(self.workspace, name, taker, None).await?;
            return Ok(());
        }
        match self.provider.log_in(app.clock().now()).await {
            Ok(Some(token)) => {
                let stored = self.seal_token(&token).await?;
                store.end_token_lease(self.workspace, name, taker, Some(&stored)).await?;
                info!(event = "esign.logged_in", contract.provider = name.as_str(), "a token was got");
                self.use_token(Some(stored)).await
            }
            Ok(None) => Ok(()),
            Err(error) => {
                store.end_token_lease(self.workspace, name, taker, None).await?;
                Err(self.refused(error).await)
            }
        }
    }

    async fn use_token(&mut self, stored: Option<StoredToken>) -> Result<()> {
        let Some(stored) = stored else { return Ok(()) };
        let token = open_token(self.app, self.workspace, self.name(), &stored).await?;
        self.provider = self.provider.clone().with(token);
        self.token = Some(stored);
        Ok(())
    }

    async fn seal_token(&self, token: &Token) -> Result<StoredToken> {
        let owner = owner(self.name());
        let bound = Bound { workspace: self.workspace, owner: &owner, field: "token" };
        Ok(StoredToken {
            access: self.app.vault().await?.seal(&bound, &token.access)?,
            until: token.until,
            account: token.account.clone(),
            base: token.base.to_string(),
            enrolled: self.enrolled.version,
        })
    }

    /// Learns from a refusal, and says what it means for what was being done.
    pub(super) async fn refused(&self, error: EsignError) -> Error {
        match self.learn(&error).await {
            Ok(()) => self.meaning(error),
            Err(failed) => failed,
        }
    }

    /// A call worked, so nothing keeps the account from being used.
    pub(super) async fn works(&self) -> Result<()> {
        if self.enrolled.trouble.is_some() {
            let which = (self.name(), self.enrolled.version);
            self.app.store().note_trouble(self.workspace, which, None).await?;
        }
        Ok(())
    }

    async fn learn(&self, error: &EsignError) -> Result<()> {
        let (store, name) = (self.app.store(), self.name());
        if error.trouble == Trouble::LoggedOut
            && let Some(token) = &self.token
        {
            return Ok(store.drop_esign_token(self.workspace, name, token).await?);
        }
        let Some(advice) = self.advice(error) else { return Ok(()) };
        warn!(
            event = "esign.account_refused",
            workspace.id = %self.workspace,
            contract.provider = name.as_str(),
            "an e-signature account cannot be used: {}",
            error.class()
        );
        let trouble = AccountTrouble { at: self.app.clock().now(), advice };
        Ok(store.note_trouble(self.workspace, (name, self.enrolled.version), Some(&trouble)).await?)
    }

    /// What a person has to mend, if that is what it takes.
    fn advice(&self, error: &EsignError) -> Option<String> {
        let name = label(self.name());
        match &error.trouble {
            Trouble::ConsentRequired { at } => {
                let redirect =
                    url::form_urlencoded::byte_serialize(self.app.config().own_url("/").as_bytes())
                        .collect::<String>();
                Some(format!(
                    "{name} wants an administrator to agree once: open {at}&redirect_uri={redirect} and allow."
                ))
            }
            Trouble::Misconfigured => {
                let code = error.code.as_deref().unwrap_or("no code");
                Some(format!("{name} does not accept the account's keys ({code}). Give them again."))
            }
            Trouble::Rejected
            | Trouble::LoggedOut
            | Trouble::NotFound
            | Trouble::NotReady { .. }
            | Trouble::Throttled { .. }
            | Trouble::Unavailable
            | Trouble::TooLarge => None,
        }
    }

    fn meaning(&self, error: EsignError) -> Error {
        let now = self.app.clock().now();
        let name = label(self.name());
        let kind = match &error.trouble {
            Trouble::ConsentRequired { .. } | Trouble::Misconfigured => Kind::Disconnected,
            Trouble::LoggedOut | Trouble::Unavailable => Kind::Unavailable,
            Trouble::NotReady { .. } | Trouble::Throttled { .. } => {
                let retry_after = error.retry_after(now).unwrap_or(Duration::from_secs(30));
                Kind::Throttled { retry_after }
            }
            Trouble::NotFound => Kind::NotFound,
            Trouble::Rejected | Trouble::TooLarge => Kind::Rejected,
        };
        let said = match kind {
            Kind::Disconnected => self.advice(&error).unwrap_or_default(),
            Kind::NotFound => format!("{name} knows no such thing, or not any more."),
            Kind::Rejected => {
                format!("{name} refuses this ({}).", error.code.as_deref().unwrap_or("no code"))
            }
            Kind::Throttled { .. } => format!("{name} asks us to wait. Try again in a moment."),
            Kind::Invalid | Kind::Unauthenticated | Kind::Conflict | Kind::Unavailable | Kind::Bug => {
                format!("{name} does not answer. Try again in a moment.")
            }
        };
        Error::new(kind).saying(said).because(error)
    }
}

async fn open_token(
    app: &App,
    workspace: WorkspaceId,
    name: ProviderName,
    stored: &StoredToken,
) -> Result<Token> {
    let owner = owner(name);
    let bound = Bound { workspace, owner: &owner, field: "token" };
    Ok(Token {
        access: app.vault().await?.open(&bound, &stored.access)?,
        until: stored.until,
        account: stored.account.clone(),
        base: stored.base.parse().map_err(|error| Error::new(Kind::Bug).because(error))?,
    })
}

/// The provider's own spelling.
pub(crate) fn label(provider: ProviderName) -> &'static str {
    match provider {
        ProviderName::DocuSign => "DocuSign",
        ProviderName::DropboxSign => "Dropbox Sign",
        ProviderName::PandaDoc => "PandaDoc",
    }
}

fn not_enrolled(name: ProviderName) -> Error {
    let advice = format!("There is no account of {}. Add one on the settings page.", label(name));
    Error::new(Kind::Disconnected).saying(advice)
}
