//! How long a run listens on: as long as this bot makes it seem worthwhile, never a fixed time.

use std::time::Duration;

/// The shortest time after the last answer, for a bot that never says a second thing.
const SHORTEST: Duration = Duration::from_millis(25);
/// The first such time, of a bot that nobody knows yet.
const FIRST: Duration = Duration::from_millis(250);
/// The shortest such time where something must not come, however calm the bot was so far.
const SHORTEST_WATCH: Duration = Duration::from_millis(250);
/// The longest.
const LONGEST: Duration = Duration::from_secs(3);
/// The shortest time in which silence is silence.
const SHORTEST_SILENCE: Duration = Duration::from_millis(300);
/// The shortest time for what should still come.
const SHORTEST_HOPE: Duration = Duration::from_secs(1);

/// What is listened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited {
    /// All that is expected has come, and more would do no harm.
    Nothing,
    /// The same, but something must not come.
    NoMore,
    /// That nothing comes.
    Silence,
    /// The first answer.
    First,
    /// More answers, after some.
    More,
}

/// What is known of a bot's pace.
///
/// ```
/// use flow::scenario::quiet::{Awaited, Quiet};
/// use std::time::Duration;
///
/// let patience = Duration::from_secs(10);
/// let mut quiet = Quiet::default();
/// assert_eq!(quiet.window(Awaited::Nothing, patience).as_millis(), 250);
/// // This bot goes on after 400 ms: it may do so again.
/// quiet.followed(Duration::from_millis(400));
/// assert_eq!(quiet.window(Awaited::Nothing, patience).as_millis(), 800);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quiet {
    /// The longest time between two answers to one message.
    longest_gap: Duration,
    /// The longest time until a first answer.
    longest_first: Duration,
    /// What is waited for without any evidence.
    base: Duration,
}

impl Default for Quiet {
    fn default() -> Self {
        Self {
            longest_gap: Duration::ZERO,
            longest_first: Duration::ZERO,
            base: FIRST,
        }
    }
}

impl Quiet {
    /// The first answer came so long after the message.
    pub fn answered(&mut self, after: Duration) {
        self.longest_first = self.longest_first.max(after);
    }

    /// Another answer came so long after the one before.
    pub fn followed(&mut self, gap: Duration) {
        self.longest_gap = self.longest_gap.max(gap);
    }

    /// A turn is over, and nothing came in its window.
    pub fn was_calm(&mut self) {
        self.base = (self.base / 2).max(SHORTEST);
    }

    /// An answer came after its turn was judged: this bot needs more time.
    pub fn was_late(&mut self, gap: Duration) {
        self.base = (self.base * 4).min(LONGEST);
        self.followed(gap.min(LONGEST));
    }

    /// How long after the last thing that happened the turn is judged, unless something happens.
    pub fn window(&self, awaited: Awaited, patience: Duration) -> Duration {
        let hoped = self.longest_first.max(self.longest_gap).saturating_mul(4);
        match awaited {
            Awaited::Nothing => self.longest_gap.saturating_mul(2).clamp(self.base, LONGEST),
            Awaited::NoMore => self.window(Awaited::Nothing, patience).max(SHORTEST_WATCH),
            Awaited::Silence => {
                let silence = self.longest_first.saturating_mul(3).max(SHORTEST_SILENCE);
                silence.min(patience)
            }
            Awaited::First => patience,
            Awaited::More => hoped.max(SHORTEST_HOPE).min(patience),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_bot_that_says_one_thing_at_a_time_is_waited_for_less_and_less() {
        let mut quiet = Quiet::default();
        for _ in 0..5 {
            quiet.was_calm();
        }
        assert_eq!(quiet.window(Awaited::Nothing, LONGEST), SHORTEST);
        quiet.was_late(Duration::from_millis(200));
        assert_eq!(quiet.window(Awaited::Nothing, LONGEST).as_millis(), 400);
    }

    proptest! {
        #[test]
        fn no_window_is_endless_or_nothing(
            events in proptest::collection::vec((0u8..4, 0u64..u64::MAX), 0..30), patience in 1u64..600_000
        ) {
            let patience = Duration::from_millis(patience);
            let mut quiet = Quiet::default();
            for (what, ms) in events {
                let time = Duration::from_millis(ms);
                match what {
                    0 => quiet.answered(time),
                    1 => quiet.followed(time),
                    2 => quiet.was_late(time),
                    _ => quiet.was_calm(),
                }
                prop_assert!((SHORTEST..=LONGEST).contains(&quiet.window(Awaited::Nothing, patience)));
                prop_assert!((SHORTEST_WATCH..=LONGEST).contains(&quiet.window(Awaited::NoMore, patience)));
                for awaited in [Awaited::Silence, Awaited::First, Awaited::More] {
                    let window = quiet.window(awaited, patience);
                    prop_assert!(window > Duration::ZERO && window <= patience);
                }
            }
        }
    }
}
