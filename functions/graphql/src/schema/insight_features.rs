//! What a caller knows of a lead. What they leave out is unknown, which is not the same as no.

use async_graphql::InputObject;
use shared::domain::insight::features::{Features, Known, Touch, Trend};
use shared::domain::money::{Currency, Money};
use shared::domain::time::Timestamp;
use shared::{Error, Result};

use super::insight_words::{MembershipBilling, TouchKind};
use super::time::DateTime;

/// Most contacts that one request may name.
const MOST_TOUCHES: usize = 500;

/// An exact amount of money.
#[derive(InputObject)]
pub(crate) struct MoneyInput {
    /// The amount as decimal text, for instance `12.50`.
    amount: String,
    /// The currency's code, for instance `USD`.
    currency: String,
}

/// One contact between a member and the seller.
#[derive(InputObject)]
pub(crate) struct TouchInput {
    /// What kind of contact.
    kind: TouchKind,
    /// When.
    at: DateTime,
}

/// How often something was done lately.
#[derive(InputObject)]
pub(crate) struct TrendInput {
    /// How often in the last thirty days.
    last: u32,
    /// How often in the thirty days before.
    before: u32,
}

/// What is known of a lead. Leave out what you do not know: unknown is not the same as no.
#[derive(Default, InputObject)]
#[graphql(name = "LeadFeatures")]
pub(crate) struct LeadFeaturesInput {
    /// How the membership is paid for.
    billing: Option<MembershipBilling>,
    /// The membership's status, as Whop writes it, for instance `past_due`.
    status: Option<String>,
    /// Whether it ends with its period.
    cancels_at_period_end: Option<bool>,
    /// Completed renewals.
    renewals: Option<u32>,
    /// Days of a billing period.
    period_days: Option<u32>,
    /// When it renews next.
    renews_at: Option<DateTime>,
    /// Monthly recurring revenue.
    mrr: Option<MoneyInput>,
    /// When they joined.
    joined_at: Option<DateTime>,
    /// Whether a trial is running.
    trial_running: Option<bool>,
    /// Whether they hold a free membership.
    free_membership: Option<bool>,
    /// When a membership of theirs ended.
    membership_ended_at: Option<DateTime>,
    /// When they left a checkout without buying.
    checkout_abandoned_at: Option<DateTime>,
    /// Whether they are on a waitlist.
    on_waitlist: Option<bool>,
    /// All they ever paid.
    lifetime_spend: Option<MoneyInput>,
    /// Payments that failed in the last 90 days.
    failed_payments: Option<u32>,
    /// Refunds in the last 180 days.
    refunds: Option<u32>,
    /// Refunded payments of a hundred collected.
    refund_percent: Option<u32>,
    /// Disputes that are open.
    open_disputes: Option<u32>,
    /// Whether they ever disputed a payment.
    ever_disputed: Option<bool>,
    /// When they last did anything.
    last_activity_at: Option<DateTime>,
    /// How often they did something.
    trend: Option<TrendInput>,
    /// Contacts, 500 at most.
    touches: Option<Vec<TouchInput>>,
    /// Mean mood of their last texts, from -1 to 1.
    sentiment: Option<f64>,
    /// Whether their e-mail address is at a domain of their own.
    business_email: Option<bool>,
    /// Whether a company is linked.
    company: Option<bool>,
    /// Whether a job title is given.
    job_title: Option<bool>,
    /// Whether a phone number or a social profile is given.
    reachable: Option<bool>,
    /// Whether they are in your target segment.
    in_segment: Option<bool>,
    /// Whether they unsubscribed.
    unsubscribed: Option<bool>,
    /// Whether an e-mail to them bounced.
    email_bounced: Option<bool>,
}

impl LeadFeaturesInput {
    /// The same in our words, said now.
    pub(crate) fn into_features(self, now: Timestamp) -> Result<Features> {
        let said = Said { now };
        self.check()?;
        let touches = self.touches.map(|it| {
            it.into_iter().map(|touch| Touch { kind: touch.kind.into(), at: touch.at.0 }).collect()
        });
        let trend = self.trend.map(|it| Trend { last: it.last, before: it.before });
        // One line for each value would be longer than a function may be.
        macro_rules! said {
            ($($field:ident)+) => {
                Features {
                    billing: said.now(self.billing.map(Into::into)),
                    status: said.now(self.status.map(|word| word.as_str().into())),
                    mrr: said.now(self.mrr.as_ref().map(money).transpose()?),
                    lifetime_spend: said.now(self.lifetime_spend.as_ref().map(money).transpose()?),
                    trend: said.now(trend),
                    touches: said.now(touches),
                    renews_at: said.at(self.renews_at),
                    joined_at: said.at(self.joined_at),
                    membership_ended_at: said.at(self.membership_ended_at),
                    checkout_abandoned_at: said.at(self.checkout_abandoned_at),
                    last_activity_at: said.at(self.last_activity_at),
                    $($field: said.now(self.$field),)+
                }
            };
        }
        Ok(said! {
            cancels_at_period_end renewals period_days trial_running free_membership on_waitlist
            failed_payments refunds refund_percent open_disputes ever_disputed sentiment
            business_email company job_title reachable in_segment unsubscribed email_bounced
        })
    }

    fn check(&self) -> Result<()> {
        if !self.sentiment.is_none_or(|it| (-1.0..=1.0).contains(&it)) {
            return Err(Error::invalid("sentiment lies between -1 and 1."));
        }
        if self.refund_percent.is_some_and(|it| it > 100) {
            return Err(Error::invalid("refundPercent lies between 0 and 100."));
        }
        if self.touches.as_ref().is_some_and(|it| it.len() > MOST_TOUCHES) {
            return Err(Error::invalid(format!(
                "Name {MOST_TOUCHES} contacts at most; the latest count most."
            )));
        }
        Ok(())
    }
}

/// Values that the caller gives, at this moment.
struct Said {
    now: Timestamp,
}

impl Said {
    fn now<T>(&self, value: Option<T>) -> Option<Known<T>> {
        value.map(|value| Known::caller(value, self.now))
    }

    fn at(&self, moment: Option<DateTime>) -> Option<Known<Timestamp>> {
        self.now(moment.map(|it| it.0))
    }
}

fn money(input: &MoneyInput) -> Result<Money> {
    let currency = Currency::new(&input.currency);
    let is_code = (2..=10).contains(&currency.as_str().len())
        && currency.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric());
    let money = Money::parse(&input.amount, &currency, None).ok().filter(|_| is_code);
    money.ok_or_else(|| Error::invalid("An amount looks like 12.50, its currency like USD."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_420_800_000);

    #[test]
    fn what_is_not_said_stays_unknown() {
        let features = LeadFeaturesInput { company: Some(false), ..LeadFeaturesInput::default() };

        let features = features.into_features(NOW).unwrap();

        assert_eq!(features, Features { company: Some(Known::caller(false, NOW)), ..Features::default() });
    }

    #[test]
    fn money_is_read_exactly() {
        let input = |amount: &str, currency: &str| {
            money(&MoneyInput { amount: amount.to_owned(), currency: currency.to_owned() })
        };

        assert_eq!(input("12.50", "usd").unwrap().to_string(), "12.50 USD");
        for (amount, currency) in [("12.505", "USD"), ("1e3", "USD"), ("12", "U S"), ("", "USD"), ("12", "")]
        {
            assert!(input(amount, currency).is_err(), "{amount} {currency}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        let bad = [
            LeadFeaturesInput { sentiment: Some(1.1), ..LeadFeaturesInput::default() },
            LeadFeaturesInput { refund_percent: Some(101), ..LeadFeaturesInput::default() },
        ];

        for features in bad {
            assert!(features.into_features(NOW).is_err());
        }
    }
}
