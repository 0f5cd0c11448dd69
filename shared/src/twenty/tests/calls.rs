//! Each method against a canned answer: what is asked, and what is made of it.

use serde_json::{Value as Json, json};

use super::sample;
use super::street::{Reply, Seen, Street};
use crate::domain::draft::{Change, Value};
use crate::domain::id::CrmId;
use crate::domain::schema::Object;
use crate::twenty::find::LARGEST_LOOKUP;
use crate::twenty::upsert::{LARGEST_BATCH, Upserted};
use crate::twenty::{Lookup, TwentyError};

async fn answering(body: Json) -> Street {
    Street::open(move |_: &Seen| Reply::json(200, &body)).await
}

fn body_of(sample: &Json) -> Json {
    sample["response"]["body"].clone()
}

fn lookup(object: Object) -> Lookup<'static> {
    Lookup { object, keys: &[], emails: &[], ids: &[], governed: &[] }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn a_key_is_proven_by_the_workspace_it_opens() {
    let recorded = sample!("api-key-workspace-info");
    let street = answering(body_of(&recorded)).await;

    let found = street.twenty.current_workspace(street.at()).await.unwrap();

    assert_eq!(found.name, "Acme");
    assert_eq!(found.id.to_string(), "1f4222a2-35b0-40c5-a5df-29ed0c010beb");
    let [seen] = &street.seen()[..] else { panic!() };
    assert_eq!(seen.call, "POST /metadata");
    assert_eq!(seen.body, recorded["request"]["body"]);
    assert_eq!(seen.authorization.as_deref(), Some("Bearer a-key"));
}

#[tokio::test]
async fn a_server_behind_a_path_is_called_below_it() {
    let mut street = answering(body_of(&sample!("api-key-workspace-info"))).await;
    street.server.set_path("/crm/");
    street.server.set_query(Some("utm=x"));

    street.twenty.current_workspace(street.at()).await.unwrap();

    assert_eq!(street.calls(), ["POST /crm/metadata"]);
}

#[tokio::test]
async fn the_company_workflow_is_seen_only_while_it_is_active() {
    let listed = |status: &str| {
        let node = json!({"name": "Create company when adding a new person", "statuses": [status]});
        json!({"data": {"workflows": {"edges": [{"node": node}]}}})
    };
    for (body, expected) in [
        (listed("ACTIVE"), true),
        (listed("DEACTIVATED"), false),
        (json!({"data": {"workflows": {"edges": []}}}), false),
        (json!({"data": {"workflows": {"edges": [{"node": {"name": "Other", "statuses": null}}]}}}), false),
    ] {
        let street = answering(body).await;

        assert_eq!(street.twenty.creates_companies(street.at()).await.unwrap(), expected);
        assert_eq!(street.calls(), ["POST /graphql"]);
    }
}

fn people_as_found() -> Json {
    let recorded = [
        &sample!("people-upsert-null-unset")["response"]["body"]["data"]["createPerson"],
        &sample!("people-update-emails-primary-only")["response"]["body"]["data"]["updatePerson"],
    ];
    let nodes = recorded.map(|person| {
        let mut node = person.clone();
        node["whopMemberId"] = person["whopUserId"].clone();
        json!({"node": node})
    });
    json!({"data": {"people": {"edges": nodes, "pageInfo": {"hasNextPage": false}}}})
}

#[tokio::test]
async fn people_are_found_by_key_email_or_id_in_one_call_that_sees_the_bin() {
    let street = answering(people_as_found()).await;
    let (keys, emails) = (texts(&["user_0080", ""]), texts(&["member80b@example.com"]));
    let id: CrmId = "11111111-1111-4111-8111-111111111111".parse().unwrap();
    let wanted = Lookup {
        keys: &keys,
        emails: &emails,
        ids: &[id],
        governed: &["name", "phones", "whopJoinedAt"],
        ..lookup(Object::Person)
    };

    let found = street.twenty.find(street.at(), &wanted).await.unwrap();

    let [nameless, ada] = &found[..] else { panic!("{found:?}") };
    assert_eq!((nameless.id, nameless.email.as_deref()), (id, None));
    assert_eq!(nameless.fields["name"], Value::Empty);
    assert_eq!(nameless.fields["phones"], Value::Phone("+33612345678".to_owned()));
    assert_eq!(ada.key.as_deref(), Some("user_0080"));
    assert_eq!(ada.email.as_deref(), Some("member80b@example.com"));
    assert_eq!(ada.fields["name"], Value::Name { first: "Ada".to_owned(), last: "Member80".to_owned() });
    assert_eq!(ada.fields["whopJoinedAt"], Value::Empty);
    assert_eq!(ada.updated_at.to_string(), "2026-11-23T08:36:18.645Z");
    assert!(!ada.deleted);
    let [seen] = &street.seen()[..] else { panic!() };
    assert_eq!(
        seen.body["query"],
        "query($f:PersonFilterInput){people(filter:$f,first:200){edges{node{deletedAt emails{primaryEmail} id \
         name{firstName lastName} phones{primaryPhoneNumber primaryPhoneCallingCode} updatedAt whopJoinedAt \
         whopMemberId}}pageInfo{hasNextPage}}}"
    );
    let any = json!([
        {"whopMemberId": {"in": ["user_0080"]}},
        {"emails": {"primaryEmail": {"in": ["member80b@example.com"]}}},
        {"id": {"in": ["11111111-1111-4111-8111-111111111111"]}},
    ]);
    let bin = json!([{"deletedAt": {"is": "NULL"}}, {"deletedAt": {"is": "NOT_NULL"}}]);
    assert_eq!(seen.body["variables"]["f"], json!({"and": [{"or": any}, {"or": bin}]}));
}

#[tokio::test]
async fn opportunities_are_found_with_what_they_point_at_and_whether_they_are_deleted() {
    let recorded = sample!("opportunities-batch-upsert-connect-person");
    let mut node = recorded["response"]["body"]["data"]["createOpportunities"][0].clone();
    node["deletedAt"] = json!("2026-11-23T10:00:00.000Z");
    let list = json!({"edges": [{"node": node}], "pageInfo": {"hasNextPage": false}});
    let street = answering(json!({"data": {"opportunities": list}})).await;
    let keys = texts(&["mem_0001"]);
    let wanted = Lookup {
        keys: &keys,
        governed: &["stage", "amount", "pointOfContact", "closeDate", "whopManageLink"],
        ..lookup(Object::Opportunity)
    };

    let found = street.twenty.find(street.at(), &wanted).await.unwrap();

    let [it] = &found[..] else { panic!("{found:?}") };
    assert!(it.deleted);
    assert_eq!(it.fields["stage"], Value::Choice("CUSTOMER".to_owned()));
    assert_eq!(it.fields["closeDate"], Value::Empty);
    let person = "4d533b49-fee9-4586-beb1-b6f9758e557c".parse().unwrap();
    assert_eq!(it.fields["pointOfContact"], Value::Related(person));
    let query = street.seen()[0].body["query"].as_str().unwrap().to_owned();
    assert!(query.contains(" pointOfContactId ") && !query.contains("emails"), "{query}");
}

#[tokio::test]
async fn looking_for_nothing_costs_no_call_and_looking_for_too_much_is_refused() {
    let street = answering(json!({})).await;
    let blank = texts(&["", ""]);
    let many: Vec<String> = (0..=LARGEST_LOOKUP).map(|number| number.to_string()).collect();

    let nothing = street.twenty.find(street.at(), &Lookup { emails: &blank, ..lookup(Object::Person) }).await;
    let too_much = street.twenty.find(street.at(), &Lookup { keys: &many, ..lookup(Object::Person) }).await;

    assert_eq!(nothing.unwrap(), []);
    assert!(matches!(too_much, Err(TwentyError::Misused(_))));
    assert!(street.calls().is_empty());
}

#[tokio::test]
async fn a_list_that_is_not_whole_decides_nothing() {
    let street =
        answering(json!({"data": {"people": {"edges": [], "pageInfo": {"hasNextPage": true}}}})).await;
    let keys = texts(&["mber_1"]);

    let found = street.twenty.find(street.at(), &Lookup { keys: &keys, ..lookup(Object::Person) }).await;

    assert!(matches!(found, Err(TwentyError::Unexpected { .. })));
}

fn changes(keys: &[&str]) -> Vec<Change> {
    let change = |key: &&str| Change {
        object: Object::Opportunity,
        id: CrmId(uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, key.as_bytes())),
        key: (*key).to_owned(),
        fields: [("name", Value::from(*key))].into(),
    };
    keys.iter().map(change).collect()
}

#[tokio::test]
async fn answers_to_a_batch_are_matched_by_key_and_what_is_missing_is_an_error_of_its_own() {
    let recorded = sample!("opportunities-batch-upsert-connect-person");
    let street = answering(body_of(&recorded)).await;
    let batch = changes(&["mem_0003", "mem_lost", "mem_0001"]);

    let written: Vec<Upserted> =
        street.twenty.upsert(street.at(), Object::Opportunity, &batch).await.unwrap();

    let ids: Vec<_> =
        written.iter().map(|it| (it.key.as_str(), it.id.as_ref().ok().map(CrmId::to_string))).collect();
    assert_eq!(
        ids,
        [
            ("mem_0003", Some("80723857-7c91-4b8d-85f9-ec2c7922af0a".to_owned())),
            ("mem_lost", None),
            ("mem_0001", Some("2bef1582-c294-4140-a3e4-c33f0fe938bd".to_owned())),
        ]
    );
    assert!(matches!(written[1].id, Err(TwentyError::Rejected { .. })));
    let [seen] = &street.seen()[..] else { panic!() };
    assert_eq!(seen.call, "POST /rest/batch/opportunities?upsert=true");
    assert_eq!(seen.body[1]["whopMembershipId"], "mem_lost");
}

#[tokio::test]
async fn a_batch_is_sent_whole_or_not_at_all() {
    let street = answering(json!({})).await;
    let keys: Vec<String> = (0..=LARGEST_BATCH).map(|number| format!("mem_{number}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let send = async |object, batch: &[Change]| street.twenty.upsert(street.at(), object, batch).await;

    assert!(matches!(send(Object::Opportunity, &changes(&keys)).await, Err(TwentyError::Misused(_))));
    assert!(matches!(send(Object::Person, &changes(&["mem_1"])).await, Err(TwentyError::Misused(_))));
    assert!(send(Object::Person, &[]).await.unwrap().is_empty());
    assert!(street.calls().is_empty());
}
