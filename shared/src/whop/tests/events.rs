use serde_json::{Value, json};

use super::{ACCOUNT, SAMPLES, sample};
use crate::domain::event::Subject;
use crate::domain::id::AccountId;
use crate::domain::source::{RecordRef, Stream};
use crate::error::{Error, Kind};
use crate::whop::event::{BadEvent, event, subscribable};

fn names(body: &str) -> Vec<String> {
    match event(body).unwrap().subject {
        Subject::Records(records) => records.iter().map(ToString::to_string).collect(),
        other @ (Subject::NotMirrored | Subject::Unknown) => vec![format!("{other:?}")],
    }
}

fn of_type(name: &str, data: &Value) -> String {
    json!({ "type": name, "account_id": ACCOUNT, "data": data }).to_string()
}

#[test]
fn every_sample_names_its_account_and_the_records_it_is_about_parents_first() {
    for (name, body) in SAMPLES {
        let event = event(body).unwrap();
        assert!(name.starts_with(&event.name), "{name} is {}", event.name);
        assert_eq!(event.account.as_ref().map(AccountId::as_str), Some(ACCOUNT), "{name}");

        let family = name.split('.').next().unwrap();
        let expected: &[Stream] = match family {
            "member" => &[Stream::Members],
            "membership" => &[Stream::Members, Stream::Memberships],
            "payment" => &[Stream::Members, Stream::Memberships, Stream::Payments],
            "refund" => &[Stream::Refunds, Stream::Payments],
            "dispute" => &[Stream::Disputes, Stream::Payments],
            "dispute_alert" => &[Stream::Payments],
            "product" => &[Stream::Products],
            "plan" => &[Stream::Variants, Stream::Products],
            _ => {
                assert_eq!(event.subject, Subject::NotMirrored, "{name}");
                continue;
            }
        };
        let Subject::Records(records) = event.subject else {
            panic!("{name} is about nothing");
        };
        let streams: Vec<Stream> = records.iter().map(RecordRef::stream).collect();
        assert_eq!(streams, expected, "{name}");
    }
}

#[test]
fn the_ids_are_those_of_the_payload_flat_or_nested() {
    assert_eq!(
        names(sample("payment.succeeded")),
        ["members mber_9WqKd2HsGy6Tf", "memberships mem_4cLrXt7VzBn2Ek", "payments pay_6TzLn3QxVb8Mw"]
    );
    assert_eq!(
        names(sample("membership.deactivated.unpinned")),
        ["members mber_9WqKd2HsGy6Tf", "memberships mem_4cLrXt7VzBn2Ek"]
    );
    assert_eq!(names(sample("refund.created")), ["refunds rf_2BxQk7MzTn4V", "payments pay_6TzLn3QxVb8Mw"]);
    assert_eq!(names(sample("plan.updated")), ["variants plan_2HvTz9RmCj6Ff", "products prod_5nXw7QyBd3Lk"]);
}

#[test]
fn what_the_payload_hides_is_left_out() {
    let payment = of_type(
        "payment.succeeded",
        &json!({ "id": "pay_1", "member_id": null, "membership_id": null, "user": 7 }),
    );
    assert_eq!(names(&payment), ["payments pay_1"]);

    let alert = of_type("dispute_alert.created", &json!({ "id": "dspa_1", "payment_id": null }));
    assert_eq!(names(&alert), ["NotMirrored"]);
}

#[test]
fn old_names_and_other_spellings_mean_the_same_records() {
    for name in [
        "membership.went_valid",
        "membership.went_invalid",
        "membership.deactivated",
        "membership.cancel_at_period_end_changed",
        "membership_cancel_at_period_end_changed",
        "membership_activated",
    ] {
        assert_eq!(names(&of_type(name, &json!({ "id": "mem_1" }))), ["memberships mem_1"], "{name}");
    }
    assert_eq!(
        names(&of_type("dispute_alert_created", &json!({ "id": "dspa_1", "payment_id": "pay_1" }))),
        ["payments pay_1"]
    );
    let spelled = event(&of_type("payment_succeeded", &json!({ "id": "pay_1" }))).unwrap();
    assert_eq!(spelled.name, "payment.succeeded");
}

/// What else Whop sends, in part by names of old endpoints.
const OTHERS: &[&str] = &[
    "account.updated",
    "account.financing_approved",
    "ad.created",
    "ad_campaign.events",
    "ad_group.updated",
    "card.frozen",
    "card_application.denied",
    "card_transaction.declined",
    "chat.message.created",
    "chat.reaction.created",
    "chat_message_created",
    "course_lesson_interaction.completed",
    "deposit.succeeded",
    "entry.approved",
    "export.completed",
    "financial_activity.funds_available",
    "identity_profile.needs_action",
    "invoice.marked_uncollectible",
    "ledger_account.funds_available",
    "payout.reversed",
    "payout_account.status_updated",
    "payout_method.created",
    "resolution_center_case.decided",
    "setup_intent.canceled",
    "shipment.updated",
    "swap.completed",
    "transfer.failed",
    "verification.succeeded",
    "app_membership.went_valid",
    "app_payment.succeeded",
    "resolution.created",
    "withdrawal.updated",
    "payment.affiliate_reward_created",
];

#[test]
fn every_event_whop_lets_one_subscribe_to_is_known() {
    for name in OTHERS {
        let event = event(&of_type(name, &json!({ "id": "x_1" }))).unwrap();
        assert_eq!(event.subject, Subject::NotMirrored, "{name}");
    }

    assert_eq!(subscribable().len(), 27);
    for name in subscribable() {
        let payload = json!({ "id": "x_1", "payment_id": "pay_1" });
        let event = event(&of_type(name, &payload)).unwrap();
        assert!(matches!(event.subject, Subject::Records(_)), "{name}");
    }
}

#[test]
fn an_event_invented_tomorrow_is_unknown_and_no_error() {
    for name in ["membership.merged", "galaxy.created", "account_wallet.frozen", "x"] {
        let event = event(&of_type(name, &json!(null))).unwrap();
        assert_eq!((event.name.as_str(), event.subject), (name, Subject::Unknown));
    }
}

#[test]
fn a_body_of_the_older_api_is_refused_with_what_to_do() {
    let error = event(r#"{"action":"membership.went_valid","data":{"id":"mem_1"}}"#).unwrap_err();

    assert_eq!(error, BadEvent::Legacy);
    let error = Error::from(error);
    assert_eq!(error.kind(), Kind::Invalid);
    assert!(error.advice().contains("Create a v1 webhook"), "{}", error.advice());
}

#[test]
fn what_is_no_event_is_refused_without_its_contents() {
    assert_eq!(event("").unwrap_err(), BadEvent::NotJson);
    assert_eq!(event("[]").unwrap_err(), BadEvent::NotJson);
    assert_eq!(event("{\"type\": \"a\"").unwrap_err(), BadEvent::NotJson);
    assert_eq!(event("{}").unwrap_err(), BadEvent::NoType);
    assert_eq!(event(r#"{"type":7}"#).unwrap_err(), BadEvent::NoType);
    for data in [json!(null), json!({}), json!("mem_1"), json!({ "id": "Zoë \u{0}" })] {
        let error = event(&of_type("membership.updated", &data)).unwrap_err();
        assert!(matches!(error, BadEvent::NoRecord { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("Zoë"), "{error}");
    }
}
