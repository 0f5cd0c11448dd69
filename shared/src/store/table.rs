//! Keys, and the few calls we make. Never knows what an item is about.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, KeysAndAttributes, ReturnValue, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::expression::{ABSENT, Expression, text};
use super::{Result, StoreError};
use crate::domain::id::WorkspaceId;

/// An item as the SDK has it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// Partition key, `WS#` and a workspace's id.
pub(super) const PK: &str = "pk";
/// Sort key, `KIND#` and an id.
pub(super) const SK: &str = "sk";
/// When `DynamoDB` may delete the item, in seconds since the Unix epoch. It takes days over that.
pub(super) const EXPIRES_AT: &str = "expires_at";

/// Where an item lives. Made from a workspace, so that no key leads into another tenant's items.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    workspace: WorkspaceId,
    sort: String,
}

impl Key {
    /// The item `id` of a kind. Neither contains `#`, unless an id is made of several.
    pub(super) fn new(workspace: WorkspaceId, kind: &str, id: impl Display) -> Self {
        Self { workspace, sort: format!("{kind}#{id}") }
    }

    /// The partition of a workspace.
    pub(super) fn partition(workspace: WorkspaceId) -> String {
        format!("WS#{workspace}")
    }

    /// The key's attributes.
    pub(super) fn attributes(&self) -> Item {
        let partition = (PK.to_owned(), text(Self::partition(self.workspace)));
        Item::from([partition, (SK.to_owned(), text(&self.sort))])
    }

    /// An item at this key. What a value has not is not written, so that conditions can ask for it.
    pub(super) fn item(&self, value: &impl Serialize) -> Result<Item> {
        let mut item: Item = serde_dynamo::to_item(value).map_err(StoreError::Unwritable)?;
        item.retain(|_, attribute| !attribute.is_null());
        item.extend(self.attributes());
        Ok(item)
    }
}

/// Reads an item.
pub(super) fn read<T: DeserializeOwned>(item: Item) -> Result<T> {
    let key = item.get(SK).and_then(|key| key.as_s().ok()).cloned().unwrap_or_default();
    serde_dynamo::from_item(item).map_err(|_| StoreError::Corrupt { key })
}

/// Whether a condition held.
#[derive(Debug)]
pub(super) enum Held {
    /// It did. After an update the item as it is now, otherwise as it was before.
    Yes(Option<Item>),
    /// It did not; the item as it is.
    No(Option<Item>),
}

impl Held {
    /// True if it did.
    pub(super) fn is_yes(&self) -> bool {
        matches!(self, Self::Yes(_))
    }
}

/// The table.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) client: Client,
    pub(super) name: String,
}

/// Most keys of one call (`DynamoDB`, `BatchGetItem`).
const BATCH: usize = 100;

impl Table {
    pub(super) fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// The value at a key.
    pub(super) async fn find<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>> {
        let request = self.client.get_item().table_name(&self.name).consistent_read(true);
        let answer = request.set_key(Some(key.attributes())).send().await.map_err(StoreError::of)?;
        answer.item.map(read).transpose()
    }

    /// Writes a whole item.
    pub(super) async fn put(&self, item: Item, only: &Expression) -> Result<Held> {
        let sent = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .set_condition_expression(only.condition_text())
            .set_expression_attribute_names(only.names())
            .set_expression_attribute_values(only.values())
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let error = match sent {
            Ok(answer) => return Ok(Held::Yes(answer.attributes)),
            Err(error) => error,
        };
        if let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() {
            return Ok(Held::No(failed.item.clone()));
        }
        Err(StoreError::of(error))
    }

    /// Writes a whole item; true if it is there now just so, be it by an earlier attempt.
    pub(super) async fn put_once(&self, item: Item, only: &Expression) -> Result<bool> {
        Ok(match self.put(item.clone(), only).await? {
            Held::Yes(_) => true,
            Held::No(there) => there.as_ref() == Some(&item),
        })
    }

    /// Writes a whole item where there is none.
    pub(super) async fn insert(&self, item: Item) -> Result<bool> {
        self.put_once(item, &Expression::only_if(ABSENT)).await
    }

    /// Changes an item.
    pub(super) async fn update(&self, key: &Key, change: &Expression) -> Result<Held> {
        let sent = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key.attributes()))
            .set_update_expression(change.update_text())
            .set_condition_expression(change.condition_text())
            .set_expression_attribute_names(change.names())
            .set_expression_attribute_values(change.values())
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let error = match sent {
            Ok(answer) => return Ok(Held::Yes(answer.attributes)),
            Err(error) => error,
        };
        if let Some(UpdateItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() {
            return Ok(Held::No(failed.item.clone()));
        }
        Err(StoreError::of(error))
    }

    /// Takes an item away, if it is there.
    pub(super) async fn delete(&self, key: &Key, only: &Expression) -> Result<Held> {
        let sent = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(key.attributes()))
            .set_condition_expression(only.condition_text())
            .set_expression_attribute_names(only.names())
            .set_expression_attribute_values(only.values())
            .return_values(ReturnValue::AllOld)
            .send()
            .await;
        let error = match sent {
            Ok(answer) => return Ok(Held::Yes(answer.attributes)),
            Err(error) => error,
        };
        if let Some(DeleteItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() {
            return Ok(Held::No(failed.item.clone()));
        }
        Err(StoreError::of(error))
    }

    /// Takes several items away, all or none. False if the condition of one does not hold.
    pub(super) async fn delete_together(&self, parts: Vec<(Key, Expression)>) -> Result<bool> {
        let mut request = self.client.transact_write_items();
        for (key, only) in parts {
            let delete = Delete::builder()
                .table_name(&self.name)
                .set_key(Some(key.attributes()))
                .set_condition_expression(only.condition_text())
                .set_expression_attribute_names(only.names())
                .set_expression_attribute_values(only.values())
                .build()
                .map_err(|error| StoreError::Refused(error.into()))?;
            request = request.transact_items(TransactWriteItem::builder().delete(delete).build());
        }
        let Err(error) = request.send().await else {
            return Ok(true);
        };
        if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
            error.as_service_error()
        {
            let mut codes = cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code());
            if codes.any(|code| code == "ConditionalCheckFailed") {
                return Ok(false);
            }
        }
        Err(StoreError::of(error))
    }

    /// The items at these keys, in no order; what is not there is left out.
    pub(super) async fn get_many(&self, keys: impl IntoIterator<Item = Key>) -> Result<Vec<Item>> {
        let distinct: HashSet<Key> = keys.into_iter().collect();
        let mut wanted: Vec<Item> = distinct.iter().map(Key::attributes).collect();
        let mut found = Vec::with_capacity(wanted.len());
        while !wanted.is_empty() {
            let rest = wanted.split_off(wanted.len().min(BATCH));
            let asked = wanted.len();
            let (items, left) = self.get_batch(wanted).await?;
            // DynamoDB hands back what it had no room or no capacity for. As long as something comes, we go on.
            if left.len() >= asked {
                return Err(StoreError::Throttled("no key of a batch was processed".into()));
            }
            found.extend(items);
            wanted = left;
            wanted.extend(rest);
        }
        Ok(found)
    }

    async fn get_batch(&self, keys: Vec<Item>) -> Result<(Vec<Item>, Vec<Item>)> {
        let asked = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .consistent_read(true)
            .build()
            .map_err(|error| StoreError::Refused(error.into()))?;
        let request = self.client.batch_get_item().request_items(&self.name, asked);
        let answer = request.send().await.map_err(StoreError::of)?;
        let found = answer.responses.and_then(|mut tables| tables.remove(&self.name));
        let left = answer.unprocessed_keys.and_then(|mut tables| tables.remove(&self.name));
        Ok((found.unwrap_or_default(), left.map(|left| left.keys).unwrap_or_default()))
    }
}
