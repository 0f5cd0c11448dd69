//! The AWS stand-ins, asked through the unmodified Rust SDK, and the host for Lambda binaries.
#![expect(clippy::unwrap_used, reason = "a surprise in a test must stop it")]

mod dynamodb;
mod fifo;
mod redrive;
mod runtime;
mod secrets;
mod standard;

use aws_credential_types::Credentials;
use aws_smithy_http_client::Builder;
use sim::aws::sqs::QueueSettings;
use sim::aws::{Aws, Ports, REGION};
use sim::clock::Clock;
use sim::fault::Faults;

/// An arbitrary moment: 2026-11-23T08:00:00Z.
const START_MS: i64 = 1_795_420_800_000;

/// The street with AWS alone in it, on a stepped clock.
struct Street {
    clock: Clock,
    faults: Faults,
    aws: Aws,
}

impl Street {
    async fn open() -> Self {
        let clock = Clock::stepped(START_MS);
        let faults = Faults::default();
        let aws = Aws::start(&clock, &faults, Ports::default()).await;
        Self { clock, faults, aws }
    }

    fn wait_seconds(&self, seconds: i64) {
        self.clock.advance_ms(seconds * 1000);
    }

    /// `sync.fifo` with a dead-letter queue after three receipts, thirty seconds invisible each; its URL.
    fn fifo_queue(&self) -> String {
        let dead_letter =
            QueueSettings { fifo: true, visibility_seconds: 30, max_receive_count: 0, dead_letter: None };
        self.aws.sqs.create_queue("sync-dead.fifo", &dead_letter);
        let settings = QueueSettings {
            max_receive_count: 3,
            dead_letter: Some("sync-dead.fifo".to_owned()),
            ..dead_letter
        };
        self.aws.sqs.create_queue("sync.fifo", &settings)
    }

    /// `plain`, a standard queue that keeps messages invisible for thirty seconds; its URL.
    fn standard_queue(&self) -> String {
        let settings =
            QueueSettings { fifo: false, visibility_seconds: 30, max_receive_count: 0, dead_letter: None };
        self.aws.sqs.create_queue("plain", &settings)
    }

    fn sqs(&self) -> aws_sdk_sqs::Client {
        use aws_sdk_sqs::config::{BehaviorVersion, Config, Region, retry::RetryConfig};
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(self.aws.sqs.url())
            .region(Region::new(REGION))
            .credentials_provider(Credentials::new("AKIA", "secret", None, None, "test"))
            .http_client(Builder::new().build_http())
            .retry_config(RetryConfig::disabled())
            .build();
        aws_sdk_sqs::Client::from_conf(config)
    }

    fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Region, retry::RetryConfig};
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(self.aws.dynamodb.url())
            .region(Region::new(REGION))
            .credentials_provider(Credentials::new("AKIA", "secret", None, None, "test"))
            .http_client(Builder::new().build_http())
            .retry_config(RetryConfig::disabled())
            .build();
        aws_sdk_dynamodb::Client::from_conf(config)
    }

    fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        use aws_sdk_secretsmanager::config::{BehaviorVersion, Config, Region, retry::RetryConfig};
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(self.aws.secrets.url())
            .region(Region::new(REGION))
            .credentials_provider(Credentials::new("AKIA", "secret", None, None, "test"))
            .http_client(Builder::new().build_http())
            .retry_config(RetryConfig::disabled())
            .build();
        aws_sdk_secretsmanager::Client::from_conf(config)
    }
}
