//! Stand-ins for `OpenAI` and Anthropic on one port. Every request is checked against the providers' `OpenAPI`
//! documents; answers are made from the request alone, so the same request has the same answer. They know
//! nothing of the product's types, and never reach the internet.
//!
//! ```no_run
//! # async fn story() {
//! use sim::ai::{Ai, Failure, Outcome, Provider};
//! use sim::clock::Clock;
//! use sim::fault::Faults;
//!
//! let ai = Ai::start(Clock::stepped(1_795_420_800_000), &Faults::default(), 0).await;
//! // The client under test gets `ai.openai_url()`, `ai.anthropic_url()` and the two keys.
//! let (base, key) = (ai.openai_url(), ai.key(Provider::OpenAi));
//!
//! // The next request that OpenAI would answer is told to slow down, the one after that is refused.
//! ai.script(Outcome::Error(Failure::openai("slow_down").retry_after("3")));
//! ai.script_for(Provider::OpenAi, Outcome::Refusal);
//! // Or by looking at the request; what is queued goes first.
//! ai.plan(|request| (request.model() == "gpt-6-luna").then_some(Outcome::CutJson));
//! // From now on the model obeys hostile text in every way.
//! ai.switch(|switches| switches.gullible = sim::ai::Obeys::ALL.to_vec());
//!
//! // … the story …
//! assert_eq!(ai.calls(Provider::OpenAi), 2);
//! assert_eq!(ai.requests()[0].body["store"], false);
//! assert_eq!(ai.violations(), Vec::<String>::new());
//! # }
//! ```
//!
//! What is a violation: a body that the document refuses, a field the provider does not know, a setting the
//! model does not take, a schema outside the provider's subset, a bad header, a key in a body, a route that
//! does not exist. It is answered as the provider would, and remembered. A wrong key, an unknown model and a
//! full context window are answered too, but are no violations: they are settings, which stories play with.
//!
//! Scripted outcomes and the plan concern requests that generate; the other routes always answer. Calls also
//! pass `Faults` as the service `ai`.
#![expect(clippy::result_large_err, reason = "a refusal is made once a request, and a test wants all of it")]
#![expect(clippy::string_slice, reason = "texts are cut where a piece or a character ends")]
#![expect(clippy::wildcard_enum_match_arm, reason = "an outcome matters to one step and passes the others")]

mod asked;
mod asked_gpt;
mod books;
mod caching;
mod console;
mod descriptions;
mod door;
mod failure;
mod handle;
mod headers;
mod models;
mod models_claude;
mod models_gpt;
mod outcome;
mod perform;
mod reply;
mod server;
mod subset;
mod wire;
mod words;

pub use books::{Received, Switches, Usage};
pub use failure::Failure;
pub use handle::Ai;
pub use outcome::{CutOff, Outcome};
pub use words::Obeys;

/// What [`Ai::key`] begins with, so that a key that leaks is recognised wherever it turns up.
pub const CANARY: &str = "c4n4ry";

/// Whose API was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provider {
    /// Below `/openai/v1`.
    OpenAi,
    /// Below `/anthropic/v1`.
    Anthropic,
}

impl Provider {
    /// Both.
    pub const ALL: [Self; 2] = [Self::OpenAi, Self::Anthropic];

    /// `openai` or `anthropic`.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
        }
    }
}

/// Which of the three ways to ask for text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire {
    Responses,
    Chat,
    Messages,
}

impl Wire {
    fn provider(self) -> Provider {
        match self {
            Self::Responses | Self::Chat => Provider::OpenAi,
            Self::Messages => Provider::Anthropic,
        }
    }
}
