//! The numbers of the lead score, all of them settings.

use serde::{Deserialize, Serialize};

use super::super::features::TouchKind;

/// Every weight, cap and threshold; the defaults are the product's starting values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LeadWeights {
    pub fit_cap: f64,
    pub business_email: f64,
    pub company: f64,
    pub job_title: f64,
    pub reachable: f64,
    pub segment: f64,
    pub engagement_cap: f64,
    pub meeting: f64,
    pub email_reply: f64,
    pub support_message: f64,
    pub app_activity: f64,
    pub note: f64,
    /// Days after which a contact counts half.
    pub half_life_days: f64,
    /// Contacts older than this do not count.
    pub engagement_days: u32,
    pub intent_cap: f64,
    pub trial_running: f64,
    pub checkout_abandoned: f64,
    pub checkout_days: u32,
    pub waitlist: f64,
    pub free_membership: f64,
    pub membership_ended: f64,
    pub ended_days: u32,
    pub value_cap: f64,
    /// Points per power of ten of lifetime spend.
    pub spend_per_decade: f64,
    pub penalty_cap: f64,
    pub unsubscribed: f64,
    pub email_bounced: f64,
    pub disputed: f64,
    pub refund_rate: f64,
    pub refund_percent: u32,
    pub inactive: f64,
    pub inactive_days: u32,
    /// Lowest scores of hot, warm and cool.
    pub hot: u8,
    pub warm: u8,
    pub cool: u8,
    /// Below this share of known values the score is not enough to act on.
    pub least_coverage_percent: u32,
}

impl Default for LeadWeights {
    fn default() -> Self {
        Self {
            fit_cap: 25.0,
            business_email: 8.0,
            company: 7.0,
            job_title: 4.0,
            reachable: 3.0,
            segment: 3.0,
            engagement_cap: 30.0,
            meeting: 15.0,
            email_reply: 8.0,
            support_message: 4.0,
            app_activity: 2.0,
            note: 1.0,
            half_life_days: 14.0,
            engagement_days: 90,
            intent_cap: 30.0,
            trial_running: 12.0,
            checkout_abandoned: 10.0,
            checkout_days: 14,
            waitlist: 8.0,
            free_membership: 6.0,
            membership_ended: 6.0,
            ended_days: 90,
            value_cap: 15.0,
            spend_per_decade: 5.0,
            penalty_cap: 40.0,
            unsubscribed: 15.0,
            email_bounced: 15.0,
            disputed: 25.0,
            refund_rate: 10.0,
            refund_percent: 50,
            inactive: 10.0,
            inactive_days: 60,
            hot: 75,
            warm: 50,
            cool: 25,
            least_coverage_percent: 30,
        }
    }
}

impl LeadWeights {
    /// What a contact of this kind is worth on its day.
    pub(super) fn touch(&self, kind: TouchKind) -> f64 {
        match kind {
            TouchKind::Meeting => self.meeting,
            TouchKind::EmailReply => self.email_reply,
            TouchKind::SupportMessage => self.support_message,
            TouchKind::AppActivity => self.app_activity,
            TouchKind::Note => self.note,
        }
    }
}
