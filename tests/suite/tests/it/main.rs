//! The promises of the product, one file per promise.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that is confused must stop"
)]

mod api;
mod batches;
mod browser;
mod budget;
mod connect;
mod demo;
mod identity;
mod incremental;
mod isolation;
mod outage;
mod refresh;
mod settings_page;
mod smoke;
mod source;
mod story;
mod sweep;
mod template;
mod walls;
mod webhook;
