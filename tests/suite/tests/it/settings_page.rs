//! The settings page in a real browser: everything can be done with the keyboard, on any width, and every
//! refusal says what to do. On a machine without a browser these stories pass without having been told.

use std::sync::Arc;

use serde_json::json;
use sim::clock::Clock;
use sim::twenty::Workspace;
use sim::whop::Rights;
use stack::{Options, Stack, run_forever};

use crate::browser::{Browser, ENTER, ESCAPE};

/// Enough that the budget is not what a page waits for.
const CALLS_PER_MINUTE: u32 = 6_000;

struct Scene {
    browser: Browser,
    stack: Arc<Stack>,
    workspace: Workspace,
    account: String,
}

impl Scene {
    /// A seller with some members, and a browser on the page.
    async fn open() -> Option<Self> {
        let browser = Browser::open().await?;
        let options =
            Options { clock: Clock::system(), calls_per_minute: CALLS_PER_MINUTE, ..Options::default() };
        let stack = Arc::new(Stack::with(options).await);
        run_forever(&stack);
        let workspace = stack.twenty.create_workspace("Harbor Lights");
        stack.twenty.set_limit(&workspace, CALLS_PER_MINUTE.into());
        let account = stack.whop.create_account("Harbor Lights Coaching");
        stack.whop.seed(&account, 40, 7);
        browser.go(&stack.url).await;
        Some(Self { browser, stack, workspace, account })
    }

    async fn offer_twenty(&self, key: &str) {
        self.browser.tab_to("#twenty-url").await;
        self.browser.keys(&self.stack.twenty.url()).await;
        self.browser.tab_to("#twenty-key").await;
        self.browser.keys(key).await;
        self.browser.keys(ENTER).await;
    }

    async fn sign_in(&self) {
        self.offer_twenty(&self.workspace.api_key).await;
        self.browser.until_shows("connect-whop", "Connect Whop").await;
    }

    async fn connect_by_key(&self) {
        self.browser.tab_to("#account-key").await;
        self.browser.keys(&self.stack.whop.account_api_key(&self.account, Rights::All)).await;
        self.browser.keys(ENTER).await;
        self.browser.until_shows("status", "Live, within seconds").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_connects_both_sides_and_watches_the_first_sync_with_the_keyboard_alone() {
    let Some(Scene { browser, stack, workspace, account }) = signed_in().await else {
        return;
    };

    browser.tab_to("#whop-oauth").await;
    browser.keys(ENTER).await;
    browser.tab_to("button[value=allow]").await;
    browser.keys(ENTER).await;
    browser.until_shows("said", "Whop is connected.").await;
    browser.until_shows("status", "Every 15 minutes").await;
    browser.tab_to("#sync-now").await;
    browser.keys(ENTER).await;
    browser.until_shows("said", "First sync finished").await;

    assert_eq!(stack.twenty.count(&workspace, "people"), stack.whop.members(&account).len());
    browser.tab_to("#run-list summary").await;
    browser.keys(ENTER).await;
    browser.until_shows("run-list", "The receipt balances").await;
}

async fn signed_in() -> Option<Scene> {
    let scene = Scene::open().await?;
    scene.sign_in().await;
    Some(scene)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_key_is_told_beside_the_form_and_a_declined_consent_on_the_page() {
    let Some(scene) = Scene::open().await else { return };
    let browser = &scene.browser;

    scene.offer_twenty("not-a-key").await;

    browser.until("document.querySelector('#twenty-form .error:not(:empty)')").await;
    assert_eq!(browser.focus().await, "twenty-url");
    browser.value("document.getElementById('twenty-form').reset()").await;
    scene.sign_in().await;

    browser.tab_to("#whop-oauth").await;
    browser.keys(ENTER).await;
    browser.tab_to("button[value=deny]").await;
    browser.keys(ENTER).await;

    browser.until_shows("alert", "Try again and choose Allow").await;
    assert_eq!(browser.value("location.search").await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn disconnecting_asks_first_and_escape_keeps_the_connection() {
    let Some(scene) = signed_in().await else { return };
    let browser = &scene.browser;
    scene.connect_by_key().await;

    browser.tab_to("#disconnect").await;
    browser.keys(ENTER).await;
    browser.until("document.getElementById('confirm').open").await;
    browser.keys(ESCAPE).await;

    browser.until("!document.getElementById('confirm').open").await;
    assert_eq!(browser.focus().await, "disconnect");
    assert!(browser.text("status").await.contains("Connected"));

    browser.keys(ENTER).await;
    browser.until("document.getElementById('confirm').open").await;
    browser.tab_to("#confirm-yes").await;
    browser.keys(ENTER).await;

    browser.until_shows("said", "Whop was disconnected.").await;
    assert_eq!(browser.focus().await, "connect-whop-title");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_once_and_works() {
    let Some(scene) = signed_in().await else { return };
    let browser = &scene.browser;
    scene.connect_by_key().await;

    browser.tab_to("#tokens summary").await;
    browser.keys(ENTER).await;
    browser.tab_to("#token-name").await;
    browser.keys("Reporting").await;
    browser.keys(ENTER).await;
    browser.until("document.getElementById('new-token-text').textContent").await;

    let token = browser.text("new-token-text").await;
    let asked = reqwest::Client::builder()
        .build()
        .unwrap()
        .post(format!("{}/graphql", scene.stack.url))
        .bearer_auth(&token);
    let answer = asked.json(&json!({ "query": "{ workspace { name } }" })).send().await.unwrap();
    let answer: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(answer["data"]["workspace"]["name"], "Harbor Lights", "{answer}");
    browser.go(&scene.stack.url).await;
    browser.until_shows("status", "Connected").await;
    assert_eq!(browser.text("new-token-text").await, "");
}

async fn offer_dollars(browser: &Browser, dollars: &str) {
    browser.tab_to("#ai-usd").await;
    browser.value("document.activeElement.select()").await;
    browser.keys(dollars).await;
    browser.keys(ENTER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_models_may_spend_and_do_is_seen_and_steered_with_the_keyboard() {
    let Some(scene) = signed_in().await else { return };
    let browser = &scene.browser;
    scene.connect_by_key().await;
    let mut program = scene.stack.visitor();
    let joined = program.connect_twenty(&scene.stack.twenty.url(), &scene.workspace.api_key).await;
    assert_eq!(joined.status, 200, "{}", joined.json());
    let ask = "mutation { aiGenerateText(input: { instruction: \"A welcome.\" }) { about { costUsd } } }";
    program.graphql(ask, json!({})).await;
    browser.go(&scene.stack.url).await;
    browser.until_shows("ai", "1 call.").await;

    browser.tab_to("#ai-nightly").await;
    browser.keys(" ").await;
    browser.until_shows("said", "On: Score everybody at night.").await;
    assert_eq!(browser.focus().await, "ai-nightly");
    browser.tab_to("#ai-choices summary").await;
    browser.keys(ENTER).await;
    offer_dollars(browser, "two").await;
    browser.until_shows("ai-form-error", "please write dollars like 2.50").await;
    offer_dollars(browser, "0").await;
    browser.until_shows("said", "The daily budget was saved.").await;
    browser.until_shows("ai", "Today's budget is spent").await;
    browser.tab_to("#ai-calls summary").await;
    browser.keys(ENTER).await;
    browser.until_shows("ai-call-list", "Answered").await;

    let chosen = "{ aiSettings { daily { usd } keepTexts automations { nightly writeNote } } }";
    let chosen = program.graphql(chosen, json!({})).await["aiSettings"].clone();
    let expected = json!({ "daily": { "usd": "0.000000000" }, "keepTexts": false,
        "automations": { "nightly": true, "writeNote": false } });
    assert_eq!(chosen, expected);
    browser.go(&scene.stack.url).await;
    browser.until("document.getElementById('ai-nightly').checked").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_for_contracts_is_given_with_the_keyboard_and_a_wrong_key_is_told_beside_the_form() {
    let Some(scene) = signed_in().await else { return };
    let browser = &scene.browser;
    scene.connect_by_key().await;

    browser.tab_to("#esign-account summary").await;
    browser.keys(ENTER).await;
    browser.tab_to("#esign-provider").await;
    browser.keys("Drop").await;
    browser.tab_to("#dropbox-key").await;
    browser.keys("not-a-key").await;
    browser.keys(ENTER).await;
    browser.until_shows("esign-form-error", "Dropbox Sign does not accept the account's keys").await;
    browser.value("document.getElementById('dropbox-key').select()").await;
    browser.tab_to("#dropbox-key").await;
    browser.keys(&scene.stack.esign.dropbox_sign().credentials().api_key).await;
    browser.keys(ENTER).await;

    browser.until_shows("said", "Dropbox Sign was saved.").await;
    assert_eq!(browser.focus().await, "contracts-title");
    browser.until_shows("esign-accounts", "/webhooks/dropbox_sign/").await;
    assert_eq!(browser.value("document.getElementById('contract-provider').value").await, "DROPBOX_SIGN");
    assert_eq!(browser.value("document.getElementById('dropbox-key').value").await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_reaches_over_the_edge_of_a_screen_of_320_pixels() {
    let Some(scene) = Scene::open().await else { return };
    let browser = &scene.browser;
    browser.width(320).await;

    browser.until_shows("sign-in", "Connect Twenty").await;
    assert_eq!(browser.overflowing().await, json!([]));
    scene.sign_in().await;
    assert_eq!(browser.overflowing().await, json!([]));
    scene.connect_by_key().await;
    browser.value("document.querySelectorAll('details').forEach((it) => { it.open = true; })").await;
    browser.until("document.querySelector('#policies-list select')").await;

    assert_eq!(browser.overflowing().await, json!([]));
}
