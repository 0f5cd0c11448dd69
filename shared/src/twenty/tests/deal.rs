use serde_json::{Value as Json, json};

use super::street::{Reply, Street};
use crate::domain::id::CrmId;
use crate::domain::time::Timestamp;
use crate::domain::words::MembershipStatus;

const NOON: Timestamp = Timestamp::from_millis(1_795_420_800_000);

async fn street(opportunities: Json) -> Street {
    let body = json!({"data": {"opportunities": opportunities}});
    Street::open(move |_| Reply::json(200, &body)).await
}

fn id() -> CrmId {
    "3f2504e0-4f89-41d3-9a0c-0305e82c3301".parse().unwrap()
}

#[tokio::test]
async fn a_deal_comes_with_its_person_in_one_call() {
    let person =
        json!({"id": id(), "name": {"firstName": "Ada", "lastName": ""}, "emails": {"primaryEmail": ""}});
    let street =
        street(json!({"edges": [{"node": {"id": id(), "stage": "CUSTOMER", "whopStatus": "PAST_DUE",
        "whopStartedAt": "2026-11-23T08:00:00.000Z", "whopProduct": {"whopProductId": "prod_1"},
        "pointOfContact": person}}]}))
        .await;

    let deal = street.twenty.deal(street.at(), id()).await.unwrap().unwrap();

    assert_eq!((deal.stage.as_deref(), deal.status), (Some("CUSTOMER"), Some(MembershipStatus::PastDue)));
    assert_eq!(deal.product.unwrap().as_str(), "prod_1");
    assert_eq!(deal.started_at, Some("2026-11-23T08:00:00Z".parse().unwrap()));
    let person = deal.person.unwrap();
    assert_eq!((person.name.as_str(), person.email), ("Ada", None));
    assert_eq!(street.calls(), ["POST /graphql"]);
}

#[tokio::test]
async fn a_deal_of_nobody_that_is_no_membership_is_a_deal() {
    let street = street(json!({"edges": [{"node": {"id": id(), "stage": "NEW", "whopStatus": null,
        "whopStartedAt": null, "whopProduct": null, "pointOfContact": null}}]}))
    .await;

    let deal = street.twenty.deal(street.at(), id()).await.unwrap().unwrap();

    assert_eq!((deal.status, deal.product, deal.started_at, deal.person), (None, None, None, None));
}

#[tokio::test]
async fn a_stage_is_listed_from_the_oldest_and_only_what_changed_if_a_moment_is_given() {
    let street = street(json!({"edges": [{"node": {"id": id()}}],
        "pageInfo": {"hasNextPage": true, "endCursor": "next"}}))
    .await;

    let all = street.twenty.in_stage(street.at(), "MEETING", None, None).await.unwrap();
    street.twenty.in_stage(street.at(), "MEETING", Some(NOON), Some("next")).await.unwrap();

    assert_eq!((all.ids, all.next.as_deref()), (vec![id()], Some("next")));
    let asked: Vec<Json> = street.seen().into_iter().map(|it| it.body["variables"].clone()).collect();
    let order = json!([{"createdAt": "AscNullsFirst"}]);
    assert_eq!(asked[0], json!({"f": {"and": [{"stage": {"eq": "MEETING"}}]}, "o": order, "a": null}));
    let since = json!({"updatedAt": {"gte": NOON.to_string()}});
    assert_eq!(
        asked[1],
        json!({"f": {"and": [{"stage": {"eq": "MEETING"}}, since]}, "o": order, "a": "next"})
    );
}
