//! How many completions in a time, and when each is due.

use std::{str::FromStr, time::Duration};

/// The lowest and the highest rate, in thousandths per second.
const LIMITS: std::ops::RangeInclusive<u64> = 100..=1_000_000;
/// Who is further behind than this goes on from now; what was missed is not made up for.
const MOST_BEHIND: Duration = Duration::from_secs(1);

/// How many completions are made up in a time: 0.1 to 1000 a second.
///
/// ```
/// let rate: center::CompletionRate = "50/s".parse()?;
/// assert_eq!(rate, "3000/min".parse()?);
/// assert!("5000/s".parse::<center::CompletionRate>().is_err());
/// # Ok::<(), center::BadRate>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct CompletionRate {
    /// In thousandths.
    count: u64,
    per_s: u64,
}

/// A text that is no [`CompletionRate`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no rate of completions; write it like 50/s, 0.5/s or 30/min, from 0.1/s to 1000/s")]
pub struct BadRate(String);

impl FromStr for CompletionRate {
    type Err = BadRate;

    fn from_str(text: &str) -> Result<Self, BadRate> {
        parse(text).ok_or_else(|| BadRate(wire::fault::shorten(text)))
    }
}

fn parse(text: &str) -> Option<CompletionRate> {
    let (count, per) = text.split_once('/')?;
    let per_s = match per {
        "s" => 1,
        "min" => 60,
        _ => return None,
    };
    let thousandths = (count.parse::<f64>().ok()? * 1000.0).round();
    let rate = CompletionRate {
        // A cast of a number that is too large or none gives the nearest, which is out of the limits.
        count: thousandths as u64,
        per_s,
    };
    let within = *LIMITS.start() * per_s..=*LIMITS.end() * per_s;
    within.contains(&rate.count).then_some(rate)
}

impl PartialEq for CompletionRate {
    fn eq(&self, other: &Self) -> bool {
        self.count * other.per_s == other.count * self.per_s
    }
}

impl Eq for CompletionRate {}

impl CompletionRate {
    /// How many are due within this time.
    fn within(self, time: Duration) -> u64 {
        let due = time.as_nanos() * u128::from(self.count) / self.nanos();
        u64::try_from(due).unwrap_or(u64::MAX)
    }

    /// When so many are due.
    fn time_of(self, count: u64) -> Duration {
        let nanos = (u128::from(count) * self.nanos()).div_ceil(u128::from(self.count));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The time of a thousand times `count`, in nanoseconds.
    fn nanos(self) -> u128 {
        u128::from(self.per_s) * 1000 * 1_000_000_000
    }
}

/// Keeps to a rate by the clock: times count from a start that the driver chooses, and small delays do not add up.
#[derive(Debug)]
pub(crate) struct Beat {
    rate: CompletionRate,
    begun: Duration,
    done: u64,
}

impl Beat {
    /// Begins now.
    pub(crate) fn new(rate: CompletionRate, now: Duration) -> Self {
        Self {
            rate,
            begun: now,
            done: 0,
        }
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Duration {
        self.begun.saturating_add(self.rate.time_of(self.done + 1))
    }

    /// How many are due by now; from then on they count as done. No more than belong into a second.
    pub(crate) fn take(&mut self, now: Duration) -> u64 {
        if now.saturating_sub(self.next()) > MOST_BEHIND {
            *self = Self::new(self.rate, now);
            return 1;
        }
        let due = self.rate.within(now.saturating_sub(self.begun));
        let new = due.saturating_sub(self.done);
        self.done += new;
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate(text: &str) -> CompletionRate {
        text.parse().unwrap()
    }

    #[test]
    fn a_rate_is_0_1_to_1000_a_second() {
        for good in ["50/s", "0.1/s", "1000/s", "6/min", "60000/min", "0.333/s"] {
            assert!(good.parse::<CompletionRate>().is_ok(), "{good}");
        }
        for bad in [
            "", "50", "50/h", "0/s", "-1/s", "0.09/s", "1001/s", "NaN/s", "inf/s", "5/min", "a/s", "1/s/s",
        ] {
            assert!(bad.parse::<CompletionRate>().is_err(), "{bad}");
        }
        assert_eq!(
            "fast".parse::<CompletionRate>().unwrap_err().to_string(),
            r#""fast" is no rate of completions; write it like 50/s, 0.5/s or 30/min, from 0.1/s to 1000/s"#
        );
    }

    #[test]
    fn the_pace_is_kept_over_a_day_without_drift() {
        let day = Duration::from_secs(86_400);
        let mut beat = Beat::new(rate("7/min"), Duration::ZERO);
        let mut done = 0;
        while beat.next() <= day {
            // A little late every time.
            done += beat.take(beat.next() + Duration::from_millis(3));
        }
        assert_eq!(done, 7 * 60 * 24);
    }

    #[test]
    fn after_a_stall_what_was_missed_is_not_made_up_for() {
        let mut beat = Beat::new(rate("100/s"), Duration::ZERO);
        assert_eq!(beat.take(Duration::from_secs(60)), 1);
        assert_eq!(beat.take(Duration::from_secs(60)), 0);
        assert_eq!(beat.next(), Duration::from_millis(60_010));
        // A short one is.
        assert_eq!(beat.take(Duration::from_millis(60_500)), 50);
    }

    proptest! {
        #[test]
        fn whenever_it_is_asked_it_gives_what_is_due_and_no_burst(
            count in 1u64..=1000, steps in prop::collection::vec(0u64..3_000, 1..100)
        ) {
            let mut beat = Beat::new(rate(&format!("{count}/s")), Duration::ZERO);
            let (mut now, mut done) = (Duration::ZERO, 0);
            for step in steps {
                now += Duration::from_millis(step);
                let was_due = beat.next() <= now;
                let due = beat.take(now);
                prop_assert_eq!(due > 0, was_due);
                prop_assert!(due <= count + 2, "{due} at once");
                prop_assert!(beat.next() > now);
                done += due;
                prop_assert!(done <= beat.rate.within(now));
            }
        }
    }
}
