//! The limiter's gain over time: at its lowest when the peak is there, without corners.
//!
//! Gains are whole numbers, so sums over windows are exact and the same everywhere, however long a stream is.

use std::collections::VecDeque;

/// The gain that changes nothing.
pub(super) const ONE: u32 = 1 << 24;
/// How long before a peak the gain begins to go down, in milliseconds.
const LOOK_AHEAD_MS: usize = 5;
/// The time constant of its way up again, in milliseconds.
const RELEASE_MS: u64 = 70;
/// Shares of the release step are of 2 to the power of this.
const SHARE_BITS: u32 = 24;

/// From the gain that each sample needs to one that moves smoothly and is never higher.
///
/// The lowest of the last `n + m - 1` needs is held, released slowly, then averaged over `n` and again over `m`: each of the values
/// averaged has the need of the sample in its window that is `n + m - 2` old, so the average is not above it.
#[derive(Clone)]
pub(super) struct Gain {
    /// The needs that may be the lowest of the window: when, and what; ever higher.
    lowest: VecDeque<(u64, u32)>,
    now: u64,
    released: u32,
    /// What of the distance to [`ONE`] a sample of release goes.
    share: u64,
    windows: [Window; 2],
    /// One by the product of their lengths.
    average: f64,
    /// Samples since the gain was held down.
    idle: usize,
}

impl Gain {
    pub(super) fn new(rate: u32) -> Self {
        let look_ahead = (rate as usize * LOOK_AHEAD_MS / 1000).max(2);
        let first = look_ahead / 2;
        let lengths = [first, look_ahead - first + 1].map(|length| length as u64);
        Self {
            lowest: VecDeque::new(),
            now: 0,
            released: ONE,
            share: (1000 << SHARE_BITS) / (RELEASE_MS * u64::from(rate.max(1))).max(1),
            windows: [
                Window::new(lengths[0] as usize, ONE.into()),
                Window::new(lengths[1] as usize, u64::from(ONE) * lengths[0]),
            ],
            average: 1.0 / (lengths[0] * lengths[1]) as f64,
            idle: 2 * look_ahead,
        }
    }

    /// How old a sample is when its gain is there.
    pub(super) fn delay(&self) -> usize {
        self.windows[0].ring.len() + self.windows[1].ring.len() - 2
    }

    /// Whether it would go on at [`ONE`] if nothing needed less; then samples need not be told of.
    pub(super) fn is_idle(&self) -> bool {
        self.idle > self.delay()
    }

    /// The gain of the sample that is [`Gain::delay`] old.
    pub(super) fn next(&mut self, needed: u32) -> u32 {
        let held = self.hold(needed);
        let step = (u64::from(ONE - self.released) * self.share) >> SHARE_BITS;
        // One more, or it would never arrive.
        let risen = (self.released + step as u32 + 1).min(ONE);
        self.released = held.min(risen);
        self.idle = if self.released < ONE {
            0
        } else {
            self.idle.saturating_add(1)
        };
        let [first, second] = &mut self.windows;
        let sum = second.next(first.next(self.released.into()));
        // Rounded down, exactly: the quotient is 2^24 at most and at least a millionth below the next whole number, far more than the
        // product can be off. It is much faster than a division.
        ((sum as i64 as f64 + 0.5) * self.average) as u32
    }

    fn hold(&mut self, needed: u32) -> u32 {
        self.now += 1;
        // What needs nothing is not kept: it is what there is when nothing is.
        if needed < ONE {
            while self.lowest.back().is_some_and(|(_, need)| *need >= needed) {
                self.lowest.pop_back();
            }
            self.lowest.push_back((self.now, needed));
        }
        let window = self.delay() as u64 + 1;
        while self.lowest.front().is_some_and(|(at, _)| at + window <= self.now) {
            self.lowest.pop_front();
        }
        self.lowest.front().map_or(ONE, |(_, need)| *need)
    }
}

/// The sum of the last values.
#[derive(Clone)]
struct Window {
    ring: Vec<u64>,
    at: usize,
    sum: u64,
}

impl Window {
    fn new(length: usize, value: u64) -> Self {
        let length = length.max(1);
        Self {
            ring: vec![value; length],
            at: 0,
            sum: value * length as u64,
        }
    }

    #[inline(always)]
    fn next(&mut self, value: u64) -> u64 {
        if let Some(oldest) = self.ring.get_mut(self.at) {
            self.sum = self.sum + value - *oldest;
            *oldest = value;
        }
        self.at = if self.at + 1 < self.ring.len() {
            self.at + 1
        } else {
            0
        };
        self.sum
    }
}
