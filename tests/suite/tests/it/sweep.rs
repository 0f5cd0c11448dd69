//! A seller's members and memberships arrive in Twenty, and stay right.

use serde_json::json;
use sim::whop::Rights;
use stack::Stack;

#[tokio::test]
async fn a_first_sync_brings_everything_and_a_second_one_writes_nothing() {
    let stack = Stack::start().await;
    let workspace = stack.twenty.create_workspace("Harbor Lights");
    let account = stack.whop.create_account("Harbor Lights Coaching");
    stack.whop.seed(&account, 120, 7);
    let mut admin = stack.visitor();
    let signed_in = admin.connect_twenty(&stack.twenty.url(), &workspace.api_key).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.json());
    let connected = admin.connect_whop(&stack.whop.account_api_key(&account, Rights::All)).await;
    assert_eq!(connected.status, 200, "{}", connected.json());

    let first = admin.sync("FULL").await;

    assert_eq!(first["state"], "FINISHED", "{first}");
    assert_eq!(first["balances"], true, "{first}");
    assert_eq!(stack.twenty.count(&workspace, "opportunities"), stack.whop.memberships(&account).len());
    let people = stack.whop.members(&account).len();
    assert_eq!(stack.twenty.count(&workspace, "people"), people, "{first}");
    stack.twenty.forget_counts(&workspace);

    let second = admin.sync("FULL").await;

    assert_eq!((&second["state"], &second["balances"]), (&json!("FINISHED"), &json!(true)), "{second}");
    assert_eq!(stack.twenty.write_calls(&workspace), 0, "{second}");
}
