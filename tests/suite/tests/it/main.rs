//! The promises of the product, one file per promise.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that is confused must stop"
)]
#![allow(
    clippy::excessive_nesting,
    clippy::wildcard_enum_match_arm,
    clippy::similar_names,
    clippy::format_collect,
    clippy::needless_for_each,
    clippy::case_sensitive_file_extension_comparisons,
    clippy::type_complexity,
    reason = "stories are read from top to bottom"
)]

mod api;
mod batches;
mod browser;
mod budget;
mod connect;
mod contract;
mod contract_api;
mod contract_crashes;
mod contract_crm;
mod contract_office;
mod contract_rules;
mod demo;
mod histories;
mod identity;
mod incremental;
mod insight;
mod insight_answers;
mod insight_automations;
mod insight_desk;
mod insight_docs;
mod insight_door;
mod insight_hostile;
mod insight_injection;
mod insight_limits;
mod isolation;
mod outage;
mod refresh;
mod rotation;
mod settings_page;
mod smoke;
mod source;
mod story;
mod sweep;
mod template;
mod walls;
mod webhook;
