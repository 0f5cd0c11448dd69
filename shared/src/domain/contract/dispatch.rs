//! How far sending came, and what it must do next.

use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;

/// How far sending came. Creating is idempotent nowhere; see [`super::Contract::next_call`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "dispatch", rename_all = "snake_case")]
pub enum Dispatch {
    /// Nothing was said to the provider yet.
    Requested,
    /// A call that creates was begun. Whether it arrived is known by looking it up.
    Creating { since: Timestamp },
    /// It exists at the provider, and this is to be done next.
    Created { next: SendStep, since: Timestamp },
    /// Signers were asked.
    Sent { at: Timestamp },
}

/// The steps from a wish to a request that signers have. Only `PandaDoc` has all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SendStep {
    Create,
    /// The provider prepares the document.
    AwaitDraft,
    /// Expiry.
    Configure,
    Remind,
    Send,
}

/// What sending must do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextCall {
    /// An earlier attempt may have created it: find it by our own id, or create it if it is not there.
    LookUp,
    /// This step.
    Step(SendStep),
    /// Nothing.
    Nothing,
}
