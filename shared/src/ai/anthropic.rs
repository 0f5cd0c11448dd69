//! Anthropic's Messages API: `POST /v1/messages`. It refuses fields it does not know, so nothing is sent that the
//! model's entry does not name.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::{AiError, Trouble, word};
use super::line::Line;
use super::{Ask, Reply, Stop, TextModel, hints};
use crate::domain::insight::cost::Usage;
use crate::http::Answer;

/// The version whose shapes these are (Anthropic, API versioning).
const VERSION: &str = "2026-10-21";

#[derive(Debug)]
pub(super) struct Anthropic(pub(super) Line);

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    max_tokens: u32,
    system: [Block<'a>; 1],
    messages: [Message<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<Box<RawValue>>,
    metadata: Metadata<'a>,
}

#[derive(Serialize)]
struct Block<'a> {
    r#type: &'static str,
    text: &'a str,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
struct Thinking<'a> {
    r#type: &'a str,
}

#[derive(Serialize)]
struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format<'a>>,
}

#[derive(Serialize)]
struct Format<'a> {
    r#type: &'static str,
    schema: &'a RawValue,
}

#[derive(Serialize)]
struct Metadata<'a> {
    user_id: &'a str,
}

impl TextModel for Anthropic {
    async fn ask(&self, ask: &Ask<'_>) -> Result<Reply, AiError> {
        let schema: &RawValue =
            serde_json::from_str(ask.schema.text).map_err(|_| AiError::new(Trouble::Rejected))?;
        let format = ask.entry.json_schema.then_some(Format { r#type: "json_schema", schema });
        let effort = ask.entry.effort.as_deref();
        let request = Request {
            model: &ask.entry.model,
            max_tokens: ask.entry.limit(ask.output_tokens),
            system: [Block { r#type: "text", text: &ask.told() }],
            messages: [Message { role: "user", content: ask.message }],
            thinking: ask.entry.thinking.as_deref().map(|r#type| Thinking { r#type }),
            output_config: (effort.is_some() || format.is_some()).then_some(OutputConfig { effort, format }),
            temperature: ask.sent_temperature(),
            metadata: Metadata { user_id: ask.user },
        };
        let version = ask.entry.version.as_deref().unwrap_or(VERSION);
        let headers = vec![("anthropic-version", version.to_owned())];
        read(&self.0.post(&["v1", "messages"], headers, &request, ask.limit).await?)
    }
}

#[derive(Deserialize)]
struct Said {
    model: Option<String>,
    content: Option<Vec<BlockSaid>>,
    stop_reason: Option<String>,
    usage: Option<UsageSaid>,
}

#[derive(Deserialize)]
struct BlockSaid {
    r#type: Option<String>,
    text: Option<String>,
}

#[derive(Deserialize)]
struct UsageSaid {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation: Option<Created>,
    output_tokens: Option<u64>,
    output_tokens_details: Option<Thought>,
    service_tier: Option<String>,
    inference_geo: Option<String>,
}

#[derive(Deserialize)]
struct Created {
    ephemeral_1h_input_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Thought {
    thinking_tokens: Option<u64>,
}

impl UsageSaid {
    /// Anthropic's `input_tokens` is only what no cache served.
    fn usage(&self) -> Option<Usage> {
        let output = self.output_tokens?;
        let written = self.cache_creation_input_tokens.unwrap_or(0);
        let hour = self
            .cache_creation
            .as_ref()
            .and_then(|it| it.ephemeral_1h_input_tokens)
            .unwrap_or(0)
            .min(written);
        Some(Usage {
            uncached: self.input_tokens?,
            cached: self.cache_read_input_tokens.unwrap_or(0),
            written_5m: written - hour,
            written_1h: hour,
            output,
            reasoning: self
                .output_tokens_details
                .as_ref()
                .and_then(|it| it.thinking_tokens)
                .unwrap_or(0)
                .min(output),
            ..Usage::default()
        })
    }

    /// What the tier and the place that served cost of a hundred.
    fn percent(&self) -> u32 {
        let tier = match self.service_tier.as_deref() {
            Some("batch") => 50,
            Some("priority") => 200,
            _ => 100,
        };
        if self.inference_geo.as_deref() == Some("us") { tier * 110 / 100 } else { tier }
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
    let stop = match said.stop_reason.as_deref() {
        Some("end_turn" | "stop_sequence") => Stop::Complete,
        Some("max_tokens" | "model_context_window_exceeded") => Stop::Truncated,
        Some("refusal") => Stop::Refused,
        Some(other) => Stop::Other(word(Some(other)).unwrap_or_default()),
        None => return Err(garbled()),
    };
    let blocks = said.content.unwrap_or_default();
    let texts = blocks.iter().filter(|block| block.r#type.as_deref() == Some("text"));
    // Partial text of a refusal is not an answer.
    let text = match stop {
        Stop::Refused => String::new(),
        Stop::Complete | Stop::Truncated | Stop::Other(_) => {
            texts.filter_map(|block| block.text.as_deref()).collect()
        }
    };
    let usage = said.usage.as_ref().and_then(UsageSaid::usage);
    let percent = said.usage.as_ref().map_or(100, UsageSaid::percent);
    Ok(Reply { text, stop, usage, percent, served: said.model, request_id })
}

#[derive(Deserialize)]
struct ErrorBody {
    error: Option<ErrorSaid>,
    request_id: Option<String>,
}

#[derive(Default, Deserialize)]
struct ErrorSaid {
    r#type: Option<String>,
    details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    error_code: Option<String>,
}

/// What a status other than 2xx means. An unknown code is taken like the bare type.
fn refusal(answer: &Answer) -> AiError {
    let body = serde_json::from_slice::<ErrorBody>(&answer.body).ok();
    let (said, named) =
        body.map(|body| (body.error.unwrap_or_default(), body.request_id)).unwrap_or_default();
    let code = said.details.as_ref().and_then(|it| it.error_code.as_deref()).unwrap_or_default();
    let kind = said.r#type.as_deref().unwrap_or_default();
    let money = kind == "billing_error"
        || code == "organization_on_hold"
        || code.ends_with("spend_limit_reached")
        || code.starts_with("linked_organization_");
    let busy = Trouble::Busy { after: hints::retry_after(&answer.headers) };
    let trouble = match answer.status {
        402 => Trouble::OutOfMoney,
        400 | 429 if money => Trouble::OutOfMoney,
        413 => Trouble::TooLarge,
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
        code: word(Some(code)).or_else(|| word(Some(kind))),
        request_id: hints::request_id(&answer.headers).or_else(|| word(named.as_deref())),
        ..AiError::new(trouble)
    }
}
