//! The table as `template.yaml` defines it, for databases that know no templates. Never shipped.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TimeToLiveSpecification,
};

/// Makes the table, with the sparse index `due` and the time to live.
///
/// # Panics
///
/// When the database refuses it.
pub async fn create_table(client: &Client, name: &str) {
    let due = GlobalSecondaryIndex::builder()
        .index_name("due")
        .key_schema(key("gk", KeyType::Hash))
        .key_schema(key("gs", KeyType::Range))
        .projection(
            Projection::builder()
                .projection_type(ProjectionType::KeysOnly)
                .build(),
        )
        .build()
        .expect("a complete index");
    client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(["pk", "sk", "gk", "gs"].map(text).to_vec()))
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .global_secondary_indexes(due)
        .send()
        .await
        .expect("a new table");
    let expiry = TimeToLiveSpecification::builder()
        .attribute_name("expires_at")
        .enabled(true);
    client
        .update_time_to_live()
        .table_name(name)
        .time_to_live_specification(expiry.build().expect("a complete setting"))
        .send()
        .await
        .expect("a time to live");
}

fn key(name: &str, kind: KeyType) -> KeySchemaElement {
    let element = KeySchemaElement::builder().attribute_name(name).key_type(kind);
    element.build().expect("a complete key")
}

fn text(name: &str) -> AttributeDefinition {
    let definition = AttributeDefinition::builder().attribute_name(name);
    let definition = definition.attribute_type(ScalarAttributeType::S);
    definition.build().expect("a complete attribute")
}
