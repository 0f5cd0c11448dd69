//! Accounts at e-signature providers: what is given, and what may be shown of it. Secrets go in and never come out.
#![expect(
    clippy::doc_markdown,
    reason = "DocuSign and PandaDoc are names of companies, and readers of the API see this"
)]

use async_graphql::{ID, InputObject, SimpleObject};
use shared::domain::contract::account::{
    DocuSignAccount, DropboxSignAccount, Environment, OldKeys, OpenAccount, PandaDocAccount,
};
use shared::domain::grant::Secret;
use shared::usecase::contracts::accounts::AccountShown;
use shared::{Error, Result};

use super::contract_words::{EsignEnvironment, EsignProvider};
use super::time::DateTime;

/// An account at an e-signature provider, without its secrets.
#[derive(SimpleObject)]
pub(crate) struct EsignAccount {
    /// Whose account it is.
    provider: EsignProvider,
    /// Which of the provider's worlds it is of.
    environment: EsignEnvironment,
    /// Since when the workspace has an account there.
    since: DateTime,
    /// What keeps it from being used, and what to do; null if nothing does.
    trouble: Option<String>,
    /// When that was met last.
    trouble_at: Option<DateTime>,
    /// Where the provider sends what happens.
    webhook_url: String,
    /// How many keys webhooks may be signed with; two while a key is being changed.
    webhook_keys: u32,
    /// DocuSign: the app's id.
    integration_key: Option<ID>,
    /// DocuSign: the user who sends.
    user_id: Option<ID>,
    /// DocuSign: the account that is billed; null for the user's default.
    account_id: Option<ID>,
    /// Dropbox Sign: the API app.
    client_id: Option<ID>,
    /// What is to be done at the provider, step by step.
    next_steps: Vec<String>,
}

impl From<AccountShown> for EsignAccount {
    fn from(it: AccountShown) -> Self {
        let (trouble, trouble_at) = it.trouble.map(|it| (it.advice, it.at.into())).unzip();
        Self {
            provider: it.provider.into(),
            environment: it.environment.into(),
            since: it.since.into(),
            trouble,
            trouble_at,
            webhook_url: it.webhook_url,
            webhook_keys: u32::try_from(it.webhook_keys).unwrap_or(u32::MAX),
            integration_key: it.integration_key.map(Into::into),
            user_id: it.user_id.map(Into::into),
            account_id: it.account_id.map(Into::into),
            client_id: it.client_id.map(Into::into),
            next_steps: it.next_steps,
        }
    }
}

/// A DocuSign account. What is left out of one that is there already stays as it is.
#[derive(InputObject)]
pub(crate) struct DocuSignAccountInput {
    /// Which of DocuSign's worlds.
    environment: EsignEnvironment,
    /// The app's integration key, a GUID.
    integration_key: Option<ID>,
    /// The user to impersonate, a GUID.
    user_id: Option<ID>,
    /// The account that is billed, a GUID; the user's default if absent.
    account_id: Option<ID>,
    /// The app's RSA private key, PEM.
    private_key: Option<String>,
    /// HMAC keys of Connect, the newest first. They go in front of those that are there.
    #[graphql(default)]
    hmac_keys: Vec<String>,
}

/// A Dropbox Sign account. What is left out of one that is there already stays as it is.
#[derive(InputObject)]
pub(crate) struct DropboxSignAccountInput {
    /// Sandbox sends every request in test mode.
    environment: EsignEnvironment,
    /// The primary API key. A new one goes in front of the one before it, which still counts for callbacks.
    api_key: Option<String>,
    /// The API app's client id, if requests belong to one.
    client_id: Option<ID>,
}

/// A PandaDoc account. What is left out of one that is there already stays as it is.
#[derive(InputObject)]
pub(crate) struct PandaDocAccountInput {
    /// Which of PandaDoc's worlds; each has a key of its own.
    environment: EsignEnvironment,
    /// The API key.
    api_key: Option<String>,
    /// The webhook's shared key. A new one goes in front of the one before it.
    webhook_key: Option<String>,
}

/// An account to save: just one of the three.
#[derive(InputObject)]
pub(crate) struct EsignAccountInput {
    /// A DocuSign account.
    #[graphql(name = "docusign")]
    docusign: Option<DocuSignAccountInput>,
    /// A Dropbox Sign account.
    dropbox_sign: Option<DropboxSignAccountInput>,
    /// A PandaDoc account.
    #[graphql(name = "pandadoc")]
    pandadoc: Option<PandaDocAccountInput>,
    /// Forget all keys but the newest, once a change of keys is through.
    #[graphql(default)]
    drop_old_keys: bool,
}

impl EsignAccountInput {
    /// The account in our words, and what becomes of older keys.
    pub(crate) fn into_account(self) -> Result<(OpenAccount, OldKeys)> {
        let old = if self.drop_old_keys { OldKeys::Drop } else { OldKeys::Keep };
        let account = match (self.docusign, self.dropbox_sign, self.pandadoc) {
            (Some(it), None, None) => it.into(),
            (None, Some(it), None) => it.into(),
            (None, None, Some(it)) => it.into(),
            _ => return Err(Error::invalid("Give docusign, dropboxSign or pandadoc, just one of them.")),
        };
        Ok((account, old))
    }
}

fn secret(text: Option<&str>) -> Secret {
    Secret::new(text.unwrap_or_default().trim())
}

fn secrets(texts: &[String]) -> Vec<Secret> {
    let secrets = texts.iter().map(|text| secret(Some(text)));
    secrets.filter(|it| !it.expose().is_empty()).collect()
}

fn text(id: Option<ID>) -> String {
    id.map(|id| id.trim().to_owned()).unwrap_or_default()
}

fn said(id: Option<ID>) -> Option<String> {
    Some(text(id)).filter(|it| !it.is_empty())
}

impl From<DocuSignAccountInput> for OpenAccount {
    fn from(it: DocuSignAccountInput) -> Self {
        Self::DocuSign(DocuSignAccount {
            integration_key: text(it.integration_key),
            user_id: text(it.user_id),
            account_id: said(it.account_id),
            environment: Environment::from(it.environment),
            private_key: secret(it.private_key.as_deref()),
            hmac_keys: secrets(&it.hmac_keys),
        })
    }
}

impl From<DropboxSignAccountInput> for OpenAccount {
    fn from(it: DropboxSignAccountInput) -> Self {
        Self::DropboxSign(DropboxSignAccount {
            api_keys: secrets(it.api_key.as_slice()),
            client_id: said(it.client_id),
            environment: Environment::from(it.environment),
        })
    }
}

impl From<PandaDocAccountInput> for OpenAccount {
    fn from(it: PandaDocAccountInput) -> Self {
        Self::PandaDoc(PandaDocAccount {
            api_key: secret(it.api_key.as_deref()),
            environment: Environment::from(it.environment),
            webhook_keys: secrets(it.webhook_key.as_slice()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pandadoc() -> PandaDocAccountInput {
        PandaDocAccountInput {
            environment: EsignEnvironment::Sandbox,
            api_key: Some(" key\n".to_owned()),
            webhook_key: Some(String::new()),
        }
    }

    #[test]
    fn just_one_account_is_saved_and_what_was_pasted_around_a_key_is_cut_off() {
        let input = EsignAccountInput {
            docusign: None,
            dropbox_sign: None,
            pandadoc: Some(pandadoc()),
            drop_old_keys: true,
        };

        let (account, old) = input.into_account().unwrap();

        let OpenAccount::PandaDoc(account) = account else { panic!("another account") };
        assert_eq!((account.api_key.expose(), account.webhook_keys.len()), ("key", 0));
        assert_eq!(old, OldKeys::Drop);
        let none =
            EsignAccountInput { docusign: None, dropbox_sign: None, pandadoc: None, drop_old_keys: false };
        assert!(none.into_account().is_err());
    }
}
