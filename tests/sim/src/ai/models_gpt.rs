//! The models of `OpenAI`, and the settings each refuses.

use serde_json::{Value, json};

use super::Failure;
use super::models::lives;

/// One model; the name is what a request calls it.
pub(super) struct Gpt {
    pub(super) name: &'static str,
    /// Empty if it does not reason at all.
    pub(super) efforts: &'static [&'static str],
    pub(super) default_effort: &'static str,
    /// Tokens that input and output may have together.
    pub(super) window: u64,
    /// True if writing to the prompt cache is counted, which came with GPT-5.6.
    pub(super) counts_writes: bool,
    pub(super) ends_on: Option<&'static str>,
}

const ALL: &[&str] = &["none", "low", "medium", "high", "xhigh", "max"];
const THINKERS: &[&str] = &["low", "medium", "high", "xhigh", "max"];
const LARGE: u64 = 1_050_000;

const fn row(name: &'static str, efforts: &'static [&'static str]) -> Gpt {
    Gpt { name, efforts, default_effort: "medium", window: LARGE, counts_writes: true, ends_on: None }
}

const fn older(name: &'static str, efforts: &'static [&'static str], ends_on: Option<&'static str>) -> Gpt {
    Gpt { name, efforts, default_effort: "none", window: 272_000, counts_writes: false, ends_on }
}

pub(super) const TABLE: &[Gpt] = &[
    row("gpt-6-luna", ALL),
    row("gpt-6-sol", ALL),
    row("gpt-6.1-terra", ALL),
    row("gpt-6-astra", THINKERS),
    row("gpt-6.1-sol", THINKERS),
    row("gpt-6.2-sol", THINKERS),
    row("gpt-6.2-astra", THINKERS),
    row("gpt-5.6-luna", ALL),
    row("gpt-5.6-terra", ALL),
    row("gpt-5.6-sol", ALL),
    older("gpt-5.4-mini", &["none", "low", "medium", "high", "xhigh"], None),
    older("gpt-5.4-nano", &["none", "low", "medium", "high", "xhigh"], Some("2027-04-01")),
    Gpt { window: 128_000, ..older("gpt-4o-mini", &[], Some("2027-01-14")) },
];

/// What an endpoint that is not `OpenAI` serves: it takes everything.
const OTHER: Gpt = Gpt {
    name: "other",
    efforts: &["none", "minimal", "low", "medium", "high", "xhigh", "max"],
    default_effort: "none",
    window: 128_000,
    counts_writes: false,
    ends_on: None,
};

/// The model of this name, if it lives at `now`; `more` are names a test has added.
pub(super) fn gpt(name: &str, more: &[String], now: &str) -> Result<&'static Gpt, Failure> {
    if more.iter().any(|other| other == name) {
        return Ok(&OTHER);
    }
    let found = TABLE.iter().find(|gpt| gpt.name == name && lives(gpt.ends_on, now));
    found.ok_or_else(|| {
        Failure::openai("model_not_found")
            .saying(format!("The model '{name}' does not exist or you do not have access to it."))
    })
}

impl Gpt {
    pub(super) fn shown(&self) -> Value {
        json!({"id": self.name, "object": "model", "created": 1_790_035_200, "owned_by": "openai"})
    }

    /// The effort in force, or why the one that was asked for is refused.
    pub(super) fn effort<'a>(&self, asked: Option<&'a str>, param: &str) -> Result<&'a str, Failure>
    where
        Self: 'a,
    {
        let Some(asked) = asked else { return Ok(self.default_effort) };
        if self.efforts.is_empty() {
            let message = format!("Unsupported parameter: '{param}' is not supported with this model.");
            return Err(Failure::openai("invalid_request")
                .saying(message)
                .about(param, Some("unsupported_parameter")));
        }
        if self.efforts.contains(&asked) {
            return Ok(asked);
        }
        let message = format!(
            "Unsupported value: '{asked}' is not supported with the '{}' model. Supported values are: {}.",
            self.name,
            self.efforts.join(", ")
        );
        Err(Failure::openai("unsupported_value").saying(message).about(param, Some("unsupported_value")))
    }

    /// True if it samples as it is told to at this effort.
    pub(super) fn takes_temperature(&self, effort: &str) -> bool {
        self.efforts.is_empty() || effort == "none"
    }
}
