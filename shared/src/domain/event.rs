//! What a delivery says, in our words. An event is a hint: the records it names are read again.

use super::id::AccountId;
use super::source::RecordRef;

/// An event of Whop's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The name as Whop writes it, `membership.activated`.
    pub name: String,
    /// The account it happened in; old endpoints may not say.
    pub account: Option<AccountId>,
    pub subject: Subject,
}

/// Which records an event concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// These, to be read again, parents first.
    Records(Vec<RecordRef>),
    /// A kind we know and do not mirror.
    NotMirrored,
    /// A kind this version does not know.
    Unknown,
}
