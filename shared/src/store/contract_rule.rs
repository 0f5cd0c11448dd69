//! How far rules about stages have looked, which opportunities they have met, and what was said about those that got
//! nothing. Small items, kept under their rule.

use std::collections::HashSet;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};

use super::expression::{ABSENT, Expression, number};
use super::table::{Key, read};
use super::{Result, Store};
use crate::domain::id::{CrmId, WorkspaceId};
use crate::domain::time::Timestamp;

const WATCH: &str = "CONTRACTWATCH";
const MET: &str = "CONTRACTMET";
const SKIPPED: &str = "CONTRACTSKIPPED";
/// Writes that are under way at the same time.
const AT_ONCE: usize = 16;

/// What a rule is taken for: switched on again, or for another stage, it begins anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Watching {
    pub(crate) rule: String,
    pub(crate) stage: String,
    pub(crate) since: Timestamp,
}

/// How far a rule has looked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Watch {
    pub(crate) of: Watching,
    /// When the last complete look began; nothing before the first one, which only remembers who is there.
    #[serde(default)]
    pub(crate) looked_at: Option<Timestamp>,
    /// The look that is under way, by when it was queued.
    #[serde(default)]
    pub(crate) under_way: Option<Timestamp>,
    /// Counts every change; a write that read an older one does not land.
    pub(crate) version: u64,
}

/// An opportunity that was met.
#[derive(Serialize, Deserialize)]
struct Met {
    opportunity: CrmId,
}

/// Why somebody got nothing.
#[derive(Serialize, Deserialize)]
struct Skipped {
    reason: String,
}

fn skipped(workspace: WorkspaceId, (rule, occasion): (&str, &str)) -> Key {
    Key::new(workspace, SKIPPED, format_args!("{rule}#{occasion}"))
}

impl Watching {
    fn met(&self, workspace: WorkspaceId, opportunity: CrmId) -> Key {
        let Self { rule, stage, since } = self;
        Key::new(workspace, MET, format_args!("{rule}#{stage}#{}#{opportunity}", since.millis()))
    }
}

impl Store {
    /// How far a rule has looked, if it ever did.
    pub(crate) async fn find_watch(&self, workspace: WorkspaceId, rule: &str) -> Result<Option<Watch>> {
        self.table.find(&Key::new(workspace, WATCH, rule)).await
    }

    /// Keeps how far it has looked, in place of the version before it. False if somebody else was faster.
    pub(crate) async fn put_watch(&self, workspace: WorkspaceId, watch: &Watch) -> Result<bool> {
        let before = watch.version.saturating_sub(1);
        let only = match before {
            0 => Expression::only_if(ABSENT),
            before => Expression::only_if("#version = :before").with("before", number(before)),
        };
        self.table.put_once(Key::new(workspace, WATCH, &watch.of.rule).item(watch)?, &only).await
    }

    /// Those of these opportunities that the rule has met.
    pub(crate) async fn met(
        &self,
        workspace: WorkspaceId,
        of: &Watching,
        opportunities: &[CrmId],
    ) -> Result<HashSet<CrmId>> {
        let items = self.table.get_many(opportunities.iter().map(|id| of.met(workspace, *id))).await?;
        items.into_iter().map(|item| Ok(read::<Met>(item)?.opportunity)).collect()
    }

    /// Remembers that the rule has met them.
    pub(crate) async fn meet(
        &self,
        workspace: WorkspaceId,
        of: &Watching,
        opportunities: &[CrmId],
    ) -> Result<()> {
        let put = |opportunity: CrmId| async move {
            let item = of.met(workspace, opportunity).item(&Met { opportunity })?;
            self.table.insert(item).await.map(drop)
        };
        stream::iter(opportunities.iter().copied()).map(put).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Why a rule sent nothing, as it was last told.
    pub(crate) async fn find_skipped(
        &self,
        workspace: WorkspaceId,
        about: (&str, &str),
    ) -> Result<Option<String>> {
        let found: Option<Skipped> = self.table.find(&skipped(workspace, about)).await?;
        Ok(found.map(|it| it.reason))
    }

    /// Keeps why a rule sent nothing, once that was told.
    pub(crate) async fn put_skipped(
        &self,
        workspace: WorkspaceId,
        about: (&str, &str),
        reason: &str,
    ) -> Result<()> {
        let item = skipped(workspace, about).item(&Skipped { reason: reason.to_owned() })?;
        self.table.put(item, &Expression::default()).await?;
        Ok(())
    }
}
