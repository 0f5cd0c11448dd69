//! Whether to ask again, whom, and how long to wait for them. It counts time that was given to it; it reads no
//! clock.

use std::time::Duration;

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Calls for one request, all providers together.
    pub attempts: u32,
    /// No request takes longer, whatever the function has left.
    pub longest: Duration,
    /// What is left of the function's time for answering.
    pub reserve: Duration,
    /// The first call's limit, and its share of the time there is, in percent.
    pub first: Duration,
    pub first_percent: u32,
    /// The longest wait before the same provider is asked again.
    pub longest_wait: Duration,
    /// The wait where the provider names none.
    pub wait: Duration,
    /// The same provider is asked again only with this much left.
    pub retry_needs: Duration,
    /// With less than this left nobody is asked.
    pub least: Duration,
}

impl Default for Pace {
    /// For a gateway that gives up after 29 or 30 seconds.
    fn default() -> Self {
        Self {
            attempts: 3,
            longest: Duration::from_secs(25),
            reserve: Duration::from_secs(2),
            first: Duration::from_secs(14),
            first_percent: 60,
            longest_wait: Duration::from_secs(2),
            wait: Duration::from_millis(450),
            retry_needs: Duration::from_secs(8),
            least: Duration::from_secs(4),
        }
    }
}

/// What a call came to, as far as it matters for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same call may work later; the provider's hint if it gave one.
    Busy { after: Option<Duration> },
    /// This provider will not serve us now: no money, a bad key, no such model.
    Closed,
    /// The answer was cut off in the middle of its JSON.
    Cut,
    /// The answer did not pass our checks.
    Invalid,
    /// Nobody will take this: our mistake, or too large.
    Hopeless,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Wait, then ask this candidate.
    Ask { candidate: usize, wait: Duration, limit: Duration, doubled: bool },
    /// Nobody is left, or no time.
    GiveUp,
}

/// One request on its way.
#[derive(Clone, Debug)]
pub struct Course {
    pace: Pace,
    left: Duration,
    candidates: usize,
    at: usize,
    made: u32,
    /// Calls of the present candidate.
    here: u32,
    doubled: bool,
    repaired: bool,
}

impl Course {
    /// A request that has `time` until its answer must be out, and so many providers that would serve it.
    pub fn new(pace: Pace, time: Duration, candidates: usize) -> Self {
        let left = time.saturating_sub(pace.reserve).min(pace.longest);
        Self { pace, left, candidates, at: 0, made: 0, here: 0, doubled: false, repaired: false }
    }

    /// Calls made so far.
    pub fn made(&self) -> u32 {
        self.made
    }

    /// The first call.
    pub fn begin(&mut self) -> Next {
        self.ask(Duration::ZERO)
    }

    /// The call after one that took `spent` and came to `verdict`.
    pub fn after(&mut self, verdict: Verdict, spent: Duration) -> Next {
        self.left = self.left.saturating_sub(spent);
        match verdict {
            Verdict::Busy { after } => self.again_or_else(after),
            Verdict::Cut if !self.doubled => {
                self.doubled = true;
                self.ask(Duration::ZERO)
            }
            Verdict::Invalid if !self.repaired => {
                self.repaired = true;
                self.ask(Duration::ZERO)
            }
            Verdict::Closed | Verdict::Cut => self.fall_back(),
            Verdict::Invalid | Verdict::Hopeless => Next::GiveUp,
        }
    }

    fn again_or_else(&mut self, after: Option<Duration>) -> Next {
        let wait = after.unwrap_or(self.pace.wait);
        let worth = wait <= self.pace.longest_wait && self.left.saturating_sub(wait) >= self.pace.retry_needs;
        // The last call is kept for somebody else, if there is somebody.
        let others = self.at + 1 < self.candidates;
        let last = self.made + 1 >= self.pace.attempts;
        if worth && self.here < 2 && !(others && last) {
            return self.ask(wait);
        }
        self.fall_back()
    }

    fn fall_back(&mut self) -> Next {
        self.at += 1;
        self.here = 0;
        self.ask(Duration::ZERO)
    }

    fn ask(&mut self, wait: Duration) -> Next {
        self.left = self.left.saturating_sub(wait);
        if self.at >= self.candidates || self.made >= self.pace.attempts || self.left < self.pace.least {
            return Next::GiveUp;
        }
        let limit = if self.made == 0 {
            self.pace.first.min(self.left * self.pace.first_percent / 100)
        } else {
            self.left
        };
        self.made += 1;
        self.here += 1;
        Next::Ask { candidate: self.at, wait, limit, doubled: self.doubled }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secs(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn candidate(next: Next) -> Option<usize> {
        match next {
            Next::Ask { candidate, .. } => Some(candidate),
            Next::GiveUp => None,
        }
    }

    fn course(time: u64, candidates: usize) -> Course {
        let mut course = Course::new(Pace::default(), secs(time), candidates);
        course.begin();
        course
    }

    const BUSY: Verdict = Verdict::Busy { after: None };

    #[test]
    fn the_first_call_gets_sixty_percent_and_fourteen_seconds_at_most() {
        let first = |time| Course::new(Pace::default(), secs(time), 1).begin();

        assert!(matches!(first(60), Next::Ask { limit, .. } if limit == secs(14)));
        assert!(matches!(first(12), Next::Ask { limit, .. } if limit == secs(6)));
        assert_eq!(first(5), Next::GiveUp);
    }

    #[test]
    fn a_busy_provider_is_asked_once_more_and_then_the_other_one() {
        let mut course = course(30, 2);

        assert_eq!(candidate(course.after(BUSY, secs(1))), Some(0));
        assert_eq!(candidate(course.after(BUSY, secs(1))), Some(1));
        assert_eq!(course.after(BUSY, secs(1)), Next::GiveUp);
    }

    #[test]
    fn a_hint_is_waited_for_to_the_millisecond_and_without_one_our_own_time() {
        let wait = |after| match course(30, 2).after(Verdict::Busy { after }, secs(1)) {
            Next::Ask { candidate: 0, wait, .. } => Some(wait),
            Next::Ask { .. } | Next::GiveUp => None,
        };

        assert_eq!(wait(Some(Duration::from_millis(1_234))), Some(Duration::from_millis(1_234)));
        assert_eq!(wait(None), Some(Pace::default().wait));
        assert_eq!(wait(Some(Duration::from_millis(2_001))), None, "too long to wait for");
    }

    #[test]
    fn a_long_hint_or_little_time_leads_to_the_other_one_at_once() {
        let long = Verdict::Busy { after: Some(secs(3)) };

        assert_eq!(candidate(course(30, 2).after(long, secs(1))), Some(1));
        assert_eq!(candidate(course(30, 2).after(BUSY, secs(18))), Some(1));
        assert_eq!(course(30, 1).after(long, secs(1)), Next::GiveUp);
        assert_eq!(course(30, 2).after(BUSY, secs(22)), Next::GiveUp);
    }

    #[test]
    fn no_money_and_no_key_are_not_asked_again() {
        assert_eq!(candidate(course(30, 2).after(Verdict::Closed, secs(1))), Some(1));
        assert_eq!(course(30, 1).after(Verdict::Closed, secs(1)), Next::GiveUp);
        assert_eq!(course(30, 2).after(Verdict::Hopeless, secs(1)), Next::GiveUp);
    }

    #[test]
    fn a_cut_answer_gets_twice_the_room_once() {
        let mut course = course(30, 2);

        assert!(matches!(course.after(Verdict::Cut, secs(1)), Next::Ask { candidate: 0, doubled: true, .. }));
        assert_eq!(candidate(course.after(Verdict::Cut, secs(1))), Some(1));
    }

    #[test]
    fn a_wrong_answer_is_asked_for_once_more() {
        let mut course = course(30, 2);

        assert_eq!(candidate(course.after(Verdict::Invalid, secs(1))), Some(0));
        assert_eq!(course.after(Verdict::Invalid, secs(1)), Next::GiveUp);
    }

    proptest! {
        #[test]
        fn no_course_outlives_its_time_or_makes_more_than_three_calls(
            time in 0..40_u64,
            steps in proptest::collection::vec((0..5_usize, 0..4_000_u64, 0..100_u32), 0..9),
        ) {
            let verdicts = [BUSY, Verdict::Busy { after: Some(secs(2)) }, Verdict::Closed, Verdict::Cut, Verdict::Invalid];
            let mut course = Course::new(Pace::default(), secs(time), 2);
            let (mut next, mut used) = (course.begin(), Duration::ZERO);
            for (verdict, _, share) in steps {
                let Next::Ask { wait, limit, .. } = next else { break };
                let spent = limit * share / 100;
                used += wait + spent;
                next = course.after(verdicts[verdict], spent);
            }
            if let Next::Ask { wait, limit, .. } = next {
                used += wait + limit;
            }
            prop_assert!(used + secs(2) <= secs(time.max(2)));
            prop_assert!(course.made() <= 3);
        }
    }
}
