//! Reading one person with their notes, and what they paid, for insights. Reads only what an insight may need.

use serde_json::{Value as Json, json};

use super::client::Graph;
use super::wire::{Record, Records};
use super::{At, Twenty, TwentyError};
use crate::domain::id::CrmId;
use crate::domain::insight::automation::NOTE_TITLE;
use crate::domain::insight::gathered::{NoteCard, PaymentCard, PersonCard};
use crate::domain::words::PaymentStatus;

/// Notes of one person that are read.
const NOTES: usize = 20;
/// Payments of one person that are read, the latest first.
const PAYMENTS: usize = 200;

impl Twenty {
    /// A person with their latest notes; nothing if there is none. One call.
    pub(crate) async fn person_card(&self, at: At<'_>, id: CrmId) -> Result<Option<PersonCard>, TwentyError> {
        let query = format!(
            "query($f:PersonFilterInput){{people(filter:$f,first:1){{edges{{node{{{}}}}}}}}}",
            person_fields()
        );
        let filter = json!({"f": {"id": {"eq": id}}});
        let mut found: Records = self.graphql(at, Graph::Records, &query, filter).await?;
        let people = found.remove("people").map(|list| list.edges).unwrap_or_default();
        Ok(people.into_iter().next().map(|edge| person(id, &edge.node)))
    }

    /// The person an opportunity is about; nothing if it names none. One call.
    pub(crate) async fn contact_of(
        &self,
        at: At<'_>,
        opportunity: CrmId,
    ) -> Result<Option<CrmId>, TwentyError> {
        let query = "query($f:OpportunityFilterInput){opportunities(filter:$f,first:1)\
                     {edges{node{id pointOfContactId}}}}";
        let filter = json!({"f": {"id": {"eq": opportunity}}});
        let mut found: Records = self.graphql(at, Graph::Records, query, filter).await?;
        let deals = found.remove("opportunities").map(|list| list.edges).unwrap_or_default();
        let contact = deals.first().and_then(|edge| edge.node.get("pointOfContactId")?.as_str());
        Ok(contact.and_then(|id| id.parse().ok()))
    }

    /// What a person paid, the latest first. One call.
    pub(crate) async fn payments_of(
        &self,
        at: At<'_>,
        person: CrmId,
    ) -> Result<Vec<PaymentCard>, TwentyError> {
        let query = format!(
            "query($f:WhopPaymentFilterInput,$o:[WhopPaymentOrderByInput]){{whopPayments(filter:$f,orderBy:$o,\
             first:{PAYMENTS}){{edges{{node{{{PAYMENT_FIELDS}}}}}}}}}"
        );
        let variables = json!({"f": {"personId": {"eq": person}}, "o": [{"chargedAt": "DescNullsLast"}]});
        let mut found: Records = self.graphql(at, Graph::Records, &query, variables).await?;
        let payments = found.remove("whopPayments").map(|list| list.edges).unwrap_or_default();
        Ok(payments.iter().filter_map(|edge| payment(&edge.node)).collect())
    }
}

/// What is read of a person.
pub(super) fn person_fields() -> String {
    format!(
        "id name{{firstName lastName}} emails{{primaryEmail}} phones{{primaryPhoneNumber}} jobTitle \
         linkedinLink{{primaryLinkUrl}} company{{name}} whopMemberId \
         noteTargets(first:{NOTES}){{edges{{node{{note{{title bodyV2{{markdown}} createdAt}}}}}}}}"
    )
}

/// What is read of a payment.
pub(super) const PAYMENT_FIELDS: &str =
    "id status substatus billingReason disputeStatus chargedAt refundedAt";

pub(super) fn text<'a>(record: &'a Record, path: &[&str]) -> Option<&'a str> {
    let (first, rest) = path.split_first()?;
    let mut value = record.get(*first)?;
    for name in rest {
        value = value.get(*name)?;
    }
    value.as_str().map(str::trim).filter(|text| !text.is_empty())
}

pub(super) fn person(id: CrmId, record: &Record) -> PersonCard {
    let own = |path: &[&str]| text(record, path).map(str::to_owned);
    let name: Vec<&str> =
        ["firstName", "lastName"].iter().filter_map(|part| text(record, &["name", part])).collect();
    let edges = record.get("noteTargets").and_then(|it| it.get("edges")?.as_array());
    let mut notes: Vec<NoteCard> = edges.into_iter().flatten().filter_map(note).collect();
    notes.sort_by_key(|note| std::cmp::Reverse(note.at));
    PersonCard {
        id,
        name: name.join(" "),
        email: own(&["emails", "primaryEmail"]),
        phone: own(&["phones", "primaryPhoneNumber"]),
        job_title: own(&["jobTitle"]),
        company: own(&["company", "name"]),
        has_profile: text(record, &["linkedinLink", "primaryLinkUrl"]).is_some(),
        member: text(record, &["whopMemberId"]).and_then(|id| id.parse().ok()),
        notes,
    }
}

/// Title and text; a note that was deleted meanwhile is null. Our own notes tell nothing of the person.
fn note(edge: &Json) -> Option<NoteCard> {
    let note = edge.get("node")?.get("note")?.as_object()?;
    if text(note, &["title"]) == Some(NOTE_TITLE) {
        return None;
    }
    let parts = [text(note, &["title"]), text(note, &["bodyV2", "markdown"])];
    let text_of = parts.into_iter().flatten().collect::<Vec<_>>().join("\n");
    let at = text(note, &["createdAt"])?.parse().ok()?;
    (!text_of.is_empty()).then_some(NoteCard { text: text_of, at })
}

/// Options are Whop's words in capitals.
pub(super) fn payment(record: &Record) -> Option<PaymentCard> {
    let word = |name| text(record, &[name]).map(str::to_lowercase);
    Some(PaymentCard {
        status: word("status").map(PaymentStatus::from)?,
        substatus: word("substatus")?.into(),
        reason: word("billingReason").map(Into::into),
        dispute: word("disputeStatus").map(Into::into),
        charged_at: text(record, &["chargedAt"])?.parse().ok()?,
        refunded_at: text(record, &["refundedAt"]).and_then(|at| at.parse().ok()),
    })
}
