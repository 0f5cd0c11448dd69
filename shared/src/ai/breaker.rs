//! Who is not asked for a while. In the memory of one process; it never makes a call itself.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::error::Trouble;
use crate::domain::insight::request::ProviderName;
use crate::domain::time::Timestamp;

/// So many failures within [`WITHIN`] open the circuit.
const FAILURES: usize = 5;
const WITHIN: Duration = Duration::from_mins(1);
/// How long it stays open after failures.
const SHORT: Duration = Duration::from_mins(1);
/// How long it stays open when a person must mend something: no money, a bad key.
pub(crate) const LONG: Duration = Duration::from_mins(15);

#[derive(Debug, Default)]
struct Circuit {
    failures: Vec<Timestamp>,
    open_until: Option<Timestamp>,
}

/// One circuit per provider.
#[derive(Debug, Default)]
pub(crate) struct Breakers(Mutex<HashMap<ProviderName, Circuit>>);

impl Breakers {
    /// True while a provider is not to be asked.
    pub(crate) fn is_open(&self, provider: ProviderName, now: Timestamp) -> bool {
        let circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        circuits.get(&provider).and_then(|it| it.open_until).is_some_and(|until| now < until)
    }

    /// An answer came.
    pub(crate) fn succeeded(&self, provider: ProviderName) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&provider);
    }

    /// No answer came.
    pub(crate) fn failed(&self, provider: ProviderName, trouble: Trouble, now: Timestamp) {
        let mut circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let circuit = circuits.entry(provider).or_default();
        match trouble {
            // Nothing is wrong with the provider.
            Trouble::Rejected | Trouble::TooLarge => {}
            Trouble::Misconfigured | Trouble::OutOfMoney => circuit.open_until = Some(now + LONG),
            Trouble::Busy { .. } | Trouble::Unavailable | Trouble::Lost => {
                circuit.failures.retain(|at| now.since(*at) <= WITHIN);
                circuit.failures.push(now);
                if circuit.failures.len() >= FAILURES {
                    circuit.open_until = Some(now + SHORT);
                    circuit.failures.clear();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_420_800_000);
    const BUSY: Trouble = Trouble::Busy { after: None };

    fn at(seconds: u64) -> Timestamp {
        NOW + Duration::from_secs(seconds)
    }

    #[test]
    fn five_failures_within_a_minute_open_the_circuit_for_a_minute() {
        let breakers = Breakers::default();
        for second in [0, 30, 40, 50, 61] {
            breakers.failed(ProviderName::OpenAi, BUSY, at(second));
        }
        assert!(!breakers.is_open(ProviderName::OpenAi, at(61)));

        breakers.failed(ProviderName::OpenAi, BUSY, at(62));

        assert!(breakers.is_open(ProviderName::OpenAi, at(121)));
        assert!(!breakers.is_open(ProviderName::OpenAi, at(122)));
        assert!(!breakers.is_open(ProviderName::Anthropic, at(62)));
    }

    #[test]
    fn no_money_opens_it_long_and_an_answer_closes_it() {
        let breakers = Breakers::default();
        breakers.failed(ProviderName::Anthropic, Trouble::OutOfMoney, NOW);
        assert!(breakers.is_open(ProviderName::Anthropic, at(899)));

        breakers.succeeded(ProviderName::Anthropic);

        assert!(!breakers.is_open(ProviderName::Anthropic, NOW));
    }

    #[test]
    fn our_own_mistakes_open_nothing() {
        let breakers = Breakers::default();
        for _ in 0..9 {
            breakers.failed(ProviderName::OpenAi, Trouble::Rejected, NOW);
        }

        assert!(!breakers.is_open(ProviderName::OpenAi, NOW));
    }
}
