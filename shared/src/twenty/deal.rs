//! Reading opportunities for rules about contracts: one with its person, or the ids of those in a stage. It writes
//! nothing.

use serde_json::{Value as Json, json};

use super::client::Graph;
use super::read::text;
use super::wire::{Record, Records};
use super::{At, Twenty, TwentyError};
use crate::domain::contract::rule::{Deal, Party};
use crate::domain::id::CrmId;
use crate::domain::time::Timestamp;

/// Records of one page (Twenty, API docs: its longest list).
const PAGE: usize = 200;

/// Opportunities of one stage, and where the list goes on.
pub(crate) struct InStage {
    pub(crate) ids: Vec<CrmId>,
    pub(crate) next: Option<String>,
}

impl Twenty {
    /// An opportunity with its point of contact; nothing if it was deleted. One call.
    pub(crate) async fn deal(&self, at: At<'_>, id: CrmId) -> Result<Option<Deal>, TwentyError> {
        let query = "query($f:OpportunityFilterInput){opportunities(filter:$f,first:1){edges{node{id stage whopStatus \
                     whopStartedAt whopProduct{whopProductId} pointOfContact{id name{firstName lastName} \
                     emails{primaryEmail}}}}}}";
        let filter = json!({"f": {"id": {"eq": id}}});
        let mut found: Records = self.graphql(at, Graph::Records, query, filter).await?;
        let deals = found.remove("opportunities").map(|list| list.edges).unwrap_or_default();
        Ok(deals.first().map(|edge| deal(id, &edge.node)))
    }

    /// Opportunities in a stage, those that changed at `since` or later if that is given. The oldest come first, so that
    /// one that changes meanwhile keeps its place. One call.
    pub(crate) async fn in_stage(
        &self,
        at: At<'_>,
        stage: &str,
        since: Option<Timestamp>,
        after: Option<&str>,
    ) -> Result<InStage, TwentyError> {
        let query = format!(
            "query($f:OpportunityFilterInput,$o:[OpportunityOrderByInput],$a:String){{opportunities(filter:$f,orderBy:$o,\
             first:{PAGE},after:$a){{edges{{node{{id}}}}pageInfo{{hasNextPage endCursor}}}}}}"
        );
        let mut all = vec![json!({"stage": {"eq": stage}})];
        all.extend(since.map(|since| json!({"updatedAt": {"gte": since.to_string()}})));
        let order = json!([{"createdAt": "AscNullsFirst"}]);
        let variables = json!({"f": {"and": all}, "o": order, "a": after});
        let mut found: Records = self.graphql(at, Graph::Records, &query, variables).await?;
        let Some(list) = found.remove("opportunities") else {
            return Ok(InStage { ids: Vec::new(), next: None });
        };
        let ids = list.edges.iter().filter_map(|edge| text(&edge.node, &["id"])?.parse().ok());
        let next = list.page.end_cursor.filter(|_| list.page.has_next_page);
        Ok(InStage { ids: ids.collect(), next })
    }
}

/// Options are Whop's words in capitals.
fn deal(id: CrmId, record: &Record) -> Deal {
    Deal {
        id,
        stage: text(record, &["stage"]).map(str::to_owned),
        status: text(record, &["whopStatus"]).map(|word| word.to_lowercase().into()),
        product: text(record, &["whopProduct", "whopProductId"]).and_then(|id| id.parse().ok()),
        started_at: text(record, &["whopStartedAt"]).and_then(|at| at.parse().ok()),
        person: record.get("pointOfContact").and_then(Json::as_object).and_then(party),
    }
}

fn party(person: &Record) -> Option<Party> {
    let name: Vec<&str> =
        ["firstName", "lastName"].iter().filter_map(|part| text(person, &["name", part])).collect();
    Some(Party {
        id: text(person, &["id"])?.parse().ok()?,
        name: name.join(" "),
        email: text(person, &["emails", "primaryEmail"]).map(str::to_owned),
    })
}
