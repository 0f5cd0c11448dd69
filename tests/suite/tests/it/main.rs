//! The promises of the product, one file per promise.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that is confused must stop"
)]

mod api;
mod browser;
mod demo;
mod settings_page;
mod smoke;
mod sweep;
mod template;
