//! What happens at Whop shows in Twenty within seconds, and what did not happen never does.

use serde_json::{Value, json};
use sim::fault::Fault;
use sim::whop::{Delivery, NewVariant, SignedDelivery, sign};
use stack::fixtures::{Shop, connected};
use stack::{Ask, CANARY, DEAD, SYNC, Stack, canary, gateway, pump};

use crate::source::{assert_crm_equals_source, deliver, post, post_all, shelf};

/// A secret of a webhook that the seller made by hand; no real one looks like this.
const BY_HAND: &str = "ws_c4n4ry_0123456789abcdef0123456789abcdef";

/// A connected shop that was synced once; deliveries go into a basket.
pub(crate) async fn synced(stack: &Stack) -> Shop<'_> {
    stack.whop.switch(|it| it.delivery = Delivery::Collect);
    let mut shop = connected(stack, 0).await;
    let run = shop.admin.sync("FULL").await;
    assert_eq!(run["state"], "FINISHED", "{run}");
    shop
}

/// A variant that is charged every month, after a week for free.
pub(crate) fn monthly(stack: &Stack, account: &str) -> String {
    let product = stack.whop.product_create(account, "Harbor Radio");
    let variant = NewVariant {
        title: "Monthly".to_owned(),
        initial: 0,
        renewal: 4_900,
        currency: "usd",
        period_days: Some(30),
        trial_days: Some(7),
    };
    stack.whop.variant_create(&product, variant)
}

pub(crate) fn later(stack: &Stack) {
    stack.clock.advance_ms(60_000);
}

/// What became of the deliveries, newest first: event, state, effect.
async fn deliveries(shop: &mut Shop<'_>) -> Vec<[Value; 3]> {
    let data = shop.admin.graphql("{ deliveries(first: 100) { event state effect } }", json!({})).await;
    let rows = data["deliveries"].as_array().unwrap().iter();
    rows.map(|it| [it["event"].clone(), it["state"].clone(), it["effect"].clone()]).collect()
}

/// A delivery as Whop would sign it for the webhook that was made by hand.
fn signed(stack: &Stack, url: &str, id: &str, body: &Value) -> SignedDelivery {
    let (body, at) = (body.to_string(), stack.clock.now_ms() / 1_000);
    let header = |name: &str, value: String| (name.to_owned(), value);
    SignedDelivery {
        url: url.to_owned(),
        headers: vec![
            header("content-type", "application/json".to_owned()),
            header("webhook-id", id.to_owned()),
            header("webhook-timestamp", at.to_string()),
            header("webhook-signature", sign(BY_HAND, id, at, body.as_bytes())),
        ],
        body: body.into(),
        id: id.to_owned(),
        event: String::new(),
        endpoint: String::new(),
    }
}

/// Makes the webhook one whose secret the test knows; answers with its address.
async fn by_hand(shop: &mut Shop<'_>, secret: &str) -> String {
    let made = "mutation($s: String!) { makeLiveByHand(secret: $s) { isConnected } }";
    shop.admin.graphql(made, json!({ "s": secret })).await;
    let url = shop.admin.graphql("mutation { webhookUrlForHand }", json!({})).await;
    url["webhookUrlForHand"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_purchase_becomes_a_person_an_opportunity_and_a_payment() {
    let stack = Stack::start().await;
    let shop = synced(&stack).await;
    let variant = monthly(&stack, &shop.account);
    stack.whop.buy(&shop.account, "Ada Lovelace", "Ada@Example.com", &variant);

    deliver(&stack, &stack.whop.take_deliveries()).await;

    assert_crm_equals_source(&stack, &shop.workspace.id, &shop.account);
    let people = shelf(&stack, &shop.workspace.id, "people");
    let person = people.values().next().unwrap();
    assert_eq!(person["name"], json!({ "firstName": "Ada", "lastName": "Lovelace" }));
    assert_eq!(person["emails"]["primaryEmail"], "ada@example.com");
    let deals = shelf(&stack, &shop.workspace.id, "opportunities");
    let deal = deals.values().next().unwrap();
    assert_eq!((&deal["whopStatus"], &deal["stage"]), (&json!("TRIALING"), &json!("PROPOSAL")));
    assert_eq!(deal["name"], "Harbor Radio – Monthly");
    let products = shelf(&stack, &shop.workspace.id, "whopProducts");
    assert!(products.values().any(|it| it["name"] == "Harbor Radio"));
    canary::assert_no_secret_seen(&stack, &[&shop.whop_key, &shop.workspace.api_key]);
}

#[tokio::test]
async fn deliveries_out_of_order_and_repeated_end_in_the_same_state() {
    let stack = Stack::start().await;
    let shop = synced(&stack).await;
    let variant = monthly(&stack, &shop.account);
    let membership = stack.whop.buy(&shop.account, "Ada Lovelace", "ada@example.com", &variant);
    later(&stack);
    stack.whop.activate(&membership);
    later(&stack);
    stack.whop.pay(&membership);
    let mut backwards = stack.whop.take_deliveries();
    backwards.reverse();

    deliver(&stack, &backwards).await;
    deliver(&stack, &backwards).await;
    stack.clock.advance_ms(600_000); // The queue forgets what it has seen after five minutes.
    let again: Vec<_> = backwards.iter().map(|it| stack.whop.sign_again(it)).collect();
    stack.twenty.forget_counts(&shop.workspace);
    deliver(&stack, &again).await;

    assert_crm_equals_source(&stack, &shop.workspace.id, &shop.account);
    assert_eq!(stack.twenty.write_calls(&shop.workspace), 0, "a repeat writes nothing");
}

#[tokio::test]
async fn an_event_we_do_not_know_is_kept_and_can_be_replayed() {
    let stack = Stack::start().await;
    let mut shop = synced(&stack).await;
    let url = by_hand(&mut shop, BY_HAND).await;
    let body =
        json!({ "id": "msg_1", "type": "loyalty.points_granted", "account_id": shop.account, "data": {} });

    deliver(&stack, &[signed(&stack, &url, "msg_1", &body)]).await;

    let known = [[json!("loyalty.points_granted"), json!("DONE"), json!("UNKNOWN")]];
    assert_eq!(deliveries(&mut shop).await, known);
    let replay = "mutation { replayDeliveries(ids: [\"msg_1\"]) { __typename } }";
    shop.admin.graphql(replay, json!({})).await;
    assert_eq!(pump::drain(&stack).await, 1);
    assert_eq!(deliveries(&mut shop).await, known);
    assert!(stack.aws.sqs.messages(DEAD).is_empty());
}

#[tokio::test]
async fn old_event_names_and_the_old_envelope_are_understood() {
    let stack = Stack::start().await;
    let mut shop = synced(&stack).await;
    let url = by_hand(&mut shop, BY_HAND).await;
    let variant = monthly(&stack, &shop.account);
    let names = ["membership.went_valid", "membership_went_valid", "membership.metadata_updated"];

    let mut old = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let email = format!("buyer{at}@example.com");
        let membership = stack.whop.buy(&shop.account, "Ada Lovelace", &email, &variant);
        let data = json!({ "id": membership, "company": { "id": shop.account } });
        let body = json!({ "type": name, "company_id": shop.account, "data": data });
        old.push(signed(&stack, &url, &format!("msg_{at}"), &body));
    }
    deliver(&stack, &old).await;

    let deals = shelf(&stack, &shop.workspace.id, "opportunities");
    assert_eq!(deals.len(), names.len());
    assert!(deliveries(&mut shop).await.iter().all(|it| it[2] == "APPLIED"));
}

#[tokio::test]
async fn an_endpoint_without_a_pinned_version_is_understood() {
    let stack = Stack::start().await;
    let mut shop = synced(&stack).await;
    let url = by_hand(&mut shop, BY_HAND).await;
    let events = ["membership.activated", "membership.updated", "payment.succeeded", "member.created"];
    let made =
        reqwest::Client::builder().build().unwrap().post(format!("{}/api/v1/webhooks", stack.whop.url()));
    let wanted = json!({ "url": url, "events": events, "api_version_date": null });
    let made = made.bearer_auth(&shop.whop_key).json(&wanted).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    by_hand(&mut shop, made["webhook_secret"].as_str().unwrap()).await;
    let variant = monthly(&stack, &shop.account);
    stack.whop.take_deliveries();
    stack.whop.buy(&shop.account, "Ada Lovelace", "ada@example.com", &variant);
    later(&stack);

    let all = stack.whop.take_deliveries();
    let old: Vec<SignedDelivery> = all.into_iter().filter(|it| it.endpoint == made["id"]).collect();
    assert!(old.iter().all(|it| String::from_utf8_lossy(&it.body).contains("company_id")));
    deliver(&stack, &old).await;

    assert_crm_equals_source(&stack, &shop.workspace.id, &shop.account);
}

#[tokio::test]
async fn refunds_and_disputes_colour_the_payment() {
    let stack = Stack::start().await;
    let shop = synced(&stack).await;
    let variant = monthly(&stack, &shop.account);
    let membership = stack.whop.buy(&shop.account, "Ada Lovelace", "ada@example.com", &variant);
    stack.whop.activate(&membership);
    let payments: Vec<String> = (0..3).map(|_| stack.whop.pay(&membership)).collect();
    deliver(&stack, &stack.whop.take_deliveries()).await;
    let colour = |payment: &String| {
        let payment = shelf(&stack, &shop.workspace.id, "whopPayments")[payment].clone();
        [payment["substatus"].clone(), payment["refundStatus"].clone(), payment["disputeStatus"].clone()]
    };

    later(&stack);
    stack.whop.refund(&payments[0], Some(1_234));
    let dispute = stack.whop.dispute_open(&payments[1]);
    stack.whop.dispute_alert(&payments[2]);
    deliver(&stack, &stack.whop.take_deliveries()).await;

    assert_eq!(colour(&payments[0]), [json!("PARTIALLY_REFUNDED"), json!("SUCCEEDED"), Value::Null]);
    assert_eq!(colour(&payments[1]), [json!("DISPUTE_NEEDS_RESPONSE"), Value::Null, json!("NEEDS_RESPONSE")]);
    later(&stack);
    stack.whop.dispute_lost(&dispute);
    stack.whop.refund(&payments[0], None);
    deliver(&stack, &stack.whop.take_deliveries()).await;
    assert_eq!(colour(&payments[0])[0], "REFUNDED");
    assert_eq!(colour(&payments[1])[2], "LOST");
    assert_crm_equals_source(&stack, &shop.workspace.id, &shop.account);
}

#[tokio::test]
async fn a_deleted_product_stays_and_says_so() {
    let stack = Stack::start().await;
    let shop = synced(&stack).await;
    let product = stack.whop.product_create(&shop.account, "Harbor Radio");
    deliver(&stack, &stack.whop.take_deliveries()).await;
    later(&stack);

    stack.whop.product_delete(&product);
    deliver(&stack, &stack.whop.take_deliveries()).await;

    let products = shelf(&stack, &shop.workspace.id, "whopProducts");
    assert_eq!(products[&product]["visibility"], "DELETED");
    assert_eq!(products[&product]["name"], "Harbor Radio");
}

#[tokio::test]
async fn a_delivery_of_another_account_changes_nothing() {
    let stack = Stack::start().await;
    let mut shop = synced(&stack).await;
    let url = by_hand(&mut shop, BY_HAND).await;
    let variant = monthly(&stack, &shop.account);
    let membership = stack.whop.buy(&shop.account, "Ada Lovelace", "ada@example.com", &variant);
    let other = stack.whop.create_account("Somebody Else");
    let body = json!({ "type": "membership.activated", "account_id": other, "data": { "id": membership } });
    stack.twenty.forget_counts(&shop.workspace);

    deliver(&stack, &[signed(&stack, &url, "msg_1", &body)]).await;

    let row = [json!("membership.activated"), json!("DONE"), json!("OTHER_ACCOUNT")];
    assert_eq!(deliveries(&mut shop).await, [row]);
    assert_eq!(stack.twenty.write_calls(&shop.workspace), 0);
}

#[tokio::test]
async fn ten_deliveries_of_a_workspace_become_one_batch() {
    let stack = Stack::start().await;
    let mut shop = synced(&stack).await;
    let variant = monthly(&stack, &shop.account);
    shop.admin.sync("FULL").await;
    stack.whop.take_deliveries();
    for number in 0..10 {
        stack.whop.buy(
            &shop.account,
            &format!("Buyer {number}"),
            &format!("b{number}@example.com"),
            &variant,
        );
    }
    let bought = stack.whop.take_deliveries().into_iter();
    let bought: Vec<SignedDelivery> = bought.filter(|it| it.event == "membership.activated").collect();
    assert_eq!(bought.len(), 10);
    post_all(&stack, &bought).await;
    stack.twenty.forget_counts(&shop.workspace);

    assert_eq!(pump::once(&stack).await, 10);

    assert_eq!(stack.aws.sqs.messages(SYNC).len(), 0);
    assert_eq!(shelf(&stack, &shop.workspace.id, "opportunities").len(), 10);
    assert_eq!(shelf(&stack, &shop.workspace.id, "people").len(), 10);
    let calls = stack.twenty.calls(&shop.workspace);
    assert_eq!(stack.twenty.write_calls(&shop.workspace), 2, "people, then opportunities: {calls:?}");
}

#[tokio::test]
async fn both_secrets_are_good_while_one_replaces_the_other() {
    let stack = Stack::start().await;
    let mut shop = synced(&stack).await;
    let variant = monthly(&stack, &shop.account);
    stack.whop.buy(&shop.account, "Ada Lovelace", "ada@example.com", &variant);
    let before = stack.whop.take_deliveries();
    post_all(&stack, &before[..1]).await; // Its secret is remembered now.
    stack.clock.advance_ms(3_000);

    shop.admin.graphql("mutation { rotateWebhook { isConnected } }", json!({})).await;
    stack.whop.buy(&shop.account, "Grace Hopper", "grace@example.com", &variant);
    let after = stack.whop.take_deliveries();

    assert!(after.iter().all(|it| it.endpoint != before[0].endpoint));
    post_all(&stack, &before).await;
    post_all(&stack, &after).await;
    pump::drain(&stack).await;
    assert_crm_equals_source(&stack, &shop.workspace.id, &shop.account);
    canary::assert_no_secret_seen(&stack, &[&shop.whop_key]);
}

/// How each forgery is made from a good delivery.
const FORGERIES: [fn(&mut SignedDelivery, usize, i64); 16] = [
    |it, n, at| resign(it, &format!("ws_of_somebody_else_{n}"), at),
    |it, n, _| flip(it, n),
    |it, _, _| it.headers.retain(|(name, _)| name != "webhook-id"),
    |it, _, _| it.headers.retain(|(name, _)| name != "webhook-timestamp"),
    |it, _, _| it.headers.retain(|(name, _)| name != "webhook-signature"),
    |it, n, at| resign(it, BY_HAND, at - 301 - i64::try_from(n).unwrap()),
    |it, n, at| resign(it, BY_HAND, at + 301 + i64::try_from(n).unwrap()),
    |it, n, _| it.body.truncate(it.body.len() - 1 - n % it.body.len()),
    |it, n, _| it.url = format!("{}{n}", it.url),
    |it, n, _| it.url = it.url.replace("whop/", &format!("whop/{n}")),
    |it, n, _| set(it, "webhook-id", &format!("msg_x{n}")),
    |it, n, at| set(it, "webhook-timestamp", &(at - 1 - i64::try_from(n % 299).unwrap()).to_string()),
    |it, n, _| set(it, "webhook-timestamp", ["", "soon", "1e9", "-1", "99999999999999999999"][n % 5]),
    |it, n, _| set(it, "webhook-signature", ["", "v1", "v1,", "v1,!", "v1,AAAA", "v2,AAAA"][n % 6]),
    |it, _, at| resign(it, "", at),
    |it, n, at| resign(it, BY_HAND.get(..BY_HAND.len() - 1 - n % 20).unwrap(), at),
];

fn set(delivery: &mut SignedDelivery, name: &str, value: &str) {
    let header = delivery.headers.iter_mut().find(|(known, _)| known == name).unwrap();
    value.clone_into(&mut header.1);
}

fn resign(delivery: &mut SignedDelivery, secret: &str, at: i64) {
    set(delivery, "webhook-timestamp", &at.to_string());
    let signature = sign(secret, &delivery.id, at, &delivery.body);
    set(delivery, "webhook-signature", &signature);
}

fn flip(delivery: &mut SignedDelivery, n: usize) {
    let mut bytes = delivery.body.to_vec();
    let at = n % bytes.len();
    bytes[at] ^= 1 + u8::try_from(n % 127).unwrap();
    delivery.body = bytes.into();
}

/// Calls that wrote to the table, and calls to the queue.
fn marks(stack: &Stack) -> Vec<String> {
    let reads = ["GetItem", "Query", "BatchGetItem"];
    let calls = stack.faults.calls().into_iter();
    calls
        .filter(|it| {
            it.service == "sqs" || (it.service == "dynamodb" && !reads.contains(&it.operation.as_str()))
        })
        .map(|it| it.operation)
        .collect()
}

#[tokio::test]
async fn ten_thousand_forgeries_are_refused_and_leave_no_mark() {
    let stack = Stack::start().await;
    let mut shop = synced(&stack).await;
    let url = by_hand(&mut shop, BY_HAND).await;
    let body =
        json!({ "type": "membership.activated", "account_id": shop.account, "data": { "id": "mem_1" } });
    let good = signed(&stack, &url, "msg_1", &body);
    let table = stack.aws.dynamodb.dump();
    stack.faults.forget_calls();

    for number in 0..10_000 {
        let (kind, n) = (number % FORGERIES.len(), number / FORGERIES.len());
        let mut forged = good.clone();
        FORGERIES[kind](&mut forged, n, stack.clock.now_ms() / 1_000);
        let answer = post(&stack, &forged).await;
        assert_eq!(answer.status, 401, "forgery {kind}, number {n}");
        let told = String::from_utf8_lossy(&answer.body);
        assert!(told.len() < 300 && !told.contains("signature") && !told.contains(CANARY), "{told}");
    }

    assert_eq!(marks(&stack), Vec::<String>::new());
    assert_eq!(stack.aws.dynamodb.dump(), table);
    assert!(stack.aws.sqs.messages(SYNC).is_empty());
    assert_eq!(post(&stack, &good).await.status, 200, "the one they were made from");
    assert_eq!(stack.aws.sqs.messages(SYNC).len(), 1);
    canary::assert_no_secret_seen(&stack, &[&shop.whop_key, BY_HAND]);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_is_looked_at() {
    let stack = Stack::start().await;
    let mut shop = synced(&stack).await;
    let url = by_hand(&mut shop, BY_HAND).await;
    let body = json!({ "type": "membership.activated", "data": { "id": "mem_1", "x": "x".repeat(300_000) } });
    stack.faults.forget_calls();

    let answer = post(&stack, &signed(&stack, &url, "msg_1", &body)).await;

    assert_eq!(answer.status, 400);
    assert!(answer.json().to_string().contains("262144 bytes"), "{}", answer.json());
    assert_eq!(stack.faults.count(), 0);
}

#[tokio::test]
async fn a_source_we_do_not_know_is_not_found() {
    let stack = Stack::start().await;

    for path in ["/webhooks/stripe/x", "/webhooks/whop", "/webhooks"] {
        let answer = gateway::answer(stack.app, &Ask::new("POST", path)).await;
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
    }
}

#[tokio::test]
async fn what_the_queue_does_not_take_is_refused_and_taken_at_the_next_attempt() {
    let stack = Stack::start().await;
    let shop = synced(&stack).await;
    let variant = monthly(&stack, &shop.account);
    let body = r#"{"__type":"com.amazonaws.sqs#ServiceUnavailable","message":"not now"}"#;
    let troubles = [
        Fault::Fail(reqwest::StatusCode::SERVICE_UNAVAILABLE, body.to_owned()),
        Fault::CutBefore,
        Fault::CutAfter,
    ];

    for (at, trouble) in troubles.into_iter().enumerate() {
        stack.whop.buy(&shop.account, &format!("Buyer {at}"), &format!("b{at}@example.com"), &variant);
        let bought = stack.whop.take_deliveries();
        stack.faults.plan(move |call| if call.service == "sqs" { trouble.clone() } else { Fault::Pass });
        for delivery in &bought {
            assert_eq!(post(&stack, delivery).await.status, 503);
        }
        stack.faults.clear();
        stack.clock.advance_ms(30_000);
        let again: Vec<_> = bought.iter().map(|it| stack.whop.sign_again(it)).collect();
        deliver(&stack, &again).await;
        assert_crm_equals_source(&stack, &shop.workspace.id, &shop.account);
    }
}

/// The deliveries that tell a life, one a step.
const LIFE: [(fn(&Stack, &str), &str); 7] = [
    (|_, _| {}, "membership.activated"),
    (|stack, it| stack.whop.activate(it), "membership.updated"),
    (|stack, it| drop(stack.whop.fail_payment(it)), "membership.updated"),
    (|stack, it| stack.whop.recover(it), "membership.activated"),
    (|stack, it| stack.whop.schedule_cancel(it), "membership.cancel_at_period_end_changed"),
    (|stack, it| stack.whop.undo_cancel(it), "membership.cancel_at_period_end_changed"),
    (|stack, it| stack.whop.cancel(it), "membership.deactivated"),
];

/// What a delivery is about.
fn subject(delivery: &SignedDelivery) -> String {
    let body: Value = serde_json::from_slice(&delivery.body).unwrap();
    body["data"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn whatever_is_lost_of_a_life_one_sweep_brings_back_and_a_second_writes_nothing() {
    let stack = Stack::start().await;
    let mut shop = synced(&stack).await;
    let variant = monthly(&stack, &shop.account);
    stack.twenty.set_limit(&shop.workspace, 100_000);
    let mut lives: Vec<String> = Vec::new();
    for number in 0..128 {
        let email = format!("buyer{number}@example.com");
        lives.push(stack.whop.buy(&shop.account, &format!("Buyer {number}"), &email, &variant));
    }

    let mut arrived = 0;
    for (step, (live, event)) in LIFE.iter().enumerate() {
        lives.iter().for_each(|membership| live(&stack, membership));
        let told = stack.whop.take_deliveries().into_iter().filter(|it| it.event == *event);
        let kept = told.filter(|it| {
            let number = lives.iter().position(|membership| *membership == subject(it));
            number.is_some_and(|number| number & (1 << step) != 0)
        });
        let kept: Vec<SignedDelivery> = kept.collect();
        arrived += kept.len();
        deliver(&stack, &kept).await;
        later(&stack);
    }
    assert_eq!(arrived, 64 * LIFE.len());
    let swept = shop.admin.sync("FULL").await;

    assert_eq!((&swept["state"], &swept["balances"]), (&json!("FINISHED"), &json!(true)), "{swept}");
    assert_crm_equals_source(&stack, &shop.workspace.id, &shop.account);
    stack.twenty.forget_counts(&shop.workspace);
    let again = shop.admin.sync("FULL").await;
    assert_eq!(again["balances"], true, "{again}");
    assert_eq!(stack.twenty.write_calls(&shop.workspace), 0, "{again}");
}
