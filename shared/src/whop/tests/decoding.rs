use proptest::prelude::*;
use serde_json::{Value, json};

use super::{ACCOUNT, SAMPLES, data};
use crate::domain::id::AccountId;
use crate::domain::money::Money;
use crate::domain::source::{
    Cursor, Dispute, Member, Membership, Page, Payment, Product, Record, Refund, Stream, Variant,
};
use crate::domain::words::{MembershipStatus, Visibility};
use crate::whop::error::WhopError;
use crate::whop::wire;

fn account() -> AccountId {
    ACCOUNT.parse().unwrap()
}

fn page_of(stream: Stream, rows: &str) -> Page {
    let body = format!(r#"{{"data":{rows},"page_info":{{"end_cursor":"e","has_next_page":true}}}}"#);
    wire::page(stream, body.as_bytes(), &account(), None).unwrap()
}

fn read(stream: Stream, row: &Value) -> Result<Record, String> {
    let mut page = page_of(stream, &format!("[{row}]"));
    match page.unreadable.pop() {
        Some(unreadable) => Err(unreadable.reason),
        None => Ok(page.records.pop().unwrap()),
    }
}

macro_rules! reader {
    ($($name:ident: $stream:ident -> $type:ty;)+) => {$(
        fn $name(row: &Value) -> $type {
            match read(Stream::$stream, row).unwrap() {
                Record::$stream(it) => it,
                other => panic!("{other:?}"),
            }
        }
    )+};
}

reader! {
    product: Products -> Product;
    variant: Variants -> Variant;
    member: Members -> Member;
    membership: Memberships -> Membership;
    payment: Payments -> Payment;
    refund: Refunds -> Refund;
    dispute: Disputes -> Dispute;
}

fn shown(money: Option<&Money>) -> String {
    money.map(ToString::to_string).unwrap_or_default()
}

#[test]
fn the_record_in_every_sample_is_read() {
    for (name, _) in SAMPLES {
        let stream = match name.split('.').next().unwrap() {
            "member" => Stream::Members,
            "membership" => Stream::Memberships,
            "payment" => Stream::Payments,
            "refund" => Stream::Refunds,
            "dispute" => Stream::Disputes,
            "product" => Stream::Products,
            "plan" => Stream::Variants,
            _ => continue,
        };
        let row = data(name);
        let record = read(stream, &row).unwrap_or_else(|reason| panic!("{name}: {reason}"));
        assert_eq!(record.name().id(), row["id"], "{name}");
    }
}

#[test]
fn a_membership_says_what_the_seller_wants_to_see() {
    let it = membership(&data("membership.updated.cancel_scheduled"));

    assert_eq!(it.member.unwrap().as_str(), "mber_9WqKd2HsGy6Tf");
    assert_eq!((it.product.as_str(), it.product_title.as_str()), ("prod_5nXw7QyBd3Lk", "Inner Circle"));
    assert_eq!((it.status, it.cancels_at_period_end), (MembershipStatus::Active, true));
    assert_eq!(shown(it.initial_price.as_ref()), "0.00 USD");
    assert_eq!(shown(it.renewal_price.as_ref()), "49.00 USD");
    assert_eq!(it.period_end.unwrap().to_string(), "2026-12-02T14:05:11.000Z");
    assert_eq!(it.last_action.as_deref(), Some("canceling_on"));
    assert_eq!(it.updated_at.to_string(), "2026-11-20T10:00:00.400Z");
}

#[test]
fn a_person_a_payment_and_a_price_say_theirs() {
    let zoe = member(&data("member.updated"));
    assert_eq!(zoe.display_name, "Zoë Marchetti");
    assert_eq!(zoe.email.as_deref(), Some("zoe.marchetti@example.com"));
    assert_eq!(zoe.username.as_deref(), Some("zoemarchetti"));
    assert_eq!(shown(zoe.total_spent.as_ref()), "49.00 USD");

    let paid = payment(&data("payment.succeeded"));
    assert_eq!(shown(paid.after_fees.as_ref()), "46.88 USD");
    assert_eq!(paid.membership.unwrap().as_str(), "mem_4cLrXt7VzBn2Ek");
    assert!(payment(&data("payment.failed")).failure.is_some());

    let monthly = variant(&data("plan.updated"));
    assert_eq!(
        (shown(monthly.initial_price.as_ref()), shown(monthly.renewal_price.as_ref())),
        ("0.00 USD".into(), "59.00 USD".into())
    );
    assert_eq!((monthly.renews, monthly.billing_days), (true, Some(30)));
    assert_eq!(monthly.product.unwrap().as_str(), "prod_5nXw7QyBd3Lk");

    let circle = product(&data("product.updated"));
    assert_eq!((circle.active_members, circle.visibility), (128, Some(Visibility::Visible)));

    let back = refund(&data("refund.created"));
    assert_eq!(
        (shown(back.amount.as_ref()), back.payment.as_str()),
        ("49.00 USD".into(), "pay_6TzLn3QxVb8Mw")
    );

    let dispute = dispute(&data("dispute.created"));
    assert_eq!(
        (shown(dispute.amount.as_ref()), dispute.payment.as_str()),
        ("49.00 USD".into(), "pay_6TzLn3QxVb8Mw")
    );
}

#[test]
fn a_refund_of_the_present_api_is_read_too() {
    let row = json!({
        "id": "rf_1", "account_id": ACCOUNT, "payment_id": "pay_1", "status": "succeeded", "amount": null,
        "original_amount": { "amount": "12.5000", "currency": "eur", "decimals": 4, "display_decimals": 2 },
        "created_at": "2026-11-10T09:30:02Z", "updated_at": "2026-11-10T10:30:02+01:00",
    });

    let it = refund(&row);

    assert_eq!(it.amount.unwrap().micros(), Some(12_500_000));
    assert_eq!(it.created_at, it.updated_at);
}

#[test]
fn null_and_absent_are_the_same() {
    let full = data("payment.created");
    let nulls: Vec<String> =
        full.as_object().unwrap().iter().filter(|(_, it)| it.is_null()).map(|(key, _)| key.clone()).collect();
    assert!(nulls.len() > 5);
    let mut bare = full.clone();
    for key in &nulls {
        bare.as_object_mut().unwrap().remove(key);
    }

    assert_eq!(payment(&bare), payment(&full));
}

#[test]
fn unknown_fields_and_words_are_no_error() {
    let mut row = data("membership.activated");
    row["status"] = json!("hibernating");
    row["moon_phase"] = json!({ "deep": [1, { "er": null }] });

    assert_eq!(membership(&row).status, MembershipStatus::Other("hibernating".into()));
}

#[test]
fn long_texts_and_nul_characters_do_not_stop_a_row() {
    let mut row = data("membership.activated");
    row["cancellation_reason"] = json!(format!("no\u{0}{}", "x".repeat(300_000)));
    row["product"]["title"] = json!("In\u{0}ner");

    let it = membership(&row);

    assert_eq!(it.cancellation_reason.unwrap().len(), 300_002);
    assert_eq!(it.product_title, "Inner");
}

#[test]
fn a_row_that_cannot_be_read_is_kept_aside_and_takes_nothing_with_it() {
    let good = data("membership.activated");
    let mut no_status = good.clone();
    no_status["status"] = json!(null);
    let mut bad_time = good.clone();
    bad_time["created_at"] = json!("yesterday");
    let mut bad_id = good.clone();
    bad_id["id"] = json!("mem 1/../x");
    let rows = format!("[{no_status},{good},7,{bad_time},{bad_id},null,{good}]");

    let page = page_of(Stream::Memberships, &rows);

    assert_eq!(page.records.len(), 2);
    let reasons: Vec<&str> = page.unreadable.iter().map(|it| it.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "`status` is missing",
            "it is not a JSON object",
            "`created_at` is not an ISO 8601 time",
            "`id` is not a valid Whop membership id",
            "it is not a JSON object",
        ]
    );
    assert_eq!(page.unreadable[0].id.as_deref(), Some("mem_4cLrXt7VzBn2Ek"));
    assert_eq!(page.unreadable[0].raw, no_status.to_string());
}

#[test]
fn a_buyers_client_secret_is_not_kept_with_an_unreadable_payment() {
    let mut row = data("payment.created");
    row["client_secret"] = json!("canary");
    row["created_at"] = json!("zoe@example.com");

    let page = page_of(Stream::Payments, &format!("[{row}]"));

    let kept = &page.unreadable[0];
    assert!(!kept.raw.contains("canary") && kept.raw.contains("pay_"), "{}", kept.raw);
    assert!(!kept.reason.contains("zoe"), "{}", kept.reason);
}

#[test]
fn rows_of_another_account_are_left_out() {
    let mine = data("member.updated");
    let mut theirs = mine.clone();
    theirs["account_id"] = json!("biz_other");
    let mut nested = data("membership.activated");
    nested["account"]["id"] = json!("biz_other");

    assert_eq!(page_of(Stream::Members, &format!("[{theirs},{mine}]")).records.len(), 1);
    assert_eq!(page_of(Stream::Memberships, &format!("[{nested}]")).records.len(), 0);
}

/// An amount as JSON, the currency of its row, and what it is.
const AMOUNTS: &[(&str, &str, &str)] = &[
    ("49.99", "usd", "49.99 USD"),
    ("49.990", "usd", "49.99 USD"),
    ("0.1", "usd", "0.10 USD"),
    ("-3.5", "eur", "-3.50 EUR"),
    ("1e3", "usd", "1000.00 USD"),
    ("4.9E+1", "usd", "49.00 USD"),
    ("-25e-2", "usd", "-0.25 USD"),
    ("12345678901234.56", "usd", "12345678901234.56 USD"),
    ("4900", "jpy", "4900 JPY"),
    ("1.234", "kwd", "1.234 KWD"),
    ("29.990000000000002", "usd", "29.990000000000002 USD"),
    (r#""49.00""#, "usd", "49.00 USD"),
    (r#"{"amount":"0.00000001","currency":"btc","decimals":8}"#, "usd", "0.00000001 BTC"),
    (r#"{"amount":49.5,"currency":"usd","decimals":2}"#, "eur", "49.50 USD"),
    (r#"{"amount":"7","currency":null,"decimals":null}"#, "eur", "7.00 EUR"),
    (r#"{"amount":null,"currency":"usd"}"#, "usd", ""),
    ("null", "usd", ""),
    ("49.99", "", ""),
];

/// A dispute's row with this amount, byte for byte.
fn disputed(amount: &str, currency: &str) -> String {
    let mut row = data("dispute.created");
    row["currency"] = json!(currency);
    row["amount"] = json!("AMOUNT");
    let with = format!(r#""amount":{amount}"#);
    format!("[{row}]").replace(r#""amount":"AMOUNT""#, &with)
}

#[test]
fn amounts_keep_every_digit_whatever_form_they_come_in() {
    for (amount, currency, expected) in AMOUNTS {
        let page = page_of(Stream::Disputes, &disputed(amount, currency));

        assert_eq!(page.unreadable, [], "{amount}");
        let Record::Disputes(it) = &page.records[0] else {
            panic!("not a dispute");
        };
        assert_eq!(shown(it.amount.as_ref()), *expected, "{amount} {currency}");
    }
}

#[test]
fn what_is_no_amount_is_said_and_never_rounded() {
    let object = r#"{"amount":"1,5","currency":"usd"}"#;
    for amount in [r#""forty""#, "1e400", "1e30", "99999999999999999999", "true", "[]", object] {
        let page = page_of(Stream::Disputes, &disputed(amount, "usd"));

        let reasons: Vec<&str> = page.unreadable.iter().map(|it| it.reason.as_str()).collect();
        assert_eq!(reasons, ["`amount` is not an exact amount of money"], "{amount}");
    }
}

#[test]
fn a_list_ends_only_where_whop_says_so() {
    let next = |info: &str, asked: Option<&str>| {
        let body = format!(r#"{{"data":[],"page_info":{info}}}"#);
        let asked = asked.map(|it| Cursor(it.to_owned()));
        wire::page(Stream::Members, body.as_bytes(), &account(), asked.as_ref()).map(|page| page.next)
    };

    let on = Some(Cursor("e".to_owned()));
    assert_eq!(next(r#"{"end_cursor":"e","has_next_page":true}"#, None).unwrap(), on);
    assert_eq!(next(r#"{"end_cursor":"e"}"#, Some("d")).unwrap(), on);
    assert_eq!(next(r#"{"end_cursor":"e","has_next_page":false}"#, None).unwrap(), None);
    assert_eq!(next(r#"{"end_cursor":"","has_next_page":true}"#, None).unwrap(), None);
    assert_eq!(next(r#"{"end_cursor":null,"has_next_page":true}"#, None).unwrap(), None);
    assert!(matches!(next("null", None), Err(WhopError::Unexpected(_))));
    assert!(matches!(
        next(r#"{"end_cursor":"e","has_next_page":true}"#, Some("e")),
        Err(WhopError::Unexpected(_))
    ));
}

const SIX_BY_THREE: i64 = 999_999_999_999_999_999;

proptest! {
    #[test]
    fn an_amount_with_up_to_eighteen_digits_is_read_exactly(minor in -SIX_BY_THREE..=SIX_BY_THREE) {
        let sign = if minor < 0 { "-" } else { "" };
        let text = format!("{sign}{}.{:02}", minor.unsigned_abs() / 100, minor.unsigned_abs() % 100);
        let page = page_of(Stream::Disputes, &disputed(&text, "usd"));
        let Record::Disputes(it) = &page.records[0] else { panic!("not a dispute") };
        prop_assert_eq!(it.amount.as_ref().unwrap().minor(), minor);
    }

    #[test]
    fn no_row_whatever_it_holds_stops_its_page(rows in prop::collection::vec(any_json(), 0..6)) {
        let text = Value::Array(rows.clone()).to_string();
        for stream in Stream::ALL {
            let page = page_of(stream, &text);
            prop_assert!(page.records.len() + page.unreadable.len() <= rows.len());
        }
    }
}

/// Objects with the fields of real rows and values of any kind.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!("2026-11-10T09:30:02Z")),
        Just(json!({ "amount": "1.00", "currency": "usd", "decimals": 2 })),
        Just(json!({ "id": "x_1" })),
    ];
    let field = prop::sample::select(vec![
        "id",
        "account",
        "account_id",
        "product",
        "product_id",
        "plan_id",
        "payment_id",
        "payment",
        "user",
        "status",
        "substatus",
        "created_at",
        "updated_at",
        "amount",
        "currency",
        "total",
        "member_count",
    ]);
    prop::collection::btree_map(field, leaf, 0..12)
        .prop_map(|fields| Value::Object(fields.into_iter().map(|(key, it)| (key.to_owned(), it)).collect()))
}
