//! Rate limits per client and route class (contract section 2).

use flow::Moment;
use std::{
    collections::{HashMap, VecDeque},
    num::NonZeroU32,
    str::FromStr,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use wire::{ids::ClientId, playback::MOST_STREAMS};

/// What a limit counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RouteClass {
    ProfileReads,
    SessionCreations,
    Other,
    /// Token requests with a wrong secret: apart, so that who guesses locks nobody out.
    WrongSecrets,
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
}

/// The limits of every class; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `GET /api/v2/profiles/...`.
    pub profile_reads: Option<Rate>,
    /// `POST /api/v2/media/sessions`.
    pub session_creations: Option<Rate>,
    /// Most live playback streams of a client; not a rate, so there is always one.
    pub streams: u32,
    /// Every other request, the token endpoint included; there, right and wrong secrets are counted apart.
    pub other: Option<Rate>,
}

const MINUTE: Duration = Duration::from_secs(60);

impl Default for Limits {
    fn default() -> Self {
        Self {
            profile_reads: Some(Rate::new(200, MINUTE)),
            session_creations: Some(Rate::new(5, Duration::from_secs(1))),
            streams: MOST_STREAMS,
            other: Some(Rate::new(300, MINUTE)),
        }
    }
}

impl Limits {
    /// No limits, for load tests.
    pub const OFF: Limits = Limits {
        profile_reads: None,
        session_creations: None,
        streams: NO_LIMIT_OF_STREAMS,
        other: None,
    };
}

/// So many streams are as good as no limit: sockets run out before.
const NO_LIMIT_OF_STREAMS: u32 = 100_000;

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
            if let Some(streams) = part.strip_prefix("streams=") {
                let count = streams.parse().ok();
                let count = count.filter(|count| (1..=NO_LIMIT_OF_STREAMS).contains(count));
                limits.streams = count.ok_or_else(|| {
                    format!("{part:?} is no limit; write a number of streams from 1 to {NO_LIMIT_OF_STREAMS}")
                })?;
                continue;
            }
            let class = part.split_once('=').map(|(name, rate)| (name, parse_rate(rate)));
            match class {
                Some(("profile-reads", Some(rate))) => limits.profile_reads = Some(rate),
                Some(("session-creations", Some(rate))) => limits.session_creations = Some(rate),
                Some(("other", Some(rate))) => limits.other = Some(rate),
                _ => {
                    return Err(format!(
                        "{part:?} is no limit; write 'off', 'default', or like 'profile-reads=200/min,session-creations=5/s,streams=50,other=10/s'"
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

/// The requests of the last window, oldest first.
#[derive(Default)]
struct Window(VecDeque<Moment>);

impl Window {
    /// Counts a request, or says how long until one passes: in no window of `per` are there more than `count`.
    fn count(&mut self, now: Moment, rate: Rate) -> Result<(), Duration> {
        // Two threads may come in another order than they asked the time.
        let now = self.0.back().map_or(now, |latest| now.max(*latest));
        while self
            .0
            .front()
            .is_some_and(|oldest| now.since(*oldest) >= rate.per)
        {
            self.0.pop_front();
        }
        match self.0.front() {
            Some(oldest) if self.0.len() >= rate.count.get() as usize => {
                Err(rate.per.saturating_sub(now.since(*oldest)))
            }
            _ => {
                self.0.push_back(now);
                Ok(())
            }
        }
    }
}

/// One class: its rate, and each client's window.
struct Counter {
    rate: Rate,
    windows: Mutex<HashMap<ClientId, Window>>,
}

impl Counter {
    fn new(rate: Rate) -> Self {
        Self {
            rate,
            windows: Mutex::default(),
        }
    }

    fn count(&self, now: Moment, client: &ClientId) -> Result<(), Duration> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        match windows.get_mut(client) {
            Some(window) => window.count(now, self.rate),
            None => windows.entry(client.clone()).or_default().count(now, self.rate),
        }
    }
}

/// Counts requests. Only known clients are counted, so the tables are bounded.
pub(crate) struct RateLimits {
    profile_reads: Option<Counter>,
    session_creations: Option<Counter>,
    other: Option<Counter>,
    wrong_secrets: Option<Counter>,
    /// Clients that are not counted.
    without: Option<ClientId>,
}

impl RateLimits {
    /// Counters for these limits; wrong secrets have the limit of other requests.
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            profile_reads: limits.profile_reads.map(Counter::new),
            session_creations: limits.session_creations.map(Counter::new),
            other: limits.other.map(Counter::new),
            wrong_secrets: limits.other.map(Counter::new),
            without: None,
        }
    }

    /// The same, but this client has none.
    pub(crate) fn without(self, client: ClientId) -> Self {
        Self {
            without: Some(client),
            ..self
        }
    }

    /// Counts one request. `Err` is how long to wait, in whole seconds, at least 1.
    pub(crate) fn count(&self, now: Moment, client: &ClientId, class: RouteClass) -> Result<(), u64> {
        let counter = match class {
            RouteClass::ProfileReads => &self.profile_reads,
            RouteClass::SessionCreations => &self.session_creations,
            RouteClass::Other => &self.other,
            RouteClass::WrongSecrets => &self.wrong_secrets,
        };
        let Some(counter) = counter.as_ref().filter(|_| self.without.as_ref() != Some(client)) else {
            return Ok(());
        };
        counter.count(now, client).map_err(whole_seconds)
    }
}

/// A wait as `Retry-After` states it: after it, a request passes.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use RouteClass::{Other, ProfileReads, SessionCreations, WrongSecrets};

    fn at(ms: u64) -> Moment {
        Moment::at(Duration::from_millis(ms))
    }

    fn alice() -> ClientId {
        "alice".parse().unwrap()
    }

    #[test]
    fn the_contracts_limits_hold_and_classes_and_clients_are_apart() {
        let limits = RateLimits::new(Limits::default());
        let passed = |now, class| {
            let tries = 0..500;
            tries
                .filter(|_| limits.count(now, &alice(), class).is_ok())
                .count()
        };
        assert_eq!(passed(at(0), ProfileReads), 200);
        assert_eq!(limits.count(at(0), &alice(), ProfileReads), Err(60));
        let bob = "bob".parse().unwrap();
        assert_eq!(limits.count(at(0), &bob, ProfileReads), Ok(()));
        assert_eq!(passed(at(0), WrongSecrets), 300);
        assert_eq!(passed(at(0), SessionCreations), 5);
        assert_eq!(passed(at(0), Other), 300);
        assert_eq!(passed(at(999), SessionCreations), 0);
        assert_eq!(passed(at(1_000), SessionCreations), 5);
        assert_eq!(passed(at(59_999), ProfileReads), 0);
        assert_eq!(passed(at(60_000), ProfileReads), 200);
    }

    #[test]
    fn one_client_may_be_without_limits() {
        let limits = RateLimits::new("other=1/min".parse().unwrap()).without(alice());
        assert!((0..10).all(|ms| limits.count(at(ms), &alice(), Other).is_ok()));
        let bob = "bob".parse().unwrap();
        assert_eq!(limits.count(at(0), &bob, Other), Ok(()));
        assert_eq!(limits.count(at(1), &bob, Other), Err(60));
    }

    #[test]
    fn no_window_ever_has_more_than_the_count() {
        for step in [1, 7, 90, 150, 333, 1000] {
            let limits = RateLimits::new("profile-reads=20/s".parse().unwrap());
            let passes = |ms: &u64| limits.count(at(*ms), &alice(), ProfileReads).is_ok();
            let passed: Vec<u64> = (0..10_000)
                .step_by(step)
                .flat_map(|ms| [ms; 5])
                .filter(passes)
                .collect();
            assert!(passed.len() >= 20, "{step}");
            let crowded = passed.windows(21).find(|window| window[20] - window[0] < 1000);
            assert_eq!(crowded, None, "{step}");
        }
    }

    #[test]
    fn after_the_wait_a_request_passes() {
        let limits = RateLimits::new("other=2/min".parse().unwrap());
        let count = |ms| limits.count(at(ms), &alice(), Other);
        assert_eq!((count(0), count(30_500)), (Ok(()), Ok(())));
        assert_eq!(count(30_500), Err(30));
        assert_eq!(count(59_999), Err(1));
        assert_eq!(count(60_500), Ok(()));
        assert_eq!(count(60_501), Err(30));
        assert_eq!(count(90_501), Ok(()));
        // A thread that asked the time earlier and comes later.
        assert_eq!(count(0), Err(30));
    }

    #[test]
    fn limits_are_written_in_words() {
        assert_eq!("off".parse(), Ok(Limits::OFF));
        assert_eq!("default".parse(), Ok(Limits::default()));
        let limits: Limits = "profile-reads=7/s".parse().unwrap();
        assert_eq!(limits.profile_reads, Some(Rate::new(7, Duration::from_secs(1))));
        let limits: Limits = "session-creations=9/s,streams=7".parse().unwrap();
        assert_eq!(
            limits.session_creations,
            Some(Rate::new(9, Duration::from_secs(1)))
        );
        assert_eq!(limits.streams, 7);
        for wrong in [
            "",
            "7/s",
            "other=0/s",
            "other=5/h",
            "flights=3/s",
            "streams=0",
            "streams=5/s",
        ] {
            assert!(wrong.parse::<Limits>().is_err(), "{wrong}");
        }
    }
}
