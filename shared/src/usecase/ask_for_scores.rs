//! Asks for members to be scored, after the sync has brought them up to date.
//!
//! It reads nothing: the switches come with the workspace that the sync opened. Everything else is decided by who does
//! the job, so that a job too many, too late or lost changes nothing that the next night would not mend.

use std::collections::BTreeMap;

use crate::domain::event::{Event, Subject};
use crate::domain::id::MemberId;
use crate::domain::insight::automation::{Cause, due};
use crate::domain::link::PageOf;
use crate::domain::source::{Record, RecordRef};
use crate::error::Result;
use crate::job::AiJob;
use crate::usecase::access::Access;
use crate::usecase::sync_records::Reading;

/// Whom to score, and why. Of two causes one is enough.
pub(crate) type Wanted = BTreeMap<MemberId, Cause>;

/// Queues the scorings. Whoever asks again for the same member within a span of time asks for the same one.
pub(crate) async fn ask_for_scores(access: &Access<'_>, wanted: Wanted) -> Result<()> {
    let (workspace, due) = (access.workspace.id, due(access.app.clock().now()));
    let jobs = wanted.into_iter().map(|(member, cause)| {
        let dedup = format!("score-{workspace}-{member}-{}", due.millis());
        (AiJob::Score { workspace, member, cause, due }, dedup)
    });
    let jobs: Vec<_> = jobs.collect();
    Ok(access.app.queue().send_many(&jobs).await?)
}

/// Whom these events give cause to score: the members they name, else those whom the records belong to that they name.
///
/// The events decide, not what was read: the second attempt after a crash finds nothing new to read.
pub(crate) fn wanted_by_events<'e>(
    access: &Access<'_>,
    events: impl Iterator<Item = &'e Event>,
    readings: &[Reading],
) -> Wanted {
    let mut wanted = Wanted::new();
    for event in events {
        let cause = Cause::of(event).filter(|cause| access.workspace.automations.on.wants(*cause));
        let (Some(cause), Subject::Records(records)) = (cause, &event.subject) else {
            continue;
        };
        let named = records.iter().find_map(|name| {
            let RecordRef::Members(member) = name else { return None };
            Some(member)
        });
        let member = named.or_else(|| readings.iter().find_map(|reading| owner(&reading.record, records)));
        wanted.extend(member.map(|member| (member.clone(), cause)));
    }
    wanted
}

/// Whose record it is, if it is one of these.
fn owner<'r>(record: &'r Record, names: &[RecordRef]) -> Option<&'r MemberId> {
    if !names.contains(&record.name()) {
        return None;
    }
    match record {
        Record::Memberships(it) => it.member.as_ref(),
        Record::Payments(it) => it.member.as_ref(),
        Record::Variants(_)
        | Record::Products(_)
        | Record::Members(_)
        | Record::Refunds(_)
        | Record::Disputes(_)
        | Record::Gone(_) => None,
    }
}

/// Whom a sweep gives cause to score, if the workspace wants that.
pub(crate) fn wanted_by_sweep(access: &Access<'_>, member: MemberId, cause: Cause) -> Wanted {
    let wants = access.workspace.automations.on.wants(cause);
    Some((member, cause)).into_iter().filter(|_| wants).collect()
}

/// Records of one page that give cause to score somebody, should it turn out that they say something new.
pub(crate) struct Causes(Vec<(RecordRef, MemberId, Cause)>);

impl Causes {
    /// Of what was read, as far as the workspace wants it.
    pub(crate) fn among(access: &Access<'_>, readings: &[Reading]) -> Self {
        let causes = readings.iter().filter_map(|reading| {
            let (member, cause) = Cause::of_record(&reading.record)?;
            let wants = access.workspace.automations.on.wants(cause);
            wants.then(|| (reading.record.name(), member.clone(), cause))
        });
        Self(causes.collect())
    }

    /// Whom to score: those whose records this very page wrote. A page that is done twice finds the same again, because
    /// the link says who wrote last. It reads nothing that the page did not know already.
    pub(crate) async fn wanted(self, access: &Access<'_>, page: &PageOf) -> Result<Wanted> {
        let names: Vec<RecordRef> = self.0.iter().map(|(name, ..)| name.clone()).collect();
        let links = access.links(&names).await?;
        let written = |name: &RecordRef| links.get(name).and_then(|link| link.by.as_ref()) == Some(page);
        let causes = self.0.into_iter().filter(|(name, ..)| written(name));
        Ok(causes.map(|(_, member, cause)| (member, cause)).collect())
    }
}
