//! The AWS clients: one HTTP client on ring under all of them, credentials from the environment only, each
//! built when it is first asked for. Never makes a call by itself, and never looks for credentials elsewhere.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata as _;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::domain::grant::Secret;
use crate::error::{Error, Kind};

/// The roots that AWS's services are certified by: Amazon Root CA 1 to 4 and Starfield Services Root G2
/// (Amazon Trust Services, repository page).
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

const CONNECT: Duration = Duration::from_secs(2);
const ATTEMPT: Duration = Duration::from_secs(5);
const ATTEMPTS: u32 = 3;

/// What the environment says about AWS.
#[derive(Clone, Debug)]
pub(crate) struct AwsSettings {
    pub(crate) region: String,
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: Secret,
    pub(crate) session_token: Option<Secret>,
    pub(crate) endpoints: Endpoints,
    /// The PEM text of the file that `AWS_CA_BUNDLE` names: roots that are trusted beside Amazon's.
    pub(crate) ca_bundle: Option<Vec<u8>>,
}

/// Where the services are, if not at AWS. Plain `http` is allowed: stand-ins on this machine have no certificate.
#[derive(Clone, Debug, Default)]
pub(crate) struct Endpoints {
    pub(crate) dynamodb: Option<String>,
    pub(crate) sqs: Option<String>,
    pub(crate) secrets: Option<String>,
    pub(crate) s3: Option<String>,
}

/// The file that `AWS_CA_BUNDLE` names holds no certificate, or something else beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("AWS_CA_BUNDLE does not name a file of PEM certificates")]
pub(crate) struct BadCaBundle;

/// The clients.
pub(crate) struct Aws {
    settings: AwsSettings,
    tls: TlsContext,
    http: OnceLock<SharedHttpClient>,
    dynamodb: OnceLock<aws_sdk_dynamodb::Client>,
    sqs: OnceLock<aws_sdk_sqs::Client>,
    secrets: OnceLock<aws_sdk_secretsmanager::Client>,
}

/// The same settings for each service; their builders share no trait.
macro_rules! client {
    ($sdk:ident, $aws:expr, $endpoint:expr) => {{
        let settings = &$aws.settings;
        let mut config = $sdk::Config::builder()
            .behavior_version($sdk::config::BehaviorVersion::latest())
            .region($sdk::config::Region::new(settings.region.clone()))
            .credentials_provider(settings.credentials())
            .identity_cache($sdk::config::IdentityCache::no_cache())
            .http_client($aws.http())
            .sleep_impl(TokioSleep::new())
            .retry_config(retries())
            // An attempt has a time limit as a whole; watching its speed besides costs every call.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .timeout_config(time_outs());
        config.set_endpoint_url($endpoint.clone());
        $sdk::Client::from_conf(config.build())
    }};
}

impl Aws {
    /// Clients to be; nothing is built yet.
    pub(crate) fn new(settings: AwsSettings) -> Result<Self, BadCaBundle> {
        if let Some(bundle) = &settings.ca_bundle {
            check_bundle(bundle)?;
        }
        Ok(Self {
            tls: settings.tls()?,
            settings,
            http: OnceLock::new(),
            dynamodb: OnceLock::new(),
            sqs: OnceLock::new(),
            secrets: OnceLock::new(),
        })
    }

    /// One connector for all services, whatever settings they ask it for: ours are the same for each. The
    /// SDK's own client would read the certificates once more for every service, only to check that it can.
    fn http(&self) -> SharedHttpClient {
        let make = || {
            let connector = Connector::builder()
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .tls_context(self.tls.clone())
                .connector_settings(HttpConnectorSettings::builder().connect_timeout(CONNECT).build())
                .sleep_impl(TokioSleep::new())
                .build();
            let connector = SharedHttpConnector::new(connector);
            http_client_fn(move |_, _| connector.clone())
        };
        self.http.get_or_init(make).clone()
    }

    /// What the environment says, for what is called without an SDK.
    pub(crate) fn settings(&self) -> &AwsSettings {
        &self.settings
    }

    /// The client for the table.
    pub(crate) fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let make = || client!(aws_sdk_dynamodb, self, self.settings.endpoints.dynamodb);
        self.dynamodb.get_or_init(make).clone()
    }

    /// The client for the queues.
    pub(crate) fn sqs(&self) -> aws_sdk_sqs::Client {
        let make = || client!(aws_sdk_sqs, self, self.settings.endpoints.sqs);
        self.sqs.get_or_init(make).clone()
    }

    /// The client for the keys.
    pub(crate) fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        let make = || client!(aws_sdk_secretsmanager, self, self.settings.endpoints.secrets);
        self.secrets.get_or_init(make).clone()
    }
}

/// A secret that could not be read, by what can be done about it. None of the texts holds any of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[error("Secrets Manager could not be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("there is no secret {name:?}: {LOOK_AT}")]
    Missing { name: String },
    /// Neither later nor elsewhere will this process get it: its role may not read it, or not decrypt it.
    #[error(
        "this function may not read the secret {name:?} ({code}): look at its role's policy, and {LOOK_AT}"
    )]
    Refused { name: String, code: String },
    #[error("the secret {name:?} has no text: {LOOK_AT}")]
    Empty { name: String },
}

/// The settings that name secrets.
const LOOK_AT: &str = "check SEAL_KEYS_SECRET, SESSION_KEY_SECRET and WHOP_CLIENT_SECRET_SECRET";

impl SecretError {
    /// What Secrets Manager's refusal means; `code` is the name of its error, if it gave one.
    fn of(name: &str, code: Option<&str>, error: Box<dyn std::error::Error + Send + Sync>) -> Self {
        match code {
            Some("ResourceNotFoundException") => Self::Missing { name: name.to_owned() },
            // Credentials of this process run out with it; the next one has fresh ones.
            None
            | Some(
                ""
                | "InternalServiceError"
                | "InternalFailure"
                | "ServiceUnavailable"
                | "ThrottlingException"
                | "RequestLimitExceeded"
                | "ExpiredTokenException",
            ) => Self::Unavailable(error),
            Some(code) => Self::Refused { name: name.to_owned(), code: code.to_owned() },
        }
    }
}

impl From<SecretError> for Error {
    fn from(error: SecretError) -> Self {
        match &error {
            SecretError::Unavailable(_) => Self::new(Kind::Unavailable),
            SecretError::Missing { .. } | SecretError::Refused { .. } | SecretError::Empty { .. } => {
                Self::new(Kind::Bug)
                    .saying("The server is not set up completely. Its log says which setting.")
            }
        }
        .because(error)
    }
}

impl Aws {
    /// The text of a secret, by its name or ARN.
    pub(crate) async fn secret(&self, name: &str) -> Result<Secret, SecretError> {
        let answer = self.secrets().get_secret_value().secret_id(name).send().await;
        let answer = answer.map_err(|error| {
            let code = error.as_service_error().map(|it| it.code().unwrap_or_default().to_owned());
            SecretError::of(name, code.as_deref(), error.into())
        })?;
        let empty = || SecretError::Empty { name: name.to_owned() };
        answer.secret_string.map(Secret::new).ok_or_else(empty)
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl AwsSettings {
    /// Lambda puts fresh credentials into the environment of every process, so these never need renewing.
    pub(crate) fn credentials(&self) -> Credentials {
        let token = self.session_token.as_ref().map(|token| token.expose().to_owned());
        let secret = self.secret_access_key.expose();
        Credentials::new(&self.access_key_id, secret, token, None, "environment")
    }

    fn tls(&self) -> Result<TlsContext, BadCaBundle> {
        let mut roots = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
        if let Some(bundle) = &self.ca_bundle {
            roots = roots.with_pem_certificate(bundle.clone());
        }
        TlsContext::builder().with_trust_store(roots).build().map_err(|_| BadCaBundle)
    }
}

/// The SDK reads a trust store when it first connects, and panics over a bad one.
fn check_bundle(bundle: &[u8]) -> Result<(), BadCaBundle> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle) {
        roots.add(certificate.map_err(|_| BadCaBundle)?).map_err(|_| BadCaBundle)?;
    }
    if roots.is_empty() { Err(BadCaBundle) } else { Ok(()) }
}

fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(Duration::from_millis(25))
        .with_max_backoff(Duration::from_secs(1))
}

fn time_outs() -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(ca_bundle: Option<&[u8]>) -> AwsSettings {
        AwsSettings {
            region: "us-east-1".to_owned(),
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: Secret::new("canary-secret-key"),
            session_token: Some(Secret::new("canary-session-token")),
            endpoints: Endpoints::default(),
            ca_bundle: ca_bundle.map(<[u8]>::to_vec),
        }
    }

    #[test]
    fn the_embedded_roots_are_certificates() {
        assert_eq!(check_bundle(AMAZON_ROOTS), Ok(()));
        assert_eq!(CertificateDer::pem_slice_iter(AMAZON_ROOTS).count(), 5);
    }

    #[test]
    fn a_bundle_that_is_none_is_refused_at_the_start() {
        for bundle in [
            &b""[..],
            b"not a certificate",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            assert_eq!(Aws::new(settings(Some(bundle))).err(), Some(BadCaBundle));
        }
        assert!(Aws::new(settings(Some(AMAZON_ROOTS))).is_ok());
    }

    #[test]
    fn credentials_are_not_shown() {
        let aws = Aws::new(settings(None)).unwrap();

        let shown = format!("{aws:?} {:?} {:?} {:?}", aws.dynamodb(), aws.sqs(), aws.secrets());

        assert!(!shown.contains("canary"), "{shown}");
    }

    /// What a secret's error is to those who ask for it.
    async fn refusal(secrets: &sim::aws::Secrets, name: &str) -> Error {
        let endpoints = Endpoints { secrets: Some(secrets.url()), ..Endpoints::default() };
        let aws = Aws::new(AwsSettings { endpoints, ..settings(None) }).unwrap();
        aws.secret(name).await.unwrap_err().into()
    }

    #[tokio::test]
    async fn a_secret_that_is_missing_or_forbidden_is_not_asked_for_again_and_says_where_to_look() {
        let faults = sim::fault::Faults::default();
        let secrets = sim::aws::Secrets::start(&sim::clock::Clock::stepped(0), &faults, 0).await;
        secrets.put("seal-keys", "canary-text");

        let missing = refusal(&secrets, "seal-kyes").await;
        let denied = r#"{"__type":"AccessDeniedException","Message":"no"}"#.to_owned();
        let forbid = sim::fault::Fault::Fail(http::StatusCode::BAD_REQUEST, denied);
        faults.plan(move |_| forbid.clone());
        let forbidden = refusal(&secrets, "seal-keys").await;

        for (error, word) in [(&missing, "seal-kyes"), (&forbidden, "AccessDeniedException")] {
            assert_eq!(error.kind(), Kind::Bug);
            let chain = error.chain();
            assert!(chain.contains(word) && chain.contains("SEAL_KEYS_SECRET"), "{chain}");
            assert!(!chain.contains("canary"), "{chain}");
        }
    }

    #[tokio::test]
    async fn a_secret_that_is_out_of_reach_is_asked_for_again() {
        let faults = sim::fault::Faults::default();
        let secrets = sim::aws::Secrets::start(&sim::clock::Clock::stepped(0), &faults, 0).await;
        secrets.put("seal-keys", "canary-text");

        faults.plan(|_| sim::fault::Fault::CutBefore);

        assert_eq!(refusal(&secrets, "seal-keys").await.kind(), Kind::Unavailable);
    }
}
