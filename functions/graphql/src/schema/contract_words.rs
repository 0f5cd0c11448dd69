//! The words that contracts are told in: who sends them, how far they are, why they stay where they are.

use async_graphql::Enum;
use shared::domain::contract::account::Environment;
use shared::domain::contract::{self, ProviderName, SignerState as SignerReached, State};

/// Who sends contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "ProviderName")]
pub(crate) enum EsignProvider {
    /// The company of that name.
    #[graphql(name = "DOCUSIGN")]
    DocuSign,
    /// Once called HelloSign.
    DropboxSign,
    /// The company of that name.
    #[graphql(name = "PANDADOC")]
    PandaDoc,
}

/// Which of a provider's worlds an account is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Environment")]
pub(crate) enum EsignEnvironment {
    /// The provider's playground: nothing binds.
    Sandbox,
    /// The real thing.
    Production,
}

/// How far a contract is. The same words for every provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "State")]
pub(crate) enum ContractState {
    /// Requested, or prepared at the provider; nobody was asked to sign yet.
    Draft,
    /// Signers were asked.
    Sent,
    /// Somebody looked at it.
    Viewed,
    /// Somebody signed, not everybody.
    PartiallySigned,
    /// Everybody signed. Final.
    Completed,
    /// Somebody said no. Final.
    Declined,
    /// The sender's side ended it. Final.
    Voided,
    /// Its time was over. Final.
    Expired,
    /// It is stuck, or could never be sent; `isOver` tells which.
    Error,
}

/// How far a signer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "SignerReached")]
pub(crate) enum SignerState {
    /// Not their turn.
    Waiting,
    /// Asked.
    Sent,
    /// The request did not reach them, or they could not prove who they are; they may still sign.
    Error,
    /// Looked at it.
    Viewed,
    /// The contract's time was over before they signed.
    Expired,
    /// Said no.
    Declined,
    /// Signed.
    Signed,
}

/// What keeps a contract where it is, in a word.
pub(crate) fn detail(detail: &contract::Detail) -> String {
    use contract::Detail as D;
    let word = match detail {
        D::Processing => "processing",
        D::WaitingApproval => "waiting_approval",
        D::Approved => "approved",
        D::Rejected => "rejected",
        D::PaymentPending => "payment_pending",
        D::BackToDraft => "back_to_draft",
        D::Other(word) => word,
    };
    word.to_owned()
}
