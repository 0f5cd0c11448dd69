//! Finding the bad record in a batch that was refused as a whole: halve until it stands alone.
//!
//! One bad record in a batch of n costs at most 2·⌈log₂ n⌉ further calls, and the others land.

use std::ops::Range;

/// What is still to be sent of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halving(Vec<Range<usize>>);

/// What a refusal led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The part was halved; both halves are still to be sent.
    Halved,
    /// It was a single record: this one is bad.
    Alone(usize),
}

impl Halving {
    /// A batch of `count` records, to be sent in parts of at most `largest`.
    pub fn new(count: usize, largest: usize) -> Self {
        let parts = (0..count).step_by(largest.max(1)).map(|from| from..(from + largest).min(count));
        Self(parts.rev().collect())
    }

    /// The next part to send.
    pub fn next_part(&mut self) -> Option<Range<usize>> {
        self.0.pop()
    }

    /// Gives a part back that was not answered.
    pub fn put_back(&mut self, part: Range<usize>) {
        self.0.push(part);
    }

    /// What is still to be sent.
    pub fn rest(&self) -> impl Iterator<Item = usize> {
        self.0.iter().rev().flat_map(Clone::clone)
    }

    /// A part was refused.
    pub fn refused(&mut self, part: Range<usize>) -> Refusal {
        if part.len() <= 1 {
            return Refusal::Alone(part.start);
        }
        let middle = part.start + part.len() / 2;
        self.0.push(middle..part.end);
        self.0.push(part.start..middle);
        Refusal::Halved
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn send(count: usize, is_bad: impl Fn(usize) -> bool) -> (Vec<usize>, Vec<usize>, usize) {
        let (mut landed, mut bad, mut calls) = (Vec::new(), Vec::new(), 0);
        let mut halving = Halving::new(count, 60);
        while let Some(part) = halving.next_part() {
            calls += 1;
            if !part.clone().any(&is_bad) {
                landed.extend(part);
            } else if let Refusal::Alone(index) = halving.refused(part) {
                bad.push(index);
            }
        }
        (landed, bad, calls)
    }

    #[test]
    fn one_bad_record_of_sixty_costs_at_most_twelve_further_calls() {
        for bad in 0..60 {
            let (landed, found, calls) = send(60, |index| index == bad);

            assert_eq!(found, [bad]);
            assert_eq!(landed.len(), 59);
            assert!(calls - 1 <= 12, "{calls} calls");
        }
    }

    proptest! {
        #[test]
        fn every_good_record_lands_once_and_every_bad_one_is_found(bad in proptest::collection::vec(any::<bool>(), 0..200)) {
            let (mut landed, mut found, _) = send(bad.len(), |index| bad[index]);
            landed.sort_unstable();
            found.sort_unstable();
            let expected = |wanted| (0..bad.len()).filter(|index| bad[*index] == wanted).collect::<Vec<_>>();
            prop_assert_eq!(landed, expected(false));
            prop_assert_eq!(found, expected(true));
        }
    }
}
