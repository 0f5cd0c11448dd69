//! The tables together: how rows are found, in which orders they stand, and what must move with them.

use std::collections::HashMap;

use super::ids;
use super::records::{
    ACCOUNT, Account, Alert, Dispute, Member, Membership, Payment, Product, Refund, USER, User, Variant,
};
use super::table::{Row, Table};

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

row!(Product, |row, _order| Some(row.created_at), vec![("account", row.account)], !row.deleted);
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
row!(Refund, |row, _order| Some(row.created_at), vec![("payment", row.payment)]);
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
        self.variants.group("product", product).iter().filter_map(|variant| self.active.get(variant)).sum()
    }
}
