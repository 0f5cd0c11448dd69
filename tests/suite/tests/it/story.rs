//! Words that several stories use: a small shop, and what is to be seen on either side.

use serde_json::{Value, json};
use sim::whop::NewVariant;
use stack::fixtures::{self, Shop};
use stack::{Stack, Visitor};

/// A connected shop without a customer.
pub(crate) async fn open_shop(stack: &Stack) -> Shop<'_> {
    fixtures::connected(stack, 0).await
}

/// A variant that is paid every month. The same title is a product of its own.
pub(crate) fn monthly(stack: &Stack, account: &str, title: &str) -> String {
    let product = stack.whop.product_create(account, title);
    let new = NewVariant {
        title: "Monthly".to_owned(),
        initial: 0,
        renewal: 4_900,
        currency: "usd",
        period_days: Some(30),
        trial_days: None,
    };
    stack.whop.variant_create(&product, new)
}

/// The member behind a membership.
pub(crate) fn member_of(stack: &Stack, account: &str, membership: &str) -> String {
    let all = stack.whop.memberships(account);
    let found = all.iter().find(|it| it["id"] == membership).unwrap();
    found["member_id"].as_str().unwrap().to_owned()
}

/// The connection, as the settings page shows it.
pub(crate) async fn status(admin: &mut Visitor<'_>) -> Value {
    let query = "{ whopConnectionStatus { isConnected accountId health healthReason live liveAdvice webhookUrl \
        missingPermissions warnings openRun { id state } } }";
    admin.graphql(query, json!({})).await["whopConnectionStatus"].clone()
}

/// The record in Twenty with this Whop id, deleted or not.
pub(crate) fn record(stack: &Stack, workspace: &str, plural: &str, whop_id: &str) -> Option<Value> {
    let key = match plural {
        "people" => "whopMemberId",
        "opportunities" => "whopMembershipId",
        "whopPayments" => "whopPaymentId",
        _ => "whopProductId",
    };
    stack.twenty.records(workspace, plural).into_iter().find(|it| it[key] == whop_id)
}

/// The person in Twenty who is this member.
pub(crate) fn person(stack: &Stack, workspace: &str, member: &str) -> Value {
    record(stack, workspace, "people", member).unwrap()
}

/// Open decision cards.
pub(crate) async fn cards(admin: &mut Visitor<'_>) -> Vec<Value> {
    let query = "{ decisionCards { cards { member name question explanation candidates { person member deleted } \
        allowed { choice person } } } }";
    let answer = admin.graphql(query, json!({})).await;
    answer["decisionCards"]["cards"].as_array().unwrap().clone()
}

/// Failed records that are kept.
pub(crate) async fn failed_records(admin: &mut Visitor<'_>) -> Vec<Value> {
    let query = "{ failedRecords(first: 100) { records { id reason detail source tries } } }";
    admin.graphql(query, json!({})).await["failedRecords"]["records"].as_array().unwrap().clone()
}

/// One stream of a run's receipt; null if the run never met it.
pub(crate) fn stream<'a>(run: &'a Value, name: &str) -> &'a Value {
    let streams = run["streams"].as_array().unwrap();
    streams.iter().find(|it| it["name"] == name).unwrap_or(&Value::Null)
}

/// Starts a run without working on it; answers with its id.
pub(crate) async fn start(admin: &mut Visitor<'_>, kind: &str) -> Value {
    let query = "mutation($k: SyncKind!) { triggerWhopSync(kind: $k) { run { id } } }";
    admin.graphql(query, json!({ "k": kind })).await["triggerWhopSync"]["run"]["id"].clone()
}

/// Stops the story unless the run ended well and its receipt balances.
pub(crate) fn assert_well(run: &Value) {
    assert_eq!(run["state"], "FINISHED", "{run}");
    assert_eq!(run["balances"], true, "{run}");
}
