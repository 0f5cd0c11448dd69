//! `Idempotency-Key` on POST: the same request is answered from memory for 24 hours, another one under the
//! same key is refused (Whop, idempotency).

use std::collections::HashMap;

use http::StatusCode;

use super::Refusal;

const KEPT_MS: i64 = 24 * 3_600_000;
const LONGEST_KEY: usize = 255;

/// An answer that is kept.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) body: String,
}

#[derive(Debug)]
struct Kept {
    request: String,
    since: i64,
    reply: Option<Reply>,
}

/// The answers by credential and key.
#[derive(Debug, Default)]
pub(in crate::whop) struct Replies(HashMap<(String, String), Kept>);

impl Replies {
    /// `Some` when the request was answered before; `None` when it must be executed and then [`Self::keep`]t.
    pub(super) fn start(
        &mut self,
        token: &str,
        key: &str,
        request: &str,
        now: i64,
    ) -> Result<Option<Reply>, Refusal> {
        if key.len() > LONGEST_KEY {
            return Err(Refusal::bad("Idempotency-Key is longer than 255 bytes"));
        }
        let place = (token.to_owned(), key.to_owned());
        if let Some(kept) = self.0.get(&place).filter(|kept| now - kept.since < KEPT_MS) {
            if kept.request != request {
                return Err(Refusal::bad("Idempotency-Key was used with a different request"));
            }
            return match &kept.reply {
                Some(reply) => Ok(Some(reply.clone())),
                None => Err(Refusal::conflict("a request with this Idempotency-Key is still running")),
            };
        }
        let kept = Kept { request: request.to_owned(), since: now, reply: None };
        self.0.insert(place, kept);
        Ok(None)
    }

    pub(super) fn keep(&mut self, token: &str, key: &str, reply: Reply) {
        if let Some(kept) = self.0.get_mut(&(token.to_owned(), key.to_owned())) {
            kept.reply = Some(reply);
        }
    }
}
