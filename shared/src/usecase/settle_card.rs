//! Settles a decision card, and lets the member be brought in accordingly.

use crate::app::App;
use crate::domain::caller::Caller;
use crate::domain::card::{Card, Choice};
use crate::domain::id::MemberId;
use crate::error::{Error, Result};
use crate::job::SyncJob;
use crate::usecase::audit::audit;

/// Keeps the answer and queues the member.
pub async fn settle_card(app: &App, caller: &Caller, member: &MemberId, choice: Choice) -> Result<Card> {
    let (store, workspace, now) = (app.store(), caller.workspace, app.clock().now());
    let card = store.find_card(workspace, member).await?.ok_or_else(Error::not_found)?;
    if !card.allows(&choice) {
        let advice = "This card does not allow that choice. Link only to a person who is no other Whop member, \
                      and restore only a deleted one.";
        return Err(Error::invalid(advice));
    }
    let card = store.settle_card(workspace, &card, &choice, now).await?.ok_or_else(Error::not_found)?;
    audit(app, workspace, &caller.name(), "card.settled", member.as_str()).await?;
    let job = SyncJob::SyncMember { workspace, member: member.clone() };
    app.queue().send(&job, &format!("settled-{member}-{}", now.millis())).await?;
    Ok(card)
}
