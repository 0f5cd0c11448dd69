//! Payments, refunds, disputes and alerts in wire shape, as version 2026-10-15-1 writes them.

use serde_json::{Value, json};

use super::ids;
use super::money::{in_cents, money, number};
use super::records::{
    ALERT, Books, DISPUTE, MEMBER, MEMBERSHIP, PAYMENT, PRODUCT, Payment, REFUND, USER, VARIANT,
};
use super::render::{Lens, merge, optional, time};
use crate::clock::iso;

const DAY: i64 = 86_400_000;

impl Books {
    fn product_of(&self, payment: &Payment) -> usize {
        self.variants[payment.variant].product
    }

    fn show_line_items(&self, row: usize) -> Value {
        let payment = &self.payments[row];
        let product = self.product_of(payment);
        let title = &self.products[product].title;
        json!([{
            "id": ids::name("li_", row),
            "label": title,
            "plan_id": ids::name(VARIANT, payment.variant),
            "plan_title": self.variants[payment.variant].title,
            "product_id": ids::name(PRODUCT, product),
            "product_title": title,
            "quantity": 1,
            "sku": null,
            "subtotal": money(payment.total, payment.currency),
        }])
    }

    pub(super) fn show_payment(&self, row: usize, lens: Lens) -> Value {
        let payment = &self.payments[row];
        let user = payment.user.map(|user| &self.users[user]);
        let email = user.and_then(|user| user.email.as_ref()).filter(|_| lens.email);
        let phone = user.and_then(|user| user.phone.as_ref()).filter(|_| lens.phone);
        let id = ids::name(PAYMENT, row);
        let paid = payment.status == "paid";
        let open = payment.status == "open";
        let challenged = payment.decline_code == Some("authentication_required");
        let recovery = (challenged && !lens.list).then(|| format!("https://whop.com/recover/{id}"));
        let settled = payment.paid_at.filter(|_| !lens.list).map(|at| at + 7 * DAY);
        let fee = payment.total * 29 / 1_000;
        let amount = |minor: i64| money(minor, payment.currency);
        let mut shown = json!({
            "id": id, "account_id": self.account_id(payment.account),
            "amount_after_fees": amount(payment.total - fee), "auto_refunded": false,
            "billing_address": null, "billing_reason": payment.billing_reason,
            "checkout_configuration_id": null, "client_secret": null, "created_at": iso(payment.created_at),
            "currency": payment.currency, "customer_email": email, "customer_phone": phone,
            "decline_code": payment.decline_code, "dispute_alerted_at": time(payment.alerted_at),
            "failure_message": payment.decline_code.map(failure_message),
            "financing_installments_count": null, "holds": [], "ip_address": null,
            "last_payment_attempt_at": time(payment.attempted_at), "line_items": self.show_line_items(row),
            "member_id": optional(MEMBER, payment.member.filter(|_| lens.members)),
            "membership_id": optional(MEMBERSHIP, Some(payment.membership).filter(|_| lens.members)),
            "metadata": {}, "needs_tracking": null, "next_payment_attempt_at": time(payment.retry_at),
            "paid_at": time(payment.paid_at), "payment_instrument": instrument(payment),
        });
        let more = json!({
            "payment_method_id": ids::name("payt_", payment.membership),
            "payment_method_type": payment.method, "payment_rule_matches": [],
            "payments_failed": payment.failures, "plan_id": ids::name(VARIANT, payment.variant),
            "presentment_total": amount(payment.total),
            "product_id": ids::name(PRODUCT, self.product_of(payment)), "promo_code_id": null,
            "quote_id": null, "recovery_url": recovery,
            "refundable": paid && payment.refunded < payment.total,
            "refunded_amount": amount(payment.refunded), "refunded_at": time(payment.refunded_at),
            "retryable": open && payment.failures > 0, "risk_score": null, "risk_signals": null,
            "settlement_time_at": time(settled), "shipment_id": null, "shipping_address": null,
            "status": payment.status, "substatus": payment.substatus, "subtotal": amount(payment.total),
            "tax_amount": null, "tax_behavior": "unspecified", "tax_refunded_amount": amount(0),
            "three_ds_verified": false, "total": amount(payment.total),
            "updated_at": iso(payment.updated_at),
            "usd_total": money(in_cents(payment.total, payment.currency), "usd"),
            "user": payment.user.map(|user| self.show_user_summary(user)), "verification_checks": null,
            "voidable": open && payment.failures > 0,
        });
        merge(&mut shown, more);
        shown
    }

    pub(super) fn show_refund(&self, row: usize) -> Value {
        let refund = &self.refunds[row];
        let payment = &self.payments[refund.payment];
        let done = refund.status == "succeeded";
        json!({
            "account_id": self.account_id(refund.account),
            "amount": money(refund.amount, payment.currency),
            "created_at": iso(refund.created_at),
            "failure_message": null,
            "failure_reason": null,
            "id": ids::name(REFUND, row),
            "metadata": refund.metadata,
            "original_amount": money(payment.total, payment.currency),
            "payment_id": ids::name(PAYMENT, refund.payment),
            "provider": "stripe",
            "provider_created_at": iso(refund.created_at + 1_000),
            "reason": "requested_by_customer",
            "reference_status": if done { "available" } else { "pending" },
            "reference_type": "acquirer_reference_number",
            "reference_value": done.then(|| ids::name("", row)),
            "status": refund.status,
            "updated_at": iso(refund.updated_at),
            "visa_rdr": false,
        })
    }

    /// The older object that refund webhooks still carry.
    pub(super) fn show_refund_in_webhook(&self, row: usize, lens: Lens) -> Value {
        let refund = &self.refunds[row];
        let currency = self.payments[refund.payment].currency;
        let done = refund.status == "succeeded";
        json!({
            "id": ids::name(REFUND, row),
            "amount": number(refund.amount, currency),
            "created_at": iso(refund.created_at),
            "currency": currency,
            "metadata": refund.metadata,
            "payment": self.show_refunded_payment(refund.payment, lens),
            "provider": "stripe",
            "provider_created_at": iso(refund.created_at + 1_000),
            "reference_status": if done { "available" } else { "pending" },
            "reference_type": "acquirer_reference_number",
            "reference_value": done.then(|| ids::name("", row)),
            "status": refund.status,
        })
    }

    fn show_refunded_payment(&self, row: usize, lens: Lens) -> Value {
        let payment = &self.payments[row];
        let user = payment.user.map(|row| {
            let user = &self.users[row];
            json!({
                "email": user.email.as_ref().filter(|_| lens.email),
                "id": ids::name(USER, row),
                "name": user.name,
                "username": user.username,
            })
        });
        let phone = payment.user.and_then(|user| self.users[user].phone.clone());
        let amount = |minor: i64| number(minor, payment.currency);
        json!({
            "id": ids::name(PAYMENT, row),
            "billing_reason": payment.billing_reason,
            "card_brand": (payment.method == "card").then_some("visa"),
            "card_last4": (payment.method == "card").then_some("4242"),
            "created_at": iso(payment.created_at),
            "currency": payment.currency,
            "dispute_alerted_at": time(payment.alerted_at),
            "member": payment.member.map(|member| {
                json!({"id": ids::name(MEMBER, member), "phone": phone.filter(|_| lens.phone)})
            }),
            "membership": {
                "id": ids::name(MEMBERSHIP, payment.membership),
                "status": self.memberships[payment.membership].status,
            },
            "metadata": {},
            "paid_at": time(payment.paid_at),
            "payment_method_type": payment.method,
            "plan": {"id": ids::name(VARIANT, payment.variant), "metadata": {}},
            "product": {"id": ids::name(PRODUCT, self.product_of(payment)), "metadata": {}},
            "subtotal": amount(payment.total),
            "tax_amount": 0,
            "tax_behavior": "unspecified",
            "tax_refunded_amount": 0,
            "total": amount(payment.total),
            "usd_total": number(in_cents(payment.total, payment.currency), "usd"),
            "user": user,
        })
    }

    pub(super) fn show_dispute(&self, row: usize, lens: Lens) -> Value {
        let dispute = &self.disputes[row];
        let payment = &self.payments[dispute.payment];
        let user = payment.user.map(|user| &self.users[user]);
        let email = user.and_then(|user| user.email.as_ref()).filter(|_| lens.email);
        let name = user.and_then(|user| user.name.as_ref());
        let inquiry = dispute.status.starts_with("warning");
        let answerable = dispute.status.ends_with("needs_response");
        json!({
            "id": ids::name(DISPUTE, row), "acceptable": answerable,
            "account_id": self.account_id(dispute.account),
            "amount": number(dispute.amount, payment.currency),
            "buyer": {
                "email": email, "member_id": optional(MEMBER, payment.member), "name": name,
                "user_id": optional(USER, payment.user), "username": user.map(|user| &user.username),
            },
            "created_at": iso(dispute.created_at), "currency": payment.currency,
            "evidence": {
                "access_activity_log": null, "billing_address": null,
                "cancellation_policy_attachment": null, "cancellation_policy_disclosure": null,
                "customer_communication_attachment": null, "customer_email_address": email,
                "customer_name": name, "documents": [], "notes": null, "product_description": null,
                "refund_policy_attachment": null, "refund_policy_disclosure": null,
                "refund_refusal_explanation": null, "service_date": null, "uncategorized_attachment": null,
            },
            "evidence_due_at": time(dispute.due_at), "evidence_editable": answerable,
            "evidence_locked_reason": if answerable { Value::Null } else { "submitted".into() },
            "evidence_submitted_at": time(dispute.submitted_at),
            "fee": if inquiry { Value::Null } else { money(1_500, "usd") }, "inquiry": inquiry,
            "issuer_comments": [], "line_items": self.show_line_items(dispute.payment),
            "payment": {
                "id": ids::name(PAYMENT, dispute.payment), "amount": number(payment.total, payment.currency),
                "card_brand": "visa", "card_last4": "4242", "created_at": iso(payment.created_at),
                "currency": payment.currency, "payment_instrument": instrument(payment),
                "payment_method_type": payment.method, "payment_processor": null,
            },
            "plan_id": ids::name(VARIANT, payment.variant),
            "product_id": ids::name(PRODUCT, self.product_of(payment)), "reason": dispute.reason,
            "reason_code": "10.4", "status": dispute.status, "updated_at": iso(dispute.updated_at),
        })
    }

    pub(super) fn show_alert(&self, row: usize) -> Value {
        let alert = &self.alerts[row];
        let payment = &self.payments[alert.payment];
        json!({
            "id": ids::name(ALERT, row),
            "account_id": self.account_id(alert.account),
            "amount": number(alert.amount, payment.currency),
            "auto_refunded": false,
            "card_brand": "visa",
            "created_at": iso(alert.created_at),
            "currency": payment.currency,
            "fee": null,
            "fee_charged": false,
            "issuer": null,
            "payment_id": ids::name(PAYMENT, alert.payment),
            "product_id": ids::name(PRODUCT, self.product_of(payment)),
            "reported_at": iso(alert.created_at - 125_000),
            "transaction_at": time(payment.paid_at),
            "type": alert.kind,
            "updated_at": iso(alert.created_at),
        })
    }
}

fn failure_message(code: &str) -> &'static str {
    match code {
        "insufficient_funds" => "The card has insufficient funds.",
        "authentication_required" => "The bank asked the customer to authenticate.",
        "expired_card" => "The card has expired.",
        _ => "The card was declined.",
    }
}

fn instrument(payment: &Payment) -> Value {
    if !payment.instrument {
        return Value::Null;
    }
    let icons = |shape: &str| {
        let files = |shade: &str| {
            let base = format!("https://assets.example.com/pm/visa-{shape}-{shade}");
            json!({
                "png_1x": format!("{base}@1x.png"),
                "png_2x": format!("{base}@2x.png"),
                "png_4x": format!("{base}@4x.png"),
                "svg": format!("{base}.svg"),
            })
        };
        json!({"light": files("light"), "dark": files("dark")})
    };
    json!({
        "card": {
            "brand": "visa", "exp_month": 8, "exp_year": 2029, "issuer_identification_number": "424242",
            "last4": "4242",
        },
        "display_name": "Visa •••• 4242",
        "icons": {"card": icons("card"), "square": icons("square")},
        "installment_count": null,
        "payment_method_type": payment.method,
    })
}
