//! Amounts in minor units with a currency, and the two ways in which Whop writes them. Never a float.

use serde_json::{Value, json};

/// Lowercase ISO 4217.
pub(super) type Currency = &'static str;

/// What one unit of each currency is worth, in thousandths of a US dollar. Fixed, as a stand-in may.
const RATES: &[(Currency, i64)] = &[
    ("usd", 1_000),
    ("eur", 1_080),
    ("gbp", 1_270),
    ("chf", 1_130),
    ("aud", 650),
    ("cad", 730),
    ("brl", 180),
    ("mxn", 55),
    ("jpy", 7),
    ("krw", 1),
    ("kwd", 3_250),
    ("tnd", 320),
];

/// The currencies that this stand-in sells in.
pub(super) fn currency(code: &str) -> Option<Currency> {
    RATES.iter().map(|(known, _)| *known).find(|known| *known == code)
}

/// How many digits follow the decimal point.
pub(super) fn decimals(currency: &str) -> u32 {
    match currency {
        "jpy" | "krw" => 0,
        "kwd" | "tnd" => 3,
        _ => 2,
    }
}

/// The same worth in US cents, rounded down.
pub(super) fn in_cents(minor: i64, currency: &str) -> i64 {
    let rate = RATES.iter().find(|(known, _)| *known == currency).map_or(1_000, |(_, rate)| *rate);
    minor * rate * 100 / (10_i64.pow(decimals(currency)) * 1_000)
}

/// `4900` US cents as `49.00`.
pub(super) fn text(minor: i64, currency: &str) -> String {
    let decimals = decimals(currency);
    if decimals == 0 {
        return minor.to_string();
    }
    let unit = 10_i64.pow(decimals);
    let sign = if minor < 0 { "-" } else { "" };
    let minor = minor.abs();
    format!("{sign}{}.{:0width$}", minor / unit, minor % unit, width = decimals as usize)
}

/// The Money object of the current version.
pub(super) fn money(minor: i64, currency: &str) -> Value {
    let decimals = decimals(currency);
    json!({
        "amount": text(minor, currency),
        "currency": currency,
        "decimals": decimals,
        "display_decimals": decimals,
    })
}

/// A plain JSON number in whole units, as the older objects carry: `49`, `49.5`.
pub(super) fn number(minor: i64, currency: &str) -> Value {
    let unit = 10_i64.pow(decimals(currency));
    if minor % unit == 0 {
        return json!(minor / unit);
    }
    serde_json::from_str(&text(minor, currency)).expect("a decimal is a JSON number")
}

/// A JSON number in whole units as minor units; `None` when it has more digits than the currency.
pub(super) fn from_number(number: &serde_json::Number, currency: &str) -> Option<i64> {
    let text = number.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let decimals = decimals(currency) as usize;
    if fraction.len() > decimals || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{whole}{fraction:0<decimals$}").parse().ok()
}
