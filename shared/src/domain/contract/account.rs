//! How a workspace is let in at its e-signature providers. Secrets are [`Sealed`] where they are stored and
//! [`Secret`] in memory; the same shape serves both.

use serde::{Deserialize, Serialize};

use super::ProviderName;
use crate::domain::grant::{Sealed, Secret};
use crate::domain::id::EndpointId;
use crate::domain::time::Timestamp;

/// An account as stored.
pub type StoredAccount = Account<Sealed>;
/// An account ready to be used.
pub type OpenAccount = Account<Secret>;

/// An account that a workspace gave us, and where its provider's webhooks go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    pub account: StoredAccount,
    /// The address that this account's webhooks are sent to.
    pub endpoint: EndpointId,
    pub since: Timestamp,
    /// What only a person can mend, as it was met last.
    #[serde(default)]
    pub trouble: Option<AccountTrouble>,
    /// Counts every replacement; a write that read an older one does not land.
    pub version: u64,
}

/// What keeps an account from being used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountTrouble {
    pub at: Timestamp,
    /// What to do, for the person who reads it. No secret.
    pub advice: String,
}

/// An account at one provider. `S` is how its secrets are held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "provider", rename_all = "snake_case")]
pub enum Account<S> {
    #[serde(rename = "docusign")]
    DocuSign(DocuSignAccount<S>),
    DropboxSign(DropboxSignAccount<S>),
    #[serde(rename = "pandadoc")]
    PandaDoc(PandaDocAccount<S>),
}

/// Which of a provider's worlds is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// The provider's playground: nothing binds.
    #[default]
    Sandbox,
    Production,
}

/// `DocuSign`: a JWT grant, which impersonates a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocuSignAccount<S> {
    /// The app's id, a GUID.
    pub integration_key: String,
    /// The user who sends, a GUID.
    pub user_id: String,
    /// The account that is billed, a GUID; the user's default where absent.
    #[serde(default)]
    pub account_id: Option<String>,
    pub environment: Environment,
    /// RSA, PEM.
    pub private_key: S,
    /// The live keys of Connect, as text; several during a rotation.
    pub hmac_keys: Vec<S>,
}

/// Dropbox Sign: an API key, which also signs callbacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropboxSignAccount<S> {
    /// The primary key first. During a rotation the one before it follows, for callbacks on their way.
    pub api_keys: Vec<S>,
    /// The API app that requests name, if there is one.
    #[serde(default)]
    pub client_id: Option<String>,
    pub environment: Environment,
}

/// `PandaDoc`: an API key, and the shared keys of the webhook subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PandaDocAccount<S> {
    /// A sandbox has a key of its own, at the same address.
    pub api_key: S,
    pub environment: Environment,
    /// Two at most: the new one and the one before it.
    pub webhook_keys: Vec<S>,
}

impl<S> Account<S> {
    /// Whose account it is.
    pub fn provider(&self) -> ProviderName {
        match self {
            Self::DocuSign(_) => ProviderName::DocuSign,
            Self::DropboxSign(_) => ProviderName::DropboxSign,
            Self::PandaDoc(_) => ProviderName::PandaDoc,
        }
    }

    /// The same account with its secrets held in another way: sealed for the store, opened for a call.
    pub fn try_map<T, E>(&self, mut turn: impl FnMut(&S) -> Result<T, E>) -> Result<Account<T>, E> {
        let turn_all = |all: &[S], turn: &mut dyn FnMut(&S) -> Result<T, E>| {
            all.iter().map(turn).collect::<Result<Vec<T>, E>>()
        };
        Ok(match self {
            Self::DocuSign(it) => Account::DocuSign(DocuSignAccount {
                integration_key: it.integration_key.clone(),
                user_id: it.user_id.clone(),
                account_id: it.account_id.clone(),
                environment: it.environment,
                private_key: turn(&it.private_key)?,
                hmac_keys: turn_all(&it.hmac_keys, &mut turn)?,
            }),
            Self::DropboxSign(it) => Account::DropboxSign(DropboxSignAccount {
                api_keys: turn_all(&it.api_keys, &mut turn)?,
                client_id: it.client_id.clone(),
                environment: it.environment,
            }),
            Self::PandaDoc(it) => Account::PandaDoc(PandaDocAccount {
                api_key: turn(&it.api_key)?,
                environment: it.environment,
                webhook_keys: turn_all(&it.webhook_keys, &mut turn)?,
            }),
        })
    }

    /// The keys that webhooks of this account are signed with.
    pub fn webhook_keys(&self) -> &[S] {
        match self {
            Self::DocuSign(it) => &it.hmac_keys,
            Self::DropboxSign(it) => &it.api_keys,
            Self::PandaDoc(it) => &it.webhook_keys,
        }
    }
}
