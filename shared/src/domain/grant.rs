//! The permission to act at a partner, and its secrets. A secret is never shown and never stored unsealed.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::id::AccountId;
use super::time::Timestamp;

/// A secret in memory: wiped when dropped, hidden from every log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text in as a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A secret as it is stored: encrypted, and bound to where it belongs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(pub String);

/// Refresh this long before an access token expires (Whop, OAuth guide: five minutes).
pub const REFRESH_AHEAD: std::time::Duration = std::time::Duration::from_mins(5);

/// How we are let in at Whop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Grant {
    /// An account API key: acts as the account.
    AccountKey { key: Sealed },
    /// An app API key: acts as the app on accounts that installed it.
    AppKey { key: Sealed, app: String },
    /// A user's consent.
    OAuth {
        access: Sealed,
        refresh: Sealed,
        expires_at: Timestamp,
        /// The account the consent was bound to; must be repeated at every refresh.
        bound_to: Option<AccountId>,
    },
}

impl Grant {
    /// True if an access token must be replaced before it is used.
    pub fn is_due(&self, now: Timestamp) -> bool {
        matches!(self, Self::OAuth { expires_at, .. } if now + REFRESH_AHEAD >= *expires_at)
    }

    /// True if the credential may create webhooks; a user's consent may not (Whop API, webhooks).
    pub fn may_manage_webhooks(&self) -> bool {
        matches!(self, Self::AccountKey { .. } | Self::AppKey { .. })
    }
}

/// A grant as stored, with what keeps its refresh to one worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredGrant {
    pub grant: Grant,
    /// Counts every replacement of the tokens; who waited for a refresh waits for this to move.
    pub version: u64,
    /// The fencing number of the latest lease; a worker whose number is older must not store.
    pub fence: u64,
    /// Until when somebody refreshes.
    pub leased_until: Option<Timestamp>,
    /// Set when Whop said `invalid_grant`: nothing but a new consent helps.
    pub revoked_at: Option<Timestamp>,
}

/// The right to refresh, until a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub fence: u64,
    pub until: Timestamp,
}

/// A consent that was begun and has not come back yet. It can be taken up once, by the browser that began it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingConsent {
    /// Digest of the `state` that the partner sends back.
    pub state: String,
    /// Digest of what the browser's cookie holds.
    pub browser: String,
    /// The PKCE verifier.
    pub verifier: Sealed,
    /// What the identity token must repeat.
    pub nonce: String,
    /// The account the consent is asked for, when a connection is renewed.
    pub account: Option<AccountId>,
    #[serde(rename = "valid_until")]
    pub expires_at: Timestamp,
}
