//! Decisions, as values and pure functions.
//!
//! Nothing here waits, logs, reads a clock or knows the JSON of a provider, a database or a queue.

pub mod budget;
pub mod caller;
pub mod card;
pub mod connection;
pub mod contract;
pub mod delivery;
pub mod draft;
pub mod event;
pub mod fact;
pub mod failed;
pub mod grant;
pub mod halving;
pub mod id;
pub mod identity;
pub mod insight;
pub mod link;
pub mod mapping;
pub mod money;
pub mod policy;
pub mod revision;
pub mod run;
pub mod schema;
pub mod settings;
pub mod source;
pub mod time;
pub mod words;
