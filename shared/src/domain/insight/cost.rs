//! What an answer cost: tokens by class times the model's rates, in integers.
//!
//! Rates are US dollars per million tokens, hence millions of picodollars per token; the sum is rounded half up to
//! nanodollars once. A class of tokens without a rate makes the cost unknown, never zero.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Tokens of one answer by the class they are billed in. The classes do not overlap, but for `reasoning`, which is
/// the part of `output` that nobody sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Input that no cache served and none was written from.
    pub uncached: u64,
    /// Input read from a cache.
    pub cached: u64,
    /// Input written to a cache for 30 minutes (`OpenAI`).
    pub written_30m: u64,
    /// The same for 12 hours (`OpenAI`).
    pub written_12h: u64,
    /// The same for 5 minutes (Anthropic).
    pub written_5m: u64,
    /// The same for an hour (Anthropic).
    pub written_1h: u64,
    /// Output, reasoning included.
    pub output: u64,
    /// The part of the output that was reasoning.
    pub reasoning: u64,
}

impl Usage {
    /// All input tokens.
    pub fn input(&self) -> u64 {
        let classes = [
            self.uncached,
            self.cached,
            self.written_30m,
            self.written_12h,
            self.written_5m,
            self.written_1h,
        ];
        classes.into_iter().fold(0, u64::saturating_add)
    }

    /// Tokens written to any cache.
    pub fn written(&self) -> u64 {
        [self.written_30m, self.written_12h, self.written_5m, self.written_1h]
            .into_iter()
            .fold(0, u64::saturating_add)
    }

    /// All tokens.
    pub fn total(&self) -> u64 {
        self.input().saturating_add(self.output)
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let add = u64::saturating_add;
        Self {
            uncached: add(self.uncached, other.uncached),
            cached: add(self.cached, other.cached),
            written_30m: add(self.written_30m, other.written_30m),
            written_12h: add(self.written_12h, other.written_12h),
            written_5m: add(self.written_5m, other.written_5m),
            written_1h: add(self.written_1h, other.written_1h),
            output: add(self.output, other.output),
            reasoning: add(self.reasoning, other.reasoning),
        }
    }
}

/// Billionths of a US dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NanoDollars(pub u64);

impl NanoDollars {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for NanoDollars {
    /// Dollars as a decimal text with nine digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}

/// A text that is no exact amount of dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an exact amount of dollars")]
pub struct BadDollars;

impl std::str::FromStr for NanoDollars {
    type Err = BadDollars;
    /// Dollars as a decimal text, with nine digits after the point at most.
    fn from_str(text: &str) -> Result<Self, BadDollars> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > 9 {
            return Err(BadDollars);
        }
        format!("{whole}{fraction:0<9}").parse().map(Self).map_err(|_| BadDollars)
    }
}

/// A rate: picodollars per token. Written as decimal US dollars per million tokens, `0.125`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate(u64);

/// A text that is no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a price in dollars per million tokens")]
pub struct BadRate;

impl TryFrom<String> for Rate {
    type Error = BadRate;
    fn try_from(text: String) -> Result<Self, BadRate> {
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 6 || fraction.len() > 6 || !digits(whole) || !digits(fraction) {
            return Err(BadRate);
        }
        format!("{whole}{fraction:0<6}").parse().map(Self).map_err(|_| BadRate)
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> String {
        format!("{}.{:06}", rate.0 / 1_000_000, rate.0 % 1_000_000)
    }
}

/// A model's rates from a day on. An absent rate is one nobody told us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prices {
    /// The first day they hold, `2026-11-23`.
    pub valid_from: String,
    pub input: Rate,
    #[serde(default)]
    pub cached: Option<Rate>,
    #[serde(default)]
    pub written_30m: Option<Rate>,
    #[serde(default)]
    pub written_12h: Option<Rate>,
    #[serde(default)]
    pub written_5m: Option<Rate>,
    #[serde(default)]
    pub written_1h: Option<Rate>,
    pub output: Rate,
    /// The surcharge for long input, on the whole request.
    #[serde(default)]
    pub long: Option<LongInput>,
}

/// Above so many input tokens every rate is multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LongInput {
    pub over_tokens: u64,
    pub input_percent: u64,
    pub output_percent: u64,
}

impl Prices {
    /// What these tokens cost at `percent` of the list price (100 unless another tier served). Nothing if a class
    /// that was used has no rate.
    pub fn cost(&self, usage: &Usage, percent: u32) -> Option<NanoDollars> {
        let (input_percent, output_percent) = self.surcharge(usage.input());
        let classes = [
            (usage.uncached, Some(self.input)),
            (usage.cached, self.cached),
            (usage.written_30m, self.written_30m),
            (usage.written_12h, self.written_12h),
            (usage.written_5m, self.written_5m),
            (usage.written_1h, self.written_1h),
        ];
        let mut input = 0_u128;
        for (tokens, rate) in classes {
            if tokens > 0 {
                input += u128::from(tokens) * u128::from(rate?.0);
            }
        }
        let output = u128::from(usage.output) * u128::from(self.output.0);
        // Picodollars times two percentages; a nanodollar is 1000 × 100 × 100 of these.
        let scaled =
            (input * u128::from(input_percent) + output * u128::from(output_percent)) * u128::from(percent);
        u64::try_from((scaled + 5_000_000) / 10_000_000).ok().map(NanoDollars)
    }

    /// The most that so much input and output can cost: every input token at the dearest rate known.
    pub fn upper_bound(&self, input: u64, output: u64, percent: u32) -> NanoDollars {
        let rates = [self.cached, self.written_30m, self.written_12h, self.written_5m, self.written_1h];
        let dearest = rates.into_iter().flatten().chain([self.input]).max().unwrap_or(self.input);
        let flat = Self { input: dearest, ..self.clone() };
        let usage = Usage { uncached: input, output, ..Usage::default() };
        flat.cost(&usage, percent).unwrap_or(NanoDollars(u64::MAX))
    }

    fn surcharge(&self, input: u64) -> (u64, u64) {
        match self.long {
            Some(long) if input > long.over_tokens => (long.input_percent, long.output_percent),
            _ => (100, 100),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(text: &str) -> Rate {
        text.to_owned().try_into().unwrap()
    }

    fn luna() -> Prices {
        Prices {
            valid_from: "2026-11-01".to_owned(),
            input: rate("0.10"),
            cached: Some(rate("0.01")),
            written_30m: Some(rate("0.125")),
            written_12h: Some(rate("0.25")),
            written_5m: None,
            written_1h: None,
            output: rate("0.50"),
            long: Some(LongInput { over_tokens: 272_000, input_percent: 200, output_percent: 150 }),
        }
    }

    #[test]
    fn dollars_read_back_exactly_or_not_at_all() {
        for nano in [0, 1, 999_999_999, 2_500_000_000, u64::MAX] {
            assert_eq!(NanoDollars(nano).to_string().parse(), Ok(NanoDollars(nano)));
        }
        assert_eq!("2.5".parse(), Ok(NanoDollars(2_500_000_000)));
        for bad in ["", ".5", "5.", "-1", "+1", "1e3", "0.0000000001", "18446744073.709551616"] {
            assert_eq!(bad.parse::<NanoDollars>(), Err(BadDollars), "{bad}");
        }
    }

    #[test]
    fn a_rate_is_read_exactly() {
        assert_eq!(rate("0.125").0, 125_000);
        assert_eq!(rate("50").0, 50_000_000);
        assert_eq!(String::from(rate("0.01")), "0.010000");
        for bad in ["", ".1", "-1", "1e3", "0.1234567", "1,5", "9999999"] {
            assert!(Rate::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn each_token_is_billed_at_exactly_one_rate() {
        // 200 × 0.10 + 1024 × 0.01 + 16 × 0.125 + 8 × 0.25 + 85 × 0.50, in millionths of a dollar: 76.74.
        let usage = Usage {
            uncached: 200,
            cached: 1_024,
            written_30m: 16,
            written_12h: 8,
            output: 85,
            reasoning: 40,
            ..Usage::default()
        };

        assert_eq!(luna().cost(&usage, 100), Some(NanoDollars(76_740)));
        assert_eq!(luna().cost(&usage, 50), Some(NanoDollars(38_370)));
        assert_eq!(NanoDollars(76_740).to_string(), "0.000076740");
    }

    #[test]
    fn long_input_raises_the_price_of_the_whole_request() {
        let at =
            |uncached| luna().cost(&Usage { uncached, output: 1_000, ..Usage::default() }, 100).unwrap().0;

        assert_eq!(at(272_000), 27_200_000 + 500_000);
        assert_eq!(at(272_001), 54_400_200 + 750_000);
    }

    #[test]
    fn what_has_no_rate_makes_the_cost_unknown() {
        let written = Usage { uncached: 5, written_1h: 1, ..Usage::default() };

        assert_eq!(luna().cost(&written, 100), None);
        assert!(luna().cost(&Usage { written_1h: 0, ..written }, 100).is_some());
    }

    #[test]
    fn half_a_nanodollar_is_rounded_up_once() {
        // One cached token of 0.0005 dollars a million is 500 picodollars.
        let prices = Prices { cached: Some(rate("0.0005")), ..luna() };
        let cost = |cached| prices.cost(&Usage { cached, ..Usage::default() }, 100).unwrap().0;

        assert_eq!([cost(1), cost(2), cost(3)], [1, 1, 2]);
    }

    proptest! {
        #[test]
        fn the_upper_bound_is_one(
            uncached in 0..400_000_u64, cached in 0..9_000_u64, written in 0..9_000_u64, output in 0..9_000_u64,
        ) {
            let usage = Usage { uncached, cached, written_12h: written, output, ..Usage::default() };

            prop_assert!(luna().cost(&usage, 100).unwrap() <= luna().upper_bound(usage.input(), output, 100));
        }
    }
}
