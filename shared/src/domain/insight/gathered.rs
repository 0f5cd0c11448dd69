//! What was gathered about one person for an insight, and the features it gives. Pure: it reads nothing itself.

use crate::domain::id::{CrmId, MemberId};
use crate::domain::money::Money;
use crate::domain::source::{Member, Membership, Variant};
use crate::domain::time::Timestamp;
use crate::domain::words::{BillingReason, DisputeStatus, MembershipStatus, PaymentStatus, PaymentSubstatus};

use super::features::{Billing, Features, Known, Touch, TouchKind, is_business};
use super::monthly::monthly;
use super::score::days;

/// A person as the CRM shows them, as far as an insight may need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonCard {
    pub id: CrmId,
    pub name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub job_title: Option<String>,
    pub company: Option<String>,
    pub has_profile: bool,
    pub member: Option<MemberId>,
    /// The latest first.
    pub notes: Vec<NoteCard>,
}

/// A note on a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteCard {
    pub text: String,
    pub at: Timestamp,
}

/// A payment as it is mirrored in the CRM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentCard {
    pub status: PaymentStatus,
    pub substatus: PaymentSubstatus,
    pub reason: Option<BillingReason>,
    pub dispute: Option<DisputeStatus>,
    pub charged_at: Timestamp,
    pub refunded_at: Option<Timestamp>,
}

/// What Whop and our own facts say about a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bought {
    pub member: Option<Member>,
    pub memberships: Vec<Membership>,
    /// The variants of these memberships, as far as they are known.
    pub variants: Vec<Variant>,
    /// Nothing if they could not be read.
    pub payments: Option<Vec<PaymentCard>>,
}

impl Bought {
    /// The membership that counts: one that gives access today before one that does not, then the latest.
    pub fn membership(&self) -> Option<&Membership> {
        self.memberships.iter().max_by_key(|it| (is_alive(&it.status), it.created_at))
    }

    fn variant(&self, of: &Membership) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.id == of.variant)
    }
}

pub(super) fn is_alive(status: &MembershipStatus) -> bool {
    matches!(
        status,
        MembershipStatus::Active
            | MembershipStatus::PastDue
            | MembershipStatus::Canceling
            | MembershipStatus::Trialing
            | MembershipStatus::Completed
    )
}

/// The features of a person, each with its source.
pub fn features(person: Option<&PersonCard>, bought: &Bought, now: Timestamp) -> Features {
    let mut features = Features::default();
    if let Some(person) = person {
        from_crm(&mut features, person, now);
    }
    if let Some(member) = &bought.member {
        features.joined_at = Some(Known::whop(member.joined_at, now));
        features.last_activity_at = member.last_accessed_at.map(|at| Known::whop(at, now));
        features.lifetime_spend = member.total_spent.clone().map(|spent| Known::whop(spent, now));
        let statuses = || bought.memberships.iter().map(|it| &it.status);
        let trial = statuses().any(|it| *it == MembershipStatus::Trialing);
        features.trial_running = Some(Known::whop(trial, now));
    }
    if let Some(membership) = bought.membership() {
        from_membership(&mut features, membership, bought.variant(membership), now);
    }
    if let Some(payments) = &bought.payments {
        from_payments(&mut features, payments, now);
    }
    features
}

fn from_crm(features: &mut Features, person: &PersonCard, now: Timestamp) {
    let crm = |value| Some(Known::crm(value, now));
    features.business_email = person.email.as_deref().and_then(is_business).and_then(crm);
    features.company = crm(person.company.is_some());
    features.job_title = crm(person.job_title.is_some());
    features.reachable = crm(person.phone.is_some() || person.has_profile);
    let touches = person.notes.iter().map(|note| Touch { kind: TouchKind::Note, at: note.at }).collect();
    features.touches = Some(Known::crm(touches, now));
}

fn from_membership(features: &mut Features, it: &Membership, variant: Option<&Variant>, now: Timestamp) {
    features.status = Some(Known::whop(it.status.clone(), it.updated_at));
    features.cancels_at_period_end = Some(Known::whop(it.cancels_at_period_end, it.updated_at));
    let price = it.renewal_price.as_ref().or_else(|| variant?.renewal_price.as_ref());
    let renews = it.renewal_price.is_some() || variant.is_some_and(|variant| variant.renews);
    let free = |price: Option<&Money>| price.is_some_and(Money::is_zero);
    let billing = match () {
        () if renews && free(price) => Some(Billing::Free),
        () if renews => Some(Billing::Recurring),
        () if free(it.initial_price.as_ref()) => Some(Billing::Free),
        // Without a renewal only the end of access tells a lifetime from a membership that was cancelled.
        () if it.period_end.is_none() && it.expires_at.is_none() => Some(Billing::Lifetime),
        () => None,
    };
    features.billing = billing.map(|billing| Known::whop(billing, it.updated_at));
    features.free_membership = billing.map(|it| Known::whop(it == Billing::Free, now));
    features.renews_at = it.period_end.filter(|_| renews).map(|at| Known::whop(at, it.updated_at));
    let period = variant.and_then(|variant| variant.billing_days).and_then(|it| u32::try_from(it).ok());
    features.period_days = period.map(|period| Known::whop(period, it.updated_at));
    let mrr = price.zip(period).and_then(|(price, period)| {
        monthly(price.minor(), period).map(|minor| Money::from_minor(minor, price.currency()))
    });
    features.mrr = mrr.filter(|_| renews).map(|mrr| Known::whop(mrr, it.updated_at));
    let over = matches!(it.status, MembershipStatus::Canceled | MembershipStatus::Expired);
    let ended = it.expires_at.or(it.canceled_at).filter(|_| over);
    features.membership_ended_at = ended.map(|at| Known::whop(at, it.updated_at));
}

fn from_payments(features: &mut Features, payments: &[PaymentCard], now: Timestamp) {
    let count = |those: &dyn Fn(&PaymentCard) -> bool| {
        u32::try_from(payments.iter().filter(|it| those(it)).count()).unwrap_or(u32::MAX)
    };
    let within = |at: Timestamp, limit| now.since(at) <= days(limit);
    let whop = |value| Some(Known::whop(value, now));
    features.failed_payments = whop(count(&|it| is_failed(&it.substatus) && within(it.charged_at, 90)));
    features.refunds = whop(count(&|it| it.refunded_at.is_some_and(|at| within(at, 180))));
    let paid = count(&|it| it.status == PaymentStatus::Paid || it.refunded_at.is_some());
    let refunded = count(&|it| it.refunded_at.is_some());
    features.refund_percent = (refunded * 100).checked_div(paid).and_then(whop);
    features.open_disputes = whop(count(&|it| it.dispute.as_ref().is_some_and(is_open)));
    features.ever_disputed = Some(Known::whop(payments.iter().any(|it| it.dispute.is_some()), now));
    features.renewals = whop(count(&is_renewal));
}

/// True for a payment that renewed a membership.
pub(super) fn is_renewal(it: &PaymentCard) -> bool {
    it.status == PaymentStatus::Paid && it.reason == Some(BillingReason::SubscriptionCycle)
}

/// True for a payment that was tried and did not come.
pub(super) fn is_failed(substatus: &PaymentSubstatus) -> bool {
    matches!(
        substatus,
        PaymentSubstatus::Failed
            | PaymentSubstatus::PastDue
            | PaymentSubstatus::Blocked
            | PaymentSubstatus::Uncollectible
    )
}

fn is_open(status: &DisputeStatus) -> bool {
    matches!(
        status,
        DisputeStatus::NeedsResponse
            | DisputeStatus::WarningNeedsResponse
            | DisputeStatus::UnderReview
            | DisputeStatus::WarningUnderReview
    )
}

/// What a caller said goes before what was gathered.
#[must_use]
pub fn overlay(gathered: Features, said: Features) -> Features {
    macro_rules! first {
        ($($field:ident),+ $(,)?) => { Features { $($field: said.$field.or(gathered.$field),)+ } };
    }
    first!(
        billing,
        status,
        cancels_at_period_end,
        renewals,
        period_days,
        renews_at,
        mrr,
        joined_at,
        trial_running,
        free_membership,
        membership_ended_at,
        checkout_abandoned_at,
        on_waitlist,
        lifetime_spend,
        failed_payments,
        refunds,
        refund_percent,
        open_disputes,
        ever_disputed,
        last_activity_at,
        trend,
        touches,
        sentiment,
        business_email,
        company,
        job_title,
        reachable,
        in_segment,
        unsubscribed,
        email_bounced,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Currency;

    const NOW: Timestamp = Timestamp::from_millis(1_795_420_800_000);

    fn membership(name: &str, status: MembershipStatus, age: u64) -> Membership {
        let made = NOW - days(age);
        Membership {
            id: name.parse().unwrap(),
            account: "biz_1".parse().unwrap(),
            member: None,
            product: "prod_1".parse().unwrap(),
            product_title: "Club".to_owned(),
            variant: "plan_1".parse().unwrap(),
            status,
            cancels_at_period_end: false,
            canceled_at: None,
            cancellation_reason: None,
            initial_price: None,
            renewal_price: Some(Money::from_minor(12_500, &Currency::new("usd"))),
            period_start: Some(made),
            period_end: Some(NOW + days(10)),
            expires_at: None,
            manage_url: None,
            last_action: None,
            last_action_at: None,
            created_at: made,
            updated_at: made,
        }
    }

    fn variant() -> Variant {
        Variant {
            id: "plan_1".parse().unwrap(),
            product: None,
            title: None,
            formatted_price: String::new(),
            renews: true,
            billing_days: Some(365),
            initial_price: None,
            renewal_price: None,
            updated_at: NOW,
        }
    }

    fn payment(substatus: PaymentSubstatus, age: u64) -> PaymentCard {
        let status =
            if substatus == PaymentSubstatus::Succeeded { PaymentStatus::Paid } else { PaymentStatus::Open };
        let reason = Some(BillingReason::SubscriptionCycle);
        PaymentCard {
            status,
            substatus,
            reason,
            dispute: None,
            charged_at: NOW - days(age),
            refunded_at: None,
        }
    }

    #[test]
    fn the_membership_that_gives_access_counts() {
        let bought = Bought {
            memberships: vec![
                membership("mem_1", MembershipStatus::Expired, 1),
                membership("mem_2", MembershipStatus::PastDue, 90),
            ],
            variants: vec![variant()],
            ..Bought::default()
        };

        let features = features(None, &bought, NOW);

        assert_eq!(features.status.unwrap().value, MembershipStatus::PastDue);
        assert_eq!(features.mrr.unwrap().value.minor(), 1_042);
        assert_eq!(features.billing.unwrap().value, Billing::Recurring);
        assert_eq!(features.failed_payments, None, "payments that were not read are not none");
    }

    #[test]
    fn payments_are_counted_within_their_time() {
        let mut refunded = payment(PaymentSubstatus::Refunded, 200);
        refunded.refunded_at = Some(NOW - days(181));
        let mut disputed = payment(PaymentSubstatus::OpenDispute, 5);
        disputed.dispute = Some(DisputeStatus::UnderReview);
        let payments = vec![
            payment(PaymentSubstatus::Succeeded, 60),
            payment(PaymentSubstatus::Failed, 90),
            payment(PaymentSubstatus::PastDue, 91),
            refunded,
            disputed,
        ];

        let features = features(None, &Bought { payments: Some(payments), ..Bought::default() }, NOW);

        let value = |known: Option<Known<u32>>| known.unwrap().value;
        assert_eq!(value(features.failed_payments), 1);
        assert_eq!(value(features.refunds), 0);
        assert_eq!(value(features.refund_percent), 50);
        assert_eq!(value(features.open_disputes), 1);
        assert_eq!(value(features.renewals), 1);
        assert!(features.ever_disputed.unwrap().value);
    }

    #[test]
    fn what_the_caller_said_goes_first() {
        let gathered = Features {
            company: Some(Known::crm(false, NOW)),
            job_title: Some(Known::crm(true, NOW)),
            ..Features::default()
        };
        let said = Features { company: Some(Known::caller(true, NOW)), ..Features::default() };

        let both = overlay(gathered, said);

        assert!(both.company.unwrap().value && both.job_title.unwrap().value);
    }
}
