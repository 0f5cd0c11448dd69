//! The e-signature stand-ins, asked as a client of each provider would ask: answers fit the published
//! descriptions, requests that do not are refused and remembered, signatures are those of the vectors.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that is surprised must stop"
)]
#![allow(clippy::too_many_lines, clippy::excessive_nesting, reason = "a story is told in one go")]
#![allow(clippy::doc_markdown, reason = "DocuSign and PandaDoc are names of companies")]

mod docusign;
mod dropbox_sign;
mod pandadoc;
mod vectors;
mod webhooks;
mod world;
