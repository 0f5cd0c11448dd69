//! One house for all functions. A function parses its event, calls one use case and maps the result; it cannot
//! do more, because everything else is private.
//!
//! * [`domain`] decides: pure values and functions.
//! * [`usecase`] does: one verb a file, the only place that puts effects in an order.
//! * `whop`, `twenty`, `ai`, `esign`, `store`, `queue`, `files` speak to one outside party each, and to no other.
//! * [`lambda`] turns AWS events into calls of a function, and its results into answers.
//! * [`App`] holds every client, built on first use.

mod ai;
mod app;
mod aws;
mod clock;
mod config;
pub mod domain;
mod error;
mod esign;
mod files;
mod http;
mod ids;
pub mod job;
pub mod lambda;
mod queue;
mod session;
mod store;
mod twenty;
pub mod usecase;
mod vault;
mod whop;

pub use app::App;
pub use clock::Clock;
pub use config::{AiConfig, AwsConfig, BadConfig, Config, EsignConfig, ProviderConfig};
pub use error::{Error, Kind, Result};
pub use http::Addresses;
pub use queue::QueueUrls;
