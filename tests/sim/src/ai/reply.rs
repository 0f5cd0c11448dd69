//! Puts an answer on the line, at once or not.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use serde_json::Value;

use super::books::{Sim, Ticket};
use super::{Failure, Provider, headers};

/// How the pieces of a body follow each other.
pub(super) enum Pace {
    AtOnce,
    /// All of them together take this long, after the first.
    Slow(Duration),
    /// The line breaks behind the last.
    Broken,
}

/// An answer before it is sent.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) kind: &'static str,
    pub(super) pieces: Vec<String>,
    pub(super) pace: Pace,
}

impl Reply {
    pub(super) fn new(status: u16, kind: &'static str, pieces: Vec<String>) -> Self {
        Self { status, kind, pieces, pace: Pace::AtOnce }
    }

    /// Sends it with the headers of its provider and `more`.
    pub(super) fn send(self, sim: &Sim, ticket: Ticket, more: Vec<(&'static str, String)>) -> Response {
        sim.settle(ticket, |received| received.status = Some(self.status));
        let mut response = Response::builder().status(self.status).header("content-type", self.kind);
        let own = headers::of(sim, ticket.provider, &request_id(ticket), self.status);
        for (name, value) in own.into_iter().chain(more) {
            response = response.header(name, value);
        }
        response.body(self.pace.body(self.pieces)).expect("headers of plain characters")
    }
}

impl Pace {
    fn body(self, pieces: Vec<String>) -> Body {
        let pieces = pieces.into_iter().map(Bytes::from);
        match self {
            Self::AtOnce => Body::from(pieces.fold(Vec::new(), |mut all, piece| {
                all.extend_from_slice(&piece);
                all
            })),
            Self::Slow(whole) => {
                let steps = u32::try_from(pieces.len().saturating_sub(1).max(1)).unwrap_or(1);
                let paced = stream::iter(pieces.enumerate()).then(move |(at, piece)| async move {
                    if at > 0 {
                        tokio::time::sleep(whole / steps).await;
                    }
                    Ok::<Bytes, std::io::Error>(piece)
                });
                Body::from_stream(paced)
            }
            Self::Broken => {
                let cut = stream::once(async {
                    // What came before must be on the line when it breaks.
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    Err(std::io::Error::other("the line was cut by plan"))
                });
                Body::from_stream(stream::iter(pieces.map(Ok)).chain(cut))
            }
        }
    }
}

/// What a provider calls the request of this number.
pub(super) fn request_id(ticket: Ticket) -> String {
    let number = ticket.number;
    match ticket.provider {
        Provider::OpenAi => format!("req_{number:032x}"),
        Provider::Anthropic => format!("req_011C{number:020x}"),
    }
}

/// An error answer.
pub(super) fn failure(sim: &Sim, ticket: Ticket, failure: &Failure) -> Response {
    let body = failure.body(&request_id(ticket)).to_string();
    let page =
        format!("<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>", failure.message);
    let reply = if failure.page {
        Reply::new(failure.status, "text/html", vec![page])
    } else {
        Reply::new(failure.status, "application/json", vec![body])
    };
    reply.send(sim, ticket, failure.hints())
}

/// A plain answer.
pub(super) fn json(sim: &Sim, ticket: Ticket, body: &Value) -> Response {
    Reply::new(200, "application/json", vec![body.to_string()]).send(sim, ticket, Vec::new())
}
