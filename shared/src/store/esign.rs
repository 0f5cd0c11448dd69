//! Accounts at e-signature providers, sealed, and the access token that all workers of a workspace share.

use serde::{Deserialize, Serialize};

use super::expression::{ABSENT, Expression, number, text, value};
use super::grant::{is_taken_by, taker};
use super::listing::Listing;
use super::table::{Held, Key};
use super::{Result, Store};
use crate::domain::contract::ProviderName;
use crate::domain::contract::account::{AccountTrouble, Enrolled};
use crate::domain::grant::Sealed;
use crate::domain::id::WorkspaceId;
use crate::domain::time::Timestamp;

const KIND: &str = "ESIGN";
const TOKEN: &str = "ESIGNTOKEN";

/// A provider's access token as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredToken {
    pub(crate) access: Sealed,
    pub(crate) until: Timestamp,
    pub(crate) account: String,
    pub(crate) base: String,
    /// Of the account it was got with; another account's token is none.
    pub(crate) enrolled: u64,
}

fn key(workspace: WorkspaceId, provider: ProviderName) -> Key {
    Key::new(workspace, KIND, provider)
}

fn token_key(workspace: WorkspaceId, provider: ProviderName) -> Key {
    Key::new(workspace, TOKEN, provider)
}

impl Store {
    /// A workspace's account at a provider.
    pub(crate) async fn find_enrolled(
        &self,
        workspace: WorkspaceId,
        provider: ProviderName,
    ) -> Result<Option<Enrolled>> {
        self.table.find(&key(workspace, provider)).await
    }

    /// All accounts of a workspace.
    pub(crate) async fn list_enrolled(&self, workspace: WorkspaceId) -> Result<Vec<Enrolled>> {
        self.table.list_all(Listing::of(workspace, KIND, "", usize::MAX)).await
    }

    /// Keeps an account: the first where `expected_version` is absent, else in place of just that version. It
    /// carries its new version. False if somebody else was faster.
    pub(crate) async fn put_enrolled(
        &self,
        workspace: WorkspaceId,
        enrolled: &Enrolled,
        expected_version: Option<u64>,
    ) -> Result<bool> {
        let only = match expected_version {
            None => Expression::only_if(ABSENT),
            Some(version) => Expression::only_if("#version = :version").with("version", number(version)),
        };
        self.table.put_once(key(workspace, enrolled.account.provider()).item(enrolled)?, &only).await
    }

    /// Notes what keeps just this account from being used, or that nothing does.
    pub(crate) async fn note_trouble(
        &self,
        workspace: WorkspaceId,
        (provider, version): (ProviderName, u64),
        trouble: Option<&AccountTrouble>,
    ) -> Result<()> {
        let change = match trouble {
            Some(trouble) => Expression::update("SET #trouble = :trouble").with("trouble", value(trouble)?),
            None => Expression::update("REMOVE #trouble"),
        };
        let change = change.and_only_if("#version = :version").with("version", number(version));
        self.table.update(&key(workspace, provider), &change).await?;
        Ok(())
    }

    /// Takes an account away, with its token.
    pub(crate) async fn remove_enrolled(
        &self,
        workspace: WorkspaceId,
        provider: ProviderName,
    ) -> Result<bool> {
        self.table.delete(&token_key(workspace, provider), &Expression::default()).await?;
        let gone = self.table.delete(&key(workspace, provider), &Expression::default()).await?;
        Ok(matches!(gone, Held::Yes(Some(_))))
    }

    /// The token that was got last.
    pub(crate) async fn find_esign_token(
        &self,
        workspace: WorkspaceId,
        provider: ProviderName,
    ) -> Result<Option<StoredToken>> {
        // While the first one is being got there is only the mark of who gets it.
        let found: Option<Slot> = self.table.find(&token_key(workspace, provider)).await?;
        Ok(found.and_then(|it| it.token))
    }

    /// The right to get a token until `until`: a mark that tells ours from others'. Nothing if somebody has it.
    pub(crate) async fn lease_esign_token(
        &self,
        workspace: WorkspaceId,
        provider: ProviderName,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<String>> {
        let taker = taker()?;
        let change = Expression::update("SET #leased_until = :until, #taker = :taker")
            .and_only_if("attribute_not_exists(#leased_until) OR #leased_until <= :now")
            .with("until", number(until.millis()))
            .with("taker", text(&taker))
            .with("now", number(now.millis()));
        let ours = match self.table.update(&token_key(workspace, provider), &change).await? {
            Held::Yes(_) => true,
            Held::No(there) => there.is_some_and(|item| is_taken_by(&item, &taker)),
        };
        Ok(ours.then_some(taker))
    }

    /// Keeps a token and ends the lease, or ends it only. False if the lease was lost.
    pub(crate) async fn end_token_lease(
        &self,
        workspace: WorkspaceId,
        provider: ProviderName,
        taker: &str,
        token: Option<&StoredToken>,
    ) -> Result<bool> {
        let change = match token {
            Some(token) => Expression::update("SET #token = :token REMOVE #leased_until, #taker")
                .with("token", value(token)?),
            None => Expression::update("REMOVE #leased_until, #taker"),
        };
        let change = change.and_only_if("#taker = :taker").with("taker", text(taker));
        Ok(self.table.update(&token_key(workspace, provider), &change).await?.is_yes())
    }

    /// Throws away a token that the provider no longer takes, if it is still this one.
    pub(crate) async fn drop_esign_token(
        &self,
        workspace: WorkspaceId,
        provider: ProviderName,
        token: &StoredToken,
    ) -> Result<()> {
        let change = Expression::update("REMOVE #token")
            .and_only_if("#token.#access = :access")
            .with("access", value(&token.access)?);
        self.table.update(&token_key(workspace, provider), &change).await?;
        Ok(())
    }
}

/// The item of a token.
#[derive(Serialize, Deserialize)]
struct Slot {
    #[serde(default)]
    token: Option<StoredToken>,
}
