use proptest::prelude::*;

use super::super::features::{Known, Source};
use super::*;
use crate::domain::money::Currency;

const NOW: Timestamp = Timestamp::from_millis(1_795_420_800_000);

fn known<T>(value: T) -> Option<Known<T>> {
    Some(Known { value, source: Source::Whop, at: NOW })
}

fn active() -> Features {
    Features {
        status: known(MembershipStatus::Active),
        billing: known(Billing::Recurring),
        renewals: known(0),
        ..Features::default()
    }
}

fn rated(features: &Features) -> ChurnRating {
    match churn_risk(features, &ChurnWeights::default(), &History::default(), NOW) {
        ChurnRisk::Rated(rating) => rating,
        other @ (ChurnRisk::NotApplicable | ChurnRisk::NotEnough) => panic!("{other:?}"),
    }
}

fn effect(rating: &ChurnRating, key: &str) -> f64 {
    rating.factors.iter().find(|it| it.key == key).unwrap().effect
}

#[test]
fn worked_example_past_due_with_failures() {
    // ln(0.12/0.88) = −1.99243; payment min(2.5, 1.8 + 3·0.5) = 2.5; inactivity of 20 days +0.5; renewal in 3 days
    // +0.2. z = 1.20757; p = 0.76987.
    let features = Features {
        status: known(MembershipStatus::PastDue),
        renewals: known(1),
        failed_payments: known(4),
        last_activity_at: known(NOW - days(20)),
        period_days: known(30),
        renews_at: known(NOW + days(3)),
        mrr: known(Money::from_minor(4_900, &Currency::new("usd"))),
        ..active()
    };

    let rating = rated(&features);

    assert_eq!((rating.score, rating.band), (77, RiskBand::Critical));
    assert!((rating.probability - 0.769_87).abs() < 0.000_01, "{}", rating.probability);
    assert_eq!(rating.revenue_at_risk.unwrap().minor(), 3_772);
    assert_eq!((rating.coverage.known, rating.coverage.of), (2, 6));
    assert_eq!(rating.factors.iter().filter(|it| it.known).count(), 3);
}

#[test]
fn worked_example_a_loyal_yearly_member_is_low() {
    // ln(0.025/0.975) = −3.66356; −0.4 −0.3 −0.6·0.5 −2.0 = −3.0; p = 0.00127.
    let features = Features {
        renewals: known(12),
        last_activity_at: known(NOW - days(7)),
        trend: known(Trend { last: 6, before: 4 }),
        sentiment: known(0.5),
        period_days: known(365),
        renews_at: known(NOW + days(100)),
        ..active()
    };

    let rating = rated(&features);

    assert_eq!((rating.score, rating.band), (1, RiskBand::Low));
    assert!((rating.probability - 0.001_27).abs() < 0.000_01, "{}", rating.probability);
}

#[test]
fn one_who_cancelled_is_as_good_as_gone_whatever_the_rest() {
    let loyal = Features { renewals: known(30), last_activity_at: known(NOW), ..active() };
    for features in [
        Features { cancels_at_period_end: known(true), ..loyal.clone() },
        Features { status: known(MembershipStatus::Canceling), ..loyal },
    ] {
        let rating = rated(&features);

        assert_eq!((rating.score, rating.band), (95, RiskBand::Critical));
        assert!(rating.factors.is_empty());
    }
}

#[test]
fn what_does_not_renew_has_no_risk_and_what_is_unknown_is_not_guessed() {
    let risk = |features: &Features| churn_risk(features, &ChurnWeights::default(), &History::default(), NOW);

    assert_eq!(risk(&Features { billing: known(Billing::Lifetime), ..active() }), ChurnRisk::NotApplicable);
    assert_eq!(risk(&Features { billing: known(Billing::Free), ..active() }), ChurnRisk::NotApplicable);
    assert_eq!(
        risk(&Features { status: known(MembershipStatus::Expired), ..active() }),
        ChurnRisk::NotApplicable
    );
    assert_eq!(risk(&Features::default()), ChurnRisk::NotEnough);
}

#[test]
fn every_threshold_is_where_the_formula_puts_it() {
    let idle = |age| {
        effect(&rated(&Features { last_activity_at: known(NOW - days(age)), ..active() }), "inactivity")
    };
    let ages = [0, 7, 8, 14, 15, 30, 31, 60, 61].map(idle);
    assert_eq!(ages, [-0.4, -0.4, 0.0, 0.0, 0.5, 0.5, 1.0, 1.0, 1.5]);
    let trend = |last, before| {
        effect(&rated(&Features { trend: known(Trend { last, before }), ..active() }), "trend")
    };
    assert_eq!([trend(0, 3), trend(2, 4), trend(3, 4), trend(6, 4), trend(5, 4)], [0.0, 0.6, 0.0, -0.3, 0.0]);
    let timing = |period, left| {
        let features =
            Features { period_days: known(period), renews_at: known(NOW + days(left)), ..active() };
        effect(&rated(&features), "timing")
    };
    assert_eq!(
        [timing(365, 31), timing(365, 30), timing(31, 31), timing(365, 7), timing(30, 8)],
        [-2.0, 0.0, 0.0, 0.2, 0.0]
    );
    let base = |renewals| rated(&Features { renewals: known(renewals), ..active() }).base;
    assert_eq!(
        [0, 1, 2, 3, 5, 6, 11, 12, 99].map(base),
        [0.20, 0.12, 0.09, 0.06, 0.06, 0.04, 0.04, 0.025, 0.025]
    );
}

#[test]
fn the_workspaces_own_losses_outweigh_the_prior_in_time() {
    let mut history = History::default();
    history[0] = Observed { left: 90, at_risk: 150 };

    let ChurnRisk::Rated(rating) = churn_risk(&active(), &ChurnWeights::default(), &history, NOW) else {
        panic!("an active member is rated");
    };

    assert_eq!(rating.base, 0.5);
    assert_eq!(rating.score, 50);
}

#[test]
fn unknown_activity_is_neither_active_nor_lost() {
    let unknown = rated(&active());
    let fresh = rated(&Features { last_activity_at: known(NOW), ..active() });
    let stale = rated(&Features { last_activity_at: known(NOW - days(100)), ..active() });

    assert!(fresh.probability < unknown.probability && unknown.probability < stale.probability);
    assert!(unknown.factors.iter().all(|it| !it.known && it.effect == 0.0));
    assert_eq!(rated(&Features { failed_payments: known(0), ..active() }).coverage.known, 1);
    assert_eq!(unknown.coverage.known, 0);
}

#[test]
fn every_key_is_listed_for_models() {
    for factor in rated(&active()).factors {
        assert!(super::super::score::KEYS.contains(&factor.key.as_str()), "{}", factor.key);
    }
}

prop_compose! {
    fn any_features()(
        renewals in 0..40_u32,
        past_due in any::<bool>(),
        failed in proptest::option::of(0..9_u32),
        refunds in proptest::option::of(0..4_u32),
        disputes in proptest::option::of(0..3_u32),
        idle in proptest::option::of(0..200_u64),
        trend in proptest::option::of((0..50_u32, 0..50_u32)),
        mood in proptest::option::of(-1.0..=1.0_f64),
        timing in proptest::option::of((1..400_u32, 0..400_u64)),
    ) -> Features {
        Features {
            status: known(if past_due { MembershipStatus::PastDue } else { MembershipStatus::Active }),
            renewals: known(renewals),
            failed_payments: failed.and_then(known),
            refunds: refunds.and_then(known),
            open_disputes: disputes.and_then(known),
            last_activity_at: idle.and_then(|it| known(NOW - days(it))),
            trend: trend.and_then(|(last, before)| known(Trend { last, before })),
            sentiment: mood.and_then(known),
            period_days: timing.and_then(|it| known(it.0)),
            renews_at: timing.and_then(|it| known(NOW + days(it.1))),
            ..active()
        }
    }
}

proptest! {
    #[test]
    fn probability_and_score_keep_their_bounds(features in any_features()) {
        let rating = rated(&features);

        prop_assert!(rating.probability > 0.0 && rating.probability < 1.0);
        prop_assert!((1..=99).contains(&rating.score));
        prop_assert!(rating.factors.iter().all(|it| it.effect.abs() <= it.maximum + 1e-12));
    }

    #[test]
    fn risk_is_monotonic_in_each_factor(features in any_features(), low in 0..20_u32, more in 0..20_u32, mood in -1.0..=1.0_f64) {
        let risk = |changed: Features| rated(&changed).probability;
        let with_failed = |it| risk(Features { failed_payments: known(it), ..features.clone() });
        prop_assert!(with_failed(low + more) >= with_failed(low));
        let with_refunds = |it| risk(Features { refunds: known(it), ..features.clone() });
        prop_assert!(with_refunds(low + more) >= with_refunds(low));
        let with_disputes = |it| risk(Features { open_disputes: known(it), ..features.clone() });
        prop_assert!(with_disputes(low + more) >= with_disputes(low));
        let with_idle = |it| risk(Features { last_activity_at: known(NOW - days(u64::from(it))), ..features.clone() });
        prop_assert!(with_idle((low + more) * 5) >= with_idle(low * 5));
        let with_events = |last| risk(Features { trend: known(Trend { last, before: 10 }), ..features.clone() });
        prop_assert!(with_events(low + more) <= with_events(low));
        let with_mood = |it| risk(Features { sentiment: known(it), ..features.clone() });
        prop_assert!(with_mood(mood) >= with_mood(1.0) && with_mood(mood) <= with_mood(-1.0));
        let with_renewals = |it| risk(Features { renewals: known(it), ..features.clone() });
        prop_assert!(with_renewals(low + more) <= with_renewals(low));
        let with_left = |it| risk(Features { renews_at: known(NOW + days(u64::from(it))), ..features.clone() });
        prop_assert!(with_left((low + more) * 5) <= with_left(low * 5));
        let with_status = |it| risk(Features { status: known(it), ..features.clone() });
        prop_assert!(with_status(MembershipStatus::PastDue) >= with_status(MembershipStatus::Active));
    }

    #[test]
    fn the_order_of_factors_does_not_matter(features in any_features()) {
        let rating = rated(&features);
        let mut turned = rating.factors.clone();
        turned.reverse();

        prop_assert_eq!(probability(rating.base, &turned), rating.probability);
    }

    #[test]
    fn an_unknown_value_lies_between_its_best_and_its_worst(features in any_features()) {
        let risk = |changed: Features| rated(&changed).probability;
        let unknown = risk(Features { last_activity_at: None, ..features.clone() });

        let fresh = risk(Features { last_activity_at: known(NOW), ..features.clone() });
        let stale = risk(Features { last_activity_at: known(NOW - days(99)), ..features.clone() });

        prop_assert!(fresh < unknown && unknown < stale);
    }
}
