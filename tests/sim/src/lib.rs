//! The street outside: small stateful servers that stand in for AWS, Whop, Twenty and two AI providers.
//!
//! Nothing here knows the product's types. Every payload is written from the providers' own descriptions, so
//! that a mistake in the product's clients cannot hide behind the same mistake in the stand-in.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a stand-in that is confused must stop the test that uses it"
)]
#![allow(
    clippy::excessive_nesting,
    clippy::too_many_lines,
    reason = "stand-ins follow the other side's rules, which are long lists of cases"
)]

pub mod ai;
pub mod aws;
pub mod clock;
pub mod esign;
pub mod fault;
pub mod serve;
pub mod twenty;
pub mod whop;
