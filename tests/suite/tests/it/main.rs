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
mod demo;
mod outage;
mod settings_page;
mod source;
mod budget;
mod connect;
mod identity;
mod incremental;
mod isolation;
mod refresh;
mod settings_page;
mod story;
mod smoke;
mod sweep;
mod template;
mod webhook;
