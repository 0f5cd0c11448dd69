//! The settings page: four static files in the binary, which read the same API as everybody else.

use shared::lambda::Reply;
use shared::{Error, Result};

/// Nothing from anywhere else, and nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The page itself.
pub(crate) fn page() -> Result<Reply> {
    guarded(Reply::text(200, "text/html; charset=utf-8", include_str!("../settings/index.html")))
}

/// One of its files.
pub(crate) fn file(name: &str) -> Result<Reply> {
    guarded(match name {
        "settings.css" => {
            Reply::text(200, "text/css; charset=utf-8", include_str!("../settings/settings.css"))
        }
        "settings.js" => {
            Reply::text(200, "text/javascript; charset=utf-8", include_str!("../settings/settings.js"))
        }
        "contracts.js" => {
            Reply::text(200, "text/javascript; charset=utf-8", include_str!("../settings/contracts.js"))
        }
        _ => return Err(Error::not_found()),
    })
}

fn guarded(reply: Reply) -> Result<Reply> {
    reply.header("content-security-policy", POLICY)?.header("referrer-policy", "no-referrer")
}
