//! Lets one accepted request meet its outcome.

use std::future::pending;

use axum::response::Response;
use serde_json::{Value, json};

use super::asked::Asked;
use super::books::{Sim, Ticket};
use super::outcome::CutOff;
use super::reply::{Pace, Reply, failure};
use super::wire::{Generated, Said, body, broken, events};
use super::{Failure, Outcome, Provider, Wire, words};
use crate::fault::cut;

/// Answers, or does what the script says instead.
pub(super) async fn perform(sim: &Sim, ticket: Ticket, asked: &Asked, outcome: Outcome) -> Response {
    match outcome {
        Outcome::CutBefore => return cut(),
        Outcome::Hang => return pending().await,
        Outcome::Error(error) => return failure(sim, ticket, &error),
        Outcome::Html(status) => {
            let page = format!(
                "<html><head><title>{status}</title></head><body><h1>{status} Bad Gateway</h1></body></html>"
            );
            return Reply::new(status, "text/html", vec![page]).send(sim, ticket, Vec::new());
        }
        Outcome::Failed(_) if asked.wire != Wire::Responses => {
            return failure(sim, ticket, &down(asked.wire));
        }
        Outcome::StreamError if !asked.streams() => return failure(sim, ticket, &down(asked.wire)),
        Outcome::SlowFirstByte(time) => tokio::time::sleep(time).await,
        _ => {}
    }
    let body = generate(sim, ticket, asked, &outcome);
    if let Outcome::Wait(gate) = &outcome {
        gate.wait().await;
    }
    if matches!(outcome, Outcome::CutAfter) {
        return cut();
    }
    written(asked, &body, &outcome).send(sim, ticket, Vec::new())
}

/// What goes wrong inside a provider.
fn down(wire: Wire) -> Failure {
    match wire.provider() {
        Provider::OpenAi => Failure::openai("server_error"),
        Provider::Anthropic => Failure::anthropic("overloaded_error"),
    }
}

/// Makes the answer, bills it and remembers it.
fn generate(sim: &Sim, ticket: Ticket, asked: &Asked, outcome: &Outcome) -> Value {
    let switches = sim.books().switches.clone();
    let text = words::answer(asked, &switches.gullible);
    let (input, stamp) = sim.bill(asked);
    let mut generated = Generated::within_limit(asked, said(outcome, text), input, stamp);
    if let Outcome::Billed(usage) = outcome {
        generated.bill(*usage);
    }
    sim.settle(ticket, |received| {
        received.usage = (!matches!(generated.said, Said::Failed(_))).then(|| generated.usage());
        received.answer = match &generated.said {
            Said::Text(text, _) => Some(text.clone()),
            Said::Refused(partial) => partial.clone(),
            Said::Failed(_) => None,
        };
    });
    let mut body = body(asked, &generated);
    if asked.wire == Wire::Responses && asked.body["store"] != json!(false) {
        sim.store(&body);
    }
    if asked.wire == Wire::Chat && switches.bare_usage {
        for details in ["prompt_tokens_details", "completion_tokens_details"] {
            body["usage"].as_object_mut().and_then(|usage| usage.remove(details));
        }
    }
    body
}

fn said(outcome: &Outcome, text: String) -> Said {
    match outcome {
        Outcome::Text(other) => Said::Text(other.clone(), None),
        Outcome::Refusal => Said::Refused(None),
        Outcome::RefusalAfter(partial) => Said::Refused(Some(partial.clone())),
        Outcome::Incomplete(CutOff::Filter) => Said::Text(String::new(), Some(CutOff::Filter)),
        Outcome::Incomplete(reason) => Said::Text(words::half(&text), Some(*reason)),
        Outcome::Failed(code) => Said::Failed(code),
        Outcome::Empty => Said::Text(String::new(), None),
        Outcome::CutJson => Said::Text(words::half(&text), None),
        Outcome::WrongJson => Said::Text(words::nonsense(), None),
        _ => Said::Text(text, None),
    }
}

/// Writes the answer down as the request wants it and the outcome lets it.
fn written(asked: &Asked, body: &Value, outcome: &Outcome) -> Reply {
    let streams = asked.streams();
    let mut pieces = if streams { events(asked, body) } else { quarters(&body.to_string()) };
    let kind = if streams { "text/event-stream; charset=utf-8" } else { "application/json" };
    let half = pieces.len() / 2;
    let mut pace = Pace::AtOnce;
    match outcome {
        Outcome::EmptyBody => pieces.clear(),
        Outcome::BrokenBody => pieces.truncate(half),
        Outcome::SlowBody(time) => pace = Pace::Slow(*time),
        Outcome::StreamError => {
            pieces.truncate(half);
            pieces.push(broken(asked.wire, half));
        }
        Outcome::StreamCut => {
            pieces.truncate(half);
            pace = Pace::Broken;
        }
        _ => {}
    }
    Reply { pace, ..Reply::new(200, kind, pieces) }
}

/// A text in four pieces.
fn quarters(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(chars.len().div_ceil(4).max(1)).map(|chunk| chunk.iter().collect()).collect()
}
