//! Everything a process needs, built once, each part on its first use. It contains no behaviour.

use std::sync::OnceLock;

use tokio::sync::OnceCell;

use crate::ai::{Ai, Models};
use crate::aws::{Aws, AwsSettings, Endpoints};
use crate::clock::Clock;
use crate::config::{BadConfig, Config};
use crate::domain::contract::account::OpenAccount;
use crate::domain::grant::Secret;
use crate::error::{Error, Kind, Result};
use crate::esign::{EsignUrls, Provider, Token};
use crate::files::Files;
use crate::http::Http;
use crate::queue::Queue;
use crate::session::Sessions;
use crate::store::Store;
use crate::twenty::Twenty;
use crate::usecase::accept_webhook::KnownEndpoints;
use crate::vault::{SealKeys, Vault};
use crate::whop::client::Whop;

/// What the template puts into the secret until the deployer gives the app's own.
const UNSET: &str = "not-set";

/// The composition root. It lives as long as the process.
pub struct App {
    config: Config,
    clock: Clock,
    aws: Aws,
    store: OnceLock<Store>,
    queue: OnceLock<Queue>,
    files: OnceLock<Files>,
    http: OnceLock<Http>,
    vault: OnceCell<Vault>,
    sessions: OnceCell<Sessions>,
    endpoints: KnownEndpoints,
    ai: OnceCell<Ai>,
}

impl App {
    /// The app of this process, for ever.
    pub fn from_env() -> Result<&'static Self, BadConfig> {
        Self::forever(Config::from_env()?, Clock::System)
    }

    /// An app that lives as long as the process: its parts are never taken down, so no code for that ships.
    pub fn forever(config: Config, clock: Clock) -> Result<&'static Self, BadConfig> {
        let aws = Aws::new(AwsSettings {
            region: config.aws.region.clone(),
            access_key_id: config.aws.access_key_id.clone(),
            secret_access_key: Secret::new(config.aws.secret_access_key.clone()),
            session_token: config.aws.session_token.clone().map(Secret::new),
            endpoints: Endpoints {
                dynamodb: config.aws.dynamodb_url.clone(),
                sqs: config.aws.sqs_url.clone(),
                secrets: config.aws.secrets_url.clone(),
                s3: config.aws.s3_url.clone(),
            },
            ca_bundle: config.aws.ca_bundle()?,
        })
        .map_err(|error| BadConfig::one(error.to_string()))?;
        Ok(Box::leak(Box::new(Self {
            config,
            clock,
            aws,
            store: OnceLock::new(),
            queue: OnceLock::new(),
            files: OnceLock::new(),
            http: OnceLock::new(),
            vault: OnceCell::new(),
            sessions: OnceCell::new(),
            endpoints: KnownEndpoints::default(),
            ai: OnceCell::new(),
        })))
    }

    /// What the process was told from outside.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The time.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn store(&self) -> &Store {
        self.store.get_or_init(|| Store::new(self.aws.dynamodb(), self.config.table.clone()))
    }

    pub(crate) fn queue(&self) -> &Queue {
        let config = &self.config;
        let urls = || [config.sync_queue.clone(), config.ai_queue.clone(), config.contract_queue.clone()];
        self.queue.get_or_init(|| Queue::new(self.aws.sqs(), urls()))
    }

    pub(crate) fn files(&self) -> Result<&Files> {
        if let Some(files) = self.files.get() {
            return Ok(files);
        }
        let files = Files::new(self.http()?, self.aws.settings(), &self.config.files_bucket)?;
        Ok(self.files.get_or_init(|| files))
    }

    fn http(&self) -> Result<Http> {
        if let Some(http) = self.http.get() {
            return Ok(http.clone());
        }
        let http = Http::new(self.config.addresses).map_err(|error| Error::new(Kind::Bug).because(error))?;
        Ok(self.http.get_or_init(|| http).clone())
    }

    pub(crate) fn whop(&self) -> Result<Whop> {
        Ok(Whop::new(self.http()?, self.config.whop_url.clone()))
    }

    pub(crate) fn twenty(&self) -> Result<Twenty> {
        Ok(Twenty::new(self.http()?))
    }

    pub(crate) async fn vault(&self) -> Result<&Vault> {
        let make = || async {
            let keys = self.secret(&self.config.seal_keys_secret).await?;
            let keys =
                SealKeys::parse(keys.expose()).map_err(|error| Error::new(Kind::Bug).because(error))?;
            Ok(Vault::new(keys))
        };
        self.vault.get_or_try_init(make).await
    }

    pub(crate) async fn sessions(&self) -> Result<&Sessions> {
        let make = || async { Ok(Sessions::new(self.secret(&self.config.session_key_secret).await?)) };
        self.sessions.get_or_try_init(make).await
    }

    /// The secret of the Whop app, if it has one.
    pub(crate) async fn whop_client_secret(&self) -> Result<Option<Secret>> {
        match &self.config.whop_client_secret {
            Some(name) => self.secret_if_set(name).await,
            None => Ok(None),
        }
    }

    /// The language models whose providers have a key.
    pub(crate) async fn ai(&self) -> Result<&Ai> {
        let make = || async {
            let mut configured = Vec::new();
            for (name, config) in &self.config.ai.providers {
                let key = match &config.key_secret {
                    Some(secret) => self.secret_if_set(secret).await?,
                    None => None,
                };
                configured.push((*name, config.clone(), key));
            }
            let models = Models::with(self.config.ai.models.as_deref())
                .map_err(|error| Error::new(Kind::Bug).because(error))?;
            Ok(Ai::new(&configured, models, &self.http()?))
        };
        self.ai.get_or_try_init(make).await
    }

    /// An e-signature provider, with an account and the token that is known.
    pub(crate) fn esign(&self, account: OpenAccount, token: Option<Token>) -> Result<Provider> {
        let at = &self.config.esign;
        let urls = EsignUrls {
            docusign_sandbox: at.docusign_sandbox_url.clone(),
            docusign_production: at.docusign_url.clone(),
            dropbox_sign: at.dropbox_sign_url.clone(),
            pandadoc: at.pandadoc_url.clone(),
        };
        Ok(Provider::new(&self.http()?, &urls, account, token))
    }

    /// A secret that the deployer may have left alone.
    async fn secret_if_set(&self, name: &str) -> Result<Option<Secret>> {
        Ok(Some(self.secret(name).await?).filter(|secret| !matches!(secret.expose(), "" | UNSET)))
    }

    async fn secret(&self, name: &str) -> Result<Secret> {
        Ok(self.aws.secret(name).await?)
    }

    pub(crate) fn endpoints(&self) -> &KnownEndpoints {
        &self.endpoints
    }
}
