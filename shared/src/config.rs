//! The environment, read once. Every mistake is reported, all of them together. No secret has a default.

mod ai;
mod esign;

use std::fmt;

use url::Url;

use crate::http::Addresses;
use crate::queue::QueueUrls;

pub use self::ai::{AiConfig, ProviderConfig};
pub use self::esign::EsignConfig;

/// What a process is told from outside.
#[derive(Clone, Debug)]
pub struct Config {
    /// The stage, for logs: `prod`.
    pub stage: String,
    /// Where we are reached, without a trailing slash at the end of its path.
    pub public_url: Url,
    pub table: String,
    pub sync_queue: QueueUrls,
    pub ai_queue: QueueUrls,
    pub contract_queue: QueueUrls,
    /// The bucket that contract files are kept in.
    pub files_bucket: String,
    /// Names or ARNs of the secrets.
    pub seal_keys_secret: String,
    pub session_key_secret: String,
    /// The Whop app that users consent to; without it only keys connect.
    pub whop_client_id: Option<String>,
    pub whop_client_secret: Option<String>,
    pub whop_url: Url,
    /// Calls a minute that a Twenty server grants a workspace until we learn better.
    pub twenty_calls_per_minute: u32,
    pub graphql_introspection: bool,
    pub log_level: String,
    /// Which addresses may be called; the template cannot set it.
    pub addresses: Addresses,
    pub aws: AwsConfig,
    /// Who serves language models; nobody, if no key is there.
    pub ai: AiConfig,
    /// Where e-signature providers are.
    pub esign: EsignConfig,
}

/// How AWS is reached.
#[derive(Clone)]
pub struct AwsConfig {
    pub region: String,
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: Option<String>,
    /// Other addresses than AWS's own, per service.
    pub dynamodb_url: Option<String>,
    pub sqs_url: Option<String>,
    pub secrets_url: Option<String>,
    pub s3_url: Option<String>,
    /// A file of further certificates to trust, PEM.
    pub ca_bundle: Option<String>,
}

impl fmt::Debug for AwsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsConfig").field("region", &self.region).finish_non_exhaustive()
    }
}

/// The environment is not usable; every reason at once.
#[derive(Debug, thiserror::Error)]
#[error("the environment is not usable: {}", .0.join("; "))]
pub struct BadConfig(Vec<String>);

impl Config {
    /// Reads the process's environment.
    pub fn from_env() -> Result<Self, BadConfig> {
        #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
        Self::from_vars(|name| std::env::var(name).ok())
    }

    /// Reads an environment given as a function.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, BadConfig> {
        let mut vars = Vars { var: &var, mistakes: Vec::new() };
        let config = Self {
            stage: vars.or("STAGE", "local"),
            public_url: vars.url("PUBLIC_URL", None),
            table: vars.must("TABLE_NAME"),
            sync_queue: vars.queue("SYNC_QUEUE_URL", "SYNC_DEAD_LETTER_URL"),
            ai_queue: vars.queue("AI_QUEUE_URL", "AI_DEAD_LETTER_URL"),
            contract_queue: vars.queue("CONTRACT_QUEUE_URL", "CONTRACT_DEAD_LETTER_URL"),
            files_bucket: vars.must("FILES_BUCKET"),
            seal_keys_secret: vars.must("SEAL_KEYS_SECRET"),
            session_key_secret: vars.must("SESSION_KEY_SECRET"),
            whop_client_id: vars.may("WHOP_CLIENT_ID"),
            whop_client_secret: vars.may("WHOP_CLIENT_SECRET_SECRET"),
            whop_url: vars.url("WHOP_URL", Some("https://api.whop.com")),
            twenty_calls_per_minute: vars.number("TWENTY_CALLS_PER_MINUTE", 100),
            graphql_introspection: vars.flag("GRAPHQL_INTROSPECTION"),
            log_level: vars.or("LOG_LEVEL", "info"),
            addresses: if vars.flag("ALLOW_PRIVATE_ADDRESSES") {
                Addresses::PrivateToo
            } else {
                Addresses::PublicOnly
            },
            aws: AwsConfig::from(&mut vars),
            ai: AiConfig::from(&mut vars),
            esign: EsignConfig::from(&mut vars),
        };
        if vars.mistakes.is_empty() { Ok(config) } else { Err(BadConfig(vars.mistakes)) }
    }

    /// A URL of ours.
    pub fn own_url(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.as_str().trim_end_matches('/'))
    }
}

impl BadConfig {
    pub(crate) fn one(mistake: String) -> Self {
        Self(vec![mistake])
    }
}

impl AwsConfig {
    /// The further certificates, read from their file.
    pub(crate) fn ca_bundle(&self) -> Result<Option<Vec<u8>>, BadConfig> {
        let unreadable = |_| BadConfig::one("AWS_CA_BUNDLE names a file that cannot be read".to_owned());
        self.ca_bundle.as_ref().map(|path| std::fs::read(path).map_err(unreadable)).transpose()
    }

    fn from(vars: &mut Vars<'_>) -> Self {
        let everywhere = vars.may("AWS_ENDPOINT_URL");
        let at = |name: &str| vars.may(name).or_else(|| everywhere.clone());
        Self {
            dynamodb_url: at("AWS_ENDPOINT_URL_DYNAMODB"),
            sqs_url: at("AWS_ENDPOINT_URL_SQS"),
            secrets_url: at("AWS_ENDPOINT_URL_SECRETS_MANAGER"),
            s3_url: at("AWS_ENDPOINT_URL_S3"),
            region: vars.must("AWS_REGION"),
            access_key_id: vars.must("AWS_ACCESS_KEY_ID"),
            secret_access_key: vars.must("AWS_SECRET_ACCESS_KEY"),
            session_token: vars.may("AWS_SESSION_TOKEN"),
            ca_bundle: vars.may("AWS_CA_BUNDLE"),
        }
    }
}

/// The environment and the mistakes found in it so far.
struct Vars<'a> {
    var: &'a dyn Fn(&str) -> Option<String>,
    mistakes: Vec<String>,
}

impl Vars<'_> {
    /// An empty variable is an absent one: `CloudFormation` cannot leave one out.
    fn may(&self, name: &str) -> Option<String> {
        (self.var)(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn or(&self, name: &str, default: &str) -> String {
        self.may(name).unwrap_or_else(|| default.to_owned())
    }

    fn must(&mut self, name: &str) -> String {
        self.may(name).unwrap_or_else(|| {
            self.mistakes.push(format!("{name} is not set"));
            String::new()
        })
    }

    fn queue(&mut self, jobs: &str, dead_letters: &str) -> QueueUrls {
        QueueUrls { jobs: self.must(jobs), dead_letters: self.must(dead_letters) }
    }

    fn url(&mut self, name: &str, default: Option<&str>) -> Url {
        let text = self.may(name).or_else(|| default.map(str::to_owned));
        let parsed = text.as_deref().map(Url::parse);
        match parsed {
            Some(Ok(url)) if matches!(url.scheme(), "https" | "http") => url,
            _ => {
                self.mistakes.push(format!("{name} must be a URL that begins with https://"));
                #[expect(clippy::expect_used, reason = "a constant that parses")]
                Url::parse("https://invalid.invalid").expect("a URL")
            }
        }
    }

    fn number(&mut self, name: &str, default: u32) -> u32 {
        match self.may(name).map(|text| text.parse()) {
            None => default,
            Some(Ok(number)) => number,
            Some(Err(_)) => {
                self.mistakes.push(format!("{name} must be a whole number"));
                default
            }
        }
    }

    fn flag(&mut self, name: &str) -> bool {
        match self.may(name).as_deref() {
            None | Some("false" | "0" | "off") => false,
            Some("true" | "1" | "on") => true,
            Some(_) => {
                self.mistakes.push(format!("{name} must be true or false"));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_reported_at_once_and_no_value_is_shown() {
        let vars = |name: &str| match name {
            "PUBLIC_URL" => Some("not a url".to_owned()),
            "GRAPHQL_INTROSPECTION" => Some("maybe".to_owned()),
            "AWS_SECRET_ACCESS_KEY" => Some("canary".to_owned()),
            _ => None,
        };

        let text = Config::from_vars(vars).unwrap_err().to_string();

        for name in ["PUBLIC_URL", "GRAPHQL_INTROSPECTION", "TABLE_NAME", "SEAL_KEYS_SECRET", "AWS_REGION"] {
            assert!(text.contains(name), "{text}");
        }
        assert!(!text.contains("canary") && !text.contains("not a url"), "{text}");
    }
}
