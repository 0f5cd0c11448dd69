//! Sellers, products, variants, members and memberships in wire shape, as version 2026-10-15-1 writes them.

use serde_json::{Map, Value, json};

use super::ids;
use super::money::{decimals, money, number, text};
use super::records::{
    ACCOUNT, Books, MEMBER, MEMBERSHIP, Membership, PRODUCT, Product, USER, VARIANT, Variant,
};
use crate::clock::iso;

const DAY: i64 = 86_400_000;

/// What a reader may see. Missing rights turn fields into null, they never refuse.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lens {
    pub(super) email: bool,
    pub(super) phone: bool,
    pub(super) members: bool,
    pub(super) plans: bool,
    pub(super) manage: bool,
    /// A retrieve or a webhook shows a few fields that lists leave out.
    pub(super) list: bool,
}

impl Lens {
    /// Everything.
    pub(super) const FULL: Self = Self {
        email: true,
        phone: true,
        members: true,
        plans: true,
        manage: true,
        list: false,
    };
}

fn time(at: Option<i64>) -> Value {
    at.map_or(Value::Null, |at| iso(at).into())
}

/// The part of a web address that stands for a title.
pub(super) fn slug(title: &str) -> String {
    let mut slug = String::new();
    for word in title
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word.to_lowercase());
    }
    slug
}

pub(super) fn optional(prefix: &str, row: Option<usize>) -> Value {
    row.map_or(Value::Null, |row| ids::name(prefix, row).into())
}

impl Books {
    pub(super) fn account_id(&self, row: usize) -> String {
        ids::name(ACCOUNT, row)
    }

    pub(super) fn show_user_summary(&self, row: usize) -> Value {
        let user = &self.users[row];
        json!({
            "id": ids::name(USER, row),
            "name": user.name,
            "profile_picture": {"url": format!("https://assets.example.com/u/{}.png", user.username)},
            "username": user.username,
        })
    }

    /// The public profile; `own` adds what only the user sees.
    pub(super) fn show_user(&self, row: usize, own: bool) -> Value {
        let user = &self.users[row];
        let mut shown = self.show_user_summary(row);
        let more = json!({
            "balances": [],
            "banner": null,
            "bio": null,
            "created_at": iso(user.created_at),
            "email": if own { json!(user.email) } else { Value::Null },
            "social_links": [],
            "verification": {},
        });
        merge(&mut shown, more);
        shown
    }

    pub(super) fn show_account(&self, row: usize) -> Value {
        let account = &self.accounts[row];
        json!({
            "id": self.account_id(row), "title": account.title, "route": account.route,
            "created_at": iso(account.created_at), "owner": self.show_user_summary(account.owner),
            "status": "active", "country": "US", "description": null, "email": null, "logo_url": null,
            "business_name": account.title, "business_type": null, "industry_type": null, "website": null,
            "balances": [], "platform_credits": [], "home_preferences": [], "social_links": [],
            "tax_collection_enabled_states": [], "tax_identifiers": [], "metadata": {}, "verification": {},
            "company_formation": {"status": null}, "store_page_config": {"whop_affiliate_link": false},
            "can_transfer_pending_balance_to_children": false, "collect_vat_id": false,
            "dispute_fighter_enabled": false, "economic_intelligence": false, "orchestration_enabled": false,
            "require_2fa": false, "send_customer_emails": true, "show_joined_whops": false,
            "show_reviews_dtc": true, "show_user_directory": true,
            "use_logo_as_opengraph_image_fallback": true,
            "parent_account": null, "volume_usd": null, "volume_l30d_usd": null,
        })
    }

    fn show_account_summary(&self, row: usize) -> Value {
        json!({"id": self.account_id(row), "title": self.accounts[row].title})
    }

    /// The variant that the product's page offers first.
    fn default_variant(&self, product: usize) -> Option<usize> {
        self.variants
            .group("product", product)
            .iter()
            .copied()
            .find(|row| !self.variants[*row].deleted)
    }

    fn show_default_plan(&self, product: usize) -> Value {
        let Some(row) = self.default_variant(product) else {
            return Value::Null;
        };
        let variant = &self.variants[row];
        json!({
            "id": ids::name(VARIANT, row),
            "billing_period": variant.period_days,
            "expiration_days": variant.expiration_days,
            "initial_price": money(variant.initial, variant.currency),
            "plan_type": plan_type(variant),
            "renewal_price": money(variant.renewal, variant.currency),
            "title": variant.title,
            "unlimited_stock": true,
            "visibility": variant.visibility,
        })
    }

    pub(super) fn show_product(&self, row: usize, lens: &Lens) -> Value {
        let product: &Product = &self.products[row];
        let account = &self.accounts[product.account];
        let mut shown = json!({
            "id": ids::name(PRODUCT, row),
            "account": {"id": self.account_id(product.account), "title": account.title, "route": account.route},
            "average_review_rating": 0, "created_at": iso(product.created_at),
            "default_plan": self.show_default_plan(row),
            "description": product.headline, "external_identifier": null, "gallery_images": [],
            "headline": product.headline, "labels": [], "member_count": self.members_of(row),
            "metadata": {}, "published_reviews_count": 0, "route": slug(&product.title),
            "title": product.title, "updated_at": iso(product.updated_at), "variant_attributes": null,
            "verified": false, "visibility": product.visibility,
        });
        if !lens.list {
            let more = json!({
                "custom_cta": "join", "custom_cta_url": null, "custom_statement_descriptor": null,
                "global_affiliate_percentage": null, "global_affiliate_status": "disabled",
                "marketplace_status": "not_available", "member_affiliate_percentage": null,
                "member_affiliate_status": "disabled",
                "owner_user": {
                    "id": ids::name(USER, account.owner),
                    "username": self.users[account.owner].username,
                },
                "product_tax_code": null, "variants": null,
            });
            merge(&mut shown, more);
        }
        shown
    }

    pub(super) fn show_variant(&self, row: usize, lens: &Lens) -> Value {
        let variant: &Variant = &self.variants[row];
        let id = ids::name(VARIANT, row);
        let inner = |value: Value| if lens.plans { value } else { Value::Null };
        let mut shown = json!({
            "account": self.show_account_summary(variant.account), "adaptive_pricing_enabled": true,
            "attributes": null, "billing_period": variant.period_days, "cancel_discount_intervals": null,
            "cancel_discount_percentage": null, "checkout_styling": null,
            "created_at": iso(variant.created_at), "currency": variant.currency, "custom_fields": [],
            "description": null, "expiration_days": variant.expiration_days,
            "formatted_price": formatted_price(variant), "image": null,
            "initial_price": number(variant.initial, variant.currency),
            "initial_price_due": money(variant.due(), variant.currency),
            "internal_notes": inner(json!(format!("Row {row} of the price list"))), "invoice": null,
            "member_count": inner(json!(self.active.get(&row).copied().unwrap_or(0))), "metadata": {},
            "offer_cancel_discount": false, "payment_method_configuration": null,
            "plan_type": plan_type(variant),
            "product": {
                "id": ids::name(PRODUCT, variant.product),
                "title": self.products[variant.product].title,
            },
            "purchase_url": format!("https://whop.com/checkout/{id}"), "id": id,
            "release_method": "buy_now", "renewal_price": number(variant.renewal, variant.currency),
            "sku": null, "split_pay_required_payments": null, "stock": null,
            "strike_through_initial_price": null, "strike_through_renewal_price": null,
            "three_ds_level": null, "title": variant.title, "trial_period_days": variant.trial_days,
            "unlimited_stock": true, "updated_at": iso(variant.updated_at), "visibility": variant.visibility,
        });
        if !lens.list {
            let more = json!({
                "collect_tax": false, "deletable": false, "tax_type": "unspecified",
                "effective_payment_method_configuration": null,
            });
            merge(&mut shown, more);
        }
        shown
    }

    pub(super) fn display_name(&self, row: usize) -> String {
        let member = &self.members[row];
        let user = member.user.map(|user| &self.users[user]);
        user.map(|user| user.name.clone().unwrap_or_else(|| user.username.clone()))
            .or_else(|| member.business.clone())
            .unwrap_or_default()
    }

    pub(super) fn show_member(&self, row: usize, lens: &Lens) -> Value {
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

    pub(super) fn show_membership(&self, row: usize, lens: &Lens) -> Value {
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

fn plan_type(variant: &Variant) -> &'static str {
    match variant.period_days {
        Some(_) => "renewal",
        None => "one_time",
    }
}

fn formatted_price(variant: &Variant) -> String {
    let code = variant.currency.to_uppercase();
    let unit = 10_i64.pow(decimals(variant.currency));
    let price = |minor: i64| {
        if minor % unit == 0 {
            (minor / unit).to_string()
        } else {
            text(minor, variant.currency)
        }
    };
    match variant.period_days {
        None if variant.initial == 0 => "Free".to_owned(),
        None => format!("{code} {}", price(variant.initial)),
        Some(30) => format!("{code} {} / month", price(variant.renewal)),
        Some(365) => format!("{code} {} / year", price(variant.renewal)),
        Some(days) => format!("{code} {} / {days} days", price(variant.renewal)),
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
    membership
        .period_days
        .or(variant.period_days)
        .map(|days| days * DAY)
}

pub(super) fn merge(into: &mut Value, more: Value) {
    let (Value::Object(into), Value::Object(more)) = (into, more) else {
        panic!("only objects are merged");
    };
    into.extend(more);
}

/// An object with one field, for `previous_attributes`.
pub(super) fn was(field: &str, value: impl Into<Value>) -> Map<String, Value> {
    Map::from_iter([(field.to_owned(), value.into())])
}
