//! Time as the machines see it: an argument, never a clock.

use std::{
    ops::{Add, Sub},
    time::Duration,
};

/// A point on a monotonic clock whose zero is the driver's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// The clock's zero.
    pub const START: Moment = Moment(Duration::ZERO);
    /// The moment that never comes; the deadline of a machine that waits for nothing.
    pub const NEVER: Moment = Moment(Duration::MAX);

    /// The moment `since` after the clock's zero.
    pub fn at(since: Duration) -> Self {
        Self(since)
    }

    /// The time since the clock's zero.
    pub fn since_start(self) -> Duration {
        self.0
    }

    /// How long after `earlier` this is; zero if it is before.
    pub fn since(self, earlier: Moment) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;
    fn add(self, later: Duration) -> Moment {
        Moment(self.0.saturating_add(later))
    }
}

impl Sub for Moment {
    type Output = Duration;
    fn sub(self, earlier: Moment) -> Duration {
        self.since(earlier)
    }
}
