//! The whole product in one process, for stories and for the local runner.

#[expect(clippy::expect_used, reason = "a test cannot go on without its table")]
pub mod table;
