//! The features of a member as the CRM mirrors them: what the sync wrote, read back for many members at a time.
//!
//! Pure. It gives the same figures as a reading at Whop, but for what people changed in the CRM since.

use crate::domain::fact::Fact;
use crate::domain::id::ProductId;
use crate::domain::mapping::variant_line;
use crate::domain::money::Money;
use crate::domain::source::Variant;
use crate::domain::time::Timestamp;
use crate::domain::words::MembershipStatus;

use super::features::{Billing, Features, Known};
use super::gathered::{Bought, PaymentCard, PersonCard, features, is_alive};
use super::monthly::monthly;

/// A person, and what they bought and paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirrored {
    pub card: PersonCard,
    pub total_spent: Option<Money>,
    pub joined_at: Option<Timestamp>,
    /// The day of the last visit.
    pub last_seen_at: Option<Timestamp>,
    pub deals: Vec<DealCard>,
    pub payments: Vec<PaymentCard>,
}

/// A membership as its opportunity shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DealCard {
    pub status: MembershipStatus,
    pub product: Option<ProductId>,
    /// The price it was bought at, as the sync words it.
    pub variant: Option<String>,
    pub price: Option<Money>,
    pub renews: bool,
    pub renews_at: Option<Timestamp>,
    pub cancels_at_period_end: bool,
    pub canceled_at: Option<Timestamp>,
    pub access_ends_at: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
}

impl Mirrored {
    /// The deal that counts: one that gives access today before one that does not, then the latest.
    fn deal(&self) -> Option<&DealCard> {
        self.deals.iter().max_by_key(|it| (is_alive(&it.status), it.started_at))
    }

    /// The product of the deal that counts; its variants tell how often it renews.
    pub fn product(&self) -> Option<&ProductId> {
        self.deal()?.product.as_ref()
    }

    /// Its features. `facts` are those of [`Self::product`].
    pub fn features(&self, facts: &[Fact], now: Timestamp) -> Features {
        let bought = Bought { payments: Some(self.payments.clone()), ..Bought::default() };
        let mut features = features(Some(&self.card), &bought, now);
        features.joined_at = self.joined_at.map(|at| Known::whop(at, now));
        features.last_activity_at = self.last_seen_at.map(|at| Known::whop(at, now));
        features.lifetime_spend = self.total_spent.clone().map(|spent| Known::whop(spent, now));
        let trial = self.deals.iter().any(|it| it.status == MembershipStatus::Trialing);
        features.trial_running = Some(Known::whop(trial, now));
        if let Some(deal) = self.deal() {
            from_deal(&mut features, deal, deal.variant(facts), now);
        }
        features
    }
}

impl DealCard {
    /// The variant it was bought at; nothing if two read alike and differ in what counts.
    pub(super) fn variant<'a>(&self, facts: &'a [Fact]) -> Option<&'a Variant> {
        let line = self.variant.as_deref()?;
        let mut alike = facts.iter().filter_map(|fact| match fact {
            Fact::Variant(variant) => (variant_line(variant).trim() == line).then_some(variant),
            Fact::Refund(_) | Fact::Dispute(_) => None,
        });
        let first = alike.next()?;
        let same = |it: &Variant| (it.renews, it.billing_days) == (first.renews, first.billing_days);
        alike.all(same).then_some(first)
    }
}

fn from_deal(features: &mut Features, it: &DealCard, variant: Option<&Variant>, now: Timestamp) {
    let over = matches!(it.status, MembershipStatus::Canceled | MembershipStatus::Expired);
    let renews = it.renews || variant.is_some_and(|variant| variant.renews);
    let free = it.price.as_ref().is_some_and(Money::is_zero);
    let billing = match () {
        () if free => Some(Billing::Free),
        () if renews => Some(Billing::Recurring),
        () if it.access_ends_at.is_none() => Some(Billing::Lifetime),
        () => None,
    };
    features.status = Some(Known::whop(it.status.clone(), now));
    features.cancels_at_period_end = Some(Known::whop(it.cancels_at_period_end, now));
    features.billing = billing.map(|billing| Known::whop(billing, now));
    features.free_membership = billing.map(|billing| Known::whop(billing == Billing::Free, now));
    features.renews_at = it.renews_at.map(|at| Known::whop(at, now));
    let period = variant.and_then(|variant| variant.billing_days).and_then(|it| u32::try_from(it).ok());
    features.period_days = period.map(|period| Known::whop(period, now));
    let mrr = it.price.as_ref().zip(period).filter(|_| renews).and_then(|(price, period)| {
        monthly(price.minor(), period).map(|minor| Money::from_minor(minor, price.currency()))
    });
    features.mrr = mrr.map(|mrr| Known::whop(mrr, now));
    let ended = it.access_ends_at.or(it.canceled_at).filter(|_| over);
    features.membership_ended_at = ended.map(|at| Known::whop(at, now));
}

#[cfg(test)]
mod tests {
    use super::super::churn::{ChurnRisk, ChurnWeights, History, churn_risk};
    use super::*;
    use crate::domain::id::CrmId;
    use crate::domain::money::Currency;

    const NOW: Timestamp = Timestamp::from_millis(1_795_420_800_000);

    fn deal(status: MembershipStatus) -> DealCard {
        DealCard {
            status,
            product: Some("prod_1".parse().unwrap()),
            variant: Some("Yearly: $120.00 / year".to_owned()),
            price: Some(Money::from_minor(12_000, &Currency::new("usd"))),
            renews: true,
            renews_at: Some(NOW + super::super::score::days(90)),
            cancels_at_period_end: false,
            canceled_at: None,
            access_ends_at: None,
            started_at: Some(NOW - super::super::score::days(30)),
        }
    }

    fn variant(days: i64) -> Fact {
        Fact::Variant(Variant {
            id: "plan_1".parse().unwrap(),
            product: None,
            title: Some("Yearly".to_owned()),
            formatted_price: "$120.00 / year".to_owned(),
            renews: true,
            billing_days: Some(days),
            initial_price: None,
            renewal_price: None,
            updated_at: NOW,
        })
    }

    fn mirrored(deals: Vec<DealCard>) -> Mirrored {
        let card = PersonCard {
            id: CrmId(uuid::Uuid::nil()),
            name: "Ada".to_owned(),
            email: Some("ada@example.com".to_owned()),
            phone: None,
            job_title: None,
            company: None,
            has_profile: false,
            member: None,
            notes: Vec::new(),
        };
        let (total_spent, joined_at, last_seen_at) = (None, Some(NOW), None);
        Mirrored { card, total_spent, joined_at, last_seen_at, deals, payments: Vec::new() }
    }

    #[test]
    fn the_deal_that_gives_access_counts_and_its_variant_says_how_often_it_renews() {
        let person = mirrored(vec![deal(MembershipStatus::Expired), deal(MembershipStatus::PastDue)]);

        let features = person.features(&[variant(365)], NOW);

        assert_eq!(features.status.unwrap().value, MembershipStatus::PastDue);
        assert_eq!(features.billing.unwrap().value, Billing::Recurring);
        assert_eq!(features.period_days.unwrap().value, 365);
        assert_eq!(features.mrr.unwrap().value.minor(), 1_000);
        assert_eq!(features.last_activity_at, None, "what is not known is absent");
    }

    #[test]
    fn variants_that_read_alike_and_differ_are_not_guessed_between() {
        let features =
            mirrored(vec![deal(MembershipStatus::Active)]).features(&[variant(365), variant(30)], NOW);

        assert_eq!(features.period_days, None);
        assert_eq!(features.billing.unwrap().value, Billing::Recurring);
    }

    #[test]
    fn what_was_paid_for_life_has_no_risk() {
        let once =
            DealCard { renews: false, renews_at: None, variant: None, ..deal(MembershipStatus::Active) };

        let features = mirrored(vec![once]).features(&[], NOW);

        let risk = churn_risk(&features, &ChurnWeights::default(), &History::default(), NOW);
        assert_eq!(risk, ChurnRisk::NotApplicable);
    }
}
