//! What is known of a member: each value with its source and its time. What is not known is absent, never zero.

use serde::{Deserialize, Serialize};

use crate::domain::money::Money;
use crate::domain::time::Timestamp;
use crate::domain::words::MembershipStatus;

/// Where a value was learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Whop's records.
    Whop,
    /// The CRM's records.
    Crm,
    /// The caller said so.
    Caller,
    /// An earlier answer of ours, such as the mood of a text.
    Insight,
}

/// A value, where it comes from, and when it was true.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Known<T> {
    pub value: T,
    pub source: Source,
    pub at: Timestamp,
}

impl<T> Known<T> {
    /// A value that Whop gave.
    pub fn whop(value: T, at: Timestamp) -> Self {
        Self { value, source: Source::Whop, at }
    }

    /// A value that the CRM gave.
    pub fn crm(value: T, at: Timestamp) -> Self {
        Self { value, source: Source::Crm, at }
    }

    /// A value that the caller gave.
    pub fn caller(value: T, at: Timestamp) -> Self {
        Self { value, source: Source::Caller, at }
    }
}

/// How a membership is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Billing {
    Recurring,
    /// Paid once, access without end.
    Lifetime,
    Free,
}

/// A kind of contact between the member and the seller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TouchKind {
    Meeting,
    EmailReply,
    SupportMessage,
    AppActivity,
    Note,
}

impl TouchKind {
    /// All kinds, the weightiest first.
    pub const ALL: [Self; 5] =
        [Self::Meeting, Self::EmailReply, Self::SupportMessage, Self::AppActivity, Self::Note];
}

/// One contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Touch {
    pub kind: TouchKind,
    pub at: Timestamp,
}

/// Events in the last thirty days, and in the thirty before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trend {
    pub last: u32,
    pub before: u32,
}

/// Everything that scores are computed from. All of it may be unknown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Features {
    // What is bought.
    pub billing: Option<Known<Billing>>,
    pub status: Option<Known<MembershipStatus>>,
    pub cancels_at_period_end: Option<Known<bool>>,
    pub renewals: Option<Known<u32>>,
    pub period_days: Option<Known<u32>>,
    pub renews_at: Option<Known<Timestamp>>,
    /// Monthly recurring revenue.
    pub mrr: Option<Known<Money>>,
    pub joined_at: Option<Known<Timestamp>>,
    pub trial_running: Option<Known<bool>>,
    pub free_membership: Option<Known<bool>>,
    pub membership_ended_at: Option<Known<Timestamp>>,
    pub checkout_abandoned_at: Option<Known<Timestamp>>,
    pub on_waitlist: Option<Known<bool>>,
    // What was paid.
    pub lifetime_spend: Option<Known<Money>>,
    /// Payments that failed in the last 90 days.
    pub failed_payments: Option<Known<u32>>,
    /// Refunds in the last 180 days.
    pub refunds: Option<Known<u32>>,
    /// Refunded payments of a hundred collected.
    pub refund_percent: Option<Known<u32>>,
    pub open_disputes: Option<Known<u32>>,
    pub ever_disputed: Option<Known<bool>>,
    // What they do.
    pub last_activity_at: Option<Known<Timestamp>>,
    pub trend: Option<Known<Trend>>,
    pub touches: Option<Known<Vec<Touch>>>,
    /// Mean of the last five texts of 90 days, from −1 to 1.
    pub sentiment: Option<Known<f64>>,
    // Who they are.
    pub business_email: Option<Known<bool>>,
    pub company: Option<Known<bool>>,
    pub job_title: Option<Known<bool>>,
    pub reachable: Option<Known<bool>>,
    pub in_segment: Option<Known<bool>>,
    pub unsubscribed: Option<Known<bool>>,
    pub email_bounced: Option<Known<bool>>,
}

/// The mean mood of the last five texts of 90 days; nothing without a text.
#[expect(clippy::float_arithmetic, reason = "a mean of model scores, which are no money")]
pub fn mean_sentiment(texts: &[(Timestamp, f64)], now: Timestamp) -> Option<f64> {
    let recent = |it: &&(Timestamp, f64)| it.0 <= now && now.since(it.0) <= super::score::days(90);
    let mut texts: Vec<(Timestamp, f64)> = texts.iter().filter(recent).copied().collect();
    texts.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.total_cmp(&b.1)));
    texts.truncate(5);
    let count = u32::try_from(texts.len()).ok().filter(|count| *count > 0)?;
    Some((texts.iter().map(|it| it.1).sum::<f64>() / f64::from(count)).clamp(-1.0, 1.0))
}

/// Providers of addresses for everybody: an address there says nothing about a business.
const FREE_MAIL: &[&str] = &[
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "live.com",
    "msn.com",
    "yahoo.com",
    "ymail.com",
    "icloud.com",
    "me.com",
    "mac.com",
    "aol.com",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "web.de",
    "mail.com",
    "mail.ru",
    "yandex.ru",
    "yandex.com",
    "proton.me",
    "protonmail.com",
    "pm.me",
    "qq.com",
    "163.com",
    "126.com",
    "t-online.de",
    "orange.fr",
    "free.fr",
    "laposte.net",
    "libero.it",
    "hey.com",
    "fastmail.com",
    "zoho.com",
    "tutanota.com",
    "tuta.com",
];

/// True for an address at a domain of its own; nothing where there is no domain.
pub fn is_business(email: &str) -> Option<bool> {
    let (_, domain) = email.trim().rsplit_once('@')?;
    let domain = domain.to_lowercase();
    let country = |provider: &&str| domain.starts_with(&format!("{provider}."));
    let free =
        FREE_MAIL.contains(&domain.as_str()) || ["yahoo", "hotmail", "live", "outlook"].iter().any(country);
    domain.contains('.').then_some(!free)
}

#[cfg(test)]
mod tests {
    use super::super::score::days;
    use super::*;

    #[test]
    fn the_mean_takes_the_last_five_texts_of_ninety_days() {
        let now = Timestamp::from_millis(1_795_420_800_000);
        let at = |age| now - days(age);
        let texts = [
            (at(91), -1.0),
            (at(80), -1.0),
            (at(5), 0.5),
            (at(4), 0.5),
            (at(3), 0.5),
            (at(2), 0.5),
            (at(1), 0.5),
        ];

        assert_eq!(mean_sentiment(&texts, now), Some(0.5));
        assert_eq!(mean_sentiment(&[(at(91), -1.0)], now), None);
    }

    #[test]
    fn an_address_for_everybody_is_not_a_business() {
        assert_eq!(is_business("ada@analytical.example"), Some(true));
        assert_eq!(is_business("ada@GMAIL.com"), Some(false));
        assert_eq!(is_business("ada@yahoo.co.uk"), Some(false));
        assert_eq!(is_business("ada"), None);
    }
}
