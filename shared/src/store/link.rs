//! Links, many at a time. A link moves only forward, by its revision.

use std::collections::HashMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::expression::{ABSENT, Expression, text, value};
use super::listing::{Listed, Listing};
use super::table::{Item, Key, read};
use super::{Result, Store};
use crate::domain::id::WorkspaceId;
use crate::domain::link::Link;
use crate::domain::revision::{Fingerprint, Revision};
use crate::domain::source::{RecordRef, Stream};

/// The revision as a text that sorts as it does, for conditions.
const PLACE: &str = "place";
/// Writes that are under way at the same time.
const AT_ONCE: usize = 16;

fn key(workspace: WorkspaceId, name: &RecordRef) -> Key {
    Key::new(workspace, "LINK", format_args!("{}#{}", name.stream().as_str(), name.id()))
}

fn item(workspace: WorkspaceId, link: &Link) -> Result<Item> {
    let mut item = key(workspace, &link.name).item(link)?;
    item.insert(PLACE.to_owned(), text(&link.revision));
    Ok(item)
}

impl Store {
    /// The link of a record.
    pub(crate) async fn find_link(&self, workspace: WorkspaceId, name: &RecordRef) -> Result<Option<Link>> {
        self.table.find(&key(workspace, name)).await
    }

    /// The links of these records; records without one are left out.
    pub(crate) async fn links(
        &self,
        workspace: WorkspaceId,
        names: &[RecordRef],
    ) -> Result<HashMap<RecordRef, Link>> {
        let items = self.table.get_many(names.iter().map(|name| key(workspace, name))).await?;
        let links = items.into_iter().map(read::<Link>);
        links.map(|link| link.map(|link| (link.name.clone(), link))).collect()
    }

    /// The links of one stream, by id.
    pub(crate) async fn list_links(
        &self,
        workspace: WorkspaceId,
        stream: Stream,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Listed<Link>> {
        let ids = format!("{}#", stream.as_str());
        self.table.list(&Listing::of(workspace, "LINK", &ids, limit).from(cursor)).await
    }

    /// Keeps a link, if there is none or an older one. True if it is there now just so.
    pub(crate) async fn put_link(&self, workspace: WorkspaceId, link: &Link) -> Result<bool> {
        let older = Expression::only_if(format!("{ABSENT} OR #place < :place"));
        let older = older.with(PLACE, text(&link.revision));
        self.table.put_once(item(workspace, link)?, &older).await
    }

    /// The same for many, some at a time; each tells whether it is there.
    pub(crate) async fn put_links(
        &self,
        workspace: WorkspaceId,
        links: Vec<Link>,
    ) -> Result<Vec<(RecordRef, bool)>> {
        let put = |link: Link| async move {
            let kept = self.put_link(workspace, &link).await?;
            Ok((link.name, kept))
        };
        stream::iter(links).map(put).buffered(AT_ONCE).try_collect().await
    }

    /// Forgets what we last said about a record, so that the next reading of it is written again. False if
    /// there is no link, or it moved meanwhile.
    pub(crate) async fn forget_fingerprint(&self, workspace: WorkspaceId, name: &RecordRef) -> Result<bool> {
        let Some(link) = self.find_link(workspace, name).await? else {
            return Ok(false);
        };
        let nothing = Revision { fingerprint: Fingerprint(String::new()), ..link.revision.clone() };
        let change = place(&nothing)?.and_only_if("#place = :was").with("was", text(&link.revision));
        Ok(self.table.update(&key(workspace, name), &change).await?.is_yes())
    }
}

fn place(revision: &Revision) -> Result<Expression> {
    let change = Expression::update("SET #revision = :revision, #place = :place");
    Ok(change.with("revision", value(revision)?).with(PLACE, text(revision)))
}
