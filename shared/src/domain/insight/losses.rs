//! What a workspace's own last six months say about leaving, counted from its memberships as the CRM mirrors them.
//!
//! Six windows of thirty days: a membership is at risk in a window at whose beginning it ran, and left if it ended within.
//! So the counts are of the same thing as the hazard they correct, the loss within thirty days. The windows lie on a
//! fixed grid: what was counted changes when one of them is over, and not every night.

use serde::{Deserialize, Serialize};

use super::churn::{History, bucket};
use super::gathered::is_renewal;
use super::mirrored::{DealCard, Mirrored};
use super::score::days;
use crate::domain::fact::Fact;
use crate::domain::money::Money;
use crate::domain::time::Timestamp;
use crate::domain::words::MembershipStatus;

/// Windows that are counted, and the days of each.
const WINDOWS: u64 = 6;
const WINDOW_DAYS: u64 = 30;

/// The counts of one pass over everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Losses {
    /// When the pass began; a later one replaces an earlier one.
    pub night: Timestamp,
    pub history: History,
}

/// Adds the counts of others.
pub fn add(sum: &mut History, other: &History) {
    for (sum, other) in sum.iter_mut().zip(other) {
        sum.left = sum.left.saturating_add(other.left);
        sum.at_risk = sum.at_risk.saturating_add(other.at_risk);
    }
}

/// What one person's memberships count. `facts` are those of [`Mirrored::product`].
pub fn counted(person: &Mirrored, facts: &[Fact], now: Timestamp) -> History {
    let mut history = History::default();
    for deal in person.deals.iter().filter(|deal| deal.is_paid_again(facts)) {
        count_deal(person, deal, now, &mut history);
    }
    history
}

/// The end of the last window that is over.
fn last_end(now: Timestamp) -> Timestamp {
    let window = i64::try_from(days(WINDOW_DAYS).as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(now.millis() - now.millis().rem_euclid(window))
}

fn count_deal(person: &Mirrored, deal: &DealCard, now: Timestamp, history: &mut History) {
    let Some(started) = deal.started_at else { return };
    let ended = deal.ended_at();
    for window in 1..=WINDOWS {
        let begins = last_end(now) - days(window * WINDOW_DAYS);
        let ends = begins + days(WINDOW_DAYS);
        if started > begins || ended.is_some_and(|at| at <= begins) {
            continue;
        }
        let renewals = person
            .payments
            .iter()
            .filter(|it| is_renewal(it) && it.charged_at >= started && it.charged_at < begins);
        let renewals = u32::try_from(renewals.count()).unwrap_or(u32::MAX);
        if let Some(seen) = history.get_mut(bucket(renewals)) {
            seen.at_risk += 1;
            seen.left += u32::from(ended.is_some_and(|at| at <= ends));
        }
    }
}

impl DealCard {
    /// True for what is paid again and again, as far as it can be seen. Who left has no next payment any more.
    fn is_paid_again(&self, facts: &[Fact]) -> bool {
        let free = self.price.as_ref().is_some_and(Money::is_zero);
        let renews = self.renews || self.variant(facts).is_some_and(|variant| variant.renews);
        !free && renews
    }

    /// When access was lost; nothing while it runs.
    fn ended_at(&self) -> Option<Timestamp> {
        let over = matches!(self.status, MembershipStatus::Canceled | MembershipStatus::Expired);
        self.access_ends_at.or(self.canceled_at).filter(|_| over)
    }
}

#[cfg(test)]
mod tests {
    use super::super::churn::Observed;
    use super::super::gathered::{PaymentCard, PersonCard};
    use super::*;
    use crate::domain::id::CrmId;
    use crate::domain::money::Currency;
    use crate::domain::words::{BillingReason, PaymentStatus, PaymentSubstatus};

    /// A window ends just now.
    const NOW: Timestamp = Timestamp::from_millis(20_760 * 86_400_000);

    fn ago(day: u64) -> Timestamp {
        NOW - days(day)
    }

    fn deal(started: u64, ended: Option<u64>) -> DealCard {
        DealCard {
            status: if ended.is_some() { MembershipStatus::Canceled } else { MembershipStatus::Active },
            product: None,
            variant: None,
            price: Some(Money::from_minor(4_900, &Currency::new("usd"))),
            renews: true,
            renews_at: None,
            cancels_at_period_end: false,
            canceled_at: ended.map(ago),
            access_ends_at: None,
            started_at: Some(ago(started)),
        }
    }

    fn paid(day: u64) -> PaymentCard {
        PaymentCard {
            status: PaymentStatus::Paid,
            substatus: PaymentSubstatus::Succeeded,
            reason: Some(BillingReason::SubscriptionCycle),
            dispute: None,
            charged_at: ago(day),
            refunded_at: None,
        }
    }

    fn person(deals: Vec<DealCard>, payments: Vec<PaymentCard>) -> Mirrored {
        let card = PersonCard {
            id: CrmId(uuid::Uuid::nil()),
            name: String::new(),
            email: None,
            phone: None,
            job_title: None,
            company: None,
            has_profile: false,
            member: None,
            notes: Vec::new(),
        };
        Mirrored { card, total_spent: None, joined_at: None, last_seen_at: None, deals, payments }
    }

    #[test]
    fn a_membership_is_at_risk_in_every_window_it_ran_into_and_leaves_in_one() {
        let left_after_two = person(vec![deal(100, Some(20))], vec![paid(70), paid(40)]);

        let history = counted(&left_after_two, &[], NOW);

        let seen = |left, at_risk| Observed { left, at_risk };
        // It ran 90, 60 and 30 days ago, with no, one and two renewals by then, and ended 20 days ago.
        assert_eq!(history, [seen(0, 1), seen(0, 1), seen(1, 1), seen(0, 0), seen(0, 0), seen(0, 0)]);
    }

    #[test]
    fn counts_stay_the_same_until_a_window_is_over() {
        let left = person(vec![deal(100, Some(20))], Vec::new());

        let counts = [0, 1, 29].map(|day| counted(&left, &[], NOW + days(day)));

        assert_eq!(counts[0], counts[1]);
        assert_eq!(counts[0], counts[2]);
        assert_ne!(counts[0], counted(&left, &[], NOW + days(30 * 6)));
    }

    #[test]
    fn what_is_free_or_younger_than_a_window_counts_nothing_and_counts_add_up() {
        let mut free = deal(100, None);
        free.price = Some(Money::from_minor(0, &Currency::new("usd")));
        let mut sum = History::default();

        add(&mut sum, &counted(&person(vec![free, deal(20, Some(5))], Vec::new()), &[], NOW));
        assert_eq!(sum, History::default());
        for _ in 0..2 {
            add(&mut sum, &counted(&person(vec![deal(31, None)], Vec::new()), &[], NOW));
        }

        assert_eq!(sum[0], Observed { left: 0, at_risk: 2 });
    }
}
