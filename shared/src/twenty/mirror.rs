//! Reading back what the sync wrote, for many people at a time: three lists instead of calls for every one of them.

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use super::client::Graph;
use super::read::{PAYMENT_FIELDS, payment, person, person_fields, text};
use super::value;
use super::wire::{Record, Records};
use super::{At, Twenty, TwentyError};
use crate::domain::draft::Value;
use crate::domain::id::CrmId;
use crate::domain::insight::gathered::PaymentCard;
use crate::domain::insight::mirrored::{DealCard, Mirrored};
use crate::domain::money::Money;
use crate::domain::schema::Kind;
use crate::domain::time::Timestamp;

/// Records of one page (Twenty, API docs: its longest list).
const PAGE: usize = 200;

/// How a record of a list is read: the list's name, the column that says whose it is, and the record itself.
type Reading<'a, T> = (&'a str, &'a str, fn(&Record) -> Option<T>);

/// A page of what people bought or paid: each with whose it is, and where the list goes on.
pub(crate) struct Owned<T> {
    pub(crate) items: Vec<(CrmId, T)>,
    pub(crate) next: Option<String>,
}

impl Twenty {
    /// People who are not in the bin, without what they bought and paid; at most sixty. One call.
    pub(crate) async fn mirrored_people(
        &self,
        at: At<'_>,
        ids: &[CrmId],
    ) -> Result<HashMap<CrmId, Mirrored>, TwentyError> {
        let query = format!(
            "query($f:PersonFilterInput){{people(filter:$f,first:{PAGE}){{edges{{node{{{} whopJoinedAt whopLastSeenAt \
             whopTotalSpent{{amountMicros currencyCode}}}}}}}}}}",
            person_fields()
        );
        let filter = json!({"f": {"id": {"in": ids}}});
        let mut found: Records = self.graphql(at, Graph::Records, &query, filter).await?;
        let people = found.remove("people").map(|list| list.edges).unwrap_or_default();
        Ok(people.iter().filter_map(|edge| mirrored(&edge.node)).map(|it| (it.card.id, it)).collect())
    }

    /// Memberships of these people, page by page. One call.
    pub(crate) async fn deals_of(
        &self,
        at: At<'_>,
        people: &[CrmId],
        after: Option<&str>,
    ) -> Result<Owned<DealCard>, TwentyError> {
        let query = format!(
            "query($f:OpportunityFilterInput,$a:String){{opportunities(filter:$f,first:{PAGE},after:$a){{edges{{node{{id \
             pointOfContactId whopMembershipId whopStatus whopVariant whopPrice{{amountMicros currencyCode}} whopRenews \
             whopRenewsAt whopCancelsAtPeriodEnd whopCanceledAt whopAccessEndsAt whopStartedAt \
             whopProduct{{whopProductId}}}}}}pageInfo{{hasNextPage endCursor}}}}}}"
        );
        let variables = json!({"f": {"pointOfContactId": {"in": people}}, "a": after});
        self.owned(at, &query, variables, ("opportunities", "pointOfContactId", deal)).await
    }

    /// Payments of these people, page by page, the latest first. One call.
    pub(crate) async fn payments_of_many(
        &self,
        at: At<'_>,
        people: &[CrmId],
        after: Option<&str>,
    ) -> Result<Owned<PaymentCard>, TwentyError> {
        let query = format!(
            "query($f:WhopPaymentFilterInput,$o:[WhopPaymentOrderByInput],$a:String){{whopPayments(filter:$f,orderBy:$o,\
             first:{PAGE},after:$a){{edges{{node{{{PAYMENT_FIELDS} personId}}}}pageInfo{{hasNextPage endCursor}}}}}}"
        );
        let order = json!([{"chargedAt": "DescNullsLast"}]);
        let variables = json!({"f": {"personId": {"in": people}}, "o": order, "a": after});
        self.owned(at, &query, variables, ("whopPayments", "personId", payment)).await
    }

    async fn owned<T>(
        &self,
        at: At<'_>,
        query: &str,
        variables: Json,
        (plural, owner, read): Reading<'_, T>,
    ) -> Result<Owned<T>, TwentyError> {
        let mut found: Records = self.graphql(at, Graph::Records, query, variables).await?;
        let Some(list) = found.remove(plural) else {
            return Ok(Owned { items: Vec::new(), next: None });
        };
        let next = list.page.end_cursor.filter(|_| list.page.has_next_page);
        let items = list.edges.iter().filter_map(|edge| Some((id(&edge.node, owner)?, read(&edge.node)?)));
        Ok(Owned { items: items.collect(), next })
    }
}

fn id(record: &Record, name: &str) -> Option<CrmId> {
    text(record, &[name])?.parse().ok()
}

fn time(record: &Record, name: &str) -> Option<Timestamp> {
    text(record, &[name])?.parse().ok()
}

fn money(record: &Record, name: &str) -> Option<Money> {
    let Value::Money(money) = value::read(Kind::Currency, record.get(name)?) else { return None };
    Some(money)
}

fn yes(record: &Record, name: &str) -> bool {
    record.get(name).and_then(Json::as_bool).unwrap_or(false)
}

fn mirrored(record: &Record) -> Option<Mirrored> {
    Some(Mirrored {
        card: person(id(record, "id")?, record),
        total_spent: money(record, "whopTotalSpent"),
        joined_at: time(record, "whopJoinedAt"),
        last_seen_at: time(record, "whopLastSeenAt"),
        deals: Vec::new(),
        payments: Vec::new(),
    })
}

/// Nothing for an opportunity that is no membership.
fn deal(record: &Record) -> Option<DealCard> {
    text(record, &["whopMembershipId"])?;
    Some(DealCard {
        status: text(record, &["whopStatus"])?.to_lowercase().into(),
        product: text(record, &["whopProduct", "whopProductId"]).and_then(|id| id.parse().ok()),
        variant: text(record, &["whopVariant"]).map(str::to_owned),
        price: money(record, "whopPrice"),
        renews: yes(record, "whopRenews"),
        renews_at: time(record, "whopRenewsAt"),
        cancels_at_period_end: yes(record, "whopCancelsAtPeriodEnd"),
        canceled_at: time(record, "whopCanceledAt"),
        access_ends_at: time(record, "whopAccessEndsAt"),
        started_at: time(record, "whopStartedAt"),
    })
}
