//! AWS on loopback: `DynamoDB`, SQS, Secrets Manager and S3 for unmodified clients, and a host for Lambda binaries.
//!
//! A stand-in refuses what the real service refuses, and refuses loudly what it does not know. It never accepts
//! a call that it then ignores.

mod json;

pub mod dynamodb;
pub mod runtime;
pub mod s3;
pub mod secrets;
pub mod sqs;
pub mod tls;

use crate::clock::Clock;
use crate::fault::Faults;

pub use dynamodb::DynamoDb;
pub use json::Refusal;
pub use runtime::RuntimeHost;
pub use s3::S3;

pub use secrets::Secrets;
pub use sqs::Sqs;
pub use tls::Tls;

/// The region every stand-in says it is in.
pub const REGION: &str = "us-east-1";

/// The account every stand-in says it belongs to.
pub const ACCOUNT: &str = "000000000000";

/// The loopback ports to listen on; 0, the default, takes any free one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ports {
    pub dynamodb: u16,
    pub sqs: u16,
    pub secrets: u16,
    pub s3: u16,
}

/// The services together. Clones are the same services; they stop when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Aws {
    pub dynamodb: DynamoDb,
    pub sqs: Sqs,
    pub secrets: Secrets,
    pub s3: S3,
}

impl Aws {
    /// Starts all of them, empty; objects are in a temporary folder, the rest in memory.
    ///
    /// # Panics
    ///
    /// When a port is taken.
    pub async fn start(clock: &Clock, faults: &Faults, ports: Ports) -> Self {
        Self {
            dynamodb: DynamoDb::start(faults, ports.dynamodb).await,
            sqs: Sqs::start(clock, faults, ports.sqs).await,
            secrets: Secrets::start(clock, faults, ports.secrets).await,
            s3: S3::start(clock, faults, ports.s3).await,
        }
    }
}
