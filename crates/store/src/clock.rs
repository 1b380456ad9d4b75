//! The store's time: the clock on the wall, but never behind what the store has seen.
//!
//! Leases and due times are points on it. A clock on the wall that jumps back an hour would otherwise hold up a lease of a
//! process that is gone, and every retry, for an hour.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

/// A clock for a store. Cheap to clone; clones are the same clock.
#[derive(Clone)]
pub struct Clock {
    wall_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
    steady: Arc<Mutex<Steady>>,
    zero: Instant,
}

impl Clock {
    /// The clock of this machine.
    pub fn system() -> Self {
        Self::of(|| {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
        })
    }

    /// A clock whose wall shows what `wall_ms` says, in milliseconds since 1970; for tests.
    pub fn of(wall_ms: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self {
            wall_ms: Arc::new(wall_ms),
            steady: Arc::default(),
            zero: Instant::now(),
        }
    }

    /// The time, in milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> i64 {
        let (wall, elapsed) = ((self.wall_ms)(), self.zero.elapsed());
        self.lock().now(wall, elapsed)
    }

    /// The store has seen this time: it is no earlier now.
    pub(crate) fn observe(&self, seen_ms: i64) {
        let elapsed = self.zero.elapsed();
        self.lock().observe(seen_ms, elapsed);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Steady> {
        self.steady.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").finish_non_exhaustive()
    }
}

/// The latest point that was seen, and when that was on a clock that can't jump.
#[derive(Debug, Clone, Copy, Default)]
struct Steady {
    seen_ms: i64,
    at: Duration,
}

impl Steady {
    fn now(&mut self, wall_ms: i64, elapsed: Duration) -> i64 {
        self.observe(wall_ms, elapsed);
        self.advanced(elapsed)
    }

    fn observe(&mut self, seen_ms: i64, elapsed: Duration) {
        if seen_ms >= self.advanced(elapsed) {
            *self = Self { seen_ms, at: elapsed };
        }
    }

    fn advanced(&self, elapsed: Duration) -> i64 {
        let since = elapsed.saturating_sub(self.at).as_millis();
        self.seen_ms
            .saturating_add(i64::try_from(since).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR_MS: i64 = 3_600_000;

    #[test]
    fn a_wall_that_jumps_back_is_not_followed_and_one_that_jumps_ahead_is() {
        let mut clock = Steady::default();
        let seconds = Duration::from_secs;
        assert_eq!(clock.now(10 * HOUR_MS, seconds(0)), 10 * HOUR_MS);
        assert_eq!(clock.now(9 * HOUR_MS, seconds(1)), 10 * HOUR_MS + 1000);
        assert_eq!(clock.now(9 * HOUR_MS + 5000, seconds(6)), 10 * HOUR_MS + 6000);
        assert_eq!(clock.now(12 * HOUR_MS, seconds(7)), 12 * HOUR_MS);
    }

    #[test]
    fn what_the_store_has_seen_counts_after_a_restart() {
        let mut clock = Steady::default();
        clock.observe(10 * HOUR_MS, Duration::ZERO);
        assert_eq!(
            clock.now(9 * HOUR_MS, Duration::from_secs(2)),
            10 * HOUR_MS + 2000
        );
    }

    proptest! {
        #[test]
        fn it_never_goes_back(steps in prop::collection::vec((0..1_000_000i64, 0..10_000u64), 1..50)) {
            let (mut clock, mut elapsed, mut last) = (Steady::default(), 0, 0);
            for (wall, step) in steps {
                elapsed += step;
                let now = clock.now(wall, Duration::from_millis(elapsed));
                prop_assert!(now >= last && now >= wall);
                last = now;
            }
        }
    }
}
