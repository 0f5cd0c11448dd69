//! The connection of a workspace to Whop, the one run that may be open on it, and the list of all that are swept.

use super::endpoint;
use super::expression::{ABSENT, Expression, text, value};
use super::grant;
use super::index::{self, Due};
use super::table::{Held, Item, Key, read};
use super::{Result, Store};
use crate::domain::connection::{Connection, Health, Live};
use crate::domain::id::{ConnectionId, RunId, WorkspaceId};
use crate::domain::time::Timestamp;

fn key(workspace: WorkspaceId) -> Key {
    Key::new(workspace, "CONNECTION", "whop")
}

/// Lists the connection's workspace among those that are swept, for as long as the item exists.
fn item(connection: &Connection) -> Result<Item> {
    let workspace = connection.workspace;
    let mut item = key(workspace).item(connection)?;
    item.extend(Due::Sweep.attributes(&workspace.to_string()));
    Ok(item)
}

/// The answer to one who wants to open a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The run is the open one, now or since an earlier attempt.
    Claimed,
    /// Another run is open.
    AlreadyOpen(RunId),
    /// The connection is gone, or another one took its place.
    NotConnected,
}

impl Store {
    /// A workspace's connection.
    pub(crate) async fn find_connection(&self, workspace: WorkspaceId) -> Result<Option<Connection>> {
        self.table.find(&key(workspace)).await
    }

    /// Keeps a connection: the first one where `old` is absent, else in place of just that one.
    pub(crate) async fn replace_connection(
        &self,
        connection: &Connection,
        old: Option<&ConnectionId>,
    ) -> Result<bool> {
        let only = match old {
            None => Expression::only_if(ABSENT),
            Some(id) => Expression::only_if("#id = :id").with("id", text(id)),
        };
        self.table.put_once(item(connection)?, &only).await
    }

    /// Takes a connection away with its endpoint and its grant, all or none. False if it is not there as given.
    pub(crate) async fn delete_connection(&self, connection: &Connection) -> Result<bool> {
        let workspace = connection.workspace;
        let as_given = Expression::only_if("#id = :id AND #live = :live")
            .with("id", text(&connection.id))
            .with("live", value(&connection.live)?);
        let mut parts = vec![(key(workspace), as_given), (grant::key(workspace), Expression::default())];
        parts.extend(connection.live.endpoint().map(|id| (endpoint::key(id), Expression::default())));
        self.table.delete_together(parts).await
    }

    /// Opens a run, if none is open.
    pub(crate) async fn claim_run(
        &self,
        workspace: WorkspaceId,
        connection: &ConnectionId,
        run: &RunId,
    ) -> Result<Claim> {
        let change = Expression::update("SET #open_run = :run")
            .and_only_if("#id = :id AND (attribute_not_exists(#open_run) OR #open_run = :run)")
            .with("id", text(connection))
            .with("run", text(run));
        let there = match self.table.update(&key(workspace), &change).await? {
            Held::Yes(_) => return Ok(Claim::Claimed),
            Held::No(there) => there,
        };
        let there: Option<Connection> = there.map(read).transpose()?;
        let open = there.filter(|there| there.id == *connection).and_then(|there| there.open_run);
        Ok(open.map_or(Claim::NotConnected, Claim::AlreadyOpen))
    }

    /// Closes the open run, if it is still this one. A moment that is absent stays as it was.
    pub(crate) async fn release_run(
        &self,
        workspace: WorkspaceId,
        run: &RunId,
        watermark: Option<Timestamp>,
        last_sync_at: Option<Timestamp>,
    ) -> Result<bool> {
        let moments = [("watermark", watermark), ("last_sync_at", last_sync_at)];
        let known: Vec<_> = moments.into_iter().filter_map(|(name, at)| Some((name, at?))).collect();
        let sets: Vec<String> = known.iter().map(|(name, _)| format!("#{name} = :{name}")).collect();
        let set = if sets.is_empty() { String::new() } else { format!(" SET {}", sets.join(", ")) };
        let mut change = Expression::update(format!("REMOVE #open_run{set}"))
            .and_only_if("#open_run = :run")
            .with("run", text(run));
        for (name, at) in &known {
            change = change.with(name, value(at)?);
        }
        Ok(self.table.update(&key(workspace), &change).await?.is_yes())
    }

    /// Notes whether Whop lets this connection in.
    pub(crate) async fn set_health(
        &self,
        workspace: WorkspaceId,
        connection: &ConnectionId,
        health: &Health,
    ) -> Result<bool> {
        let change = Expression::update("SET #health = :it").with("it", value(health)?);
        self.change_connection(workspace, connection, change).await
    }

    /// Notes how news reaches this connection.
    pub(crate) async fn set_live(
        &self,
        workspace: WorkspaceId,
        connection: &ConnectionId,
        live: &Live,
    ) -> Result<bool> {
        let change = Expression::update("SET #live = :it").with("it", value(live)?);
        self.change_connection(workspace, connection, change).await
    }

    /// Notes what this connection's credential may not read.
    pub(crate) async fn set_missing_permissions(
        &self,
        workspace: WorkspaceId,
        connection: &ConnectionId,
        missing: &[String],
    ) -> Result<bool> {
        let change = Expression::update("SET #missing_permissions = :it").with("it", value(&missing)?);
        self.change_connection(workspace, connection, change).await
    }

    async fn change_connection(
        &self,
        workspace: WorkspaceId,
        connection: &ConnectionId,
        change: Expression,
    ) -> Result<bool> {
        let change = change.and_only_if("#id = :id").with("id", text(connection));
        Ok(self.table.update(&key(workspace), &change).await?.is_yes())
    }

    /// Workspaces with a connection, `limit` at a time, and after which one to go on. The list may lag behind.
    pub(crate) async fn list_connected(
        &self,
        after: Option<WorkspaceId>,
        limit: usize,
    ) -> Result<(Vec<WorkspaceId>, Option<WorkspaceId>)> {
        let start = after.map(|workspace| {
            let mut start = key(workspace).attributes();
            start.extend(Due::Sweep.attributes(&workspace.to_string()));
            start
        });
        let (listed, last) = self.table.due(Due::Sweep, start, limit).await?;
        let workspace = |item: &Item| index::attribute(item, index::GS)?.parse().ok();
        Ok((listed.iter().filter_map(workspace).collect(), last.as_ref().and_then(workspace)))
    }
}
