//! The history of money in a seeded account: payments, refunds, disputes.

use serde_json::Map;

use super::money::in_cents;
use super::records::{Alert, Dispute, Payment, Refund};
use super::sales::dispute_substatus;
use super::seed::{DAY, Seeding};

const DISPUTES: &[&str] = &[
    "needs_response",
    "warning_needs_response",
    "under_review",
    "warning_under_review",
    "won",
    "lost",
    "prevented",
    "warning_closed",
];

impl Seeding<'_> {
    pub(super) fn payments(&mut self, membership: usize, state: &'static str, done: i64) {
        let owner = self.world.books.memberships[membership].clone();
        let variant = self.world.books.variants[owner.variant].clone();
        let first_reason = match variant.period_days {
            Some(_) => "subscription_create",
            None => "one_time",
        };
        self.paid(membership, variant.due(), first_reason, owner.created_at);
        let length = variant.period_days.unwrap_or(0) * DAY;
        // The last two renewals are enough to look real and keep 100,000 members in memory.
        for period in (done - 1).max(1)..=done.min(if state == "past_due" { done - 1 } else { done }) {
            if state != "trialing" {
                self.paid(
                    membership,
                    variant.renewal,
                    "subscription_cycle",
                    owner.created_at + period * length,
                );
            }
        }
        if state == "past_due" {
            let at = owner.period_start.unwrap_or(owner.created_at);
            let mut failed = self.payment(membership, variant.renewal, "subscription_cycle", at);
            (failed.status, failed.substatus) = ("open", "past_due");
            failed.decline_code =
                Some(*self.dice.pick(&["insufficient_funds", "expired_card", "generic_decline"]));
            (failed.failures, failed.paid_at) = (1, None);
            failed.retry_at = Some(self.now + 2 * DAY);
            self.world.books.payments.add(failed);
        }
    }

    fn payment(&mut self, membership: usize, total: i64, reason: &'static str, at: i64) -> Payment {
        let owner = &self.world.books.memberships[membership];
        Payment {
            account: owner.account,
            membership,
            member: owner.member,
            user: owner.user,
            variant: owner.variant,
            total,
            refunded: 0,
            currency: self.world.books.variants[owner.variant].currency,
            billing_reason: reason,
            status: "paid",
            substatus: "succeeded",
            decline_code: None,
            failures: 0,
            method: if self.dice.one_in(4) { "paypal" } else { "card" },
            instrument: false,
            created_at: at,
            updated_at: at + 2_000,
            paid_at: Some(at + 2_000),
            attempted_at: Some(at + 1_000),
            retry_at: None,
            refunded_at: None,
            alerted_at: None,
        }
    }

    fn paid(&mut self, membership: usize, total: i64, reason: &'static str, at: i64) {
        let mut payment = self.payment(membership, total, reason, at);
        payment.instrument = self.sales.is_multiple_of(10) && payment.method == "card";
        let cents = in_cents(total, payment.currency);
        let member = payment.member;
        let row = self.world.books.payments.add(payment);
        if let Some(member) = member {
            self.world.books.members.change(member, |member| member.spent += cents);
        }
        if total == 0 {
            return;
        }
        self.sales += 1;
        let disputed =
            if self.disputes < DISPUTES.len() { self.sales % 3 == 1 } else { self.dice.one_in(80) };
        if disputed {
            self.dispute(row, at);
        } else if self.sales == 2 || self.dice.one_in(25) {
            self.refund(row, total, at);
        } else if self.sales == 5 || self.dice.one_in(25) {
            self.refund(row, (total / 3).max(1), at);
        }
    }

    fn refund(&mut self, payment: usize, amount: i64, paid: i64) {
        let at = self.between(paid + 3_000);
        let user = self.world.books.payments[payment].user;
        self.world.books.payments.change(payment, |payment| {
            payment.refunded = amount;
            payment.refunded_at = Some(at);
            payment.updated_at = at;
            payment.substatus = if amount < payment.total { "partially_refunded" } else { "refunded" };
        });
        self.world.books.refunds.add(Refund {
            account: self.account,
            payment,
            user,
            amount,
            status: "succeeded",
            metadata: Map::new(),
            created_at: at,
            updated_at: at,
        });
    }

    fn dispute(&mut self, payment: usize, paid: i64) {
        let status = DISPUTES[self.disputes % DISPUTES.len()];
        let at = self.between(paid + 3_000);
        let amount = self.world.books.payments[payment].total;
        self.disputes += 1;
        self.world.books.payments.change(payment, |payment| {
            payment.substatus = dispute_substatus(status);
            payment.alerted_at = Some(at);
            payment.updated_at = at;
        });
        self.world.books.alerts.add(Alert {
            account: self.account,
            payment,
            amount,
            kind: "dispute_alert",
            created_at: at,
        });
        self.world.books.disputes.add(Dispute {
            account: self.account,
            payment,
            amount,
            status,
            reason: "fraudulent",
            due_at: Some(at + 10 * DAY),
            submitted_at: (!status.ends_with("needs_response")).then_some(at + 1_000),
            created_at: at,
            updated_at: at,
        });
    }
}
