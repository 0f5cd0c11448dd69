use serde_json::{Value as Json, json};

use super::street::{Reply, Street};
use crate::domain::id::CrmId;

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
