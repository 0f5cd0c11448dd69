//! Writes a note about a member's figures, in a model's words where one may and can find them.
//!
//! The model gets figures and factors, and nothing that anybody wrote: no name, no note, no text. A note whose answer
//! reports orders in its material is not written all the same. One note for every change of a band.

use tracing::{info, warn};

use crate::app::App;
use crate::domain::budget::Urgency;
use crate::domain::caller::{Caller, Means};
use crate::domain::fact::Parent;
use crate::domain::id::{CrmId, MemberId, WorkspaceId};
use crate::domain::insight::answer::Answer;
use crate::domain::insight::automation::{Figures, NOTE_TITLE, Scored, note_text};
use crate::domain::insight::churn::churn_risk;
use crate::domain::insight::features::Features;
use crate::domain::insight::lead_score::lead_score;
use crate::domain::insight::operation::Operation;
use crate::domain::insight::request::{Input, Insight, InsightRequest, Wish};
use crate::domain::insight::template_text::score_text;
use crate::domain::time::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::twenty::{NewNote, Place, Tie, TwentyError};
use crate::usecase::access::{Access, Refused};
use crate::usecase::mirror::mirrored;
use crate::usecase::run_insight;
use crate::usecase::score_members::let_go;

/// Writes the note that is due for a member, if one still is.
pub async fn write_note(
    app: &App,
    workspace: WorkspaceId,
    member: &MemberId,
    deadline: Timestamp,
) -> Result<()> {
    let_go(write(app, workspace, member, deadline).await)
}

async fn write(app: &App, workspace: WorkspaceId, member: &MemberId, deadline: Timestamp) -> Result<()> {
    let settings = app.store().find_insight_settings(workspace).await?.unwrap_or_default();
    let Some(scored) = app.store().find_scored(workspace, member).await? else {
        return Ok(());
    };
    if !settings.automations.write_note || scored.noted == Some(scored.figures.bands) {
        return Ok(());
    }
    let Some(access) = Access::open(app, workspace, Urgency::Figures, deadline).await? else {
        return Ok(());
    };
    let Some(features) = features(&access, &scored).await? else {
        info!(event = "note.skipped", member.id = %member, "no note: their person is gone");
        return Ok(());
    };
    let now = app.clock().now();
    let lead = lead_score(&features, &settings.lead, now);
    let history = app.store().find_losses(workspace).await?;
    let churn = churn_risk(&features, &settings.churn, &history, now);
    let bands = Figures::of(&lead, &churn).bands;
    let insight = worded(app, workspace, features, deadline).await?;
    let words = match &insight.answer {
        Answer::Score(score) => score.explanation.clone(),
        Answer::Text(_) | Answer::Sentiment(_) | Answer::Email(_) | Answer::Summary(_) | Answer::Refused => {
            score_text(&lead, &churn)
        }
    };
    if words.injection_suspected {
        warn!(event = "note.withheld", member.id = %member, "no note: its words may follow somebody's orders");
    } else {
        put(&access, &scored, &note_text(&words, insight.model.as_deref())).await?;
        info!(event = "note.written", member.id = %member, "a note was written");
    }
    // Bands that moved since the figures were written are told of by whoever writes those.
    if app.store().put_scored(workspace, &scored.told(bands)).await? {
        return Ok(());
    }
    Err(Error::new(Kind::Conflict)) // Newer figures were just written; the next attempt sees them.
}

/// The member's features as they are now; nothing if their person is gone.
async fn features(access: &Access<'_>, scored: &Scored) -> Result<Option<Features>> {
    let people = mirrored(access, &[scored.person]).await?;
    let person = people.get(&scored.person).filter(|it| it.card.member.as_ref() == Some(&scored.member));
    let Some(person) = person else {
        return Ok(None);
    };
    let facts = match person.product() {
        Some(product) => {
            let parent = Parent::Product(product.clone());
            access.app.store().facts_of(access.workspace.id, &parent).await?
        }
        None => Vec::new(),
    };
    Ok(Some(person.features(&facts, access.app.clock().now())))
}

/// The figures in words; in ours where no model has any.
async fn worded(
    app: &App,
    workspace: WorkspaceId,
    features: Features,
    deadline: Timestamp,
) -> Result<Insight> {
    let input = Input { features: Some(features), ..Input::default() };
    let request = InsightRequest {
        operation: Operation::ScoreLead,
        input,
        wish: Wish::default(),
        idempotency_key: None,
    };
    let caller = Caller { workspace, by: Means::Automation };
    // Boxed: the whole policy of asking is in this future.
    Box::pin(run_insight::run(app, &caller, request, deadline)).await
}

/// The note and its tie to the person, by ids that a repeat after a crash brings again.
async fn put(access: &Access<'_>, scored: &Scored, text: &str) -> Result<()> {
    let name = format!("{}/{}", scored.member, scored.notes);
    let derived = |object| CrmId::derived(access.workspace.id, object, &name);
    let (note, tie) = (derived("scoreNote"), derived("scoreNoteTarget"));
    loop {
        let (twenty, at) = access.twenty().await?;
        match twenty.put_notes(at, &[NewNote { id: note, title: NOTE_TITLE, text }]).await {
            Ok(()) => break,
            Err(error) => again(access, error).await?,
        }
    }
    let tie = Tie { id: tie, note, place: Place::Person(scored.person) };
    loop {
        let (twenty, at) = access.twenty().await?;
        match twenty.tie_notes(at, &[tie]).await {
            Ok(()) => return Ok(()),
            Err(error) => again(access, error).await?,
        }
    }
}

/// Fine if the call may be made again.
async fn again(access: &Access<'_>, error: TwentyError) -> Result<()> {
    match access.refused(error).await? {
        Refused::Again => Ok(()),
        Refused::Batch(reason) => Err(Error::new(Kind::Rejected).because(reason)),
        Refused::Drifted => Err(Error::new(Kind::Rejected).saying("Twenty does not take notes.")),
    }
}
