//! What Twenty must say, worked out anew from what Whop shows: nothing of the product's own mapping is used.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sim::whop::SignedDelivery;
use stack::{Answer, Ask, Stack, gateway, pump};

/// The objects we write, with the field that carries the Whop id.
const OBJECTS: [(&str, &str); 4] = [
    ("whopProducts", "whopProductId"),
    ("people", "whopMemberId"),
    ("opportunities", "whopMembershipId"),
    ("whopPayments", "whopPaymentId"),
];

/// What no two workspaces share, or what only Twenty says.
const OWN: [&str; 7] = ["id", "createdAt", "updatedAt", "createdBy", "updatedBy", "position", "searchVector"];

/// Records by their Whop id.
pub(crate) type Shelf = BTreeMap<String, Value>;

/// Every record of an object that carries a Whop id; no two may carry the same.
pub(crate) fn shelf(stack: &Stack, workspace: &str, plural: &str) -> Shelf {
    let (_, key) = OBJECTS.iter().find(|(known, _)| *known == plural).unwrap();
    let mut shelf = Shelf::new();
    for record in stack.twenty.records(workspace, plural) {
        if let Some(name) = record[*key].as_str().filter(|name| !name.is_empty()) {
            let twin = shelf.insert(name.to_owned(), record.clone());
            assert!(twin.is_none(), "{name} is there twice");
        }
    }
    shelf
}

/// Everything a workspace says about Whop, ids replaced by the Whop ids they stand for: two workspaces that
/// were brought to the same state have the same picture.
pub(crate) fn picture(stack: &Stack, workspace: &str) -> BTreeMap<&'static str, Shelf> {
    let mut names = BTreeMap::new();
    for (plural, _) in OBJECTS {
        for (name, record) in shelf(stack, workspace, plural) {
            names.insert(record["id"].as_str().unwrap().to_owned(), name);
        }
    }
    let plain = |record: Value| -> Value {
        let fields = record.as_object().unwrap().clone().into_iter();
        let kept = fields.filter(|(field, _)| !OWN.contains(&field.as_str())).map(|(field, value)| {
            let name = value.as_str().and_then(|id| names.get(id)).map(|name| json!(name));
            (field, name.unwrap_or(value))
        });
        Value::Object(kept.collect::<Map<_, _>>())
    };
    let pictured = |plural| shelf(stack, workspace, plural).into_iter().map(|(name, it)| (name, plain(it)));
    OBJECTS.iter().map(|(plural, _)| (*plural, pictured(plural).collect())).collect()
}

/// An exact decimal in millionths.
fn micros(money: &Value) -> Value {
    let Some(amount) = money["amount"].as_str() else { return Value::Null };
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let micros: i64 = format!("{whole}{fraction:0<6}").parse().unwrap();
    json!([micros.to_string(), money["currency"].as_str().unwrap().to_uppercase()])
}

fn amount(field: &Value) -> Value {
    match &field["amountMicros"] {
        Value::Null => Value::Null,
        Value::String(micros) => json!([micros, field["currencyCode"]]),
        micros => json!([micros.to_string(), field["currencyCode"]]),
    }
}

fn word(value: &Value) -> Value {
    value.as_str().map_or(Value::Null, |word| json!(word.to_uppercase()))
}

/// Absent and empty are the same to a reader.
fn said(value: &Value) -> Value {
    if value == "" { Value::Null } else { value.clone() }
}

/// What a check compares: the name, what Twenty says and what Whop says.
type Claim = (&'static str, Value, Value);

fn agree(name: &str, claims: Vec<Claim>) {
    for (what, crm, source) in claims {
        assert_eq!(crm, source, "{what} of {name}: Twenty left, Whop right");
    }
}

/// The CRM says what Whop says: every member, membership and payment is there once, and right.
pub(crate) fn assert_crm_equals_source(stack: &Stack, workspace: &str, account: &str) {
    let people = shelf(stack, workspace, "people");
    let deals = shelf(stack, workspace, "opportunities");
    let payments = shelf(stack, workspace, "whopPayments");
    let members = stack.whop.members(account);
    let memberships = stack.whop.memberships(account);
    let paid = stack.whop.payments(account);
    assert_eq!(
        (people.len(), deals.len(), payments.len()),
        (members.len(), memberships.len(), paid.len()),
        "people, opportunities, payments"
    );
    let products = shelf(stack, workspace, "whopProducts");
    let id = |shelf: &Shelf, name: &Value| shelf[name.as_str().unwrap()]["id"].clone();
    for member in &members {
        let name = member["id"].as_str().unwrap();
        agree(name, person_claims(&people[name], member));
    }
    for membership in &memberships {
        let name = membership["id"].as_str().unwrap();
        let deal = &deals[name];
        agree(name, deal_claims(deal, membership));
        assert_eq!(deal["pointOfContactId"], id(&people, &membership["member_id"]), "{name}");
        assert_eq!(deal["whopProductId"], id(&products, &membership["product_id"]), "{name}");
    }
    for payment in &paid {
        let name = payment["id"].as_str().unwrap();
        agree(name, payment_claims(&payments[name], payment));
        assert_eq!(payments[name]["opportunityId"], id(&deals, &payment["membership_id"]), "{name}");
        assert_eq!(payments[name]["personId"], id(&people, &payment["member_id"]), "{name}");
    }
    assert_disputes_and_refunds(stack, account, &payments);
}

fn person_claims(person: &Value, member: &Value) -> Vec<Claim> {
    let email = member["email"].as_str().map(str::to_lowercase).unwrap_or_default();
    vec![
        ("e-mail", person["emails"]["primaryEmail"].clone(), json!(email)),
        ("status", person["whopStatus"].clone(), word(&member["status"])),
        ("last action", person["whopLastAction"].clone(), word(&member["most_recent_action"])),
        ("last action at", person["whopLastActionAt"].clone(), member["most_recent_action_at"].clone()),
        ("total spent", amount(&person["whopTotalSpent"]), micros(&member["usd_total_spent"])),
        ("joined", person["whopJoinedAt"].clone(), member["joined_at"].clone()),
    ]
}

fn deal_claims(deal: &Value, membership: &Value) -> Vec<Claim> {
    let renewal = &membership["renewal_price"];
    let price = if renewal.is_null() { &membership["initial_price"] } else { renewal };
    let renews = !renewal.is_null() && membership["cancel_at_period_end"] == false;
    let period_end = &membership["current_period_end"];
    let expires = &membership["expires_at"];
    let ends = if expires.is_null() { period_end } else { expires };
    let of = |wanted: bool, value: &Value| if wanted { value.clone() } else { Value::Null };
    vec![
        ("status", deal["whopStatus"].clone(), word(&membership["status"])),
        ("stage", deal["stage"].clone(), json!(stage(&membership["status"]))),
        ("price", amount(&deal["whopPrice"]), micros(price)),
        ("amount", amount(&deal["amount"]), micros(price)),
        ("renews", deal["whopRenews"].clone(), json!(renews)),
        ("renews at", deal["whopRenewsAt"].clone(), of(renews, period_end)),
        ("access ends", deal["whopAccessEndsAt"].clone(), of(!renews, ends)),
        ("scheduled", deal["whopCancelsAtPeriodEnd"].clone(), membership["cancel_at_period_end"].clone()),
        ("canceled", deal["whopCanceledAt"].clone(), membership["canceled_at"].clone()),
        ("reason", said(&deal["whopCancelReason"]), membership["cancellation_reason"].clone()),
        ("started", deal["whopStartedAt"].clone(), membership["created_at"].clone()),
        ("action", said(&deal["whopLastAction"]), membership["most_recent_action"].clone()),
        ("action at", deal["whopLastActionAt"].clone(), membership["most_recent_action_at"].clone()),
    ]
}

fn stage(status: &Value) -> &'static str {
    match status.as_str().unwrap() {
        "trialing" => "PROPOSAL",
        "active" | "completed" | "past_due" | "canceling" => "CUSTOMER",
        "canceled" | "expired" => "CHURNED",
        _ => "NEW",
    }
}

fn payment_claims(crm: &Value, payment: &Value) -> Vec<Claim> {
    let refunded = micros(&payment["refunded_amount"]);
    let refunded = if refunded[0] == "0" { Value::Null } else { refunded };
    vec![
        ("status", crm["status"].clone(), word(&payment["status"])),
        ("detail", crm["substatus"].clone(), word(&payment["substatus"])),
        ("amount", amount(&crm["amount"]), micros(&payment["total"])),
        ("after fees", amount(&crm["afterFees"]), micros(&payment["amount_after_fees"])),
        ("refunded", amount(&crm["refundedAmount"]), refunded),
        ("paid at", crm["paidAt"].clone(), payment["paid_at"].clone()),
        ("failure", said(&crm["failure"]), payment["failure_message"].clone()),
    ]
}

fn assert_disputes_and_refunds(stack: &Stack, account: &str, payments: &Shelf) {
    let last = |records: Vec<Value>| -> BTreeMap<String, Value> {
        let order = |it: &Value| (it["created_at"].to_string(), it["id"].to_string());
        let mut records = records;
        records.sort_by_key(order);
        records.into_iter().map(|it| (it["payment_id"].as_str().unwrap_or_default().to_owned(), it)).collect()
    };
    for (payment, refund) in last(stack.whop.refunds(account)) {
        assert_eq!(payments[&payment]["refundStatus"], word(&refund["status"]), "{payment}");
    }
    for (payment, dispute) in last(stack.whop.disputes(account)).iter().filter(|(name, _)| !name.is_empty()) {
        assert_eq!(payments[payment]["disputeStatus"], word(&dispute["status"]), "{payment}");
    }
}

/// Posts a delivery to the gateway, as Whop does.
pub(crate) async fn post(stack: &Stack, delivery: &SignedDelivery) -> Answer {
    let path = delivery.url.strip_prefix(&stack.url).expect("an address of ours");
    let mut ask = Ask::new("POST", path);
    for (name, value) in &delivery.headers {
        ask = ask.header(name, value);
    }
    ask.body = delivery.body.to_vec();
    gateway::answer(stack.app, &ask).await
}

/// Posts deliveries in this order, each accepted.
pub(crate) async fn post_all(stack: &Stack, deliveries: &[SignedDelivery]) {
    for delivery in deliveries {
        let answer = post(stack, delivery).await;
        assert_eq!(answer.status, 200, "{}", delivery.event);
    }
}

/// Posts deliveries in this order and works them off.
pub(crate) async fn deliver(stack: &Stack, deliveries: &[SignedDelivery]) {
    post_all(stack, deliveries).await;
    pump::drain(stack).await;
}

/// Chance that is the same every time.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}
