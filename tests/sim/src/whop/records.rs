//! What Whop keeps: accounts, users, products, variants, members, memberships, payments, refunds, disputes.
//! Rows name each other by number; times are Unix milliseconds; amounts are minor units.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::ids;
use super::money::Currency;
use super::table::{Row, Table};

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
        matches!(
            self.status,
            "trialing" | "active" | "past_due" | "completed" | "canceling"
        )
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

macro_rules! row {
    ($kind:ty, |$row:ident, $order:ident| $key:expr, $groups:expr $(, $listed:expr)?) => {
        impl Row for $kind {
            fn account(&self) -> usize {
                self.account
            }
            fn key(&self, $order: &str) -> Option<i64> {
                let $row = self;
                $key
            }
            fn groups(&self) -> Vec<(&'static str, usize)> {
                let $row = self;
                $groups
            }
            $(fn listed(&self) -> bool {
                let $row = self;
                $listed
            })?
        }
    };
}

row!(
    Product,
    |row, _order| Some(row.created_at),
    vec![("account", row.account)],
    !row.deleted
);
row!(
    Variant,
    |row, order| match order {
        "expiration_days" => row.expiration_days,
        _ => Some(row.created_at),
    },
    vec![("product", row.product)],
    !row.deleted
);
row!(
    Member,
    |row, order| match order {
        "joined_at" => Some(row.joined_at),
        "last_accessed_at" => row.last_accessed_at,
        "most_recent_action_at" => row.action_at,
        "usd_total_spent" => Some(row.spent),
        // The list's created filters and order speak of the join time.
        _ => Some(row.joined_at),
    },
    row.user.map(|user| ("user", user)).into_iter().collect()
);
row!(
    Membership,
    |row, _order| Some(row.created_at),
    row.member
        .map(|member| ("member", member))
        .into_iter()
        .chain(row.user.map(|user| ("user", user)))
        .collect()
);
row!(
    Payment,
    |row, order| match order {
        "paid_at" => row.paid_at,
        _ => Some(row.created_at),
    },
    row.member
        .map(|member| ("member", member))
        .into_iter()
        .chain(row.user.map(|user| ("user", user)))
        .chain([("membership", row.membership)])
        .collect()
);
row!(
    Refund,
    |row, _order| Some(row.created_at),
    vec![("payment", row.payment)]
);
row!(
    Dispute,
    |row, order| match order {
        "amount" => Some(row.amount),
        "evidence_due_at" => row.due_at,
        _ => Some(row.created_at),
    },
    vec![("payment", row.payment)]
);
row!(
    Alert,
    |row, order| match order {
        "amount" => Some(row.amount),
        _ => Some(row.created_at),
    },
    vec![("payment", row.payment)]
);

/// Everything Whop keeps about its sellers and buyers.
#[derive(Debug, Default)]
pub(super) struct Books {
    pub(super) accounts: Vec<Account>,
    pub(super) users: Vec<User>,
    pub(super) users_by_email: HashMap<String, usize>,
    pub(super) products: Table<Product>,
    pub(super) variants: Table<Variant>,
    pub(super) members: Table<Member>,
    pub(super) memberships: Table<Membership>,
    pub(super) payments: Table<Payment>,
    pub(super) refunds: Table<Refund>,
    pub(super) disputes: Table<Dispute>,
    pub(super) alerts: Table<Alert>,
    /// Memberships that grant access, by variant.
    pub(super) active: HashMap<usize, i64>,
}

impl Books {
    pub(super) fn account(&self, id: &str) -> Option<usize> {
        ids::row(ACCOUNT, id).filter(|row| *row < self.accounts.len())
    }

    pub(super) fn user(&self, id: &str) -> Option<usize> {
        ids::row(USER, id).filter(|row| *row < self.users.len())
    }

    pub(super) fn add_user(&mut self, user: User) -> usize {
        let row = self.users.len();
        if let Some(email) = &user.email {
            self.users_by_email.insert(email.to_lowercase(), row);
        }
        self.users.push(user);
        row
    }

    pub(super) fn add_membership(&mut self, membership: Membership) -> usize {
        if membership.grants_access() {
            *self.active.entry(membership.variant).or_default() += 1;
        }
        self.memberships.add(membership)
    }

    /// Changes a membership, moves its `updated_at` forward and keeps the counts of active ones.
    pub(super) fn change_membership(&mut self, row: usize, now: i64, change: impl FnOnce(&mut Membership)) {
        let before = self.memberships[row].grants_access();
        self.memberships.change(row, |membership| {
            change(membership);
            membership.updated_at = now.max(membership.updated_at + 1);
        });
        let membership = &self.memberships[row];
        let step = i64::from(membership.grants_access()) - i64::from(before);
        *self.active.entry(membership.variant).or_default() += step;
    }

    pub(super) fn change_payment(&mut self, row: usize, now: i64, change: impl FnOnce(&mut Payment)) {
        self.payments.change(row, |payment| {
            change(payment);
            payment.updated_at = now.max(payment.updated_at + 1);
        });
    }

    /// How many memberships of a product grant access.
    pub(super) fn members_of(&self, product: usize) -> i64 {
        self.variants
            .group("product", product)
            .iter()
            .filter_map(|variant| self.active.get(variant))
            .sum()
    }
}
