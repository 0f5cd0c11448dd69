//! Deliveries: which are being worked on, which are done, and the bytes of those that can be replayed.
//!
//! A delivery that is worked off at the first try never has its bytes here: its message on the queue has them, and
//! every write of an item is paid by the kilobyte. Those that we did not understand are listed in the index.

use std::collections::BTreeMap;
use std::time::Duration;

use super::expression::{ABSENT, Expression, PRESENT, number, text, value};
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
/// How often somebody began it.
const TRIES: &str = "tries";
const BODY: &str = "body";

fn key(workspace: WorkspaceId, id: &DeliveryId) -> Key {
    Key::new(workspace, KIND, id)
}

impl Store {
    /// Takes a delivery on for `lease`, if it is new, was put off, or was left by whoever had it. From the second
    /// try on its bytes are kept: if its message is set aside, it can be replayed from here.
    pub(crate) async fn begin(&self, delivery: &Delivery, now: Timestamp, lease: Duration) -> Result<Begin> {
        let (taker, until) = (taker()?, now + lease);
        let change = Expression::update(
            "SET #id = :id, #endpoint = :endpoint, #received_at = if_not_exists(#received_at, :received_at), \
             #progress = :progress, #taker = :taker, #expires_at = if_not_exists(#expires_at, :expires), \
             #tries = if_not_exists(#tries, :zero) + :one REMOVE #gk, #gs",
        )
        .and_only_if(format!(
            "{ABSENT} OR #progress.#state = :waiting \
             OR (#progress.#state = :running AND #progress.#until <= :now)"
        ))
        .with("id", text(&delivery.id))
        .with("endpoint", value(&delivery.endpoint)?)
        .with("received_at", number(delivery.received_at.millis()))
        .with("progress", value(&Progress::Running { until })?)
        .with("taker", text(&taker))
        .with("expires", number((now + KEPT).seconds()))
        .with("zero", number(0))
        .with("one", number(1))
        .with("waiting", text("waiting"))
        .with("running", text("running"))
        .with("now", number(now.millis()));
        let key = key(delivery.endpoint.workspace(), &delivery.id);
        let there = match self.table.update(&key, &change).await? {
            Held::Yes(ours) => return self.begun(delivery, ours).await,
            Held::No(there) => there,
        };
        if there.as_ref().is_some_and(|item| is_taken_by(item, &taker)) {
            return self.begun(delivery, there).await;
        }
        let there: Option<StoredDelivery> = there.map(read).transpose()?;
        Ok(match there.map(|there| there.progress) {
            Some(Progress::Running { until }) => Begin::Running { until },
            Some(Progress::Waiting { .. }) => Begin::Running { until: now }, // Given back this very moment.
            Some(Progress::Done { .. } | Progress::Failed { .. }) | None => Begin::Done,
        })
    }

    /// It is ours. Whoever had it before may have died of it, so its bytes are kept now.
    async fn begun(&self, delivery: &Delivery, item: Option<Item>) -> Result<Begin> {
        let is_first = item.as_ref().is_none_or(|item| item.get(TRIES) == Some(&number(1)));
        if !is_first && item.is_some_and(|item| !item.contains_key(BODY)) {
            let change = Expression::update("SET #body = :body").and_only_if(PRESENT);
            let change = change.with(BODY, text(kept_raw(&delivery.body)));
            self.table.update(&key(delivery.endpoint.workspace(), &delivery.id), &change).await?;
        }
        Ok(Begin::Started)
    }

    /// Notes what became of a delivery that is being worked on: done, waiting, or failed. `event` is its event's
    /// name, if it was read. False if nobody works on it.
    ///
    /// Its bytes are kept unless nobody could need them; a body of more than 300 KB is cut and cannot be replayed.
    pub(crate) async fn finish_delivery(
        &self,
        delivery: &Delivery,
        progress: &Progress,
        event: Option<&str>,
    ) -> Result<bool> {
        let workspace = delivery.endpoint.workspace();
        let body = progress.needs_bytes().then(|| kept_raw(&delivery.body));
        let change = settled(workspace, &delivery.id, progress, (event, body))?
            .and_only_if("#progress.#state = :running OR #progress = :progress")
            .with("running", text("running"));
        Ok(self.table.update(&key(workspace, &delivery.id), &change).await?.is_yes())
    }

    /// Makes a delivery that failed, or that we did not understand then, ready to be begun again.
    pub(crate) async fn reopen_delivery(
        &self,
        workspace: WorkspaceId,
        id: &DeliveryId,
        now: Timestamp,
    ) -> Result<bool> {
        let progress = Progress::Waiting { at: now, reason: "replayed".to_owned() };
        let change = settled(workspace, id, &progress, (None, None))?
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
        found.sort_by_key(|it| it.received_at);
        Ok(found)
    }
}

/// An event's name as the index lists it: keys are short, and the name is whatever somebody sent.
fn listed_name(event: Option<&str>) -> String {
    event.unwrap_or(NAMELESS).chars().take(100).collect()
}

/// What is written when a delivery is settled, and where it is listed then: its event's name and its bytes, where
/// they are known and to be kept.
fn settled(
    workspace: WorkspaceId,
    id: &DeliveryId,
    progress: &Progress,
    (event, body): (Option<&str>, Option<String>),
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
    let (mut sets, mut removes) = (vec!["#progress = :progress"], Vec::new());
    let mut values = vec![("progress", value(progress)?)];
    match due {
        Some((due, by)) => {
            sets.extend(["#gk = :gk", "#gs = :gs"]);
            values.extend([("gk", text(due.partition())), ("gs", text(by))]);
        }
        None => removes.extend(["#gk", "#gs"]),
    }
    if let Some(event) = event {
        sets.push("#event = :event");
        values.push(("event", text(event)));
    }
    match body {
        Some(body) => {
            sets.push("#body = :body");
            values.push((BODY, text(body)));
        }
        None if !progress.needs_bytes() => removes.push("#body"),
        None => {}
    }
    let remove = if removes.is_empty() { String::new() } else { format!(" REMOVE {}", removes.join(", ")) };
    let change = Expression::update(format!("SET {}{remove}", sets.join(", ")));
    Ok(values.into_iter().fold(change, |change, (name, value)| change.with(name, value)))
}
