//! 600 requests a minute for one operation and credential (Whop, rate limits).

use std::collections::HashMap;

const MINUTE: i64 = 60_000;

/// When each window began, and how many requests it has seen.
#[derive(Debug, Default)]
pub(in crate::whop) struct Windows(HashMap<(String, &'static str), (i64, u32)>);

impl Windows {
    /// Counts a request, or says in how many seconds the next one may come.
    pub(super) fn enter(
        &mut self,
        token: &str,
        operation: &'static str,
        now: i64,
        limit: u32,
    ) -> Result<(), i64> {
        let (began, seen) = self.0.entry((token.to_owned(), operation)).or_insert((now, 0));
        if now - *began >= MINUTE {
            (*began, *seen) = (now, 0);
        }
        if *seen >= limit {
            return Err((*began + MINUTE - now + 999) / 1_000);
        }
        *seen += 1;
        Ok(())
    }
}
