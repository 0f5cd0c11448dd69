//! What a test can make of the next request.

use std::time::Duration;

use super::{Failure, Usage};
use crate::fault::Gate;

/// What becomes of one request that generates. Each was accepted before: key, headers and body were in order.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The usual answer.
    Answer,
    /// A complete answer of exactly this text, whatever schema was asked for.
    Text(String),
    /// The usual answer, billed as if it had taken these tokens.
    Billed(Usage),
    /// An error answer. It waits in the queue until a request of its provider comes.
    Error(Failure),
    /// The model declines before it has said anything: a refusal part without text, an empty content with
    /// `stop_reason` `refusal`.
    Refusal,
    /// The model declines after it has begun. Anthropic shows what was said so far; `OpenAI` only the refusal.
    RefusalAfter(String),
    /// The answer ends before it is whole, and says so.
    Incomplete(CutOff),
    /// Status `failed` with this code in the Responses API; elsewhere a 500.
    Failed(&'static str),
    /// Complete, with a message that holds no text.
    Empty,
    /// Complete by its own account, but the JSON text stops in the middle.
    CutJson,
    /// Complete, and JSON, but not what the schema asks for.
    WrongJson,
    /// A 200 without a body.
    EmptyBody,
    /// A 200 whose body, though its length is right, is half a JSON document.
    BrokenBody,
    /// A page from a gateway in front of the provider, usually with 502.
    Html(u16),
    /// Nothing comes for this long, in real time; then the usual answer.
    SlowFirstByte(Duration),
    /// Headers and a first piece come at once, the rest takes this long, in real time.
    SlowBody(Duration),
    /// Nothing ever comes, and the line stays open.
    Hang,
    /// The line breaks before anything was generated or billed.
    CutBefore,
    /// The line breaks after the answer was generated and billed.
    CutAfter,
    /// The answer is generated and billed, and waits at the gate.
    Wait(Gate),
    /// A stream breaks off with an error event of the provider; without a stream it is a plain error.
    StreamError,
    /// A stream breaks off without a word, and without usage; without a stream the body breaks off.
    StreamCut,
}

impl Outcome {
    /// Those that need no argument of their own, with a name for people.
    pub fn named() -> Vec<(&'static str, Self)> {
        let mut named = vec![
            ("refusal", Self::Refusal),
            ("refusal after a few words", Self::RefusalAfter("Here is".to_owned())),
            ("failed", Self::Failed("server_error")),
            ("empty", Self::Empty),
            ("cut JSON", Self::CutJson),
            ("wrong JSON", Self::WrongJson),
            ("empty body", Self::EmptyBody),
            ("broken body", Self::BrokenBody),
            ("HTML 502", Self::Html(502)),
            ("slow first byte, 5 s", Self::SlowFirstByte(Duration::from_secs(5))),
            ("slow body, 5 s", Self::SlowBody(Duration::from_secs(5))),
            ("hang", Self::Hang),
            ("cut before", Self::CutBefore),
            ("cut after", Self::CutAfter),
            ("stream error", Self::StreamError),
            ("stream cut", Self::StreamCut),
        ];
        named.extend(CutOff::ALL.map(|reason| (reason.name(), Self::Incomplete(reason))));
        named
    }
}

/// Why an answer is not whole. A provider that does not know a reason gives its nearest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutOff {
    /// `max_output_tokens`, `length`, `max_tokens`.
    Limit,
    /// `content_filter`; Anthropic has only the refusal.
    Filter,
    /// `max_messages` of the Responses API.
    Messages,
    /// `steered` of the Responses API.
    Steered,
    /// `model_context_window_exceeded` of Anthropic.
    Window,
    /// `pause_turn` of Anthropic.
    Pause,
}

impl CutOff {
    /// Every reason.
    pub const ALL: [Self; 6] =
        [Self::Limit, Self::Filter, Self::Messages, Self::Steered, Self::Window, Self::Pause];

    fn name(self) -> &'static str {
        match self {
            Self::Limit => "incomplete: limit",
            Self::Filter => "incomplete: filter",
            Self::Messages => "incomplete: messages",
            Self::Steered => "incomplete: steered",
            Self::Window => "incomplete: window",
            Self::Pause => "incomplete: pause",
        }
    }

    pub(super) fn in_responses(self) -> &'static str {
        match self {
            Self::Limit | Self::Window => "max_output_tokens",
            Self::Filter => "content_filter",
            Self::Messages => "max_messages",
            Self::Steered | Self::Pause => "steered",
        }
    }

    pub(super) fn in_chat(self) -> &'static str {
        match self {
            Self::Filter => "content_filter",
            Self::Limit | Self::Window | Self::Messages | Self::Steered | Self::Pause => "length",
        }
    }

    pub(super) fn in_messages(self) -> &'static str {
        match self {
            Self::Limit => "max_tokens",
            Self::Filter => "refusal",
            Self::Window => "model_context_window_exceeded",
            Self::Messages | Self::Steered | Self::Pause => "pause_turn",
        }
    }
}
