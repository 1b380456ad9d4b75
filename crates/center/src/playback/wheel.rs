//! Which streams are due in which millisecond: a wheel of twenty slots that turns once a frame.

use flow::{Moment, playback::FRAME_MS};
use std::time::Duration;

/// Slots of the wheel, one for each millisecond of a frame.
pub(super) const SLOTS: usize = FRAME_MS as usize;
/// The most frames of a stream that are sent at once after the thread was held up; what is missing besides is skipped in time.
const MOST_AT_ONCE: u64 = 3;
/// A slot that has so many more streams than a quarter above the average is passed over by a new one.
const FAR_MORE: usize = 8;

/// A millisecond since the clock's zero.
pub(super) type Tick = u64;

/// Streams by the slot in which they are due.
pub(super) struct Wheel<T> {
    slots: [Vec<T>; SLOTS],
    /// The next millisecond that was not gone through yet.
    next: Tick,
    count: usize,
}

/// What became due.
pub(super) struct Due {
    /// The millisecond.
    pub(super) tick: Tick,
    /// How many turns of the wheel were left out before it, because the thread was held up for too long.
    pub(super) skipped: u64,
}

impl<T> Wheel<T> {
    pub(super) fn new() -> Self {
        Self {
            slots: std::array::from_fn(|_| Vec::new()),
            next: 0,
            count: 0,
        }
    }

    /// How many streams there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Where a new stream's first frame is sent at the next slot, or soon after, when that has far more than others have.
    pub(super) fn place(&mut self, now: Moment) -> Tick {
        if self.count == 0 {
            self.next = tick_of(now) + 1;
        }
        let average = self.count / SLOTS;
        let crowded = |tick: &Tick| self.slots[slot(*tick)].len() > average + average / 4 + FAR_MORE;
        // The thread may be behind: nobody begins in the past.
        let first = self.next.max(tick_of(now) + 1);
        let mut ticks = first..first + SLOTS as u64;
        ticks.find(|tick| !crowded(tick)).unwrap_or(first)
    }

    /// Puts a stream where [`Wheel::place`] said.
    pub(super) fn add(&mut self, tick: Tick, stream: T) {
        self.slots[slot(tick)].push(stream);
        self.count += 1;
    }

    /// The stream of a slot for which this holds.
    pub(super) fn find(&mut self, in_slot: usize, is_it: impl Fn(&T) -> bool) -> Option<&mut T> {
        self.slots
            .get_mut(in_slot)?
            .iter_mut()
            .find(|stream| is_it(stream))
    }

    /// Takes a stream out.
    pub(super) fn remove(&mut self, in_slot: usize, is_it: impl Fn(&T) -> bool) -> Option<T> {
        let slot = self.slots.get_mut(in_slot)?;
        let at = slot.iter().position(is_it)?;
        self.count -= 1;
        Some(slot.swap_remove(at))
    }

    /// When the next stream is due.
    pub(super) fn deadline(&self) -> Moment {
        let mut ticks = self.next..self.next + SLOTS as u64;
        let due = ticks.find(|tick| !self.slots[slot(*tick)].is_empty());
        due.map_or(Moment::NEVER, moment_of)
    }

    /// The next millisecond with streams, if it has come.
    pub(super) fn due(&mut self, now: Moment) -> Option<Due> {
        if self.count == 0 {
            return None;
        }
        let last = tick_of(now);
        let behind = (last + 1).saturating_sub(self.next);
        let turns = SLOTS as u64;
        let skipped = behind.saturating_sub(MOST_AT_ONCE * turns).div_ceil(turns);
        self.next += skipped * turns;
        while self.next <= last {
            let tick = self.next;
            self.next += 1;
            if !self.slots[slot(tick)].is_empty() {
                return Some(Due { tick, skipped });
            }
        }
        None
    }

    /// The streams of a slot, to be put back.
    pub(super) fn take(&mut self, tick: Tick) -> Vec<T> {
        let streams = std::mem::take(&mut self.slots[slot(tick)]);
        self.count -= streams.len();
        streams
    }

    /// Puts back what was taken, without what is over.
    pub(super) fn put_back(&mut self, tick: Tick, streams: Vec<T>) {
        self.count += streams.len();
        self.slots[slot(tick)] = streams;
    }

    /// Every stream.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.slots.iter_mut().flatten()
    }

    /// Takes all out.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = T> {
        self.count = 0;
        let slots = std::mem::replace(&mut self.slots, std::array::from_fn(|_| Vec::new()));
        slots.into_iter().flatten()
    }
}

/// The slot of a millisecond.
pub(super) fn slot(tick: Tick) -> usize {
    (tick % SLOTS as u64) as usize
}

/// The millisecond that a moment falls into.
fn tick_of(moment: Moment) -> Tick {
    u64::try_from(moment.since_start().as_millis()).unwrap_or(u64::MAX)
}

/// When a millisecond begins.
pub(super) fn moment_of(tick: Tick) -> Moment {
    Moment::at(Duration::from_millis(tick))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Moment {
        moment_of(ms)
    }

    /// The milliseconds that are due, and how many turns were left out before each.
    fn all_due(wheel: &mut Wheel<u8>, now: Moment) -> Vec<(Tick, u64)> {
        std::iter::from_fn(|| wheel.due(now))
            .map(|due| (due.tick, due.skipped))
            .collect()
    }

    #[test]
    fn a_stream_is_due_in_the_next_slot_and_every_20_ms() {
        let mut wheel = Wheel::new();
        assert_eq!(wheel.deadline(), Moment::NEVER);
        let tick = wheel.place(at(1000));
        wheel.add(tick, 1);
        assert_eq!((tick, wheel.deadline()), (1001, at(1001)));
        assert!(all_due(&mut wheel, at(1000)).is_empty());
        assert_eq!(all_due(&mut wheel, at(1001)), [(1001, 0)]);
        assert_eq!(wheel.deadline(), at(1021));
        assert_eq!(all_due(&mut wheel, at(1020)), []);
        assert_eq!(all_due(&mut wheel, at(1025)), [(1021, 0)]);
    }

    #[test]
    fn a_stream_that_comes_after_a_stall_begins_in_the_future() {
        let mut wheel = Wheel::new();
        let tick = wheel.place(at(0));
        wheel.add(tick, 1);
        assert!(wheel.place(at(500)) > 500);
    }

    #[test]
    fn after_a_stall_at_most_three_frames_are_sent_at_once() {
        for stall in 0..400 {
            let mut wheel = Wheel::new();
            let tick = wheel.place(at(0));
            wheel.add(tick, 1);
            all_due(&mut wheel, at(tick));
            let due = all_due(&mut wheel, at(tick + stall));
            let skipped: u64 = due.iter().map(|(_, skipped)| skipped).sum();
            assert!(due.len() <= 3, "{stall}: {due:?}");
            assert!(skipped == 0 || stall > 60, "{stall}: {due:?}");
            assert_eq!(due.len() as u64 + skipped, stall / 20, "{stall}: {due:?}");
            assert!(
                due.iter().all(|(due, _)| (due - tick) % 20 == 0),
                "in step: {due:?}"
            );
        }
    }

    #[test]
    fn many_streams_spread_over_the_slots() {
        let mut wheel = Wheel::new();
        for stream in 0..2000_u32 {
            let tick = wheel.place(at(5));
            wheel.add(tick, stream);
        }
        assert_eq!(wheel.len(), 2000);
        let most = wheel.slots.iter().map(Vec::len).max();
        assert!(most <= Some(2000 / SLOTS * 5 / 4 + FAR_MORE + 1), "{most:?}");
    }
}
