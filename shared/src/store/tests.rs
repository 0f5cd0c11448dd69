//! The store against a real table engine on loopback, through the shipped client.

mod cards;
mod connections;
mod contract_rules;
mod deliveries;
mod facts;
mod failures;
mod grants;
mod insights;
mod links;
mod lists;
mod runs;
mod workspaces;

use std::time::Duration;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use sim::aws::DynamoDb;
use sim::fault::{Call, Fault, Faults};
use uuid::Uuid;

use super::*;
use crate::aws::{Aws, AwsSettings, Endpoints};
use crate::domain::grant::Secret;
use crate::domain::id::WorkspaceId;
use crate::domain::time::Timestamp;

const TABLE: &str = "bridge";
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn workspace(number: u128) -> WorkspaceId {
    WorkspaceId(Uuid::from_u128(number))
}

fn later(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

fn id<T: std::str::FromStr>(text: &str) -> T {
    text.parse().ok().expect("a valid id")
}

/// An empty table, and what may go wrong on the way there.
struct Fixture {
    store: Store,
    faults: Faults,
    database: DynamoDb,
}

impl Fixture {
    async fn start() -> Self {
        let faults = Faults::default();
        let database = DynamoDb::start(&faults, 0).await;
        let settings = AwsSettings {
            region: "us-east-1".to_owned(),
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: Secret::new("secret"),
            session_token: None,
            endpoints: Endpoints { dynamodb: Some(database.url()), ..Endpoints::default() },
            ca_bundle: None,
        };
        let client = Aws::new(settings).unwrap().dynamodb();
        create_table(&client).await;
        Self { store: Store::new(client, TABLE), faults, database }
    }

    /// The answer to the next call of this operation is lost after it took effect.
    fn lose_next_answer(&self, operation: &'static str) {
        let mut armed = true;
        self.faults.plan(move |call: &Call| {
            if armed && call.operation == operation {
                armed = false;
                return Fault::CutAfter;
            }
            Fault::Pass
        });
    }

    fn items(&self) -> Vec<serde_json::Value> {
        self.database.items(TABLE)
    }
}

async fn create_table(client: &aws_sdk_dynamodb::Client) {
    let key =
        |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
    let attribute = |name: &str| {
        let text = AttributeDefinition::builder().attribute_type(ScalarAttributeType::S);
        text.attribute_name(name).build().unwrap()
    };
    let due = GlobalSecondaryIndex::builder()
        .index_name("due")
        .key_schema(key("gk", KeyType::Hash))
        .key_schema(key("gs", KeyType::Range))
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build());
    client
        .create_table()
        .table_name(TABLE)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(["pk", "sk", "gk", "gs"].map(attribute).to_vec()))
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .global_secondary_indexes(due.build().unwrap())
        .send()
        .await
        .unwrap();
}
