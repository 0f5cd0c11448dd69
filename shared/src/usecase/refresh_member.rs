//! Brings one member and what they bought up to date, on somebody's wish.

use crate::app::App;
use crate::domain::budget::Urgency;
use crate::domain::caller::Caller;
use crate::domain::id::MemberId;
use crate::error::{Error, Result};
use crate::job::SyncJob;
use crate::usecase::access::Access;
use crate::usecase::start_sync::connected;

/// Which member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// By their id at Whop.
    Id(MemberId),
    /// By their e-mail at Whop. Looked up here: an e-mail never goes through a queue.
    Email(String),
}

/// Queues the member; answers with their id.
pub async fn refresh_member(app: &App, caller: &Caller, whom: &Whom) -> Result<MemberId> {
    connected(app, caller).await?;
    let member = match whom {
        Whom::Id(id) => id.clone(),
        Whom::Email(email) => by_email(app, caller, email.trim()).await?,
    };
    let job = SyncJob::SyncMember { workspace: caller.workspace, member: member.clone() };
    let dedup = format!("member-{member}-{}", app.clock().now().millis());
    app.queue().send(&job, &dedup).await?;
    Ok(member)
}

async fn by_email(app: &App, caller: &Caller, email: &str) -> Result<MemberId> {
    if !email.contains('@') {
        return Err(Error::invalid("Give a whole e-mail address, or the member's id at Whop (mber_…)."));
    }
    let deadline = app.clock().now() + std::time::Duration::from_secs(20);
    let access = Access::open(app, caller.workspace, Urgency::Live, deadline).await?;
    let access = access.ok_or_else(Error::not_found)?;
    let (whop, by) = access.whop();
    match whop.find_member(by, email).await {
        Ok(Some(member)) => Ok(member.id),
        Ok(None) => Err(Error::not_found().saying("Whop shows no member with this e-mail.")),
        Err(error) => Err(access.whop_refused(error).await),
    }
}
