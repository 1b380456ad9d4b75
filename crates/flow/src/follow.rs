//! How often a playback is asked how it is: soon after something happened, then more and more rarely, and when it should be over.

use std::time::Duration;

/// The first wait, and the one after something happened.
pub const SHORTEST: Duration = Duration::from_millis(100);
/// The longest wait.
pub const LONGEST: Duration = Duration::from_millis(500);
/// How long after its last frame a playback is asked whether it is over.
const AFTER_THE_END: Duration = Duration::from_millis(30);

/// The waits between questions.
///
/// ```
/// use flow::follow::Pace;
/// use std::time::Duration;
///
/// let mut pace = Pace::default();
/// let waits = [None; 5].map(|left| pace.wait(left).as_millis());
/// assert_eq!(waits, [100, 150, 225, 337, 500]);
/// // It should be over in 80 ms: nobody needs to wait for half a second then.
/// assert_eq!(pace.wait(Some(Duration::from_millis(80))).as_millis(), 110);
/// pace.hurry();
/// assert_eq!(pace.wait(None).as_millis(), 100);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    next: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { next: SHORTEST }
    }
}

impl Pace {
    /// How long to wait before the next question. `left` is how long it will play on if nothing happens; `None` when that is not
    /// known, or it does not play.
    pub fn wait(&mut self, left: Option<Duration>) -> Duration {
        let usual = self.next;
        self.next = (usual * 3 / 2).min(LONGEST);
        // One that should be over but says otherwise is not asked without a pause.
        let end = left.map(|left| left.saturating_add(AFTER_THE_END).max(SHORTEST));
        end.map_or(usual, |end| end.min(usual))
    }

    /// Something happened: its outcome is asked for soon.
    pub fn hurry(&mut self) {
        self.next = SHORTEST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn waits_are_never_short_or_long(lefts in proptest::collection::vec(proptest::option::of(0u64..u64::MAX), 1..40)) {
            let mut pace = Pace::default();
            for left in lefts {
                let wait = pace.wait(left.map(Duration::from_millis));
                prop_assert!((SHORTEST..=LONGEST).contains(&wait), "{wait:?}");
            }
        }
    }
}
