//! The numbers that scores are made of, to be read and to be changed one by one.

use async_graphql::{InputObject, SimpleObject};
use shared::domain::insight::churn::ChurnWeights as Churn;
use shared::domain::insight::lead_score::LeadWeights as Lead;

/// Weights to read, the same to change, and the way between them and ours. Every number is named once.
macro_rules! weights {
    (
        $(#[$about:meta])* $name:ident of $ours:ident;
        $(#[$to_change:meta])* $input:ident;
        $($(#[$what:meta])* $number:ident: $kind:ty,)+
    ) => {
        $(#[$about])*
        #[derive(SimpleObject)]
        pub(crate) struct $name {
            $($(#[$what])* $number: $kind,)+
        }

        $(#[$to_change])*
        #[derive(Default, InputObject)]
        pub(crate) struct $input {
            $($(#[$what])* $number: Option<$kind>,)+
        }

        impl From<&$ours> for $name {
            fn from(ours: &$ours) -> Self {
                Self { $($number: ours.$number,)+ }
            }
        }

        impl $input {
            /// The weights with what is named here in place of what was.
            pub(crate) fn over(self, ours: &$ours) -> $ours {
                $ours { $($number: self.$number.unwrap_or(ours.$number),)+ }
            }
        }
    };
}

weights! {
    /// What a lead score is made of: points, caps and thresholds.
    LeadWeights of Lead;
    /// Points, caps and thresholds of the lead score to change; what is not named stays as it is.
    LeadWeightsInput;
    /// The most that fit adds.
    fit_cap: f64,
    /// An e-mail address at a domain of one's own.
    business_email: f64,
    /// A company is linked.
    company: f64,
    /// A job title is given.
    job_title: f64,
    /// A phone number or a social profile is given.
    reachable: f64,
    /// In the target segment.
    segment: f64,
    /// The most that engagement adds.
    engagement_cap: f64,
    /// A meeting, on its day.
    meeting: f64,
    /// An answered e-mail, on its day.
    email_reply: f64,
    /// A message to support, on its day.
    support_message: f64,
    /// Use of an app, on its day.
    app_activity: f64,
    /// A note, on its day.
    note: f64,
    /// Days after which a contact counts half.
    half_life_days: f64,
    /// Days after which a contact no longer counts.
    engagement_days: u32,
    /// The most that intent adds.
    intent_cap: f64,
    /// A trial is running.
    trial_running: f64,
    /// A checkout was left lately.
    checkout_abandoned: f64,
    /// How many days are lately for a checkout.
    checkout_days: u32,
    /// On a waitlist.
    waitlist: f64,
    /// Holds a free membership.
    free_membership: f64,
    /// A membership ended lately.
    membership_ended: f64,
    /// How many days are lately for an end.
    ended_days: u32,
    /// The most that value adds.
    value_cap: f64,
    /// Points for each power of ten of lifetime spend.
    spend_per_decade: f64,
    /// The most that penalties take.
    penalty_cap: f64,
    /// Unsubscribed; what it takes.
    unsubscribed: f64,
    /// An e-mail bounced; what it takes.
    email_bounced: f64,
    /// A payment was disputed; what it takes.
    disputed: f64,
    /// Many refunds; what they take.
    refund_rate: f64,
    /// Refunds of a hundred that are many.
    refund_percent: u32,
    /// Long inactive; what it takes.
    inactive: f64,
    /// How many days are long.
    inactive_days: u32,
    /// Lowest score of a hot lead.
    hot: u8,
    /// Lowest score of a warm lead.
    warm: u8,
    /// Lowest score of a cool lead.
    cool: u8,
    /// Below this share of known values a score is not enough to act on.
    least_coverage_percent: u32,
}

weights! {
    /// What a churn risk is made of: base hazards, log-odds and thresholds.
    ChurnWeights of Churn;
    /// Base hazards, log-odds and thresholds of the churn risk to change; what is not named stays as it is.
    ChurnWeightsInput;
    /// Base hazard after 0, 1, 2, 3 to 5, 6 to 11 and 12 or more completed renewals; all six.
    prior: [f64; 6],
    /// How many observed memberships the base hazard weighs as much as.
    prior_strength: f64,
    /// A payment is overdue.
    past_due: f64,
    /// Each failed payment of 90 days.
    failed_payment: f64,
    /// Most failed payments that count.
    most_failed: u32,
    /// The most that payments add.
    payment_cap: f64,
    /// A refund in 180 days.
    refund: f64,
    /// An open dispute.
    open_dispute: f64,
    /// Up to 7, 14, 30 and 60 days without activity, and beyond; all five.
    inactivity: [f64; 5],
    /// Fewest events in the earlier thirty days for a trend.
    trend_least: u32,
    /// Activity falls.
    falling: f64,
    /// Activity rises.
    rising: f64,
    /// A mood of -1; of 1 its negative.
    sentiment: f64,
    /// The renewal is far away.
    far_renewal: f64,
    /// The renewal is near.
    near_renewal: f64,
    /// The probability for a membership that is canceling.
    canceling: f64,
    /// Lowest score of a critical risk.
    critical: u8,
    /// Lowest score of a high risk.
    high: u8,
    /// Lowest score of a medium risk.
    medium: u8,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_stays() {
        let before = Lead { hot: 90, ..Lead::default() };

        let after = LeadWeightsInput { note: Some(2.5), ..LeadWeightsInput::default() }.over(&before);

        assert_eq!(after, Lead { note: 2.5, ..before });
    }

    #[test]
    fn all_base_hazards_are_changed_at_once() {
        let prior = [0.3, 0.2, 0.1, 0.08, 0.05, 0.03];

        let after = ChurnWeightsInput { prior: Some(prior), ..ChurnWeightsInput::default() };

        assert_eq!(after.over(&Churn::default()), Churn { prior, ..Churn::default() });
    }
}
