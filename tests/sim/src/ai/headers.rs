//! What stands in the headers of an answer, and the rate that part of it is about.

use std::collections::BTreeMap;

use http::HeaderMap;

use super::books::{Books, Sim};
use super::{Failure, Provider};
use crate::clock::iso;

const WINDOW_MS: i64 = 60_000;
const TOKENS: u64 = 2_000_000;
const OUTPUT_TOKENS: u64 = 400_000;

/// The headers of a request, with what proves who asks taken out.
pub(super) fn without_keys(headers: &HeaderMap) -> BTreeMap<String, String> {
    let secret = ["authorization", "x-api-key", "api-key"];
    let shown = headers.iter().map(|(name, value)| {
        let value =
            if secret.contains(&name.as_str()) { "[key]" } else { value.to_str().unwrap_or_default() };
        (name.as_str().to_owned(), value.to_owned())
    });
    shown.collect()
}

/// What a provider has done in the last minute.
struct Minute {
    limit: u64,
    requests: u64,
    input: u64,
    output: u64,
    /// Milliseconds until the first of it is forgotten.
    until_ms: i64,
}

impl Minute {
    fn of(books: &Books, provider: Provider, now: i64) -> Self {
        let recent = books.received.iter().rev().take_while(|received| received.at_ms > now - WINDOW_MS);
        let recent = recent.filter(|received| received.provider == provider && received.generates());
        let start = Self {
            limit: books.switches.requests_per_minute.unwrap_or(10_000),
            requests: 0,
            input: 0,
            output: 0,
            until_ms: 0,
        };
        recent.fold(start, |minute, received| {
            let usage = received.usage.unwrap_or_default();
            Self {
                requests: minute.requests + 1,
                input: minute.input + usage.fresh + usage.written,
                output: minute.output + usage.output,
                until_ms: received.at_ms + WINDOW_MS - now,
                ..minute
            }
        })
    }

    fn left(&self) -> u64 {
        self.limit.saturating_sub(self.requests)
    }
}

/// Says no if there have been too many requests in the last minute, this one included.
pub(super) fn within_rate(sim: &Sim, provider: Provider) -> Result<(), Failure> {
    let books = sim.books();
    let minute = Minute::of(&books, provider, sim.clock.now_ms());
    if books.switches.requests_per_minute.is_none_or(|limit| minute.requests <= limit) {
        return Ok(());
    }
    let name = match provider {
        Provider::OpenAi => "rate_limit_requests",
        Provider::Anthropic => "rate_limit_error",
    };
    let wait = (minute.until_ms + 999) / 1_000;
    Err(Failure::of(provider, name).retry_after(&wait.max(1).to_string()))
}

/// The headers of any answer of this provider.
pub(super) fn of(
    sim: &Sim,
    provider: Provider,
    request_id: &str,
    status: u16,
) -> Vec<(&'static str, String)> {
    let now = sim.clock.now_ms();
    let minute = Minute::of(&sim.books(), provider, now);
    match provider {
        Provider::OpenAi => openai(&minute, request_id, status),
        Provider::Anthropic => anthropic(&minute, request_id, now),
    }
}

fn openai(minute: &Minute, request_id: &str, status: u16) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("x-request-id", request_id.to_owned()),
        ("openai-processing-ms", (40 + minute.output % 900).to_string()),
        ("openai-version", "2020-10-01".to_owned()),
        ("openai-organization", "org-stand-in".to_owned()),
    ];
    if status == 200 || status == 429 {
        let used = minute.input + minute.output;
        headers.extend([
            ("x-ratelimit-limit-requests", minute.limit.to_string()),
            ("x-ratelimit-limit-tokens", TOKENS.to_string()),
            ("x-ratelimit-remaining-requests", minute.left().to_string()),
            ("x-ratelimit-remaining-tokens", TOKENS.saturating_sub(used).to_string()),
            ("x-ratelimit-reset-requests", duration(minute.requests * 60_000 / minute.limit.max(1))),
            ("x-ratelimit-reset-tokens", duration(used * 60_000 / TOKENS)),
        ]);
    }
    headers
}

/// Milliseconds as `6ms`, `8.64s` or `1m30s`.
pub(super) fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms}ms"),
        1_000..60_000 => {
            let text = format!("{}.{:03}", ms / 1_000, ms % 1_000);
            format!("{}s", text.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => format!("{}m{}s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

fn anthropic(minute: &Minute, request_id: &str, now: i64) -> Vec<(&'static str, String)> {
    let reset = iso(now + minute.until_ms.max(1_000));
    let reset = format!("{}Z", reset.split('.').next().unwrap_or_default());
    let thousands = |left: u64| ((left + 500) / 1_000 * 1_000).to_string();
    let used = minute.input + minute.output;
    vec![
        ("request-id", request_id.to_owned()),
        ("anthropic-organization-id", "00000000-0000-4000-8000-0000000000a1".to_owned()),
        ("anthropic-ratelimit-requests-limit", minute.limit.to_string()),
        ("anthropic-ratelimit-requests-remaining", minute.left().to_string()),
        ("anthropic-ratelimit-requests-reset", reset.clone()),
        ("anthropic-ratelimit-tokens-limit", (TOKENS + OUTPUT_TOKENS).to_string()),
        ("anthropic-ratelimit-tokens-remaining", thousands((TOKENS + OUTPUT_TOKENS).saturating_sub(used))),
        ("anthropic-ratelimit-tokens-reset", reset.clone()),
        ("anthropic-ratelimit-input-tokens-limit", TOKENS.to_string()),
        ("anthropic-ratelimit-input-tokens-remaining", thousands(TOKENS.saturating_sub(minute.input))),
        ("anthropic-ratelimit-input-tokens-reset", reset.clone()),
        ("anthropic-ratelimit-output-tokens-limit", OUTPUT_TOKENS.to_string()),
        (
            "anthropic-ratelimit-output-tokens-remaining",
            thousands(OUTPUT_TOKENS.saturating_sub(minute.output)),
        ),
        ("anthropic-ratelimit-output-tokens-reset", reset),
    ]
}
