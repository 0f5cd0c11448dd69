//! How many calls a workspace may still make, by Twenty's own rule.
//!
//! Twenty refills its bucket by `floor(time since the last call × limit / 60 s)` and restarts that clock at
//! every call (observed on 2.21), so calls closer together than one interval earn nothing back. We keep the
//! same bucket with a slightly slower refill, and so never promise what Twenty does not have.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// Who wants to call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Something just happened at Whop, or a person waits.
    Live,
    /// A contract moved, and the CRM is to show it; it leaves some calls for deliveries.
    Contracts,
    /// A sweep; it leaves some calls for the others.
    Sweep,
    /// Figures that nobody waits for; they leave enough for a sweep and for what just happened.
    Figures,
}

impl Urgency {
    /// Calls that stay in the bucket for whoever is more urgent, and for clocks that do not agree.
    fn reserve(self, limit: u32) -> u32 {
        match self {
            Self::Live => limit / 20,
            Self::Contracts => limit / 10,
            Self::Sweep => limit / 5,
            Self::Figures => limit * 2 / 5,
        }
    }
}

/// Our picture of a workspace's bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Calls a minute that Twenty grants, as far as we know.
    pub limit: u32,
    /// Never believe in more than this.
    pub ceiling: u32,
    pub tokens: u32,
    /// When the last call was granted.
    pub last_at: Timestamp,
    /// When the limit was last found too high, or raised.
    pub learnt_at: Timestamp,
    /// Counts every change; a taker who read an older one takes nothing.
    pub version: u64,
}

/// The answer to one who wants to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Take {
    /// Call now; this is the bucket afterwards.
    Granted(Bucket),
    /// Ask again after this long.
    Wait(Duration),
}

/// Our interval is longer than Twenty's by this many hundredths: the price of clocks and lines that jitter.
const MARGIN_PERCENT: u64 = 103;
/// The least we believe in, however often we are refused.
const FLOOR: u32 = 5;
/// How long a call may take: one that writes a batch of sixty takes about this.
const CALL: Duration = Duration::from_millis(1_500);
/// How long without a refusal before we believe in more again.
const PATIENCE: Duration = Duration::from_mins(10);

impl Bucket {
    /// A full bucket of `ceiling` calls a minute.
    pub fn full(ceiling: u32, now: Timestamp) -> Self {
        let limit = ceiling.max(FLOOR);
        Self { limit, ceiling: limit, tokens: limit, last_at: now, learnt_at: now, version: 0 }
    }

    fn interval_ms(&self) -> u64 {
        (60_000 * MARGIN_PERCENT).div_ceil(100 * u64::from(self.limit))
    }

    /// Takes one call, or says how long to wait for it.
    pub fn take(&self, urgency: Urgency, now: Timestamp) -> Take {
        self.take_some(1, urgency, now).0
    }

    /// Takes `most` calls at once, or as many as there are, and says how many; or how long to wait for the first.
    ///
    /// Twenty's clock begins anew at the last of them, which lies ahead: until [`Self::settled`] says better, it
    /// counts as made after the time that so many calls may take.
    pub fn take_some(&self, most: u32, urgency: Urgency, now: Timestamp) -> (Take, u32) {
        let bucket = self.raised(now);
        let passed = u64::try_from(now.since(bucket.last_at).as_millis()).unwrap_or(u64::MAX);
        let earned = u32::try_from(passed / bucket.interval_ms()).unwrap_or(u32::MAX);
        let tokens = bucket.tokens.saturating_add(earned).min(bucket.limit);
        let needed = urgency.reserve(bucket.limit) + 1;
        if tokens >= needed {
            let calls = (tokens + 1 - needed).min(most.max(1));
            let last_at = bucket.last_at.max(now + CALL * (calls - 1));
            let version = self.version + 1;
            return (Take::Granted(Self { tokens: tokens - calls, last_at, version, ..bucket }), calls);
        }
        let due = u64::from(needed - bucket.tokens) * bucket.interval_ms();
        (Take::Wait(Duration::from_millis(due.saturating_sub(passed).max(1))), 0)
    }

    /// Of the calls that were taken at once, the last one was made at `last_at`, and `unused` were not made.
    #[must_use]
    pub fn settled(&self, unused: u32, last_at: Timestamp) -> Self {
        let tokens = self.tokens.saturating_add(unused).min(self.limit);
        Self { tokens, last_at, ..self.clone() }
    }

    /// The same as a change of its own.
    #[must_use]
    pub fn moved(self) -> Self {
        Self { version: self.version + 1, ..self }
    }

    /// Twenty refused a call. `named` is the limit it named, if it did.
    #[must_use]
    pub fn refused(&self, named: Option<u32>, now: Timestamp) -> Self {
        let limit = match named {
            Some(named) if named < self.limit => named,
            Some(_) => self.limit - self.limit / 5, // Somebody else draws on the same bucket.
            None => self.limit / 2,
        };
        let version = self.version + 1;
        Self { limit: limit.max(FLOOR), tokens: 0, last_at: now, learnt_at: now, version, ..self.clone() }
    }

    /// After a while without a refusal the limit is believed to be a little higher again.
    fn raised(&self, now: Timestamp) -> Self {
        if self.limit >= self.ceiling || now.since(self.learnt_at) < PATIENCE {
            return self.clone();
        }
        let limit = (self.limit + self.limit.div_ceil(20)).min(self.ceiling);
        Self { limit, learnt_at: now, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twenty's bucket as it was observed.
    struct Server {
        limit: i64,
        tokens: i64,
        last: i64,
    }

    impl Server {
        fn call(&mut self, now: i64) -> bool {
            let earned = (now - self.last) * self.limit / 60_000;
            let left = (self.tokens + earned).min(self.limit);
            if left < 1 {
                return false;
            }
            (self.tokens, self.last) = (left - 1, now);
            true
        }
    }

    fn drive(server: &mut Server, bucket: &mut Bucket, from: i64, to: i64, names: bool) -> (u32, u32) {
        let (mut now, mut granted, mut refused) = (from, 0, 0);
        while now < to {
            let at = Timestamp::from_millis(now);
            match bucket.take(Urgency::Sweep, at) {
                Take::Wait(time) => {
                    now += i64::try_from(time.as_millis()).unwrap();
                    continue;
                }
                Take::Granted(after) => *bucket = after,
            }
            if server.call(now) {
                granted += 1;
                continue;
            }
            refused += 1;
            *bucket = bucket.refused(names.then(|| u32::try_from(server.limit).unwrap()), at);
        }
        (granted, refused)
    }

    #[test]
    fn an_hour_of_calls_is_never_refused_and_uses_95_percent_of_the_budget() {
        let mut server = Server { limit: 100, tokens: 100, last: 0 };
        let mut bucket = Bucket::full(100, Timestamp::from_millis(0));

        let (granted, refused) = drive(&mut server, &mut bucket, 0, 3_600_000, false);

        assert_eq!(refused, 0);
        assert!(granted >= 5_700, "{granted} calls in an hour");
    }

    #[test]
    fn a_limit_that_is_halved_without_notice_is_learnt_within_three_refusals() {
        for names in [true, false] {
            let mut server = Server { limit: 100, tokens: 100, last: 0 };
            let mut bucket = Bucket::full(100, Timestamp::from_millis(0));
            drive(&mut server, &mut bucket, 0, 600_000, names);

            server.limit = 50;
            let (granted, refused) = drive(&mut server, &mut bucket, 600_000, 1_200_000, names);

            assert!(refused <= 3, "{refused} refusals");
            assert!(granted >= 430, "{granted} calls in ten minutes");
        }
    }

    #[test]
    fn a_live_delivery_finds_calls_that_a_sweep_left() {
        let mut bucket = Bucket::full(100, Timestamp::from_millis(0));
        let now = Timestamp::from_millis(1);
        while let Take::Granted(after) = bucket.take(Urgency::Sweep, now) {
            bucket = after;
        }

        assert!(matches!(bucket.take(Urgency::Live, now), Take::Granted(_)));
    }

    #[test]
    fn a_limit_that_was_learnt_down_rises_again_slowly() {
        let bucket =
            Bucket::full(100, Timestamp::from_millis(0)).refused(Some(50), Timestamp::from_millis(0));

        let Take::Granted(later) = bucket.take(Urgency::Sweep, Timestamp::from_millis(3_600_000)) else {
            panic!("an hour earns calls");
        };

        assert_eq!(later.limit, 53);
    }

    #[test]
    fn calls_that_were_taken_at_once_promise_no_more_than_calls_one_by_one() {
        let mut server = Server { limit: 100, tokens: 100, last: 0 };
        let mut bucket = Bucket::full(100, Timestamp::from_millis(0));
        let (mut now, mut granted) = (0, 0);
        while now < 600_000 {
            let (take, calls) = bucket.take_some(6, Urgency::Live, Timestamp::from_millis(now));
            let after = match take {
                Take::Granted(after) => after,
                Take::Wait(time) => {
                    now += i64::try_from(time.as_millis()).unwrap();
                    continue;
                }
            };
            // One in three is not made; the others are a little apart.
            let made = calls - calls / 3;
            for _ in 0..made {
                now += 450;
                assert!(server.call(now), "refused after {granted} calls");
                granted += 1;
            }
            bucket = after.settled(calls - made, Timestamp::from_millis(now)).moved();
        }

        assert!(granted >= 100, "{granted} calls in ten minutes");
    }

    #[test]
    fn calls_that_were_taken_and_never_settled_are_lost_and_not_promised_twice() {
        let bucket = Bucket::full(100, Timestamp::from_millis(0));
        let (Take::Granted(after), 6) = bucket.take_some(6, Urgency::Live, Timestamp::from_millis(0)) else {
            panic!("a full bucket grants six calls");
        };

        let earned = |ms| match after.take(Urgency::Live, Timestamp::from_millis(ms)) {
            Take::Granted(later) => later.tokens + 1 - after.tokens,
            Take::Wait(_) => panic!("there are calls left"),
        };

        assert_eq!(earned(7_500), 0, "the last of them may be on its way until then");
        assert_eq!(earned(7_500 + 619), 1);
    }
}
