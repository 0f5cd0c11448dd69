//! Amounts of money: integers with a currency, never a float, never rounded.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount that is not exact in its currency, or too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an exact amount of money")]
pub struct BadAmount;

/// A currency by its code, upper case. Whop also sells in tokens, so it need not be an ISO 4217 code.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Currency(String);

impl Currency {
    /// A currency by its code in any case.
    pub fn new(code: &str) -> Self {
        Self(code.trim().to_ascii_uppercase())
    }

    /// The code, upper case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Digits after the decimal point by ISO 4217; two for any code the standard does not list.
    pub fn exponent(&self) -> u8 {
        match self.0.as_str() {
            "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI"
            | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            "CLF" | "UYW" => 4,
            _ => 2,
        }
    }
}

/// An amount in the smallest unit that its source counts in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    minor: i64,
    decimals: u8,
    currency: Currency,
}

/// Twenty counts money in millionths.
const MICRO_DECIMALS: u8 = 6;
/// Twenty reads amounts as JavaScript numbers, exact up to 2^53.
const LARGEST_MICROS: i64 = 1 << 53;

impl Money {
    /// Reads `49.00` as whole units and fractions of `currency`, counting in `decimals` digits, or in the
    /// currency's own where the source does not say. Digits beyond are accepted only if they are zeros.
    pub fn parse(amount: &str, currency: &Currency, decimals: Option<u8>) -> Result<Self, BadAmount> {
        let decimals = decimals.unwrap_or_else(|| currency.exponent());
        let (negative, digits) = match amount.trim().strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, amount.trim()),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return Err(BadAmount);
        }
        let fraction = fraction.trim_end_matches('0');
        let missing = usize::from(decimals).checked_sub(fraction.len()).ok_or(BadAmount)?;
        let text = format!("{whole}{fraction}{}", "0".repeat(missing));
        let minor: i64 = text.parse().map_err(|_| BadAmount)?;
        Ok(Self { minor: if negative { -minor } else { minor }, decimals, currency: currency.clone() })
    }

    /// An amount given in minor units, for instance cents.
    pub fn from_minor(minor: i64, currency: &Currency) -> Self {
        Self { minor, decimals: currency.exponent(), currency: currency.clone() }
    }

    /// The amount in minor units.
    pub fn minor(&self) -> i64 {
        self.minor
    }

    /// The currency.
    pub fn currency(&self) -> &Currency {
        &self.currency
    }

    /// True for an amount of nothing.
    pub fn is_zero(&self) -> bool {
        self.minor == 0
    }

    /// The amount in millionths, as Twenty stores it; nothing if that would not be exact.
    pub fn micros(&self) -> Option<i64> {
        let micros = match self.decimals.checked_sub(MICRO_DECIMALS) {
            None | Some(0) => {
                let scale = 10_i64.checked_pow(u32::from(MICRO_DECIMALS - self.decimals))?;
                self.minor.checked_mul(scale)?
            }
            Some(surplus) => {
                let scale = 10_i64.checked_pow(u32::from(surplus))?;
                (self.minor % scale == 0).then_some(self.minor / scale)?
            }
        };
        (micros.checked_abs()? <= LARGEST_MICROS).then_some(micros)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = usize::from(self.decimals);
        let digits = format!("{:0>width$}", self.minor.unsigned_abs(), width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        let sign = if self.minor < 0 { "-" } else { "" };
        let point = if places == 0 { "" } else { "." };
        write!(f, "{sign}{whole}{point}{fraction} {}", self.currency.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn money(amount: &str, currency: &str) -> Result<Money, BadAmount> {
        Money::parse(amount, &Currency::new(currency), None)
    }

    #[test]
    fn amounts_become_micros_exactly_in_currencies_of_every_exponent() {
        for (amount, currency, micros, shown) in [
            ("49.00", "usd", 49_000_000, "49.00 USD"),
            ("49", "usd", 49_000_000, "49.00 USD"),
            ("0.1", "usd", 100_000, "0.10 USD"),
            ("4900", "jpy", 4_900_000_000, "4900 JPY"),
            ("4900.0", "jpy", 4_900_000_000, "4900 JPY"),
            ("1.234", "kwd", 1_234_000, "1.234 KWD"),
            ("-3.50", "eur", -3_500_000, "-3.50 EUR"),
        ] {
            let money = money(amount, currency).unwrap();
            assert_eq!((money.micros(), money.to_string().as_str()), (Some(micros), shown));
        }
    }

    #[test]
    fn what_would_be_rounded_is_refused() {
        assert!(money("0.001", "usd").is_err());
        assert!(money("1.5", "jpy").is_err());
        assert!(money("1e3", "usd").is_err());
        assert!(money("", "usd").is_err());
        assert!(money(".5", "usd").is_err());
        assert!(money("99999999999999999999", "usd").is_err());
        assert_eq!(Money::parse("0.00000001", &Currency::new("btc"), Some(8)).unwrap().micros(), None);
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back_as_the_same_amount(minor in any::<i32>(), code in "USD|JPY|KWD|CLF") {
            let given = Money::from_minor(i64::from(minor), &Currency::new(&code));
            let text = given.to_string();
            let (amount, currency) = text.split_once(' ').unwrap();
            prop_assert_eq!(money(amount, currency).unwrap(), given);
        }
    }
}
