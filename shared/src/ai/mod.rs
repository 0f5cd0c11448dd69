//! Language models: one question, one answer. No tools, no memory, nothing that a model could fetch or do.
//!
//! The client is our own, thin and typed, over the project's `http`. The crate genai would serve both providers, but it
//! drops the request id and the rate-limit headers of answers that succeed, reports a refusal as an empty success and a
//! content filter as a length limit, sends an `anthropic-version` of 2023, and brings 51 more crates and 0.9 MB; what
//! remains of it after working around that is less than these files.
//!
//! It never repeats a call, never waits, never decides whom to ask, and never logs a prompt, an answer or a key.

mod anthropic;
pub(crate) mod breaker;
pub(crate) mod error;
mod hints;
mod line;
pub(crate) mod models;
mod openai_chat;
mod openai_responses;

use std::borrow::Cow;
use std::time::Duration;

use serde_json::value::RawValue;

use crate::config::ProviderConfig;
use crate::domain::grant::Secret;
use crate::domain::insight::cost::Usage;
use crate::domain::insight::prompt::Schema;
use crate::domain::insight::request::{ProviderName, Temperature};
use crate::http::Http;

pub(crate) use self::breaker::Breakers;
pub(crate) use self::error::{AiError, Trouble};
pub(crate) use self::models::{Entry, Models};

use self::anthropic::Anthropic;
use self::line::Line;
use self::openai_chat::OpenAiChat;
use self::openai_responses::OpenAiResponses;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) entry: &'a Entry,
    /// The static part.
    pub(crate) instructions: &'a str,
    /// Material and task.
    pub(crate) message: &'a str,
    pub(crate) schema: Schema,
    /// For what is seen; the room for reasoning is added here.
    pub(crate) output_tokens: u32,
    /// Only sent to models that take one.
    pub(crate) temperature: Option<Temperature>,
    /// Whom we ask for: an opaque hash, no address.
    pub(crate) user: &'a str,
    /// From the first byte sent to the last one read.
    pub(crate) limit: Duration,
}

impl Ask<'_> {
    /// The static part; with the schema where the server does not take one.
    fn told(&self) -> Cow<'_, str> {
        if self.entry.json_schema {
            return Cow::Borrowed(self.instructions);
        }
        Cow::Owned(format!("{}\n\nThe schema of your answer:\n{}", self.instructions, self.schema.text))
    }

    /// The temperature as a number, where the model takes one. Written as digits: it is never a float here.
    fn sent_temperature(&self) -> Option<Box<RawValue>> {
        let wished = self.temperature.filter(|_| self.entry.temperature)?;
        RawValue::from_string(wished.to_string()).ok()
    }
}

/// Why the model stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Complete,
    /// At the limit of its output; JSON is then cut off.
    Truncated,
    /// The model refused, or a filter did; there is no answer.
    Refused,
    /// A word that came later than this code.
    Other(String),
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) text: String,
    pub(crate) stop: Stop,
    /// Absent where the server does not say.
    pub(crate) usage: Option<Usage>,
    /// What is paid of a hundred: less for slow tiers, more for fast or regional ones.
    pub(crate) percent: u32,
    /// The model that answered.
    pub(crate) served: Option<String>,
    pub(crate) request_id: Option<String>,
}

/// A language model behind one wire.
pub(crate) trait TextModel {
    /// Asks once. An answer that is incomplete or refused is a reply; an error is one without an answer.
    async fn ask(&self, ask: &Ask<'_>) -> Result<Reply, AiError>;
}

/// A provider as it was configured.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) name: ProviderName,
    pub(crate) config: ProviderConfig,
    wired: Wired,
}

#[derive(Debug)]
enum Wired {
    Responses(OpenAiResponses),
    Chat(OpenAiChat),
    Messages(Anthropic),
}

impl Provider {
    /// A provider that is reached through `http`. Nothing without a key where one is needed.
    fn new(name: ProviderName, config: &ProviderConfig, key: Option<Secret>, http: &Http) -> Option<Self> {
        if key.is_none() && config.auth != Auth::None {
            return None;
        }
        let line = Line { http: http.clone(), base: config.base_url.clone(), auth: config.auth, key };
        let wired = match config.wire {
            Wire::OpenAiResponses => Wired::Responses(OpenAiResponses(line)),
            Wire::OpenAiChat => Wired::Chat(OpenAiChat { line, limit: config.limit_field }),
            Wire::AnthropicMessages => Wired::Messages(Anthropic(line)),
        };
        Some(Self { name, config: config.clone(), wired })
    }
}

impl TextModel for Provider {
    async fn ask(&self, ask: &Ask<'_>) -> Result<Reply, AiError> {
        let mut reply = match &self.wired {
            Wired::Responses(model) => model.ask(ask).await,
            Wired::Chat(model) => model.ask(ask).await,
            Wired::Messages(model) => model.ask(ask).await,
        }?;
        reply.percent = reply.percent.saturating_mul(self.config.price_percent) / 100;
        Ok(reply)
    }
}

/// How a provider is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    OpenAiResponses,
    OpenAiChat,
    AnthropicMessages,
}

impl Wire {
    /// The name in settings and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAiResponses => "openai_responses",
            Self::OpenAiChat => "openai_chat",
            Self::AnthropicMessages => "anthropic_messages",
        }
    }
}

/// How the key is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer`.
    Bearer,
    /// `x-api-key`.
    XApiKey,
    /// `api-key`.
    ApiKey,
    /// Not at all.
    None,
}

/// What compatible servers call the limit of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitField {
    MaxCompletionTokens,
    MaxTokens,
}

/// Every provider that is configured, the models there are, and what stands between us.
#[derive(Debug)]
pub(crate) struct Ai {
    pub(crate) providers: Vec<Provider>,
    pub(crate) models: Models,
    pub(crate) breakers: Breakers,
}

impl Ai {
    /// The providers with a key, through `http`, the preferred one first.
    pub(crate) fn new(
        configured: &[(ProviderName, ProviderConfig, Option<Secret>)],
        models: Models,
        http: &Http,
    ) -> Self {
        let providers = configured
            .iter()
            .filter_map(|(name, config, key)| Provider::new(*name, config, key.clone(), http));
        Self { providers: providers.collect(), models, breakers: Breakers::default() }
    }

    /// What is known of a provider's model, with what the deployer says about his server.
    pub(crate) fn entry(&self, provider: &Provider, model: &str) -> Entry {
        self.models.entry(provider.name, model, provider.config.supports.as_ref())
    }
}

#[cfg(test)]
mod tests;
