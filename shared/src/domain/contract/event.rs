//! What happened to a contract, in the words that notes and logs use.

use super::state::State;
use super::{Change, Contract, SignerState};
use crate::domain::time::Timestamp;

/// Something people want to read about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContractEvent {
    /// The whole moved.
    StateChanged { from: State, to: State, at: Option<Timestamp> },
    /// A signer moved; by their place among the signers.
    SignerMoved { signer: usize, to: SignerState, at: Option<Timestamp> },
}

/// What a change means, the signers first.
pub fn events(before: &Contract, change: &Change) -> Vec<ContractEvent> {
    let Change::Move { next, from, to } = change else { return Vec::new() };
    let pairs = before.signers.iter().zip(&next.signers).enumerate();
    let mut events: Vec<ContractEvent> = pairs
        .filter(|(_, (old, new))| old.state() != new.state())
        .map(|(signer, (_, new))| {
            let progress = &new.progress;
            let at = match new.state() {
                SignerState::Sent => progress.sent_at,
                SignerState::Viewed => progress.viewed_at,
                SignerState::Signed => progress.signed_at,
                SignerState::Declined => progress.declined_at,
                SignerState::Waiting | SignerState::Error | SignerState::Expired => None,
            };
            ContractEvent::SignerMoved { signer, to: new.state(), at }
        })
        .collect();
    if from != to {
        let at = next.life.end.as_ref().map(super::End::at);
        events.push(ContractEvent::StateChanged { from: *from, to: *to, at });
    }
    events
}
