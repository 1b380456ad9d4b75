//! Frames in, keys out.

use super::evidence::{self, Finding, WINDOW};
use super::key::Key;
use super::spectrum::{STRETCH, Stretch};

/// Milliseconds in a stretch.
const STRETCH_MS: u64 = 5;
/// Stretches without the tone after which a key is up. An interruption of 10 ms, which must not end it, touches three; a
/// pause of 40 ms, which must, fills seven.
const GONE_AFTER: u64 = 5;

/// What the detector heard. Times are in milliseconds since its first sample, in steps of 5 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A key went down. Told when 35 ms to 40 ms of it have been heard.
    Down {
        /// Which one.
        key: Key,
        /// When its tones began.
        at_ms: u64,
    },
    /// The key that was down is up. Told 25 ms after its tones ended, or when another is down.
    Up {
        /// Which one.
        key: Key,
        /// When its tones ended.
        at_ms: u64,
        /// How long they lasted.
        duration_ms: u64,
    },
}

/// Finds keys in sound at 8000 Hz, by the limits of ITU-T Q.24:
///
/// | | accepted | refused |
/// |---|---|---|
/// | frequency | within 1.5 % | off by 3.5 % or more |
/// | level per tone | 0 to -25 dBm0 | below -31 dBm0 |
/// | twist | column 4 dB above to 8 dB below the row | 8 dB above, 12 dB below |
/// | duration | 40 ms | below 23 ms |
/// | pause between keys | 40 ms | an interruption of 10 ms ends nothing, another key does |
///
/// It takes frames of any length, allocates nothing, and holds 700 bytes. Silence costs next to nothing.
#[derive(Debug, Clone)]
pub struct Detector {
    pending: [f32; STRETCH],
    filled: usize,
    /// How many stretches were looked at.
    index: u64,
    /// The last ones, oldest first.
    window: [Stretch; WINDOW],
    held: Option<Held>,
}

/// A key that is down.
#[derive(Debug, Clone, Copy)]
struct Held {
    found: Finding,
    /// The stretch in which its tones began.
    since: u64,
    /// The stretch after the last that had them.
    until: u64,
}

impl Default for Detector {
    fn default() -> Self {
        Detector::new()
    }
}

impl Detector {
    /// One for each stream of sound.
    pub fn new() -> Detector {
        Detector {
            pending: [0.0; STRETCH],
            filled: 0,
            index: 0,
            window: [Stretch::default(); WINDOW],
            held: None,
        }
    }

    /// Listens on. Samples are -1.0 to 1.0; what is beyond is clipped, and what is not a number is silence.
    pub fn push(&mut self, samples: &[f32], mut tell: impl FnMut(Event)) {
        for sample in samples {
            let sample = if sample.is_nan() { 0.0 } else { *sample };
            self.pending[self.filled] = sample.clamp(-1.0, 1.0);
            self.filled += 1;
            if self.filled == STRETCH {
                self.filled = 0;
                self.look().into_iter().flatten().for_each(&mut tell);
            }
        }
    }

    /// The key that is down now.
    pub fn held(&self) -> Option<Key> {
        self.held.map(|held| held.found.key)
    }

    /// At most two things happen at once: a key is up because another is down.
    fn look(&mut self) -> [Option<Event>; 2] {
        self.window.rotate_left(1);
        self.window[WINDOW - 1] = Stretch::of(&self.pending, self.index, evidence::FLOOR);
        self.index += 1;
        match self.held {
            None => [self.look_for_a_key(), None],
            Some(held) => match self.another_than(&held) {
                Some(found) => {
                    // What lately seemed to be the one may be the tone that it shares with the other.
                    let until = held.until.min(self.index - WINDOW as u64);
                    [Some(self.end(held, until)), Some(self.begin(found))]
                }
                None => [self.follow(held), None],
            },
        }
    }

    fn look_for_a_key(&mut self) -> Option<Event> {
        evidence::find(&self.window).map(|found| self.begin(found))
    }

    /// The key that took the place of the one that is down: without a pause, and perhaps with one of its tones.
    fn another_than(&self, held: &Held) -> Option<Finding> {
        evidence::find(&self.window).filter(|found| found.key != held.found.key)
    }

    fn begin(&mut self, found: Finding) -> Event {
        let since = self.index - WINDOW as u64;
        self.held = Some(Held {
            found,
            since,
            until: self.index,
        });
        Event::Down {
            key: found.key,
            at_ms: since * STRETCH_MS,
        }
    }

    fn follow(&mut self, mut held: Held) -> Option<Event> {
        if evidence::still_there(&self.window[WINDOW - 1], &held.found) {
            held.until = self.index;
            self.held = Some(held);
        }
        (self.index >= held.until + GONE_AFTER).then(|| self.end(held, held.until))
    }

    fn end(&mut self, held: Held, until: u64) -> Event {
        self.held = None;
        Event::Up {
            key: held.found.key,
            at_ms: until * STRETCH_MS,
            duration_ms: until.saturating_sub(held.since) * STRETCH_MS,
        }
    }
}
