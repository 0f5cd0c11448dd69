//! Moments in answers.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use shared::domain::time::Timestamp;

/// A moment: ISO 8601 in UTC, with milliseconds, for instance `2026-10-20T08:12:00.000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DateTime(pub(crate) Timestamp);

impl From<Timestamp> for DateTime {
    fn from(time: Timestamp) -> Self {
        Self(time)
    }
}

/// A moment: ISO 8601 in UTC, with milliseconds, for instance `2026-10-20T08:12:00.000Z`.
#[Scalar]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        Ok(Self(text.parse()?))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}
