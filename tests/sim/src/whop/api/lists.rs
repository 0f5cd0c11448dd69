//! The lists: scope, filters, order, page. A filter outside the caller's reach means fewer rows, never an
//! error (Whop, auth and scoping guide).

use serde_json::{Value, json};

use super::page::{Ask, Page};
use super::{Answer, Call, Refusal, lists_people, lists_sales};
use crate::whop::records::Books;
use crate::whop::table::{Row, Table};
use crate::whop::world::{Reach, World};
use crate::whop::{ids, records};

/// Whose rows a list shows.
pub(super) struct Scope {
    pub(super) accounts: Vec<usize>,
    /// A user who manages nothing here still sees the user's own purchases.
    pub(super) own: Option<usize>,
}

pub(super) fn answer(world: &mut World, call: &Call<'_>) -> Answer {
    let (known, orders) = offered(call.operation);
    let paging = [
        "first",
        "after",
        "last",
        "before",
        "order",
        "direction",
        "created_after",
        "created_before",
        "account_id",
    ];
    let unknown = call.query.unknown(&[&paging[..], known].concat());
    for name in unknown {
        let note = format!("{} does not know the query parameter {name}", call.operation);
        world.notes.not_understood.push(note);
    }
    let refuse_big = world.switches.refuse_big_pages;
    let ask = Ask::read(call.operation, call.query, orders, refuse_big)?;
    match call.operation {
        "accounts_list" => accounts(world, call, &ask),
        "products_list" => products(world, call, &ask),
        "variants_list" => variants(world, call, &ask),
        "members_list" => lists_people::members(world, call, &ask),
        "memberships_list" => lists_people::memberships(world, call, &ask),
        "payments_list" => lists_sales::payments(world, call, &ask),
        "refunds_list" => lists_sales::refunds(world, call, &ask),
        "disputes_list" => lists_sales::disputes(world, call, &ask),
        _ => lists_sales::alerts(world, call, &ask),
    }
}

/// The filters and orders of each list.
fn offered(operation: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match operation {
        "accounts_list" => (&["status", "query", "owner_id", "parent_account_id"], &["created_at", "volume"]),
        "products_list" => {
            (&["query", "visibilities", "access_pass_types", "labels", "plan_types"], &["created_at"])
        }
        "variants_list" => (
            &["product_ids", "plan_types", "visibilities", "release_methods"],
            &["created_at", "id", "active_members_count", "internal_notes", "expiration_days"],
        ),
        "members_list" => (
            &[
                "access_level",
                "status",
                "membership_status",
                "user_ids",
                "most_recent_actions",
                "product_ids",
                "plan_ids",
                "promo_code_ids",
                "query",
            ],
            &["created_at", "joined_at", "last_accessed_at", "most_recent_action_at", "usd_total_spent"],
        ),
        "memberships_list" => (
            &[
                "user_id",
                "member_id",
                "status",
                "statuses",
                "product_id",
                "product_ids",
                "plan_id",
                "plan_ids",
                "promo_code_ids",
            ],
            &["created_at"],
        ),
        "payments_list" => (
            &[
                "status",
                "billing_reason",
                "currency",
                "user_id",
                "member_id",
                "membership_id",
                "product_id",
                "plan_id",
                "query",
                "mode",
            ],
            &["created_at", "paid_at"],
        ),
        "refunds_list" => (&["payment_id", "user_id"], &["created_at"]),
        "disputes_list" => (&["status", "currency"], &["created_at", "amount", "evidence_due_at"]),
        _ => (&["payment_id", "type"], &["created_at", "reported_at", "amount"]),
    }
}

pub(super) fn scope(world: &World, call: &Call<'_>, right: &str) -> Result<Scope, Refusal> {
    let mut accounts = world.accounts_of(&call.caller);
    if !call.caller.rights.allow(right) {
        if world.switches.refuse_lists_without_right {
            return Err(Refusal::forbidden(right));
        }
        accounts.clear();
    }
    if let Some(id) = call.query.get("account_id") {
        let wanted = world.books.account(id);
        accounts.retain(|account| Some(*account) == wanted);
    }
    let own = match call.caller.reach {
        Reach::User { user, .. } if accounts.is_empty() => Some(user),
        Reach::User { .. } | Reach::Account(_) | Reach::App(_) => None,
    };
    Ok(Scope { accounts, own })
}

/// The page of one table. `few` are the only rows that can match, when a filter says so.
pub(super) fn rows<T: Row>(
    table: &mut Table<T>,
    ask: &Ask,
    accounts: &[usize],
    few: Option<Vec<usize>>,
    keep: impl Fn(usize, &T) -> bool,
) -> Page {
    if let (None, [account]) = (&few, accounts) {
        table.prepare(*account, ask.order);
        let table = &*table;
        return ask.page(table.places(*account, ask.order), |row| keep(row, &table[row]));
    }
    let all = || accounts.iter().flat_map(|account| table.of_account(*account)).copied();
    let rows = few.unwrap_or_else(|| all().collect());
    let places = table.places_among(&rows, ask.order);
    ask.page(&places, |row| keep(row, &table[row]))
}

pub(super) fn answer_with(page: Page, show: impl Fn(usize) -> Value) -> Answer {
    let data: Vec<Value> = page.rows.into_iter().map(show).collect();
    Ok(json!({"data": data, "page_info": page.info}))
}

/// The rows that ids name; unknown ids name none.
pub(super) fn named(given: &[&str], prefix: &str) -> Vec<usize> {
    given.iter().filter_map(|id| ids::row(prefix, id)).collect()
}

/// Whether a filter, if given, lets a row through.
fn among(given: &[&str], wanted: &[usize], row: Option<usize>) -> bool {
    given.is_empty() || row.is_some_and(|row| wanted.contains(&row))
}

pub(super) fn one_of(given: &[&str], value: &str) -> bool {
    given.is_empty() || given.contains(&value)
}

fn accounts(world: &World, call: &Call<'_>, ask: &Ask) -> Answer {
    let status = call.query.one_of("status", &["active", "suspended"])?;
    let owner = call.query.get("owner_id").map(|id| world.books.user(id));
    let needle = call.query.get("query").unwrap_or_default().to_lowercase();
    let places = world
        .accounts_of(&call.caller)
        .into_iter()
        .map(|row| (Some(world.books.accounts[row].created_at), row))
        .collect();
    let page = ask.page(&places, |row| {
        let account = &world.books.accounts[row];
        status != Some("suspended")
            && owner.is_none_or(|owner| owner == Some(account.owner))
            && account.title.to_lowercase().contains(&needle)
            && call.query.get("parent_account_id").is_none()
            && ask.covers(account.created_at)
    });
    answer_with(page, |row| world.books.show_account(row))
}

/// Without an account this is a search of the public market.
fn products(world: &mut World, call: &Call<'_>, ask: &Ask) -> Answer {
    let market = call.query.get("account_id").is_none();
    let accounts = if market {
        (0..world.books.accounts.len()).collect()
    } else {
        scope(world, call, "access_pass:basic:read")?.accounts
    };
    let visibilities = call.query.all("visibilities", "visibility");
    let needle = call.query.get("query").unwrap_or_default().to_lowercase();
    let books = &mut world.books;
    let page = rows(&mut books.products, ask, &accounts, None, |_, product| {
        one_of(&visibilities, product.visibility)
            && (!market || product.visibility == "visible")
            && product.title.to_lowercase().contains(&needle)
            && ask.covers(product.created_at)
    });
    let lens = call.caller.rights.lens(true);
    answer_with(page, |row| world.books.show_product(row, lens))
}

fn variants(world: &mut World, call: &Call<'_>, ask: &Ask) -> Answer {
    let product_ids = call.query.all("product_ids", "product_id");
    if call.query.get("account_id").is_none() && product_ids.is_empty() {
        return Err(Refusal::bad("account_id is required unless product_ids is given"));
    }
    let accounts = scope(world, call, "plan:basic:read")?.accounts;
    let wanted = named(&product_ids, records::PRODUCT);
    let visibilities = call.query.all("visibilities", "visibility");
    let types = call.query.all("plan_types", "plan_type");
    let releases = call.query.all("release_methods", "release_method");
    let page = rows(&mut world.books.variants, ask, &accounts, None, |_, variant| {
        let kind = if variant.period_days.is_some() { "renewal" } else { "one_time" };
        among(&product_ids, &wanted, Some(variant.product))
            && one_of(&visibilities, variant.visibility)
            && one_of(&types, kind)
            && one_of(&releases, "buy_now")
            && ask.covers(variant.created_at)
    });
    let lens = call.caller.rights.lens(true);
    answer_with(page, |row| world.books.show_variant(row, lens))
}

/// The rows of a few groups that belong to these accounts.
pub(super) fn few<T: Row>(
    table: &Table<T>,
    group: &'static str,
    of: &[usize],
    accounts: &[usize],
) -> Vec<usize> {
    let rows = of.iter().flat_map(|of| table.group(group, *of)).copied();
    rows.filter(|row| accounts.contains(&table[*row].account())).collect()
}

/// What was sold: the filters by product and variant.
pub(super) struct Sold<'a> {
    product_ids: Vec<&'a str>,
    products: Vec<usize>,
    plan_ids: Vec<&'a str>,
    plans: Vec<usize>,
}

impl<'a> Sold<'a> {
    pub(super) fn read(call: &Call<'a>) -> Self {
        let product_ids = call.query.all("product_ids", "product_id");
        let plan_ids = call.query.all("plan_ids", "plan_id");
        Self {
            products: named(&product_ids, records::PRODUCT),
            plans: named(&plan_ids, records::VARIANT),
            product_ids,
            plan_ids,
        }
    }

    pub(super) fn anything(&self) -> bool {
        self.product_ids.is_empty() && self.plan_ids.is_empty()
    }

    pub(super) fn is(&self, product: usize, variant: usize) -> bool {
        among(&self.product_ids, &self.products, Some(product))
            && among(&self.plan_ids, &self.plans, Some(variant))
    }

    pub(super) fn to_member(&self, books: &Books, member: usize) -> bool {
        books.memberships.group("member", member).iter().any(|row| {
            let membership = &books.memberships[*row];
            self.is(membership.product, membership.variant)
        })
    }
}
