//! The GraphQL schema: our domain in the words of the API.
//!
//! A resolver calls one use case and maps what it gives. It decides nothing and keeps nothing.

mod audit;
mod card;
mod connection;
mod contract;
mod contract_account;
mod contract_input;
mod contract_mutation;
mod contract_query;
mod contract_settings;
mod contract_words;
mod delivery;
mod failed;
mod insight;
mod insight_features;
mod insight_input;
mod insight_score;
mod insight_settings;
mod insight_usage;
mod insight_weights;
mod insight_words;
mod mutation;
mod query;
mod run;
mod settings;
mod time;
mod token;

use std::str::FromStr;

use async_graphql::{Context, EmptySubscription, ID, MergedObject, Schema};
use shared::domain::caller::Caller;
use shared::domain::time::Timestamp;
use shared::{App, Error, Result};

use self::contract_mutation::ContractMutation;
use self::contract_query::ContractQuery;
use self::mutation::WorkspaceMutation;
use self::query::WorkspaceQuery;
use crate::limits;

/// What can be read. Everything is of the caller's own workspace.
#[derive(MergedObject, Default)]
pub(crate) struct Query(WorkspaceQuery, ContractQuery);

/// What can be done. Everything concerns the caller's own workspace.
#[derive(MergedObject, Default)]
pub(crate) struct Mutation(WorkspaceMutation, ContractMutation);

/// The schema as the door runs it.
pub(crate) type Api = Schema<Query, Mutation, EmptySubscription>;

/// What every resolver works with: the app, who asks, and until when an answer must be there.
pub(crate) struct Access {
    pub(crate) app: &'static App,
    pub(crate) caller: Caller,
    pub(crate) deadline: Timestamp,
}

impl Access {
    fn of<'a>(context: &Context<'a>) -> Result<&'a Self> {
        context.data().map_err(|_| Error::bug("a document runs without its caller"))
    }
}

/// Builds the schema with its limits.
pub(crate) fn api() -> Api {
    Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .limit_depth(limits::DEPTH)
        .limit_complexity(limits::COST)
        .disable_suggestions()
        .finish()
}

/// An id as its type. One that cannot be an id is answered like one that is not there.
fn named<T: FromStr>(id: &ID) -> Result<T> {
    id.parse().map_err(|_| Error::not_found())
}

/// How many items a list of `first` costs at most.
fn items(first: u32) -> usize {
    usize::try_from(first.min(100)).unwrap_or(100)
}
