//! Deliveries: which are being worked on, which are done, and the bytes for replaying them.
//!
//! Those that were put off and those that we did not understand are listed in the index.

use std::collections::BTreeMap;
use std::time::Duration;

use super::expression::{ABSENT, Expression, number, text, value};
use super::grant::{is_taken_by, taker};
use super::index::{self, Due};
use super::listing::{Listed, Listing};
use super::table::{Held, Item, Key, SK, read};
use super::{Result, Store, kept_raw};
use crate::domain::delivery::{Begin, Delivery, Effect, Progress, StoredDelivery};
use crate::domain::id::{DeliveryId, WorkspaceId};
use crate::domain::time::Timestamp;

const KIND: &str = "DELIVERY";
/// How long a delivery is kept.
const KEPT: Duration = Duration::from_hours(30 * 24);
/// Stands in the index for a delivery whose event's name we do not know either.
const NAMELESS: &str = "?";

fn key(workspace: WorkspaceId, id: &DeliveryId) -> Key {
    Key::new(workspace, KIND, id)
}

impl Store {
    /// Takes a delivery on for `lease`, if it is new, was put off, or was left by whoever had it. Its bytes are
    /// kept the first time; a body of more than 300 KB is cut and cannot be replayed.
    pub(crate) async fn begin(&self, delivery: &Delivery, now: Timestamp, lease: Duration) -> Result<Begin> {
        let (taker, until) = (taker()?, now + lease);
        let kept = Delivery { body: kept_raw(&delivery.body), ..delivery.clone() };
        let change = Expression::update(
            "SET #delivery = if_not_exists(#delivery, :delivery), #progress = :progress, #taker = :taker, \
             #expires_at = if_not_exists(#expires_at, :expires) REMOVE #gk, #gs",
        )
        .and_only_if(format!(
            "{ABSENT} OR #progress.#state = :waiting \
             OR (#progress.#state = :running AND #progress.#until <= :now)"
        ))
        .with("delivery", value(&kept)?)
        .with("progress", value(&Progress::Running { until })?)
        .with("taker", text(&taker))
        .with("expires", number((now + KEPT).seconds()))
        .with("waiting", text("waiting"))
        .with("running", text("running"))
        .with("now", number(now.millis()));
        let key = key(delivery.endpoint.workspace(), &delivery.id);
        let Held::No(there) = self.table.update(&key, &change).await? else {
            return Ok(Begin::Started);
        };
        if there.as_ref().is_some_and(|item| is_taken_by(item, &taker)) {
            return Ok(Begin::Started);
        }
        let there: Option<StoredDelivery> = there.map(read).transpose()?;
        Ok(match there.map(|there| there.progress) {
            Some(Progress::Running { until }) => Begin::Running { until },
            Some(Progress::Waiting { .. }) => Begin::Running { until: now }, // Given back this very moment.
            Some(Progress::Done { .. } | Progress::Failed { .. }) | None => Begin::Done,
        })
    }

    /// Notes what became of a delivery that is being worked on: done, waiting, or failed. `event` is its event's name, if it was read. False if nobody works on it.
    pub(crate) async fn finish_delivery(
        &self,
        workspace: WorkspaceId,
        id: &DeliveryId,
        progress: &Progress,
        event: Option<&str>,
    ) -> Result<bool> {
        let change = settled(workspace, id, progress, event)?
            .and_only_if("#progress.#state = :running OR #progress = :progress")
            .with("running", text("running"));
        Ok(self.table.update(&key(workspace, id), &change).await?.is_yes())
    }

    /// Makes a delivery that failed, or that we did not understand then, ready to be begun again.
    pub(crate) async fn reopen_delivery(
        &self,
        workspace: WorkspaceId,
        id: &DeliveryId,
        now: Timestamp,
    ) -> Result<bool> {
        let progress = Progress::Waiting { at: now, reason: "replayed".to_owned() };
        let change = settled(workspace, id, &progress, None)?
            .and_only_if("#progress.#state = :failed OR #progress.#what = :unknown OR #progress = :progress")
            .with("failed", text("failed"))
            .with("unknown", value(&Effect::Unknown)?);
        Ok(self.table.update(&key(workspace, id), &change).await?.is_yes())
    }

    /// One delivery.
    pub(crate) async fn find_delivery(
        &self,
        workspace: WorkspaceId,
        id: &DeliveryId,
    ) -> Result<Option<StoredDelivery>> {
        self.table.find(&key(workspace, id)).await
    }

    /// Deliveries by id, which says nothing about when they came.
    pub(crate) async fn list_deliveries(
        &self,
        workspace: WorkspaceId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Listed<StoredDelivery>> {
        self.table.list(&Listing::of(workspace, KIND, "", limit).from(cursor)).await
    }

    /// Some deliveries whose event we did not know, `limit` at most.
    pub(crate) async fn list_unknown(
        &self,
        workspace: WorkspaceId,
        limit: usize,
    ) -> Result<Vec<StoredDelivery>> {
        let found = self.due_deliveries(workspace, Due::Unknown(workspace), limit).await?;
        let unknown =
            |it: &StoredDelivery| matches!(it.progress, Progress::Done { what: Effect::Unknown, .. });
        Ok(found.into_iter().filter(unknown).collect())
    }

    /// How many deliveries are kept of each event that we did not know. May lag behind.
    pub(crate) async fn count_unknown(&self, workspace: WorkspaceId) -> Result<BTreeMap<String, u64>> {
        let (mut counts, mut start) = (BTreeMap::new(), None);
        loop {
            let (listed, last) = self.table.due(Due::Unknown(workspace), start, 1_000).await?;
            for item in &listed {
                let name = index::attribute(item, index::GS).and_then(|by| by.rsplit_once('#'));
                *counts.entry(name.map_or(NAMELESS, |(event, _)| event).to_owned()).or_default() += 1;
            }
            if last.is_none() {
                return Ok(counts);
            }
            start = last;
        }
    }

    async fn due_deliveries(
        &self,
        workspace: WorkspaceId,
        due: Due,
        limit: usize,
    ) -> Result<Vec<StoredDelivery>> {
        let (listed, _) = self.table.due(due, None, limit).await?;
        let id = |item: &Item| index::attribute(item, SK)?.split_once('#')?.1.parse().ok();
        let keys = listed.iter().filter_map(id).map(|id: DeliveryId| key(workspace, &id));
        let found = self.table.get_many(keys).await?;
        let mut found: Vec<StoredDelivery> = found.into_iter().map(read).collect::<Result<_>>()?;
        found.sort_by_key(|it| it.delivery.received_at);
        Ok(found)
    }
}

/// An event's name as the index lists it: keys are short, and the name is whatever somebody sent.
fn listed_name(event: Option<&str>) -> String {
    event.unwrap_or(NAMELESS).chars().take(100).collect()
}

/// What is written when a delivery is settled, and where it is listed then.
fn settled(
    workspace: WorkspaceId,
    id: &DeliveryId,
    progress: &Progress,
    event: Option<&str>,
) -> Result<Expression> {
    let due = match progress {
        Progress::Done { what: Effect::Unknown, .. } => {
            Some((Due::Unknown(workspace), format!("{}#{id}", listed_name(event))))
        }
        Progress::Done { .. }
        | Progress::Running { .. }
        | Progress::Waiting { .. }
        | Progress::Failed { .. } => None,
    };
    let mut set = "SET #progress = :progress".to_owned();
    if event.is_some() {
        set.push_str(", #event = :event");
    }
    set.push_str(if due.is_some() { ", #gk = :gk, #gs = :gs" } else { " REMOVE #gk, #gs" });
    let mut change = Expression::update(set).with("progress", value(progress)?);
    if let Some(event) = event {
        change = change.with("event", text(event));
    }
    if let Some((due, by)) = due {
        change = change.with("gk", text(due.partition())).with("gs", text(by));
    }
    Ok(change)
}
