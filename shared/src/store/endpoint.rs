//! Endpoints: what a URL of ours accepts. Found by their name alone, which carries the workspace.

use super::expression::{Expression, value};
use super::table::Key;
use super::{Result, Store};
use crate::domain::connection::{Endpoint, LiveSecret};
use crate::domain::id::EndpointId;

pub(super) fn key(id: &EndpointId) -> Key {
    Key::new(id.workspace(), "ENDPOINT", id)
}

impl Store {
    /// An endpoint, as it is at this moment.
    pub(crate) async fn find_endpoint(&self, id: &EndpointId) -> Result<Option<Endpoint>> {
        self.table.find(&key(id)).await
    }

    /// Keeps a new endpoint. False if one of its name is there.
    pub(crate) async fn put_endpoint(&self, endpoint: &Endpoint) -> Result<bool> {
        self.table.insert(key(&endpoint.id).item(endpoint)?).await
    }

    /// Puts other secrets in place of just these.
    pub(crate) async fn replace_secrets(
        &self,
        id: &EndpointId,
        from: &[LiveSecret],
        to: &[LiveSecret],
    ) -> Result<bool> {
        let change = Expression::update("SET #secrets = :to")
            .and_only_if("#secrets = :from OR #secrets = :to")
            .with("from", value(&from)?)
            .with("to", value(&to)?);
        Ok(self.table.update(&key(id), &change).await?.is_yes())
    }
}
