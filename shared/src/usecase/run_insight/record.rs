//! What a call took: reserved before it, settled, recorded and counted after it.

use super::Work;
use super::candidates::Candidate;
use crate::ai::{AiError, Entry, Reply, Trouble};
use crate::domain::grant::{Sealed, Secret};
use crate::domain::insight::attempt::{Attempt, Ending};
use crate::domain::insight::budget::{
    Amount, RESERVED_FOR, Reservation, booked_unseen, day_of, next_day, upper_bound,
};
use crate::domain::insight::cost::{NanoDollars, Usage};
use crate::domain::insight::usage::Tally;
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::ids;
use crate::store::{LineOf, Reserved};
use crate::vault::Bound;

/// What one call really took.
pub(super) struct Made {
    pub(super) usage: Usage,
    pub(super) cost: Option<NanoDollars>,
    /// True if the usage is our estimate.
    pub(super) estimated: bool,
    pub(super) served: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) timed_out: bool,
}

impl Made {
    /// A call that may have been served although no answer came is booked as estimated.
    pub(super) fn of(
        result: &Result<Reply, AiError>,
        entry: &Entry,
        bytes: usize,
        limit: u32,
        now: Timestamp,
    ) -> Self {
        let (usage, estimated, percent) = match result {
            Ok(Reply { usage: Some(usage), percent, .. }) => (*usage, false, *percent),
            Ok(Reply { percent, .. }) => (booked_unseen(bytes, limit), true, *percent),
            Err(error) if error.trouble == Trouble::Lost => (booked_unseen(bytes, limit), true, 100),
            Err(_) => (Usage::default(), false, 100),
        };
        let cost = match entry.prices_at(now) {
            Some(prices) => prices.cost(&usage, percent),
            None => (usage.total() == 0).then_some(NanoDollars(0)),
        };
        let (served, request_id, timed_out) = match result {
            Ok(reply) => (reply.served.clone(), reply.request_id.clone(), false),
            Err(error) => (None, error.request_id.clone(), error.timed_out),
        };
        Self { usage, cost, estimated, served, request_id, timed_out }
    }
}

fn random() -> Result<String> {
    ids::unguessable().map_err(|error| Error::new(Kind::Bug).because(error))
}

/// Takes the most that a call can cost from the day's budget.
pub(super) async fn reserve(work: &Work<'_>, entry: &Entry, bytes: usize, limit: u32) -> Result<Reservation> {
    let now = work.app.clock().now();
    // A dearer tier than the one we ask for is not ours to choose; regional prices are at most a tenth higher.
    let amount = upper_bound(bytes, limit, entry.prices_at(now), 110);
    let reservation = Reservation { id: random()?, day: day_of(now), amount, until: now + RESERVED_FOR };
    let store = work.app.store();
    match store.reserve(work.caller.workspace, &reservation, &work.settings.daily).await? {
        Reserved::Yes => Ok(reservation),
        Reserved::Spent => {
            let retry_after = next_day(now).since(now);
            let advice = "The workspace's daily budget for language models is spent. It begins anew at midnight UTC; the \
                          limit is in the settings.";
            Err(Error::new(Kind::Throttled { retry_after }).saying(advice))
        }
    }
}

/// Books what the call took. What has no price counts in tokens only.
pub(super) async fn settle(work: &Work<'_>, reservation: &Reservation, made: &Made) -> Result<()> {
    let actual = Amount { tokens: made.usage.total(), nano_dollars: made.cost.unwrap_or_default() };
    let now = work.app.clock().now();
    work.app.store().settle_call(work.caller.workspace, reservation, actual, now).await?;
    Ok(())
}

/// What else a record says.
pub(super) struct Told<'a> {
    pub(super) candidate: &'a Candidate<'a>,
    pub(super) prompt: &'static str,
    pub(super) number: u32,
    pub(super) ending: Ending,
    /// Prompt and answer.
    pub(super) texts: Option<(&'a str, &'a str)>,
}

/// Keeps the attempt and adds it to the day.
pub(super) async fn record(work: &Work<'_>, told: &Told<'_>, made: &Made, started: Timestamp) -> Result<()> {
    let (app, workspace, entry) = (work.app, work.caller.workspace, &told.candidate.entry);
    let id = ids::by_time("try", started).map_err(|error| Error::new(Kind::Bug).because(error))?;
    let failed = u64::from(matches!(told.ending, Ending::Failed(_)));
    let tally = Tally { calls: 1, failed, cached_answers: 0, usage: made.usage, cost: made.cost };
    let day = day_of(started);
    let provider = told.candidate.provider;
    let line = LineOf {
        day: &day,
        operation: work.request.operation,
        provider: Some(provider.name),
        model: &entry.model,
    };
    app.store().add_usage(workspace, line, &tally, (&id, started)).await?;
    let latency = app.clock().now().since(started).as_millis();
    let attempt = Attempt {
        texts: texts(work, told, &id).await?,
        id,
        at: started,
        operation: work.request.operation,
        subject: work.request.input.about,
        provider: provider.name,
        model: entry.model.clone(),
        served: made.served.clone(),
        wire: provider.config.wire.as_str().to_owned(),
        prompt: told.prompt.to_owned(),
        number: told.number,
        usage: made.usage,
        estimated: made.estimated,
        cost: made.cost,
        latency_ms: u64::try_from(latency).unwrap_or(u64::MAX),
        ending: told.ending.clone(),
        request_id: made.request_id.clone(),
        dropped_temperature: work.request.wish.temperature.is_some() && !entry.temperature,
    };
    Ok(app.store().append_attempt(workspace, &attempt).await?)
}

/// Prompt and answer, sealed, if the workspace wants them kept.
async fn texts(work: &Work<'_>, told: &Told<'_>, id: &str) -> Result<Option<Sealed>> {
    let Some((prompt, answer)) = told.texts.filter(|_| work.settings.keep_texts) else {
        return Ok(None);
    };
    let bound = Bound { workspace: work.caller.workspace, owner: id, field: "texts" };
    let both = Secret::new(format!("{prompt}\n\n---\n\n{answer}"));
    Ok(Some(work.app.vault().await?.seal(&bound, &both)?))
}
