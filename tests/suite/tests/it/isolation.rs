//! A workspace sees itself and nothing else, and only for who proved to be its admin.

use serde_json::{Value, json};
use sim::twenty::Twenty;
use sim::whop::{Delivery, Rights};
use stack::fixtures::Shop;
use stack::gateway::answer;
use stack::{Ask, Stack, pump};

use crate::story::{assert_well, cards, failed_records, member_of, monthly, open_shop};

/// A shop of its own on the same stack.
async fn another_shop(stack: &Stack) -> Shop<'_> {
    let workspace = stack.twenty.create_workspace("Tide Pool");
    let account = stack.whop.create_account("Tide Pool Club");
    let whop_key = stack.whop.account_api_key(&account, Rights::All);
    let mut admin = stack.visitor();
    admin.connect_twenty(&stack.twenty.url(), &workspace.api_key).await;
    assert_eq!(admin.connect_whop(&whop_key).await.status, 200);
    Shop { workspace, account, whop_key, admin }
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

/// Every id that the first shop's admin could name: a run, a card, a failed record, a delivery, a token.
async fn belongings(stack: &Stack, shop: &mut Shop<'_>) -> Value {
    let variant = monthly(stack, &shop.account, "Gym");
    let ada = stack.whop.buy(&shop.account, "Ada", "ada@example.com", &variant);
    let run = shop.admin.sync("FULL").await;
    stack.whop.deliver_due().await;
    let bob = stack.whop.buy(&shop.account, "Bob", "bob@example.com", &variant);
    stack.whop.change_email(&member_of(stack, &shop.account, &bob), Some("ada@example.com"));
    stack.whop.buy(&shop.account, "Bad", "not an e-mail @ all", &variant);
    stack.whop.switch(|it| it.delivery = Delivery::Collect);
    pump::drain(stack).await;
    assert_well(&shop.admin.sync("FULL").await);
    let card = cards(&mut shop.admin).await.remove(0);
    let failed = failed_records(&mut shop.admin).await.remove(0);
    let deliveries = shop.admin.graphql("{ deliveries { id } }", json!({})).await;
    let token = "mutation { createApiToken(name: \"ci\") { apiToken { id } } }";
    let token = shop.admin.graphql(token, json!({})).await;
    assert!(!member_of(stack, &shop.account, &ada).is_empty());
    json!({
        "run": run["id"], "card": card["member"], "failed": failed["id"],
        "delivery": deliveries["deliveries"][0]["id"], "token": token["createApiToken"]["apiToken"]["id"],
    })
}

#[tokio::test]
async fn foreign_ids_answer_like_ids_that_do_not_exist() {
    let stack = Stack::start().await;
    let mut mine = open_shop(&stack).await;
    let known = belongings(&stack, &mut mine).await;
    let mut other = another_shop(&stack).await;
    let absent = json!({
        "run": "run_00000000000000000000000000", "card": "mber_ZZZZZZZZZZZZZZ", "failed": "members mber_ZZZZZZZZZZZZZZ",
        "delivery": "msg_000000000000000000000000", "token": "0".repeat(64),
    });
    let questions = [
        ("run", "query($id: ID!) { run(id: $id) { id } }"),
        ("run", "mutation($id: ID!) { pauseRun(id: $id) { id } }"),
        ("run", "mutation($id: ID!) { resumeRun(id: $id) { id } }"),
        ("run", "mutation($id: ID!) { cancelRun(id: $id) { id } }"),
        ("card", "mutation($id: ID!) { settleDecisionCard(member: $id, choice: SKIP) { member } }"),
        ("delivery", "mutation($id: ID!) { replayDeliveries(ids: [$id]) { count } }"),
        ("token", "mutation($id: ID!) { revokeApiToken(id: $id) { id } }"),
    ];

    for (kind, question) in questions {
        let foreign = other.admin.ask_graphql(question, json!({ "id": known[kind] })).await;
        let nothing = other.admin.ask_graphql(question, json!({ "id": absent[kind] })).await;

        assert_eq!(code(&foreign), "NOT_FOUND", "{question}: {foreign}");
        assert_eq!(foreign["errors"][0]["message"], nothing["errors"][0]["message"], "{question}");
    }
    for list in [
        "runs { id }",
        "apiTokens { id }",
        "deliveries { id }",
        "failedRecords { records { id } }",
        "decisionCards { cards { member } }",
    ] {
        let seen = other.admin.graphql(&format!("{{ {list} }}"), json!({})).await.to_string();
        for id in known.as_object().unwrap().values() {
            assert!(!seen.contains(id.as_str().unwrap()), "{list}: {seen}");
        }
    }
}

#[tokio::test]
async fn a_foreign_failed_record_that_is_retried_changes_nothing_anywhere() {
    let stack = Stack::start().await;
    let mut mine = open_shop(&stack).await;
    let known = belongings(&stack, &mut mine).await;
    let mut other = another_shop(&stack).await;
    stack.twenty.forget_counts(&mine.workspace);

    let retry = "mutation($ids: [ID!]) { retryFailedRecords(ids: $ids) { count } }";
    let refused = other.admin.ask_graphql(retry, json!({ "ids": [known["failed"]] })).await;
    pump::drain(&stack).await;

    assert!(["", "NOT_FOUND"].contains(&code(&refused)), "{refused}");
    assert_eq!(stack.twenty.count(&other.workspace, "people"), 0);
    assert_eq!(stack.twenty.write_calls(&mine.workspace), 0);
    assert_eq!(failed_records(&mut mine.admin).await.len(), 1);
}

#[tokio::test]
async fn a_server_that_claims_the_id_of_anothers_workspace_is_another_tenant() {
    let stack = Stack::start().await;
    let mut mine = open_shop(&stack).await;
    assert_well(&mine.admin.sync("FULL").await);
    let evil = Twenty::start(stack.clock.clone(), &stack.faults, 0).await;
    let claimed = evil.create_workspace("Harbor Lights");

    let mut thief = stack.visitor();
    let signed_in = thief.connect_twenty(&evil.url(), &claimed.api_key).await;
    let seen = thief.graphql("{ whopConnectionStatus { isConnected } runs { id } }", json!({})).await;

    assert_eq!((claimed.id, signed_in.status), (mine.workspace.id, 200));
    assert_eq!(seen, json!({ "whopConnectionStatus": { "isConnected": false }, "runs": [] }));
}

/// A program's call.
async fn by_token(stack: &Stack, token: &str, query: &str) -> (u16, Value) {
    let ask = Ask::new("POST", "/graphql").header("authorization", &format!("Bearer {token}"));
    let answer = answer(stack.app, &ask.json(&json!({ "query": query }))).await;
    (answer.status, answer.json())
}

#[tokio::test]
async fn an_api_token_is_shown_once_works_for_its_workspace_and_ends_at_once() {
    let stack = Stack::start().await;
    let mut mine = open_shop(&stack).await;
    let make = "mutation { createApiToken(name: \"ci\") { token apiToken { id } } }";
    let made = mine.admin.graphql(make, json!({})).await["createApiToken"].clone();
    let token = made["token"].as_str().unwrap();

    let (works, who) = by_token(&stack, token, "{ workspace { name } }").await;
    let listed = mine
        .admin
        .graphql("{ apiTokens { id name createdAt revokedAt } auditLog { who what about } }", json!({}));
    let listed = listed.await.to_string();
    let stored = stack.aws.dynamodb.dump().iter().any(|item| item.to_string().contains(token));
    let revoke = "mutation($id: ID!) { revokeApiToken(id: $id) { name } }";
    mine.admin.graphql(revoke, json!({ "id": made["apiToken"]["id"] })).await;
    let (ended, why) = by_token(&stack, token, "{ workspace { name } }").await;
    let (garbled, _) = by_token(&stack, &token.replace("wt_", "wt_0"), "{ workspace { name } }").await;

    assert_eq!((works, &who["data"]["workspace"]["name"]), (200, &json!("Harbor Lights")));
    assert!(!listed.contains(token) && !stored);
    assert_eq!((ended, &why["code"], garbled), (401, &json!("UNAUTHENTICATED"), 401));
}

#[tokio::test]
async fn who_does_not_say_who_they_are_gets_nothing() {
    let stack = Stack::start().await;
    let shop = open_shop(&stack).await;
    let sign_in = json!({ "url": stack.twenty.url(), "key": shop.workspace.api_key });
    let signed_in = answer(stack.app, &Ask::new("POST", "/connect/twenty").json(&sign_in)).await;
    let cookie = signed_in.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let ask = |path: &str| {
        Ask::new("POST", path).json(&json!({ "query": "{ workspace { name } }", "key": "apik_x" }))
    };

    for path in ["/graphql", "/connect/whop"] {
        let nobody = answer(stack.app, &ask(path)).await;
        let forged = answer(stack.app, &ask(path).header("cookie", &format!("{cookie}x"))).await;
        let elsewhere = answer(stack.app, &ask(path).header("cookie", &cookie)).await;

        for refused in [nobody, forged, elsewhere.clone()] {
            assert_eq!((refused.status, &refused.json()["code"]), (401, &json!("UNAUTHENTICATED")), "{path}");
        }
        assert!(elsewhere.json()["message"].as_str().unwrap().contains("x-requested-with"), "{path}");
    }
    let ours = ask("/graphql").header("cookie", &cookie).header("x-requested-with", "settings");
    assert_eq!(answer(stack.app, &ours).await.json()["data"]["workspace"]["name"], "Harbor Lights");
    stack.advance(std::time::Duration::from_hours(13));
    assert_eq!(answer(stack.app, &ours).await.status, 401);
}

#[tokio::test]
async fn a_document_that_asks_for_too_much_is_refused_before_it_costs_anything() {
    let stack = Stack::start().await;
    let mut shop = open_shop(&stack).await;
    let deep = format!(
        "{{ __schema {{ types {{ fields {{ type {}name{} }} }} }} }}",
        "{ ofType ".repeat(12),
        " }".repeat(12)
    );
    let aliases: String = (0..30).map(|n| format!("a{n}: workspace {{ name }} ")).collect();
    let roots: String = (0..13).map(|_| "workspace { name } ").collect();
    let large = format!("{{ workspace {{ name }} }} #{}", "x".repeat(140_000));
    let costly =
        "{ runs(first: 100) { streams { name seen } } failedRecords(first: 100) { records { source } } }";
    let before = stack.faults.count_of("dynamodb");

    for document in [deep, format!("{{ {aliases} }}"), format!("{{ {roots} }}"), large] {
        let refused = shop.admin.ask_graphql(&document, json!({})).await;

        let said = code(&refused).to_owned() + refused["code"].as_str().unwrap_or_default();
        assert_eq!(said, "BAD_USER_INPUT", "{refused}");
        assert!(refused["data"].is_null(), "{refused}");
    }
    assert_eq!(stack.faults.count_of("dynamodb"), before, "sessions need no table, and nothing ran");
    assert!(shop.admin.ask_graphql(costly, json!({})).await["errors"].is_null());
}
