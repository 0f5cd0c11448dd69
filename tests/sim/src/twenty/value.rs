//! What a field takes and what is stored for it, type by type, with the texts of Twenty's refusals.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::contact;
use super::refusal::{Refusal, inspect};
use super::schema::{Field, Kind};

/// What one input means for the columns of its field: part number and stored value.
pub(super) type Stored = Vec<(usize, Value)>;

type Outcome<T> = Result<T, Refusal>;

/// Checks `input` and turns it into what is stored.
pub(super) fn stored(field: &Field, input: &Value) -> Outcome<Stored> {
    if field.kind.parts().is_empty() {
        return Ok(vec![(0, plain(field, input)?)]);
    }
    if input.is_null() {
        return Ok((0..field.kind.parts().len()).map(|part| (part, Value::Null)).collect());
    }
    let Value::Object(map) = input else {
        return Err(not_an_object(&field.name, input));
    };
    for key in map.keys() {
        if !field.kind.parts().iter().any(|(part, _)| part == key) {
            let text = format!("Invalid subfield {key} for {} field \"{}\"", field.kind.spoken(), field.name);
            return Err(Refusal::value(text, &inspect(input)));
        }
    }
    composite(field, map)
}

fn composite(field: &Field, map: &Map<String, Value>) -> Outcome<Stored> {
    let name = &field.name;
    match field.kind {
        Kind::Emails => contact::emails(name, map),
        Kind::Links => contact::links(name, map),
        Kind::Phones => contact::phones(name, map),
        Kind::Currency => currency(name, map),
        Kind::RichText => Ok(rich_text(map)),
        Kind::Address => each(field, map, |at, key, value| {
            if at >= 6 {
                number(&format!("{name}.{key}"), value)
            } else {
                text(&format!("{name}.{key}"), value)
            }
        }),
        _ => each(field, map, |_, key, value| text(&format!("{name}.{key}"), value)),
    }
}

fn each(
    field: &Field,
    map: &Map<String, Value>,
    check: impl Fn(usize, &str, &Value) -> Outcome<Value>,
) -> Outcome<Stored> {
    let mut stored = Stored::new();
    for (at, (key, _)) in field.kind.parts().iter().enumerate() {
        if let Some(value) = map.get(*key) {
            stored.push((at, check(at, key, value)?));
        }
    }
    Ok(stored)
}

fn plain(field: &Field, input: &Value) -> Outcome<Value> {
    if input.is_null() {
        return Ok(Value::Null);
    }
    let name = &field.name;
    match field.kind {
        Kind::Text => text(name, input),
        Kind::Number | Kind::Numeric => number(name, input),
        Kind::Position => match input {
            Value::String(_) => Ok(json!(0)),
            other => number(name, other),
        },
        Kind::Boolean if input.is_boolean() => Ok(input.clone()),
        Kind::Date => day(name, input),
        Kind::DateTime => date_time(name, input),
        Kind::Select | Kind::Rating => select(field, input),
        Kind::MultiSelect => multi_select(field, input),
        Kind::RawJson => raw_json(name, input),
        Kind::Array | Kind::Files if input.is_array() => Ok(input.clone()),
        Kind::Uuid | Kind::Relation => uuid(name, input).map(|id| json!(id)),
        kind => {
            let text = format!("Invalid {} value {} for field \"{name}\"", kind.spoken(), inspect(input));
            Err(Refusal::value(text, &inspect(input)))
        }
    }
}

fn not_an_object(name: &str, input: &Value) -> Refusal {
    let shown = inspect(input);
    Refusal::value(format!("Invalid object value {shown} for field \"{name}\""), &shown)
}

/// Empty text is stored as nothing and never collides.
pub(super) fn text(name: &str, input: &Value) -> Outcome<Value> {
    match input {
        Value::Null => Ok(Value::Null),
        Value::String(text) if text.is_empty() => Ok(Value::Null),
        Value::String(_) => Ok(input.clone()),
        other => {
            let shown = inspect(other);
            Err(Refusal::value(format!("Invalid string value {shown} for text field \"{name}\""), &shown))
        }
    }
}

fn number(name: &str, input: &Value) -> Outcome<Value> {
    match input {
        Value::Null => Ok(Value::Null),
        Value::Number(number) => Ok(whole_if_possible(number)),
        other => {
            let shown = inspect(other);
            Err(Refusal::value(format!("Invalid number value {shown} for field \"{name}\""), &shown))
        }
    }
}

/// `3.0` and `3` are one number to the server.
fn whole_if_possible(number: &serde_json::Number) -> Value {
    match number.as_f64() {
        Some(float) if float.fract() == 0.0 && float.abs() < 9e15 => {
            #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
            let whole = float as i64;
            json!(whole)
        }
        _ => Value::Number(number.clone()),
    }
}

pub(super) fn uuid(name: &str, input: &Value) -> Outcome<Uuid> {
    input.as_str().and_then(|text| Uuid::try_parse(text).ok()).ok_or_else(|| {
        let shown = inspect(input);
        Refusal::value(format!("Invalid UUID value {shown} for field \"{name}\""), &shown)
    })
}

/// The time in milliseconds that an ISO text means; a date alone is midnight UTC.
pub(super) fn instant(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(time) = chrono::DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_millis());
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M"] {
        if let Ok(time) = chrono::NaiveDateTime::parse_from_str(text, format) {
            return Some(time.and_utc().timestamp_millis());
        }
    }
    let day = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
}

fn date_time(name: &str, input: &Value) -> Outcome<Value> {
    if let Some(ms) = input.as_str().and_then(instant) {
        return Ok(json!(crate::clock::iso(ms)));
    }
    let shown = inspect(input);
    let text = format!(
        "Invalid value {shown} for date-time field \"{name}\". Expected format: 'YYYY-MM-DDTHH:mm:ssZ'"
    );
    Err(Refusal::value(text, &shown))
}

/// Dates are read as leniently as the server reads them: `02/01/2026` is the first of February.
fn day(name: &str, input: &Value) -> Outcome<Value> {
    let read = |text: &str| {
        let american = chrono::NaiveDate::parse_from_str(text, "%m/%d/%Y").ok();
        american.or_else(|| Some(chrono::DateTime::from_timestamp_millis(instant(text)?)?.date_naive()))
    };
    if let Some(day) = input.as_str().and_then(read) {
        return Ok(json!(day.format("%Y-%m-%d").to_string()));
    }
    let shown = inspect(input);
    let text = format!("Invalid value {shown} for date field \"{name}\". Expected format: 'YYYY-MM-DD'");
    Err(Refusal::value(text, &shown))
}

fn select(field: &Field, input: &Value) -> Outcome<Value> {
    let values = field.option_values();
    let known = input.as_str().is_some_and(|text| values.contains(&text) || field.kind == Kind::Rating);
    if known {
        return Ok(input.clone());
    }
    let text = format!(
        "Invalid value {input} for field \"{}\". Valid values are: {}",
        field.name,
        values.join(", ")
    );
    Err(Refusal::value(text, &inspect(input)))
}

fn multi_select(field: &Field, input: &Value) -> Outcome<Value> {
    let values = field.option_values();
    let items = input.as_array().map(Vec::as_slice);
    match items {
        Some([]) => Ok(Value::Null),
        Some(items) if items.iter().all(|item| item.as_str().is_some_and(|text| values.contains(&text))) => {
            Ok(input.clone())
        }
        _ => {
            let shown = inspect(input);
            let text = format!("Invalid value {shown} for multi select field \"{}\"", field.name);
            Err(Refusal::value(text, &shown))
        }
    }
}

/// Objects and arrays, also as JSON text; empty ones are stored as nothing.
fn raw_json(name: &str, input: &Value) -> Outcome<Value> {
    let parsed = match input {
        Value::String(text) => text.parse::<Value>().ok(),
        other => Some(other.clone()),
    };
    match parsed {
        Some(Value::Object(map)) if map.is_empty() => Ok(Value::Null),
        Some(Value::Array(items)) if items.is_empty() => Ok(Value::Null),
        Some(value @ (Value::Object(_) | Value::Array(_))) => Ok(value),
        _ => Err(not_an_object(name, input)),
    }
}

/// Micros are read as a JavaScript number and cut to a whole one, so they are exact up to 2^53 only.
fn currency(name: &str, map: &Map<String, Value>) -> Outcome<Stored> {
    let mut stored = Stored::new();
    if let Some(micros) = map.get("amountMicros") {
        let read = match micros {
            Value::String(text) => text.trim().parse::<f64>().ok(),
            other => other.as_f64(),
        };
        let value = match (micros, read) {
            (Value::Null, _) => Value::Null,
            (_, Some(float)) => {
                #[expect(clippy::cast_possible_truncation, reason = "this is how the server loses precision")]
                let whole = float as i64;
                json!(whole)
            }
            (other, None) => {
                let shown = inspect(other);
                let text = format!("Invalid number value {shown} for field \"{name}.amountMicros\"");
                return Err(Refusal::value(text, &shown));
            }
        };
        stored.push((0, value));
    }
    if let Some(code) = map.get("currencyCode") {
        stored.push((1, text(&format!("{name}.currencyCode"), code)?));
    }
    Ok(stored)
}

/// Whichever of the two forms is sent, the other is derived from it.
fn rich_text(map: &Map<String, Value>) -> Stored {
    let given = |key: &str| map.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    match (given("markdown"), given("blocknote")) {
        (Some(markdown), _) => vec![(0, json!(blocks(markdown))), (1, json!(markdown))],
        (None, Some(blocknote)) => vec![(0, json!(blocknote)), (1, json!(flat(blocknote)))],
        (None, None) => vec![(0, Value::Null), (1, Value::Null)],
    }
}

fn blocks(markdown: &str) -> String {
    let lines = markdown.lines().filter(|line| !line.trim().is_empty());
    let blocks: Vec<Value> = lines
        .map(|line| {
            let bullet = line.strip_prefix("- ");
            let kind = if bullet.is_some() { "bulletListItem" } else { "paragraph" };
            let text = bullet.unwrap_or(line).replace("**", "");
            json!({"type": kind, "content": [{"type": "text", "text": text, "styles": {}}], "children": []})
        })
        .collect();
    Value::from(blocks).to_string()
}

fn flat(blocknote: &str) -> String {
    let blocks = blocknote.parse::<Value>().unwrap_or_default();
    let texts =
        blocks.as_array().into_iter().flatten().filter_map(|block| block["content"][0]["text"].as_str());
    texts.collect::<Vec<_>>().join("\n\n")
}

/// Whether the server's database would choke on it.
pub(super) fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(map) => map.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        _ => false,
    }
}
