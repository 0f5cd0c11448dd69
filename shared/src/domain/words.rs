//! The closed vocabularies of Whop. A word we have not heard yet is kept as it came, never an error: Whop adds
//! words without notice.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`")] $variant,)+
            /// A word that came later than this code.
            Other(String),
        }

        impl $name {
            /// Every word known today, as Whop writes it.
            pub const KNOWN: &'static [&'static str] = &[$($text),+];

            /// The word as Whop writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                match word.as_str() {
                    $($text => Self::$variant,)+
                    _ => Self::Other(word),
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                word.to_owned().into()
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> String {
                word.as_str().to_owned()
            }
        }
    )+};
}

words! {
    /// Where a membership stands (Whop API, memberships).
    MembershipStatus {
        Trialing = "trialing", Active = "active", PastDue = "past_due", Completed = "completed",
        Canceled = "canceled", Expired = "expired", Unresolved = "unresolved", Drafted = "drafted",
        Canceling = "canceling",
    }
    /// Whether a member is with the account (Whop API, members).
    MemberStatus { Joined = "joined", Left = "left" }
    /// What a member may open (Whop API, members).
    AccessLevel { Customer = "customer", Admin = "admin", NoAccess = "no_access" }
    /// The last thing that happened to a member (Whop API, members).
    MemberAction {
        Canceling = "canceling", Churned = "churned", FinishedSplitPay = "finished_split_pay",
        Paused = "paused", PaidSubscriber = "paid_subscriber", PaidOnce = "paid_once",
        Expiring = "expiring", Joined = "joined", Left = "left", Trialing = "trialing",
        PendingEntry = "pending_entry", Renewing = "renewing", PastDue = "past_due",
    }
    /// Where a payment stands (Whop API, payments).
    PaymentStatus {
        Draft = "draft", Open = "open", Authorized = "authorized", Paid = "paid", Pending = "pending",
        Uncollectible = "uncollectible", Unresolved = "unresolved", Void = "void",
    }
    /// The finer state of a payment, refunds and disputes folded in (Whop API, payments).
    PaymentSubstatus {
        Succeeded = "succeeded", RequiresCapture = "requires_capture", Pending = "pending",
        Failed = "failed", Blocked = "blocked", PastDue = "past_due", Canceled = "canceled",
        PriceTooLow = "price_too_low", Uncollectible = "uncollectible", Refunded = "refunded",
        AutoRefunded = "auto_refunded", PartiallyRefunded = "partially_refunded",
        DisputeWarning = "dispute_warning", DisputeNeedsResponse = "dispute_needs_response",
        DisputeWarningNeedsResponse = "dispute_warning_needs_response",
        ResolutionNeedsResponse = "resolution_needs_response",
        DisputeUnderReview = "dispute_under_review",
        DisputeWarningUnderReview = "dispute_warning_under_review",
        ResolutionUnderReview = "resolution_under_review", DisputeWon = "dispute_won",
        DisputeWarningClosed = "dispute_warning_closed", ResolutionWon = "resolution_won",
        DisputeLost = "dispute_lost", DisputeClosed = "dispute_closed", ResolutionLost = "resolution_lost",
        Drafted = "drafted", Incomplete = "incomplete", Unresolved = "unresolved",
        OpenDispute = "open_dispute", OpenResolution = "open_resolution",
    }
    /// Why a payment was charged (Whop API, payments).
    BillingReason {
        SubscriptionCreate = "subscription_create", SubscriptionCycle = "subscription_cycle",
        SubscriptionUpdate = "subscription_update", OneTime = "one_time", Manual = "manual",
        Subscription = "subscription",
    }
    /// Where a refund stands (Whop API, refunds).
    RefundStatus {
        Pending = "pending", RequiresAction = "requires_action", Succeeded = "succeeded",
        Failed = "failed", Canceled = "canceled",
    }
    /// Where a dispute stands; `warning_…` is an inquiry, no money has moved (Whop API, disputes).
    DisputeStatus {
        NeedsResponse = "needs_response", WarningNeedsResponse = "warning_needs_response",
        UnderReview = "under_review", WarningUnderReview = "warning_under_review", Won = "won",
        Lost = "lost", Prevented = "prevented", WarningClosed = "warning_closed",
    }
    /// Who can see a product (Whop API, products).
    Visibility {
        Visible = "visible", Hidden = "hidden", Archived = "archived", QuickLink = "quick_link",
        Deleted = "deleted",
    }
}
