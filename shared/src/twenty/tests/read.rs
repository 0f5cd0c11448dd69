use serde_json::{Value as Json, json};

use super::street::{Reply, Street, client};
use crate::domain::connection::SchemaState;
use crate::domain::grant::Secret;
use crate::domain::id::CrmId;
use crate::domain::settings::Settings;
use crate::twenty::{At, Wanted};

async fn street(body: Json) -> Street {
    Street::open(move |_| Reply::json(200, &body)).await
}

fn id() -> CrmId {
    "3f2504e0-4f89-41d3-9a0c-0305e82c3301".parse().unwrap()
}

#[tokio::test]
async fn a_person_comes_with_the_latest_notes_first() {
    let note = |title: &str, at: &str| json!({"node": {"note": {"title": title, "bodyV2": {"markdown": "text"}, "createdAt": at}}});
    let notes = json!([note("old", "2026-11-01T00:00:00Z"), note("new", "2026-11-02T00:00:00Z"), {"node": {"note": null}}]);
    let street = street(json!({"data": {"people": {"edges": [{"node": {
        "id": id(), "name": {"firstName": "Ada", "lastName": ""}, "emails": {"primaryEmail": "ada@example.com"},
        "phones": {"primaryPhoneNumber": ""}, "jobTitle": "Countess", "linkedinLink": null, "company": null,
        "whopMemberId": "mber_1", "noteTargets": {"edges": notes}}}]}}}))
    .await;

    let person = street.twenty.person_card(street.at(), id()).await.unwrap().unwrap();

    assert_eq!(
        (person.name.as_str(), person.job_title.as_deref(), person.phone),
        ("Ada", Some("Countess"), None)
    );
    assert_eq!(person.member.unwrap().as_str(), "mber_1");
    let texts: Vec<&str> = person.notes.iter().map(|note| note.text.as_str()).collect();
    assert_eq!(texts, ["new\ntext", "old\ntext"]);
    assert_eq!(street.calls(), ["POST /graphql"]);
}

#[tokio::test]
async fn nobody_is_nothing() {
    let street = street(json!({"data": {"people": {"edges": []}, "opportunities": {"edges": []}}})).await;

    assert_eq!(street.twenty.person_card(street.at(), id()).await.unwrap(), None);
    assert_eq!(street.twenty.contact_of(street.at(), id()).await.unwrap(), None);
}

#[tokio::test]
async fn payments_are_read_in_whops_words() {
    let street = street(json!({"data": {"whopPayments": {"edges": [{"node": {"id": id(), "status": "PAID",
        "substatus": "PARTIALLY_REFUNDED", "billingReason": "SUBSCRIPTION_CYCLE", "disputeStatus": null,
        "chargedAt": "2026-11-01T00:00:00Z", "refundedAt": "2026-11-02T00:00:00Z"}}, {"node": {"id": id()}}]}}}))
    .await;

    let payments = street.twenty.payments_of(street.at(), id()).await.unwrap();

    assert_eq!(payments.len(), 1);
    assert_eq!((payments[0].status.as_str(), payments[0].substatus.as_str()), ("paid", "partially_refunded"));
    assert!(payments[0].refunded_at.is_some() && payments[0].dispute.is_none());
}

/// The same queries, understood by a server that reads them.
#[tokio::test]
async fn a_server_with_our_fields_understands_every_query() {
    let clock = sim::clock::Clock::stepped(1_795_420_800_000);
    let server = sim::twenty::Twenty::start(clock, &sim::fault::Faults::default(), 0).await;
    let workspace = server.create_workspace("Harbor Lights");
    let (url, key) = (server.url().parse().unwrap(), Secret::new(workspace.api_key.clone()));
    let (at, twenty) = (At { server: &url, key: &key }, client());
    let stages = Settings::default().every_stage();
    let ensured = twenty
        .ensure_schema(at, Wanted::Mirror { stages: &stages }, &SchemaState::default(), || true)
        .await
        .unwrap();
    assert!(ensured.complete);
    let person = server.create_as_human(
        &workspace,
        "people",
        &json!({"name": {"firstName": "Ada"}, "jobTitle": "Countess"}),
    );
    let note = server.create_as_human(
        &workspace,
        "notes",
        &json!({"title": "Call", "bodyV2": {"markdown": "Likes chess"}}),
    );
    server.create_as_human(&workspace, "noteTargets", &json!({"noteId": note, "targetPersonId": person}));
    let deal = server.create_as_human(
        &workspace,
        "opportunities",
        &json!({"name": "Club", "pointOfContactId": person}),
    );
    server.create_as_human(
        &workspace,
        "whopPayments",
        &json!({"status": "PAID", "substatus": "SUCCEEDED", "chargedAt": "2026-11-01T00:00:00.000Z", "personId": person}),
    );
    let id: CrmId = person.parse().unwrap();

    let card = twenty.person_card(at, id).await.unwrap().unwrap();

    assert_eq!((card.name.as_str(), card.job_title.as_deref()), ("Ada", Some("Countess")));
    assert_eq!(card.notes.iter().map(|it| it.text.as_str()).collect::<Vec<_>>(), ["Call\nLikes chess"]);
    assert_eq!(twenty.contact_of(at, deal.parse().unwrap()).await.unwrap(), Some(id));
    assert_eq!(twenty.payments_of(at, id).await.unwrap().len(), 1);
}
