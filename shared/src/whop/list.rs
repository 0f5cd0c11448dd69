//! Reading Whop's lists and single records.
//!
//! A list that does not offer a filter is read without it: too much is never wrong, too little is.

use super::client::{As, Params, Whop};
use super::error::WhopError;
use super::wire;
use crate::domain::id::MemberId;
use crate::domain::run::{Filter, Query};
use crate::domain::source::{Cursor, Member, Page, Record, RecordRef, Stream};
use crate::domain::time::Timestamp;

/// Rows of a page: as many as Whop gives (Whop API, pagination).
const PAGE: &str = "100";

impl Whop {
    /// One page of a list. A cursor is good only for the query that gave it.
    pub(crate) async fn list(
        &self,
        by: As<'_>,
        query: &Query,
        cursor: Option<&Cursor>,
    ) -> Result<Page, WhopError> {
        let at = match &query.filter {
            Filter::CreatedAfter { at } | Filter::ChangedSince { made_after: at, .. } => at.to_string(),
            Filter::All | Filter::ActedAfter { .. } | Filter::Status { .. } => String::new(),
        };
        let mut page = self.page(by, query.stream, filters(query, &at), cursor).await?;
        if let (Filter::ActedAfter { at }, Stream::Members | Stream::Payments) = (&query.filter, query.stream)
        {
            cut(&mut page, *at);
        }
        if let Filter::ChangedSince { at, .. } = &query.filter {
            page.records.retain(|record| record.changed_at().is_none_or(|changed| changed >= *at));
        }
        Ok(page)
    }

    /// One record as it is now; nothing if Whop does not show it, or it is another account's.
    pub(crate) async fn read(&self, by: As<'_>, name: &RecordRef) -> Result<Option<Record>, WhopError> {
        let path = [path(name.stream()), name.id()];
        let body = match self.get(by.token, &path, &Params::new()).await {
            Err(error) if error.is_not_found() => return Ok(None),
            answer => answer?,
        };
        let json =
            std::str::from_utf8(&body).map_err(|_| WhopError::Unexpected("something that is not text"))?;
        match wire::record(name.stream(), json, by.account)? {
            Some(record) if record.name() != *name => Err(WhopError::Unexpected("another record")),
            record => Ok(record),
        }
    }

    /// What a member bought, oldest first.
    pub(crate) async fn memberships_of(
        &self,
        by: As<'_>,
        member: &MemberId,
        cursor: Option<&Cursor>,
    ) -> Result<Page, WhopError> {
        let of = vec![("member_id", member.as_str()), ("order", "created_at"), ("direction", "asc")];
        self.page(by, Stream::Memberships, of, cursor).await
    }

    /// The member with this e-mail address, in any case. Whop's search also matches names, and finds
    /// addresses only for credentials with `member:email:read` (Whop API, members).
    pub(crate) async fn find_member(&self, by: As<'_>, email: &str) -> Result<Option<Member>, WhopError> {
        let email = email.trim();
        let page = self.page(by, Stream::Members, vec![("query", email)], None).await?;
        let wanted = email.to_lowercase();
        Ok(page.records.into_iter().find_map(|record| match record {
            Record::Members(member) => {
                let found = member.email.as_ref().map(|email| email.trim().to_lowercase());
                (found.as_ref() == Some(&wanted)).then_some(member)
            }
            Record::Variants(_)
            | Record::Products(_)
            | Record::Memberships(_)
            | Record::Refunds(_)
            | Record::Disputes(_)
            | Record::Payments(_)
            | Record::Gone(_) => None,
        }))
    }

    async fn page(
        &self,
        by: As<'_>,
        stream: Stream,
        filters: Params<'_>,
        cursor: Option<&Cursor>,
    ) -> Result<Page, WhopError> {
        // Without an account, Whop's product list searches the whole marketplace.
        let mut params = vec![("account_id", by.account.as_str()), ("first", PAGE)];
        params.extend(filters);
        params.extend(cursor.map(|cursor| ("after", cursor.0.as_str())));
        let body = self.get(by.token, &[path(stream)], &params).await?;
        wire::page(stream, &body, by.account, cursor)
    }
}

fn path(stream: Stream) -> &'static str {
    match stream {
        Stream::Variants => "variants",
        Stream::Products => "products",
        Stream::Members => "members",
        Stream::Memberships => "memberships",
        Stream::Refunds => "refunds",
        Stream::Disputes => "disputes",
        Stream::Payments => "payments",
    }
}

/// The query parameters of a filter. Every list offers an order by creation; oldest first, rows made
/// meanwhile land at the end.
fn filters<'a>(query: &'a Query, at: &'a str) -> Params<'a> {
    let oldest_first = [("order", "created_at"), ("direction", "asc")];
    match (&query.filter, query.stream) {
        (Filter::ActedAfter { .. }, Stream::Members) => {
            vec![("order", "most_recent_action_at"), ("direction", "desc")]
        }
        (Filter::ActedAfter { .. }, Stream::Payments) => vec![("order", "paid_at"), ("direction", "desc")],
        (Filter::CreatedAfter { .. } | Filter::ChangedSince { .. }, _) => {
            [("created_after", at)].into_iter().chain(oldest_first).collect()
        }
        (Filter::Status { word }, stream) => {
            status_of(stream).map(|name| (name, word.as_str())).into_iter().chain(oldest_first).collect()
        }
        (Filter::All | Filter::ActedAfter { .. }, _) => oldest_first.into(),
    }
}

/// The status filter of a list, where it has one; that of disputes is an array.
fn status_of(stream: Stream) -> Option<&'static str> {
    match stream {
        Stream::Members | Stream::Memberships | Stream::Payments => Some("status"),
        Stream::Disputes => Some("status[]"),
        Stream::Variants | Stream::Products | Stream::Refunds => None,
    }
}

/// Ends a list of members, latest action first, or of payments, latest collected first, where it comes to what
/// was seen before.
///
/// Members whose last action Whop has not computed yet, and payments that are not paid, come last. A page of nothing else does not end the
/// list, so that it would be read to its end if they ever came first.
fn cut(page: &mut Page, at: Timestamp) {
    let acted = |record: &Record| match record {
        Record::Members(member) => member.last_action_at,
        Record::Payments(payment) => payment.paid_at,
        Record::Variants(_)
        | Record::Products(_)
        | Record::Memberships(_)
        | Record::Refunds(_)
        | Record::Disputes(_)
        | Record::Gone(_) => None,
    };
    let times: Vec<Option<Timestamp>> = page.records.iter().map(acted).collect();
    let first_dated = times.iter().position(Option::is_some);
    let end = first_dated.and_then(|first| {
        let rest = times.iter().enumerate().skip(first);
        rest.map(|(place, time)| (place, *time))
            .find(|(_, time)| time.is_none_or(|time| time < at))
            .map(|(place, _)| place)
    });
    if let Some(end) = end {
        page.records.truncate(end);
        page.next = None;
    }
    page.records.retain(|record| acted(record).is_some());
}
