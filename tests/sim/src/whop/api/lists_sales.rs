//! The lists of payments, refunds, disputes and dispute alerts.

use super::lists::{Sold, answer_with, few, named, one_of, rows, scope};
use super::page::Ask;
use super::{Answer, Call};
use crate::whop::records::{Books, MEMBER, MEMBERSHIP, PAYMENT, Payment, USER};
use crate::whop::world::World;

pub(super) fn payments(world: &mut World, call: &Call<'_>, ask: &Ask) -> Answer {
    let accounts = scope(world, call, "payment:basic:read")?.accounts;
    let query = call.query;
    let statuses = ["open", "authorized", "paid", "pending", "uncollectible", "unresolved", "void"];
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
    let member = named_by("member_id", MEMBER);
    let membership = named_by("membership_id", MEMBERSHIP);
    let groups = [("membership", &membership), ("member", &member), ("user", &user)];
    let few =
        groups.into_iter().find_map(|(group, of)| Some(few(&books.payments, group, of.as_ref()?, &accounts)));
    let products: Vec<usize> = (0..books.variants.len()).map(|row| books.variants[row].product).collect();
    let found = query.get("query").map(|text| matching_users(books, text, lens.email));
    let holds = |wanted: &Option<Vec<usize>>, row: Option<usize>| {
        wanted.as_ref().is_none_or(|wanted| row.is_some_and(|row| wanted.contains(&row)))
    };
    let page = rows(&mut world.books.payments, ask, &accounts, few, |_, payment: &Payment| {
        status.is_none_or(|status| status == payment.status)
            && reason.is_none_or(|reason| reason == payment.billing_reason)
            && query.get("currency").is_none_or(|code| code == payment.currency)
            && holds(&user, payment.user)
            && holds(&member, payment.member)
            && holds(&membership, Some(payment.membership))
            && holds(&found, payment.user)
            && sold.is(products[payment.variant], payment.variant)
            && ask.covers(payment.created_at)
    });
    answer_with(page, |row| world.books.show_payment(row, lens))
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

pub(super) fn refunds(world: &mut World, call: &Call<'_>, ask: &Ask) -> Answer {
    let accounts = scope(world, call, "payment:basic:read")?.accounts;
    let payment = call.query.get("payment_id").map(|id| named(&[id], PAYMENT));
    let user = call.query.get("user_id").map(|id| world.books.user(id));
    let few = payment.map(|of| few(&world.books.refunds, "payment", &of, &accounts));
    let page = rows(&mut world.books.refunds, ask, &accounts, few, |_, refund| {
        user.is_none_or(|user| user.is_some() && user == refund.user) && ask.covers(refund.created_at)
    });
    answer_with(page, |row| world.books.show_refund(row))
}

pub(super) fn disputes(world: &mut World, call: &Call<'_>, ask: &Ask) -> Answer {
    let accounts = scope(world, call, "payment:dispute:read")?.accounts;
    let statuses = call.query.all("status", "status");
    let currencies: Vec<&str> = (0..world.books.disputes.len())
        .map(|row| world.books.payments[world.books.disputes[row].payment].currency)
        .collect();
    let page = rows(&mut world.books.disputes, ask, &accounts, None, |row, dispute| {
        one_of(&statuses, dispute.status)
            && call.query.get("currency").is_none_or(|code| code == currencies[row])
            && ask.covers(dispute.created_at)
    });
    let lens = call.caller.rights.lens(true);
    answer_with(page, |row| world.books.show_dispute(row, lens))
}

pub(super) fn alerts(world: &mut World, call: &Call<'_>, ask: &Ask) -> Answer {
    let accounts = scope(world, call, "payment:dispute_alert:read")?.accounts;
    let kinds = ["early_fraud_warning", "dispute_alert", "rapid_dispute_resolution"];
    let kind = call.query.one_of("type", &kinds)?;
    let payment = call.query.get("payment_id").map(|id| named(&[id], PAYMENT));
    let few = payment.map(|of| few(&world.books.alerts, "payment", &of, &accounts));
    let page = rows(&mut world.books.alerts, ask, &accounts, few, |_, alert| {
        kind.is_none_or(|kind| kind == alert.kind) && ask.covers(alert.created_at)
    });
    answer_with(page, |row| world.books.show_alert(row))
}
