//! A crash before and after every call to the outside: what is begun again ends as if nothing had happened.
//!
//! The crash is a task that ends while one of its calls stands at a gate. Before the call's effect, or after it.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use sim::fault::{Fault, Gate};
use sim::twenty::Workspace;
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
            assert_eq!(self.stack.twenty.count(&self.workspace, plural), self.sold, "{plural}, {point:?}");
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
    for plural in ["people", "opportunities", "whopPayments"] {
        assert_eq!(shelf(&shop.stack, &shop.workspace, plural).len(), shop.sold, "{plural}");
    }
    canary::assert_no_secret_seen(&shop.stack, &[]);
}

/// A seller's account that is brought into one fresh workspace after the other.
struct Mirror {
    stack: Arc<Stack>,
    account: String,
    key: String,
    /// A workspace that has our fields and no records; the fresh ones are made like it.
    like: Option<Workspace>,
    made: usize,
}

/// What happened to the pages of a run.
#[derive(Default)]
struct Worked {
    pages: usize,
    crashes: usize,
}

impl Mirror {
    async fn of(members: usize) -> Self {
        let stack = Arc::new(Stack::start().await);
        stack.whop.switch(|it| it.delivery = Delivery::Collect);
        let account = stack.whop.create_account("Harbor Lights Coaching");
        stack.whop.seed(&account, members, 7);
        let key = stack.whop.account_api_key(&account, Rights::All);
        Self { stack, account, key, like: None, made: 0 }
    }

    /// The same, and the fresh workspaces have our fields already: making them is another story, and a long one.
    async fn with_schema(members: usize) -> Self {
        let mut mirror = Self::of(members).await;
        let workspace = mirror.begin().await;
        mirror.page(None).await;
        mirror.stack.aws.sqs.purge(SYNC);
        mirror.like = Some(workspace);
        mirror
    }

    /// A fresh workspace, connected, with a run that was just started.
    async fn begin(&mut self) -> Workspace {
        self.made += 1;
        self.stack.clock.advance_ms(600_000);
        let name = format!("Workspace {}", self.made);
        let workspace = match &self.like {
            Some(like) => self.stack.twenty.copy_workspace(like, &name),
            None => self.stack.twenty.create_workspace(&name),
        };
        self.stack.twenty.set_limit(&workspace, 100_000);
        let mut admin = self.stack.visitor();
        admin.connect_twenty(&self.stack.twenty.url(), &workspace.api_key).await;
        assert_eq!(admin.connect_whop(&self.key).await.status, 200);
        let start = "mutation { triggerWhopSync(kind: FULL) { run { id } } }";
        admin.graphql(start, json!({})).await;
        workspace
    }

    /// Works off the next page of a run, and once more if it crashed at this point. True if it did.
    async fn page(&self, point: Option<Point>) -> bool {
        let stack = self.stack.clone();
        let page = async move {
            pump::batch_of(&stack, 1).await;
        };
        let crashed = if let Some(point) = point {
            crash(&self.stack, point, page).await
        } else {
            page.await;
            false
        };
        if crashed {
            self.stack.clock.advance_ms(UNTIL_SEEN_AGAIN_MS);
            assert_eq!(pump::batch_of(&self.stack, 1).await, 1, "the page comes again");
        }
        self.until_visible();
        crashed
    }

    /// Works off all pages of a run; each is crashed once, at this point of its own.
    async fn run(&self, point: Point) -> Worked {
        let mut worked = Worked::default();
        while !self.stack.aws.sqs.messages(SYNC).is_empty() {
            worked.crashes += usize::from(self.page(Some(point)).await);
            worked.pages += 1;
        }
        worked
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

    /// Every link is there once for each of so many workspaces.
    fn assert_linked_once(&self, workspaces: usize) {
        let links = links(&self.stack);
        assert!(links.values().all(|copies| *copies == workspaces), "{workspaces} workspaces: {links:?}");
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
    let mut mirror = Mirror::with_schema(6).await;
    let workspace = mirror.begin().await;
    let calls = mirror.clean().await;
    assert_crm_equals_source(&mirror.stack, &workspace.id, &mirror.account);
    let clean = picture(&mirror.stack, &workspace.id);
    let people = mirror.stack.whop.members(&mirror.account).len();

    let (mut call, mut tried) = (0, 0);
    loop {
        let mut crashes = 0;
        for point in Point::both(call) {
            let workspace = mirror.begin().await;
            crashes += mirror.run(point).await.crashes;
            assert_at_rest(&mirror.stack, point);
            assert!(picture(&mirror.stack, &workspace.id) == clean, "{point:?}");
            assert_eq!(mirror.stack.twenty.count(&workspace, "people"), people, "{point:?}");
        }
        if crashes == 0 {
            break;
        }
        (call, tried) = (call + 1, tried + crashes);
    }

    assert!(calls > 50, "{calls}");
    // A page whose successor was queued before the crash queues it twice, and the second one is crashed too.
    assert!(tried >= calls * 2, "{tried} of {calls} calls");
    mirror.assert_linked_once(mirror.made - 1);
    canary::assert_no_secret_seen(&mirror.stack, &[&mirror.key]);
}

/// Our fields in a workspace: object, field and type of each, in order.
async fn fields(stack: &Stack, workspace: &Workspace) -> Vec<String> {
    let url = format!("{}/rest/metadata/objects?limit=200", stack.twenty.url());
    let answer = client().get(url).bearer_auth(&workspace.api_key).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    let objects = answer["data"].as_array().or_else(|| answer["data"]["objects"].as_array()).unwrap();
    let mut fields = Vec::new();
    for object in objects {
        for field in object["fields"].as_array().unwrap() {
            let told = json!([field["type"], field["isUnique"], field["isActive"]]);
            fields.push(format!("{}.{} {told}", object["nameSingular"], field["name"]));
        }
    }
    fields.sort();
    fields
}

#[tokio::test]
async fn a_crash_at_any_call_of_the_page_that_makes_our_fields_makes_each_of_them_once() {
    let mut mirror = Mirror::of(0).await;
    let workspace = mirror.begin().await;
    let before = mirror.stack.faults.count();
    mirror.page(None).await;
    let calls = mirror.stack.faults.count() - before;
    mirror.stack.aws.sqs.purge(SYNC);
    let clean = fields(&mirror.stack, &workspace).await;

    for call in 0..calls {
        for point in Point::both(call) {
            let workspace = mirror.begin().await;
            assert!(mirror.page(Some(point)).await, "{point:?}");
            assert_eq!(fields(&mirror.stack, &workspace).await, clean, "{point:?}");
            mirror.stack.aws.sqs.purge(SYNC);
        }
    }

    assert!(calls > 10, "{calls}");
    assert!(clean.iter().any(|field| field.contains("whopMembershipId")));
    assert_eq!(mirror.stack.aws.sqs.messages(DEAD).len(), 0);
}

/// The calls at which something else begins or ends: of a row of alike ones the first and the last.
fn turns(operations: &[String]) -> Vec<usize> {
    let other = |a: Option<&String>, b: Option<&String>| a != b;
    let at = |place: usize| operations.get(place);
    let turns =
        (0..operations.len()).filter(|&it| it == 0 || other(at(it), at(it + 1)) || other(at(it), at(it - 1)));
    turns.collect()
}

#[tokio::test]
async fn a_crash_at_every_turn_of_a_page_of_several_batches_loses_and_doubles_nothing() {
    const STAGES_BEFORE: usize = 3; // The fields, the variants, the products.
    let mut mirror = Mirror::with_schema(70).await;
    let to_members = async |mirror: &mut Mirror| {
        let workspace = mirror.begin().await;
        for _ in 0..STAGES_BEFORE {
            mirror.page(None).await;
        }
        workspace
    };
    let workspace = to_members(&mut mirror).await;
    let before = mirror.stack.faults.count();
    mirror.page(None).await;
    mirror.stack.aws.sqs.purge(SYNC);
    let calls = mirror.stack.faults.calls();
    let operations: Vec<String> = calls[before..].iter().map(|call| call.operation.clone()).collect();
    let clean = picture(&mirror.stack, &workspace.id);
    let people = mirror.stack.whop.members(&mirror.account).len();
    assert_eq!(clean["people"].len(), people);
    assert!(people > 60, "{people}");

    let turns = turns(&operations);
    for &call in &turns {
        for point in Point::both(call) {
            let workspace = to_members(&mut mirror).await;
            assert!(mirror.page(Some(point)).await, "{point:?}");
            assert!(picture(&mirror.stack, &workspace.id) == clean, "{point:?}");
            assert_eq!(mirror.stack.twenty.count(&workspace, "people"), people, "{point:?}");
            mirror.stack.aws.sqs.purge(SYNC);
        }
    }

    let upserts = operations.iter().filter(|it| it.contains("batch/people")).count();
    assert!(upserts >= 2, "{operations:?}");
    assert!(turns.len() > 8, "{operations:?}");
    assert_eq!(mirror.stack.aws.sqs.messages(DEAD).len(), 0);
    mirror.assert_linked_once(mirror.made - 1);
}

/// What the user does to connect: both forms of the settings page.
async fn connect(stack: Arc<Stack>, twenty_key: String, whop_key: String) {
    let mut admin = stack.visitor();
    let signed_in = admin.connect_twenty(&stack.twenty.url(), &twenty_key).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.json());
    let connected = admin.connect_whop(&whop_key).await;
    assert_eq!(connected.status, 200, "{}", connected.json());
}

/// A client for the stand-ins: they are on loopback without TLS, and reading the machine's certificates is slow.
fn client() -> reqwest::Client {
    reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap()
}

/// The webhooks that Whop shows.
async fn webhooks(stack: &Stack, key: &str) -> Vec<Value> {
    let listed = client().get(format!("{}/api/v1/webhooks", stack.whop.url())).bearer_auth(key);
    let listed: Value = listed.send().await.unwrap().json().await.unwrap();
    listed["data"].as_array().unwrap().clone()
}

/// Connects a new workspace, made like this one, with a new account, with a crash; the user then does it again.
/// False if the point was not reached.
async fn connected_after(stack: &Arc<Stack>, like: &Workspace, number: usize, point: Point) -> bool {
    stack.clock.advance_ms(600_000);
    let workspace = stack.twenty.copy_workspace(like, &format!("Workspace {number}"));
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

/// A workspace that has our fields and no records: what is connected like it need not wait for them.
async fn furnished(stack: &Stack) -> Workspace {
    let mut shop = connected(stack, 0).await;
    shop.admin.sync("FULL").await;
    shop.workspace
}

#[tokio::test]
async fn a_crash_at_any_call_of_connecting_leaves_one_webhook_and_a_connection_that_works() {
    let stack = Arc::new(Stack::start().await);
    stack.whop.switch(|it| it.delivery = Delivery::Collect);
    calls_to_connect(&stack).await; // Keys are read from the vault once.
    let like = furnished(&stack).await;
    let calls = calls_to_connect(&stack).await;

    let (mut call, mut tried) = (0, 0);
    loop {
        let [before, after] = Point::both(call);
        if !connected_after(&stack, &like, tried, before).await {
            break;
        }
        assert!(connected_after(&stack, &like, tried + 1, after).await);
        (call, tried) = (call + 1, tried + 2);
    }

    assert!(calls > 15, "{calls}");
    assert_eq!(tried, calls * 2);
    canary::assert_no_secret_seen(&stack, &[]);
}
