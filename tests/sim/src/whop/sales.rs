//! Money and goods: payments, refunds, disputes, products and variants, with the events that Whop sends.

use serde_json::Map;

use super::events::Subject;
use super::money::{Currency, in_cents, number};
use super::records::{Alert, Dispute, Payment, Product, Refund, Variant};
use super::render::was;
use super::render_people::period_ms;
use super::world::World;

const DAY: i64 = 86_400_000;

/// The prices and rhythm of a new variant; amounts in minor units.
#[derive(Clone, Debug)]
pub struct NewVariant {
    /// At most 30 characters.
    pub title: String,
    /// Charged once at checkout, in addition to the first renewal.
    pub initial: i64,
    /// Charged every period; 0 for a one-time purchase.
    pub renewal: i64,
    /// Lowercase ISO 4217, such as `usd`, `jpy` (no decimals) or `kwd` (three).
    pub currency: Currency,
    /// Days between charges; `None` sells once.
    pub period_days: Option<i64>,
    /// Days before the first charge.
    pub trial_days: Option<i64>,
}

impl World {
    fn open_payment(&mut self, now: i64, membership: usize, total: i64, reason: &'static str) -> usize {
        let owner = &self.books.memberships[membership];
        let payment = Payment {
            account: owner.account,
            membership,
            member: owner.member,
            user: owner.user,
            variant: owner.variant,
            total,
            refunded: 0,
            currency: self.books.variants[owner.variant].currency,
            billing_reason: reason,
            status: "open",
            substatus: "pending",
            decline_code: None,
            failures: 0,
            method: "card",
            instrument: true,
            created_at: now,
            updated_at: now,
            paid_at: None,
            attempted_at: None,
            retry_at: None,
            refunded_at: None,
            alerted_at: None,
        };
        let payment = self.books.payments.add(payment);
        self.told(now, "payment.created", Subject::Payment(payment));
        payment
    }

    /// An open payment is collected.
    pub(super) fn collect(&mut self, now: i64, row: usize) {
        self.books.change_payment(row, now, |payment| {
            (payment.status, payment.substatus) = ("paid", "succeeded");
            payment.decline_code = None;
            payment.retry_at = None;
            (payment.paid_at, payment.attempted_at) = (Some(now), Some(now));
        });
        self.told(now, "payment.succeeded", Subject::Payment(row));
        let payment = &self.books.payments[row];
        let cents = in_cents(payment.total, payment.currency);
        if let Some(member) = payment.member {
            self.books.members.change(member, |member| member.spent += cents);
        }
    }

    /// A payment that succeeds at once.
    pub(super) fn charge(&mut self, now: i64, membership: usize, total: i64, reason: &'static str) -> usize {
        let payment = self.open_payment(now, membership, total, reason);
        self.collect(now, payment);
        payment
    }

    fn renewal_price(&self, membership: usize) -> i64 {
        let variant = &self.books.variants[self.books.memberships[membership].variant];
        match variant.period_days {
            Some(_) => variant.renewal,
            None => variant.initial,
        }
    }

    pub(super) fn charge_renewal(&mut self, now: i64, membership: usize) -> usize {
        let price = self.renewal_price(membership);
        self.charge(now, membership, price, "subscription_cycle")
    }

    /// A renewal that succeeds: the period moves on. A membership that was valid tells nothing by itself.
    pub(super) fn pay(&mut self, now: i64, membership: usize) -> usize {
        let payment = self.charge_renewal(now, membership);
        let row = &self.books.memberships[membership];
        if row.status != "active" {
            self.activate(now, membership);
            return payment;
        }
        let length = period_ms(row, &self.books.variants[row.variant]);
        self.books.change_membership(membership, now, |row| {
            let start = row.period_end.unwrap_or(now);
            row.period_start = Some(start);
            row.period_end = length.map(|length| start + length);
        });
        self.touch_member_of(now, membership);
        payment
    }

    /// A renewal that is declined: the membership that was valid is past due.
    pub(super) fn fail_payment(&mut self, now: i64, membership: usize, code: &'static str) -> usize {
        let price = self.renewal_price(membership);
        let payment = self.open_payment(now, membership, price, "subscription_cycle");
        self.books.change_payment(payment, now, |payment| {
            payment.substatus = "past_due";
            payment.decline_code = Some(code);
            payment.failures += 1;
            payment.attempted_at = Some(now);
            payment.retry_at = Some(now + 2 * DAY);
        });
        let event = match code {
            "authentication_required" => "payment.requires_action",
            _ => "payment.failed",
        };
        self.told(now, event, Subject::Payment(payment));
        if matches!(self.books.memberships[membership].status, "active" | "trialing") {
            self.past_due(now, membership);
        }
        payment
    }

    /// Money goes back: `part` in minor units, or all that is left. A full refund ends the membership.
    pub(super) fn refund(
        &mut self,
        now: i64,
        row: usize,
        part: Option<i64>,
        metadata: Map<String, serde_json::Value>,
    ) -> usize {
        let payment = &self.books.payments[row];
        let left = payment.total - payment.refunded;
        let amount = part.unwrap_or(left).min(left);
        let refund = Refund {
            account: payment.account,
            payment: row,
            user: payment.user,
            amount,
            status: "pending",
            metadata,
            created_at: now,
            updated_at: now,
        };
        let membership = payment.membership;
        let refund = self.books.refunds.add(refund);
        self.told(now, "refund.created", Subject::Refund(refund));
        self.books.change_payment(row, now, |payment| {
            payment.refunded += amount;
            payment.refunded_at = Some(now);
            payment.substatus =
                if payment.refunded < payment.total { "partially_refunded" } else { "refunded" };
        });
        self.books.refunds.change(refund, |refund| {
            refund.status = "succeeded";
            refund.updated_at = now + 1;
        });
        self.told(now, "refund.updated", Subject::Refund(refund));
        let full = self.books.payments[row].substatus == "refunded";
        if full && self.books.memberships[membership].grants_access() {
            self.cancel(now, membership, None);
        }
        refund
    }

    pub(super) fn dispute_alert(&mut self, now: i64, row: usize) -> usize {
        let payment = &self.books.payments[row];
        let alert = Alert {
            account: payment.account,
            payment: row,
            amount: payment.total,
            kind: "early_fraud_warning",
            created_at: now,
        };
        let alert = self.books.alerts.add(alert);
        self.books.change_payment(row, now, |payment| payment.alerted_at = Some(now));
        self.told(now, "dispute_alert.created", Subject::Alert(alert));
        alert
    }

    pub(super) fn dispute_open(&mut self, now: i64, row: usize) -> usize {
        let payment = &self.books.payments[row];
        let dispute = Dispute {
            account: payment.account,
            payment: row,
            amount: payment.total,
            status: "needs_response",
            reason: "fraudulent",
            due_at: Some(now + 10 * DAY),
            submitted_at: None,
            created_at: now,
            updated_at: now,
        };
        let dispute = self.books.disputes.add(dispute);
        self.books.change_payment(row, now, |payment| payment.substatus = "dispute_needs_response");
        self.told(now, "dispute.created", Subject::Dispute(dispute));
        dispute
    }

    /// Moves a dispute to `under_review`, `won` or `lost`, and its payment with it.
    pub(super) fn dispute_move(&mut self, now: i64, row: usize, status: &'static str) {
        self.books.disputes.change(row, |dispute| {
            dispute.status = status;
            dispute.submitted_at = Some(dispute.submitted_at.unwrap_or(now));
            dispute.updated_at = now.max(dispute.updated_at + 1);
        });
        let payment = self.books.disputes[row].payment;
        self.books.change_payment(payment, now, |payment| {
            payment.substatus = dispute_substatus(status);
        });
        self.told(now, "dispute.updated", Subject::Dispute(row));
    }

    pub(super) fn product_create(&mut self, now: i64, account: usize, title: &str) -> usize {
        let product = self.books.products.add(Product {
            account,
            title: title.to_owned(),
            headline: Some(format!("{title}, from one who knows")),
            visibility: "visible",
            created_at: now,
            updated_at: now,
            deleted: false,
        });
        self.told(now, "product.created", Subject::Product(product));
        product
    }

    pub(super) fn product_update(&mut self, now: i64, row: usize, title: &str) {
        let before = self.books.products.change(row, |product| {
            product.updated_at = now.max(product.updated_at + 1);
            std::mem::replace(&mut product.title, title.to_owned())
        });
        self.emit(now, "product.updated", Subject::Product(row), &was("title", before));
    }

    /// The product goes, and its variants with it; memberships keep referring to both.
    pub(super) fn product_delete(&mut self, now: i64, row: usize) {
        for variant in self.books.variants.group("product", row).to_vec() {
            self.variant_delete(now, variant);
        }
        self.books.products.change(row, |product| {
            product.updated_at = now.max(product.updated_at + 1);
            product.visibility = "archived";
            product.deleted = true;
        });
        self.told(now, "product.deleted", Subject::Product(row));
    }

    pub(super) fn variant_create(&mut self, now: i64, product: usize, new: NewVariant) -> usize {
        let variant = self.books.variants.add(Variant {
            account: self.books.products[product].account,
            product,
            title: new.title,
            initial: new.initial,
            renewal: new.renewal,
            currency: new.currency,
            period_days: new.period_days,
            trial_days: new.trial_days,
            expiration_days: None,
            visibility: "visible",
            created_at: now,
            updated_at: now,
            deleted: false,
        });
        self.told(now, "plan.created", Subject::Variant(variant));
        variant
    }

    /// A new price, in minor units: the renewal's, or the only one of a one-time purchase.
    pub(super) fn variant_update(&mut self, now: i64, row: usize, price: i64) {
        let currency = self.books.variants[row].currency;
        let (field, before) = self.books.variants.change(row, |variant| {
            variant.updated_at = now.max(variant.updated_at + 1);
            match variant.period_days {
                Some(_) => ("renewal_price", std::mem::replace(&mut variant.renewal, price)),
                None => ("initial_price", std::mem::replace(&mut variant.initial, price)),
            }
        });
        let previous = was(field, number(before, currency));
        self.emit(now, "plan.updated", Subject::Variant(row), &previous);
    }

    pub(super) fn variant_delete(&mut self, now: i64, row: usize) {
        if self.books.variants[row].deleted {
            return;
        }
        self.books.variants.change(row, |variant| {
            variant.updated_at = now.max(variant.updated_at + 1);
            variant.visibility = "archived";
            variant.deleted = true;
        });
        self.told(now, "plan.deleted", Subject::Variant(row));
    }
}

/// What a payment says while its dispute is in this state.
pub(super) fn dispute_substatus(status: &str) -> &'static str {
    match status {
        "needs_response" => "dispute_needs_response",
        "warning_needs_response" => "dispute_warning_needs_response",
        "under_review" => "dispute_under_review",
        "warning_under_review" => "dispute_warning_under_review",
        "won" => "dispute_won",
        "lost" => "dispute_lost",
        "warning_closed" => "dispute_warning_closed",
        _ => "dispute_closed",
    }
}
