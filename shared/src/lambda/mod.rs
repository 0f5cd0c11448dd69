//! AWS events in, answers out: what every function needs at its door, once.
//!
//! Knows the runtime and nothing of the business. A panic costs one request, or one message.

mod http;
mod queue;
pub mod telemetry;

pub use self::http::{Reply, Request, answer_http, serve_http, tell};
pub use self::queue::{Batch, answer_queue, serve_queue};

/// A function that aborts on a panic would take the nine messages beside a bad one along.
const _: () = assert!(cfg!(panic = "unwind"), "build with panic = \"unwind\"");
