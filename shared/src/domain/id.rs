//! A type for every identifier, so that two of them cannot be swapped.
//!
//! Identifiers minted by others are opaque: we compare and echo them, and read nothing into them.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An identifier that cannot be one: empty, too long, or with characters no provider uses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}")]
pub struct BadId {
    kind: &'static str,
}

/// Longest identifier we accept from anyone.
const LONGEST: usize = 128;

fn check(kind: &'static str, text: String) -> Result<String, BadId> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if text.is_empty() || text.len() > LONGEST || !text.bytes().all(plain) {
        return Err(BadId { kind });
    }
    Ok(text)
}

macro_rules! opaque {
    ($($(#[$doc:meta])* $name:ident: $kind:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The identifier as its issuer wrote it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                check($kind, text).map(Self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                check($kind, text.to_owned()).map(Self)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

opaque! {
    /// A seller's account at Whop, `biz_…`.
    AccountId: "Whop account id";
    /// A product at Whop, `prod_…`.
    ProductId: "Whop product id";
    /// A variant of a product (once called plan) at Whop, `plan_…`.
    VariantId: "Whop variant id";
    /// A customer of one account at Whop, `mber_…`.
    MemberId: "Whop member id";
    /// A Whop user, `user_…`; the same person across accounts.
    UserId: "Whop user id";
    /// A membership at Whop, `mem_…`.
    MembershipId: "Whop membership id";
    /// A payment at Whop, `pay_…`.
    PaymentId: "Whop payment id";
    /// A refund at Whop, `rf_…`.
    RefundId: "Whop refund id";
    /// A dispute at Whop, `dspt_…`.
    DisputeId: "Whop dispute id";
    /// A webhook registered at Whop, `hook_…`.
    WebhookId: "Whop webhook id";
    /// One arrival of an event, named by its `webhook-id` header; repeats carry the same one.
    DeliveryId: "delivery id";
    /// One run of a sync.
    RunId: "run id";
    /// The join of one Whop account and one workspace; a new account makes a new one.
    ConnectionId: "connection id";
    /// One entry of the audit log.
    AuditId: "audit id";
    /// An insight that is answered later than its caller waited.
    InsightJobId: "insight job id";
    /// A contract of ours, `ctr_…`. It travels to the provider, so that a lost answer can be looked up.
    ContractId: "contract id";
    /// What a contract is called at its provider: an envelope, a signature request or a document.
    SignatureRequestId: "signature request id";
    /// A prepared document at an e-signature provider.
    TemplateId: "template id";
}

macro_rules! by_uuid {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                Uuid::try_parse(text).map(Self).map_err(|_| BadId { kind: stringify!($name) })
            }
        }
    )+};
}

by_uuid! {
    /// The tenant: one Twenty workspace on one server. See [`WorkspaceId::of`].
    WorkspaceId;
    /// A record in Twenty, whatever its object.
    CrmId;
}

impl WorkspaceId {
    /// The tenant of a Twenty workspace.
    ///
    /// The server's origin is part of it: anybody can run a server that claims another's workspace id, and
    /// must not become that tenant by it.
    pub fn of(origin: &str, twenty_workspace: Uuid) -> Self {
        let server = Uuid::new_v5(&Uuid::NAMESPACE_URL, origin.as_bytes());
        Self(Uuid::new_v5(&server, twenty_workspace.as_bytes()))
    }
}

impl CrmId {
    /// The id a new record gets: the same Whop id always becomes the same Twenty id, so that a repeat after a
    /// crash meets its own record.
    pub fn derived(workspace: WorkspaceId, object: &str, whop_id: &str) -> Self {
        Self(Uuid::new_v5(&workspace.0, format!("{object}/{whop_id}").as_bytes()))
    }
}

/// A URL of ours that receives webhooks. It names its workspace, so that it can be looked up without an index.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EndpointId {
    workspace: WorkspaceId,
    random: String,
}

impl EndpointId {
    /// A new endpoint of `workspace`; `random` must be unguessable.
    pub fn new(workspace: WorkspaceId, random: &str) -> Result<Self, BadId> {
        check("endpoint id", random.to_owned()).map(|random| Self { workspace, random })
    }

    /// Whose endpoint it is.
    pub fn workspace(&self) -> WorkspaceId {
        self.workspace
    }
}

impl TryFrom<String> for EndpointId {
    type Error = BadId;
    fn try_from(text: String) -> Result<Self, BadId> {
        let bad = BadId { kind: "endpoint id" };
        let (workspace, random) = text.split_once('.').ok_or_else(|| bad.clone())?;
        Self::new(workspace.parse().map_err(|_| bad)?, random)
    }
}

impl std::str::FromStr for EndpointId {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        text.to_owned().try_into()
    }
}

impl From<EndpointId> for String {
    fn from(id: EndpointId) -> String {
        id.to_string()
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.workspace.0.simple(), self.random)
    }
}
