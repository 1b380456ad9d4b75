//! The time of the store: that of the wall, but never behind what was seen before.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Where the store takes its time from. Clones are the same clock.
///
/// Leases and retries wait for points in time, so time must not go back: if the clock on the wall is set back an hour,
/// also across a restart, the store's time goes on from where it was (the database remembers the last seen time).
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    source: Source,
    time: Mutex<StoreTime>,
}

enum Source {
    Machine { start: Instant },
    Steered(Mutex<Reading>),
}

/// What the machine's clocks say.
#[derive(Debug, Clone, Copy)]
struct Reading {
    /// Milliseconds since 1970; may jump.
    wall_ms: i64,
    /// Milliseconds since some start; never jumps.
    steady_ms: i64,
}

impl Clock {
    /// The clock of this machine.
    pub fn machine() -> Self {
        let start = Instant::now();
        Self::new(Source::Machine { start })
    }

    /// A clock for tests: it starts at `wall_ms` (milliseconds since 1970), and only [`Clock::pass`] moves it.
    pub fn steered(wall_ms: i64) -> Self {
        let steady_ms = 0;
        Self::new(Source::Steered(Mutex::new(Reading { wall_ms, steady_ms })))
    }

    fn new(source: Source) -> Self {
        let time = Mutex::default();
        Self(Arc::new(Inner { source, time }))
    }

    /// Lets time pass on a steered clock; the machine's is left as it is.
    pub fn pass(&self, time: Duration) {
        self.steer(|reading| {
            let ms = millis(time);
            reading.wall_ms = reading.wall_ms.saturating_add(ms);
            reading.steady_ms = reading.steady_ms.saturating_add(ms);
        });
    }

    /// Sets a steered clock's wall forward or back, as an operator would; the machine's is left as it is.
    pub fn set_wall(&self, by_ms: i64) {
        self.steer(|reading| reading.wall_ms = reading.wall_ms.saturating_add(by_ms));
    }

    fn steer(&self, change: impl FnOnce(&mut Reading)) {
        if let Source::Steered(reading) = &self.0.source {
            change(&mut reading.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// The store's time, in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        let reading = self.0.source.read();
        self.time(|time| time.now(reading))
    }

    /// Another time was seen in the database: from now on, time is not before it.
    pub(crate) fn saw(&self, ms: i64) {
        let reading = self.0.source.read();
        self.time(|time| time.saw(ms, reading));
    }

    fn time<T>(&self, act: impl FnOnce(&mut StoreTime) -> T) -> T {
        act(&mut self.0.time.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Source {
    fn read(&self) -> Reading {
        match self {
            Self::Machine { start } => Reading {
                wall_ms: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis),
                steady_ms: millis(start.elapsed()),
            },
            Self::Steered(reading) => *reading.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }
}

/// A duration in milliseconds.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The last time that was given or seen, and when that was.
#[derive(Debug, Default)]
struct StoreTime {
    last_ms: i64,
    at_steady_ms: i64,
}

impl StoreTime {
    /// The wall's time, or what passed since the last time if that is later.
    fn now(&mut self, reading: Reading) -> i64 {
        let passed = reading.steady_ms.saturating_sub(self.at_steady_ms).max(0);
        self.last_ms = self.last_ms.saturating_add(passed).max(reading.wall_ms);
        self.at_steady_ms = reading.steady_ms;
        self.last_ms
    }

    fn saw(&mut self, ms: i64, reading: Reading) {
        let now = self.now(reading);
        self.last_ms = now.max(ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn a_wall_that_is_set_back_an_hour_does_not_stop_time() {
        let clock = Clock::steered(10 * HOUR);
        assert_eq!(clock.now_ms(), 10 * HOUR);
        clock.set_wall(-HOUR);
        clock.pass(Duration::from_secs(5));
        assert_eq!(clock.now_ms(), 10 * HOUR + 5_000);
        clock.set_wall(2 * HOUR);
        assert_eq!(clock.now_ms(), 11 * HOUR + 5_000);
    }

    #[test]
    fn after_a_restart_time_goes_on_from_what_the_database_saw() {
        let clock = Clock::steered(9 * HOUR);
        clock.saw(10 * HOUR);
        assert_eq!(clock.now_ms(), 10 * HOUR);
        clock.pass(Duration::from_millis(1));
        clock.saw(10 * HOUR - 7);
        assert_eq!(clock.now_ms(), 10 * HOUR + 1);
    }

    proptest! {
        #[test]
        fn time_never_goes_back_and_never_stalls(
            steps in proptest::collection::vec((-5_000i64..5_000, 0u64..1_000), 1..50)
        ) {
            let clock = Clock::steered(HOUR);
            let mut last = clock.now_ms();
            for (jump, passes) in steps {
                clock.set_wall(jump);
                clock.pass(Duration::from_millis(passes));
                let now = clock.now_ms();
                prop_assert!(now >= last + passes as i64);
                last = now;
            }
        }
    }
}
