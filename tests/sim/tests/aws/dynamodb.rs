//! What the product asks of `DynamoDB`, and what it must be refused.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, ConditionCheck, GlobalSecondaryIndex, KeySchemaElement,
    KeyType, Projection, ProjectionType, Put, ReturnValue, ReturnValuesOnConditionCheckFailure,
    ScalarAttributeType, TransactWriteItem,
};
use http::StatusCode;
use serde_json::json;
use sim::fault::Fault;

use crate::Street;

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn key(name: &str, kind: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
}

/// A table `main` with the key `pk`, `sk` and an index `by_kind` on `kind`.
async fn table(street: &Street) -> Client {
    let client = street.dynamodb();
    let index = GlobalSecondaryIndex::builder()
        .index_name("by_kind")
        .key_schema(key("kind", KeyType::Hash))
        .projection(Projection::builder().projection_type(ProjectionType::All).build())
        .build()
        .unwrap();
    let mut request = client
        .create_table()
        .table_name("main")
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .global_secondary_indexes(index);
    for name in ["pk", "sk", "kind"] {
        let definition =
            AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
        request = request.attribute_definitions(definition.build().unwrap());
    }
    request.send().await.unwrap();
    client
}

fn put(sk: &str) -> aws_sdk_dynamodb::types::builders::PutBuilder {
    Put::builder().table_name("main").item("pk", text("w1")).item("sk", text(sk))
}

async fn put_run(client: &Client, sk: &str) {
    let request = client
        .put_item()
        .table_name("main")
        .item("pk", text("w1"))
        .item("sk", text(sk))
        .item("kind", text("run"))
        .item("pages", AttributeValue::N("1".to_owned()));
    request.send().await.unwrap();
}

#[tokio::test]
async fn a_conditional_put_happens_once_and_shows_what_was_in_the_way() {
    let street = Street::open().await;
    let client = table(&street).await;
    put_run(&client, "run#1").await;

    let refused = client
        .put_item()
        .table_name("main")
        .item("pk", text("w1"))
        .item("sk", text("run#1"))
        .condition_expression("attribute_not_exists(pk)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .send()
        .await
        .unwrap_err()
        .into_service_error();

    let PutItemError::ConditionalCheckFailedException(refused) = refused else { unreachable!("{refused:?}") };
    assert_eq!(refused.item().unwrap()["kind"], text("run"));
}

#[tokio::test]
async fn a_conditional_update_counts_and_removes_and_is_refused_when_the_condition_fails() {
    let street = Street::open().await;
    let client = table(&street).await;
    put_run(&client, "run#1").await;
    let update = || {
        client
            .update_item()
            .table_name("main")
            .key("pk", text("w1"))
            .key("sk", text("run#1"))
            .update_expression("SET pages = pages + :one REMOVE kind")
            .condition_expression("pages < :two")
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .expression_attribute_values(":two", AttributeValue::N("2".to_owned()))
            .return_values(ReturnValue::AllNew)
    };

    let updated = update().send().await.unwrap();
    let refused = update().send().await.unwrap_err();

    let item = updated.attributes().unwrap();
    assert_eq!(item["pages"], AttributeValue::N("2".to_owned()));
    assert!(!item.contains_key("kind"));
    assert_eq!(refused.code(), Some("ConditionalCheckFailedException"));
}

#[tokio::test]
async fn a_cancelled_transaction_leaves_nothing_and_names_the_reason_per_item() {
    let street = Street::open().await;
    let client = table(&street).await;
    let absent = ConditionCheck::builder()
        .table_name("main")
        .key("pk", text("w1"))
        .key("sk", text("connection"))
        .condition_expression("attribute_exists(pk)");

    let refused = client
        .transact_write_items()
        .transact_items(TransactWriteItem::builder().put(put("run#1").build().unwrap()).build())
        .transact_items(TransactWriteItem::builder().condition_check(absent.build().unwrap()).build())
        .send()
        .await
        .unwrap_err()
        .into_service_error();

    let TransactWriteItemsError::TransactionCanceledException(refused) = refused else {
        unreachable!("{refused:?}")
    };
    let codes: Vec<_> = refused.cancellation_reasons().iter().map(|reason| reason.code().unwrap()).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed"]);
    assert!(street.aws.dynamodb.dump().is_empty());
}

#[tokio::test]
async fn an_index_finds_items_by_their_other_key() {
    let street = Street::open().await;
    let client = table(&street).await;
    put_run(&client, "run#1").await;
    put_run(&client, "run#2").await;

    let found = client
        .query()
        .table_name("main")
        .index_name("by_kind")
        .key_condition_expression("kind = :kind")
        .expression_attribute_values(":kind", text("run"))
        .send()
        .await
        .unwrap();

    assert_eq!(found.count(), 2);
}

#[tokio::test]
async fn a_malformed_expression_is_refused() {
    let street = Street::open().await;
    let client = table(&street).await;

    let refused = client
        .put_item()
        .table_name("main")
        .item("pk", text("w1"))
        .item("sk", text("x"))
        .condition_expression("pk === 1")
        .send()
        .await
        .unwrap_err();

    assert_eq!(refused.code(), Some("ValidationException"));
}

#[tokio::test]
async fn a_dump_shows_every_item_in_a_steady_order() {
    let street = Street::open().await;
    let client = table(&street).await;
    put_run(&client, "run#2").await;
    put_run(&client, "run#1").await;

    let dump = street.aws.dynamodb.dump();

    let run = |sk: &str| json!({ "kind": { "S": "run" }, "pages": { "N": "1" }, "pk": { "S": "w1" }, "sk": { "S": sk } });
    assert_eq!(dump, [run("run#1"), run("run#2")]);
}

#[tokio::test]
async fn misfortune_strikes_the_operation_it_was_planned_for() {
    let street = Street::open().await;
    let client = table(&street).await;
    street.faults.plan(|call| match call.operation.as_str() {
        "PutItem" => Fault::Fail(StatusCode::INTERNAL_SERVER_ERROR, "{}".to_owned()),
        _ => Fault::Pass,
    });

    let request = client.put_item().table_name("main");
    let refused = request.item("pk", text("w1")).item("sk", text("x")).send().await;

    assert!(refused.is_err());
    assert!(street.aws.dynamodb.dump().is_empty());
    let last = street.faults.calls().pop().unwrap();
    assert_eq!((last.service, last.operation.as_str()), ("dynamodb", "PutItem"));
}

#[tokio::test]
async fn a_database_in_a_file_is_still_there_after_a_restart() {
    let file = std::env::temp_dir().join(format!("sim-dynamodb-{}.sqlite", std::process::id()));
    let mut street = Street::open().await;
    street.aws.dynamodb = sim::aws::DynamoDb::open(&file, &street.faults, 0).await;
    put_run(&table(&street).await, "run#1").await;

    street.aws.dynamodb = sim::aws::DynamoDb::open(&file, &street.faults, 0).await;

    assert_eq!(street.aws.dynamodb.dump().len(), 1);
    drop(street);
    std::fs::remove_file(file).unwrap();
}
