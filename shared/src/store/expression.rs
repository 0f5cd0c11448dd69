//! What a write says: what it changes, and what must hold for that. Never sends it.

use std::collections::HashMap;
use std::fmt::Display;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;

use super::{Result, StoreError};

/// Expressions of one request. They write attributes as `#name` and values as `:name`, so that none can be
/// mistaken for a reserved word.
#[derive(Clone, Debug, Default)]
pub(super) struct Expression {
    update: Option<String>,
    condition: Option<String>,
    values: HashMap<String, AttributeValue>,
}

/// Holds where there is no item yet.
pub(super) const ABSENT: &str = "attribute_not_exists(#pk)";
/// Holds where there is an item.
pub(super) const PRESENT: &str = "attribute_exists(#pk)";

impl Expression {
    /// Changes an item by an update expression.
    pub(super) fn update(update: impl Into<String>) -> Self {
        Self { update: Some(update.into()), ..Self::default() }
    }

    /// Changes or replaces an item only where this holds.
    pub(super) fn only_if(condition: impl Into<String>) -> Self {
        Self::default().and_only_if(condition)
    }

    /// The same, only where this holds.
    #[must_use]
    pub(super) fn and_only_if(mut self, condition: impl Into<String>) -> Self {
        self.condition = Some(condition.into());
        self
    }

    /// The same with the value of `:name`.
    #[must_use]
    pub(super) fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.values.insert(format!(":{name}"), value);
        self
    }

    pub(super) fn update_text(&self) -> Option<String> {
        self.update.clone()
    }

    pub(super) fn condition_text(&self) -> Option<String> {
        self.condition.clone()
    }

    pub(super) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }

    /// Every name that occurs; `DynamoDB` refuses one too many as it does one too few.
    pub(super) fn names(&self) -> Option<HashMap<String, String>> {
        let texts = [&self.update, &self.condition].into_iter().flatten();
        let words = texts.flat_map(|text| text.split('#').skip(1)).map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            rest.split_at(end.unwrap_or(rest.len())).0
        });
        let names: HashMap<_, _> = words.map(|word| (format!("#{word}"), word.to_owned())).collect();
        (!names.is_empty()).then_some(names)
    }
}

/// A text as an attribute.
pub(super) fn text(value: impl Display) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// An integer as an attribute.
pub(super) fn number(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// Anything else as an attribute.
pub(super) fn value(of: &impl Serialize) -> Result<AttributeValue> {
    serde_dynamo::to_attribute_value(of).map_err(StoreError::Unwritable)
}
