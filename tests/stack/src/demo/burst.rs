//! A busy minute at Whop: many changes at once, told by signed webhooks that arrive backwards and twice, some
//! never.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use sim::whop::{Delivery, SignedDelivery};

use crate::gateway::answer;
use crate::{Ask, Stack, pump};

/// How many records of a kind are changed.
const EACH: usize = 4;
/// How many memberships are bought.
const BOUGHT: usize = 8;

/// What was sent and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct Burst {
    /// Changes at Whop.
    pub changes: usize,
    /// Deliveries that Whop made of them.
    pub events: usize,
    /// Of those: never sent. The next sweep has to find what they told.
    pub lost: usize,
    /// Requests to our door, repeats included.
    pub sent: usize,
    /// Of those: taken in.
    pub accepted: usize,
}

/// Changes much at the Whop stand-in, and delivers the news of it badly.
pub(super) async fn send(stack: &Stack, account: &str) -> Burst {
    stack.whop.switch(|switches| switches.delivery = Delivery::Collect);
    let changes = change(stack, account);
    let told = stack.whop.take_deliveries();
    buy(stack, account, "Lost Letter", 0);
    let lost = stack.whop.take_deliveries();
    stack.whop.switch(|switches| switches.delivery = Delivery::Send);
    let (mut sent, mut accepted) = (0, 0);
    for delivery in told.iter().rev().chain(&told) {
        let status = deliver(stack, &stack.whop.sign_again(delivery)).await;
        sent += 1;
        accepted += usize::from(status == 200);
    }
    pump::drain(stack).await;
    Burst { changes: changes + 1, events: told.len() + lost.len(), lost: lost.len(), sent, accepted }
}

async fn deliver(stack: &Stack, delivery: &SignedDelivery) -> u16 {
    let path = delivery.url.strip_prefix(&stack.url).expect("an address of ours");
    let headers = delivery.headers.clone();
    let ask = Ask { headers, body: delivery.body.to_vec(), ..Ask::new("POST", path) };
    answer(stack.app, &ask).await.status
}

fn buy(stack: &Stack, account: &str, name: &str, number: usize) -> String {
    let variants = stack.whop.variants(account);
    let variant = id(&variants[number % variants.len()]);
    let email = format!("{}.{number}@example.com", name.to_lowercase().replace(' ', "."));
    pass(stack);
    stack.whop.buy(account, name, &email, &variant)
}

/// No two changes in the same moment.
fn pass(stack: &Stack) {
    stack.advance(Duration::from_millis(1_500));
}

fn id(record: &Value) -> String {
    record["id"].as_str().expect("every record has an id").to_owned()
}

/// The first few.
fn some(records: &[String]) -> &[String] {
    records.get(..EACH).unwrap_or(records)
}

/// Answers with how many changes were made.
fn change(stack: &Stack, account: &str) -> usize {
    let whop = &stack.whop;
    let bought: Vec<String> = (0..BOUGHT).map(|number| buy(stack, account, "New Buyer", number)).collect();
    let memberships = whop.memberships(account);
    let with_status = |status: &str| {
        let known = memberships.iter().filter(move |it| it["status"] == status).map(id);
        known.filter(|id| !bought.contains(id)).collect::<Vec<_>>()
    };
    let active = with_status("active");
    let mut changes = BOUGHT;
    let mut each = |records: &[String], act: &dyn Fn(&str)| {
        for record in records {
            pass(stack);
            act(record);
            changes += 1;
        }
    };
    let mut groups = active.chunks(EACH);
    each(groups.next().unwrap_or_default(), &|it| whop.schedule_cancel(it));
    each(groups.next().unwrap_or_default(), &|it| drop(whop.pay(it)));
    each(groups.next().unwrap_or_default(), &|it| drop(whop.fail_payment(it)));
    each(groups.next().unwrap_or_default(), &|it| whop.cancel(it));
    each(some(&with_status("past_due")), &|it| whop.recover(it));
    each(&bought, &|it| drop(whop.pay(it)));
    let paid = whop.payments(account).into_iter().filter(|it| it["status"] == "paid");
    let paid: Vec<String> = paid.map(|it| id(&it)).take(2 * EACH).collect();
    let (refunded, disputed) = paid.split_at(paid.len() / 2);
    each(refunded, &|it| drop(whop.refund(it, None)));
    each(disputed, &|it| drop(whop.dispute_open(it)));
    let members: Vec<String> =
        whop.members(account).iter().filter(|it| it["email"].is_string()).map(id).collect();
    let (renamed, moved) = members.split_at(EACH.min(members.len()));
    each(renamed, &|it| whop.rename_member(it, "Renamed At Whop"));
    each(some(moved), &|it| {
        whop.change_email(it, Some(&format!("{it}@example.org")));
    });
    changes
}
