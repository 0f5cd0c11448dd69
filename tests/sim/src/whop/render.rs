//! Sellers, users, products and variants in wire shape, as version 2026-10-15-1 writes them.

use serde_json::{Map, Value, json};

use super::ids;
use super::money::{decimals, money, number, text};
use super::records::{ACCOUNT, Books, PRODUCT, Product, USER, VARIANT, Variant};
use crate::clock::iso;

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
    pub(super) const FULL: Self =
        Self { email: true, phone: true, members: true, plans: true, manage: true, list: false };
}

pub(super) fn time(at: Option<i64>) -> Value {
    at.map_or(Value::Null, |at| iso(at).into())
}

/// The part of a web address that stands for a title.
pub(super) fn slug(title: &str) -> String {
    let mut slug = String::new();
    for word in title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
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
    #[expect(clippy::unused_self, reason = "asked of the books like everything else")]
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

    pub(super) fn show_account_summary(&self, row: usize) -> Value {
        json!({"id": self.account_id(row), "title": self.accounts[row].title})
    }

    /// The variant that the product's page offers first.
    fn default_variant(&self, product: usize) -> Option<usize> {
        self.variants.group("product", product).iter().copied().find(|row| !self.variants[*row].deleted)
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

    pub(super) fn show_product(&self, row: usize, lens: Lens) -> Value {
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

    pub(super) fn show_variant(&self, row: usize, lens: Lens) -> Value {
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
}

fn plan_type(variant: &Variant) -> &'static str {
    match variant.period_days {
        Some(_) => "renewal",
        None => "one_time",
    }
}

pub(super) fn formatted_price(variant: &Variant) -> String {
    let code = variant.currency.to_uppercase();
    let unit = 10_i64.pow(decimals(variant.currency));
    let price = |minor: i64| {
        if minor % unit == 0 { (minor / unit).to_string() } else { text(minor, variant.currency) }
    };
    match variant.period_days {
        None if variant.initial == 0 => "Free".to_owned(),
        None => format!("{code} {}", price(variant.initial)),
        Some(30) => format!("{code} {} / month", price(variant.renewal)),
        Some(365) => format!("{code} {} / year", price(variant.renewal)),
        Some(days) => format!("{code} {} / {days} days", price(variant.renewal)),
    }
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
