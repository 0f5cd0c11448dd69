//! A workspace and its connection to Whop.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::contract::rule::Awaited;
use super::grant::Sealed;
use super::id::{AccountId, ConnectionId, EndpointId, RunId, WebhookId, WorkspaceId};
use super::insight::automation::Switches;
use super::settings::Settings;
use super::time::Timestamp;

/// The tenant: one Twenty workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    pub id: WorkspaceId,
    /// The server, `https://crm.example.com`, without a trailing slash.
    pub server: String,
    /// Twenty's own id of the workspace.
    pub twenty_id: Uuid,
    pub name: String,
    /// The API key.
    pub key: Sealed,
    /// When the key stops working, by its own claims.
    pub key_expires_at: Option<Timestamp>,
    #[serde(default)]
    pub settings: Settings,
    #[serde(default)]
    pub schema: SchemaState,
    /// What happens by itself; a copy, see [`Switches`].
    #[serde(default)]
    pub automations: Switches,
    /// What rules about contracts wait for; a copy, see [`Awaited`].
    #[serde(default)]
    pub contract_rules: Awaited,
    /// Set when Twenty refused the key for good.
    pub refused_at: Option<Timestamp>,
    /// Counts every replacement; a write that read an older one does not land.
    pub version: u64,
    pub connected_at: Timestamp,
}

/// How far our fields exist in a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaState {
    /// The version of [`super::schema::FIELDS`] that is complete there; 0 for none.
    #[serde(default)]
    pub version: u32,
    /// `person.whopStatus` → the options that exist.
    #[serde(default)]
    pub options: BTreeMap<String, Vec<String>>,
    /// What a person must mend, in words.
    #[serde(default)]
    pub problems: Vec<String>,
    /// True while the default workflow "Create company when adding a new person" is active there.
    #[serde(default)]
    pub creates_companies: bool,
    /// The version of [`super::contract::record::FIELDS`] that is complete there; 0 where no contract was told yet.
    /// Left out while it is 0, so that what was stored before still compares equal.
    #[serde(default, skip_serializing_if = "is_none_yet")]
    pub contracts: u32,
    /// What a person must mend before contracts have records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contract_problems: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_none_yet(version: &u32) -> bool {
    *version == 0
}

impl SchemaState {
    /// Everything a person must mend.
    pub fn all_problems(&self) -> Vec<String> {
        self.problems.iter().chain(&self.contract_problems).cloned().collect()
    }
}

/// How news from Whop reaches us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "live", rename_all = "snake_case")]
pub enum Live {
    /// Only by sweeps; `missing` says what to add to become live.
    Polling { missing: String },
    /// By a webhook that we made, pinned to our API version.
    Webhook { endpoint: EndpointId, webhook: WebhookId },
    /// By a webhook that the seller made by hand and whose secret they gave us.
    ByHand {
        endpoint: EndpointId,
        /// One that we made before and could not remove at Whop; it sends the same news a second time.
        #[serde(default)]
        left: Option<WebhookId>,
    },
}

impl Live {
    /// The URL's last part, where one exists.
    pub fn endpoint(&self) -> Option<&EndpointId> {
        match self {
            Self::Polling { .. } => None,
            Self::Webhook { endpoint, .. } | Self::ByHand { endpoint, .. } => Some(endpoint),
        }
    }
}

/// Whether Whop lets us in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "health", rename_all = "snake_case")]
pub enum Health {
    Connected,
    /// The consent was withdrawn or the key revoked; only the seller can mend it.
    NeedsReconnect {
        since: Timestamp,
        reason: String,
    },
}

/// One Whop account joined to a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    pub id: ConnectionId,
    pub workspace: WorkspaceId,
    pub account: AccountId,
    /// The account's name.
    pub title: String,
    /// The account's path on whop.com.
    pub handle: Option<String>,
    pub live: Live,
    pub health: Health,
    /// Permissions our credential lacks; Whop answers with fewer rows instead of an error.
    #[serde(default)]
    pub missing_permissions: Vec<String>,
    pub connected_at: Timestamp,
    /// The run that is open now.
    #[serde(default)]
    pub open_run: Option<RunId>,
    /// When the last run that finished had begun: everything older has been seen.
    #[serde(default)]
    pub watermark: Option<Timestamp>,
    #[serde(default)]
    pub last_sync_at: Option<Timestamp>,
}

/// A URL of ours and what it accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    pub id: EndpointId,
    pub connection: ConnectionId,
    pub account: AccountId,
    /// The secrets of every webhook that may still sign, newest first.
    pub secrets: Vec<LiveSecret>,
    pub created_at: Timestamp,
}

/// The secret of one webhook that sends to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveSecret {
    /// The webhook, if we made it; one that was made by hand does not tell us its name.
    pub webhook: Option<WebhookId>,
    pub sealed: Sealed,
    /// When another webhook took its place. What it sent before may arrive for a while.
    pub superseded_at: Option<Timestamp>,
}
