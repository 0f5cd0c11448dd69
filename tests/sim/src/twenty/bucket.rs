//! The bucket of core requests of one workspace, with the server's own arithmetic: what is earned back is
//! rounded down and counted from the last request that was let through.

/// How the server tells a caller to slow down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// 2.21: no headers.
    V2_21,
    /// Newer servers: `Retry-After`, `X-RateLimit-*` and a body that says more.
    Newer,
}

/// Length of the window in milliseconds.
const WINDOW_MS: i64 = 60_000;

/// Tokens left and when they were last counted.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    pub limit: i64,
    tokens: i64,
    last_success: Option<i64>,
}

impl Bucket {
    pub(super) fn new(limit: i64) -> Self {
        Self { limit, tokens: limit, last_success: None }
    }

    /// What could be spent now.
    fn available(&self, now: i64) -> i64 {
        let Some(last) = self.last_success else {
            return self.limit;
        };
        let earned = (now - last).max(0) * self.limit / WINDOW_MS;
        (self.tokens + earned).min(self.limit)
    }

    /// Takes one token, or says in how many milliseconds there will be one.
    pub(super) fn take(&mut self, now: i64) -> Result<(), i64> {
        let available = self.available(now);
        if available < 1 {
            let next = (WINDOW_MS + self.limit.max(1) - 1) / self.limit.max(1);
            return Err((self.last_success.unwrap_or(now) + next - now).max(1));
        }
        self.tokens = available - 1;
        self.last_success = Some(now);
        Ok(())
    }
}
