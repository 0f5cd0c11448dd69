//! The lists: scope, filters, order, page. A filter outside the caller's reach means fewer rows, never an
//! error (Whop, auth and scoping guide).

use serde_json::{Value, json};

use super::page::{Ask, Page};
use super::{Answer, Call, Refusal};
use crate::whop::records::{Books, Member, Membership, Payment, USER};
use crate::whop::table::{Row, Table};
use crate::whop::world::{Reach, World};
use crate::whop::{ids, records};

/// Whose rows a list shows.
struct Scope {
    accounts: Vec<usize>,
    /// A user who manages nothing here still sees the user's own purchases.
    own: Option<usize>,
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
        "members_list" => members(world, call, &ask),
        "memberships_list" => memberships(world, call, &ask),
        "payments_list" => payments(world, call, &ask),
        "refunds_list" => refunds(world, call, &ask),
        "disputes_list" => disputes(world, call, &ask),
        _ => alerts(world, call, &ask),
    }
}

/// The filters and orders of each list.
fn offered(operation: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match operation {
        "accounts_list" => (
            &["status", "query", "owner_id", "parent_account_id"],
            &["created_at", "volume"],
        ),
        "products_list" => (
            &[
                "query",
                "visibilities",
                "access_pass_types",
                "labels",
                "plan_types",
            ],
            &["created_at"],
        ),
        "variants_list" => (
            &["product_ids", "plan_types", "visibilities", "release_methods"],
            &[
                "created_at",
                "id",
                "active_members_count",
                "internal_notes",
                "expiration_days",
            ],
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
            &[
                "created_at",
                "joined_at",
                "last_accessed_at",
                "most_recent_action_at",
                "usd_total_spent",
            ],
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
        "disputes_list" => (
            &["status", "currency"],
            &["created_at", "amount", "evidence_due_at"],
        ),
        _ => (&["payment_id", "type"], &["created_at", "reported_at", "amount"]),
    }
}

fn scope(world: &World, call: &Call<'_>, right: &str) -> Result<Scope, Refusal> {
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
fn rows<T: Row>(
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
    let all = || {
        accounts
            .iter()
            .flat_map(|account| table.of_account(*account))
            .copied()
    };
    let rows = few.unwrap_or_else(|| all().collect());
    let places = table.places_among(&rows, ask.order);
    ask.page(&places, |row| keep(row, &table[row]))
}

fn answer_with(page: Page, show: impl Fn(usize) -> Value) -> Answer {
    let data: Vec<Value> = page.rows.into_iter().map(show).collect();
    Ok(json!({"data": data, "page_info": page.info}))
}

/// The rows that ids name; unknown ids name none.
fn named(given: &[&str], prefix: &str) -> Vec<usize> {
    given.iter().filter_map(|id| ids::row(prefix, id)).collect()
}

/// Whether a filter, if given, lets a row through.
fn among(given: &[&str], wanted: &[usize], row: Option<usize>) -> bool {
    given.is_empty() || row.is_some_and(|row| wanted.contains(&row))
}

fn one_of(given: &[&str], value: &str) -> bool {
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
    let accounts = match market {
        true => (0..world.books.accounts.len()).collect(),
        false => scope(world, call, "access_pass:basic:read")?.accounts,
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
    answer_with(page, |row| world.books.show_product(row, &lens))
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
        let kind = if variant.period_days.is_some() {
            "renewal"
        } else {
            "one_time"
        };
        among(&product_ids, &wanted, Some(variant.product))
            && one_of(&visibilities, variant.visibility)
            && one_of(&types, kind)
            && one_of(&releases, "buy_now")
            && ask.covers(variant.created_at)
    });
    let lens = call.caller.rights.lens(true);
    answer_with(page, |row| world.books.show_variant(row, &lens))
}

fn members(world: &mut World, call: &Call<'_>, ask: &Ask) -> Answer {
    let accounts = scope(world, call, "member:basic:read")?.accounts;
    let query = call.query;
    let level = query.one_of("access_level", &["no_access", "admin", "customer"])?;
    let status = query.one_of("status", &["joined", "left"])?;
    let active = query.one_of("membership_status", &["active", "inactive"])?;
    let user_ids = query.all("user_ids", "user_id");
    let users = named(&user_ids, USER);
    let actions = query.all("most_recent_actions", "most_recent_action");
    let promo_codes = query.all("promo_code_ids", "promo_code_id");
    let sold = Sold::read(call);
    let lens = call.caller.rights.lens(true);
    let few = match user_ids.is_empty() {
        true => None,
        false => Some(few(&world.books.members, "user", &users, &accounts)),
    };
    if let (None, [account]) = (&few, &accounts[..]) {
        world.books.members.prepare(*account, ask.order);
    }
    let books = &world.books;
    let keep = |row: usize, member: &Member| {
        let shown_level = if member.left { "no_access" } else { "customer" };
        level.is_none_or(|level| level == shown_level)
            && status.is_none_or(|status| (status == "left") == member.left)
            && (actions.is_empty() || member.action.is_some_and(|action| actions.contains(&action)))
            && promo_codes.is_empty()
            && active.is_none_or(|wanted| (wanted == "active") == is_active(books, row))
            && (sold.anything() || sold.to_member(books, row))
            && query
                .get("query")
                .is_none_or(|text| matches_query(books, row, text, lens.email))
            && ask.covers(member.joined_at)
    };
    let page = match (few, &accounts[..]) {
        (None, [account]) => ask.page(books.members.places(*account, ask.order), |row| {
            keep(row, &books.members[row])
        }),
        (few, accounts) => {
            let all = || {
                accounts
                    .iter()
                    .flat_map(|account| books.members.of_account(*account))
                    .copied()
            };
            let places = books
                .members
                .places_among(&few.unwrap_or_else(|| all().collect()), ask.order);
            ask.page(&places, |row| keep(row, &books.members[row]))
        }
    };
    answer_with(page, |row| books.show_member(row, &lens))
}

fn is_active(books: &Books, member: usize) -> bool {
    let rows = books.memberships.group("member", member);
    rows.iter().any(|row| books.memberships[*row].grants_access())
}

/// Name and username by their parts, e-mail only exactly and only for those who may read it.
fn matches_query(books: &Books, row: usize, text: &str, may_read_email: bool) -> bool {
    let needle = text.to_lowercase();
    let member = &books.members[row];
    let user = member.user.map(|user| &books.users[user]);
    let email = user.and_then(|user| user.email.as_ref());
    books.display_name(row).to_lowercase().contains(&needle)
        || user.is_some_and(|user| user.username.contains(&needle))
        || (may_read_email && email.is_some_and(|email| email.to_lowercase() == needle))
}

/// The rows of a few groups that belong to these accounts.
fn few<T: Row>(table: &Table<T>, group: &'static str, of: &[usize], accounts: &[usize]) -> Vec<usize> {
    let rows = of.iter().flat_map(|of| table.group(group, *of)).copied();
    rows.filter(|row| accounts.contains(&table[*row].account()))
        .collect()
}

/// What was sold: the filters by product and variant.
struct Sold<'a> {
    product_ids: Vec<&'a str>,
    products: Vec<usize>,
    plan_ids: Vec<&'a str>,
    plans: Vec<usize>,
}

impl<'a> Sold<'a> {
    fn read(call: &Call<'a>) -> Self {
        let product_ids = call.query.all("product_ids", "product_id");
        let plan_ids = call.query.all("plan_ids", "plan_id");
        Self {
            products: named(&product_ids, records::PRODUCT),
            plans: named(&plan_ids, records::VARIANT),
            product_ids,
            plan_ids,
        }
    }

    fn anything(&self) -> bool {
        self.product_ids.is_empty() && self.plan_ids.is_empty()
    }

    fn is(&self, product: usize, variant: usize) -> bool {
        among(&self.product_ids, &self.products, Some(product))
            && among(&self.plan_ids, &self.plans, Some(variant))
    }

    fn to_member(&self, books: &Books, member: usize) -> bool {
        books.memberships.group("member", member).iter().any(|row| {
            let membership = &books.memberships[*row];
            self.is(membership.product, membership.variant)
        })
    }
}

const BUCKETS: &[&str] = &[
    "active",
    "trialing",
    "past_due",
    "completed",
    "canceled",
    "expired",
    "canceling",
    "paused",
    "expiring",
    "one_time",
    "unclaimed",
    "banned",
];

/// The derived buckets of the status filter; drafted and unresolved rows are in none of them.
fn in_bucket(membership: &Membership, bucket: &str, renews: bool) -> bool {
    match bucket {
        "canceling" => membership.grants_access() && (membership.ends || membership.status == "canceling"),
        "paused" => membership.paused_at.is_some(),
        "expiring" => membership.grants_access() && !renews && membership.period_end.is_some(),
        "one_time" => !renews,
        "unclaimed" => membership.member.is_none(),
        "banned" => false,
        status => membership.status == status && !membership.ends,
    }
}

fn memberships(world: &mut World, call: &Call<'_>, ask: &Ask) -> Answer {
    let scope = scope(world, call, "member:basic:read")?;
    let buckets = call.query.all("statuses", "status");
    if let Some(unknown) = buckets.iter().find(|bucket| !BUCKETS.contains(*bucket)) {
        return Err(Refusal::bad(format!(
            "status {unknown} is not one of {}",
            BUCKETS.join(", ")
        )));
    }
    let sold = Sold::read(call);
    let promo_codes = call.query.all("promo_code_ids", "promo_code_id");
    let books = &world.books;
    let user = match (call.query.get("user_id"), call.caller.reach) {
        (Some("me"), Reach::User { user, .. }) => Some(vec![user]),
        (Some(id), _) => Some(named(&[id], USER)),
        (None, _) => None,
    };
    let member = call
        .query
        .get("member_id")
        .map(|id| named(&[id], records::MEMBER));
    let few = match (&member, &user, scope.own) {
        (Some(member), _, None) => Some(few(&books.memberships, "member", member, &scope.accounts)),
        (None, Some(user), None) => Some(few(&books.memberships, "user", user, &scope.accounts)),
        (_, _, Some(own)) => Some(books.memberships.group("user", own).to_vec()),
        (None, None, None) => None,
    };
    let account = call.query.get("account_id").map(|id| books.account(id));
    let renewing: Vec<bool> = (0..books.variants.len())
        .map(|row| books.variants[row].period_days.is_some())
        .collect();
    let page = rows(
        &mut world.books.memberships,
        ask,
        &scope.accounts,
        few,
        |_, row| {
            account.is_none_or(|account| account == Some(row.account))
                && user
                    .as_ref()
                    .is_none_or(|user| row.user.is_some_and(|row| user.contains(&row)))
                && (buckets.is_empty()
                    || buckets
                        .iter()
                        .any(|bucket| in_bucket(row, bucket, renewing[row.variant])))
                && sold.is(row.product, row.variant)
                && promo_codes.is_empty()
                && ask.covers(row.created_at)
        },
    );
    let lens = call.caller.rights.lens(true);
    answer_with(page, |row| world.books.show_membership(row, &lens))
}

fn payments(world: &mut World, call: &Call<'_>, ask: &Ask) -> Answer {
    let accounts = scope(world, call, "payment:basic:read")?.accounts;
    let query = call.query;
    let statuses = [
        "open",
        "authorized",
        "paid",
        "pending",
        "uncollectible",
        "unresolved",
        "void",
    ];
    let status = query.one_of("status", &statuses)?;
    let reasons = [
        "subscription_create",
        "subscription_cycle",
        "subscription_update",
        "one_time",
        "manual",
        "subscription",
    ];
    let reason = query.one_of("billing_reason", &reasons)?;
    query.one_of("mode", &["account_sales", "user_sales"])?;
    let sold = Sold::read(call);
    let lens = call.caller.rights.lens(true);
    let books = &world.books;
    let named_by = |name: &str, prefix: &str| query.get(name).map(|id| named(&[id], prefix));
    let user = named_by("user_id", USER);
    let member = named_by("member_id", records::MEMBER);
    let membership = named_by("membership_id", records::MEMBERSHIP);
    let groups = [("membership", &membership), ("member", &member), ("user", &user)];
    let few = groups
        .into_iter()
        .find_map(|(group, of)| Some(few(&books.payments, group, of.as_ref()?, &accounts)));
    let products: Vec<usize> = (0..books.variants.len())
        .map(|row| books.variants[row].product)
        .collect();
    let found = query
        .get("query")
        .map(|text| matching_users(books, text, lens.email));
    let holds = |wanted: &Option<Vec<usize>>, row: Option<usize>| {
        wanted
            .as_ref()
            .is_none_or(|wanted| row.is_some_and(|row| wanted.contains(&row)))
    };
    let page = rows(
        &mut world.books.payments,
        ask,
        &accounts,
        few,
        |_, payment: &Payment| {
            status.is_none_or(|status| status == payment.status)
                && reason.is_none_or(|reason| reason == payment.billing_reason)
                && query.get("currency").is_none_or(|code| code == payment.currency)
                && holds(&user, payment.user)
                && holds(&member, payment.member)
                && holds(&membership, Some(payment.membership))
                && holds(&found, payment.user)
                && sold.is(products[payment.variant], payment.variant)
                && ask.covers(payment.created_at)
        },
    );
    answer_with(page, |row| world.books.show_payment(row, &lens))
}

fn matching_users(books: &Books, text: &str, may_read_email: bool) -> Vec<usize> {
    let needle = text.to_lowercase();
    let matches = |row: &usize| {
        let user = &books.users[*row];
        let named = |text: &String| text.to_lowercase().contains(&needle);
        let mailed = |text: &String| text.to_lowercase() == needle;
        user.name.as_ref().is_some_and(named)
            || named(&user.username)
            || (may_read_email && user.email.as_ref().is_some_and(mailed))
    };
    (0..books.users.len()).filter(matches).collect()
}

fn refunds(world: &mut World, call: &Call<'_>, ask: &Ask) -> Answer {
    let accounts = scope(world, call, "payment:basic:read")?.accounts;
    let payment = call
        .query
        .get("payment_id")
        .map(|id| named(&[id], records::PAYMENT));
    let user = call.query.get("user_id").map(|id| world.books.user(id));
    let few = payment.map(|of| few(&world.books.refunds, "payment", &of, &accounts));
    let page = rows(&mut world.books.refunds, ask, &accounts, few, |_, refund| {
        user.is_none_or(|user| user.is_some() && user == refund.user) && ask.covers(refund.created_at)
    });
    answer_with(page, |row| world.books.show_refund(row))
}

fn disputes(world: &mut World, call: &Call<'_>, ask: &Ask) -> Answer {
    let accounts = scope(world, call, "payment:dispute:read")?.accounts;
    let statuses = call.query.all("status", "status");
    let currencies: Vec<&str> = (0..world.books.disputes.len())
        .map(|row| world.books.payments[world.books.disputes[row].payment].currency)
        .collect();
    let page = rows(&mut world.books.disputes, ask, &accounts, None, |row, dispute| {
        one_of(&statuses, dispute.status)
            && call
                .query
                .get("currency")
                .is_none_or(|code| code == currencies[row])
            && ask.covers(dispute.created_at)
    });
    let lens = call.caller.rights.lens(true);
    answer_with(page, |row| world.books.show_dispute(row, &lens))
}

fn alerts(world: &mut World, call: &Call<'_>, ask: &Ask) -> Answer {
    let accounts = scope(world, call, "payment:dispute_alert:read")?.accounts;
    let kinds = ["early_fraud_warning", "dispute_alert", "rapid_dispute_resolution"];
    let kind = call.query.one_of("type", &kinds)?;
    let payment = call
        .query
        .get("payment_id")
        .map(|id| named(&[id], records::PAYMENT));
    let few = payment.map(|of| few(&world.books.alerts, "payment", &of, &accounts));
    let page = rows(&mut world.books.alerts, ask, &accounts, few, |_, alert| {
        kind.is_none_or(|kind| kind == alert.kind) && ask.covers(alert.created_at)
    });
    answer_with(page, |row| world.books.show_alert(row))
}
