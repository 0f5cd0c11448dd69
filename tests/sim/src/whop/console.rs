//! The console: what a person at the stand-in sees and may do. Forms only; it works without a script.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::{Path, RawForm, State};
use axum::response::{Html, Redirect};
use serde_json::Map;

use super::api::query::Query;
use super::hooks::ENDPOINT;
use super::html::{escape, page};
use super::life::Purchase;
use super::money::text;
use super::records::{ACCOUNT, MEMBER, MEMBERSHIP, PAYMENT, VARIANT};
use super::world::World;
use super::{Sim, ids};
use crate::clock::iso;

/// How many rows of each kind are shown.
const RECENT: usize = 25;

/// `GET /`
pub(super) async fn home() -> Redirect {
    Redirect::to("/console")
}

/// `GET /console`
pub(super) async fn show(State(sim): State<Arc<Sim>>) -> Html<String> {
    let world = sim.world();
    let mut body = String::from("<main><h1>Whop stand-in</h1>");
    for account in 0..world.books.accounts.len() {
        show_account(&world, account, &mut body);
    }
    if world.books.accounts.is_empty() {
        body.push_str("<p>There is no account yet.</p>");
    }
    show_endpoints(&world, &mut body);
    body.push_str("</main>");
    Html(page("Console", &body))
}

/// `POST /console/{action}`: does it, and shows the page again.
pub(super) async fn act(
    State(sim): State<Arc<Sim>>,
    Path(action): Path<String>,
    RawForm(raw): RawForm,
) -> Redirect {
    let form = Query::parse(&String::from_utf8_lossy(&raw));
    let now = sim.clock.now_ms();
    let mut world = sim.world();
    let row = |prefix: &str| form.get("id").and_then(|id| ids::row(prefix, id));
    let membership = row(MEMBERSHIP).filter(|row| world.books.memberships.get(*row).is_some());
    let payment = row(PAYMENT).filter(|row| world.books.payments.get(*row).is_some());
    match (action.as_str(), membership, payment) {
        ("buy", _, _) => buy(&mut world, &form, now),
        ("cancel", Some(row), _) => world.cancel(now, row, None),
        ("schedule", Some(row), _) => world.schedule_cancel(now, row, true, Some("Asked in the console")),
        ("pay", Some(row), _) => drop(world.pay(now, row)),
        ("fail", Some(row), _) => drop(world.fail_payment(now, row, "insufficient_funds")),
        ("recover", Some(row), _) => world.recover(now, row),
        ("refund", _, Some(row)) => drop(world.refund(now, row, None, Map::new())),
        ("dispute", _, Some(row)) => drop(world.dispute_open(now, row)),
        _ => world.notes.not_understood.push(format!("console: {action}")),
    }
    Redirect::to("/console")
}

fn buy(world: &mut World, form: &Query, now: i64) {
    let account = form.get("account").and_then(|id| world.books.account(id));
    let variant = form.get("variant").and_then(|id| ids::row(VARIANT, id));
    let variant = variant.filter(|row| world.books.variants.get(*row).is_some());
    let (Some(account), Some(variant)) = (account, variant) else {
        return;
    };
    let purchase = Purchase {
        account,
        name: form.get("name").unwrap_or_default(),
        email: form.get("email").unwrap_or_default(),
        variant,
    };
    world.buy(now, purchase);
}

fn button(action: &str, id: &str, label: &str) -> String {
    format!(
        "<form class=\"inline\" method=\"post\" action=\"/console/{action}\">\
         <input type=\"hidden\" name=\"id\" value=\"{id}\"><button class=\"quiet\">{label}</button></form> "
    )
}

fn table(out: &mut String, heads: &[&str], rows: &[String]) {
    let heads: String = heads.iter().map(|head| format!("<th scope=\"col\">{head}</th>")).collect();
    let rows: String = rows.iter().map(|row| format!("<tr>{row}</tr>")).collect();
    write!(
        out,
        "<div class=\"scroll\"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
    .expect("a string takes everything");
}

fn show_account(world: &World, account: usize, out: &mut String) {
    let books = &world.books;
    let id = ids::name(ACCOUNT, account);
    let title = escape(&books.accounts[account].title);
    let members = books.members.of_account(account).len();
    let memberships = books.memberships.of_account(account).len();
    write!(
        out,
        "<section aria-label=\"{title}\"><h2>{title} <code>{id}</code></h2>\
         <p>{members} members, {memberships} memberships.</p>"
    )
    .expect("a string takes everything");
    buy_form(world, account, &id, out);
    let variants = recent(books.variants.of_account(account));
    let rows: Vec<String> = variants.map(|row| variant_row(world, row)).collect();
    out.push_str("<h3>Products and variants</h3>");
    table(out, &["Product", "Variant", "Price", "Active"], &rows);
    let memberships = recent(books.memberships.of_account(account));
    let rows: Vec<String> = memberships.map(|row| membership_row(world, row)).collect();
    out.push_str("<h3>Recent memberships</h3>");
    table(out, &["Member", "Variant", "Status", "Changed", "Do"], &rows);
    let payments = recent(books.payments.of_account(account));
    let rows: Vec<String> = payments.map(|row| payment_row(world, row)).collect();
    out.push_str("<h3>Recent payments</h3>");
    table(out, &["Payment", "Amount", "Status", "Created", "Do"], &rows);
    out.push_str("</section>");
}

fn recent(rows: &[usize]) -> impl Iterator<Item = usize> + '_ {
    rows.iter().rev().take(RECENT).copied()
}

fn buy_form(world: &World, account: usize, id: &str, out: &mut String) {
    let books = &world.books;
    let rows = books.variants.of_account(account).iter();
    let options: String = rows
        .filter(|row| !books.variants[**row].deleted)
        .map(|row| {
            let variant = &books.variants[*row];
            let product = escape(&books.products[variant.product].title);
            let title = escape(&variant.title);
            format!("<option value=\"{}\">{product}: {title}</option>", ids::name(VARIANT, *row))
        })
        .collect();
    write!(
        out,
        "<form class=\"row\" method=\"post\" action=\"/console/buy\">\
         <input type=\"hidden\" name=\"account\" value=\"{id}\">\
         <label>Name <input name=\"name\" required autocomplete=\"off\"></label>\
         <label>E-mail <input name=\"email\" type=\"email\" required autocomplete=\"off\"></label>\
         <label>Variant <select name=\"variant\">{options}</select></label><button>Buy membership</button></form>"
    )
    .expect("a string takes everything");
}

fn variant_row(world: &World, row: usize) -> String {
    let variant = &world.books.variants[row];
    let price = match variant.period_days {
        Some(_) => variant.renewal,
        None => variant.initial,
    };
    format!(
        "<td>{}</td><td>{}</td><td>{} {}</td><td>{}</td>",
        escape(&world.books.products[variant.product].title),
        escape(&variant.title),
        text(price, variant.currency),
        variant.currency.to_uppercase(),
        world.books.active.get(&row).copied().unwrap_or(0),
    )
}

fn membership_row(world: &World, row: usize) -> String {
    let membership = &world.books.memberships[row];
    let id = ids::name(MEMBERSHIP, row);
    let name = membership.member.map(|member| world.books.display_name(member));
    let email = membership.user.and_then(|user| world.books.users[user].email.clone());
    let member = membership.member.map(|member| ids::name(MEMBER, member));
    let ends = if membership.ends { " · ends" } else { "" };
    let buttons = [
        button("pay", &id, "Renew"),
        button("fail", &id, "Fail payment"),
        button("recover", &id, "Recover"),
        button("schedule", &id, "Cancel at period end"),
        button("cancel", &id, "Cancel now"),
    ];
    format!(
        "<td>{}<br><small>{}<br><code>{}</code></small></td><td>{}</td>\
         <td><span class=\"tag\">{}{ends}</span></td><td>{}</td><td>{}</td>",
        escape(&name.unwrap_or_else(|| "nobody yet".to_owned())),
        escape(&email.unwrap_or_default()),
        member.unwrap_or_default(),
        escape(&world.books.variants[membership.variant].title),
        membership.status,
        iso(membership.updated_at),
        buttons.concat(),
    )
}

fn payment_row(world: &World, row: usize) -> String {
    let payment = &world.books.payments[row];
    let id = ids::name(PAYMENT, row);
    let buttons = if payment.status == "paid" && payment.total > 0 {
        [button("refund", &id, "Refund"), button("dispute", &id, "Dispute")].concat()
    } else {
        String::new()
    };
    format!(
        "<td><code>{id}</code></td><td>{} {}</td><td><span class=\"tag\">{}</span></td><td>{}</td><td>{buttons}</td>",
        text(payment.total, payment.currency),
        payment.currency.to_uppercase(),
        payment.substatus,
        iso(payment.created_at),
    )
}

fn show_endpoints(world: &World, out: &mut String) {
    out.push_str("<section aria-label=\"Webhooks\"><h2>Webhook endpoints</h2>");
    let hooks = &world.hooks;
    let live = (0..hooks.endpoints.len()).filter(|row| !hooks.endpoints[*row].deleted);
    let rows: Vec<String> = live
        .map(|row| {
            let endpoint = &hooks.endpoints[row];
            let state = if endpoint.enabled { "enabled" } else { "disabled" };
            let waiting = hooks.pending.iter().filter(|message| message.endpoint == row).count();
            format!(
                "<td><code>{}</code></td><td>{}</td><td><span class=\"tag\">{state}</span></td><td>{}</td><td>{}</td>\
                 <td>{waiting}</td>",
                ids::name(ENDPOINT, row),
                escape(&endpoint.url),
                endpoint.events.len(),
                endpoint.failures,
            )
        })
        .collect();
    table(out, &["Endpoint", "Address", "State", "Events", "Failures in a row", "Waiting"], &rows);
    out.push_str("<h3>Last deliveries</h3>");
    let rows: Vec<String> = hooks
        .attempts
        .iter()
        .rev()
        .take(RECENT)
        .map(|attempt| {
            format!(
                "<td>{}</td><td>{}</td><td><code>{}</code></td><td>{}</td><td>{} ms</td>",
                iso(attempt.sent_at),
                escape(&attempt.message.event),
                attempt.message.id,
                attempt.outcome.status,
                attempt.outcome.took_ms,
            )
        })
        .collect();
    table(out, &["Sent", "Event", "Id", "Answer", "Took"], &rows);
    out.push_str("</section>");
}
