//! When a controller that lost its connection tries to get its call back (contract section 4).

use crate::{
    Moment,
    retry::{backoff, jittered},
};
use std::time::Duration;
use wire::limits::CONTROLLER_GRACE;

const BASE: Duration = Duration::from_millis(100);
const CAP: Duration = Duration::from_secs(1);
/// A connection that stood so long was a good one.
const STABLE: Duration = Duration::from_secs(1);

/// The tries after one loss: the first at once, then after 100 ms doubling to 1 s, until the call's grace is over.
///
/// ```
/// use flow::{Moment, reconnect::{Next, Reconnect}};
/// use std::time::Duration;
///
/// let lost = Moment::START;
/// let mut reconnect = Reconnect::new(lost);
/// assert_eq!(reconnect.next(lost, 0.5), Next::TryAfter(Duration::ZERO));
/// assert_eq!(reconnect.next(lost, 0.5), Next::TryAfter(Duration::from_millis(75)));
/// assert_eq!(reconnect.next(lost + Duration::from_secs(5), 0.5), Next::GiveUp);
/// ```
#[derive(Debug, Clone)]
pub struct Reconnect {
    deadline: Moment,
    tries: u32,
}

/// What to do about a lost connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Wait this long, then try to connect.
    TryAfter(Duration),
    /// The center has taken the call over; it is too late.
    GiveUp,
}

impl Reconnect {
    /// The tries after a connection that was lost at `lost`.
    pub fn new(lost: Moment) -> Self {
        Self {
            deadline: lost + CONTROLLER_GRACE,
            tries: 0,
        }
    }

    /// The tries after one more loss, of a connection that stood for `stood`. One that broke at once counts as a try that
    /// failed, so a platform that takes connections only to drop them is not asked in a tight loop, nor for ever.
    pub fn again(self, stood: Duration, now: Moment) -> Self {
        if stood < STABLE { self } else { Self::new(now) }
    }

    /// What comes next, asked before every try; `random` is from 0 to 1.
    ///
    /// Half of each wait is random: full jitter would make it nothing too often, and the time is short.
    pub fn next(&mut self, now: Moment, random: f64) -> Next {
        let wait = match self.tries {
            0 => Duration::ZERO,
            tries => {
                let half = backoff(BASE, CAP, tries - 1) / 2;
                half + jittered(half, random)
            }
        };
        if now + wait >= self.deadline {
            return Next::GiveUp;
        }
        self.tries = self.tries.saturating_add(1);
        Next::TryAfter(wait)
    }

    /// How long a try may take.
    pub fn left(&self, now: Moment) -> Duration {
        self.deadline.since(now)
    }

    /// How many tries were made.
    pub fn tries(&self) -> u32 {
        self.tries
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: u64) -> Moment {
        Moment::at(Duration::from_millis(ms))
    }

    #[test]
    fn the_first_try_is_at_once_and_then_the_waits_double() {
        let mut reconnect = Reconnect::new(at(0));
        let waits: Vec<_> = (0..7).map(|_| reconnect.next(at(0), 1.0)).collect();
        let wanted = [0, 100, 200, 400, 800, 1000, 1000];
        assert_eq!(waits, wanted.map(|ms| Next::TryAfter(Duration::from_millis(ms))));
        assert_eq!(reconnect.tries(), 7);
    }

    #[test]
    fn the_grace_is_the_end() {
        let mut reconnect = Reconnect::new(at(1000));
        assert_eq!(reconnect.left(at(1000)), CONTROLLER_GRACE);
        assert_eq!(reconnect.left(at(9000)), Duration::ZERO);
        assert_eq!(reconnect.clone().next(at(6000), 0.0), Next::GiveUp);
        assert_eq!(reconnect.next(at(5999), 0.0), Next::TryAfter(Duration::ZERO));
        assert_eq!(reconnect.next(at(5999), 0.0), Next::GiveUp);
    }

    #[test]
    fn a_connection_that_breaks_at_once_is_a_failed_try() {
        let mut reconnect = Reconnect::new(at(0));
        assert_eq!(reconnect.next(at(0), 1.0), Next::TryAfter(Duration::ZERO));
        let mut short = reconnect.clone().again(Duration::from_millis(999), at(999));
        assert_eq!(short.next(at(999), 1.0), Next::TryAfter(BASE));
        assert_eq!(
            short.again(Duration::ZERO, at(5000)).next(at(5000), 1.0),
            Next::GiveUp
        );
        let mut long = reconnect.again(Duration::from_secs(1), at(9000));
        assert_eq!(long.next(at(9000), 1.0), Next::TryAfter(Duration::ZERO));
    }

    proptest! {
        #[test]
        fn tries_are_bounded_in_time_and_number(randoms in proptest::collection::vec(0.0..=1.0, 64)) {
            let mut reconnect = Reconnect::new(at(0));
            let mut now = at(0);
            for random in randoms {
                match reconnect.next(now, random) {
                    Next::TryAfter(wait) => now = now + wait,
                    Next::GiveUp => break,
                }
                prop_assert!(now < at(0) + CONTROLLER_GRACE);
            }
            prop_assert!((8..=14).contains(&reconnect.tries()), "{}", reconnect.tries());
        }
    }
}
