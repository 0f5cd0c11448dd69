//! Answers that are there already: of the same request, of identical work, or of whoever is asking just now.
//!
//! They are sealed where they are kept: an answer says as much about a person as the prompt did.

use std::time::Duration;

use super::{REMEMBERED, Work};
use crate::app::App;
use crate::domain::grant::{Sealed, Secret};
use crate::domain::id::WorkspaceId;
use crate::domain::insight::answer::Answer;
use crate::domain::insight::budget::day_of;
use crate::domain::insight::cost::{NanoDollars, Usage};
use crate::domain::insight::request::{Insight, InsightRequest};
use crate::domain::insight::usage::Tally;
use crate::error::{Error, Kind, Result};
use crate::ids;
use crate::store::{LineOf, Repeat};
use crate::vault::Bound;

/// How often one looks whether another's answer has come.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// Left for answering, after the last look.
const MARGIN: Duration = Duration::from_secs(1);

/// Whose turn it is to do identical work.
pub(super) enum Turn {
    /// Ours; the mark ends it.
    Ours(String),
    /// Somebody did it while we waited.
    Found(Box<Insight>),
}

async fn seal(app: &App, workspace: WorkspaceId, owner: &str, insight: &Insight) -> Result<Sealed> {
    let bound = Bound { workspace, owner, field: "insight" };
    Ok(app.vault().await?.seal(&bound, &Secret::new(insight.to_text()))?)
}

/// Nothing if it was sealed under keys, or in a form, that are gone: then the work is done again.
async fn open(app: &App, workspace: WorkspaceId, owner: &str, sealed: &Sealed) -> Result<Option<Insight>> {
    let bound = Bound { workspace, owner, field: "insight" };
    let opened = app.vault().await?.open(&bound, sealed).ok();
    Ok(opened.and_then(|text| Insight::from_text(text.expose()).ok()))
}

/// The answer to a request of the same name, if there is one.
pub(super) async fn begin_request(
    app: &App,
    workspace: WorkspaceId,
    request: &InsightRequest,
) -> Result<Option<Insight>> {
    let Some((name, fingerprint)) = request.named() else {
        return Ok(None);
    };
    let now = app.clock().now();
    match app.store().name_request(workspace, (&name, &fingerprint), now, now + REMEMBERED).await? {
        Repeat::New => Ok(None),
        Repeat::Answered(sealed) => {
            let found = open(app, workspace, &name, &sealed).await?;
            Ok(found.map(as_cached))
        }
        Repeat::Other => Err(Error::new(Kind::Conflict)
            .saying("This idempotency key was used for another request. Take a new one.")),
    }
}

/// Keeps the answer under the caller's name for the request.
pub(super) async fn end_request(
    app: &App,
    workspace: WorkspaceId,
    request: &InsightRequest,
    insight: &Insight,
) -> Result<()> {
    if let Some((name, fingerprint)) = request.named() {
        let sealed = seal(app, workspace, &name, insight).await?;
        app.store().answer_request(workspace, (&name, &fingerprint), &sealed).await?;
    }
    Ok(())
}

/// The answer to identical work, with the figures of now. It is counted, and costs nothing.
pub(super) async fn found(work: &Work<'_>, key: &str) -> Result<Option<Insight>> {
    let (app, workspace, now) = (work.app, work.caller.workspace, work.app.clock().now());
    let Some(sealed) = app.store().find_answer(workspace, key, now).await? else {
        return Ok(None);
    };
    let Some(mut insight) = open(app, workspace, key, &sealed).await?.map(as_cached) else {
        return Ok(None);
    };
    if let (Answer::Score(answer), Some((lead, churn))) = (&mut insight.answer, &work.gathered.scores) {
        (answer.lead, answer.churn) = (lead.clone(), churn.clone());
    }
    let (day, model) = (day_of(now), insight.model.clone().unwrap_or_default());
    let line =
        LineOf { day: &day, operation: work.request.operation, provider: insight.provider, model: &model };
    let mark = ids::unguessable().map_err(|error| Error::new(Kind::Bug).because(error))?;
    app.store().add_usage(workspace, line, &Tally::cached(), (&mark, now)).await?;
    Ok(Some(insight))
}

fn as_cached(insight: Insight) -> Insight {
    Insight { cached: true, usage: Usage::default(), cost: Some(NanoDollars(0)), ..insight }
}

/// Keeps an answer for identical work. A refusal is not kept: the next one may be served.
pub(super) async fn keep(work: &Work<'_>, key: &str, insight: &Insight) -> Result<()> {
    if insight.answer == Answer::Refused {
        return Ok(());
    }
    let (app, workspace) = (work.app, work.caller.workspace);
    let sealed = seal(app, workspace, key, insight).await?;
    let until = app.clock().now() + REMEMBERED;
    Ok(app.store().put_answer(workspace, key, &sealed, until).await?)
}

/// Takes the work on, or waits for whoever did.
pub(super) async fn take_turn(work: &Work<'_>, key: &str) -> Result<Turn> {
    let (app, workspace) = (work.app, work.caller.workspace);
    loop {
        let now = app.clock().now();
        if let Some(mark) = app.store().begin_work(workspace, key, now, work.deadline).await? {
            // Whoever had it before may have ended between our look and this.
            return match found(work, key).await? {
                Some(insight) => {
                    app.store().end_work(workspace, key, &mark).await?;
                    Ok(Turn::Found(Box::new(insight)))
                }
                None => Ok(Turn::Ours(mark)),
            };
        }
        if now + LOOK_AGAIN + MARGIN >= work.deadline {
            let advice = "The same question is being answered for somebody else. Ask again in a moment.";
            let retry_after = LOOK_AGAIN + MARGIN;
            return Err(Error::new(Kind::Throttled { retry_after }).saying(advice));
        }
        app.clock().sleep(LOOK_AGAIN).await;
        if let Some(insight) = found(work, key).await? {
            return Ok(Turn::Found(Box::new(insight)));
        }
    }
}
