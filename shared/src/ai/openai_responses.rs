//! `OpenAI`'s Responses API: `POST /responses`. Nothing is stored there; reasoning and everything unknown is skipped.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::{AiError, Trouble, word};
use super::line::Line;
use super::{Ask, Reply, Stop, TextModel, hints};
use crate::domain::insight::cost::Usage;
use crate::http::Answer;

#[derive(Debug)]
pub(super) struct OpenAiResponses(pub(super) Line);

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    instructions: &'a str,
    input: [Message<'a>; 1],
    max_output_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<Box<RawValue>>,
    text: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_options: Option<Caching>,
    store: bool,
    safety_identifier: &'a str,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: [Part<'a>; 1],
}

#[derive(Serialize)]
struct Part<'a> {
    r#type: &'static str,
    text: &'a str,
}

#[derive(Serialize)]
struct Reasoning<'a> {
    effort: &'a str,
}

#[derive(Serialize)]
struct Text<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    verbosity: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format<'a>>,
}

#[derive(Serialize)]
struct Format<'a> {
    r#type: &'static str,
    name: &'a str,
    strict: bool,
    schema: &'a RawValue,
}

#[derive(Serialize)]
struct Caching {
    mode: &'static str,
}

impl TextModel for OpenAiResponses {
    async fn ask(&self, ask: &Ask<'_>) -> Result<Reply, AiError> {
        let schema: &RawValue =
            serde_json::from_str(ask.schema.text).map_err(|_| AiError::new(Trouble::Rejected))?;
        let format = ask.entry.json_schema.then_some(Format {
            r#type: "json_schema",
            name: ask.schema.name,
            strict: true,
            schema,
        });
        let request = Request {
            model: &ask.entry.model,
            instructions: &ask.told(),
            input: [Message { role: "user", content: [Part { r#type: "input_text", text: ask.message }] }],
            max_output_tokens: ask.entry.limit(ask.output_tokens),
            reasoning: ask.entry.effort.as_deref().map(|effort| Reasoning { effort }),
            temperature: ask.sent_temperature(),
            text: Text { verbosity: ask.entry.verbosity.then_some("low"), format },
            // Our prompts are too short to be worth a written cache; without marks this switches writing off.
            prompt_cache_options: ask.entry.prompt_cache_options.then_some(Caching { mode: "explicit" }),
            store: false,
            safety_identifier: ask.user,
        };
        read(&self.0.post(&["responses"], Vec::new(), &request, ask.limit).await?)
    }
}

#[derive(Deserialize)]
struct Said {
    status: Option<String>,
    error: Option<ErrorSaid>,
    incomplete_details: Option<Incomplete>,
    model: Option<String>,
    service_tier: Option<String>,
    #[serde(default)]
    output: Vec<Item>,
    usage: Option<UsageSaid>,
}

#[derive(Deserialize)]
struct Incomplete {
    reason: Option<String>,
}

#[derive(Deserialize)]
struct Item {
    r#type: Option<String>,
    #[serde(default)]
    content: Option<Vec<Content>>,
}

#[derive(Deserialize)]
struct Content {
    r#type: Option<String>,
    text: Option<String>,
}

#[derive(Deserialize)]
struct UsageSaid {
    input_tokens: Option<u64>,
    input_tokens_details: Option<InputDetails>,
    output_tokens: Option<u64>,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Default, Deserialize)]
pub(super) struct InputDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
    cache_write_tokens_details: Option<Written>,
}

#[derive(Deserialize)]
struct Written {
    ttl_12h_tokens: Option<u64>,
}

#[derive(Default, Deserialize)]
pub(super) struct OutputDetails {
    reasoning_tokens: Option<u64>,
}

/// The three classes of `OpenAI`'s input do not overlap: what was cached and what was written is taken off.
pub(super) fn usage(
    input: Option<u64>,
    details: Option<InputDetails>,
    output: Option<u64>,
    seen: Option<OutputDetails>,
) -> Option<Usage> {
    let (input, output) = (input?, output?);
    let details = details.unwrap_or_default();
    let cached = details.cached_tokens.unwrap_or(0).min(input);
    let written = details.cache_write_tokens.unwrap_or(0).min(input - cached);
    let long = details.cache_write_tokens_details.and_then(|it| it.ttl_12h_tokens).unwrap_or(0).min(written);
    Some(Usage {
        uncached: input - cached - written,
        cached,
        written_30m: written - long,
        written_12h: long,
        output,
        reasoning: seen.and_then(|it| it.reasoning_tokens).unwrap_or(0).min(output),
        ..Usage::default()
    })
}

/// What the tier that served costs of a hundred.
fn percent(tier: Option<&str>) -> u32 {
    match tier {
        Some("flex" | "batch") => 50,
        Some("priority" | "fast" | "ultrafast") => 200,
        _ => 100,
    }
}

fn read(answer: &Answer) -> Result<Reply, AiError> {
    if !(200..300).contains(&answer.status) {
        return Err(refusal(answer));
    }
    let request_id = hints::request_id(&answer.headers);
    let garbled = || AiError {
        status: Some(answer.status),
        request_id: request_id.clone(),
        ..AiError::new(Trouble::Lost)
    };
    let said: Said = serde_json::from_slice(&answer.body).map_err(|_| garbled())?;
    let (text, refused) = collect(&said.output);
    let reason = said.incomplete_details.and_then(|it| it.reason);
    let stop = match said.status.as_deref() {
        Some("completed") if refused => Stop::Refused,
        Some("completed") => Stop::Complete,
        Some("incomplete") => match reason.as_deref() {
            Some("content_filter") => Stop::Refused,
            Some("max_output_tokens") | None => Stop::Truncated,
            Some(other) => Stop::Other(word(Some(other)).unwrap_or_default()),
        },
        Some("failed") => match failed(said.error.as_ref()) {
            Some(error) => return Err(AiError { status: Some(answer.status), request_id, ..error }),
            None => Stop::Refused,
        },
        _ => return Err(garbled()),
    };
    let counted = said.usage;
    let usage = counted.and_then(|it| {
        usage(it.input_tokens, it.input_tokens_details, it.output_tokens, it.output_tokens_details)
    });
    let percent = percent(said.service_tier.as_deref());
    Ok(Reply { text, stop, usage, percent, served: said.model, request_id })
}

/// All text of all messages, and whether one of the parts is a refusal.
fn collect(output: &[Item]) -> (String, bool) {
    let messages = output.iter().filter(|item| item.r#type.as_deref() == Some("message"));
    let (mut text, mut refused) = (String::new(), false);
    for part in messages.flat_map(|item| item.content.iter().flatten()) {
        match part.r#type.as_deref() {
            Some("output_text") => text.push_str(part.text.as_deref().unwrap_or_default()),
            Some("refusal") => refused = true,
            _ => {}
        }
    }
    (text, refused)
}

/// A status `failed` with HTTP 200; nothing if a policy of the provider's refused.
fn failed(error: Option<&ErrorSaid>) -> Option<AiError> {
    let code = error.and_then(|error| error.code.as_deref());
    let trouble = match code {
        Some("bio_policy" | "misalignment_policy_violation") => return None,
        Some("invalid_prompt" | "data_residency_mismatch") => Trouble::Rejected,
        // `server_error`, `rate_limit_exceeded`, and whatever comes later.
        _ => Trouble::Busy { after: None },
    };
    Some(AiError { code: word(code), ..AiError::new(trouble) })
}

#[derive(Deserialize)]
struct ErrorBody {
    error: Option<ErrorSaid>,
}

#[derive(Default, Deserialize)]
pub(super) struct ErrorSaid {
    r#type: Option<String>,
    code: Option<String>,
}

const MONEY: &[&str] = &[
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
];

/// What a status other than 2xx means, on both of `OpenAI`'s wires. Decided by status, type and code, never by words.
pub(super) fn refusal(answer: &Answer) -> AiError {
    let body = serde_json::from_slice::<ErrorBody>(&answer.body).ok();
    let said = body.and_then(|body| body.error).unwrap_or_default();
    let (kind, code) = (said.r#type.as_deref().unwrap_or_default(), said.code.as_deref().unwrap_or_default());
    let money = MONEY.contains(&code) || MONEY.contains(&kind);
    let busy = Trouble::Busy { after: hints::retry_after(&answer.headers) };
    let trouble = match answer.status {
        402 => Trouble::OutOfMoney,
        429 if money => Trouble::OutOfMoney,
        413 => Trouble::TooLarge,
        400 if code == "context_length_exceeded" => Trouble::TooLarge,
        401 | 403 | 404 | 300..400 => Trouble::Misconfigured,
        408 | 409 | 429 | 500.. => busy,
        _ => Trouble::Rejected,
    };
    let trouble = match (hints::should_retry(&answer.headers), trouble) {
        (Some(false), Trouble::Busy { .. }) => Trouble::Unavailable,
        (Some(true), Trouble::Rejected) => busy,
        (_, trouble) => trouble,
    };
    AiError {
        status: Some(answer.status),
        code: word(said.code.as_deref()).or_else(|| word(said.r#type.as_deref())),
        request_id: hints::request_id(&answer.headers),
        ..AiError::new(trouble)
    }
}
