//! What we remember, in one `DynamoDB` table: every item belongs to one workspace, and every move has a
//! condition on the state it was in. A condition that does not hold is an answer, not an error.
//!
//! It decides nothing but that. An index only finds; a consistent read of the item decides. An attempt whose
//! answer was lost is made again by the SDK, so a writer who meets his own write takes it for done.

mod audit;
mod budget;
mod card;
mod connection;
mod consent;
mod contract;
mod contract_rule;
mod delivery;
mod endpoint;
mod error;
mod esign;
mod expression;
mod fact;
mod failed;
mod grant;
mod index;
mod insight;
mod insight_job;
mod link;
mod listing;
mod losses;
mod run;
mod scored;
mod table;
mod token;
mod usage;
mod workspace;

pub(crate) use self::card::Cards;
pub(crate) use self::connection::Claim;
pub(crate) use self::contract::Named;
pub(crate) use self::contract_rule::{Watch, Watching};
pub(crate) use self::error::StoreError;
pub(crate) use self::esign::StoredToken;
pub(crate) use self::fact::Kept;
pub(crate) use self::insight::Repeat;
pub(crate) use self::run::Open;
pub(crate) use self::usage::{LineOf, Reserved};

use self::table::Table;

type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The table. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    table: Table,
}

impl Store {
    /// The table of this name.
    pub(crate) fn new(client: aws_sdk_dynamodb::Client, table_name: impl Into<String>) -> Self {
        Self { table: Table::new(client, table_name.into()) }
    }
}

/// The longest raw text we keep, in bytes: `DynamoDB` takes items of 400 KB.
const LONGEST_RAW: usize = 300 * 1024;

/// A raw text as it is kept: a longer one is cut, and says so at its end.
fn kept_raw(raw: &str) -> String {
    if raw.len() <= LONGEST_RAW {
        return raw.to_owned();
    }
    let end = raw.floor_char_boundary(LONGEST_RAW);
    let (kept, _) = raw.split_at(end);
    format!("{kept}… [cut: {} bytes in all]", raw.len())
}

#[cfg(test)]
mod tests;
