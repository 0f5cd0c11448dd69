use proptest::prelude::*;

use super::super::features::Source;
use super::*;
use crate::domain::money::Currency;

const NOW: Timestamp = Timestamp::from_millis(1_795_420_800_000);

fn known<T>(value: T) -> Option<Known<T>> {
    Some(Known { value, source: Source::Whop, at: NOW })
}

fn ago(count: u64) -> Timestamp {
    NOW - days(count)
}

fn dollars(minor: i64) -> Option<Known<Money>> {
    known(Money::from_minor(minor, &Currency::new("usd")))
}

fn score(features: &Features) -> LeadScore {
    lead_score(features, &LeadWeights::default(), NOW)
}

fn touch(kind: TouchKind, age: u64) -> Touch {
    Touch { kind, at: ago(age) }
}

#[test]
fn worked_example_a_business_on_trial_is_warm() {
    // Fit 8+7+4+3 = 22; engagement 15·½ + 8 = 15.5; intent 12; value 5·log₁₀(1+99) = 10. Together 59.5.
    let features = Features {
        business_email: known(true),
        company: known(true),
        job_title: known(true),
        reachable: known(true),
        touches: known(vec![touch(TouchKind::Meeting, 14), touch(TouchKind::EmailReply, 0)]),
        trial_running: known(true),
        lifetime_spend: dollars(9_900),
        ..Features::default()
    };

    let scored = score(&features);

    assert_eq!((scored.score, scored.band), (60, LeadBand::Warm));
    let points: Vec<f64> = scored.groups.iter().map(|group| group.points).collect();
    assert_eq!(points, [22.0, 15.5, 12.0, 10.0, 0.0]);
}

#[test]
fn worked_example_penalties_are_capped_and_the_score_ends_at_zero() {
    let features = Features {
        business_email: known(true),
        unsubscribed: known(true),
        email_bounced: known(true),
        ever_disputed: known(true),
        refund_percent: known(50),
        last_activity_at: known(ago(61)),
        ..Features::default()
    };

    let scored = score(&features);

    assert_eq!((scored.score, scored.band), (0, LeadBand::Cold));
    assert_eq!(scored.groups.last().unwrap().points, -40.0);
    let top: Vec<String> = scored.top(Direction::Lowers).into_iter().map(|it| it.key).collect();
    assert_eq!(top, ["disputed", "email_bounced", "unsubscribed"]);
}

#[test]
fn every_band_begins_where_it_should() {
    let with = |spend, meetings| {
        let touches = vec![touch(TouchKind::Meeting, 0); meetings];
        let fit = Features {
            business_email: known(true),
            company: known(true),
            job_title: known(true),
            reachable: known(true),
            in_segment: known(true),
            touches: known(touches),
            trial_running: known(true),
            on_waitlist: known(true),
            checkout_abandoned_at: known(ago(14)),
            lifetime_spend: dollars(spend),
            ..Features::default()
        };
        score(&fit)
    };
    assert_eq!((with(0, 0).score, with(0, 0).band), (55, LeadBand::Warm));
    assert_eq!((with(0, 2).score, with(0, 2).band), (85, LeadBand::Hot));
    assert_eq!(with(99_900, 9).score, 100);
}

#[test]
fn unknown_is_not_no() {
    let unknown = score(&Features::default());
    let no = score(&Features { business_email: known(false), ..Features::default() });
    let factor =
        |it: &LeadScore| it.factors().find(|factor| factor.key == "business_email").cloned().unwrap();

    assert!(!factor(&unknown).known && factor(&no).known);
    assert_eq!((unknown.coverage.known, no.coverage.known), (0, 1));
    assert!(!unknown.enough);
    let idle = score(&Features { touches: known(Vec::new()), ..Features::default() });
    assert!(idle.factors().any(|it| it.key == "meeting" && it.known));
    assert!(unknown.factors().any(|it| it.key == "meeting" && !it.known));
}

#[test]
fn every_key_is_listed_for_models() {
    for factor in score(&Features::default()).factors() {
        assert!(super::super::score::KEYS.contains(&factor.key.as_str()), "{}", factor.key);
    }
}

fn maybe_bool() -> impl Strategy<Value = Option<Known<bool>>> {
    proptest::option::of(any::<bool>().prop_map(|it| known(it).unwrap()))
}

fn maybe_time() -> impl Strategy<Value = Option<Known<Timestamp>>> {
    proptest::option::of((0..400_u64).prop_map(|it| known(ago(it)).unwrap()))
}

fn touches() -> impl Strategy<Value = Vec<Touch>> {
    let one = (0..5_usize, 0..200_u64).prop_map(|(kind, age)| touch(TouchKind::ALL[kind], age));
    proptest::collection::vec(one, 0..20)
}

prop_compose! {
    fn any_features()(
        flags in proptest::collection::vec(maybe_bool(), 11),
        times in proptest::collection::vec(maybe_time(), 3),
        touches in proptest::option::of(touches()),
        spend in proptest::option::of(0..100_000_000_i64),
        percent in proptest::option::of(0..=100_u32),
    ) -> Features {
        let flag = |at: usize| flags[at].clone();
        Features {
            business_email: flag(0), company: flag(1), job_title: flag(2), reachable: flag(3), in_segment: flag(4),
            trial_running: flag(5), on_waitlist: flag(6), free_membership: flag(7),
            unsubscribed: flag(8), email_bounced: flag(9), ever_disputed: flag(10),
            checkout_abandoned_at: times[0].clone(), membership_ended_at: times[1].clone(),
            last_activity_at: times[2].clone(),
            touches: touches.and_then(known), lifetime_spend: spend.and_then(dollars),
            refund_percent: percent.and_then(known),
            ..Features::default()
        }
    }
}

/// A flag of the features.
type Flag = fn(&mut Features) -> &mut Option<Known<bool>>;

proptest! {
    #[test]
    fn a_score_and_its_groups_keep_their_bounds(features in any_features()) {
        let scored = score(&features);

        prop_assert!(scored.score <= 100);
        for group in &scored.groups {
            prop_assert!(group.points.abs() <= group.maximum);
            prop_assert!(group.factors.iter().all(|it| it.known || it.effect == 0.0));
        }
    }

    #[test]
    fn what_is_good_never_lowers_and_what_is_bad_never_raises(features in any_features()) {
        let raising: [Flag; 8] = [
            |it| &mut it.business_email, |it| &mut it.company, |it| &mut it.job_title, |it| &mut it.reachable,
            |it| &mut it.in_segment, |it| &mut it.trial_running, |it| &mut it.on_waitlist, |it| &mut it.free_membership,
        ];
        let lowering: [Flag; 3] =
            [|it| &mut it.unsubscribed, |it| &mut it.email_bounced, |it| &mut it.ever_disputed];
        let with = |flag: Flag, value| {
            let mut changed = features.clone();
            *flag(&mut changed) = known(value);
            score(&changed).score
        };
        for flag in raising {
            prop_assert!(with(flag, true) >= with(flag, false));
        }
        for flag in lowering {
            prop_assert!(with(flag, true) <= with(flag, false));
        }
    }

    #[test]
    fn one_more_contact_never_lowers_and_an_older_one_never_counts_more(
        features in any_features(), some in touches(), kind in 0..5_usize, age in 0..100_u64,
    ) {
        let with = |more: &[Touch]| {
            let all = [some.as_slice(), more].concat();
            score(&Features { touches: known(all), ..features.clone() }).score
        };
        let one = |age| [touch(TouchKind::ALL[kind], age)];

        prop_assert!(with(&one(age)) >= with(&[]));
        prop_assert!(with(&one(age + 1)) <= with(&one(age)));
    }

    #[test]
    fn what_happened_lately_never_counts_less_than_what_is_long_ago(
        features in any_features(), age in 0..300_u64, more in 0..300_u64,
    ) {
        let abandoned = |age| score(&Features { checkout_abandoned_at: known(ago(age)), ..features.clone() }).score;
        prop_assert!(abandoned(age + more) <= abandoned(age));
        let ended = |age| score(&Features { membership_ended_at: known(ago(age)), ..features.clone() }).score;
        prop_assert!(ended(age + more) <= ended(age));
        let active = |age| score(&Features { last_activity_at: known(ago(age)), ..features.clone() }).score;
        prop_assert!(active(age + more) <= active(age));
    }

    #[test]
    fn more_refunds_never_raise(features in any_features(), some in 0..=100_u32, more in 0..=100_u32) {
        let with = |percent: u32| score(&Features { refund_percent: known(percent.min(100)), ..features.clone() }).score;

        prop_assert!(with(some + more) <= with(some));
    }

    #[test]
    fn what_is_unknown_counts_as_neither_good_nor_bad(features in any_features()) {
        let all = score(&features);
        let unknown = all.factors().filter(|it| !it.known);
        prop_assert!(unknown.map(|it| it.effect).all(|effect| effect == 0.0));
        let without = score(&Features { business_email: None, ever_disputed: None, ..features.clone() });
        let worst = score(&Features { business_email: known(false), ever_disputed: known(true), ..features.clone() });
        let best = score(&Features { business_email: known(true), ever_disputed: known(false), ..features });
        prop_assert!(worst.score <= without.score && without.score <= best.score);
        prop_assert!(without.coverage.known < worst.coverage.known);
    }

    #[test]
    fn more_spend_never_lowers(features in any_features(), spend in 0..10_000_000_i64, more in 0..10_000_000_i64) {
        let with = |minor| score(&Features { lifetime_spend: dollars(minor), ..features.clone() }).score;

        prop_assert!(with(spend + more) >= with(spend));
    }

    #[test]
    fn the_order_of_contacts_and_groups_does_not_matter(features in any_features(), some in touches()) {
        let mut turned = some.clone();
        turned.reverse();
        let one = score(&Features { touches: known(some), ..features.clone() });
        let other = score(&Features { touches: known(turned), ..features.clone() });
        let mut groups = one.groups.clone();
        groups.reverse();

        prop_assert_eq!(total(&groups), one.score);
        prop_assert_eq!(one, other);
    }
}
