//! What can go wrong with the table, by what can be done about it.

use std::error::Error as StdError;
use std::time::Duration;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::error::{Error, Kind};
use crate::ids::NoRandomness;

/// A read or write that brought no answer. A condition that does not hold is not among them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("the table could not be reached")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    #[error("the table asked us to slow down")]
    Throttled(#[source] Box<dyn StdError + Send + Sync>),
    /// Neither later nor elsewhere will this request be taken: wrong rights, wrong table, wrong expression.
    #[error("the table refused the request")]
    Refused(#[source] Box<dyn StdError + Send + Sync>),
    /// The reader's own words are left out: they quote what they cannot read.
    #[error("the item {key} does not read as what it should be")]
    Corrupt { key: String },
    #[error("a value has no form in the table")]
    Unwritable(#[source] serde_dynamo::Error),
    #[error("the cursor is not one of this list's")]
    BadCursor,
    #[error("no mark could be made for a lease")]
    NoRandomness(#[source] NoRandomness),
}

impl StoreError {
    /// What an SDK error means to us.
    pub(super) fn of<E>(error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        if matches!(error, SdkError::ConstructionFailure(_)) {
            return Self::Refused(error.into());
        }
        let refusal = error.as_service_error().map(|refusal| refusal.code().unwrap_or_default());
        match refusal {
            Some(
                "ProvisionedThroughputExceededException" | "ThrottlingException" | "RequestLimitExceeded",
            ) => Self::Throttled(error.into()),
            // A conflict is another transaction on the same item at this moment.
            None
            | Some(
                ""
                | "InternalServerError"
                | "ServiceUnavailable"
                | "TransactionConflictException"
                | "TransactionInProgressException"
                | "TransactionCanceledException",
            ) => Self::Unavailable(error.into()),
            Some(_) => Self::Refused(error.into()),
        }
    }
}

impl From<NoRandomness> for StoreError {
    fn from(error: NoRandomness) -> Self {
        Self::NoRandomness(error)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable(_) => Self::new(Kind::Unavailable),
            StoreError::Throttled(_) => Self::new(Kind::Throttled { retry_after: Duration::from_secs(1) }),
            StoreError::BadCursor => {
                Self::invalid("This cursor does not belong to this list. Start again from its beginning.")
            }
            StoreError::Refused(_)
            | StoreError::Corrupt { .. }
            | StoreError::Unwritable(_)
            | StoreError::NoRandomness(_) => Self::new(Kind::Bug),
        }
        .because(error)
    }
}
