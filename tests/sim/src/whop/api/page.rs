//! Cursor paging over sorted places. A cursor names a place in an order, not a number of rows, so rows that
//! appear or vanish meanwhile neither repeat nor hide their neighbours.

use std::collections::BTreeSet;
use std::ops::Bound;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::Refusal;
use super::query::Query;
use crate::whop::ids;
use crate::whop::table::Place;

const DEFAULT: i64 = 20;
const MAXIMUM: i64 = 100;

/// Which page of which order.
#[derive(Clone, Debug)]
pub(in crate::whop) struct Ask {
    pub(in crate::whop) order: &'static str,
    descending: bool,
    backward: bool,
    count: usize,
    after: Option<Place>,
    before: Option<Place>,
    created_after: Option<i64>,
    created_before: Option<i64>,
    fingerprint: String,
}

/// The rows of a page, and what `page_info` says about them.
#[derive(Debug)]
pub(in crate::whop) struct Page {
    pub(in crate::whop) rows: Vec<usize>,
    pub(in crate::whop) info: Value,
}

impl Ask {
    /// Reads paging, order and the created window of a call. `orders` begins with the default.
    pub(in crate::whop) fn read(
        operation: &str,
        query: &Query,
        orders: &[&'static str],
        refuse_big: bool,
    ) -> Result<Self, Refusal> {
        let fingerprint = format!("{:08x}", ids::hash(&format!("{operation} {}", query.fingerprint())) >> 32);
        let cursor = |name: &str| query.get(name).map(|text| place(text, &fingerprint)).transpose();
        let backward = query.get("last").is_some();
        let count = query.number(if backward { "last" } else { "first" })?.unwrap_or(DEFAULT);
        if count < 1 || (refuse_big && count > MAXIMUM) {
            return Err(Refusal::bad("first must be between 1 and 100"));
        }
        Ok(Self {
            order: query.one_of("order", orders)?.unwrap_or(orders[0]),
            descending: query.one_of("direction", &["asc", "desc"])? != Some("asc"),
            backward,
            count: usize::try_from(count.min(MAXIMUM)).expect("checked above"),
            after: cursor("after")?,
            before: cursor("before")?,
            created_after: query.time("created_after")?,
            created_before: query.time("created_before")?,
            fingerprint,
        })
    }

    /// Whether a row's creation lies in the window asked for; both ends are exclusive.
    pub(in crate::whop) fn covers(&self, created_at: i64) -> bool {
        self.created_after.is_none_or(|after| created_at > after)
            && self.created_before.is_none_or(|before| created_at < before)
    }

    /// The page, from places in ascending order.
    pub(in crate::whop) fn page(&self, places: &BTreeSet<Place>, keep: impl Fn(usize) -> bool) -> Page {
        let mut found: Vec<Place> = Vec::with_capacity(self.count + 1);
        if let Some(range) = self.range() {
            let mut walk = places.range(range);
            let downwards = self.descending != self.backward;
            while found.len() <= self.count {
                let next = if downwards { walk.next_back() } else { walk.next() };
                match next {
                    Some(place) if keep(place.1) => found.push(*place),
                    Some(_) => {}
                    None => break,
                }
            }
        }
        let more = found.len() > self.count;
        found.truncate(self.count);
        if self.backward {
            found.reverse();
        }
        let cursor = |place: Option<&Place>| place.map(|place| self.cursor(place));
        let (next, previous) =
            if self.backward { (self.before.is_some(), more) } else { (more, self.after.is_some()) };
        let info = json!({
            "end_cursor": cursor(found.last()),
            "start_cursor": cursor(found.first()),
            "has_next_page": next,
            "has_previous_page": previous,
        });
        Page { rows: found.into_iter().map(|(_, row)| row).collect(), info }
    }

    fn range(&self) -> Option<(Bound<Place>, Bound<Place>)> {
        let (mut low, mut high) =
            if self.descending { (self.before, self.after) } else { (self.after, self.before) };
        if self.order == "created_at" {
            let floor = self.created_after.map(|at| (Some(at), usize::MAX));
            let ceiling = self.created_before.map(|at| (Some(at), 0));
            low = low.max(floor);
            high = match (high, ceiling) {
                (Some(high), Some(ceiling)) => Some(high.min(ceiling)),
                (high, ceiling) => high.or(ceiling),
            };
        }
        let empty = low.zip(high).is_some_and(|(low, high)| low >= high);
        let bound = |place: Option<Place>| place.map_or(Bound::Unbounded, Bound::Excluded);
        (!empty).then(|| (bound(low), bound(high)))
    }

    fn cursor(&self, (key, row): &Place) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(json!([self.fingerprint, key, row]).to_string())
    }
}

fn place(text: &str, fingerprint: &str) -> Result<Place, Refusal> {
    let refusal = || Refusal::bad("invalid cursor");
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| refusal())?;
    let (valid_for, key, row): (String, Option<i64>, usize) =
        serde_json::from_slice(&bytes).map_err(|_| refusal())?;
    if valid_for != fingerprint {
        return Err(Refusal::bad("the cursor belongs to a list with other filters"));
    }
    Ok((key, row))
}
