//! The API answers its own workspace, one document at a time, and nobody else.

use serde_json::{Value, json};
use sim::whop::Rights;
use stack::gateway::answer;
use stack::{Ask, Stack, Visitor};

/// An admin of a new workspace with a Whop account of its own, and a run of theirs.
async fn admin_with_a_run<'a>(stack: &'a Stack, name: &str) -> (Visitor<'a>, Value) {
    let workspace = stack.twenty.create_workspace(name);
    let account = stack.whop.create_account(name);
    stack.whop.seed(&account, 5, 7);
    let mut admin = stack.visitor();
    admin.connect_twenty(&stack.twenty.url(), &workspace.api_key).await;
    admin.connect_whop(&stack.whop.account_api_key(&account, Rights::All)).await;
    let run = Box::pin(admin.sync("FULL")).await;
    (admin, run["id"].clone())
}

/// What an answer says went wrong, without the request's id.
fn refusal(answer: &Value) -> (Value, Value) {
    let error = &answer["errors"][0];
    assert!(error["extensions"]["requestId"].is_string(), "{answer}");
    (error["extensions"]["code"].clone(), error["message"].clone())
}

#[tokio::test]
async fn what_belongs_to_another_workspace_is_answered_like_what_is_not_there() {
    let stack = Stack::start().await;
    let (_, foreign) = Box::pin(admin_with_a_run(&stack, "Harbor Lights")).await;
    let (mut admin, own) = Box::pin(admin_with_a_run(&stack, "Quiet Lake")).await;
    let asks = [
        "query($id: ID!) { run(id: $id) { id } }",
        "mutation($id: ID!) { pauseRun(id: $id) { id } }",
        "mutation($id: ID!) { cancelRun(id: $id) { id } }",
        "mutation($id: ID!) { revokeApiToken(id: $id) { id } }",
        "mutation($id: ID!) { replayDeliveries(ids: [$id]) { count } }",
        "mutation($id: ID!) { settleDecisionCard(member: $id, choice: SKIP) { member } }",
    ];
    assert_eq!(admin.run(&own).await["id"], own);

    for ask in asks {
        let theirs = refusal(&admin.ask_graphql(ask, json!({ "id": foreign })).await);
        let nobodys = refusal(&admin.ask_graphql(ask, json!({ "id": "run_nobody" })).await);
        let nonsense = refusal(&admin.ask_graphql(ask, json!({ "id": "no id/at all" })).await);

        assert_eq!(theirs.0, "NOT_FOUND", "{ask}");
        assert_eq!((&theirs, &theirs), (&nobodys, &nonsense), "{ask}");
    }
}

#[tokio::test]
async fn a_session_alone_is_not_enough_because_a_foreign_page_could_send_it() {
    let stack = Stack::start().await;
    let workspace = stack.twenty.create_workspace("Harbor Lights");
    let signed_in = stack.visitor().connect_twenty(&stack.twenty.url(), &workspace.api_key).await;
    let cookie = signed_in.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let ask = Ask::new("POST", "/graphql").json(&json!({ "query": "{ workspace { name } }" }));

    let stranger = answer(stack.app, &ask).await;
    let foreign_page = answer(stack.app, &ask.clone().header("cookie", &cookie)).await;
    let our_page = ask.header("cookie", &cookie).header("x-requested-with", "settings");
    let our_page = answer(stack.app, &our_page).await;

    assert_eq!((stranger.status, foreign_page.status, our_page.status), (401, 401, 200));
    assert_eq!(our_page.json()["data"]["workspace"]["name"], "Harbor Lights");
}

#[tokio::test]
async fn what_is_not_one_small_json_document_is_refused() {
    let stack = Stack::start().await;
    let workspace = stack.twenty.create_workspace("Harbor Lights");
    let mut admin = stack.visitor();
    admin.connect_twenty(&stack.twenty.url(), &workspace.api_key).await;
    let document = json!({ "query": "{ workspace { name } }" });
    let large = json!({ "query": format!("{{ workspace {{ name }} }} # {}", "x".repeat(140_000)) });
    let mut form = Ask::new("POST", "/graphql").header("content-type", "text/plain");
    form.body = document.to_string().into_bytes();

    let batch = admin.send(Ask::new("POST", "/graphql").json(&json!([document, document]))).await;
    let large = admin.send(Ask::new("POST", "/graphql").json(&large)).await;
    let form = admin.send(form).await;
    let read = admin.send(Ask::new("GET", "/graphql?query={workspace{name}}")).await;

    assert_eq!((batch.status, large.status, form.status, read.status), (400, 400, 400, 405));
}

#[tokio::test]
async fn a_document_that_asks_for_too_much_is_told_so() {
    let stack = Stack::start().await;
    let workspace = stack.twenty.create_workspace("Harbor Lights");
    let mut admin = stack.visitor();
    admin.connect_twenty(&stack.twenty.url(), &workspace.api_key).await;
    let renamed = (0..30).map(|n| format!("a{n}: name ")).collect::<Vec<_>>().concat();
    let greedy = [
        format!("{{ workspace {{ {renamed} }} }}"),
        "{ runs(first: 101) { id } }".to_owned(),
        "{ workspace { ...F } } fragment F on Workspace { name ...F }".to_owned(),
    ];

    for document in greedy {
        let answer = admin.ask_graphql(&document, json!({})).await;

        assert_eq!(refusal(&answer).0, "BAD_USER_INPUT", "{answer}");
    }
}
