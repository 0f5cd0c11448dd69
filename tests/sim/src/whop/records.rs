//! What Whop keeps: accounts, users, products, variants, members, memberships, payments, refunds, disputes.
//! Rows name each other by number; times are Unix milliseconds; amounts are minor units.

use serde_json::{Map, Value};

use super::money::Currency;

pub(super) use super::books::Books;

pub(super) const ACCOUNT: &str = "biz_";
pub(super) const USER: &str = "user_";
pub(super) const PRODUCT: &str = "prod_";
pub(super) const VARIANT: &str = "plan_";
pub(super) const MEMBER: &str = "mber_";
pub(super) const MEMBERSHIP: &str = "mem_";
pub(super) const PAYMENT: &str = "pay_";
pub(super) const REFUND: &str = "rf_";
pub(super) const DISPUTE: &str = "dspt_";
pub(super) const ALERT: &str = "dspa_";

/// A seller.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) title: String,
    pub(super) route: String,
    pub(super) owner: usize,
    pub(super) created_at: i64,
}

/// A person on Whop, seller or buyer.
#[derive(Debug)]
pub(super) struct User {
    pub(super) name: Option<String>,
    pub(super) username: String,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) created_at: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Product {
    pub(super) account: usize,
    pub(super) title: String,
    pub(super) headline: Option<String>,
    pub(super) visibility: &'static str,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) deleted: bool,
}

/// A price of a product; older versions say plan.
#[derive(Clone, Debug)]
pub(super) struct Variant {
    pub(super) account: usize,
    pub(super) product: usize,
    pub(super) title: String,
    /// Charged at checkout in addition to the first renewal, or the whole price of a one-time purchase.
    pub(super) initial: i64,
    /// 0 for a one-time purchase.
    pub(super) renewal: i64,
    pub(super) currency: Currency,
    /// `None` for a one-time purchase.
    pub(super) period_days: Option<i64>,
    pub(super) trial_days: Option<i64>,
    pub(super) expiration_days: Option<i64>,
    pub(super) visibility: &'static str,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) deleted: bool,
}

impl Variant {
    /// What checkout charges.
    pub(super) fn due(&self) -> i64 {
        match self.trial_days {
            Some(_) => self.initial,
            None => self.initial + self.renewal,
        }
    }
}

/// A customer of one account.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) account: usize,
    /// `None` when the buyer is a business.
    pub(super) user: Option<usize>,
    /// The name of the buying business.
    pub(super) business: Option<String>,
    pub(super) left: bool,
    pub(super) created_at: i64,
    pub(super) joined_at: i64,
    pub(super) last_accessed_at: Option<i64>,
    pub(super) action: Option<&'static str>,
    pub(super) action_at: Option<i64>,
    /// Lifetime spend in US cents.
    pub(super) spent: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Membership {
    pub(super) account: usize,
    /// `None` while nobody has claimed it.
    pub(super) member: Option<usize>,
    pub(super) user: Option<usize>,
    pub(super) product: usize,
    pub(super) variant: usize,
    pub(super) status: &'static str,
    pub(super) ends: bool,
    pub(super) cancel_option: Option<&'static str>,
    pub(super) reason: Option<String>,
    pub(super) canceled_at: Option<i64>,
    pub(super) paused_at: Option<i64>,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) period_start: Option<i64>,
    pub(super) period_end: Option<i64>,
    /// The seller's own cadence, when it differs from the variant's.
    pub(super) period_days: Option<i64>,
    pub(super) metadata: Map<String, Value>,
}

impl Membership {
    /// Whether it opens the door (Whop, memberships guide).
    pub(super) fn grants_access(&self) -> bool {
        matches!(self.status, "trialing" | "active" | "past_due" | "completed" | "canceling")
    }
}

#[derive(Clone, Debug)]
pub(super) struct Payment {
    pub(super) account: usize,
    pub(super) membership: usize,
    pub(super) member: Option<usize>,
    pub(super) user: Option<usize>,
    pub(super) variant: usize,
    pub(super) total: i64,
    pub(super) refunded: i64,
    pub(super) currency: Currency,
    pub(super) billing_reason: &'static str,
    pub(super) status: &'static str,
    pub(super) substatus: &'static str,
    pub(super) decline_code: Option<&'static str>,
    pub(super) failures: u32,
    pub(super) method: &'static str,
    /// Whether the instrument is written in full; it is most of the bytes of a row.
    pub(super) instrument: bool,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) paid_at: Option<i64>,
    pub(super) attempted_at: Option<i64>,
    pub(super) retry_at: Option<i64>,
    pub(super) refunded_at: Option<i64>,
    pub(super) alerted_at: Option<i64>,
}

#[derive(Clone, Debug)]
pub(super) struct Refund {
    pub(super) account: usize,
    pub(super) payment: usize,
    pub(super) user: Option<usize>,
    pub(super) amount: i64,
    pub(super) status: &'static str,
    pub(super) metadata: Map<String, Value>,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Dispute {
    pub(super) account: usize,
    pub(super) payment: usize,
    pub(super) amount: i64,
    pub(super) status: &'static str,
    pub(super) reason: &'static str,
    pub(super) due_at: Option<i64>,
    pub(super) submitted_at: Option<i64>,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

/// A card network's early word of a dispute.
#[derive(Clone, Debug)]
pub(super) struct Alert {
    pub(super) account: usize,
    pub(super) payment: usize,
    pub(super) amount: i64,
    pub(super) kind: &'static str,
    pub(super) created_at: i64,
}
