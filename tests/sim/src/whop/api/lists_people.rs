//! The lists of members and memberships.

use super::lists::{Sold, answer_with, few, named, rows, scope};
use super::page::Ask;
use super::{Answer, Call, Refusal};
use crate::whop::records::{Books, MEMBER, Member, Membership, USER};
use crate::whop::world::{Reach, World};

pub(super) fn members(world: &mut World, call: &Call<'_>, ask: &Ask) -> Answer {
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
    let few =
        if user_ids.is_empty() { None } else { Some(few(&world.books.members, "user", &users, &accounts)) };
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
            && query.get("query").is_none_or(|text| matches_query(books, row, text, lens.email))
            && ask.covers(member.joined_at)
    };
    let page = match (few, &accounts[..]) {
        (None, [account]) => {
            ask.page(books.members.places(*account, ask.order), |row| keep(row, &books.members[row]))
        }
        (few, accounts) => {
            let all = || accounts.iter().flat_map(|account| books.members.of_account(*account)).copied();
            let places = books.members.places_among(&few.unwrap_or_else(|| all().collect()), ask.order);
            ask.page(&places, |row| keep(row, &books.members[row]))
        }
    };
    answer_with(page, |row| books.show_member(row, lens))
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

pub(super) fn memberships(world: &mut World, call: &Call<'_>, ask: &Ask) -> Answer {
    let scope = scope(world, call, "member:basic:read")?;
    let buckets = call.query.all("statuses", "status");
    if let Some(unknown) = buckets.iter().find(|bucket| !BUCKETS.contains(*bucket)) {
        return Err(Refusal::bad(format!("status {unknown} is not one of {}", BUCKETS.join(", "))));
    }
    let sold = Sold::read(call);
    let promo_codes = call.query.all("promo_code_ids", "promo_code_id");
    let books = &world.books;
    let user = match (call.query.get("user_id"), call.caller.reach) {
        (Some("me"), Reach::User { user, .. }) => Some(vec![user]),
        (Some(id), _) => Some(named(&[id], USER)),
        (None, _) => None,
    };
    let member = call.query.get("member_id").map(|id| named(&[id], MEMBER));
    let few = match (&member, &user, scope.own) {
        (Some(member), _, None) => Some(few(&books.memberships, "member", member, &scope.accounts)),
        (None, Some(user), None) => Some(few(&books.memberships, "user", user, &scope.accounts)),
        (_, _, Some(own)) => Some(books.memberships.group("user", own).to_vec()),
        (None, None, None) => None,
    };
    let account = call.query.get("account_id").map(|id| books.account(id));
    let renewing: Vec<bool> =
        (0..books.variants.len()).map(|row| books.variants[row].period_days.is_some()).collect();
    let page = rows(&mut world.books.memberships, ask, &scope.accounts, few, |_, row| {
        account.is_none_or(|account| account == Some(row.account))
            && user.as_ref().is_none_or(|user| row.user.is_some_and(|row| user.contains(&row)))
            && (buckets.is_empty()
                || buckets.iter().any(|bucket| in_bucket(row, bucket, renewing[row.variant])))
            && sold.is(row.product, row.variant)
            && promo_codes.is_empty()
            && ask.covers(row.created_at)
    });
    let lens = call.caller.rights.lens(true);
    answer_with(page, |row| world.books.show_membership(row, lens))
}
