//! The connection to Whop, and the workspace in Twenty it belongs to.

use async_graphql::{Enum, ID, SimpleObject};
use shared::domain::connection::{Connection, Health, Live, SchemaState, Workspace as Tenant};
use shared::domain::schema;

use super::run::Run;
use super::time::DateTime;

/// Whether Whop lets us in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum ConnectionHealth {
    /// No Whop account is connected.
    NotConnected,
    /// All is well.
    Connected,
    /// The consent was withdrawn or the key revoked. Connect again; nothing is lost.
    NeedsReconnect,
}

/// How news from Whop arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum LiveBy {
    /// Within seconds, by a webhook that we made.
    Webhook,
    /// Within seconds, by a webhook that you made by hand.
    WebhookByHand,
    /// Every 15 minutes. `liveAdvice` says what to add.
    Polling,
}

/// The connection to Whop, as it is now.
#[derive(SimpleObject)]
pub(crate) struct WhopConnectionStatus {
    /// True if a Whop account is connected and lets us in.
    is_connected: bool,
    /// The account's path on whop.com.
    handle: Option<String>,
    /// The account's name.
    title: Option<String>,
    /// The account's id at Whop, `biz_…`.
    account_id: Option<ID>,
    /// When it was connected.
    connected_at: Option<DateTime>,
    /// When the last sync finished.
    last_sync_at: Option<DateTime>,
    /// Whether Whop lets us in.
    health: ConnectionHealth,
    /// Why not, if it does not.
    health_reason: Option<String>,
    /// How news arrives; null while nothing is connected.
    live: Option<LiveBy>,
    /// What to add to get news within seconds, or what to tidy up at Whop; null if there is nothing to do.
    live_advice: Option<String>,
    /// The address Whop sends news to; null while polling.
    webhook_url: Option<String>,
    /// Permissions the key or consent lacks. Whop leaves out what it may not show, without saying so.
    missing_permissions: Vec<String>,
    /// What to do before the next sync.
    warnings: Vec<String>,
    /// The run that is open now.
    open_run: Option<Run>,
}

impl WhopConnectionStatus {
    /// The status with what does not stand in the connection itself.
    pub(crate) fn of(
        connection: Option<&Connection>,
        webhook_url: Option<String>,
        warnings: Vec<String>,
        open_run: Option<Run>,
    ) -> Self {
        let health = connection.map_or(ConnectionHealth::NotConnected, |it| health(&it.health));
        Self {
            is_connected: health == ConnectionHealth::Connected,
            handle: connection.and_then(|it| it.handle.clone()),
            title: connection.map(|it| it.title.clone()),
            account_id: connection.map(|it| it.account.as_str().into()),
            connected_at: connection.map(|it| it.connected_at.into()),
            last_sync_at: connection.and_then(|it| it.last_sync_at).map(DateTime),
            health,
            health_reason: connection.and_then(|it| health_reason(&it.health)),
            live: connection.map(|it| live(&it.live)),
            live_advice: connection.and_then(|it| live_advice(&it.live)),
            webhook_url,
            missing_permissions: connection.map(|it| it.missing_permissions.clone()).unwrap_or_default(),
            warnings,
            open_run,
        }
    }
}

fn health(health: &Health) -> ConnectionHealth {
    match health {
        Health::Connected => ConnectionHealth::Connected,
        Health::NeedsReconnect { .. } => ConnectionHealth::NeedsReconnect,
    }
}

fn health_reason(health: &Health) -> Option<String> {
    match health {
        Health::Connected => None,
        Health::NeedsReconnect { reason, .. } => Some(reason.clone()),
    }
}

fn live(live: &Live) -> LiveBy {
    match live {
        Live::Polling { .. } => LiveBy::Polling,
        Live::Webhook { .. } => LiveBy::Webhook,
        Live::ByHand { .. } => LiveBy::WebhookByHand,
    }
}

fn live_advice(live: &Live) -> Option<String> {
    match live {
        Live::Polling { missing } => Some(missing.clone()),
        Live::ByHand { left: Some(webhook), .. } => Some(format!(
            "Whop still has the webhook {webhook}, which we made before and may not remove. Delete it in Whop's \
             developer settings."
        )),
        Live::Webhook { .. } | Live::ByHand { left: None, .. } => None,
    }
}

/// The workspace in Twenty.
#[derive(SimpleObject)]
pub(crate) struct Workspace {
    /// Its name.
    name: String,
    /// The server it is on, without a trailing slash.
    server: String,
    /// When its API key stops working; null if it does not say.
    key_expires_at: Option<DateTime>,
    /// True if Twenty refuses the API key. Connect with a new one.
    key_refused: bool,
    /// True if every field we write exists there.
    schema_ready: bool,
    /// What a person must mend in Twenty.
    problems: Vec<String>,
}

impl From<Tenant> for Workspace {
    fn from(tenant: Tenant) -> Self {
        Self {
            schema_ready: is_ready(&tenant.schema),
            name: tenant.name,
            server: tenant.server,
            key_expires_at: tenant.key_expires_at.map(DateTime),
            key_refused: tenant.refused_at.is_some(),
            problems: tenant.schema.all_problems(),
        }
    }
}

fn is_ready(state: &SchemaState) -> bool {
    state.version >= schema::VERSION && state.problems.is_empty()
}
