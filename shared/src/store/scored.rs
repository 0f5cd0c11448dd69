//! What was last said of members by automations: one item each, replaced as a whole, by its version.

use std::collections::HashMap;

use super::expression::{ABSENT, Expression, number};
use super::table::{Key, read};
use super::{Result, Store};
use crate::domain::id::{MemberId, WorkspaceId};
use crate::domain::insight::automation::Scored;

fn key(workspace: WorkspaceId, member: &MemberId) -> Key {
    Key::new(workspace, "SCORE", member)
}

impl Store {
    /// What was last said of a member.
    pub(crate) async fn find_scored(
        &self,
        workspace: WorkspaceId,
        member: &MemberId,
    ) -> Result<Option<Scored>> {
        self.table.find(&key(workspace, member)).await
    }

    /// The same for many; members of whom nothing was said are left out.
    pub(crate) async fn scored(
        &self,
        workspace: WorkspaceId,
        members: &[MemberId],
    ) -> Result<HashMap<MemberId, Scored>> {
        let items = self.table.get_many(members.iter().map(|member| key(workspace, member))).await?;
        let scored = items.into_iter().map(read::<Scored>);
        scored.map(|it| it.map(|it| (it.member.clone(), it))).collect()
    }

    /// Keeps what was said, in place of the version before it. False if somebody else was faster.
    pub(crate) async fn put_scored(&self, workspace: WorkspaceId, scored: &Scored) -> Result<bool> {
        let before = scored.version.saturating_sub(1);
        let only = match before {
            0 => Expression::only_if(ABSENT),
            before => Expression::only_if("#version = :before").with("before", number(before)),
        };
        self.table.put_once(key(workspace, &scored.member).item(scored)?, &only).await
    }
}
