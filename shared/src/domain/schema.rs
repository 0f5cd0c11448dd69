//! What we keep in Twenty: the objects, and every field we write, with its type and who wins over it.
//!
//! One table; the schema is made from it, drafts are checked against it, the docs are printed from it.

use serde::{Deserialize, Serialize};

use super::contract::{ProviderName, record};
use super::draft::FieldName;
use super::insight::churn::RiskBand;
use super::insight::lead_score::LeadBand;
use super::policy::FieldPolicy::{self, CrmWins, OnlyIfEmpty, WhopWins};
use super::words::{
    AccessLevel, BillingReason, DisputeStatus, MemberAction, MemberStatus, MembershipStatus, PaymentStatus,
    PaymentSubstatus, RefundStatus, Visibility,
};

/// The version of [`FIELDS`]: a workspace whose schema was made by an older one is brought up to date.
pub const VERSION: u32 = 2;

/// An object in Twenty that we write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Object {
    /// Ours: a Whop product.
    Product,
    /// Twenty's own: a Whop member.
    Person,
    /// Twenty's own: a Whop membership.
    Opportunity,
    /// Ours: a Whop payment.
    Payment,
    /// Ours: a contract that people sign. The sync never writes it; see [`record`].
    Contract,
}

impl Object {
    /// Every object that the sync writes, parents before children.
    pub const ALL: [Self; 4] = [Self::Product, Self::Person, Self::Opportunity, Self::Payment];

    /// Twenty's name for one.
    pub fn singular(self) -> &'static str {
        match self {
            Self::Product => "whopProduct",
            Self::Person => "person",
            Self::Opportunity => "opportunity",
            Self::Payment => "whopPayment",
            Self::Contract => "contract",
        }
    }

    /// Twenty's name for many, as in its paths.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Product => "whopProducts",
            Self::Person => "people",
            Self::Opportunity => "opportunities",
            Self::Payment => "whopPayments",
            Self::Contract => "contracts",
        }
    }

    /// What people read: one and many.
    pub fn labels(self) -> (&'static str, &'static str) {
        match self {
            Self::Product => ("Whop product", "Whop products"),
            Self::Person => ("Person", "People"),
            Self::Opportunity => ("Opportunity", "Opportunities"),
            Self::Payment => ("Whop payment", "Whop payments"),
            Self::Contract => ("Contract", "Contracts"),
        }
    }

    /// An icon of Twenty's set; used for objects we make.
    pub fn icon(self) -> &'static str {
        match self {
            Self::Product => "IconBox",
            Self::Person => "IconUser",
            Self::Opportunity => "IconTargetArrow",
            Self::Payment => "IconCreditCard",
            Self::Contract => "IconFileText",
        }
    }

    /// What the object is, for people; used for objects we make.
    pub fn description(self) -> &'static str {
        match self {
            Self::Product | Self::Person | Self::Opportunity | Self::Payment => "Kept in step with Whop.",
            Self::Contract => "Sent for signature, followed and kept by the bridge.",
        }
    }

    /// The object of this name in Twenty.
    pub fn named(singular: &str) -> Option<Self> {
        Self::ALL.into_iter().chain([Self::Contract]).find(|it| it.singular() == singular)
    }

    /// True if it is part of every Twenty workspace.
    pub fn is_standard(self) -> bool {
        matches!(self, Self::Person | Self::Opportunity)
    }

    /// The unique field that carries the Whop id; of a contract, our own.
    pub fn key_field(self) -> FieldName {
        match self {
            Self::Product => "whopProductId",
            Self::Person => "whopMemberId",
            Self::Opportunity => "whopMembershipId",
            Self::Payment => "whopPaymentId",
            Self::Contract => record::KEY,
        }
    }

    /// Its fields, in the order they are made.
    pub fn fields(self) -> impl Iterator<Item = &'static Field> {
        FIELDS.iter().chain(record::FIELDS).filter(move |field| field.object == self)
    }

    /// The field of this name.
    pub fn field(self, name: &str) -> Option<&'static Field> {
        self.fields().find(|field| field.name == name)
    }
}

/// What a field holds, in Twenty's types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// A text no two records may share: the Whop id.
    Key,
    Number,
    Boolean,
    DateTime,
    Currency,
    Link,
    /// Options known today, in Whop's words; later words are added when they first appear.
    Choice(&'static [&'static str]),
    FullName,
    Emails,
    Phones,
    /// To-one; written through the column `<name>Id`.
    Relation(Object),
}

/// One field of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    pub object: Object,
    pub name: FieldName,
    pub kind: Kind,
    pub label: &'static str,
    pub description: &'static str,
    /// True if Twenty brings it; we then only write it.
    pub standard: bool,
    /// Who wins unless the workspace chose otherwise.
    pub policy: FieldPolicy,
}

pub(super) const fn ours(
    object: Object,
    name: FieldName,
    kind: Kind,
    label: &'static str,
    description: &'static str,
) -> Field {
    Field { object, name, kind, label, description, standard: false, policy: WhopWins }
}

pub(super) const fn twentys(object: Object, name: FieldName, kind: Kind, policy: FieldPolicy) -> Field {
    Field { object, name, kind, label: "", description: "", standard: true, policy }
}

use Kind::{
    Boolean, Choice, Currency, DateTime, Emails, FullName, Key, Link, Number, Phones, Relation, Text,
};
use Object::{Opportunity, Payment, Person, Product};

/// Every field the sync and the figures write.
#[rustfmt::skip]
pub const FIELDS: &[Field] = &[
    twentys(Product, "name", Text, CrmWins),
    ours(Product, "whopProductId", Key, "Whop product ID", "The product at Whop."),
    ours(Product, "headline", Text, "Headline", "The product's short text at Whop."),
    ours(Product, "visibility", Choice(Visibility::KNOWN), "Visibility", "Who can see the product at Whop."),
    ours(Product, "activeMembers", Number, "Active members", "Memberships that give access today."),
    ours(Product, "variants", Text, "Variants", "The prices the product is sold at."),
    ours(Product, "whopPage", Link, "Whop page", "The product's page on whop.com."),
    ours(Product, "createdAtWhop", DateTime, "Created at Whop", "When the product was made."),

    twentys(Person, "name", FullName, CrmWins),
    twentys(Person, "emails", Emails, WhopWins),
    twentys(Person, "phones", Phones, OnlyIfEmpty),
    ours(Person, "whopMemberId", Key, "Whop member ID", "The member at Whop. One person each."),
    ours(Person, "whopUserId", Text, "Whop user ID", "The Whop user behind the member."),
    ours(Person, "whopUsername", Text, "Whop username", "The user's name on whop.com."),
    ours(Person, "whopStatus", Choice(MemberStatus::KNOWN), "Whop status", "Joined or left."),
    ours(Person, "whopAccess", Choice(AccessLevel::KNOWN), "Whop access", "Customer, team, or no access."),
    ours(Person, "whopTotalSpent", Currency, "Whop total spent", "Lifetime spend, in US dollars."),
    ours(Person, "whopJoinedAt", DateTime, "Whop joined", "When the member first joined."),
    ours(Person, "whopLastSeenAt", DateTime, "Whop last seen", "The day of the last visit."),
    ours(Person, "whopLastAction", Choice(MemberAction::KNOWN), "Whop last action", "What happened last."),
    ours(Person, "whopLastActionAt", DateTime, "Whop last action at", "When it took effect."),
    ours(Person, "whopLeadScore", Number, "Whop lead score", "0 to 100, computed by rule."),
    ours(Person, "whopLeadBand", Choice(LeadBand::KNOWN), "Whop lead band", "How warm the lead is."),
    ours(Person, "whopScoreFactors", Text, "Whop score factors", "What moved score and risk most."),
    ours(Person, "whopChurnRisk", Number, "Whop churn risk", "Of 100 such memberships, how many are lost within 30 days. Empty where nothing renews."),
    ours(Person, "whopChurnBand", Choice(RiskBand::KNOWN), "Whop churn band", "How high the churn risk is."),
    ours(Person, "whopScoredAt", DateTime, "Whop scored at", "When score or risk last changed."),

    twentys(Opportunity, "name", Text, CrmWins),
    twentys(Opportunity, "stage", Choice(&[]), CrmWins),
    twentys(Opportunity, "amount", Currency, WhopWins),
    twentys(Opportunity, "closeDate", DateTime, CrmWins),
    twentys(Opportunity, "pointOfContact", Relation(Person), WhopWins),
    ours(Opportunity, "whopMembershipId", Key, "Whop membership ID", "The membership at Whop. One opportunity each."),
    ours(Opportunity, "whopStatus", Choice(MembershipStatus::KNOWN), "Whop status", "Where the membership stands."),
    ours(Opportunity, "whopProduct", Relation(Product), "Whop product", "What was bought."),
    ours(Opportunity, "whopVariant", Text, "Whop variant", "The price it was bought at."),
    ours(Opportunity, "whopPrice", Currency, "Whop price", "What the next renewal charges, else what was asked up front."),
    ours(Opportunity, "whopRenews", Boolean, "Whop renews", "True if it will be charged again."),
    ours(Opportunity, "whopRenewsAt", DateTime, "Whop renews at", "The next renewal."),
    ours(Opportunity, "whopCancelsAtPeriodEnd", Boolean, "Whop cancels at period end", "True if a cancellation is scheduled."),
    ours(Opportunity, "whopCanceledAt", DateTime, "Whop canceled at", "When the cancellation was asked for."),
    ours(Opportunity, "whopCancelReason", Text, "Whop cancel reason", "What the buyer said."),
    ours(Opportunity, "whopStartedAt", DateTime, "Whop started", "When it was bought."),
    ours(Opportunity, "whopAccessEndsAt", DateTime, "Whop access ends", "When access ends, if it does."),
    ours(Opportunity, "whopLastAction", Text, "Whop last action", "What happened last."),
    ours(Opportunity, "whopLastActionAt", DateTime, "Whop last action at", "When it took, or will take, effect."),
    ours(Opportunity, "whopManageLink", Link, "Whop manage link", "The buyer's billing page."),

    twentys(Payment, "name", Text, WhopWins),
    ours(Payment, "whopPaymentId", Key, "Whop payment ID", "The payment at Whop."),
    ours(Payment, "status", Choice(PaymentStatus::KNOWN), "Status", "Where the payment stands."),
    ours(Payment, "substatus", Choice(PaymentSubstatus::KNOWN), "Detail", "The finer state, refunds and disputes included."),
    ours(Payment, "billingReason", Choice(BillingReason::KNOWN), "Reason", "Why it was charged."),
    ours(Payment, "amount", Currency, "Amount", "The total, without the buyer's fees."),
    ours(Payment, "afterFees", Currency, "After fees", "The total less Whop's fees."),
    ours(Payment, "refundedAmount", Currency, "Refunded", "Refunded so far."),
    ours(Payment, "refundedAt", DateTime, "Refunded at", "When it was refunded."),
    ours(Payment, "refundStatus", Choice(RefundStatus::KNOWN), "Refund status", "Where the latest refund stands."),
    ours(Payment, "refundReason", Text, "Refund reason", "Why it was refunded."),
    ours(Payment, "disputeStatus", Choice(DisputeStatus::KNOWN), "Dispute status", "Where the latest dispute stands."),
    ours(Payment, "disputeReason", Text, "Dispute reason", "What the buyer's bank says."),
    ours(Payment, "disputeAmount", Currency, "Disputed", "The amount in dispute."),
    ours(Payment, "disputeDueAt", DateTime, "Dispute evidence due", "When evidence must be in."),
    ours(Payment, "failure", Text, "Failure", "Why the last attempt failed."),
    ours(Payment, "chargedAt", DateTime, "Charged at", "When it was made."),
    ours(Payment, "paidAt", DateTime, "Paid at", "When it was collected."),
    ours(Payment, "nextAttemptAt", DateTime, "Next attempt", "When it is tried again."),
    ours(Payment, "person", Relation(Person), "Person", "Who paid."),
    ours(Payment, "opportunity", Relation(Opportunity), "Opportunity", "The membership it paid for."),
    ours(Payment, "product", Relation(Product), "Product", "What was paid for."),
];

/// A Whop word as an option of a select field: `past_due` → `PAST_DUE`. Characters Twenty refuses become `_`.
pub fn option_value(word: &str) -> String {
    let keep = |c: char| {
        if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }
    };
    let value: String = word.chars().map(keep).collect();
    if value.starts_with(|c: char| c.is_ascii_digit()) { format!("_{value}") } else { value }
}

/// The same for people: `past_due` → `Past due`. Names of providers are spelt as those spell them.
pub fn option_label(word: &str) -> String {
    let named = |it: &ProviderName| option_value(it.as_str()) == option_value(word);
    if let Some(provider) = ProviderName::ALL.iter().find(|it| named(it)) {
        return provider.label().to_owned();
    }
    let spaced = word.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters.flat_map(char::to_lowercase)).collect()
    })
}
