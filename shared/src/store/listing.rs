//! Lists of one kind in one workspace, page by page. A cursor never leads into another workspace or kind.

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;

use super::expression::text;
use super::table::{Item, Key, PK, SK, Table, read};
use super::{Result, StoreError};
use crate::domain::id::WorkspaceId;

/// A page, and where the next one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed<T> {
    pub(crate) items: Vec<T>,
    /// Opaque; absent on the last page.
    pub(crate) next: Option<String>,
}

/// By sort key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Ascending,
    /// The latest first, where ids sort by time.
    Descending,
}

/// What to list.
#[derive(Clone, Debug)]
pub(super) struct Listing<'a> {
    workspace: WorkspaceId,
    prefix: String,
    order: Order,
    limit: usize,
    cursor: Option<&'a str>,
    /// An attribute that must be absent.
    without: Option<&'static str>,
}

/// Longest page anyone gets.
const LONGEST: usize = 200;

impl<'a> Listing<'a> {
    /// Everything of a kind whose id begins with `ids`, `limit` at a time.
    pub(super) fn of(workspace: WorkspaceId, kind: &str, ids: &str, limit: usize) -> Self {
        let prefix = format!("{kind}#{ids}");
        let limit = limit.clamp(1, LONGEST);
        Self { workspace, prefix, order: Order::Ascending, limit, cursor: None, without: None }
    }

    /// The same from where a page ended.
    #[must_use]
    pub(super) fn from(self, cursor: Option<&'a str>) -> Self {
        Self { cursor, ..self }
    }

    /// The same in another order.
    #[must_use]
    pub(super) fn ordered(self, order: Order) -> Self {
        Self { order, ..self }
    }

    /// The same, only what lacks this attribute.
    #[must_use]
    pub(super) fn without(self, attribute: &'static str) -> Self {
        Self { without: Some(attribute), ..self }
    }

    fn partition(&self) -> String {
        Key::partition(self.workspace)
    }

    /// The key that a cursor names, if it is one of this list's.
    fn start(&self) -> Result<Option<Item>> {
        let Some(cursor) = self.cursor else {
            return Ok(None);
        };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| StoreError::BadCursor)?;
        let key = String::from_utf8(bytes).map_err(|_| StoreError::BadCursor)?;
        let (partition, sort) = key.split_once('\n').ok_or(StoreError::BadCursor)?;
        if partition != self.partition() || !sort.starts_with(&self.prefix) {
            return Err(StoreError::BadCursor);
        }
        Ok(Some(Item::from([(PK.to_owned(), text(partition)), (SK.to_owned(), text(sort))])))
    }
}

fn cursor_at(item: &Item) -> Option<String> {
    let part = |name| item.get(name).and_then(|value: &AttributeValue| value.as_s().ok());
    Some(URL_SAFE_NO_PAD.encode(format!("{}\n{}", part(PK)?, part(SK)?)))
}

impl Table {
    /// One page.
    pub(super) async fn list<T: DeserializeOwned>(&self, listing: &Listing<'_>) -> Result<Listed<T>> {
        let mut start = listing.start()?;
        let mut found: Vec<Item> = Vec::new();
        loop {
            let (items, last) = self.query(listing, start).await?;
            let room = listing.limit - found.len();
            let full = items.len() > room;
            found.extend(items.into_iter().take(room));
            let end = if full { found.last() } else { last.as_ref() };
            if end.is_none() || found.len() == listing.limit {
                let next = end.and_then(cursor_at);
                let items = found.into_iter().map(read).collect::<Result<_>>()?;
                return Ok(Listed { items, next });
            }
            start = last;
        }
    }

    /// True if the list is not empty. Reads one item at most.
    pub(super) async fn has_any(&self, listing: &Listing<'_>) -> Result<bool> {
        Ok(!self.query(listing, None).await?.0.is_empty())
    }

    /// All pages together. Only for lists that are short by nature.
    pub(super) async fn list_all<T: DeserializeOwned>(&self, listing: Listing<'_>) -> Result<Vec<T>> {
        let (mut found, mut start) = (Vec::new(), None);
        loop {
            let (items, last) = self.query(&listing, start).await?;
            for item in items {
                found.push(read(item)?);
            }
            if last.is_none() {
                return Ok(found);
            }
            start = last;
        }
    }

    async fn query(&self, listing: &Listing<'_>, start: Option<Item>) -> Result<(Vec<Item>, Option<Item>)> {
        let mut request = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression("#pk = :pk AND begins_with(#sk, :prefix)")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_names("#sk", SK)
            .expression_attribute_values(":pk", text(listing.partition()))
            .expression_attribute_values(":prefix", text(&listing.prefix))
            .scan_index_forward(listing.order == Order::Ascending)
            .limit(i32::try_from(listing.limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start);
        if let Some(attribute) = listing.without {
            request = request
                .filter_expression("attribute_not_exists(#without)")
                .expression_attribute_names("#without", attribute);
        }
        let answer = request.send().await.map_err(StoreError::of)?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }
}
