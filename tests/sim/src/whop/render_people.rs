//! Members and memberships in wire shape, as version 2026-10-15-1 writes them, and memberships as they were.

use serde_json::{Value, json};

use super::ids;
use super::money::{money, text};
use super::records::{Books, MEMBER, MEMBERSHIP, Membership, PRODUCT, USER, VARIANT, Variant};
use super::render::{Lens, formatted_price, optional, time};
use crate::clock::iso;

const DAY: i64 = 86_400_000;

impl Books {
    pub(super) fn display_name(&self, row: usize) -> String {
        let member = &self.members[row];
        let user = member.user.map(|user| &self.users[user]);
        user.map(|user| user.name.clone().unwrap_or_else(|| user.username.clone()))
            .or_else(|| member.business.clone())
            .unwrap_or_default()
    }

    pub(super) fn show_member(&self, row: usize, lens: Lens) -> Value {
        let member = &self.members[row];
        let user = member.user.map(|user| &self.users[user]);
        json!({
            "id": ids::name(MEMBER, row),
            "access_level": if member.left { "no_access" } else { "customer" },
            "account_id": self.account_id(member.account),
            "created_at": iso(member.created_at),
            "display_name": self.display_name(row),
            "email": user.and_then(|user| user.email.as_ref()).filter(|_| lens.email),
            "joined_at": iso(member.joined_at),
            "last_accessed_at": time(member.last_accessed_at),
            "most_recent_action": member.action,
            "most_recent_action_at": time(member.action_at),
            "phone_number": user.and_then(|user| user.phone.as_ref()).filter(|_| lens.phone),
            "status": if member.left { "left" } else { "joined" },
            "token_balance": 0,
            "usd_total_spent": money(member.spent, "usd"),
            "user": member.user.map(|user| self.show_user_summary(user)),
        })
    }

    pub(super) fn show_membership(&self, row: usize, lens: Lens) -> Value {
        let membership = &self.memberships[row];
        let variant = &self.variants[membership.variant];
        let account = &self.accounts[membership.account];
        let renews = variant.period_days.is_some();
        let phone = membership.user.and_then(|user| self.users[user].phone.as_ref());
        let id = ids::name(MEMBERSHIP, row);
        let (action, action_at) = last_action(membership, renews);
        let expires = membership.period_end.filter(|_| !renews);
        json!({
            "account": {
                "id": self.account_id(membership.account), "logo_url": null, "route": account.route,
                "title": account.title,
            },
            "affiliate": null,
            "billing_period_days": membership.period_days.or(variant.period_days),
            "cancel_at_period_end": membership.ends, "cancel_option": membership.cancel_option,
            "canceled_at": time(membership.canceled_at), "cancellation_reason": membership.reason,
            "collection_method": "charge_automatically", "created_at": iso(membership.created_at),
            "current_period_end": time(membership.period_end),
            "current_period_start": time(membership.period_start), "expires_at": time(expires),
            "feedback_option": null, "initial_price": money(variant.initial, variant.currency),
            "license_key": null,
            "manage_url": lens.manage.then(|| format!("https://whop.com/billing/manage/{id}")),
            "id": id, "member": null, "member_id": optional(MEMBER, membership.member),
            "metadata": membership.metadata, "most_recent_action": action,
            "most_recent_action_at": time(action_at), "phone_number": phone.filter(|_| lens.phone),
            "plan_id": ids::name(VARIANT, membership.variant),
            "product": {
                "id": ids::name(PRODUCT, membership.product), "logo_url": null,
                "title": self.products[membership.product].title,
            },
            "product_id": ids::name(PRODUCT, membership.product), "promo_code_id": null,
            "renewal_price": renews.then(|| money(variant.renewal, variant.currency)),
            "split_pay_current_payments": null, "split_pay_required_payments": null,
            "status": membership.status, "updated_at": iso(membership.updated_at),
            "user_id": optional(USER, membership.user),
        })
    }

    /// The shape that unpinned endpoints and pins before 2026-07-23 receive.
    pub(super) fn show_membership_of_2025(&self, row: usize) -> Value {
        let membership = &self.memberships[row];
        let variant = &self.variants[membership.variant];
        let id = ids::name(MEMBERSHIP, row);
        let user = membership.user.map(|row| {
            let user = &self.users[row];
            json!({
                "email": user.email, "id": ids::name(USER, row), "name": user.name,
                "profile_pic": null, "username": user.username,
            })
        });
        json!({
            "cancel_at_period_end": membership.ends, "cancel_option": membership.cancel_option,
            "cancelation_status": if membership.grants_access() { Value::Null } else { "left".into() },
            "canceled_at": time(membership.canceled_at), "cancellation_reason": membership.reason,
            "checkout_configuration_id": null, "company": self.show_account_summary(membership.account),
            "created_at": iso(membership.created_at), "currency": variant.currency,
            "custom_field_responses": [], "feedback_option": null,
            "formatted_renewal_price": formatted_price(variant),
            "initial_price_paid": text(variant.due(), variant.currency),
            "joined_at": iso(membership.created_at), "license_key": null,
            "manage_url": format!("https://whop.com/billing/manage/{id}"), "id": id,
            "member": membership.member.map(|member| json!({"id": ids::name(MEMBER, member)})),
            "metadata": membership.metadata, "payment_collection_paused": membership.paused_at.is_some(),
            "plan": {"id": ids::name(VARIANT, membership.variant), "metadata": {}},
            "product": {
                "id": ids::name(PRODUCT, membership.product), "metadata": {},
                "title": self.products[membership.product].title,
            },
            "promo_code": null, "renewal_period_end": time(membership.period_end),
            "renewal_period_start": time(membership.period_start), "status": membership.status,
            "updated_at": iso(membership.updated_at), "user": user,
        })
    }
}

/// The lifecycle tag of a membership and its time, which may lie in the future.
fn last_action(membership: &Membership, renews: bool) -> (Option<&'static str>, Option<i64>) {
    let end = membership.period_end;
    let tag = |tag: &'static str, at: Option<i64>| (at.map(|_| tag), at);
    match membership.status {
        _ if membership.paused_at.is_some() => tag("paused_at", membership.paused_at),
        "trialing" if membership.ends => tag("trial_canceling_on", end),
        "trialing" => tag("trial_ends_at", end),
        "active" | "canceling" if membership.ends => tag("canceling_on", end),
        "active" if renews => tag("renewing_on", end),
        "active" | "expired" => tag("ending_on", end),
        "canceled" => tag("canceled_on", membership.canceled_at),
        "unresolved" => tag("unresolved_at", Some(membership.updated_at)),
        _ => (None, None),
    }
}

/// The length of one period, when the membership renews.
pub(super) fn period_ms(membership: &Membership, variant: &Variant) -> Option<i64> {
    membership.period_days.or(variant.period_days).map(|days| days * DAY)
}
