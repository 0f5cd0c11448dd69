//! A member is the person they are in Twenty: never a second one, never somebody else.

use serde_json::{Value, json};
use stack::fixtures::Shop;
use stack::{Stack, pump};

use crate::story::{
    assert_well, cards, failed_records, member_of, monthly, open_shop, person, record, stream,
};

/// Adds a person by hand.
fn by_hand(stack: &Stack, shop: &Shop<'_>, first: &str, email: &str) -> String {
    let record =
        json!({ "name": { "firstName": first, "lastName": "Byhand" }, "emails": { "primaryEmail": email } });
    stack.twenty.create_as_human(&shop.workspace, "people", &record)
}

/// Somebody buys; answers with the member.
fn buyer(stack: &Stack, shop: &Shop<'_>, variant: &str, (name, email): (&str, &str)) -> String {
    let membership = stack.whop.buy(&shop.account, name, email, variant);
    member_of(stack, &shop.account, &membership)
}

/// Answers the only open card, and lets the answer take effect.
async fn settle(stack: &Stack, shop: &mut Shop<'_>, choice: &str, who: Option<&str>) {
    let open = cards(&mut shop.admin).await;
    assert_eq!(open.len(), 1, "{open:?}");
    let query = "mutation($m: ID!, $c: CardChoice!, $p: ID) { settleDecisionCard(member: $m, choice: $c, person: $p) \
        { choice } }";
    let variables = json!({ "m": open[0]["member"], "c": choice, "p": who });
    let answer = shop.admin.graphql(query, variables).await;
    assert_eq!(answer["settleDecisionCard"]["choice"], choice);
    pump::drain(stack).await;
}

fn allowed(card: &Value) -> Vec<&str> {
    card["allowed"].as_array().unwrap().iter().map(|it| it["choice"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_e_mail_introduces_a_member_to_the_one_person_who_has_it_and_nobody_is_doubled() {
    let stack = Stack::start().await;
    let mut shop = open_shop(&stack).await;
    let variant = monthly(&stack, &shop.account, "Gym");
    let ada = by_hand(&stack, &shop, "Ada", "ada@example.com");
    let member = buyer(&stack, &shop, &variant, ("Ada Lovelace", "Ada@Example.com"));

    let first = shop.admin.sync("FULL").await;
    let second = shop.admin.sync("FULL").await;

    assert_well(&first);
    assert_eq!(stream(&first, "MEMBERS")["linked"], 1, "{first}");
    assert_eq!(stream(&second, "MEMBERS")["unchanged"], 1, "{second}");
    let now = person(&stack, &shop.workspace.id, &member);
    assert_eq!((&now["id"], &now["name"]["lastName"]), (&json!(ada), &json!("Byhand")));
    assert_eq!(stack.twenty.count(&shop.workspace, "people"), 1);
}

#[tokio::test]
async fn an_e_mail_of_another_member_is_asked_about_and_never_stolen() {
    for (choice, people) in [("WITHOUT_EMAIL", 2), ("SKIP", 1)] {
        let stack = Stack::start().await;
        let mut shop = open_shop(&stack).await;
        let variant = monthly(&stack, &shop.account, "Gym");
        let ada = buyer(&stack, &shop, &variant, ("Ada", "ada@example.com"));
        assert_well(&shop.admin.sync("FULL").await);
        let before = person(&stack, &shop.workspace.id, &ada);
        let bob = buyer(&stack, &shop, &variant, ("Bob", "bob@example.com"));
        stack.whop.change_email(&bob, Some("ada@example.com"));

        let asked = shop.admin.sync("FULL").await;
        let card = cards(&mut shop.admin).await.remove(0);
        settle(&stack, &mut shop, choice, None).await;
        let after = shop.admin.sync("FULL").await;

        assert_eq!(
            stream(&asked, "MEMBERS")["skipped"][0],
            json!({ "reason": "NEEDS_DECISION", "count": 1 })
        );
        assert_eq!((&card["question"], &card["member"]), (&json!("EMAIL_TAKEN"), &json!(bob)));
        assert_eq!(allowed(&card), ["WITHOUT_EMAIL", "SKIP"]);
        assert_well(&after);
        assert_eq!(stack.twenty.count(&shop.workspace, "people"), people, "{choice}");
        let bob = record(&stack, &shop.workspace.id, "people", &bob);
        assert!(bob.is_none_or(|bob| bob["emails"]["primaryEmail"] != "ada@example.com"), "{choice}");
        assert_eq!(person(&stack, &shop.workspace.id, &ada)["emails"], before["emails"]);
        assert_eq!(cards(&mut shop.admin).await, Vec::<Value>::new(), "{choice}");
    }
}

/// An administrator of the workspace lets several people have the same e-mail.
async fn let_people_share_emails(stack: &Stack, shop: &Shop<'_>) {
    let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
    let url = format!("{}/rest/metadata", stack.twenty.url());
    let all = client.get(format!("{url}/objects?limit=200")).bearer_auth(&shop.workspace.api_key);
    let all: Value = all.send().await.unwrap().json().await.unwrap();
    let objects = all["data"].as_array().or_else(|| all["data"]["objects"].as_array()).unwrap();
    let people = objects.iter().find(|it| it["nameSingular"] == "person").unwrap();
    let emails = people["fields"].as_array().unwrap().iter().find(|it| it["name"] == "emails").unwrap();
    let change = client.patch(format!("{url}/fields/{}", emails["id"].as_str().unwrap()));
    let changed = change.bearer_auth(&shop.workspace.api_key).json(&json!({ "isUnique": false }));
    assert_eq!(changed.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn several_people_with_a_members_e_mail_are_a_question_and_the_answer_is_obeyed() {
    for (choice, people) in [("LINK", 2), ("WITHOUT_EMAIL", 3), ("SKIP", 2)] {
        let stack = Stack::start().await;
        let mut shop = open_shop(&stack).await;
        let_people_share_emails(&stack, &shop).await;
        let variant = monthly(&stack, &shop.account, "Gym");
        let first = by_hand(&stack, &shop, "Ada", "ada@example.com");
        let second = by_hand(&stack, &shop, "Adele", "ada@example.com");
        let member = buyer(&stack, &shop, &variant, ("Ada Lovelace", "ada@example.com"));

        let asked = shop.admin.sync("FULL").await;
        let card = cards(&mut shop.admin).await.remove(0);
        settle(&stack, &mut shop, choice, (choice == "LINK").then_some(second.as_str())).await;
        let after = shop.admin.sync("FULL").await;

        assert_well(&asked);
        assert_well(&after);
        assert_eq!(
            stream(&asked, "MEMBERS")["skipped"][0],
            json!({ "reason": "NEEDS_DECISION", "count": 1 })
        );
        assert_eq!((&card["question"], &card["member"]), (&json!("SEVERAL"), &json!(member)));
        let mut known = [first.as_str(), second.as_str()];
        known.sort_unstable();
        let mut candidates: Vec<&str> =
            card["candidates"].as_array().unwrap().iter().map(|it| it["person"].as_str().unwrap()).collect();
        candidates.sort_unstable();
        assert_eq!(candidates, known, "{card}");
        assert_eq!(allowed(&card), ["LINK", "LINK", "WITHOUT_EMAIL", "SKIP"], "{card}");
        assert_eq!(stack.twenty.count(&shop.workspace, "people"), people, "{choice}");
        let linked = record(&stack, &shop.workspace.id, "people", &member).map(|it| it["id"].clone());
        match choice {
            "LINK" => assert_eq!(linked, Some(json!(second))),
            "SKIP" => assert_eq!(linked, None),
            _ => assert!(linked.is_some_and(|id| id != json!(first) && id != json!(second))),
        }
        let other = stack.twenty.record(&shop.workspace, "people", &first).unwrap();
        assert_eq!((&other["name"]["firstName"], &other["whopMemberId"]), (&json!("Ada"), &json!("")));
        assert_eq!(cards(&mut shop.admin).await, Vec::<Value>::new(), "{choice}");
    }
}

#[tokio::test]
async fn an_e_mail_that_people_have_only_beside_their_first_one_makes_a_member_a_person_of_their_own() {
    let stack = Stack::start().await;
    let mut shop = open_shop(&stack).await;
    let variant = monthly(&stack, &shop.account, "Gym");
    let beside = |first: &str| {
        let emails = json!({ "primaryEmail": format!("{first}@example.com"), "additionalEmails": ["ada@example.com"] });
        let record = json!({ "name": { "firstName": first, "lastName": "Byhand" }, "emails": emails });
        stack.twenty.create_as_human(&shop.workspace, "people", &record)
    };
    let others = [beside("grace"), beside("hedy")];
    let member = buyer(&stack, &shop, &variant, ("Ada Lovelace", "ada@example.com"));

    assert_well(&shop.admin.sync("FULL").await);
    assert_well(&shop.admin.sync("FULL").await);

    let ada = person(&stack, &shop.workspace.id, &member);
    assert_eq!(ada["emails"]["primaryEmail"], "ada@example.com");
    assert_eq!(stack.twenty.count(&shop.workspace, "people"), 3);
    for id in others {
        let other = stack.twenty.record(&shop.workspace, "people", &id).unwrap();
        assert_eq!((&other["name"]["lastName"], &other["whopMemberId"]), (&json!("Byhand"), &json!("")));
        assert_eq!(other["emails"]["additionalEmails"], json!(["ada@example.com"]));
    }
    assert_eq!(cards(&mut shop.admin).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_person_in_the_bin_comes_back_only_when_somebody_says_so() {
    for (choice, deleted, people) in [("RESTORE", false, 1), ("SKIP", true, 1), ("WITHOUT_EMAIL", true, 2)] {
        let stack = Stack::start().await;
        let mut shop = open_shop(&stack).await;
        let variant = monthly(&stack, &shop.account, "Gym");
        let ada = by_hand(&stack, &shop, "Ada", "ada@example.com");
        stack.twenty.soft_delete_as_human(&shop.workspace, "people", &ada);
        buyer(&stack, &shop, &variant, ("Ada", "ada@example.com"));

        assert_well(&shop.admin.sync("FULL").await);
        let still = stack.twenty.record(&shop.workspace, "people", &ada).unwrap();
        let card = cards(&mut shop.admin).await.remove(0);
        settle(&stack, &mut shop, choice, (choice == "RESTORE").then_some(ada.as_str())).await;
        assert_well(&shop.admin.sync("FULL").await);

        assert!(!still["deletedAt"].is_null(), "{still}");
        assert_eq!(card["question"], "DELETED");
        assert_eq!(allowed(&card), ["RESTORE", "WITHOUT_EMAIL", "SKIP"]);
        let now = stack.twenty.record(&shop.workspace, "people", &ada).unwrap();
        assert_eq!(!now["deletedAt"].is_null(), deleted, "{choice} {now}");
        assert_eq!(stack.twenty.count(&shop.workspace, "people"), people, "{choice}");
        assert_eq!(cards(&mut shop.admin).await, Vec::<Value>::new(), "{choice}");
    }
}

#[tokio::test]
async fn a_synced_member_whose_person_was_deleted_is_asked_about_once_there_is_news() {
    let stack = Stack::start().await;
    let mut shop = open_shop(&stack).await;
    let variant = monthly(&stack, &shop.account, "Gym");
    let ada = buyer(&stack, &shop, &variant, ("Ada", "ada@example.com"));
    assert_well(&shop.admin.sync("FULL").await);
    let id = person(&stack, &shop.workspace.id, &ada)["id"].as_str().unwrap().to_owned();
    stack.twenty.soft_delete_as_human(&shop.workspace, "people", &id);
    stack.advance(std::time::Duration::from_mins(1));
    stack.whop.rename_member(&ada, "Ada King");

    assert_well(&shop.admin.sync("FULL").await);
    let card = cards(&mut shop.admin).await.remove(0);
    assert!(!person(&stack, &shop.workspace.id, &ada)["deletedAt"].is_null());
    settle(&stack, &mut shop, "RESTORE", Some(&id)).await;

    assert_eq!(card["question"], "DELETED");
    assert!(person(&stack, &shop.workspace.id, &ada)["deletedAt"].is_null());
    assert_eq!(stack.twenty.count(&shop.workspace, "people"), 1);
}

#[tokio::test]
async fn a_choice_that_a_card_does_not_allow_is_refused_with_a_reason() {
    let stack = Stack::start().await;
    let mut shop = open_shop(&stack).await;
    let variant = monthly(&stack, &shop.account, "Gym");
    let ada = buyer(&stack, &shop, &variant, ("Ada", "ada@example.com"));
    assert_well(&shop.admin.sync("FULL").await);
    let bob = buyer(&stack, &shop, &variant, ("Bob", "bob@example.com"));
    stack.whop.change_email(&bob, Some("ada@example.com"));
    assert_well(&shop.admin.sync("FULL").await);
    let id = person(&stack, &shop.workspace.id, &ada)["id"].clone();

    let query =
        "mutation($m: ID!, $p: ID) { settleDecisionCard(member: $m, choice: LINK, person: $p) { choice } }";
    let stolen = shop.admin.ask_graphql(query, json!({ "m": bob, "p": id })).await;
    let nobody = shop.admin.ask_graphql(query, json!({ "m": bob })).await;

    assert_eq!(stolen["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    assert!(stolen["errors"][0]["message"].as_str().unwrap().contains("no other Whop member"), "{stolen}");
    assert!(nobody["errors"][0]["message"].as_str().unwrap().contains("which person"), "{nobody}");
    assert_eq!(cards(&mut shop.admin).await.len(), 1);
}

#[tokio::test]
async fn a_new_e_mail_never_makes_a_second_person() {
    let stack = Stack::start().await;
    let mut shop = open_shop(&stack).await;
    let variant = monthly(&stack, &shop.account, "Gym");
    let ada = buyer(&stack, &shop, &variant, ("Ada", "ada@example.com"));
    assert_well(&shop.admin.sync("FULL").await);
    let before = person(&stack, &shop.workspace.id, &ada);

    stack.whop.change_email(&ada, Some("countess@example.com"));
    assert_well(&shop.admin.sync("FULL").await);
    let moved = person(&stack, &shop.workspace.id, &ada);
    stack.whop.change_email(&ada, None);
    assert_well(&shop.admin.sync("FULL").await);

    assert_eq!(
        (&moved["id"], &moved["emails"]["primaryEmail"]),
        (&before["id"], &json!("countess@example.com"))
    );
    let hidden = person(&stack, &shop.workspace.id, &ada);
    assert_eq!(hidden["emails"]["primaryEmail"], "countess@example.com", "what Whop hides is not deleted");
    assert_eq!(stack.twenty.count(&shop.workspace, "people"), 1);
}

#[tokio::test]
async fn a_new_e_mail_that_somebody_holds_stays_with_them() {
    let stack = Stack::start().await;
    let mut shop = open_shop(&stack).await;
    let variant = monthly(&stack, &shop.account, "Gym");
    let ada = buyer(&stack, &shop, &variant, ("Ada", "ada@example.com"));
    assert_well(&shop.admin.sync("FULL").await);
    let holder = by_hand(&stack, &shop, "Countess", "countess@example.com");

    stack.whop.change_email(&ada, Some("countess@example.com"));
    let run = shop.admin.sync("FULL").await;
    let card = cards(&mut shop.admin).await.remove(0);
    settle(&stack, &mut shop, "WITHOUT_EMAIL", None).await;
    assert_well(&shop.admin.sync("FULL").await);

    assert_well(&run);
    assert_eq!(
        (&card["question"], &card["candidates"][0]["person"]),
        (&json!("EMAIL_TAKEN"), &json!(holder))
    );
    let now = person(&stack, &shop.workspace.id, &ada);
    assert_eq!(now["emails"]["primaryEmail"], "ada@example.com");
    assert_eq!(stack.twenty.count(&shop.workspace, "people"), 2);
    assert_eq!(cards(&mut shop.admin).await, Vec::<Value>::new());
}

#[tokio::test]
async fn two_members_with_one_e_mail_in_one_batch_become_one_person_and_a_question() {
    let stack = Stack::start().await;
    let mut shop = open_shop(&stack).await;
    let variant = monthly(&stack, &shop.account, "Gym");
    buyer(&stack, &shop, &variant, ("Ada", "ada@example.com"));
    let twin = buyer(&stack, &shop, &variant, ("Twin", "twin@example.com"));
    stack.whop.change_email(&twin, Some("ada@example.com"));

    let run = shop.admin.sync("FULL").await;

    assert_well(&run);
    assert_eq!(stream(&run, "MEMBERS")["written"], 1, "{run}");
    let open = cards(&mut shop.admin).await;
    assert_eq!((open.len(), &open[0]["question"]), (1, &json!("EMAIL_TAKEN")));
    assert_eq!(stack.twenty.count(&shop.workspace, "people"), 1);
    assert_eq!(failed_records(&mut shop.admin).await, Vec::<Value>::new());
}

#[tokio::test]
async fn what_a_person_edited_survives_sweeps_while_facts_of_whop_move_on() {
    let stack = Stack::start().await;
    let mut shop = open_shop(&stack).await;
    let variant = monthly(&stack, &shop.account, "Gym");
    let deal = stack.whop.buy(&shop.account, "Ada Lovelace", "ada@example.com", &variant);
    let ada = member_of(&stack, &shop.account, &deal);
    assert_well(&shop.admin.sync("FULL").await);
    let id = |plural: &str, key: &str| {
        record(&stack, &shop.workspace.id, plural, key).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let name = json!({ "name": { "firstName": "Countess", "lastName": "Lovelace" } });
    stack.twenty.edit_as_human(&shop.workspace, "people", &id("people", &ada), &name);
    let stage = json!({ "stage": "MEETING" });
    stack.twenty.edit_as_human(&shop.workspace, "opportunities", &id("opportunities", &deal), &stage);

    for round in 0..3 {
        stack.advance(std::time::Duration::from_hours(1));
        stack.whop.rename_member(&ada, &format!("Ada {round}"));
        if round % 2 == 0 {
            stack.whop.past_due(&deal);
        } else {
            stack.whop.activate(&deal);
        }
        assert_well(&shop.admin.sync("FULL").await);
    }

    let (ada, deal) = (
        person(&stack, &shop.workspace.id, &ada),
        record(&stack, &shop.workspace.id, "opportunities", &deal).unwrap(),
    );
    assert_eq!(ada["name"]["firstName"], "Countess");
    assert_eq!((&deal["stage"], &deal["whopStatus"]), (&json!("MEETING"), &json!("PAST_DUE")));
    assert_eq!(ada["whopLastAction"], "PAST_DUE", "{ada}");
}

#[tokio::test]
async fn who_wins_and_which_stage_a_status_means_can_be_chosen() {
    let stack = Stack::start().await;
    let mut shop = open_shop(&stack).await;
    let variant = monthly(&stack, &shop.account, "Gym");
    let deal = stack.whop.buy(&shop.account, "Ada Lovelace", "ada@example.com", &variant);
    let ada = member_of(&stack, &shop.account, &deal);
    assert_well(&shop.admin.sync("FULL").await);
    let id = person(&stack, &shop.workspace.id, &ada)["id"].as_str().unwrap().to_owned();
    let name = json!({ "name": { "firstName": "Countess", "lastName": "Lovelace" } });
    stack.twenty.edit_as_human(&shop.workspace, "people", &id, &name);

    let change = "mutation($s: [StageInput!]!, $p: [PolicyInput!]!) { updateSettings(stages: $s, policies: $p) \
        { stages { status stage } } }";
    let chosen = json!({ "s": [{ "status": "active", "stage": "WON_AT_WHOP" }],
        "p": [{ "object": "person", "field": "name", "policy": "WHOP_WINS" }] });
    shop.admin.graphql(change, chosen).await;
    assert_well(&shop.admin.sync("FULL").await);
    let bad = json!({ "s": [{ "status": "active", "stage": "won at whop" }], "p": [] });
    let refused = shop.admin.ask_graphql(change, bad).await;

    assert_eq!(person(&stack, &shop.workspace.id, &ada)["name"]["firstName"], "Ada");
    let deal = record(&stack, &shop.workspace.id, "opportunities", &deal).unwrap();
    assert_eq!(deal["stage"], "WON_AT_WHOP");
    assert!(refused["errors"][0]["message"].as_str().unwrap().contains("capital letters"), "{refused}");
}

/// Sixty members, the 38th with this e-mail; answers with the calls that their people cost, and that member.
async fn sixty(stack: &Stack, shop: &mut Shop<'_>, email: &str) -> (u64, String) {
    let variant = monthly(stack, &shop.account, "Gym");
    let mut odd = String::new();
    for number in 0..60 {
        let good = format!("member{number}@example.com");
        let email = if number == 37 { email } else { &good };
        let member = buyer(stack, shop, &variant, (&format!("Member {number}"), email));
        if number == 37 {
            odd = member;
        }
    }
    let run = shop.admin.sync("FULL").await;
    assert_well(&run);
    let calls = stack.twenty.calls(&shop.workspace);
    let of_people = calls.iter().filter(|(kind, _)| kind.to_lowercase().contains("people"));
    (of_people.map(|(_, count)| count).sum(), odd)
}

#[tokio::test]
async fn one_bad_value_in_a_batch_of_sixty_costs_twelve_calls_at_most_and_only_its_own_record() {
    let (clean, stack) = (Stack::start().await, Stack::start().await);
    let mut usual = open_shop(&clean).await;
    let mut shop = open_shop(&stack).await;
    let (plain, _) = sixty(&clean, &mut usual, "fine@example.com").await;

    let (calls, bad) = sixty(&stack, &mut shop, "not an e-mail @ all").await;

    assert!(calls - plain <= 12, "{} extra calls", calls - plain);
    assert_eq!(stack.twenty.count(&shop.workspace, "people"), 59);
    let failed = failed_records(&mut shop.admin).await;
    assert_eq!((failed.len(), &failed[0]["reason"]), (1, &json!("REFUSED_BY_TWENTY")), "{failed:?}");
    assert_eq!(failed[0]["id"], format!("members {bad}"));
    assert!(failed[0]["source"].as_str().unwrap().contains("not an e-mail @ all"), "{failed:?}");
    assert!(failed[0]["detail"].as_str().unwrap().to_lowercase().contains("email"), "{failed:?}");

    stack.whop.change_email(&bad, Some("mended@example.com"));
    let retried = shop.admin.graphql("mutation { retryFailedRecords { count } }", json!({})).await;
    pump::drain(&stack).await;

    assert_eq!(retried["retryFailedRecords"]["count"], 1);
    assert_eq!(failed_records(&mut shop.admin).await, Vec::<Value>::new());
    assert_eq!(person(&stack, &shop.workspace.id, &bad)["emails"]["primaryEmail"], "mended@example.com");
}

#[tokio::test]
async fn a_known_failure_costs_nothing_until_its_record_changes_or_somebody_retries() {
    let stack = Stack::start().await;
    let mut shop = open_shop(&stack).await;
    let variant = monthly(&stack, &shop.account, "Gym");
    buyer(&stack, &shop, &variant, ("Bad", "not an e-mail @ all"));
    assert_well(&shop.admin.sync("FULL").await);
    stack.twenty.forget_counts(&shop.workspace);

    let again = shop.admin.sync("FULL").await;

    assert_well(&again);
    assert_eq!(stream(&again, "MEMBERS")["failed"][0], json!({ "reason": "REFUSED_BY_TWENTY", "count": 1 }));
    assert_eq!(stack.twenty.write_calls(&shop.workspace), 0, "{:?}", stack.twenty.calls(&shop.workspace));
}

#[tokio::test]
async fn words_of_whops_that_nobody_knows_yet_are_kept_and_shown() {
    let stack = Stack::start().await;
    let mut shop = stack::fixtures::connected(&stack, 40).await;
    stack.whop.switch(|it| it.strange = true);

    let run = shop.admin.sync("FULL").await;

    assert_well(&run);
    assert_eq!(failed_records(&mut shop.admin).await, Vec::<Value>::new());
    assert_eq!(stack.twenty.count(&shop.workspace, "people"), stack.whop.members(&shop.account).len());
    let deals = stack.twenty.records(&shop.workspace, "opportunities");
    assert_eq!(deals.len(), stack.whop.memberships(&shop.account).len());
    let new = |it: &&Value| it["whopStatus"].as_str().is_some_and(|word| word.starts_with("FUTURE_STATUS"));
    assert!(
        deals.iter().filter(new).count() > 0,
        "{:?}",
        deals.iter().map(|it| &it["whopStatus"]).collect::<Vec<_>>()
    );
    assert!(deals.iter().filter(new).all(|it| it["stage"] == "NEW"));
}
