//! Our values in the shapes that recorded requests had, and back again.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::sample;
use crate::domain::contract::record;
use crate::domain::draft::{Change, FieldName, Value};
use crate::domain::id::CrmId;
use crate::domain::money::{Currency, Money};
use crate::domain::schema::{FIELDS, Kind, Object};
use crate::domain::time::Timestamp;
use crate::twenty::{TwentyError, upsert, value};

fn usd(cents: i64) -> Value {
    Value::Money(Money::from_minor(cents, &Currency::new("usd")))
}

fn at(text: &str) -> Value {
    Value::Time(text.parse().unwrap())
}

fn change(object: Object, key: &str, fields: impl IntoIterator<Item = (FieldName, Value)>) -> Change {
    Change {
        object,
        id: "11111111-1111-4111-8111-111111111111".parse().unwrap(),
        key: key.to_owned(),
        fields: fields.into_iter().collect(),
    }
}

/// The parts of what we send that a recorded request has too, under Twenty's name for ours.
fn shared_with(recorded: &Json, ours: &Json, renamed: &[(&str, &str)]) -> BTreeMap<String, (Json, Json)> {
    let both = renamed.iter().map(|(our, theirs)| {
        let pair = (ours[*our].clone(), recorded[*theirs].clone());
        ((*our).to_owned(), pair)
    });
    both.collect()
}

#[test]
fn a_person_is_written_in_the_shapes_a_real_server_took() {
    let written = upsert::record(
        Object::Person,
        &change(
            Object::Person,
            "user_0001",
            [
                ("name", Value::Name { first: "Ada".to_owned(), last: "Member1".to_owned() }),
                ("emails", Value::Email("member1@example.com".to_owned())),
                ("phones", Value::Phone("+33612345678".to_owned())),
                ("whopUsername", Value::from("member1")),
                ("whopTotalSpent", usd(12_345)),
            ],
        ),
    )
    .unwrap();

    let batch = &sample!("people-batch-upsert-insert")["request"]["body"][0];
    let single = &sample!("people-upsert-null-unset")["request"]["body"];
    let as_in_batch = shared_with(
        batch,
        &written,
        &[("name", "name"), ("emails", "emails"), ("whopUsername", "whopUsername")],
    );
    for (field, (ours, theirs)) in as_in_batch {
        let shape = |it: &Json| it.as_object().map(|it| it.keys().cloned().collect::<Vec<_>>());
        assert_eq!(shape(&ours), shape(&theirs), "{field}");
        assert_eq!(ours.is_string(), theirs.is_string(), "{field}");
    }
    for (field, (ours, theirs)) in
        shared_with(single, &written, &[("phones", "phones"), ("whopTotalSpent", "whopLifetimeSpend")])
    {
        assert_eq!(ours, theirs, "{field}");
    }
    assert_eq!(written["whopMemberId"], "user_0001");
    assert_eq!(written["id"], "11111111-1111-4111-8111-111111111111");
}

#[test]
fn an_opportunity_is_written_exactly_as_recorded() {
    let recorded = &sample!("opportunities-batch-upsert-connect-person")["request"]["body"][1];
    let person: CrmId = "4d533b49-fee9-4586-beb1-b6f9758e557c".parse().unwrap();
    let link = Value::Link { url: "https://whop.com/manage/mem_1".to_owned(), label: "Manage".to_owned() };

    let written = upsert::record(
        Object::Opportunity,
        &change(
            Object::Opportunity,
            "mem_0001",
            [
                ("name", Value::from("Membership 1")),
                ("stage", Value::Choice("CUSTOMER".to_owned())),
                ("amount", usd(4900)),
                ("whopStatus", Value::Choice("PAST_DUE".to_owned())),
                ("whopRenewsAt", at("2026-12-23T00:00:00Z")),
                ("whopManageLink", link),
                ("whopRenews", Value::Boolean(true)),
                ("pointOfContact", Value::Related(person)),
            ],
        ),
    )
    .unwrap();

    let names = [
        ("name", "name"),
        ("whopMembershipId", "whopMembershipId"),
        ("stage", "stage"),
        ("amount", "amount"),
        ("whopStatus", "whopMembershipStatus"),
        ("whopRenewsAt", "whopRenewsAt"),
        ("whopManageLink", "whopManageLink"),
    ];
    for (field, (ours, theirs)) in shared_with(recorded, &written, &names) {
        assert_eq!(ours, theirs, "{field}");
    }
    assert_eq!(written["pointOfContactId"], "4d533b49-fee9-4586-beb1-b6f9758e557c");
    assert_eq!(written["whopRenews"], true);
    assert!(written.get("pointOfContact").is_none());
}

#[test]
fn nothing_clears_a_field_in_the_shape_of_its_kind() {
    let cleared = |object: Object, field: FieldName| {
        let written = upsert::record(object, &change(object, "k", [(field, Value::Empty)])).unwrap();
        written[value::column(object.field(field).unwrap())].clone()
    };

    assert_eq!(cleared(Object::Person, "name"), json!({"firstName": "", "lastName": ""}));
    assert_eq!(cleared(Object::Person, "emails"), json!({"primaryEmail": ""}));
    assert_eq!(cleared(Object::Person, "phones")["primaryPhoneNumber"], Json::Null);
    assert_eq!(cleared(Object::Person, "whopTotalSpent"), sample!("matrix-currency")["cases"][3]["input"]);
    assert_eq!(cleared(Object::Opportunity, "whopManageLink")["primaryLinkUrl"], "");
    for (object, field) in [
        (Object::Person, "whopUsername"),
        (Object::Person, "whopJoinedAt"),
        (Object::Person, "whopLastAction"),
        (Object::Opportunity, "pointOfContact"),
        (Object::Opportunity, "whopRenews"),
        (Object::Product, "activeMembers"),
    ] {
        assert_eq!(cleared(object, field), Json::Null, "{field}");
    }
}

#[test]
fn a_value_that_does_not_fit_its_field_is_our_own_mistake() {
    for (field, value) in [
        ("whopJoinedAt", Value::from("yesterday")),
        ("whopTotalSpent", Value::Number(4)),
        ("whopTotalSpent", Value::Money(Money::parse("0.00000001", &Currency::new("btc"), Some(8)).unwrap())),
        ("nope", Value::Empty),
    ] {
        let error =
            upsert::record(Object::Person, &change(Object::Person, "k", [(field, value)])).unwrap_err();

        assert!(matches!(error, TwentyError::Misused(_)), "{error}");
    }
}

fn example(kind: Kind) -> Value {
    match kind {
        Kind::Text | Kind::Key => Value::from("text"),
        Kind::Number => Value::Number(7),
        Kind::Boolean => Value::Boolean(false),
        Kind::DateTime => Value::Time(Timestamp::from_millis(1_795_423_975_123)),
        Kind::Currency => usd(-350),
        Kind::Link => Value::Link { url: "https://whop.com/a".to_owned(), label: "A".to_owned() },
        Kind::Choice(_) => Value::Choice("PAST_DUE".to_owned()),
        Kind::FullName => Value::Name { first: "Ada".to_owned(), last: String::new() },
        Kind::Emails => Value::Email("ada@example.com".to_owned()),
        Kind::Phones => Value::Phone("+33612345678".to_owned()),
        Kind::Relation(_) => Value::Related("4d533b49-fee9-4586-beb1-b6f9758e557c".parse().unwrap()),
    }
}

#[test]
fn what_is_written_reads_back_as_the_same_value() {
    for field in FIELDS.iter().chain(record::FIELDS) {
        for given in [example(field.kind), Value::Empty] {
            let written = value::write(field, &given).unwrap();

            assert_eq!(value::read(field.kind, &written), given, "{}", field.name);
        }
    }
}

#[test]
fn what_a_server_stored_reads_as_mapping_would_write_it() {
    let person = &sample!("people-upsert-null-unset")["response"]["body"]["data"]["createPerson"];
    let cases = sample!("matrix-currency");
    let stored = |case: usize| value::read(Kind::Currency, &cases["cases"][case]["stored"]);
    let jpy = json!({"amountMicros": "4900000000", "currencyCode": "JPY"});

    assert_eq!(value::read(Kind::FullName, &person["name"]), Value::Empty);
    assert_eq!(value::read(Kind::Emails, &person["emails"]), Value::Empty);
    assert_eq!(value::read(Kind::Phones, &person["phones"]), Value::Phone("+33612345678".to_owned()));
    assert_eq!(value::read(Kind::Text, &person["jobTitle"]), Value::Empty);
    assert_eq!(value::read(Kind::Currency, &person["whopLifetimeSpend"]), usd(12_345));
    assert_eq!(stored(0), usd(4900));
    assert_eq!(stored(3), Value::Empty);
    assert_eq!(
        value::read(Kind::Currency, &jpy),
        Value::Money(Money::from_minor(4900, &Currency::new("JPY")))
    );
}

#[test]
fn what_we_cannot_read_is_somebodys_and_not_nothing() {
    for (kind, json) in [
        (Kind::DateTime, json!("next week")),
        (Kind::Number, json!(3.7)),
        (Kind::Text, json!(["a"])),
        (Kind::Currency, json!({"amountMicros": "many"})),
    ] {
        let read = value::read(kind, &json);

        assert!(!read.is_empty(), "{json}");
        assert!(matches!(read, Value::Text(_)), "{json}");
    }
}
