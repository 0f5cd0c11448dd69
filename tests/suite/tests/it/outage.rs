//! A crash before and after every call to the outside: what is begun again ends as if nothing had happened.
//!
//! The crash is a task that ends while one of its calls stands at a gate. Before the call's effect, or after it.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use sim::fault::{Fault, Gate};
use sim::whop::{Delivery, NewVariant, Rights, SignedDelivery};
use stack::fixtures::connected;
use stack::{DEAD, SYNC, Stack, canary, pump};

use crate::source::{assert_crm_equals_source, picture, post, shelf};

/// Longer than the queue hides a message, and than a dead worker is waited for.
const UNTIL_SEEN_AGAIN_MS: i64 = 361_000;

/// Where a crash happens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    /// Counts the calls of the work from 0.
    pub(crate) call: usize,
    /// After the call's effect, before its answer; else before both.
    pub(crate) after: bool,
}

impl Point {
    /// Before and after the call of this number.
    pub(crate) fn both(call: usize) -> [Self; 2] {
        [false, true].map(|after| Self { call, after })
    }
}

/// Does the work until the point is reached, and ends it there. False if the work was done before.
pub(crate) async fn crash(
    stack: &Stack,
    point: Point,
    work: impl Future<Output = ()> + Send + 'static,
) -> bool {
    let (gate, index) = (Gate::default(), stack.faults.count() + point.call);
    let held = gate.clone();
    stack.faults.plan(move |call| match point.after {
        _ if call.index != index => Fault::Pass,
        false => Fault::HoldBefore(held.clone()),
        true => Fault::HoldAfter(held.clone()),
    });
    let mut task = tokio::spawn(work);
    let crashed = tokio::select! {
        () = gate.reached() => true,
        ended = &mut task => { ended.unwrap(); false }
    };
    task.abort();
    stack.faults.clear();
    crashed
}

/// Nothing is left over and nothing was set aside.
fn assert_at_rest(stack: &Stack, point: Point) {
    let left: Vec<String> = stack.aws.sqs.messages(SYNC).into_iter().map(|it| it.body).collect();
    assert_eq!(left, Vec::<String>::new(), "{point:?}");
    let aside: Vec<String> = stack.aws.sqs.messages(DEAD).into_iter().map(|it| it.body).collect();
    assert_eq!(aside, Vec::<String>::new(), "{point:?}");
}

fn monthly(stack: &Stack, account: &str) -> String {
    let product = stack.whop.product_create(account, "Harbor Radio");
    let variant = NewVariant {
        title: "Monthly".to_owned(),
        initial: 0,
        renewal: 4_900,
        currency: "usd",
        period_days: Some(30),
        trial_days: None,
    };
    stack.whop.variant_create(&product, variant)
}

/// Posts what was not accepted yet, then works off the queue.
async fn take_in(stack: Arc<Stack>, bought: Arc<[SignedDelivery]>, accepted: Arc<AtomicUsize>) {
    while let Some(delivery) = bought.get(accepted.load(Ordering::SeqCst)) {
        let delivery = stack.whop.sign_again(delivery);
        assert_eq!(post(&stack, &delivery).await.status, 200);
        accepted.fetch_add(1, Ordering::SeqCst);
    }
    pump::drain(&stack).await;
}

/// Where purchases are made.
struct Shop {
    stack: Arc<Stack>,
    workspace: String,
    account: String,
    variant: String,
    sold: usize,
}

impl Shop {
    async fn open() -> Self {
        let stack = Arc::new(Stack::start().await);
        stack.whop.switch(|it| it.delivery = Delivery::Collect);
        let mut shop = connected(&stack, 0).await;
        let (workspace, account) = (shop.workspace.id.clone(), shop.account.clone());
        shop.admin.sync("FULL").await;
        let variant = monthly(&stack, &account);
        shop.admin.sync("FULL").await;
        drop(shop);
        stack.whop.take_deliveries();
        stack.twenty.set_limit(&workspace, 100_000);
        Self { stack, workspace, account, variant, sold: 0 }
    }

    /// One more purchase, told in several deliveries.
    fn sell(&mut self) -> Arc<[SignedDelivery]> {
        self.stack.clock.advance_ms(600_000);
        self.sold += 1;
        let email = format!("buyer{}@example.com", self.sold);
        self.stack.whop.buy(&self.account, &format!("Buyer {}", self.sold), &email, &self.variant);
        self.stack.whop.take_deliveries().into()
    }

    /// A purchase without a crash; answers with how many calls it took.
    async fn clean(&mut self) -> usize {
        let (bought, before) = (self.sell(), self.stack.faults.count());
        take_in(self.stack.clone(), bought, Arc::default()).await;
        self.stack.faults.count() - before
    }

    /// A purchase with a crash, and what Whop and the queue do then. False if the point was not reached.
    async fn crashed(&mut self, point: Point) -> bool {
        let (bought, accepted) = (self.sell(), Arc::<AtomicUsize>::default());
        let work = take_in(self.stack.clone(), bought.clone(), accepted.clone());
        let crashed = crash(&self.stack, point, work).await;
        self.stack.clock.advance_ms(UNTIL_SEEN_AGAIN_MS);
        take_in(self.stack.clone(), bought, accepted).await;
        assert_at_rest(&self.stack, point);
        for plural in ["people", "opportunities", "whopPayments"] {
            assert_eq!(shelf(&self.stack, &self.workspace, plural).len(), self.sold, "{plural}, {point:?}");
        }
        crashed
    }
}

#[tokio::test]
async fn a_crash_at_any_call_of_the_webhook_path_loses_and_doubles_nothing() {
    let mut shop = Shop::open().await;
    shop.clean().await;
    let calls = shop.clean().await;

    let (mut call, mut tried) = (0, 0);
    loop {
        let [before, after] = Point::both(call);
        if !shop.crashed(before).await {
            break;
        }
        assert!(shop.crashed(after).await);
        (call, tried) = (call + 1, tried + 2);
    }

    assert!(calls > 30, "{calls}");
    assert_eq!(tried, calls * 2);
    assert_crm_equals_source(&shop.stack, &shop.workspace, &shop.account);
    assert_eq!(shop.stack.twenty.count(&shop.workspace, "people"), shop.sold);
    assert_eq!(shop.stack.twenty.count(&shop.workspace, "opportunities"), shop.sold);
    assert_eq!(shop.stack.twenty.count(&shop.workspace, "whopPayments"), shop.sold);
    canary::assert_no_secret_seen(&shop.stack, &[]);
}

/// A seller's account that is brought into one fresh workspace after the other.
struct Mirror {
    stack: Arc<Stack>,
    account: String,
    key: String,
    made: usize,
}

impl Mirror {
    async fn of(members: usize) -> Self {
        let stack = Arc::new(Stack::start().await);
        stack.whop.switch(|it| it.delivery = Delivery::Collect);
        let account = stack.whop.create_account("Harbor Lights Coaching");
        stack.whop.seed(&account, members, 7);
        let key = stack.whop.account_api_key(&account, Rights::All);
        Self { stack, account, key, made: 0 }
    }

    /// A fresh workspace, connected, with a run that was just started.
    async fn begin(&mut self) -> String {
        self.made += 1;
        self.stack.clock.advance_ms(600_000);
        let workspace = self.stack.twenty.create_workspace(&format!("Workspace {}", self.made));
        self.stack.twenty.set_limit(&workspace, 100_000);
        let mut admin = self.stack.visitor();
        admin.connect_twenty(&self.stack.twenty.url(), &workspace.api_key).await;
        assert_eq!(admin.connect_whop(&self.key).await.status, 200);
        let start = "mutation { triggerWhopSync(kind: FULL) { run { id } } }";
        admin.graphql(start, json!({})).await;
        workspace.id
    }

    /// Works off the pages of a run; each is crashed once, at this point of its own. Answers with how many
    /// crashes there were.
    async fn run(&self, point: Point) -> usize {
        let mut crashes = 0;
        while !self.stack.aws.sqs.messages(SYNC).is_empty() {
            let stack = self.stack.clone();
            let page = async move {
                pump::batch_of(&stack, 1).await;
            };
            if crash(&self.stack, point, page).await {
                crashes += 1;
                self.stack.clock.advance_ms(UNTIL_SEEN_AGAIN_MS);
                assert_eq!(pump::batch_of(&self.stack, 1).await, 1, "the page comes again");
            }
            self.until_visible();
        }
        crashes
    }

    fn until_visible(&self) {
        if let Some(due) = self.stack.aws.sqs.next_visible_at(SYNC) {
            self.stack.clock.advance_ms((due - self.stack.clock.now_ms()).max(0));
        }
    }

    /// How many calls the pages of a clean run make.
    async fn clean(&self) -> usize {
        let before = self.stack.faults.count();
        pump::drain(&self.stack).await;
        self.stack.faults.count() - before
    }
}

/// The links that we keep for a workspace, by the records they are about.
fn links(stack: &Stack) -> BTreeMap<String, usize> {
    let mut links = BTreeMap::new();
    for item in stack.aws.dynamodb.dump() {
        let name = item["sk"]["S"].as_str().unwrap_or_default();
        if name.starts_with("LINK") {
            *links.entry(name.to_owned()).or_default() += 1;
        }
    }
    links
}

#[tokio::test]
async fn a_crash_at_any_call_of_any_page_loses_and_doubles_nothing() {
    let mut mirror = Mirror::of(6).await;
    let workspace = mirror.begin().await;
    let calls = mirror.clean().await;
    assert_crm_equals_source(&mirror.stack, &workspace, &mirror.account);
    let clean = picture(&mirror.stack, &workspace);

    let (mut call, mut tried) = (0, 0);
    loop {
        let mut crashes = 0;
        for point in Point::both(call) {
            let workspace = mirror.begin().await;
            crashes += mirror.run(point).await;
            assert_at_rest(&mirror.stack, point);
            assert!(picture(&mirror.stack, &workspace) == clean, "{point:?}");
            let people = mirror.stack.twenty.count(&workspace, "people");
            assert_eq!(people, mirror.stack.whop.members(&mirror.account).len(), "{point:?}");
        }
        if crashes == 0 {
            break;
        }
        (call, tried) = (call + 1, tried + crashes);
    }

    assert!(calls > 50, "{calls}");
    // A page whose successor was queued before the crash queues it twice, and the second one is crashed too.
    assert!(tried >= calls * 2, "{tried} of {calls} calls");
    let links = links(&mirror.stack);
    assert!(links.values().all(|copies| *copies == mirror.made), "one link for each record and workspace");
    canary::assert_no_secret_seen(&mirror.stack, &[&mirror.key]);
}

/// What the user does to connect: both forms of the settings page.
async fn connect(stack: Arc<Stack>, twenty_key: String, whop_key: String) {
    let mut admin = stack.visitor();
    let signed_in = admin.connect_twenty(&stack.twenty.url(), &twenty_key).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.json());
    let connected = admin.connect_whop(&whop_key).await;
    assert_eq!(connected.status, 200, "{}", connected.json());
}

/// The webhooks that Whop shows.
async fn webhooks(stack: &Stack, key: &str) -> Vec<Value> {
    let client = reqwest::Client::builder().build().unwrap();
    let listed = client.get(format!("{}/api/v1/webhooks", stack.whop.url())).bearer_auth(key);
    let listed: Value = listed.send().await.unwrap().json().await.unwrap();
    listed["data"].as_array().unwrap().clone()
}

/// Connects a new workspace with a new account, with a crash; the user then does it again. False if the point
/// was not reached.
async fn connected_after(stack: &Arc<Stack>, number: usize, point: Point) -> bool {
    stack.clock.advance_ms(600_000);
    let workspace = stack.twenty.create_workspace(&format!("Workspace {number}"));
    stack.twenty.set_limit(&workspace, 100_000);
    let account = stack.whop.create_account(&format!("Account {number}"));
    let key = stack.whop.account_api_key(&account, Rights::All);
    let attempt = || connect(stack.clone(), workspace.api_key.clone(), key.clone());

    let crashed = crash(stack, point, attempt()).await;
    stack.clock.advance_ms(60_000);
    attempt().await;

    let webhooks = webhooks(stack, &key).await;
    assert_eq!(webhooks.len(), 1, "{point:?}: {webhooks:?}");
    assert_eq!(webhooks[0]["enabled"], true);
    let variant = monthly(stack, &account);
    stack.whop.buy(&account, "Ada Lovelace", &format!("ada{number}@example.com"), &variant);
    let bought: Vec<SignedDelivery> = stack.whop.take_deliveries();
    assert!(bought.iter().all(|it| it.endpoint == webhooks[0]["id"]), "{point:?}");
    assert!(!bought.is_empty());
    take_in(stack.clone(), bought.into(), Arc::default()).await;
    assert_at_rest(stack, point);
    assert_crm_equals_source(stack, &workspace.id, &account);
    crashed
}

/// How many calls it takes to connect.
async fn calls_to_connect(stack: &Arc<Stack>) -> usize {
    let workspace = stack.twenty.create_workspace("Workspace");
    let account = stack.whop.create_account("Account");
    let key = stack.whop.account_api_key(&account, Rights::All);
    let before = stack.faults.count();
    connect(stack.clone(), workspace.api_key, key).await;
    stack.faults.count() - before
}

#[tokio::test]
async fn a_crash_at_any_call_of_connecting_leaves_one_webhook_and_a_connection_that_works() {
    let stack = Arc::new(Stack::start().await);
    stack.whop.switch(|it| it.delivery = Delivery::Collect);
    calls_to_connect(&stack).await; // Keys are read from the vault once.
    let calls = calls_to_connect(&stack).await;

    let (mut call, mut tried) = (0, 0);
    loop {
        let [before, after] = Point::both(call);
        if !connected_after(&stack, tried, before).await {
            break;
        }
        assert!(connected_after(&stack, tried + 1, after).await);
        (call, tried) = (call + 1, tried + 2);
    }

    assert!(calls > 15, "{calls}");
    assert_eq!(tried, calls * 2);
    canary::assert_no_secret_seen(&stack, &[]);
}
