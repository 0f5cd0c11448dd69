//! Records that failed, kept with their reason.

use async_graphql::{ID, SimpleObject};
use shared::domain::failed;
use shared::domain::source::{RecordRef, Stream as Kind};

use super::run::{FailReason, Stream};
use super::time::DateTime;

/// A record that failed, kept with what Whop said and why it failed.
#[derive(SimpleObject)]
pub(crate) struct FailedRecord {
    /// Its name here, for instance `members mber_x`; give it to `retryFailedRecords`.
    id: ID,
    /// What kind of record it is.
    stream: Stream,
    /// Its id at Whop.
    record_id: ID,
    /// Why it failed.
    reason: FailReason,
    /// The same for people.
    detail: String,
    /// When it failed first.
    first_failed_at: DateTime,
    /// When it failed last.
    failed_at: DateTime,
    /// How often it was tried.
    tries: u32,
    /// The record as it was read, as JSON text.
    source: String,
}

impl From<failed::FailedRecord> for FailedRecord {
    fn from(record: failed::FailedRecord) -> Self {
        Self {
            id: record.name.to_string().into(),
            stream: record.name.stream().into(),
            record_id: record.name.id().into(),
            reason: record.kind.into(),
            detail: record.reason,
            first_failed_at: record.first_at.into(),
            failed_at: record.last_at.into(),
            tries: record.tries,
            source: record.raw,
        }
    }
}

/// Some failed records, latest first.
#[derive(SimpleObject)]
pub(crate) struct FailedRecordPage {
    /// The records.
    pub(crate) records: Vec<FailedRecord>,
    /// Give this as `after` to read on; null on the last page.
    pub(crate) next: Option<String>,
}

/// The answer to trying records again.
#[derive(SimpleObject)]
pub(crate) struct RetriedRecords {
    /// How many will be tried again.
    pub(crate) count: usize,
}

/// The record that `id` names, in the form `members mber_x`.
pub(crate) fn record_named(id: &ID) -> Option<RecordRef> {
    let (stream, id) = id.split_once(' ')?;
    let stream = Kind::ALL.into_iter().find(|it| it.as_str() == stream)?;
    RecordRef::new(stream, id).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_found_by_the_name_it_is_shown_with() {
        for stream in Kind::ALL {
            let record = RecordRef::new(stream, "x_1").unwrap();

            let named = record_named(&record.to_string().into());

            assert_eq!(named, Some(record));
        }
    }

    #[test]
    fn a_name_that_names_nothing_is_refused() {
        for name in ["", "members", "members ", "robots mber_x", "members mber x", "MEMBERS mber_x"] {
            assert_eq!(record_named(&name.into()), None, "{name}");
        }
    }
}
