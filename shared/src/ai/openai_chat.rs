//! `OpenAI`'s older Chat Completions: `POST /chat/completions`, the wire that every compatible server speaks. What only
//! `OpenAI` knows is sent for models of the table only.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::{AiError, Trouble, word};
use super::line::Line;
use super::openai_responses::{InputDetails, OutputDetails, refusal, usage};
use super::{Ask, LimitField, Reply, Stop, TextModel, hints};
use crate::http::Answer;

#[derive(Debug)]
pub(super) struct OpenAiChat {
    pub(super) line: Line,
    pub(super) limit: LimitField,
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    messages: [Message<'a>; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Format<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_identifier: Option<&'a str>,
    stream: bool,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
struct Format<'a> {
    r#type: &'static str,
    json_schema: Named<'a>,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    strict: bool,
    schema: &'a RawValue,
}

impl TextModel for OpenAiChat {
    async fn ask(&self, ask: &Ask<'_>) -> Result<Reply, AiError> {
        let schema: &RawValue =
            serde_json::from_str(ask.schema.text).map_err(|_| AiError::new(Trouble::Rejected))?;
        let named = Named { name: ask.schema.name, strict: true, schema };
        let limit = ask.entry.limit(ask.output_tokens);
        let request = Request {
            model: &ask.entry.model,
            messages: [
                Message { role: "system", content: &ask.told() },
                Message { role: "user", content: ask.message },
            ],
            max_completion_tokens: (self.limit == LimitField::MaxCompletionTokens).then_some(limit),
            max_tokens: (self.limit == LimitField::MaxTokens).then_some(limit),
            reasoning_effort: ask.entry.effort.as_deref(),
            temperature: ask.sent_temperature(),
            response_format: ask
                .entry
                .json_schema
                .then_some(Format { r#type: "json_schema", json_schema: named }),
            store: ask.entry.known.then_some(false),
            safety_identifier: ask.entry.known.then_some(ask.user),
            stream: false,
        };
        read(&self.line.post(&["chat", "completions"], Vec::new(), &request, ask.limit).await?)
    }
}

#[derive(Deserialize)]
struct Said {
    model: Option<String>,
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<UsageSaid>,
}

#[derive(Deserialize)]
struct Choice {
    message: Option<MessageSaid>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct MessageSaid {
    content: Option<String>,
    refusal: Option<String>,
}

#[derive(Deserialize)]
struct UsageSaid {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<InputDetails>,
    completion_tokens_details: Option<OutputDetails>,
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
    let choice = said.choices.into_iter().next().ok_or_else(garbled)?;
    let message = choice.message.ok_or_else(garbled)?;
    let refused = message.refusal.is_some_and(|it| !it.is_empty());
    let stop = match choice.finish_reason.as_deref() {
        _ if refused => Stop::Refused,
        Some("stop") | None => Stop::Complete,
        Some("length") => Stop::Truncated,
        Some("content_filter") => Stop::Refused,
        Some(other) => Stop::Other(word(Some(other)).unwrap_or_default()),
    };
    let counted = said.usage;
    let usage = counted.and_then(|it| {
        usage(it.prompt_tokens, it.prompt_tokens_details, it.completion_tokens, it.completion_tokens_details)
    });
    Ok(Reply {
        text: message.content.unwrap_or_default(),
        stop,
        usage,
        percent: 100,
        served: said.model,
        request_id,
    })
}
