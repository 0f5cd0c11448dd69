//! Looks for opportunities that reached a stage, whoever moved them: the CRM tells nobody when.
//!
//! The first look of a rule remembers who is in the stage and sends nothing. Every later one asks for those that changed
//! since the one before, and what it has not met reached the stage meanwhile. One that gets there between a rule's
//! being switched on and the end of its first look, which begins at once, counts as one that was there.

use std::time::Duration;

use crate::app::App;
use crate::domain::budget::Urgency;
use crate::domain::contract::rule::Skip;
use crate::domain::contract::settings::Trigger;
use crate::domain::id::WorkspaceId;
use crate::domain::time::Timestamp;
use crate::error::{Error, Result};
use crate::job::ContractJob;
use crate::store::{Watch, Watching};
use crate::twenty::InStage;
use crate::usecase::access::{Access, Refused};
use crate::usecase::schema::forget_schema;

use super::automate::skipped;

/// How far Twenty's clock may be behind ours.
const APART: Duration = Duration::from_mins(5);
/// A look that did not end within this time is given up, and another one may begin.
const GIVEN_UP_AFTER: Duration = Duration::from_mins(30);

/// One page of the look that was queued at `look`. A page that comes twice asks for nothing twice.
pub async fn watch_stage(
    app: &App,
    (workspace, rule): (WorkspaceId, &str),
    look: Timestamp,
    after: Option<&str>,
    deadline: Timestamp,
) -> Result<()> {
    let Some(of) = watching(app, workspace, rule).await? else {
        return Ok(());
    };
    let Some(access) = Access::open(app, workspace, Urgency::Figures, deadline).await? else {
        return Ok(());
    };
    let before = app.store().find_watch(workspace, rule).await?;
    let watch = match turn(before, of, look, after.is_some()) {
        Turn::Past => return Ok(()),
        Turn::Goes(watch) => watch,
        Turn::Begins(watch) if app.store().put_watch(workspace, &watch).await? => watch,
        Turn::Begins(_) => return Ok(()), // Somebody else's look began just now.
    };
    let Some(page) = page(&access, &watch, after).await? else {
        return Ok(());
    };
    take_in(app, workspace, &watch, &page).await?;
    let Some(next) = page.next else {
        let done = Watch { looked_at: Some(look), under_way: None, version: watch.version + 1, ..watch };
        app.store().put_watch(workspace, &done).await?;
        return Ok(());
    };
    let dedup = format!("look-{workspace}-{rule}-{}-{next}", look.millis());
    let job = ContractJob::WatchStages { workspace, rule: rule.to_owned(), look, after: Some(next) };
    Ok(app.queue().send(&job, &dedup).await?)
}

/// What the rule is to look for; nothing if it is switched off, or waits for something else.
async fn watching(app: &App, workspace: WorkspaceId, rule: &str) -> Result<Option<Watching>> {
    let settings = app.store().find_contract_settings(workspace).await?.unwrap_or_default();
    let found = settings.automations.into_iter().find(|it| it.name == rule);
    Ok(found.and_then(|it| {
        let since = it.runs_since()?;
        let Trigger::OpportunityStage { stage } = it.trigger else { return None };
        Some(Watching { rule: it.name, stage, since })
    }))
}

/// What a page's turn is.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    /// It begins a look, which must be kept first.
    Begins(Watch),
    /// It belongs to the look that is under way.
    Goes(Watch),
    /// Its look is over, was given up, or must wait for another one's end.
    Past,
}

fn turn(before: Option<Watch>, of: Watching, look: Timestamp, goes_on: bool) -> Turn {
    let version = before.as_ref().map_or(0, |it| it.version);
    let before = before.filter(|it| it.of == of);
    if let Some(watch) = before.as_ref().filter(|it| it.under_way == Some(look)) {
        return Turn::Goes(watch.clone());
    }
    let looked_at = before.as_ref().and_then(|it| it.looked_at);
    let another = before.and_then(|it| it.under_way).is_some_and(|begun| look < begun + GIVEN_UP_AFTER);
    if goes_on || another || looked_at.is_some_and(|at| look <= at) {
        return Turn::Past;
    }
    Turn::Begins(Watch { of, looked_at, under_way: Some(look), version: version + 1 })
}

/// Nothing if Twenty refuses the question, such as for a stage that it no longer has.
async fn page(access: &Access<'_>, watch: &Watch, after: Option<&str>) -> Result<Option<InStage>> {
    let since = watch.looked_at.map(|at| at - APART);
    loop {
        let (twenty, at) = access.twenty().await?;
        let error = match twenty.in_stage(at, &watch.of.stage, since, after).await {
            Ok(page) => return Ok(Some(page)),
            Err(error) => error,
        };
        match access.refused(error).await? {
            Refused::Again => {}
            Refused::Batch(reason) => {
                let about = (watch.of.rule.as_str(), watch.of.stage.as_str());
                skipped(access.app, access.workspace.id, about, &Skip::Refused(reason)).await?;
                return Ok(None);
            }
            Refused::Drifted => {
                forget_schema(access).await?;
                return Err(Error::new(crate::error::Kind::Unavailable));
            }
        }
    }
}

/// Asks for those that were not met before, then remembers them: a crash in between asks once more, which sends nothing
/// twice.
async fn take_in(app: &App, workspace: WorkspaceId, watch: &Watch, page: &InStage) -> Result<()> {
    let met = app.store().met(workspace, &watch.of, &page.ids).await?;
    let new: Vec<_> = page.ids.iter().copied().filter(|id| !met.contains(id)).collect();
    if watch.looked_at.is_some() {
        let jobs = new.iter().map(|id| {
            let rule = watch.of.rule.clone();
            let dedup = format!("reached-{workspace}-{rule}-{}-{id}", watch.of.since.millis());
            (ContractJob::StageReached { workspace, rule, opportunity: *id }, dedup)
        });
        app.queue().send_many(&jobs.collect::<Vec<_>>()).await?;
    }
    Ok(app.store().meet(workspace, &watch.of, &new).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_795_420_800_000);
    const TICK: Duration = Duration::from_mins(15);

    fn of(stage: &str) -> Watching {
        Watching { rule: "welcome".to_owned(), stage: stage.to_owned(), since: NOON }
    }

    fn watch(looked_at: Option<Timestamp>, under_way: Option<Timestamp>) -> Watch {
        Watch { of: of("CUSTOMER"), looked_at, under_way, version: 4 }
    }

    #[test]
    fn the_first_look_has_nothing_to_start_from() {
        let first = Watch { of: of("CUSTOMER"), looked_at: None, under_way: Some(NOON), version: 1 };
        assert_eq!(turn(None, of("CUSTOMER"), NOON, false), Turn::Begins(first));
    }

    #[test]
    fn a_look_goes_on_where_it_is_and_another_one_waits_for_its_end() {
        let under_way = watch(Some(NOON - TICK), Some(NOON));
        assert_eq!(turn(Some(under_way.clone()), of("CUSTOMER"), NOON, true), Turn::Goes(under_way.clone()));
        assert_eq!(turn(Some(under_way.clone()), of("CUSTOMER"), NOON, false), Turn::Goes(under_way.clone()));
        assert_eq!(turn(Some(under_way.clone()), of("CUSTOMER"), NOON + TICK, false), Turn::Past);
        let later = NOON + TICK + TICK;
        let anew = Watch { version: 5, under_way: Some(later), ..under_way.clone() };
        assert_eq!(turn(Some(under_way), of("CUSTOMER"), later, false), Turn::Begins(anew));
    }

    #[test]
    fn a_page_of_a_look_that_is_over_does_nothing() {
        let over = watch(Some(NOON), None);
        assert_eq!(turn(Some(over.clone()), of("CUSTOMER"), NOON, true), Turn::Past);
        assert_eq!(turn(Some(over.clone()), of("CUSTOMER"), NOON, false), Turn::Past);
        assert_eq!(turn(Some(over), of("CUSTOMER"), NOON - TICK, false), Turn::Past);
    }

    #[test]
    fn another_stage_is_looked_at_for_the_first_time() {
        let anew = Watch { of: of("MEETING"), looked_at: None, under_way: Some(NOON + TICK), version: 5 };
        let before = watch(Some(NOON), Some(NOON + TICK));
        assert_eq!(turn(Some(before), of("MEETING"), NOON + TICK, false), Turn::Begins(anew));
    }
}
