//! What follows an attempt to deliver a webhook (contract section 8): one decision for every endpoint.

use crate::retry::jittered;
use std::{fmt, str::FromStr, time::Duration};
use wire::{Faults, fault::shorten};

/// The longest wait between two attempts, whatever the schedule or the receiver say.
pub const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);
/// The most waits of a schedule.
pub const MOST_WAITS: usize = 20;
/// The status by which a receiver says that it wants nothing more, ever: 410 Gone.
pub const GONE: u16 = 410;

/// How far a wait is moved to either side, as a share of it.
const JITTER: f64 = 0.2;

/// The waits after the first attempt, the second, and so on; an attempt that fails after the last wait is the last.
///
/// ```
/// use flow::delivery::Schedule;
/// use std::time::Duration;
///
/// let schedule: Schedule = "5s, 2m, 1h".parse().unwrap();
/// assert_eq!(schedule.waits()[1], Duration::from_secs(120));
/// let faults = "5s, soon, 25h".parse::<Schedule>().unwrap_err();
/// assert_eq!(faults.as_slice(), [
///     r#"wait 2 must be written like 500ms, 5s, 2m or 1h, not "soon""#,
///     "wait 3 must be 1 ms to 24 h",
/// ]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(Vec<Duration>);

impl Schedule {
    /// A schedule of 1 to 20 waits, each of 1 ms to 24 h; or every fault.
    pub fn new(waits: Vec<Duration>) -> Result<Self, Faults> {
        let mut faults = count_faults(waits.len());
        for (place, wait) in waits.iter().enumerate() {
            check_wait(place, *wait, &mut faults);
        }
        faults.finish(Some(Self(waits)))
    }

    /// How long to wait after so many failed attempts and one more; `None` when that was the last. `random` is from 0 to 1: each
    /// wait is moved by up to 20 % to either side, so that what failed together does not come back together.
    pub fn wait_after(&self, failures: u32, random: f64) -> Option<Duration> {
        let wait = self.0.get(usize::try_from(failures).ok()?)?;
        Some(around(*wait, random))
    }

    /// The waits in order.
    pub fn waits(&self) -> &[Duration] {
        &self.0
    }
}

impl Default for Schedule {
    /// 11 attempts in a bit more than 24 h, half of them in the first 43 minutes: most outages are short.
    fn default() -> Self {
        let seconds = [5, 30, 120, 600, 1800, 3600, 7200, 14_400, 21_600, 39_600];
        Self(seconds.map(Duration::from_secs).to_vec())
    }
}

impl FromStr for Schedule {
    type Err = Faults;

    /// Reads `5s, 30s, 2m`: whole numbers with ms, s, m or h, separated by commas.
    fn from_str(text: &str) -> Result<Self, Faults> {
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        let mut faults = count_faults(parts.len());
        let mut waits = Vec::new();
        // Bounded, so that a text of commas alone does not make a fault for each.
        for (place, part) in parts.into_iter().enumerate().take(MOST_WAITS) {
            match wait(part) {
                Some(wait) => {
                    check_wait(place, wait, &mut faults);
                    waits.push(wait);
                }
                None => faults.push(format!(
                    "wait {} must be written like 500ms, 5s, 2m or 1h, not {:?}",
                    place + 1,
                    shorten(part)
                )),
            }
        }
        faults.finish(Some(Self(waits)))
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, wait) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            let ms = wait.as_millis();
            let (number, unit) = UNITS
                .iter()
                .find(|(_, length)| ms.is_multiple_of(*length))
                .map_or((ms, "ms"), |(unit, length)| (ms / length, unit));
            write!(f, "{comma}{number}{unit}")?;
        }
        Ok(())
    }
}

/// The units of a wait in milliseconds, largest first.
const UNITS: [(&str, u128); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

fn wait(text: &str) -> Option<Duration> {
    let digits = text.find(|sign: char| !sign.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, length) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let ms = u128::from(number.parse::<u32>().ok()?) * length;
    u64::try_from(ms).ok().map(Duration::from_millis)
}

fn count_faults(count: usize) -> Faults {
    if (1..=MOST_WAITS).contains(&count) {
        Faults::new()
    } else {
        Faults::one(format!("a schedule has 1 to {MOST_WAITS} waits, not {count}"))
    }
}

fn check_wait(place: usize, wait: Duration, faults: &mut Faults) {
    if !(Duration::from_millis(1)..=LONGEST_WAIT).contains(&wait) {
        faults.push(format!("wait {} must be 1 ms to 24 h", place + 1));
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver answered with this status.
    Answered(u16),
    /// There was no connection; the receiver has seen nothing.
    NotConnected,
    /// The connection broke after sending; the receiver may have taken it.
    Broken,
    /// No answer in time; the receiver may have taken it.
    TimedOut,
    /// The guard refuses the address; nothing was sent.
    Refused,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(status @ 300..=399) => {
                write!(f, "it answers {status}; redirects are not followed")
            }
            Self::Answered(status) => write!(f, "it answers {status}"),
            Self::NotConnected => f.write_str("it can't be reached"),
            Self::Broken => f.write_str("the connection broke before the answer"),
            Self::TimedOut => f.write_str("it does not answer in time"),
            Self::Refused => f.write_str("its address is internal and not permitted"),
        }
    }
}

/// An attempt that is over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attempt {
    /// How many attempts failed before this one.
    pub failures: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// The answer's `Retry-After`.
    pub retry_after: Option<Duration>,
    /// A random number from 0 to 1.
    pub random: f64,
}

/// What to do after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It was taken.
    Delivered,
    /// Try again after this time.
    Again {
        /// At most 24 h.
        after: Duration,
    },
    /// It was tried for the last time: a dead letter.
    Dead {
        /// Why.
        why: Why,
    },
    /// A dead letter, and the endpoint gets nothing more until somebody enables it.
    Disable {
        /// Why.
        why: Why,
    },
}

/// Why there is no further attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// The schedule is used up.
    #[error("given up after {attempts} attempts; at last, {outcome}")]
    Exhausted {
        /// How many were made.
        attempts: u32,
        /// How the last one ended.
        outcome: Outcome,
    },
    /// The receiver wants nothing more.
    #[error("the receiver says that it is gone (410)")]
    Gone,
}

/// Decides what follows an attempt.
///
/// 2xx is delivered whatever the body says, 410 disables the endpoint, and everything else is tried again while the schedule
/// has waits left. A `Retry-After` that is longer than the wait counts instead, up to 24 h.
///
/// ```
/// use flow::delivery::{Attempt, Next, Outcome, Schedule, decide};
/// use std::time::Duration;
///
/// let busy = Attempt {
///     failures: 0,
///     outcome: Outcome::Answered(429),
///     retry_after: Some(Duration::from_secs(120)),
///     random: 0.5,
/// };
/// let schedule = Schedule::default();
/// assert_eq!(decide(&schedule, &busy), Next::Again { after: Duration::from_secs(120) });
/// let broken = Attempt { outcome: Outcome::Broken, retry_after: None, ..busy };
/// assert_eq!(decide(&schedule, &broken), Next::Again { after: Duration::from_secs(5) });
/// ```
pub fn decide(schedule: &Schedule, attempt: &Attempt) -> Next {
    let attempts = attempt.failures.saturating_add(1);
    let wait = schedule.wait_after(attempt.failures, attempt.random);
    match (attempt.outcome, wait) {
        (Outcome::Answered(200..=299), _) => Next::Delivered,
        (Outcome::Answered(GONE), _) => Next::Disable { why: Why::Gone },
        (outcome, None) => Next::Dead {
            why: Why::Exhausted { attempts, outcome },
        },
        (_, Some(wait)) => {
            let asked = attempt.retry_after.unwrap_or_default();
            let after = wait.max(asked).min(LONGEST_WAIT);
            Next::Again { after }
        }
    }
}

/// A wait moved by up to [`JITTER`].
fn around(wait: Duration, random: f64) -> Duration {
    let width = wait.mul_f64(2.0 * JITTER);
    wait.mul_f64(1.0 - JITTER) + jittered(width, random)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn attempt(failures: u32, outcome: Outcome) -> Attempt {
        Attempt {
            failures,
            outcome,
            retry_after: None,
            random: 0.5,
        }
    }

    #[test]
    fn the_default_schedule_lasts_a_bit_more_than_a_day() {
        let schedule = Schedule::default();
        assert_eq!(schedule.to_string(), "5s, 30s, 2m, 10m, 30m, 1h, 2h, 4h, 6h, 11h");
        assert_eq!(Schedule::new(schedule.waits().to_vec()), Ok(schedule.clone()));
        let all: Duration = schedule.waits().iter().sum();
        assert!(all > LONGEST_WAIT && all < LONGEST_WAIT + Duration::from_secs(3600));
        for failures in 0..10 {
            let next = decide(&schedule, &attempt(failures, Outcome::Answered(500)));
            let after = schedule.waits()[failures as usize];
            assert_eq!(next, Next::Again { after });
        }
        let Next::Dead { why } = decide(&schedule, &attempt(10, Outcome::Answered(500))) else {
            panic!("not dead");
        };
        assert_eq!(
            why.to_string(),
            "given up after 11 attempts; at last, it answers 500"
        );
    }

    #[test]
    fn only_2xx_is_delivered_and_only_410_disables() {
        let last = |status| decide(&Schedule::default(), &attempt(10, Outcome::Answered(status)));
        let first = |status| decide(&Schedule::default(), &attempt(0, Outcome::Answered(status)));
        for status in 0..=999 {
            for (next, again) in [(first(status), true), (last(status), false)] {
                match status {
                    200..=299 => assert_eq!(next, Next::Delivered, "{status}"),
                    410 => assert_eq!(next, Next::Disable { why: Why::Gone }),
                    _ if again => assert!(matches!(next, Next::Again { .. }), "{status}"),
                    _ => assert!(matches!(next, Next::Dead { .. }), "{status}"),
                }
            }
        }
        for outcome in [
            Outcome::NotConnected,
            Outcome::Broken,
            Outcome::TimedOut,
            Outcome::Refused,
        ] {
            assert!(matches!(
                decide(&Schedule::default(), &attempt(0, outcome)),
                Next::Again { .. }
            ));
        }
    }

    #[test]
    fn retry_after_counts_when_it_is_longer_and_up_to_a_day() {
        let after = |seconds| {
            let asked = Attempt {
                retry_after: Some(Duration::from_secs(seconds)),
                ..attempt(1, Outcome::Answered(503))
            };
            match decide(&Schedule::default(), &asked) {
                Next::Again { after } => after.as_secs(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!([after(0), after(29), after(31)], [30, 30, 31]);
        assert_eq!(after(u64::MAX), 24 * 3600);
    }

    #[test]
    fn a_schedule_names_all_its_faults() {
        let faults = |text: &str| text.parse::<Schedule>().unwrap_err().into_vec();
        assert_eq!(
            faults("0s,-1s,5,99999999999h,25h,s"),
            [
                "wait 1 must be 1 ms to 24 h",
                r#"wait 2 must be written like 500ms, 5s, 2m or 1h, not "-1s""#,
                r#"wait 3 must be written like 500ms, 5s, 2m or 1h, not "5""#,
                r#"wait 4 must be written like 500ms, 5s, 2m or 1h, not "99999999999h""#,
                "wait 5 must be 1 ms to 24 h",
                r#"wait 6 must be written like 500ms, 5s, 2m or 1h, not "s""#,
            ]
        );
        assert_eq!(
            faults(&["1s"; 21].join(",")),
            ["a schedule has 1 to 20 waits, not 21"]
        );
        assert_eq!(faults(&",".repeat(100_000)).len(), 21);
        let none = Schedule::new(Vec::new()).unwrap_err().into_vec();
        assert_eq!(none, ["a schedule has 1 to 20 waits, not 0"]);
    }

    fn any_schedule() -> impl Strategy<Value = Schedule> {
        proptest::collection::vec(1_u64..=86_400_000, 1..=MOST_WAITS)
            .prop_map(|waits| Schedule::new(waits.into_iter().map(Duration::from_millis).collect()).unwrap())
    }

    proptest! {
        #[test]
        fn every_delivery_ends_and_every_wait_is_within_its_bounds(
            schedule in any_schedule(),
            outcomes in proptest::collection::vec((100_u16..600, proptest::option::of(0_u64..200_000)), 30),
            random in prop_oneof![0.0..=1.0, Just(f64::NAN), Just(-1.0), Just(7.0)],
        ) {
            for (failures, (status, retry_after)) in (0..).zip(outcomes) {
                let retry_after = retry_after.map(Duration::from_secs);
                let attempt = Attempt { failures, outcome: Outcome::Answered(status), retry_after, random };
                let Next::Again { after } = decide(&schedule, &attempt) else { return Ok(()) };
                let wait = schedule.waits()[failures as usize];
                let asked = retry_after.unwrap_or_default();
                let slack = Duration::from_micros(1);
                prop_assert!(after <= LONGEST_WAIT);
                prop_assert!(after + slack >= wait.mul_f64(0.8).max(asked).min(LONGEST_WAIT));
                prop_assert!(after <= wait.mul_f64(1.2).max(asked) + slack);
            }
            prop_assert!(false, "20 waits can't be used 30 times");
        }

        #[test]
        fn a_schedule_is_read_as_it_is_written(schedule in any_schedule()) {
            prop_assert_eq!(schedule.to_string().parse::<Schedule>(), Ok(schedule));
        }

        #[test]
        fn any_text_is_a_schedule_or_has_faults(text in "[0-9hms, x]{0,40}|\\PC{0,40}") {
            match text.parse::<Schedule>() {
                Ok(schedule) => prop_assert_eq!(Schedule::new(schedule.waits().to_vec()), Ok(schedule)),
                Err(faults) => prop_assert!(!faults.is_empty()),
            }
        }
    }
}
