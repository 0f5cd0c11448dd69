//! The e-signature stand-ins, asked as a client of each provider would ask: answers fit the published
//! descriptions, requests that do not are refused and remembered, signatures are those of the vectors.
#![expect(clippy::indexing_slicing, clippy::missing_panics_doc, reason = "these are tests")]

mod docusign;
mod dropbox_sign;
mod pandadoc;
mod vectors;
mod webhooks;
mod world;
