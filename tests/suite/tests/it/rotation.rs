//! A webhook's secret is replaced while news arrives, and the replacing is interrupted anywhere.

use std::sync::Arc;

use serde_json::{Value, json};
use sim::fault::{Fault, Gate};
use sim::whop::{Delivery, SignedDelivery};
use stack::fixtures::connected;
use stack::{Stack, canary, pump};

use crate::source::{assert_crm_equals_source, post};
use crate::story::monthly;

const ROTATE: &str = "mutation { rotateWebhook { live } }";
/// How long secrets may be remembered at the door before it looks again.
const UNTIL_LOOKED_AGAIN_MS: i64 = 61_000;

/// A shop with a live webhook.
struct Shop {
    stack: Arc<Stack>,
    workspace: String,
    account: String,
    whop_key: String,
    twenty_key: String,
    variant: String,
    sold: usize,
}

impl Shop {
    async fn open() -> Self {
        let stack = Arc::new(Stack::start().await);
        stack.whop.switch(|it| it.delivery = Delivery::Collect);
        let mut shop = connected(&stack, 0).await;
        shop.admin.sync("FULL").await;
        let variant = monthly(&stack, &shop.account, "Gym");
        let (workspace, account, whop_key) = (shop.workspace.clone(), shop.account.clone(), shop.whop_key);
        drop(shop.admin);
        stack.whop.take_deliveries();
        stack.twenty.set_limit(&workspace.id, 100_000);
        Self {
            stack,
            account,
            whop_key,
            variant,
            sold: 0,
            twenty_key: workspace.api_key,
            workspace: workspace.id,
        }
    }

    /// The deliveries of one more purchase, by every webhook that Whop has.
    fn sell(&mut self) -> Vec<SignedDelivery> {
        self.stack.clock.advance_ms(UNTIL_LOOKED_AGAIN_MS);
        self.sold += 1;
        let email = format!("buyer{}@example.com", self.sold);
        self.stack.whop.buy(&self.account, &format!("Buyer {}", self.sold), &email, &self.variant);
        self.stack.whop.take_deliveries()
    }

    /// What the admin does: to sign in, and to ask for another secret.
    fn rotate(&self) -> impl Future<Output = Value> + Send + use<> {
        let (stack, key) = (self.stack.clone(), self.twenty_key.clone());
        async move {
            let mut admin = stack.visitor();
            admin.connect_twenty(&stack.twenty.url(), &key).await;
            admin.ask_graphql(ROTATE, json!({})).await
        }
    }

    /// Rotates until the call of this number and ends there, before or after its effect. False if it was done
    /// before.
    async fn crash(&self, call: usize, after: bool) -> bool {
        let (gate, index) = (Gate::default(), self.stack.faults.count() + call);
        let held = gate.clone();
        self.stack.faults.plan(move |it| match after {
            _ if it.index != index => Fault::Pass,
            false => Fault::HoldBefore(held.clone()),
            true => Fault::HoldAfter(held.clone()),
        });
        let mut task = tokio::spawn(self.rotate());
        let crashed = tokio::select! {
            () = gate.reached() => true,
            ended = &mut task => { assert_eq!(ended.unwrap()["errors"], Value::Null); false }
        };
        task.abort();
        self.stack.faults.clear();
        crashed
    }

    /// The webhooks that Whop has, by their ids.
    async fn webhooks(&self) -> Vec<String> {
        let client = reqwest::Client::builder().build().unwrap();
        let listed =
            client.get(format!("{}/api/v1/webhooks", self.stack.whop.url())).bearer_auth(&self.whop_key);
        let listed: Value = listed.send().await.unwrap().json().await.unwrap();
        let rows = listed["data"].as_array().unwrap().iter();
        rows.map(|it| it["id"].as_str().unwrap().to_owned()).collect()
    }

    async fn assert_accepted(&self, deliveries: &[SignedDelivery], when: &str) {
        for delivery in deliveries {
            assert_eq!(post(&self.stack, delivery).await.status, 200, "{}: {when}", delivery.endpoint);
        }
        pump::drain(&self.stack).await;
        assert_crm_equals_source(&self.stack, &self.workspace, &self.account);
    }
}

#[tokio::test]
async fn a_crash_at_any_call_of_a_rotation_never_drops_the_secret_of_a_webhook_that_signs() {
    let mut shop = Shop::open().await;
    let before = shop.stack.faults.count();
    assert_eq!(shop.rotate().await["errors"], Value::Null);
    let calls = shop.stack.faults.count() - before;

    let mut tried = 0;
    'calls: for call in 0.. {
        for after in [false, true] {
            let in_use = shop.webhooks().await;
            if !shop.crash(call, after).await {
                break 'calls;
            }
            tried += 1;
            let when = format!("crashed at call {call}, after its effect: {after}");
            // What Whop sends between the crash and the next attempt, by the webhook that was in use; if that one
            // is gone already, by the new one.
            let (there, sold) = (shop.webhooks().await, shop.sell());
            let by = in_use.iter().find(|it| there.contains(it)).unwrap_or(&there[0]);
            let signed: Vec<SignedDelivery> = sold.into_iter().filter(|it| it.endpoint == *by).collect();
            assert!(!signed.is_empty(), "{when}");

            let again = shop.rotate().await;

            assert_eq!(again["errors"], Value::Null, "{when}");
            assert_eq!(shop.webhooks().await.len(), 1, "{when}");
            shop.stack.clock.advance_ms(UNTIL_LOOKED_AGAIN_MS);
            shop.assert_accepted(&signed, &when).await;
            let sold = shop.sell();
            shop.assert_accepted(&sold, &when).await;
        }
    }

    assert!(calls > 8, "{calls}");
    assert_eq!(tried, 2 * calls);
    canary::assert_no_secret_seen(&shop.stack, &[&shop.whop_key]);
}

#[tokio::test]
async fn a_webhook_that_could_not_be_removed_is_still_believed_until_it_is() {
    let mut shop = Shop::open().await;
    let first = shop.webhooks().await;
    let refuse = Fault::Fail(reqwest::StatusCode::SERVICE_UNAVAILABLE, "{}".to_owned());
    shop.stack.faults.plan(move |call| {
        if call.service == "whop" && call.operation.starts_with("DELETE") {
            refuse.clone()
        } else {
            Fault::Pass
        }
    });
    assert_eq!(shop.rotate().await["errors"], Value::Null);
    shop.stack.faults.clear();
    assert_eq!(shop.webhooks().await.len(), 2);

    shop.stack.clock.advance_ms(2 * 24 * 3_600_000);
    let sold = shop.sell();
    let by_first: Vec<SignedDelivery> = sold.into_iter().filter(|it| it.endpoint == first[0]).collect();
    assert!(!by_first.is_empty());
    shop.assert_accepted(&by_first, "two days later").await;

    assert_eq!(shop.rotate().await["errors"], Value::Null);
    assert_eq!(shop.webhooks().await.len(), 1);
    let sold = shop.sell();
    shop.assert_accepted(&sold, "after the next rotation").await;

    shop.stack.clock.advance_ms(2 * 24 * 3_600_000);
    assert_eq!(shop.rotate().await["errors"], Value::Null);
    shop.stack.clock.advance_ms(UNTIL_LOOKED_AGAIN_MS);
    let late = shop.stack.whop.sign_again(&by_first[0]);
    assert_eq!(post(&shop.stack, &late).await.status, 401, "its secret went, long after the webhook did");
}
