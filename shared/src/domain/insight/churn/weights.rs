//! The numbers of the churn risk, all of them settings.

use serde::{Deserialize, Serialize};

/// Every weight and threshold; the defaults are the product's starting values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChurnWeights {
    /// Base hazard after 0, 1, 2, 3–5, 6–11 and 12 or more completed renewals.
    pub prior: [f64; 6],
    /// How many observed memberships the prior weighs as much as.
    pub prior_strength: f64,
    pub past_due: f64,
    pub failed_payment: f64,
    pub most_failed: u32,
    pub payment_cap: f64,
    pub refund: f64,
    pub open_dispute: f64,
    /// Effect up to 7, 14, 30, 60 whole days without activity, and beyond.
    pub inactivity: [f64; 5],
    /// Fewest events in the earlier thirty days for a trend.
    pub trend_least: u32,
    pub falling: f64,
    pub rising: f64,
    /// Effect of a mood of −1; of +1 its negative.
    pub sentiment: f64,
    pub far_renewal: f64,
    pub near_renewal: f64,
    pub canceling: f64,
    /// Lowest scores of critical, high and medium.
    pub critical: u8,
    pub high: u8,
    pub medium: u8,
}

impl Default for ChurnWeights {
    fn default() -> Self {
        Self {
            prior: [0.20, 0.12, 0.09, 0.06, 0.04, 0.025],
            prior_strength: 50.0,
            past_due: 1.8,
            failed_payment: 0.5,
            most_failed: 3,
            payment_cap: 2.5,
            refund: 0.7,
            open_dispute: 1.5,
            inactivity: [-0.4, 0.0, 0.5, 1.0, 1.5],
            trend_least: 4,
            falling: 0.6,
            rising: -0.3,
            sentiment: 0.6,
            far_renewal: -2.0,
            near_renewal: 0.2,
            canceling: 0.95,
            critical: 65,
            high: 35,
            medium: 15,
        }
    }
}
