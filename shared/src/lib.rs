//! One house for four functions: everything they do is here, and only the use cases are open to them.

pub mod clock;
pub mod domain;
pub mod error;
pub mod http;
pub mod job;

#[cfg_attr(not(test), expect(dead_code, reason = "its callers come with the use cases"))]
mod aws;
mod ids;
#[cfg_attr(not(test), expect(dead_code, reason = "its callers come with the use cases"))]
mod queue;
#[cfg_attr(not(test), expect(dead_code, reason = "its callers come with the use cases"))]
mod session;
#[cfg_attr(
    not(test),
    expect(dead_code, unused_imports, reason = "its callers come with the use cases")
)]
mod store;
#[cfg_attr(not(test), expect(dead_code, reason = "its callers come with the use cases"))]
mod vault;
