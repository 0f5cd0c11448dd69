//! Both sides are connected in a minute, and whatever is wrong is said with what to do about it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};
use sim::fault::Fault;
use sim::twenty::Role;
use sim::whop::{Delivery, Rights, SignedDelivery, VERSION};
use stack::fixtures::Shop;
use stack::gateway::answer;
use stack::{Ask, Stack, Visitor, pump};

use crate::story::{assert_well, monthly, open_shop, status};

/// A signed-in admin, and an account to connect.
async fn signed_in(stack: &Stack) -> Shop<'_> {
    let workspace = stack.twenty.create_workspace("Harbor Lights");
    let account = stack.whop.create_account("Harbor Lights Coaching");
    let whop_key = stack.whop.account_api_key(&account, Rights::All);
    let mut admin = stack.visitor();
    let answer = admin.connect_twenty(&stack.twenty.url(), &workspace.api_key).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    Shop { workspace, account, whop_key, admin }
}

/// An address where a web page is.
fn a_web_site() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let page = "<!doctype html><title>Welcome</title>";
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length:";
            drop(stream.read(&mut [0; 4_096]));
            drop(write!(stream, "{head} {}\r\n\r\n{page}", page.len()));
        }
    });
    url
}

fn an_address_without_anybody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn a_wrong_address_or_key_of_twenty_is_told_with_what_to_do() {
    let stack = Stack::start().await;
    let workspace = stack.twenty.create_workspace("Harbor Lights");
    let minute = stack.clock.now_ms() + 60_000;
    let expired = stack.twenty.issue_key_until(&workspace, Role::Admin, minute);
    let revoked = stack.twenty.issue_key(&workspace, Role::Admin);
    stack.twenty.revoke_key(&revoked);
    let foreign = sim::twenty::Twenty::start(stack.clock.clone(), &stack.faults, 0).await;
    let elsewhere = foreign.create_workspace("Elsewhere").api_key;
    stack.advance(Duration::from_secs(61));
    let (server, key) = (stack.twenty.url(), workspace.api_key.as_str());
    let cases = [
        ("not an address", key, 400, "Give the address of your Twenty server"),
        (&an_address_without_anybody(), key, 503, "does not answer"),
        (&a_web_site(), key, 503, "not a Twenty server's API"),
        ("https://me:pass@crm.example.com", key, 400, "user name and password"),
        (&server, "hello", 400, "Settings → APIs & Webhooks"),
        (&server, &expired, 400, "Make a new one in Twenty"),
        (&server, &revoked, 409, "was revoked. Make a new one"),
        (&server, &elsewhere, 409, "does not know this API key. Make one"),
    ];

    for (url, key, code, advice) in cases {
        let mut visitor = stack.visitor();
        let answer = visitor.connect_twenty(url, key).await;

        let said = answer.json()["message"].as_str().unwrap().to_owned();
        assert_eq!(answer.status, code, "{url}: {said}");
        assert!(said.contains(advice), "{url}: {said}");
        assert!(answer.header("set-cookie").is_none(), "{url}");
    }
}

#[tokio::test]
async fn a_key_of_twenty_without_the_rights_is_told_which_one_it_lacks() {
    for (role, right) in [(Role::RecordsOnly, "Data model"), (Role::ReadOnly, "Data model")] {
        let stack = Stack::start().await;
        let mut shop = signed_in(&stack).await;
        let weak = stack.twenty.issue_key(&shop.workspace, role);
        shop.admin.connect_twenty(&stack.twenty.url(), &weak).await;
        shop.admin.connect_whop(&shop.whop_key.clone()).await;

        let run = shop.admin.sync("FULL").await;
        shop.admin.connect_twenty(&stack.twenty.url(), &shop.workspace.api_key.clone()).await;
        let mended = shop.admin.sync("FULL").await;

        assert_eq!(run["state"], "FAILED", "{run}");
        let reason = run["reason"].as_str().unwrap();
        assert!(reason.contains(right) && reason.contains("Settings → Roles"), "{reason}");
        assert_well(&mended);
    }
}

#[tokio::test]
async fn a_key_that_twenty_drops_later_is_told_and_replaced_without_loss() {
    let stack = Stack::start().await;
    let mut shop = open_shop(&stack).await;
    let variant = monthly(&stack, &shop.account, "Gym");
    assert_well(&shop.admin.sync("FULL").await);
    stack.twenty.revoke_key(&shop.workspace.api_key);
    stack.whop.buy(&shop.account, "Ada", "ada@example.com", &variant);

    let run = shop.admin.sync("FULL").await;
    let warned = status(&mut shop.admin).await;
    let fresh = stack.twenty.issue_key(&shop.workspace, Role::Admin);
    shop.admin.connect_twenty(&stack.twenty.url(), &fresh).await;
    let mended = shop.admin.sync("FULL").await;

    assert_eq!(run["state"], "FAILED", "{run}");
    assert!(warned["warnings"].to_string().contains("Give a new one"), "{warned}");
    assert_well(&mended);
    assert_eq!(stack.twenty.count(&shop.workspace, "people"), 1);
}

#[tokio::test]
async fn the_workflow_that_would_run_for_everybody_is_warned_of_before_the_first_import() {
    let stack = Stack::start().await;
    let mut shop = open_shop(&stack).await;

    let before = status(&mut shop.admin).await;
    stack.twenty.deactivate_workflow(&shop.workspace);
    shop.admin.sync("FULL").await;
    let after = status(&mut shop.admin).await;

    let warnings = before["warnings"].to_string();
    assert!(warnings.contains("Create company") && warnings.contains("Deactivate it"), "{warnings}");
    assert_eq!(after["warnings"], json!([]));
}

#[tokio::test]
async fn an_accounts_key_connects_and_goes_live_in_our_version() {
    let stack = Stack::start().await;
    let mut shop = signed_in(&stack).await;
    let variant = monthly(&stack, &shop.account, "Gym");

    let refused = shop.admin.connect_whop("apik_wrong").await;
    let joined = shop.admin.connect_whop(&shop.whop_key.clone()).await;
    let live = status(&mut shop.admin).await;
    stack.whop.buy(&shop.account, "Ada", "ada@example.com", &variant);
    stack.whop.deliver_due().await;
    pump::drain(&stack).await;

    assert_eq!(refused.status, 400);
    assert!(refused.json()["message"].as_str().unwrap().contains("Copy it again"), "{}", refused.json());
    assert_eq!(joined.json()["account"]["id"], shop.account);
    assert_eq!((&live["live"], &live["missingPermissions"]), (&json!("WEBHOOK"), &json!([])));
    assert_eq!(stack.twenty.count(&shop.workspace, "people"), 1);
    let pins: Vec<Value> =
        hooks(&stack, &shop.whop_key).await.iter().map(|it| it["api_version_date"].clone()).collect();
    assert_eq!(pins, [json!(VERSION)]);
    assert_eq!((stack.whop.flaws(), stack.whop.calls_not_understood()), (vec![], vec![]));
}

/// The webhooks that a key sees.
async fn hooks(stack: &Stack, key: &str) -> Vec<Value> {
    let url = format!("{}/api/v1/webhooks", stack.whop.url());
    let client = reqwest::Client::builder().build().unwrap();
    let request = client.get(url).bearer_auth(key).header("api-version-date", VERSION);
    let answer: Value = serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap();
    answer["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_apps_key_connects_an_account_that_installed_it_with_the_apps_own_webhook() {
    let stack = Stack::start().await;
    let mut shop = signed_in(&stack).await;
    let variant = monthly(&stack, &shop.account, "Gym");
    let app = stack.whop.register_app(&[]);
    let key = stack.whop.app_api_key(&app.client_id, Rights::All);
    let offer = |account: Option<&str>| {
        let body = json!({ "key": key, "app": app.client_id, "account": account });
        Ask::new("POST", "/connect/whop").json(&body)
    };

    let unnamed = shop.admin.send(offer(None)).await;
    let uninstalled = shop.admin.send(offer(Some(&shop.account.clone()))).await;
    stack.whop.install_app(&app.client_id, &shop.account);
    let joined = shop.admin.send(offer(Some(&shop.account.clone()))).await;
    stack.whop.buy(&shop.account, "Ada", "ada@example.com", &variant);
    stack.whop.deliver_due().await;
    pump::drain(&stack).await;

    assert!(unnamed.json()["message"].as_str().unwrap().contains("biz_"), "{}", unnamed.json());
    assert_eq!(uninstalled.status, 400, "{}", uninstalled.json());
    assert_eq!(joined.status, 200, "{}", joined.json());
    assert_eq!(status(&mut shop.admin).await["live"], "WEBHOOK");
    assert_eq!(hooks(&stack, &key).await[0]["resource_id"], app.client_id);
    assert_eq!(stack.twenty.count(&shop.workspace, "people"), 1);
    assert_well(&shop.admin.sync("FULL").await);
    assert_eq!(stack.whop.flaws(), Vec::<String>::new());
}

#[tokio::test]
async fn what_a_key_may_not_read_is_told_because_whop_only_shows_less() {
    let stack = Stack::start().await;
    let mut shop = signed_in(&stack).await;
    let rights = ["member:basic:read", "access_pass:basic:read", "plan:basic:read", "payment:basic:read"];
    let weak = stack.whop.account_api_key(&shop.account, Rights::only(&rights));

    shop.admin.connect_whop(&weak).await;
    let told = status(&mut shop.admin).await;
    shop.admin.connect_whop(&shop.whop_key.clone()).await;
    let mended = status(&mut shop.admin).await;

    let missing = json!(["member:email:read", "member:phone:read", "payment:dispute:read"]);
    assert_eq!((&told["missingPermissions"], &told["live"]), (&missing, &json!("POLLING")));
    assert!(told["liveAdvice"].as_str().unwrap().contains("developer:manage_webhook"), "{told}");
    assert_eq!((&mended["missingPermissions"], &mended["live"]), (&json!([]), &json!("WEBHOOK")));
}

/// Leaves for a consent; answers with Whop's address.
async fn depart(admin: &mut Visitor<'_>, account: Option<&str>) -> String {
    let query = account.map(|account| format!("?account={account}")).unwrap_or_default();
    let departure = admin.send(Ask::new("GET", &format!("/connect/whop/oauth{query}"))).await;
    departure.header("location").unwrap().to_owned()
}

/// Presses a button of the consent page, or takes the short cut that Whop gives; answers with our path that the
/// browser is sent back to.
async fn decide(stack: &Stack, url: &str, decision: &str) -> String {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let mut answer = client.get(url).send().await.unwrap();
    if answer.status() == 200 {
        let page = answer.text().await.unwrap();
        let ticket = page.split("name=\"ticket\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let body = format!("ticket={ticket}&decision={decision}");
        let consent = client.post(format!("{}/oauth/consent", stack.whop.url()));
        let form = consent.header("content-type", "application/x-www-form-urlencoded").body(body);
        answer = form.send().await.unwrap();
    }
    let back = answer.headers()["location"].to_str().unwrap();
    back.strip_prefix(&stack.url).unwrap().to_owned()
}

async fn arrive(admin: &mut Visitor<'_>, path: &str) -> String {
    let answer = admin.send(Ask::new("GET", path)).await;
    answer.header("location").unwrap().split_once("/?").unwrap().1.to_owned()
}

#[tokio::test]
async fn a_consent_polls_until_a_key_or_a_webhook_by_hand_makes_it_live() {
    let stack = Stack::start().await;
    stack.whop.switch(|it| it.auto_consent = true);
    let mut shop = signed_in(&stack).await;
    let variant = monthly(&stack, &shop.account, "Gym");
    shop.admin.consent(None).await;

    let polling = status(&mut shop.admin).await;
    let weak = stack.whop.account_api_key(&shop.account, Rights::only(&["member:basic:read"]));
    let by_key = "mutation($k: String!) { makeLiveByKey(key: $k) { live } }";
    let refused = shop.admin.ask_graphql(by_key, json!({ "k": weak })).await;
    let live = shop.admin.graphql(by_key, json!({ "k": shop.whop_key })).await;
    stack.whop.buy(&shop.account, "Ada", "ada@example.com", &variant);
    stack.whop.deliver_due().await;
    pump::drain(&stack).await;

    assert_eq!((&polling["live"], &polling["isConnected"]), (&json!("POLLING"), &json!(true)));
    assert!(polling["liveAdvice"].as_str().unwrap().contains("Add an API key"), "{polling}");
    assert!(
        refused["errors"][0]["message"].as_str().unwrap().contains("developer:manage_webhook"),
        "{refused}"
    );
    assert_eq!(live["makeLiveByKey"]["live"], "WEBHOOK");
    assert_eq!(stack.twenty.count(&shop.workspace, "people"), 1);
    assert_eq!(stack.whop.flaws(), Vec::<String>::new());
}

#[tokio::test]
async fn a_webhook_made_by_hand_makes_a_consent_live() {
    let stack = Stack::start().await;
    stack.whop.switch(|it| it.auto_consent = true);
    let mut shop = signed_in(&stack).await;
    let variant = monthly(&stack, &shop.account, "Gym");
    shop.admin.consent(None).await;

    let url =
        shop.admin.graphql("mutation { webhookUrlForHand }", json!({})).await["webhookUrlForHand"].clone();
    let body = json!({ "url": url, "events": ["membership.activated", "member.created"], "resource_id": shop.account });
    let client = reqwest::Client::builder().build().unwrap();
    let request = client.post(format!("{}/api/v1/webhooks", stack.whop.url())).bearer_auth(&shop.whop_key);
    let request = request.header("content-type", "application/json").header("api-version-date", VERSION);
    let made: Value =
        serde_json::from_str(&request.body(body.to_string()).send().await.unwrap().text().await.unwrap())
            .unwrap();
    let by_hand = "mutation($s: String!) { makeLiveByHand(secret: $s) { live webhookUrl } }";
    let short = shop.admin.ask_graphql(by_hand, json!({ "s": "ws_" })).await;
    let live = shop.admin.graphql(by_hand, json!({ "s": made["webhook_secret"] })).await;
    stack.whop.buy(&shop.account, "Ada", "ada@example.com", &variant);
    stack.whop.deliver_due().await;
    pump::drain(&stack).await;

    assert!(short["errors"][0]["message"].as_str().unwrap().contains("Copy it whole"), "{short}");
    assert_eq!(live["makeLiveByHand"], json!({ "live": "WEBHOOK_BY_HAND", "webhookUrl": url }));
    assert_eq!(stack.twenty.count(&shop.workspace, "people"), 1);
}

/// The webhooks that Whop shows to a key.
async fn webhooks(stack: &Stack, key: &str) -> Vec<Value> {
    let client = reqwest::Client::builder().build().unwrap();
    let listed = client.get(format!("{}/api/v1/webhooks", stack.whop.url())).bearer_auth(key);
    let listed: Value = serde_json::from_str(&listed.send().await.unwrap().text().await.unwrap()).unwrap();
    listed["data"].as_array().unwrap().clone()
}

const BY_HAND: &str = "mutation { makeLiveByHand(secret: \"ws_0123456789abcdef0123456789abcdef\") \
    { live liveAdvice } }";

#[tokio::test]
async fn a_webhook_made_by_hand_takes_the_place_of_ours_at_whop_too() {
    let stack = Stack::start().await;
    let mut shop = signed_in(&stack).await;
    shop.admin.connect_whop(&shop.whop_key.clone()).await;
    assert_eq!(webhooks(&stack, &shop.whop_key).await.len(), 1);

    let live = shop.admin.graphql(BY_HAND, json!({})).await;

    assert_eq!(live["makeLiveByHand"], json!({ "live": "WEBHOOK_BY_HAND", "liveAdvice": null }));
    assert_eq!(webhooks(&stack, &shop.whop_key).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_webhook_that_may_not_be_removed_is_named_until_it_can_be() {
    let stack = Stack::start().await;
    stack.whop.switch(|it| it.auto_consent = true);
    let mut shop = signed_in(&stack).await;
    shop.admin.consent(None).await;
    let by_key = "mutation($k: String!) { makeLiveByKey(key: $k) { live } }";
    shop.admin.graphql(by_key, json!({ "k": shop.whop_key })).await;
    let ours = webhooks(&stack, &shop.whop_key).await;

    let live = shop.admin.graphql(BY_HAND, json!({})).await;

    let advice = live["makeLiveByHand"]["liveAdvice"].as_str().unwrap();
    assert!(advice.contains(ours[0]["id"].as_str().unwrap()), "{advice}");
    assert_eq!(webhooks(&stack, &shop.whop_key).await.len(), 1);
    shop.admin.connect_whop(&shop.whop_key.clone()).await;
    let live = shop.admin.graphql(BY_HAND, json!({})).await;
    assert_eq!(live["makeLiveByHand"]["liveAdvice"], Value::Null);
    assert_eq!(webhooks(&stack, &shop.whop_key).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_consent_comes_back_once_in_time_and_to_the_browser_that_began_it() {
    let stack = Stack::start().await;
    stack.whop.switch(|it| it.auto_consent = true);
    let mut shop = signed_in(&stack).await;

    let away = depart(&mut shop.admin, None).await;
    let first = decide(&stack, &away, "allow").await;
    let mut thief = stack.visitor();
    let stolen = arrive(&mut thief, &first).await;
    let away = depart(&mut shop.admin, None).await;
    let second = decide(&stack, &away, "allow").await;
    stack.advance(Duration::from_secs(601));
    let late = arrive(&mut shop.admin, &second).await;
    let away = depart(&mut shop.admin, None).await;
    let third = decide(&stack, &away, "allow").await;
    let other = arrive(&mut shop.admin, &third.replace("state=", "state=0")).await;
    let connected_before = status(&mut shop.admin).await["isConnected"].clone();
    let taken = arrive(&mut shop.admin, &third).await;
    let again = arrive(&mut shop.admin, &third).await;

    assert_eq!([stolen, late, other, again], ["error=expired"; 4].map(str::to_owned));
    assert_eq!((connected_before, taken.as_str()), (json!(false), "connected=whop"));
    assert_eq!(status(&mut shop.admin).await["isConnected"], true);
}

#[tokio::test]
async fn who_was_signed_out_meanwhile_is_led_to_the_page_that_says_so() {
    let stack = Stack::start().await;
    stack.whop.switch(|it| it.auto_consent = true);
    let mut shop = signed_in(&stack).await;
    let began = depart(&mut shop.admin, None).await;
    let back = decide(&stack, &began, "allow").await;
    stack.advance(Duration::from_hours(13));

    let departed = depart(&mut shop.admin, None).await;
    let stranger = depart(&mut stack.visitor(), Some("biz_1")).await;
    let arrived = arrive(&mut shop.admin, &back).await;
    shop.admin.connect_twenty(&stack.twenty.url(), &shop.workspace.api_key.clone()).await;
    let damaged = depart(&mut shop.admin, Some("biz!1")).await;
    let again = depart(&mut shop.admin, None).await;

    let page = |reason: &str| format!("{}/?error={reason}", stack.url);
    assert_eq!([departed, stranger], [page("signed-out"), page("signed-out")]);
    assert_eq!(arrived, "error=expired");
    assert_eq!(damaged, page("unavailable"));
    assert!(again.starts_with(&stack.whop.url()), "{again}");
    let script = stack.visitor().send(Ask::new("GET", "/settings/settings.js")).await;
    let script = String::from_utf8(script.body).unwrap();
    assert!(["\"signed-out\": ", "unavailable: "].iter().all(|reason| script.contains(reason)));
}

/// The line is cut once, after Whop's token endpoint took effect; the pair that it gave is lost.
fn lose_a_pair(stack: &Stack) {
    let mut lost = false;
    stack.faults.plan(move |call| {
        let hit = !lost && call.operation == "POST /oauth/token";
        lost |= hit;
        if hit { Fault::CutAfter } else { Fault::Pass }
    });
}

#[tokio::test]
async fn a_pair_that_is_lost_on_its_way_from_whop_is_told_and_mended_by_trying_again() {
    let stack = Stack::start().await;
    stack.whop.switch(|it| it.auto_consent = true);
    let mut shop = signed_in(&stack).await;

    let away = depart(&mut shop.admin, None).await;
    let back = decide(&stack, &away, "allow").await;
    lose_a_pair(&stack);
    let lost = arrive(&mut shop.admin, &back).await;
    let between = status(&mut shop.admin).await;
    let again = shop.admin.consent(None).await;

    assert_eq!((lost.as_str(), &between["health"]), ("error=failed", &json!("NOT_CONNECTED")));
    assert!(again.header("location").unwrap().ends_with("/?connected=whop"), "{again:?}");
    assert_well(&shop.admin.sync("FULL").await);
}

#[tokio::test]
async fn who_says_no_at_whop_is_told_so_and_can_say_yes_later() {
    let stack = Stack::start().await;
    let mut shop = signed_in(&stack).await;

    let away = depart(&mut shop.admin, None).await;
    let no = decide(&stack, &away, "deny").await;
    let denied = arrive(&mut shop.admin, &no).await;
    let still = status(&mut shop.admin).await["health"].clone();
    let away = depart(&mut shop.admin, None).await;
    let yes = decide(&stack, &away, "allow").await;
    let account = arrive(&mut shop.admin, &yes).await;

    assert_eq!((denied.as_str(), still), ("error=denied", json!("NOT_CONNECTED")));
    assert_eq!(account, "connected=whop");
}

#[tokio::test]
async fn who_manages_several_accounts_chooses_one_and_the_choice_is_kept_at_every_refresh() {
    let stack = Stack::start().await;
    let mut shop = signed_in(&stack).await;
    let second = stack.whop.create_account("Tide Pool");

    let away = depart(&mut shop.admin, None).await;
    let open = decide(&stack, &away, "allow").await;
    let choose = arrive(&mut shop.admin, &open).await;
    let away = depart(&mut shop.admin, Some(&second)).await;
    let bound = decide(&stack, &away, "allow").await;
    let connected = arrive(&mut shop.admin, &bound).await;
    stack.advance(Duration::from_hours(1));
    let run = shop.admin.sync("FULL").await;

    assert!(choose.starts_with("error=choose&accounts="), "{choose}");
    assert!(choose.contains(&shop.account) && choose.contains(&second), "{choose}");
    assert_eq!(connected, "connected=whop");
    assert_eq!(status(&mut shop.admin).await["accountId"], second);
    assert_well(&run);
    assert_eq!((stack.whop.refreshes(), stack.whop.families_revoked()), (1, 0));
}

/// Posts a delivery as it was signed.
async fn post(stack: &Stack, delivery: &SignedDelivery) -> u16 {
    let mut ask = Ask::new("POST", delivery.url.strip_prefix(&stack.url).unwrap());
    ask.headers.clone_from(&delivery.headers);
    ask.body = delivery.body.to_vec();
    answer(stack.app, &ask).await.status
}

#[tokio::test]
async fn after_a_rotation_both_secrets_are_good_for_what_is_on_its_way() {
    let stack = Stack::start().await;
    stack.whop.switch(|it| it.delivery = Delivery::Collect);
    let mut shop = open_shop(&stack).await;
    let variant = monthly(&stack, &shop.account, "Gym");
    stack.whop.take_deliveries();
    stack.whop.buy(&shop.account, "Ada", "ada@example.com", &variant);
    let under_way = stack.whop.take_deliveries();

    let rotated = shop.admin.graphql("mutation { rotateWebhook { live } }", json!({})).await;
    stack.whop.buy(&shop.account, "Bob", "bob@example.com", &variant);
    let fresh = stack.whop.take_deliveries();
    stack.advance(Duration::from_secs(61)); // So long an endpoint's secrets are remembered; Whop repeats until then.
    let mut codes = Vec::new();
    for delivery in under_way.iter().chain(&fresh) {
        codes.push(post(&stack, &stack.whop.sign_again(delivery)).await);
    }
    pump::drain(&stack).await;

    assert_eq!(rotated["rotateWebhook"]["live"], "WEBHOOK");
    assert!(!under_way.is_empty() && !fresh.is_empty());
    assert_ne!(under_way[0].endpoint, fresh[0].endpoint);
    assert!(codes.iter().all(|code| (200..300).contains(code)), "{codes:?}");
    assert_eq!(stack.twenty.count(&shop.workspace, "people"), 2);
    assert_eq!(hooks(&stack, &shop.whop_key).await.len(), 1);
}

#[tokio::test]
async fn an_account_that_is_connected_again_stays_live() {
    let stack = Stack::start().await;
    let mut shop = open_shop(&stack).await;
    let variant = monthly(&stack, &shop.account, "Gym");

    shop.admin.connect_whop(&shop.whop_key.clone()).await;
    stack.whop.buy(&shop.account, "Ada", "ada@example.com", &variant);
    stack.whop.deliver_due().await;
    pump::drain(&stack).await;

    assert_eq!(hooks(&stack, &shop.whop_key).await.len(), 1);
    assert_eq!(stack.twenty.count(&shop.workspace, "people"), 1);
}

#[tokio::test]
async fn to_disconnect_removes_the_webhook_and_to_come_back_doubles_nobody() {
    let stack = Stack::start().await;
    let mut shop = stack::fixtures::connected(&stack, 12).await;
    assert_well(&shop.admin.sync("FULL").await);
    let people = stack.twenty.count(&shop.workspace, "people");
    let deals = stack.twenty.count(&shop.workspace, "opportunities");

    let gone = shop.admin.graphql("mutation { disconnectWhop { isConnected health } }", json!({})).await;
    let left = hooks(&stack, &shop.whop_key).await;
    let refused = shop.admin.ask_graphql("mutation { triggerWhopSync { run { id } } }", json!({})).await;
    pump::schedule(&stack, "full");
    pump::drain(&stack).await;
    shop.admin.connect_whop(&shop.whop_key.clone()).await;
    let run = shop.admin.sync("FULL").await;

    assert_eq!(gone["disconnectWhop"], json!({ "isConnected": false, "health": "NOT_CONNECTED" }));
    assert_eq!(left, Vec::<Value>::new());
    assert!(refused["errors"][0]["message"].as_str().unwrap().contains("Connect Whop"), "{refused}");
    assert_well(&run);
    assert_eq!(stack.twenty.count(&shop.workspace, "people"), people);
    assert_eq!(stack.twenty.count(&shop.workspace, "opportunities"), deals);
}

#[tokio::test]
async fn to_disconnect_gives_a_consent_back() {
    let stack = Stack::start().await;
    stack.whop.switch(|it| it.auto_consent = true);
    let mut shop = signed_in(&stack).await;
    shop.admin.consent(None).await;

    shop.admin.graphql("mutation { disconnectWhop { isConnected } }", json!({})).await;

    let calls = stack.faults.calls();
    assert!(calls.iter().any(|call| call.operation == "POST /oauth/revoke"));
    assert!(!stack.aws.dynamodb.dump().iter().any(|item| item.to_string().contains("\"GRANT")));
    assert_eq!(status(&mut shop.admin).await["health"], "NOT_CONNECTED");
}
