//! The grant of a workspace's connection, and the lease that keeps its refresh to one worker.

use super::expression::{Expression, number, text, value};
use super::table::{Held, Item, Key, read};
use super::{Result, Store};
use crate::domain::grant::{Grant, Lease, StoredGrant};
use crate::domain::id::WorkspaceId;
use crate::domain::time::Timestamp;
use crate::ids;

pub(super) fn key(workspace: WorkspaceId) -> Key {
    Key::new(workspace, "GRANT", "whop")
}

/// Who holds a lease; tells his own write, whose answer was lost, from another's.
pub(super) const TAKER: &str = "taker";

/// A mark that nobody else has.
pub(super) fn taker() -> Result<String> {
    Ok(hex::encode(ids::random::<8>()?))
}

/// True if an item bears this mark.
pub(super) fn is_taken_by(item: &Item, taker: &str) -> bool {
    item.get(TAKER).and_then(|mark| mark.as_s().ok()).is_some_and(|mark| mark == taker)
}

impl Store {
    /// A workspace's grant.
    pub(crate) async fn find_grant(&self, workspace: WorkspaceId) -> Result<Option<StoredGrant>> {
        self.table.find(&key(workspace)).await
    }

    /// Keeps a grant that was given anew, in place of any other. Leases on the old one are void.
    ///
    /// Versions and fences begin at the clock, so that none comes again after a grant was taken away.
    pub(crate) async fn put_grant(
        &self,
        workspace: WorkspaceId,
        grant: &Grant,
        now: Timestamp,
    ) -> Result<()> {
        let change = Expression::update(
            "SET #grant = :grant, #version = if_not_exists(#version, :now) + :one, \
             #fence = if_not_exists(#fence, :now) + :one REMOVE #leased_until, #revoked_at, #taker",
        )
        .with("grant", value(grant)?)
        .with("now", number(now.millis()))
        .with("one", number(1));
        self.table.update(&key(workspace), &change).await?;
        Ok(())
    }

    /// The right to refresh the grant that was read at `seen_version`, until `until`. Nothing if somebody else
    /// has it, if it was refreshed since, or if it was revoked.
    pub(crate) async fn lease(
        &self,
        workspace: WorkspaceId,
        seen_version: u64,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Lease>> {
        let taker = taker()?;
        let change =
            Expression::update("SET #leased_until = :until, #fence = #fence + :one, #taker = :taker")
                .and_only_if(
                    "#version = :seen AND attribute_not_exists(#revoked_at) \
                     AND (attribute_not_exists(#leased_until) OR #leased_until <= :now)",
                )
                .with("until", number(until.millis()))
                .with("one", number(1))
                .with("taker", text(&taker))
                .with("seen", number(seen_version))
                .with("now", number(now.millis()));
        let ours = match self.table.update(&key(workspace), &change).await? {
            Held::Yes(item) => item,
            Held::No(there) => there.filter(|item| is_taken_by(item, &taker)),
        };
        let stored: Option<StoredGrant> = ours.map(read).transpose()?;
        Ok(stored.map(|stored| Lease { fence: stored.fence, until }))
    }

    /// Keeps what a refresh brought and ends the lease. False if the lease was lost; then another's tokens are
    /// there, and these must not be used.
    pub(crate) async fn store_refreshed(
        &self,
        workspace: WorkspaceId,
        lease: &Lease,
        grant: &Grant,
    ) -> Result<bool> {
        let change = "SET #grant = :grant, #version = #version + :one REMOVE #leased_until, #taker";
        let change = Expression::update(change).with("grant", value(grant)?).with("one", number(1));
        self.with_lease(workspace, lease, change).await
    }

    /// Ends a lease whose refresh came to nothing.
    pub(crate) async fn release_lease(&self, workspace: WorkspaceId, lease: &Lease) -> Result<bool> {
        let change = Expression::update("REMOVE #leased_until, #taker");
        self.with_lease(workspace, lease, change).await
    }

    /// Notes that the access token of the grant that was read at `seen_version` no longer works, so that the
    /// next worker refreshes it. A grant that was refreshed since is left alone.
    pub(crate) async fn expire_grant(&self, workspace: WorkspaceId, seen_version: u64) -> Result<bool> {
        let change = Expression::update("SET #grant.#expires_at = :epoch")
            .and_only_if("#version = :seen AND attribute_exists(#grant.#expires_at)")
            .with("epoch", number(0))
            .with("seen", number(seen_version));
        Ok(self.table.update(&key(workspace), &change).await?.is_yes())
    }

    /// Notes that Whop revoked the grant, and ends the lease.
    pub(crate) async fn mark_revoked(
        &self,
        workspace: WorkspaceId,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<bool> {
        let change = "SET #revoked_at = :now REMOVE #leased_until, #taker";
        let change = Expression::update(change).with("now", number(now.millis()));
        self.with_lease(workspace, lease, change).await
    }

    async fn with_lease(&self, workspace: WorkspaceId, lease: &Lease, change: Expression) -> Result<bool> {
        let change = change.and_only_if("#fence = :fence").with("fence", number(lease.fence));
        Ok(self.table.update(&key(workspace), &change).await?.is_yes())
    }
}
