//! How each of the three wires writes an answer and a stream.

pub(super) mod chat;
pub(super) mod messages;
pub(super) mod responses;

use serde_json::Value;

use super::asked::Asked;
use super::caching::{Input, tokens};
use super::outcome::CutOff;
use super::{Usage, Wire};

/// What came out of the model.
pub(super) enum Said {
    /// A text, whole if nothing cut it.
    Text(String, Option<CutOff>),
    /// The model declines; what it had said before, if anything.
    Refused(Option<String>),
    /// The Responses API gives up with this code.
    Failed(&'static str),
}

/// An answer before it is written down.
pub(super) struct Generated {
    pub(super) said: Said,
    pub(super) input: Input,
    /// Tokens of the visible text and of the thinking before it.
    pub(super) visible: u64,
    pub(super) thinking: u64,
    /// A number no other answer has.
    pub(super) number: u64,
    /// Milliseconds since the epoch.
    pub(super) now: i64,
}

impl Generated {
    /// Thinks and speaks within the limit of the request; what exceeds it is cut off.
    pub(super) fn within_limit(asked: &Asked, said: Said, input: Input, stamp: (u64, i64)) -> Self {
        let (number, now) = stamp;
        let limit = asked.limit.unwrap_or(u64::MAX);
        let thinking = super::models::thinking_tokens(&asked.effort).min(limit);
        let room = limit - thinking;
        let said = match said {
            Said::Text(text, None) if tokens(&text) > room => {
                Said::Text(first_tokens(&text, room), Some(CutOff::Limit))
            }
            said => said,
        };
        let visible = match &said {
            Said::Text(text, _) => tokens(text),
            Said::Refused(partial) => partial.as_deref().map_or(1, tokens),
            Said::Failed(_) => 0,
        };
        Self { said, input, visible, thinking, number, now }
    }

    /// What is billed, in the words of neither provider.
    pub(super) fn usage(&self) -> Usage {
        let Input { fresh, read, written } = self.input;
        Usage { fresh, read, written, output: self.visible + self.thinking, thinking: self.thinking }
    }

    /// The same with these tokens.
    pub(super) fn bill(&mut self, usage: Usage) {
        self.input = Input { fresh: usage.fresh, read: usage.read, written: usage.written };
        (self.visible, self.thinking) = (usage.output.saturating_sub(usage.thinking), usage.thinking);
    }

    /// The id of an answer: a prefix and a number in hexadecimal.
    fn id(&self, prefix: &str, digits: usize) -> String {
        format!("{prefix}{:0digits$x}", self.number)
    }

    fn seconds(&self) -> i64 {
        self.now / 1_000
    }
}

fn first_tokens(text: &str, room: u64) -> String {
    let mut end = usize::try_from(room * 4).unwrap_or(usize::MAX).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// The body of an answer.
pub(super) fn body(asked: &Asked, generated: &Generated) -> Value {
    match asked.wire {
        Wire::Responses => responses::body(asked, generated),
        Wire::Chat => chat::body(asked, generated),
        Wire::Messages => messages::body(asked, generated),
    }
}

/// The same answer as the events of a stream, as they stand on the wire.
pub(super) fn events(asked: &Asked, body: &Value) -> Vec<String> {
    match asked.wire {
        Wire::Responses => responses::events(asked, body),
        Wire::Chat => chat::events(asked, body),
        Wire::Messages => messages::events(body),
    }
}

/// The event that ends a stream in the middle, after `sent` others.
pub(super) fn broken(wire: Wire, sent: usize) -> String {
    match wire {
        Wire::Responses => responses::broken(sent),
        Wire::Chat => chat::broken(),
        Wire::Messages => messages::broken(),
    }
}

fn named(event: &Value) -> String {
    format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default())
}

/// A text in small pieces, as it would be said.
fn deltas(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(24).map(|chunk| chunk.iter().collect()).collect()
}
