//! Which records say something new.

use tokio::sync::OnceCell;

use super::draft::{Drafted, Surroundings, surroundings};
use super::{Reading, Task};
use crate::domain::draft::Draft;
use crate::domain::failed::FailedRecord;
use crate::domain::link::Link;
use crate::domain::revision::{self, Revision};
use crate::domain::run::{Failure, Outcome, Skip};
use crate::domain::source::{Record, RecordRef};
use crate::error::Result;

/// A record that has something to say.
pub(super) struct News {
    pub(super) name: RecordRef,
    pub(super) record: Record,
    pub(super) draft: Draft,
    pub(super) revision: Revision,
    pub(super) link: Option<Link>,
    /// How it failed before, if it did.
    pub(super) failed: Option<FailedRecord>,
}

/// What was found: records to write, and what became of the others.
#[derive(Default)]
pub(super) struct Placed {
    pub(super) news: Vec<News>,
    pub(super) outcomes: Vec<Outcome>,
}

/// Whether any record of the workspace failed before; asked when the first news wants to know.
#[derive(Default)]
pub(super) struct HasFailed(OnceCell<bool>);

impl HasFailed {
    async fn get(&self, task: &Task<'_>) -> Result<bool> {
        let ask = || task.access.app.store().has_failed(task.access.workspace.id);
        Ok(*self.0.get_or_try_init(ask).await?)
    }
}

/// Puts each reading in its place in the order of facts about its record.
pub(super) async fn place(task: &Task<'_>, readings: Vec<Reading>, has_failed: &HasFailed) -> Result<Placed> {
    let around = surroundings(task, &readings).await?;
    let mut placed = Placed::default();
    for reading in readings {
        place_one(task, &around, reading, &mut placed).await?;
    }
    if !placed.news.is_empty() && has_failed.get(task).await? {
        leave_out_known_failures(task, &mut placed).await?;
    }
    Ok(placed)
}

async fn place_one(
    task: &Task<'_>,
    around: &Surroundings,
    reading: Reading,
    placed: &mut Placed,
) -> Result<()> {
    let workspace = &task.access.workspace;
    let name = reading.record.name();
    if let Record::Gone(_) = &reading.record
        && !(matches!(name, RecordRef::Products(_)) && around.links.contains_key(&name))
    {
        placed.outcomes.push(Outcome::Skipped(Skip::GoneAtWhop));
        return Ok(());
    }
    let Some(Drafted { draft, changed_at }) = around.draft(&reading.record, &workspace.settings) else {
        placed.outcomes.push(Outcome::Failed(Failure::Bug));
        return keep_aside(task, &reading, "our mapping could not handle this record").await;
    };
    let fingerprint = draft.fingerprint(&workspace.settings.seal());
    let revision = Revision { changed_at, read_at: reading.read_at, fingerprint };
    let link = around.links.get(&name).cloned();
    let outcome = match revision::place(link.as_ref(), &revision) {
        revision::News::Stale => Outcome::Skipped(Skip::Stale),
        revision::News::First | revision::News::Changed => {
            placed.news.push(News { name, record: reading.record, draft, revision, link, failed: None });
            return Ok(());
        }
        revision::News::Same | revision::News::Later if task.force => {
            placed.news.push(News { name, record: reading.record, draft, revision, link, failed: None });
            return Ok(());
        }
        revision::News::Later => {
            advance(task, link, revision).await?;
            Outcome::Unchanged
        }
        revision::News::Same => already(task, link.as_ref()),
    };
    placed.outcomes.push(outcome);
    Ok(())
}

/// Nothing to say; unless this very page said it before it was interrupted, and it was not counted yet.
fn already(task: &Task<'_>, link: Option<&Link>) -> Outcome {
    match (&task.page, link.and_then(|link| link.by.as_ref())) {
        (Some(page), Some(by)) if page == by => Outcome::Written { linked: false },
        _ => Outcome::Unchanged,
    }
}

async fn advance(task: &Task<'_>, link: Option<Link>, revision: Revision) -> Result<()> {
    let Some(link) = link else { return Ok(()) };
    task.access.put_links(vec![Link { revision, ..link }]).await?;
    Ok(())
}

async fn keep_aside(task: &Task<'_>, reading: &Reading, reason: &str) -> Result<()> {
    let failed = FailedRecord::new(&reading.record, Failure::Bug, reason, task.access.app.clock().now());
    Ok(task.access.app.store().record_failure(task.access.workspace.id, &failed).await?)
}

/// A record that failed before and has not changed since would fail again: it waits for a person's retry.
async fn leave_out_known_failures(task: &Task<'_>, placed: &mut Placed) -> Result<()> {
    let names: Vec<RecordRef> = placed.news.iter().map(|news| news.name.clone()).collect();
    let mut failed = task.access.app.store().failed_among(task.access.workspace.id, &names).await?;
    let mut kept = Vec::with_capacity(placed.news.len());
    for mut news in std::mem::take(&mut placed.news) {
        news.failed = failed.remove(&news.name);
        match &news.failed {
            Some(before) if !task.force && before.is_about(&news.record) => {
                placed.outcomes.push(Outcome::Failed(before.kind));
            }
            _ => kept.push(news),
        }
    }
    placed.news = kept;
    Ok(())
}
