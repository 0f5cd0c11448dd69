//! Records of Whop's that have no record of their own in Twenty, but colour another one: a variant names its
//! product's price, a refund and a dispute tell their payment's story.

use serde::{Deserialize, Serialize};

use super::id::{PaymentId, ProductId};
use super::source::{Dispute, Record, RecordRef, Refund, Variant};
use super::time::Timestamp;

/// One such record. Kept whole: it is small, and holds no personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    Variant(Variant),
    Refund(Refund),
    Dispute(Dispute),
}

/// The record that a fact colours.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Parent {
    Product(ProductId),
    Payment(PaymentId),
}

impl Parent {
    /// The record's name.
    pub fn name(&self) -> RecordRef {
        match self {
            Self::Product(id) => RecordRef::Products(id.clone()),
            Self::Payment(id) => RecordRef::Payments(id.clone()),
        }
    }
}

impl Fact {
    /// The fact in a record; nothing if the record is mirrored itself.
    pub fn of_record(record: &Record) -> Option<Self> {
        match record {
            Record::Variants(it) => Some(Self::Variant(it.clone())),
            Record::Refunds(it) => Some(Self::Refund(it.clone())),
            Record::Disputes(it) => Some(Self::Dispute(it.clone())),
            Record::Products(_)
            | Record::Members(_)
            | Record::Memberships(_)
            | Record::Payments(_)
            | Record::Gone(_) => None,
        }
    }

    /// Its name.
    pub fn name(&self) -> RecordRef {
        match self {
            Self::Variant(it) => RecordRef::Variants(it.id.clone()),
            Self::Refund(it) => RecordRef::Refunds(it.id.clone()),
            Self::Dispute(it) => RecordRef::Disputes(it.id.clone()),
        }
    }

    /// Whom it colours; a variant of no product colours nobody.
    pub fn parent(&self) -> Option<Parent> {
        match self {
            Self::Variant(it) => it.product.clone().map(Parent::Product),
            Self::Refund(it) => Some(Parent::Payment(it.payment.clone())),
            Self::Dispute(it) => Some(Parent::Payment(it.payment.clone())),
        }
    }

    /// When Whop says it last changed.
    pub fn changed_at(&self) -> Timestamp {
        match self {
            Self::Variant(it) => it.updated_at,
            Self::Refund(it) => it.updated_at,
            Self::Dispute(it) => it.updated_at,
        }
    }
}
