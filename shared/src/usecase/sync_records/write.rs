//! Sends changes in batches, finds the bad ones, and remembers what landed.

use std::collections::HashMap;
use std::ops::Range;

use tracing::{info, warn};

use super::Task;
use super::meet::{Decision, Sending, meet};
use super::news::News;
use crate::domain::draft::Change;
use crate::domain::failed::FailedRecord;
use crate::domain::halving::{Halving, Refusal};
use crate::domain::id::CrmId;
use crate::domain::link::{Link, PageOf};
use crate::domain::policy::Written;
use crate::domain::run::{Failure, Outcome};
use crate::domain::source::RecordRef;
use crate::error::{Error, Kind, Result};
use crate::job::SyncJob;
use crate::store::Cards;
use crate::twenty::TwentyError;
use crate::usecase::access::{Access, Refused};
use crate::usecase::schema::{forget_schema, options_exist};

use super::BATCH;

/// What became of the changes of a batch, by their place in it.
#[derive(Default)]
struct Sent {
    landed: HashMap<usize, CrmId>,
    refused: HashMap<usize, String>,
}

/// Writes a batch. What landed is remembered even if the rest fails half-way.
pub(super) async fn write_batch(task: &Task<'_>, batch: &[News]) -> Result<Vec<Outcome>> {
    let decisions = meet(task, batch).await?;
    let places: Vec<usize> = decisions
        .iter()
        .enumerate()
        .filter(|(_, it)| matches!(it, Decision::Send(_)))
        .map(|(at, _)| at)
        .collect();
    let changes: Vec<Change> = decisions
        .iter()
        .filter_map(|decision| match decision {
            Decision::Send(sending) => Some(sending.change.clone()),
            Decision::Agree { .. } | Decision::Leave(_) => None,
        })
        .collect();
    options_exist(task.access, &changes).await?;
    let (sent, result) = send(task.access, &changes).await;
    let mut by_place: HashMap<usize, usize> = HashMap::new();
    by_place.extend(places.into_iter().enumerate().map(|(change, place)| (place, change)));
    let outcomes = conclude(task, batch, &decisions, &by_place, &sent).await?;
    result.map(|()| outcomes)
}

/// Writes changes to people who are in the CRM already, at most sixty at a time, and nothing else of theirs. Answers
/// which landed, by Whop id; one that Twenty refuses is left out and logged.
pub(crate) async fn write_fields(access: &Access<'_>, changes: &[Change]) -> (Vec<String>, Result<()>) {
    if let Err(error) = options_exist(access, changes).await {
        return (Vec::new(), Err(error));
    }
    let (sent, result) = send(access, changes).await;
    for (_, reason) in sent.refused {
        warn!(event = "fields.refused", "Twenty refused fields of a person: {reason}");
    }
    let landed = sent.landed.keys().filter_map(|at| changes.get(*at)).map(|change| change.key.clone());
    (landed.collect(), result)
}

impl Sent {
    /// Takes in what Twenty answered for a part of the batch.
    fn take(&mut self, part: Range<usize>, batch: &[Change], answers: &Answers) {
        for (index, change) in part.zip(batch) {
            match answers.get(&change.key) {
                Some(Ok(id)) => drop(self.landed.insert(index, *id)),
                Some(Err(error)) => drop(self.refused.insert(index, error.to_string())),
                None => drop(self.refused.insert(index, "Twenty did not answer for it.".to_owned())),
            }
        }
    }
}

/// Sends changes, halving what is refused until the bad ones stand alone.
async fn send(access: &Access<'_>, changes: &[Change]) -> (Sent, Result<()>) {
    let mut sent = Sent::default();
    let mut halving = Halving::new(changes.len(), BATCH);
    while let Some(part) = halving.next_part() {
        let Some(batch) = changes.get(part.clone()) else {
            continue;
        };
        match upsert(access, batch).await {
            Ok(Ok(answers)) => sent.take(part, batch, &answers),
            Ok(Err(reason)) => {
                if let Refusal::Alone(index) = halving.refused(part) {
                    sent.refused.insert(index, reason);
                }
            }
            Err(error) => return (sent, Err(error)),
        }
    }
    (sent, Ok(()))
}

/// What Twenty answered for each record, by Whop id.
type Answers = HashMap<String, std::result::Result<CrmId, TwentyError>>;

/// One batch: the answers by Whop id, or why Twenty refuses it as a whole.
async fn upsert(access: &Access<'_>, batch: &[Change]) -> Result<std::result::Result<Answers, String>> {
    let Some(object) = batch.first().map(|change| change.object) else {
        return Ok(Ok(Answers::new()));
    };
    loop {
        let (twenty, at) = access.twenty().await?;
        match twenty.upsert(at, object, batch).await {
            Ok(answers) => return Ok(Ok(answers.into_iter().map(|it| (it.key, it.id)).collect())),
            Err(error) => match access.refused(error).await? {
                Refused::Again => {}
                Refused::Batch(reason) => return Ok(Err(reason)),
                Refused::Drifted => return Err(drifted(access).await),
            },
        }
    }
}

/// Our fields are not what we thought: they are made again before the next attempt.
pub(super) async fn drifted(access: &Access<'_>) -> Error {
    match forget_schema(access).await {
        Ok(()) => {
            Error::new(Kind::Unavailable).saying("Our fields in Twenty changed. They are being mended.")
        }
        Err(error) => error,
    }
}

/// What landed, and whose questions that answered.
#[derive(Default)]
struct Conclusion {
    outcomes: Vec<Outcome>,
    links: Vec<Link>,
    asked: Vec<RecordRef>,
}

async fn conclude(
    task: &Task<'_>,
    batch: &[News],
    decisions: &[Decision],
    by_place: &HashMap<usize, usize>,
    sent: &Sent,
) -> Result<Vec<Outcome>> {
    let mut conclusion = Conclusion::default();
    for (place, (news, decision)) in batch.iter().zip(decisions).enumerate() {
        let change = by_place.get(&place);
        let outcome = match decision {
            Decision::Leave(why) => Outcome::Skipped(*why),
            Decision::Agree { id, written } => {
                conclusion.links.push(link(news, *id, written, None));
                Outcome::Unchanged
            }
            Decision::Send(sending) => match change.and_then(|change| sent.landed.get(change)) {
                Some(id) => {
                    conclusion.links.push(link(news, *id, &sending.written, task.page.clone()));
                    Outcome::Written { linked: sending.linked }
                }
                None => not_landed(task, news, sending, change.and_then(|it| sent.refused.get(it))).await?,
            },
        };
        if matches!(decision, Decision::Send(Sending { asks: true, .. })) {
            conclusion.asked.push(news.name.clone());
        }
        conclusion.outcomes.push(outcome);
    }
    remember(task, batch, conclusion.links, &conclusion.asked).await?;
    Ok(conclusion.outcomes)
}

fn link(news: &News, crm: CrmId, written: &Written, by: Option<PageOf>) -> Link {
    Link { name: news.name.clone(), crm, revision: news.revision.clone(), written: written.clone(), by }
}

/// A change that did not land: refused for good, or not sent because the line broke, which the caller sees as
/// an error and tries again.
async fn not_landed(
    task: &Task<'_>,
    news: &News,
    sending: &Sending,
    reason: Option<&String>,
) -> Result<Outcome> {
    if let Some(reason) = reason {
        let now = task.access.app.clock().now();
        let failed = FailedRecord::new(&news.record, Failure::RefusedByTwenty, reason, now);
        task.access.app.store().record_failure(task.access.workspace.id, &failed).await?;
        info!(record = %news.name, object = sending.change.object.singular(), "Twenty refused a record");
    }
    Ok(Outcome::Failed(Failure::RefusedByTwenty))
}

/// Stores what landed. A link that somebody moved further meanwhile means that our write came too late and may
/// have put an older value back: the record is read and written once more.
async fn remember(task: &Task<'_>, batch: &[News], links: Vec<Link>, asked: &[RecordRef]) -> Result<()> {
    let (store, workspace) = (task.access.app.store(), task.access.workspace.id);
    let mut late: Vec<RecordRef> = Vec::new();
    let mut done: Vec<RecordRef> = Vec::new();
    for (name, stored) in task.access.put_links(links).await? {
        if stored { done.push(name) } else { late.push(name) }
    }
    for news in batch.iter().filter(|news| news.failed.is_some() && done.contains(&news.name)) {
        store.clear_failed(workspace, &news.name).await?;
    }
    let answered: Vec<RecordRef> = done.into_iter().filter(|name| !asked.contains(name)).collect();
    settle_cards(task, &answered).await?;
    if late.is_empty() {
        return Ok(());
    }
    warn!(event = "record.overtaken", records = late.len(), "newer facts overtook a write; it is repeated");
    for name in &late {
        store.forget_fingerprint(workspace, name).await?;
    }
    let dedup = format!("overtaken-{workspace}-{}", task.access.app.clock().now().millis());
    Ok(task.access.app.queue().send(&SyncJob::SyncRecords { workspace, records: late }, &dedup).await?)
}

/// A question about a member who is in the CRM now without anybody's answer has answered itself.
async fn settle_cards(task: &Task<'_>, answered: &[RecordRef]) -> Result<()> {
    let members: Vec<_> = answered
        .iter()
        .filter_map(|name| {
            let RecordRef::Members(member) = name else { return None };
            Some(member)
        })
        .collect();
    if members.is_empty() {
        return Ok(());
    }
    let (store, workspace) = (task.access.app.store(), task.access.workspace.id);
    let cards = store.list_cards(workspace, Cards::Open, 100, None).await?;
    for card in cards.items.iter().filter(|card| members.contains(&&card.member)) {
        store.delete_card(workspace, &card.member).await?;
    }
    Ok(())
}
