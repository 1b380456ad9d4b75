//! Rate limits per client and route class (contract section 2).

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::keyed::DashMapStateStore,
};
use std::{num::NonZeroU32, str::FromStr, time::Duration};
use wire::ids::ClientId;

/// What a limit counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RouteClass {
    ProfileReads,
    Other,
}

/// A number of requests in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    count: NonZeroU32,
    per: Duration,
}

impl Rate {
    const fn new(count: u32, per: Duration) -> Self {
        match NonZeroU32::new(count) {
            Some(count) => Self { count, per },
            None => Self {
                count: NonZeroU32::MIN,
                per,
            },
        }
    }

    fn quota(self) -> Quota {
        let each = Quota::with_period(self.per / self.count.get());
        each.unwrap_or(Quota::per_second(self.count))
            .allow_burst(self.count)
    }
}

/// The limits of every class; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `GET /api/v2/profiles/...`.
    pub profile_reads: Option<Rate>,
    /// Every other request, the token endpoint included.
    pub other: Option<Rate>,
}

const MINUTE: Duration = Duration::from_secs(60);

impl Default for Limits {
    fn default() -> Self {
        Self {
            profile_reads: Some(Rate::new(200, MINUTE)),
            other: Some(Rate::new(300, MINUTE)),
        }
    }
}

impl Limits {
    /// No limits, for load tests.
    pub const OFF: Limits = Limits {
        profile_reads: None,
        other: None,
    };
}

/// `off`, `default`, or such as `profile-reads=200/min,other=10/s`.
impl FromStr for Limits {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => return Ok(Self::OFF),
            "default" => return Ok(Self::default()),
            _ => {}
        }
        let mut limits = Self::default();
        for part in text.split(',') {
            let class = part.split_once('=').map(|(name, rate)| (name, parse_rate(rate)));
            match class {
                Some(("profile-reads", Some(rate))) => limits.profile_reads = Some(rate),
                Some(("other", Some(rate))) => limits.other = Some(rate),
                _ => {
                    return Err(format!(
                        "{part:?} is no limit; write 'off', 'default', or like 'profile-reads=200/min,other=10/s'"
                    ));
                }
            }
        }
        Ok(limits)
    }
}

fn parse_rate(text: &str) -> Option<Rate> {
    let (count, per) = text.split_once('/')?;
    let per = match per {
        "s" => Duration::from_secs(1),
        "min" => MINUTE,
        _ => return None,
    };
    let count: NonZeroU32 = count.parse().ok()?;
    (count.get() <= 1_000_000).then_some(Rate { count, per })
}

type Limiter<C> =
    RateLimiter<ClientId, DashMapStateStore<ClientId>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// Counts requests. Only known clients are counted, so the tables are bounded.
pub(crate) struct RateLimits<C: Clock = DefaultClock> {
    clock: C,
    profile_reads: Option<Limiter<C>>,
    other: Option<Limiter<C>>,
}

impl RateLimits {
    pub(crate) fn new(limits: Limits) -> Self {
        Self::with_clock(limits, DefaultClock::default())
    }
}

impl<C: Clock + Clone> RateLimits<C> {
    fn with_clock(limits: Limits, clock: C) -> Self {
        let limiter = |rate: Rate| Limiter::new(rate.quota(), DashMapStateStore::default(), clock.clone());
        Self {
            profile_reads: limits.profile_reads.map(limiter),
            other: limits.other.map(limiter),
            clock,
        }
    }

    /// Counts one request. `Err` is how long to wait, in whole seconds, at least 1.
    pub(crate) fn count(&self, client: &ClientId, class: RouteClass) -> Result<(), u64> {
        let limiter = match class {
            RouteClass::ProfileReads => &self.profile_reads,
            RouteClass::Other => &self.other,
        };
        let Some(limiter) = limiter else { return Ok(()) };
        limiter.check_key(client).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            wait.as_millis().div_ceil(1000).max(1) as u64
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;

    #[test]
    fn the_contracts_limits_hold_and_recover() {
        let clock = FakeRelativeClock::default();
        let limits = RateLimits::with_clock(Limits::default(), clock.clone());
        let alice = "alice".parse().unwrap();
        let passed = (0..250)
            .filter(|_| limits.count(&alice, RouteClass::ProfileReads).is_ok())
            .count();
        assert_eq!(passed, 200);
        assert_eq!(limits.count(&alice, RouteClass::ProfileReads), Err(1));
        // Another client and another class are not affected.
        assert_eq!(
            limits.count(&"bob".parse().unwrap(), RouteClass::ProfileReads),
            Ok(())
        );
        assert_eq!(limits.count(&alice, RouteClass::Other), Ok(()));
        clock.advance(Duration::from_secs(1));
        let passed = (0..250)
            .filter(|_| limits.count(&alice, RouteClass::ProfileReads).is_ok())
            .count();
        assert_eq!(passed, 3);
    }

    #[test]
    fn retry_after_is_whole_seconds_rounded_up() {
        let clock = FakeRelativeClock::default();
        let limits = RateLimits::with_clock("other=2/min".parse().unwrap(), clock.clone());
        let alice = "alice".parse().unwrap();
        assert_eq!(
            (
                limits.count(&alice, RouteClass::Other),
                limits.count(&alice, RouteClass::Other)
            ),
            (Ok(()), Ok(()))
        );
        assert_eq!(limits.count(&alice, RouteClass::Other), Err(30));
        clock.advance(Duration::from_millis(29_001));
        assert_eq!(limits.count(&alice, RouteClass::Other), Err(1));
        clock.advance(Duration::from_secs(1));
        assert_eq!(limits.count(&alice, RouteClass::Other), Ok(()));
    }

    #[test]
    fn limits_are_written_in_words() {
        assert_eq!("off".parse(), Ok(Limits::OFF));
        assert_eq!("default".parse(), Ok(Limits::default()));
        let limits: Limits = "profile-reads=7/s".parse().unwrap();
        assert_eq!(limits.profile_reads, Some(Rate::new(7, Duration::from_secs(1))));
        for wrong in ["", "7/s", "other=0/s", "other=5/h", "flights=3/s"] {
            assert!(wrong.parse::<Limits>().is_err(), "{wrong}");
        }
    }
}
