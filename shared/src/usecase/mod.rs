//! What the functions do: one verb a file. A use case is the only place that puts effects in an order; it knows
//! no HTTP, no JSON and no Lambda.

pub mod accept_webhook;
pub(crate) mod access;
pub mod api_tokens;
pub mod apply_deliveries;
mod ask_for_scores;
mod audit;
pub mod authenticate;
mod call_budget;
pub mod choose;
pub mod connect_twenty;
pub mod connect_whop;
pub mod contracts;
pub(crate) mod crm;
pub mod disconnect;
mod gather;
pub mod go_live;
pub mod insight_job;
pub mod insight_settings;
mod known_links;
mod mirror;
pub mod overview;
mod read_whop;
mod refresh_grant;
pub mod refresh_member;
pub mod replay;
pub mod retry_failed;
pub mod run_insight;
mod schema;
pub mod score_members;
pub mod settle_card;
pub mod start_sync;
pub mod steer_run;
pub mod sync_named;
pub mod sync_page;
mod sync_records;
mod write_note;

pub use accept_webhook::accept_webhook;
pub use apply_deliveries::apply_deliveries;
pub use refresh_member::refresh_member;
pub use replay::replay;
pub use retry_failed::retry_failed;
pub use settle_card::settle_card;
pub use sync_page::sync_page;
pub use write_note::write_note;
