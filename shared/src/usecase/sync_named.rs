//! Reads named records again and writes them even if nothing seems to have changed: a retry, a settled card, a
//! member that somebody wants to see brought up to date.

use crate::app::App;
use crate::domain::budget::Urgency;
use crate::domain::id::{MemberId, WorkspaceId};
use crate::domain::source::RecordRef;
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::usecase::access::Access;
use crate::usecase::read_whop::{read_all, read_memberships};
use crate::usecase::schema::schema_is_ready;
use crate::usecase::sync_records::{Reading, Task, sync_records};

/// Brings these records up to date.
pub async fn records(
    app: &App,
    workspace: WorkspaceId,
    names: &[RecordRef],
    deadline: Timestamp,
) -> Result<()> {
    let Some(access) = Access::open(app, workspace, Urgency::Live, deadline).await? else {
        return Ok(());
    };
    schema_is_ready(&access).await?;
    let readings = read_all(&access, names.iter().cloned()).await?;
    write(&access, readings).await
}

/// Brings a member and everything they bought up to date.
pub async fn member(app: &App, workspace: WorkspaceId, id: &MemberId, deadline: Timestamp) -> Result<()> {
    let Some(access) = Access::open(app, workspace, Urgency::Live, deadline).await? else {
        return Ok(());
    };
    schema_is_ready(&access).await?;
    let mut readings = read_all(&access, [RecordRef::Members(id.clone())]).await?;
    readings.extend(read_memberships(&access, id).await?);
    write(&access, readings).await
}

async fn write(access: &Access<'_>, readings: Vec<Reading>) -> Result<()> {
    let task = Task { access, force: true, with_parents: true, page: None };
    sync_records(&task, readings).await?;
    Ok(())
}
