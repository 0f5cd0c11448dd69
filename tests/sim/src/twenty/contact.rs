//! E-mail addresses, links and telephone numbers: what is accepted and how it is stored.

use serde_json::{Map, Value, json};

use super::refusal::{Refusal, inspect};
use super::value::{Stored, text};

type Outcome<T> = Result<T, Refusal>;

/// Lower-cased; sub-fields are written independently.
pub(super) fn emails(name: &str, map: &Map<String, Value>) -> Outcome<Stored> {
    let mut stored = Stored::new();
    if let Some(primary) = map.get("primaryEmail") {
        stored.push((0, email(&format!("{name}.primaryEmail"), primary)?));
    }
    if let Some(additional) = map.get("additionalEmails") {
        let path = format!("{name}.additionalEmails");
        let items = list(&path, additional)?;
        let checked = items.iter().map(|item| email(&path, item)).collect::<Outcome<Vec<_>>>()?;
        stored.push((1, list_or_nothing(checked)));
    }
    Ok(stored)
}

fn email(path: &str, input: &Value) -> Outcome<Value> {
    let good = |text: &str| {
        let parts: Vec<&str> = text.split('@').collect();
        let clean =
            !text.chars().any(|letter| letter.is_whitespace() || letter.is_control() || letter == '"');
        clean && matches!(parts.as_slice(), [local, domain] if !local.is_empty() && !domain.is_empty())
    };
    match input {
        Value::Null => Ok(Value::Null),
        Value::String(text) if text.is_empty() => Ok(Value::Null),
        Value::String(text) if good(text) => Ok(json!(text.to_lowercase())),
        other => {
            let shown = inspect(other);
            Err(Refusal::value(format!("Invalid string value {shown} for email field \"{path}\""), &shown))
        }
    }
}

fn list(path: &str, input: &Value) -> Outcome<Vec<Value>> {
    match input {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => Ok(items.clone()),
        Value::String(text) if text.starts_with('[') => {
            Ok(text.parse::<Value>().ok().and_then(|value| value.as_array().cloned()).unwrap_or_default())
        }
        other => {
            let shown = inspect(other);
            Err(Refusal::value(format!("Invalid array value {shown} for field \"{path}\""), &shown))
        }
    }
}

fn list_or_nothing(items: Vec<Value>) -> Value {
    if items.is_empty() { Value::Null } else { Value::Array(items) }
}

/// The host is lower-cased and a trailing slash cut, if there is a scheme; otherwise stored as it came.
pub(super) fn links(name: &str, map: &Map<String, Value>) -> Outcome<Stored> {
    let mut stored = Stored::new();
    if let Some(url) = map.get("primaryLinkUrl") {
        let url = text(&format!("{name}.primaryLinkUrl"), url)?;
        stored.push((0, link(&url)?));
    }
    if let Some(label) = map.get("primaryLinkLabel") {
        stored.push((1, text(&format!("{name}.primaryLinkLabel"), label)?));
    }
    if let Some(secondary) = map.get("secondaryLinks") {
        let mut items = list(&format!("{name}.secondaryLinks"), secondary)?;
        for item in &mut items {
            let url = link(&item["url"])?;
            item["url"] = url;
        }
        stored.push((2, list_or_nothing(items)));
    }
    Ok(stored)
}

fn link(input: &Value) -> Outcome<Value> {
    let Some(given) = input.as_str().filter(|text| !text.is_empty()) else {
        return Ok(Value::Null);
    };
    let refused = || Refusal::with_code("The URL of the link is not valid", "INVALID_URL");
    if given.contains(char::is_whitespace) {
        return Err(refused());
    }
    let lower = given.to_lowercase();
    if !lower.starts_with("http://") && !lower.starts_with("https://") {
        let host = given.split(['/', '?', '#']).next().unwrap_or_default();
        let named =
            host.contains('.') && !host.contains(':') && !host.starts_with('.') && !host.ends_with('.');
        return if named { Ok(json!(given)) } else { Err(refused()) };
    }
    let url = url::Url::parse(given).map_err(|_| refused())?;
    if url.host_str().is_none_or(|host| !host.contains('.') && host != "localhost") {
        return Err(refused());
    }
    let whole = url.to_string();
    Ok(json!(whole.strip_suffix('/').unwrap_or(&whole)))
}

/// Calling codes with the country they stand for.
const CALLING_CODES: [(&str, &str); 62] = [
    ("1", "US"),
    ("7", "RU"),
    ("20", "EG"),
    ("27", "ZA"),
    ("30", "GR"),
    ("31", "NL"),
    ("32", "BE"),
    ("33", "FR"),
    ("34", "ES"),
    ("36", "HU"),
    ("39", "IT"),
    ("40", "RO"),
    ("41", "CH"),
    ("43", "AT"),
    ("44", "GB"),
    ("45", "DK"),
    ("46", "SE"),
    ("47", "NO"),
    ("48", "PL"),
    ("49", "DE"),
    ("51", "PE"),
    ("52", "MX"),
    ("54", "AR"),
    ("55", "BR"),
    ("56", "CL"),
    ("57", "CO"),
    ("60", "MY"),
    ("61", "AU"),
    ("62", "ID"),
    ("63", "PH"),
    ("64", "NZ"),
    ("65", "SG"),
    ("66", "TH"),
    ("81", "JP"),
    ("82", "KR"),
    ("84", "VN"),
    ("86", "CN"),
    ("90", "TR"),
    ("91", "IN"),
    ("92", "PK"),
    ("94", "LK"),
    ("212", "MA"),
    ("213", "DZ"),
    ("216", "TN"),
    ("233", "GH"),
    ("234", "NG"),
    ("254", "KE"),
    ("351", "PT"),
    ("352", "LU"),
    ("353", "IE"),
    ("354", "IS"),
    ("358", "FI"),
    ("359", "BG"),
    ("370", "LT"),
    ("371", "LV"),
    ("372", "EE"),
    ("380", "UA"),
    ("385", "HR"),
    ("420", "CZ"),
    ("852", "HK"),
    ("966", "SA"),
    ("971", "AE"),
];

/// A simplified libphonenumber: letters, too short, too long and numbers of no country are refused.
pub(super) fn phones(name: &str, map: &Map<String, Value>) -> Outcome<Stored> {
    let part = |key: &str| match map.get(key) {
        Some(value) => text(&format!("{name}.{key}"), value).map(Some),
        None => Ok(None),
    };
    let number = part("primaryPhoneNumber")?;
    let country = part("primaryPhoneCountryCode")?;
    let calling = part("primaryPhoneCallingCode")?;
    let mut stored = Stored::new();
    if let Some(given) = number.as_ref().and_then(Value::as_str) {
        let hint =
            |value: &Option<Value>| value.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
        let (number, country, calling) = phone(given, &hint(&country), &hint(&calling))?;
        stored.extend([(0, json!(number)), (1, json!(country)), (2, json!(calling))]);
    } else {
        let parts = [(0, number), (1, country), (2, calling)];
        stored.extend(parts.into_iter().filter_map(|(at, value)| Some((at, value?))));
    }
    if let Some(additional) = map.get("additionalPhones") {
        let items = list(&format!("{name}.additionalPhones"), additional)?;
        let checked = items.iter().map(additional_phone).collect::<Outcome<Vec<_>>>()?;
        stored.push((3, list_or_nothing(checked)));
    }
    Ok(stored)
}

fn additional_phone(item: &Value) -> Outcome<Value> {
    let get = |key: &str| item[key].as_str().unwrap_or_default();
    let (number, country, calling) = phone(get("number"), get("countryCode"), get("callingCode"))?;
    Ok(json!({"number": number, "countryCode": country, "callingCode": calling}))
}

/// National number, country and calling code of a number as it was typed.
fn phone(given: &str, country: &str, calling: &str) -> Outcome<(String, String, String)> {
    let refused =
        || Refusal::with_code(&format!("Provided phone number is invalid {given}"), "INVALID_PHONE_NUMBER");
    let allowed =
        |letter: char| letter.is_ascii_digit() || matches!(letter, ' ' | '-' | '.' | '(' | ')' | '+');
    if !given.chars().all(allowed) || given.rfind('+').is_some_and(|at| at > 0) {
        return Err(refused());
    }
    let digits: String = given.chars().filter(char::is_ascii_digit).collect();
    let known = |code: &str| CALLING_CODES.iter().find(|(known, _)| *known == code);
    let (code, national) = if given.starts_with('+') {
        let code = (1..=3).rev().filter_map(|length| digits.get(..length)).find(|code| known(code).is_some());
        let code = code.ok_or_else(refused)?.to_owned();
        let national = digits.get(code.len()..).unwrap_or_default().to_owned();
        (code, national)
    } else {
        let by_country = CALLING_CODES.iter().find(|(_, known)| *known == country).map(|(code, _)| *code);
        let code = calling.strip_prefix('+').or(by_country).ok_or_else(refused)?;
        (code.to_owned(), digits.trim_start_matches('0').to_owned())
    };
    let length = national.len();
    let shortest = if code == "1" { 9 } else { 5 };
    if length < shortest || length + code.len() > 15 {
        return Err(refused());
    }
    let land = if country.is_empty() { known(&code).map_or("", |(_, land)| land) } else { country };
    Ok((national, land.to_owned(), format!("+{code}")))
}
