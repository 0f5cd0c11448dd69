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

/// What becomes of older keys when an account is replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OldKeys {
    /// They still count for what is on its way.
    #[default]
    Keep,
    /// Only the newest counts from now on.
    Drop,
}

/// The most keys that `DocuSign` has at once in our hands; it allows a hundred.
const MOST_HMAC_KEYS: usize = 10;
/// Of providers with one key at a time: the new one and the one before it.
const MOST_KEYS: usize = 2;

impl OpenAccount {
    /// This account in place of the one before. What is left empty stays as it was; a new key goes in front of the
    /// older ones.
    #[must_use]
    pub fn over(self, before: Self, old: OldKeys) -> Self {
        match (self, before) {
            (Self::DocuSign(it), Self::DocuSign(before)) => Self::DocuSign(DocuSignAccount {
                integration_key: or_before(it.integration_key, before.integration_key, String::is_empty),
                user_id: or_before(it.user_id, before.user_id, String::is_empty),
                account_id: it.account_id,
                environment: it.environment,
                private_key: or_before(it.private_key, before.private_key, is_empty),
                hmac_keys: rotated(it.hmac_keys, before.hmac_keys, MOST_HMAC_KEYS, old),
            }),
            (Self::DropboxSign(it), Self::DropboxSign(before)) => Self::DropboxSign(DropboxSignAccount {
                api_keys: rotated(it.api_keys, before.api_keys, MOST_KEYS, old),
                client_id: it.client_id,
                environment: it.environment,
            }),
            (Self::PandaDoc(it), Self::PandaDoc(before)) => Self::PandaDoc(PandaDocAccount {
                api_key: or_before(it.api_key, before.api_key, is_empty),
                environment: it.environment,
                webhook_keys: rotated(it.webhook_keys, before.webhook_keys, MOST_KEYS, old),
            }),
            (given, _) => given,
        }
    }
}

fn is_empty(secret: &Secret) -> bool {
    secret.expose().is_empty()
}

fn or_before<T>(given: T, before: T, is_empty: impl Fn(&T) -> bool) -> T {
    if is_empty(&given) { before } else { given }
}

/// The keys that were given, then as many of the older ones as still count.
fn rotated(given: Vec<Secret>, before: Vec<Secret>, most: usize, old: OldKeys) -> Vec<Secret> {
    let mut keys: Vec<Secret> = Vec::new();
    let older = before.into_iter();
    let none_given = given.iter().all(is_empty);
    let older = older.take(match old {
        OldKeys::Keep => usize::MAX,
        OldKeys::Drop => usize::from(none_given),
    });
    for key in given.into_iter().filter(|it| !is_empty(it)).chain(older) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys.truncate(most);
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(texts: &[&str]) -> Vec<Secret> {
        texts.iter().map(|it| Secret::new(*it)).collect()
    }

    #[test]
    fn a_new_key_goes_in_front_and_the_one_before_the_last_is_forgotten() {
        let given = secrets(&["new"]);

        let keys = rotated(given, secrets(&["current", "previous"]), MOST_KEYS, OldKeys::Keep);

        assert_eq!(keys, secrets(&["new", "current"]));
    }

    #[test]
    fn a_key_that_is_given_again_is_not_kept_twice() {
        let keys = rotated(secrets(&["one"]), secrets(&["one", "two"]), MOST_KEYS, OldKeys::Keep);

        assert_eq!(keys, secrets(&["one", "two"]));
    }

    #[test]
    fn dropping_old_keys_leaves_what_was_given_or_the_newest() {
        let before = || secrets(&["current", "previous"]);

        assert_eq!(rotated(secrets(&["new"]), before(), MOST_KEYS, OldKeys::Drop), secrets(&["new"]));
        assert_eq!(rotated(secrets(&[""]), before(), MOST_KEYS, OldKeys::Drop), secrets(&["current"]));
    }

    #[test]
    fn what_is_left_empty_stays_as_it_was() {
        let panda = |api: &str, hooks: &[&str]| {
            OpenAccount::PandaDoc(PandaDocAccount {
                api_key: Secret::new(api),
                environment: Environment::Production,
                webhook_keys: secrets(hooks),
            })
        };

        let after = panda("", &[]).over(panda("key", &["hook"]), OldKeys::Keep);

        assert_eq!(after, panda("key", &["hook"]));
    }
}
