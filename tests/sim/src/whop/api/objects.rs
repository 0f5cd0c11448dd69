//! One object by its id. What the caller cannot reach does not exist for it.

use serde_json::Value;

use super::{Answer, Call, Refusal};
use crate::whop::ids;
use crate::whop::records::{ALERT, DISPUTE, MEMBER, MEMBERSHIP, PAYMENT, PRODUCT, REFUND, VARIANT};
use crate::whop::table::{Row, Table};
use crate::whop::world::{Reach, World};

pub(super) fn answer(world: &World, call: &Call<'_>) -> Answer {
    let lens = call.caller.rights.lens(false);
    let books = &world.books;
    match call.operation {
        "accounts_me" => me(world, call),
        "accounts_retrieve" => match books.account(call.ids[0]) {
            Some(row) if world.reaches(&call.caller, row) => Ok(books.show_account(row)),
            _ => Err(Refusal::absent("Account")),
        },
        "products_retrieve" => {
            let row = public(&books.products, PRODUCT, call, "Product")?;
            Ok(books.show_product(row, lens))
        }
        "variants_retrieve" => {
            let row = public(&books.variants, VARIANT, call, "Variant")?;
            Ok(books.show_variant(row, lens))
        }
        "members_retrieve" => {
            let row = reachable(world, &books.members, MEMBER, call, "Member")?;
            call.need("member:basic:read")?;
            Ok(books.show_member(row, lens))
        }
        "memberships_retrieve" => {
            let row = membership(world, call)?;
            call.need("member:basic:read")?;
            Ok(books.show_membership(row, lens))
        }
        "payments_retrieve" => {
            let row = reachable(world, &books.payments, PAYMENT, call, "Payment")?;
            call.need("payment:basic:read")?;
            Ok(books.show_payment(row, lens))
        }
        "refunds_retrieve" => {
            let row = reachable(world, &books.refunds, REFUND, call, "Refund")?;
            call.need("payment:basic:read")?;
            Ok(books.show_refund(row))
        }
        "disputes_retrieve" => {
            let row = reachable(world, &books.disputes, DISPUTE, call, "Dispute")?;
            call.need("payment:dispute:read")?;
            Ok(books.show_dispute(row, lens))
        }
        "dispute_alerts_retrieve" => {
            let row = reachable(world, &books.alerts, ALERT, call, "Dispute alert")?;
            call.need("payment:dispute_alert:read")?;
            Ok(books.show_alert(row))
        }
        _ => user(world, call),
    }
}

/// Only an account key has an account of its own.
fn me(world: &World, call: &Call<'_>) -> Answer {
    match call.caller.reach {
        Reach::Account(account) => Ok(world.books.show_account(account)),
        Reach::App(_) | Reach::User { .. } => Err(Refusal::absent("Account")),
    }
}

fn user(world: &World, call: &Call<'_>) -> Answer {
    let own = match call.caller.reach {
        Reach::User { user, .. } => Some(user),
        Reach::Account(_) | Reach::App(_) => None,
    };
    let row = match call.ids[0] {
        "me" => own,
        id => world.books.user(id),
    };
    let row = row.ok_or_else(|| Refusal::absent("User"))?;
    let shown: Value = world.books.show_user(row, own == Some(row));
    Ok(shown)
}

/// Products and variants are on the market for everybody, until they are deleted.
fn public<T: Row>(table: &Table<T>, prefix: &str, call: &Call<'_>, what: &str) -> Result<usize, Refusal> {
    let row = ids::row(prefix, call.ids[0]);
    row.filter(|row| table.get(*row).is_some_and(Row::listed)).ok_or_else(|| Refusal::absent(what))
}

pub(super) fn reachable<T: Row>(
    world: &World,
    table: &Table<T>,
    prefix: &str,
    call: &Call<'_>,
    what: &str,
) -> Result<usize, Refusal> {
    let row = ids::row(prefix, call.ids[0]);
    row.filter(|row| {
        let found = table.get(*row);
        found.is_some_and(|found| world.reaches(&call.caller, found.account()))
    })
    .ok_or_else(|| Refusal::absent(what))
}

/// The membership of the path; a user also reaches the user's own purchases.
pub(super) fn membership(world: &World, call: &Call<'_>) -> Result<usize, Refusal> {
    let absent = || Refusal::absent("Membership");
    let row = ids::row(MEMBERSHIP, call.ids[0]).ok_or_else(absent)?;
    let found = world.books.memberships.get(row).ok_or_else(absent)?;
    let own = match call.caller.reach {
        Reach::User { user, .. } => found.user == Some(user),
        Reach::Account(_) | Reach::App(_) => false,
    };
    if own || world.reaches(&call.caller, found.account) { Ok(row) } else { Err(absent()) }
}
