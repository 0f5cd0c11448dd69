//! Looking records up, the deleted ones included: a record in Twenty's bin still holds its unique values, and
//! writing to it would bring it back.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::client::Graph;
use super::wire::{Record, Records};
use super::{At, Twenty, TwentyError, value};
use crate::domain::draft::{Existing, FieldName};
use crate::domain::id::CrmId;
use crate::domain::schema::{Field, Object};

/// Most keys, e-mails and ids of one lookup, together: each leads to one record at most, and Twenty's lists
/// hold 200.
pub(crate) const LARGEST_LOOKUP: usize = 200;

/// Whom to look for: every record that any of these leads to.
#[derive(Clone, Debug)]
pub(crate) struct Lookup<'a> {
    pub(crate) object: Object,
    /// Whop ids.
    pub(crate) keys: &'a [String],
    /// Primary e-mails, lower case; people only.
    pub(crate) emails: &'a [String],
    pub(crate) ids: &'a [CrmId],
    /// Fields whose present value is wanted; nothing else is asked for.
    pub(crate) governed: &'a [FieldName],
}

impl Twenty {
    /// True if there is such a record, outside the bin. One call.
    pub(crate) async fn is_there(&self, at: At<'_>, object: Object, id: CrmId) -> Result<bool, TwentyError> {
        self.finds(at, (type_name(object), object.plural()), id).await
    }

    /// The same for an object by Twenty's names of it: its type and its list.
    pub(super) async fn finds(
        &self,
        at: At<'_>,
        (type_name, plural): (&str, &str),
        id: CrmId,
    ) -> Result<bool, TwentyError> {
        let query =
            format!("query($f:{type_name}FilterInput){{{plural}(filter:$f,first:1){{edges{{node{{id}}}}}}}}");
        let filter = json!({"f": {"id": {"eq": id}}});
        let mut found: Records = self.graphql(at, Graph::Records, &query, filter).await?;
        let list = found.remove(plural).ok_or_else(|| odd("no list"))?;
        Ok(!list.edges.is_empty())
    }

    /// Finds records. One call, and none at all where nothing is looked for.
    pub(crate) async fn find(&self, at: At<'_>, lookup: &Lookup<'_>) -> Result<Vec<Existing>, TwentyError> {
        let Some(filter) = lookup.filter()? else {
            return Ok(Vec::new());
        };
        let fields = lookup.fields()?;
        let query = lookup.query(&fields);
        let mut found: Records = self.graphql(at, Graph::Records, &query, json!({"f": filter})).await?;
        let list = found.remove(lookup.object.plural()).ok_or_else(|| odd("no list"))?;
        if list.page.has_next_page {
            // Half of the holders of an e-mail would be taken for all of them.
            return Err(odd("more records than were asked for"));
        }
        let records = list.edges.into_iter().map(|edge| edge.node);
        records.map(|record| existing(lookup.object, &fields, &record)).collect()
    }
}

fn odd(what: &str) -> TwentyError {
    TwentyError::Unexpected { what: what.to_owned() }
}

impl Lookup<'_> {
    /// Nothing if there is nothing to look for. An empty text would match every record without one.
    fn filter(&self) -> Result<Option<Json>, TwentyError> {
        let said =
            |texts: &[String]| -> Vec<String> { texts.iter().filter(|it| !it.is_empty()).cloned().collect() };
        let (keys, emails) = (said(self.keys), said(self.emails));
        if keys.len() + emails.len() + self.ids.len() > LARGEST_LOOKUP {
            return Err(TwentyError::Misused("a lookup is too large"));
        }
        if self.object != Object::Person && !emails.is_empty() {
            return Err(TwentyError::Misused("only people are looked up by e-mail"));
        }
        let mut any = Vec::new();
        if !keys.is_empty() {
            any.push(json!({self.object.key_field(): {"in": keys}}));
        }
        if !emails.is_empty() {
            any.push(json!({"emails": {"primaryEmail": {"in": emails}}}));
        }
        if !self.ids.is_empty() {
            any.push(json!({"id": {"in": self.ids}}));
        }
        let deleted_too = json!([{"deletedAt": {"is": "NULL"}}, {"deletedAt": {"is": "NOT_NULL"}}]);
        Ok((!any.is_empty()).then(|| json!({"and": [{"or": any}, {"or": deleted_too}]})))
    }

    fn fields(&self) -> Result<Vec<&'static Field>, TwentyError> {
        let known = self.governed.iter().map(|name| self.object.field(name));
        let fields: Option<Vec<&'static Field>> = known.collect();
        fields.ok_or(TwentyError::Misused("a lookup asks for a field we do not have"))
    }

    fn query(&self, fields: &[&Field]) -> String {
        let mut selected = BTreeSet::from(["id".to_owned(), "deletedAt".to_owned(), "updatedAt".to_owned()]);
        selected.insert(self.object.key_field().to_owned());
        if self.object == Object::Person {
            selected.insert("emails{primaryEmail}".to_owned());
        }
        selected.extend(fields.iter().map(|field| value::selection(field)));
        let selected: Vec<String> = selected.into_iter().collect();
        let (plural, fields) = (self.object.plural(), selected.join(" "));
        format!(
            "query($f:{}FilterInput){{{plural}(filter:$f,first:{LARGEST_LOOKUP})\
             {{edges{{node{{{fields}}}}}pageInfo{{hasNextPage}}}}}}",
            type_name(self.object)
        )
    }
}

/// Twenty's GraphQL type of an object: its name with a capital.
fn type_name(object: Object) -> &'static str {
    match object {
        Object::Product => "WhopProduct",
        Object::Person => "Person",
        Object::Opportunity => "Opportunity",
        Object::Payment => "WhopPayment",
        Object::Contract => "Contract",
    }
}

fn existing(object: Object, fields: &[&'static Field], record: &Record) -> Result<Existing, TwentyError> {
    let text = |name: &str| record.get(name).and_then(Json::as_str).filter(|text| !text.is_empty());
    let email = record.get("emails").and_then(|it| it.get("primaryEmail")?.as_str());
    let values = fields.iter().map(|field| {
        let json = record.get(&value::column(field)).unwrap_or(&Json::Null);
        (field.name, value::read(field.kind, json))
    });
    Ok(Existing {
        object,
        id: text("id").and_then(|id| id.parse().ok()).ok_or_else(|| odd("a record without an id"))?,
        key: text(object.key_field()).map(str::to_owned),
        email: email.filter(|it| !it.is_empty()).map(str::to_lowercase),
        deleted: text("deletedAt").is_some(),
        updated_at: text("updatedAt")
            .and_then(|at| at.parse().ok())
            .ok_or_else(|| odd("a record without its time of change"))?,
        fields: values.collect::<BTreeMap<_, _>>(),
    })
}
