//! The order of facts about one record. Facts arrive late, twice and out of order; the newest one stays.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::link::Link;
use super::time::Timestamp;

/// A digest of what a record would say in Twenty. Equal digests: nothing to say.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub String);

/// A place in the order of facts about one record. The order is total, so that ties fall the same way
/// everywhere: by when Whop says it changed, then by when we read it, then by what it says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Revision {
    /// Whop's own time of change; the epoch for records that do not carry one.
    pub changed_at: Timestamp,
    /// When we read it.
    pub read_at: Timestamp,
    pub fingerprint: Fingerprint,
}

impl fmt::Display for Revision {
    /// A text that sorts as the revision does, for conditional writes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (changed, read) = (self.changed_at.millis().max(0), self.read_at.millis().max(0));
        write!(f, "{changed:015}.{read:015}.{}", self.fingerprint.0)
    }
}

/// What a fact is to the record it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// The first we hear of it.
    First,
    /// It says something else, and is newer.
    Changed,
    /// It says the same, but is newer: only the place in the order moves.
    Later,
    /// It says what we know.
    Same,
    /// It is older than what we know.
    Stale,
}

/// Places a fact.
pub fn place(known: Option<&Link>, fact: &Revision) -> News {
    let Some(known) = known.map(|link| &link.revision) else {
        return News::First;
    };
    if known.fingerprint == fact.fingerprint {
        return if fact.changed_at > known.changed_at { News::Later } else { News::Same };
    }
    if fact > known { News::Changed } else { News::Stale }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::CrmId;
    use crate::domain::source::RecordRef;

    /// The life of a membership, as seven events tell it. Two of them say the same, and one says again what
    /// was true before.
    const LIFE: [(i64, &str); 7] = [
        (10, "trialing"),
        (20, "active"),
        (30, "past_due"),
        (40, "active"),
        (50, "active, cancels"),
        (50, "active, cancels, with a reason"),
        (60, "canceled"),
    ];

    fn fact(event: usize) -> Revision {
        let (changed, says) = LIFE[event];
        Revision {
            changed_at: Timestamp::from_millis(changed),
            read_at: Timestamp::from_millis(1_000 + i64::try_from(event).unwrap()),
            fingerprint: Fingerprint(says.to_owned()),
        }
    }

    fn apply(link: &mut Option<Link>, crm: &mut String, fact: &Revision) {
        let news = place(link.as_ref(), fact);
        match news {
            News::Same | News::Stale => return,
            News::Later => {}
            News::First | News::Changed => crm.clone_from(&fact.fingerprint.0),
        }
        *link = Some(Link {
            name: RecordRef::Memberships("mem_1".parse().unwrap()),
            crm: CrmId(uuid::Uuid::nil()),
            revision: fact.clone(),
            written: std::collections::BTreeMap::default(),
            by: None,
        });
    }

    /// Tells the life in `order`; the events in `repeats` come a second time, the last one first.
    fn live(facts: &[Revision], order: &[usize], repeats: u32) -> (Link, String) {
        let (mut link, mut crm) = (None, String::new());
        let again = order.iter().rev().filter(|event| repeats & (1 << **event) != 0);
        for event in order.iter().chain(again) {
            apply(&mut link, &mut crm, &facts[*event]);
        }
        (link.unwrap(), crm)
    }

    fn permute(rest: &mut Vec<usize>, order: &mut Vec<usize>, visit: &mut impl FnMut(&[usize])) {
        if rest.is_empty() {
            return visit(order);
        }
        for index in 0..rest.len() {
            let event = rest.remove(index);
            order.push(event);
            permute(rest, order, visit);
            order.pop();
            rest.insert(index, event);
        }
    }

    #[test]
    fn every_order_and_every_repeat_of_a_memberships_life_ends_the_same() {
        let facts: Vec<Revision> = (0..LIFE.len()).map(fact).collect();
        let mut orders = 0;
        permute(&mut (0..LIFE.len()).collect(), &mut Vec::new(), &mut |order| {
            for repeats in 0..128_u32 {
                let (link, crm) = live(&facts, order, repeats);
                assert_eq!(crm, "canceled", "{order:?} with repeats {repeats:b}");
                assert_eq!(link.revision, facts[6]);
                orders += 1;
            }
        });
        assert_eq!(orders, 5_040 * 128);
    }

    #[test]
    fn revisions_sort_as_text_as_they_do_as_values() {
        let mut facts: Vec<Revision> = (0..LIFE.len()).map(fact).collect();
        facts.sort();
        let texts: Vec<String> = facts.iter().map(ToString::to_string).collect();
        assert!(texts.is_sorted());
    }
}
