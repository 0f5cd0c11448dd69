//! Reads single records at Whop, as they are now. Every answer is a reading, or has been kept aside for a person.

use crate::domain::failed::FailedRecord;
use crate::domain::id::MemberId;
use crate::domain::source::{Gone, Record, RecordRef};
use crate::error::Result;
use crate::usecase::access::Access;
use crate::usecase::sync_records::Reading;
use crate::whop::error::WhopError;

/// Reads one record. One that Whop does not show is a reading too; one that cannot be read is kept aside.
pub(crate) async fn read(access: &Access<'_>, name: &RecordRef) -> Result<Option<Reading>> {
    let (whop, by) = access.whop();
    let found = match whop.read(by, name).await {
        Ok(found) => found,
        Err(WhopError::Unreadable(aside)) => {
            let now = access.app.clock().now();
            if let Some(failed) = FailedRecord::unreadable(name.stream(), &aside.0, now) {
                access.app.store().record_failure(access.workspace.id, &failed).await?;
            }
            return Ok(None);
        }
        Err(error) => return Err(access.whop_refused(error).await),
    };
    let read_at = access.app.clock().now();
    let gone = || Record::Gone(Gone { name: name.clone(), found_at: read_at });
    Ok(Some(Reading { record: found.unwrap_or_else(gone), read_at }))
}

/// Reads several records, each once.
pub(crate) async fn read_all(
    access: &Access<'_>,
    names: impl IntoIterator<Item = RecordRef>,
) -> Result<Vec<Reading>> {
    let mut readings = Vec::new();
    for name in names {
        readings.extend(read(access, &name).await?);
    }
    Ok(readings)
}

/// Reads every membership of a member.
pub(crate) async fn read_memberships(access: &Access<'_>, member: &MemberId) -> Result<Vec<Reading>> {
    let (mut readings, mut next) = (Vec::new(), None);
    loop {
        let (whop, by) = access.whop();
        let page = match whop.memberships_of(by, member, next.as_ref()).await {
            Ok(page) => page,
            Err(error) => return Err(access.whop_refused(error).await),
        };
        let read_at = access.app.clock().now();
        readings.extend(page.records.into_iter().map(|record| Reading { record, read_at }));
        match page.next {
            Some(cursor) => next = Some(cursor),
            None => return Ok(readings),
        }
    }
}
