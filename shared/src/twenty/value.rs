//! Our values in Twenty's shapes, and back. What is read compares equal to what `mapping` would write.

use serde_json::{Value as Json, json};

use super::TwentyError;
use crate::domain::draft::Value;
use crate::domain::money::{Currency, Money};
use crate::domain::schema::{Field, Kind};

/// The name a field is written and read by: a relation is its foreign key.
pub(super) fn column(field: &Field) -> String {
    match field.kind {
        Kind::Relation(_) => format!("{}Id", field.name),
        Kind::Text
        | Kind::Key
        | Kind::Number
        | Kind::Boolean
        | Kind::DateTime
        | Kind::Currency
        | Kind::Link
        | Kind::Choice(_)
        | Kind::FullName
        | Kind::Emails
        | Kind::Phones => field.name.to_owned(),
    }
}

/// What to select of a field in GraphQL, no more than [`read`] needs.
pub(super) fn selection(field: &Field) -> String {
    let parts = match field.kind {
        Kind::Currency => "{amountMicros currencyCode}",
        Kind::Link => "{primaryLinkUrl primaryLinkLabel}",
        Kind::FullName => "{firstName lastName}",
        Kind::Emails => "{primaryEmail}",
        Kind::Phones => "{primaryPhoneNumber primaryPhoneCallingCode}",
        Kind::Text
        | Kind::Key
        | Kind::Number
        | Kind::Boolean
        | Kind::DateTime
        | Kind::Choice(_)
        | Kind::Relation(_) => "",
    };
    format!("{}{parts}", column(field))
}

/// A value as Twenty takes it.
pub(super) fn write(field: &Field, value: &Value) -> Result<Json, TwentyError> {
    if value.is_empty() {
        return Ok(cleared(field.kind));
    }
    Ok(match (field.kind, value) {
        (Kind::Text | Kind::Key, Value::Text(text)) => json!(text),
        (Kind::Number, Value::Number(number)) => json!(number),
        (Kind::Boolean, Value::Boolean(yes)) => json!(yes),
        (Kind::DateTime, Value::Time(at)) => json!(at.to_string()),
        (Kind::Currency, Value::Money(money)) => amount(money)?,
        (Kind::Link, Value::Link { url, label }) => json!({"primaryLinkUrl": url, "primaryLinkLabel": label}),
        (Kind::Choice(_), Value::Choice(option)) => json!(option),
        (Kind::FullName, Value::Name { first, last }) => json!({"firstName": first, "lastName": last}),
        (Kind::Emails, Value::Email(email)) => json!({"primaryEmail": email}),
        (Kind::Phones, Value::Phone(number)) => json!({"primaryPhoneNumber": number}),
        (Kind::Relation(_), Value::Related(id)) => json!(id),
        _ => return Err(TwentyError::Misused("a value does not fit its field")),
    })
}

fn amount(money: &Money) -> Result<Json, TwentyError> {
    let micros = money.micros().ok_or(TwentyError::Misused("an amount is not exact in millionths"))?;
    Ok(json!({"amountMicros": micros, "currencyCode": money.currency().as_str()}))
}

/// What empties a field. Each shape is one that 2.21 was seen to accept; parts of a composite that we do not
/// own, such as further e-mails, stay.
fn cleared(kind: Kind) -> Json {
    match kind {
        Kind::Currency => json!({"amountMicros": null, "currencyCode": null}),
        Kind::Link => json!({"primaryLinkUrl": "", "primaryLinkLabel": ""}),
        Kind::FullName => json!({"firstName": "", "lastName": ""}),
        Kind::Emails => json!({"primaryEmail": ""}),
        // The country would outlive the number; an empty text is parsed as a number by older servers.
        Kind::Phones => {
            json!({"primaryPhoneNumber": null, "primaryPhoneCountryCode": null, "primaryPhoneCallingCode": null})
        }
        Kind::Text
        | Kind::Key
        | Kind::Number
        | Kind::Boolean
        | Kind::DateTime
        | Kind::Choice(_)
        | Kind::Relation(_) => Json::Null,
    }
}

/// A value as Twenty gives it. What we cannot read is kept as a text: it is somebody's, and not ours.
pub(super) fn read(kind: Kind, json: &Json) -> Value {
    let part = |name: &str| json.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let known = match kind {
        _ if json.is_null() => Some(Value::Empty),
        Kind::Text | Kind::Key => json.as_str().map(Value::from),
        Kind::Choice(_) => json.as_str().map(|option| Value::Choice(option.to_owned())),
        Kind::Number => json.as_i64().map(Value::Number),
        Kind::Boolean => json.as_bool().map(Value::Boolean),
        Kind::DateTime => json.as_str().and_then(|at| at.parse().ok()).map(Value::Time),
        Kind::Relation(_) => json.as_str().and_then(|id| id.parse().ok()).map(Value::Related),
        Kind::Currency => money(json),
        Kind::Link => json
            .is_object()
            .then(|| Value::Link { url: part("primaryLinkUrl"), label: part("primaryLinkLabel") }),
        Kind::FullName => {
            json.is_object().then(|| Value::Name { first: part("firstName"), last: part("lastName") })
        }
        Kind::Emails => json.is_object().then(|| Value::Email(part("primaryEmail").to_lowercase())),
        Kind::Phones => {
            json.is_object().then(|| phone(&part("primaryPhoneCallingCode"), &part("primaryPhoneNumber")))
        }
    };
    match known {
        Some(value) if value.is_empty() => Value::Empty,
        Some(value) => value,
        None => Value::Text(json.to_string()),
    }
}

/// Twenty keeps a number in two parts; together they are E.164 again.
fn phone(calling_code: &str, number: &str) -> Value {
    if number.is_empty() {
        return Value::Empty;
    }
    let whole = if number.starts_with('+') { number.to_owned() } else { format!("{calling_code}{number}") };
    Value::Phone(whole.chars().filter(|c| *c == '+' || c.is_ascii_digit()).collect())
}

/// An amount in the digits of its currency, or in millionths if it has more. Read from its digits: JSON numbers
/// of this size would pass through a float elsewhere.
fn money(json: &Json) -> Option<Value> {
    let micros = json.get("amountMicros")?;
    if micros.is_null() {
        return Some(Value::Empty);
    }
    let micros: i64 = micros.as_i64().or_else(|| micros.as_str()?.parse().ok())?;
    let currency = Currency::new(json.get("currencyCode").and_then(Json::as_str).unwrap_or_default());
    let sign = if micros < 0 { "-" } else { "" };
    let (whole, fraction) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
    let text = format!("{sign}{whole}.{fraction:06}");
    let money = Money::parse(&text, &currency, None).or_else(|_| Money::parse(&text, &currency, Some(6)));
    money.ok().map(Value::Money)
}
