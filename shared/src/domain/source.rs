//! Whop's records as we see them: what a seller wants in the CRM, and what we need to decide.
//!
//! A reading keeps no more personal data than the CRM gets. Values Whop hides from our credential are `None`.

use serde::{Deserialize, Serialize};

use super::id::{
    AccountId, DisputeId, MemberId, MembershipId, PaymentId, ProductId, RefundId, UserId, VariantId,
};
use super::money::Money;
use super::time::Timestamp;
use super::words::{
    AccessLevel, BillingReason, DisputeStatus, MemberAction, MemberStatus, MembershipStatus, PaymentStatus,
    PaymentSubstatus, RefundStatus, Visibility,
};

/// The kinds of record we read at Whop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Variants of products; kept as facts.
    Variants,
    /// Products; mirrored.
    Products,
    /// Members; mirrored as people.
    Members,
    /// Memberships; mirrored as opportunities.
    Memberships,
    /// Refunds; kept as facts of their payment.
    Refunds,
    /// Disputes; kept as facts of their payment.
    Disputes,
    /// Payments; mirrored.
    Payments,
}

impl Stream {
    /// Every stream, parents before children.
    pub const ALL: [Self; 7] = [
        Self::Variants,
        Self::Products,
        Self::Members,
        Self::Memberships,
        Self::Refunds,
        Self::Disputes,
        Self::Payments,
    ];

    /// True if its records have records of their own in Twenty; the others colour theirs.
    pub fn is_mirrored(self) -> bool {
        match self {
            Self::Products | Self::Members | Self::Memberships | Self::Payments => true,
            Self::Variants | Self::Refunds | Self::Disputes => false,
        }
    }

    /// The name in keys, logs and receipts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Variants => "variants",
            Self::Products => "products",
            Self::Members => "members",
            Self::Memberships => "memberships",
            Self::Refunds => "refunds",
            Self::Disputes => "disputes",
            Self::Payments => "payments",
        }
    }
}

/// The name of one record at Whop.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "stream", content = "id", rename_all = "snake_case")]
pub enum RecordRef {
    /// A variant.
    Variants(VariantId),
    /// A product.
    Products(ProductId),
    /// A member.
    Members(MemberId),
    /// A membership.
    Memberships(MembershipId),
    /// A refund.
    Refunds(RefundId),
    /// A dispute.
    Disputes(DisputeId),
    /// A payment.
    Payments(PaymentId),
}

impl RecordRef {
    /// What kind of record it is.
    pub fn stream(&self) -> Stream {
        match self {
            Self::Variants(_) => Stream::Variants,
            Self::Products(_) => Stream::Products,
            Self::Members(_) => Stream::Members,
            Self::Memberships(_) => Stream::Memberships,
            Self::Refunds(_) => Stream::Refunds,
            Self::Disputes(_) => Stream::Disputes,
            Self::Payments(_) => Stream::Payments,
        }
    }

    /// The id, whatever its kind.
    pub fn id(&self) -> &str {
        match self {
            Self::Variants(id) => id.as_str(),
            Self::Products(id) => id.as_str(),
            Self::Members(id) => id.as_str(),
            Self::Memberships(id) => id.as_str(),
            Self::Refunds(id) => id.as_str(),
            Self::Disputes(id) => id.as_str(),
            Self::Payments(id) => id.as_str(),
        }
    }

    /// The record `id` of `stream`.
    pub fn new(stream: Stream, id: &str) -> Result<Self, super::id::BadId> {
        Ok(match stream {
            Stream::Variants => Self::Variants(id.parse()?),
            Stream::Products => Self::Products(id.parse()?),
            Stream::Members => Self::Members(id.parse()?),
            Stream::Memberships => Self::Memberships(id.parse()?),
            Stream::Refunds => Self::Refunds(id.parse()?),
            Stream::Disputes => Self::Disputes(id.parse()?),
            Stream::Payments => Self::Payments(id.parse()?),
        })
    }
}

impl std::fmt::Display for RecordRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.stream().as_str(), self.id())
    }
}

/// A product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    pub id: ProductId,
    pub title: String,
    pub headline: Option<String>,
    /// The path of its page on whop.com.
    pub route: String,
    pub visibility: Option<Visibility>,
    /// Memberships that give access today.
    pub active_members: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A variant: one price of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    pub id: VariantId,
    pub product: Option<ProductId>,
    pub title: Option<String>,
    /// As Whop shows it to buyers, for instance `$49.00 / month`.
    pub formatted_price: String,
    /// False for a one-time price.
    pub renews: bool,
    /// Days between charges.
    pub billing_days: Option<i64>,
    pub initial_price: Option<Money>,
    pub renewal_price: Option<Money>,
    pub updated_at: Timestamp,
}

/// A customer of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub id: MemberId,
    pub account: AccountId,
    pub user: Option<UserId>,
    pub username: Option<String>,
    pub display_name: String,
    /// As Whop gives it; compared in lower case.
    pub email: Option<String>,
    pub phone: Option<String>,
    pub status: MemberStatus,
    pub access: AccessLevel,
    pub joined_at: Timestamp,
    pub last_accessed_at: Option<Timestamp>,
    pub total_spent: Option<Money>,
    pub last_action: Option<MemberAction>,
    pub last_action_at: Option<Timestamp>,
}

/// One purchase of one variant by one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    pub id: MembershipId,
    pub account: AccountId,
    /// Absent while unclaimed.
    pub member: Option<MemberId>,
    pub product: ProductId,
    pub product_title: String,
    pub variant: VariantId,
    pub status: MembershipStatus,
    pub cancels_at_period_end: bool,
    pub canceled_at: Option<Timestamp>,
    pub cancellation_reason: Option<String>,
    pub initial_price: Option<Money>,
    /// What the next renewal will charge; absent when it does not renew.
    pub renewal_price: Option<Money>,
    pub period_start: Option<Timestamp>,
    /// The next renewal, or the end of access; absent for lifetime.
    pub period_end: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    /// The buyer's own billing page.
    pub manage_url: Option<String>,
    pub last_action: Option<String>,
    pub last_action_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    pub id: PaymentId,
    pub account: Option<AccountId>,
    pub member: Option<MemberId>,
    pub membership: Option<MembershipId>,
    pub product: Option<ProductId>,
    pub variant: Option<VariantId>,
    pub status: PaymentStatus,
    pub substatus: PaymentSubstatus,
    pub billing_reason: Option<BillingReason>,
    pub total: Option<Money>,
    pub after_fees: Option<Money>,
    pub refunded: Option<Money>,
    pub refunded_at: Option<Timestamp>,
    pub failure: Option<String>,
    pub dispute_alerted_at: Option<Timestamp>,
    pub paid_at: Option<Timestamp>,
    pub next_attempt_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A refund of a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    pub id: RefundId,
    pub payment: PaymentId,
    pub status: RefundStatus,
    pub reason: Option<String>,
    pub amount: Option<Money>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A dispute over a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    pub id: DisputeId,
    pub payment: PaymentId,
    pub status: DisputeStatus,
    pub reason: String,
    pub amount: Option<Money>,
    pub evidence_due_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// One record as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    Variants(Variant),
    Products(Product),
    Members(Member),
    Memberships(Membership),
    Refunds(Refund),
    Disputes(Dispute),
    Payments(Payment),
    /// Whop no longer shows it.
    Gone(Gone),
}

/// A record that Whop no longer shows, and when we found that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    pub name: RecordRef,
    pub found_at: Timestamp,
}

impl Record {
    /// Its name.
    pub fn name(&self) -> RecordRef {
        match self {
            Self::Variants(it) => RecordRef::Variants(it.id.clone()),
            Self::Products(it) => RecordRef::Products(it.id.clone()),
            Self::Members(it) => RecordRef::Members(it.id.clone()),
            Self::Memberships(it) => RecordRef::Memberships(it.id.clone()),
            Self::Refunds(it) => RecordRef::Refunds(it.id.clone()),
            Self::Disputes(it) => RecordRef::Disputes(it.id.clone()),
            Self::Payments(it) => RecordRef::Payments(it.id.clone()),
            Self::Gone(it) => it.name.clone(),
        }
    }

    /// When Whop says it last changed; members do not say.
    pub fn changed_at(&self) -> Option<Timestamp> {
        match self {
            Self::Variants(it) => Some(it.updated_at),
            Self::Products(it) => Some(it.updated_at),
            Self::Members(_) => None,
            Self::Memberships(it) => Some(it.updated_at),
            Self::Refunds(it) => Some(it.updated_at),
            Self::Disputes(it) => Some(it.updated_at),
            Self::Payments(it) => Some(it.updated_at),
            Self::Gone(it) => Some(it.found_at),
        }
    }
}

/// A page of a list, and where the next one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What the page holds, as far as it could be read.
    pub records: Vec<Record>,
    /// What it also holds but we could not read; kept for a person to look at.
    pub unreadable: Vec<Unreadable>,
    /// Absent on the last page.
    pub next: Option<Cursor>,
}

/// A row of Whop's that does not have the shape it should have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// Its id, if it has one.
    pub id: Option<String>,
    /// What is wrong with it, without its contents.
    pub reason: String,
    /// The row as it came.
    pub raw: String,
}

/// Where a page begins. Opaque, and good only for the list that gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);
