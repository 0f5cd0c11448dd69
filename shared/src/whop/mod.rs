//! Whop: a seller's records, the webhooks that tell of them, and the seller's consent.
//!
//! Speaks to Whop and to nobody else. It never repeats a call: one method is one call, and whoever calls it
//! counts and paces. Whop's own JSON never leaves this module.

pub(crate) mod account;
pub(crate) mod client;
pub(crate) mod error;
pub(crate) mod event;
mod list;
pub(crate) mod oauth;
mod row;
pub(crate) mod subscription;
pub(crate) mod webhook;
mod wire;

#[cfg(test)]
mod tests;
