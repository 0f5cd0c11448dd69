//! One house for four functions: everything they do is here, and only the use cases are open to them.

pub mod clock;
pub mod domain;
pub mod error;
pub mod http;
mod ids;
pub mod job;
mod twenty;
