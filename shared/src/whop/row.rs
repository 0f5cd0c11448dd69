//! Reading one JSON object field by field, whatever else it holds.
//!
//! Absent and `null` are the same. What is wrong is said by field, never with its contents: rows hold names
//! and addresses. Numbers are read by their text and never become a float.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::domain::money::{BadAmount, Currency, Money};

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Misshapen {
    #[error("it is not a JSON object")]
    NotAnObject,
    #[error("`{0}` is missing")]
    Missing(&'static str),
    #[error("`{field}` is {what}")]
    Wrong { field: &'static str, what: String },
}

/// A JSON object whose fields are read one by one.
#[derive(Clone, Debug)]
pub(super) struct Row<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Row<'a> {
    /// Takes an object apart.
    pub(super) fn parse(json: &'a str) -> Result<Self, Misshapen> {
        serde_json::from_str(json).map(Self).map_err(|_| Misshapen::NotAnObject)
    }

    /// The object without one field, as JSON.
    pub(super) fn without(mut self, field: &str) -> String {
        self.0.remove(field);
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// True if the field is there, even as `null`.
    pub(super) fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    fn json(&self, field: &str) -> Option<&'a str> {
        let json = self.0.get(field)?.get();
        (json != "null").then_some(json)
    }

    fn value<T: DeserializeOwned>(&self, field: &'static str, what: &str) -> Result<Option<T>, Misshapen> {
        let Some(json) = self.json(field) else {
            return Ok(None);
        };
        serde_json::from_str(json).map(Some).map_err(|_| wrong(field, what))
    }

    /// An object inside.
    pub(super) fn inside(&self, field: &'static str) -> Result<Option<Self>, Misshapen> {
        let Some(json) = self.json(field) else {
            return Ok(None);
        };
        Self::parse(json).map(Some).map_err(|_| wrong(field, "not an object"))
    }

    /// A text, without the NUL characters that no other system of ours takes.
    pub(super) fn maybe_text(&self, field: &'static str) -> Result<Option<String>, Misshapen> {
        let text: Option<String> = self.value(field, "not a text")?;
        Ok(text.map(|text| text.replace('\0', "")))
    }

    /// A text that may be left empty.
    pub(super) fn text(&self, field: &'static str) -> Result<String, Misshapen> {
        Ok(self.maybe_text(field)?.unwrap_or_default())
    }

    /// A text that is there.
    pub(super) fn must_text(&self, field: &'static str) -> Result<String, Misshapen> {
        self.maybe_text(field)?.ok_or(Misshapen::Missing(field))
    }

    /// A list of texts.
    pub(super) fn texts(&self, field: &'static str) -> Result<Vec<String>, Misshapen> {
        Ok(self.value(field, "not a list of texts")?.unwrap_or_default())
    }

    /// An identifier or a time; empty is absent.
    pub(super) fn maybe<T>(&self, field: &'static str) -> Result<Option<T>, Misshapen>
    where
        T: FromStr<Err: Display>,
    {
        let text = self.maybe_text(field)?.filter(|text| !text.is_empty());
        text.map(|text| text.parse()).transpose().map_err(|error| wrong(field, &format!("{error}")))
    }

    /// An identifier or a time that is there.
    pub(super) fn must<T>(&self, field: &'static str) -> Result<T, Misshapen>
    where
        T: FromStr<Err: Display>,
    {
        self.maybe(field)?.ok_or(Misshapen::Missing(field))
    }

    /// A name that stands in `field`, or in the `id` of the object `parent`: Whop's older shapes nest.
    pub(super) fn named<T>(&self, field: &'static str, parent: &'static str) -> Result<Option<T>, Misshapen>
    where
        T: FromStr<Err: Display>,
    {
        match self.maybe(field)? {
            Some(id) => Ok(Some(id)),
            None => Ok(self.inside(parent)?.map(|row| row.maybe("id")).transpose()?.flatten()),
        }
    }

    /// Yes or no; absent is no.
    pub(super) fn flag(&self, field: &'static str) -> Result<bool, Misshapen> {
        Ok(self.value(field, "neither true nor false")?.unwrap_or(false))
    }

    /// A whole number. Whop types counts as numbers, so `128.0` is one.
    pub(super) fn whole(&self, field: &'static str) -> Result<Option<i64>, Misshapen> {
        let Some(json) = self.json(field) else {
            return Ok(None);
        };
        let whole = json.split_once('.').filter(|(_, fraction)| fraction.bytes().all(|digit| digit == b'0'));
        let digits = whole.map_or(json, |(digits, _)| digits);
        digits.parse().map(Some).map_err(|_| wrong(field, "not a whole number"))
    }

    /// An amount: a Money object, or in older shapes a number of whole units in the row's own currency. A
    /// number whose currency nobody tells is no amount.
    pub(super) fn money(
        &self,
        field: &'static str,
        currency: Option<&Currency>,
    ) -> Result<Option<Money>, Misshapen> {
        let Some(json) = self.json(field) else {
            return Ok(None);
        };
        let bad = |_| wrong(field, "not an exact amount of money");
        if json.starts_with('{') {
            return Self::parse(json)?.money_object(currency).map_err(bad);
        }
        let text = if json.starts_with('"') { self.text(field)? } else { json.to_owned() };
        currency.map(|currency| amount(&text, currency, None)).transpose().map_err(bad)
    }

    fn money_object(&self, currency: Option<&Currency>) -> Result<Option<Money>, BadAmount> {
        let own = self.maybe_text("currency").map_err(|_| BadAmount)?;
        let own = own.as_deref().map(Currency::new);
        let decimals = self.whole("decimals").ok().flatten();
        let decimals = decimals.and_then(|decimals| u8::try_from(decimals).ok());
        let (Some(json), Some(currency)) = (self.json("amount"), own.as_ref().or(currency)) else {
            return Ok(None);
        };
        amount(json.trim_matches('"'), currency, decimals).map(Some)
    }
}

fn wrong(field: &'static str, what: &str) -> Misshapen {
    Misshapen::Wrong { field, what: what.to_owned() }
}

/// An amount exactly as written. One with more digits than its currency has keeps them all; whoever writes it
/// on decides whether that is still an amount there.
fn amount(text: &str, currency: &Currency, decimals: Option<u8>) -> Result<Money, BadAmount> {
    let text = plain(text.trim())?;
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    let carried = u8::try_from(fraction.trim_end_matches('0').len()).map_err(|_| BadAmount)?;
    Money::parse(&text, currency, decimals).or_else(|_| Money::parse(&text, currency, Some(carried)))
}

/// Furthest that an exponent may move the decimal point.
const FURTHEST: usize = 40;

/// The number without an exponent, which JSON allows: `4.9e1` is `49`.
fn plain(text: &str) -> Result<String, BadAmount> {
    let Some((digits, exponent)) = text.split_once(['e', 'E']) else {
        return Ok(text.to_owned());
    };
    let exponent: i32 = exponent.parse().map_err(|_| BadAmount)?;
    let by = usize::try_from(exponent.unsigned_abs()).map_err(|_| BadAmount)?;
    if by > FURTHEST {
        return Err(BadAmount);
    }
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let moved = if exponent < 0 {
        let width = by + 1;
        let whole = format!("{whole:0>width$}");
        let (up, rest) = whole.split_at_checked(whole.len() - by).ok_or(BadAmount)?;
        format!("{up}.{rest}{fraction}")
    } else {
        let fraction = format!("{fraction:0<by$}");
        let (up, rest) = fraction.split_at_checked(by).ok_or(BadAmount)?;
        format!("{whole}{up}.{rest}")
    };
    Ok(format!("{sign}{moved}"))
}
