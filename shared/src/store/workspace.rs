//! Workspaces: one item each. Replaced as a whole, by its version; small changes move the version too.

use aws_sdk_dynamodb::types::AttributeValue;

use super::expression::{ABSENT, Expression, PRESENT, number, value};
use super::table::Key;
use super::{Result, Store};
use crate::domain::connection::{SchemaState, Workspace};
use crate::domain::contract::rule::Awaited;
use crate::domain::grant::Sealed;
use crate::domain::id::WorkspaceId;
use crate::domain::insight::automation::Switches;
use crate::domain::settings::Settings;
use crate::domain::time::Timestamp;

fn key_of(workspace: WorkspaceId) -> Key {
    Key::new(workspace, "WORKSPACE", "twenty")
}

impl Store {
    /// A workspace that was connected.
    pub(crate) async fn find_workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>> {
        self.table.find(&key_of(id)).await
    }

    /// Keeps a workspace: a new one where `expected_version` is absent, else in place of just that version.
    /// The workspace carries its new version. False if somebody else was faster.
    pub(crate) async fn put_workspace(
        &self,
        workspace: &Workspace,
        expected_version: Option<u64>,
    ) -> Result<bool> {
        let only = match expected_version {
            None => Expression::only_if(ABSENT),
            Some(version) => Expression::only_if("#version = :version").with("version", number(version)),
        };
        self.table.put_once(key_of(workspace.id).item(workspace)?, &only).await
    }

    /// Keeps what is known of our fields there, in place of just what was known `before`. False if somebody else
    /// was faster, or there is no such workspace.
    pub(crate) async fn set_schema(
        &self,
        id: WorkspaceId,
        before: &SchemaState,
        schema: &SchemaState,
    ) -> Result<bool> {
        self.replace(id, "schema", (value(before)?, value(schema)?)).await
    }

    /// Keeps a copy of the switches in place of an older one. False if there is one as new, or no such workspace.
    pub(crate) async fn copy_automations(&self, id: WorkspaceId, copy: &Switches) -> Result<bool> {
        let older = "attribute_not_exists(#automations) OR #automations.#of < :of";
        let change = Expression::update("SET #automations = :copy, #version = #version + :one")
            .and_only_if(format!("{PRESENT} AND ({older})"))
            .with("copy", value(copy)?)
            .with("of", number(copy.of))
            .with("one", number(1));
        Ok(self.table.update(&key_of(id), &change).await?.is_yes())
    }

    /// Keeps a copy of what contract rules wait for in place of an older one. False if there is one as new, or no such
    /// workspace.
    pub(crate) async fn copy_contract_rules(&self, id: WorkspaceId, copy: &Awaited) -> Result<bool> {
        let older = "attribute_not_exists(#contract_rules) OR #contract_rules.#of < :of";
        let change = Expression::update("SET #contract_rules = :copy, #version = #version + :one")
            .and_only_if(format!("{PRESENT} AND ({older})"))
            .with("copy", value(copy)?)
            .with("of", number(copy.of))
            .with("one", number(1));
        Ok(self.table.update(&key_of(id), &change).await?.is_yes())
    }

    /// Keeps a workspace's choices, in place of just those `before`. False if somebody else was faster, or there is
    /// no such workspace.
    pub(crate) async fn set_settings(
        &self,
        id: WorkspaceId,
        before: &Settings,
        settings: &Settings,
    ) -> Result<bool> {
        self.replace(id, "settings", (value(before)?, value(settings)?)).await
    }

    /// Notes that Twenty refused the key that was read at `version`; a key given since is not touched.
    pub(crate) async fn mark_refused(&self, id: WorkspaceId, key: &Sealed, now: Timestamp) -> Result<bool> {
        let change = Expression::update("SET #refused_at = :now, #version = #version + :one")
            .and_only_if("#key = :key")
            .with("key", value(key)?)
            .with("now", number(now.millis()))
            .with("one", number(1));
        Ok(self.table.update(&key_of(id), &change).await?.is_yes())
    }

    /// Puts a part in place of just that one; by an attempt whose answer was lost, too.
    async fn replace(
        &self,
        id: WorkspaceId,
        part: &str,
        (from, to): (AttributeValue, AttributeValue),
    ) -> Result<bool> {
        let change = Expression::update(format!("SET #{part} = :to, #version = #version + :one"))
            .and_only_if(format!("#{part} = :from OR #{part} = :to"))
            .with("from", from)
            .with("to", to)
            .with("one", number(1));
        Ok(self.table.update(&key_of(id), &change).await?.is_yes())
    }
}
