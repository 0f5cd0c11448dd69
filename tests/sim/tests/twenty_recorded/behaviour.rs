//! What a status and a shape do not show: what was really written, in which order it is answered, what it costs.

use serde_json::{Value, json};

use crate::world::World;

async fn world() -> World {
    World::for_exchange("behaviour", &json!({"fields": "whopUserId whopMembershipId"})).await
}

#[tokio::test]
async fn a_batch_that_fails_keeps_its_updates_and_none_of_its_inserts() {
    let world = world().await;
    let before = world.twenty.count(&world.workspace, "people");
    let batch = json!([
        {"whopUserId": "user_0002", "jobTitle": "written-before-failure"},
        {"whopUserId": "user_0070", "emails": {"primaryEmail": "member70@example.com"}},
        {"whopUserId": "user_0071", "emails": {"primaryEmail": "member70@example.com"}},
    ]);

    let (status, _) = world.send("POST", "/rest/batch/people?upsert=true", &batch).await;

    assert_eq!(status, 400);
    assert_eq!(world.twenty.count(&world.workspace, "people"), before);
    let (_, found) = world.send("GET", "/rest/people?filter=whopUserId[eq]:user_0002", &Value::Null).await;
    assert_eq!(found["data"]["people"][0]["jobTitle"], "written-before-failure");
}

#[tokio::test]
async fn an_answer_has_the_updated_records_first_and_each_of_them_once() {
    let world = world().await;
    let batch = json!([
        {"whopUserId": "user_0003"},
        {"whopUserId": "user_0001", "jobTitle": "first"},
        {"whopUserId": "user_0001", "jobTitle": "second"},
    ]);

    let (_, answer) = world.send("POST", "/rest/batch/people?upsert=true", &batch).await;

    let people = answer["data"]["createPeople"].as_array().unwrap();
    let keys: Vec<&Value> = people.iter().map(|person| &person["whopUserId"]).collect();
    assert_eq!(keys, ["user_0001", "user_0003"]);
    assert_eq!(people[0]["jobTitle"], "second");
}

#[tokio::test]
async fn an_unchanged_upsert_is_written_but_changes_nothing() {
    let world = world().await;
    let person = json!({"whopUserId": "user_0001", "jobTitle": "Founder"});
    world.send("POST", "/rest/people?upsert=true", &person).await;
    world.twenty.forget_counts(&world.workspace);

    world.send("POST", "/rest/people?upsert=true", &person).await;

    assert_eq!(world.twenty.records_written(&world.workspace, "people"), 1);
    assert_eq!(world.twenty.records_changed(&world.workspace, "people"), 0);
    assert_eq!(world.twenty.write_calls(&world.workspace), 1);
}

#[tokio::test]
async fn requests_closer_than_600_ms_earn_nothing_back() {
    let world = world().await;
    world.twenty.set_limit(&world.workspace, 100);
    let mut refused_at = None;

    for call in 0..130 {
        world.clock.advance_ms(500);
        let (status, _) = world.send("GET", "/rest/people?limit=1", &Value::Null).await;
        if status == 429 {
            refused_at = Some(call);
            break;
        }
    }
    world.clock.advance_ms(100);
    let (after_600_ms, _) = world.send("GET", "/rest/people?limit=1", &Value::Null).await;

    assert_eq!(refused_at, Some(100));
    assert_eq!(after_600_ms, 200);
    assert_eq!(world.twenty.refusals(&world.workspace)["limit"], 1);
}

#[tokio::test]
async fn every_root_field_costs_a_token_and_metadata_costs_none() {
    let world = world().await;
    world.twenty.set_limit(&world.workspace, 3);
    let two = json!({"query": "{people(first:1){totalCount} opportunities(first:1){totalCount}}"});
    for _ in 0..10 {
        let (_, body) = world.send("POST", "/metadata", &json!({"query": "{currentWorkspace{id}}"})).await;
        assert!(body["data"]["currentWorkspace"]["id"].is_string());
    }

    let (_, first) = world.send("POST", "/graphql", &two).await;
    let (_, second) = world.send("POST", "/graphql", &two).await;

    assert!(first.get("errors").is_none());
    assert_eq!(second["errors"].as_array().unwrap().len(), 1);
    assert_eq!(second["errors"][0]["extensions"]["subCode"], "LIMIT_REACHED");
}

#[tokio::test]
async fn the_shipped_workflow_is_active_until_somebody_turns_it_off() {
    let world = world().await;
    let query =
        json!({"query": "{workflows(filter:{name:{like:\"Create company%\"}}){edges{node{name statuses}}}}"});

    let (_, before) = world.send("POST", "/graphql", &query).await;
    world.twenty.deactivate_workflow(&world.workspace);
    let (_, after) = world.send("GET", "/rest/workflows", &Value::Null).await;

    let node = &before["data"]["workflows"]["edges"][0]["node"];
    assert_eq!(*node, json!({"name": "Create company when adding a new person", "statuses": ["ACTIVE"]}));
    assert_eq!(after["data"]["workflows"][0]["statuses"], json!(["DEACTIVATED"]));
}

#[tokio::test]
async fn what_it_has_not_learnt_it_says_and_remembers() {
    let world = world().await;

    let (status, _) = world.send("GET", "/rest/metadata/viewFields", &Value::Null).await;

    assert_eq!(status, 501);
    assert_eq!(world.twenty.calls_not_understood(), ["GET /rest/metadata/viewFields"]);
}

#[tokio::test]
async fn thousands_of_members_are_upserted_found_and_paged() {
    let world = world().await;
    let total = 3000;
    let page = |from: usize| -> Value {
        (from..from + 60)
            .map(|at| json!({"whopUserId": format!("many_{at}"), "emails": {"primaryEmail": format!("many{at}@example.com")}}))
            .collect()
    };
    for from in (0..total).step_by(60) {
        let (status, _) = world.send("POST", "/rest/batch/people?upsert=true", &page(from)).await;
        assert_eq!(status, 201);
    }

    let filter = "and(whopUserId[in]:[many_7,many_2999],or(deletedAt[is]:NULL,deletedAt[is]:NOT_NULL))";
    let (_, found) = world.send("GET", &format!("/rest/people?filter={filter}"), &Value::Null).await;
    let (mut seen, mut cursor) = (0, String::new());
    loop {
        let path =
            format!("/rest/people?limit=200&filter=whopUserId[startsWith]:many_&order_by=updatedAt{cursor}");
        let (_, body) = world.send("GET", &path, &Value::Null).await;
        seen += body["data"]["people"].as_array().unwrap().len();
        if body["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
        cursor = format!(
            "&starting_after={}",
            body["pageInfo"]["endCursor"].as_str().unwrap().replace('=', "%3D").replace('+', "%2B")
        );
    }

    assert_eq!(found["totalCount"], 2);
    assert_eq!(seen, total);
}

#[tokio::test]
async fn the_console_shows_what_has_arrived_and_the_key_to_copy() {
    let world = world().await;
    let person = json!({"whopUserId": "user_42", "name": {"firstName": "<Ada>", "lastName": "Lovelace"}});
    world.send("POST", "/rest/people?upsert=true", &person).await;

    let (_, records) = world.send("GET", "/console", &Value::Null).await;
    let (_, key) = world.send("GET", "/console/key", &Value::Null).await;

    let records = records.as_str().unwrap();
    assert!(records.contains("&lt;Ada&gt; Lovelace") && records.contains("user_42"), "{records}");
    assert!(key.as_str().unwrap().contains(&world.workspace.api_key));
}
