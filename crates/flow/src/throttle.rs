//! How many of a kind are started: so many under way at once, so many a second.
//!
//! A platform that is asked for more than it takes answers 429, and whoever waits for that has waited in vain. So those who start
//! many things wait beforehand.

use crate::Moment;
use std::{collections::VecDeque, num::NonZeroU32, time::Duration};

/// What is counted in a window.
const WINDOW: Duration = Duration::from_secs(1);

/// The bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Most starts under way at a time.
    pub at_once: NonZeroU32,
    /// Most starts in any second.
    pub a_second: NonZeroU32,
}

impl Bounds {
    /// Five at once and five a second: what the contract lets a client create (section 2).
    pub const USUAL: Self = Self {
        at_once: FIVE,
        a_second: FIVE,
    };
}

const FIVE: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);

/// What comes of wanting to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Start now; it is counted, and [`Throttle::ended`] is owed.
    Now,
    /// Ask again at this moment.
    At(Moment),
    /// Ask again when one has ended.
    AfterAnother,
}

/// Counts starts. In no second are there more than the bound, wherever that second begins.
///
/// ```
/// use flow::{Moment, throttle::{Bounds, Throttle, Turn}};
/// use std::time::Duration;
///
/// let mut throttle = Throttle::new(Bounds::USUAL);
/// for _ in 0..5 {
///     assert_eq!(throttle.ask(Moment::START), Turn::Now);
/// }
/// assert_eq!(throttle.ask(Moment::START), Turn::AfterAnother);
/// throttle.ended();
/// assert_eq!(throttle.ask(Moment::START), Turn::At(Moment::at(Duration::from_secs(1))));
/// ```
#[derive(Debug, Clone)]
pub struct Throttle {
    bounds: Bounds,
    under_way: u32,
    /// The newest starts, at most as many as there may be in a second; the oldest first.
    started: VecDeque<Moment>,
}

impl Throttle {
    /// Nothing was started yet.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            under_way: 0,
            started: VecDeque::new(),
        }
    }

    /// May one be started?
    pub fn ask(&mut self, now: Moment) -> Turn {
        if self.under_way >= self.bounds.at_once.get() {
            return Turn::AfterAnother;
        }
        if self.started.len() >= self.bounds.a_second.get() as usize
            && let Some(oldest) = self.started.front()
        {
            let free = *oldest + WINDOW;
            if now < free {
                return Turn::At(free);
            }
            self.started.pop_front();
        }
        self.started.push_back(now);
        self.under_way += 1;
        Turn::Now
    }

    /// One that was started is not under way any more.
    pub fn ended(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: u64) -> Moment {
        Moment::at(Duration::from_millis(ms))
    }

    fn throttle(at_once: u32, a_second: u32) -> Throttle {
        Throttle::new(Bounds {
            at_once: NonZeroU32::new(at_once).unwrap(),
            a_second: NonZeroU32::new(a_second).unwrap(),
        })
    }

    #[test]
    fn the_sixth_in_a_second_waits_until_the_first_is_a_second_old() {
        let mut throttle = throttle(100, 5);
        for ms in [0, 100, 200, 300, 400] {
            assert_eq!(throttle.ask(at(ms)), Turn::Now);
        }
        assert_eq!(throttle.ask(at(500)), Turn::At(at(1000)));
        assert_eq!(throttle.ask(at(999)), Turn::At(at(1000)));
        assert_eq!(throttle.ask(at(1000)), Turn::Now);
        assert_eq!(throttle.ask(at(1000)), Turn::At(at(1100)));
    }

    #[test]
    fn what_is_under_way_makes_others_wait_however_long_it_takes() {
        let mut throttle = throttle(2, 100);
        assert_eq!(throttle.ask(at(0)), Turn::Now);
        assert_eq!(throttle.ask(at(0)), Turn::Now);
        assert_eq!(throttle.ask(at(60_000)), Turn::AfterAnother);
        throttle.ended();
        assert_eq!(throttle.ask(at(60_000)), Turn::Now);
        assert_eq!(throttle.ask(at(60_000)), Turn::AfterAnother);
    }

    #[test]
    fn an_end_too_many_is_no_place_too_many() {
        let mut throttle = throttle(1, 100);
        throttle.ended();
        assert_eq!(throttle.ask(at(0)), Turn::Now);
        assert_eq!(throttle.ask(at(0)), Turn::AfterAnother);
    }

    proptest! {
        #[test]
        fn no_second_has_more_and_who_comes_when_told_is_let_in(
            a_second in 1u32..8, steps in proptest::collection::vec(0u64..700, 1..60)
        ) {
            let mut throttle = throttle(u32::MAX, a_second);
            let (mut now, mut starts) = (0, Vec::new());
            for step in steps {
                now += step;
                match throttle.ask(at(now)) {
                    Turn::Now => starts.push(now),
                    Turn::At(then) => {
                        now = u64::try_from(then.since_start().as_millis()).unwrap();
                        prop_assert_eq!(throttle.ask(then), Turn::Now);
                        starts.push(now);
                    }
                    Turn::AfterAnother => prop_assert!(false, "nothing bounds what is under way"),
                }
            }
            for (index, start) in starts.iter().enumerate() {
                let within = starts[index..].iter().filter(|other| *other - start < 1000).count();
                prop_assert!(within <= a_second as usize);
            }
        }
    }
}
