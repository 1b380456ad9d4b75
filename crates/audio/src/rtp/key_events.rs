//! From the packets of telephone events to keys that go down and up, each exactly once.

use super::{TelephoneEvent, ticks_ahead};
use crate::dtmf::Key;

/// When no packet of a key that is down came for so long, it is up: its end was lost.
pub const END_LOST_MS: u64 = 200;
/// A packet of the same key that begins at most so long after the last known of a press belongs to that press: between two presses there are 40 ms.
const ADJOINING_MS: u32 = 30;
/// A press that is longer than a duration can tell goes on after so many ticks (RFC 4733, 2.5.1.3: 0xffff; senders that count in
/// whole packets: somewhat less).
const FULL_SEGMENT: std::ops::RangeInclusive<u32> = 0xfe00..=0x1_0000;
/// Packets that are up to so much older than the newest press come late; what is older still is another clock.
const LATE_MS: u32 = 30_000;

/// A key of the caller. Each one goes down once, and then up once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyEvent {
    /// It went down.
    Down {
        /// Which one.
        key: Key,
    },
    /// It is up.
    Up {
        /// Which one.
        key: Key,
        /// How long it was down, as far as it is known.
        duration_ms: u64,
    },
}

/// Follows the telephone events of one stream (RFC 4733). A key is down with its *first* packet, whichever that is.
///
/// Timestamps tell presses apart: all packets of a press have that of its beginning. A press that is longer than a duration can
/// tell goes on under a new timestamp where the old one ended (2.5.1.3); so do presses of senders that count the timestamp on in each packet.
/// The marker is set in the first packet of a press only, so a newer one with it is always another press.
///
/// ```
/// use audio::{dtmf::Key, rtp::{KeyEvent, KeyEvents, TelephoneEvent}};
///
/// let key = Key::new('5').ok_or("not a key")?;
/// let mut heard = Vec::new();
/// let mut keys = KeyEvents::new(8000);
/// // The first packets and two of the three ends are lost.
/// let end = TelephoneEvent { key, end: true, volume: 10, duration: 800 };
/// keys.take(3200, false, end, 0, |event| heard.push(event));
/// assert_eq!(heard, [KeyEvent::Down { key }, KeyEvent::Up { key, duration_ms: 100 }]);
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone)]
pub struct KeyEvents {
    clock_rate: u32,
    /// The newest press, also when it is over.
    newest: Option<Press>,
}

#[derive(Debug, Clone, Copy)]
struct Press {
    key: Key,
    /// Its beginning, or where it goes on.
    timestamp: u32,
    /// From there on, in ticks.
    duration: u32,
    /// Before that, in ticks.
    before: u64,
    /// When its last packet came; `None` when it is over.
    down_at_ms: Option<u64>,
}

impl KeyEvents {
    /// For a stream whose timestamps count so many ticks a second: 8000, unless something else was agreed on.
    pub fn new(clock_rate: u32) -> KeyEvents {
        KeyEvents {
            clock_rate: clock_rate.max(1),
            newest: None,
        }
    }

    /// A packet that came now, with what its header says.
    pub fn take(
        &mut self,
        timestamp: u32,
        marker: bool,
        event: TelephoneEvent,
        now_ms: u64,
        mut tell: impl FnMut(KeyEvent),
    ) {
        self.pass(now_ms, &mut tell);
        if !self.goes_on(timestamp, marker, event, now_ms) {
            if self.is_late(timestamp) {
                return;
            }
            self.end(&mut tell);
            self.newest = Some(Press {
                key: event.key,
                timestamp,
                duration: event.duration.into(),
                before: 0,
                down_at_ms: Some(now_ms),
            });
            tell(KeyEvent::Down { key: event.key });
        }
        if event.end {
            self.end(&mut tell);
        }
    }

    /// When [`KeyEvents::pass`] is to be called, if no packet comes before.
    pub fn deadline(&self) -> Option<u64> {
        let down_at_ms = self.newest.and_then(|press| press.down_at_ms)?;
        Some(down_at_ms.saturating_add(END_LOST_MS))
    }

    /// Time passes: a key of which nothing came any more is up.
    pub fn pass(&mut self, now_ms: u64, tell: impl FnMut(KeyEvent)) {
        if self.deadline().is_some_and(|deadline| deadline <= now_ms) {
            self.end(tell);
        }
    }

    /// The key that is down now.
    pub fn held(&self) -> Option<Key> {
        self.newest
            .filter(|press| press.down_at_ms.is_some())
            .map(|press| press.key)
    }

    /// The stream has another source: a key that is down is up, and its timestamps mean nothing any more.
    pub fn restart(&mut self, tell: impl FnMut(KeyEvent)) {
        self.end(tell);
        self.newest = None;
    }

    /// Whether the packet is of the newest press; then the press knows of it.
    fn goes_on(&mut self, timestamp: u32, marker: bool, event: TelephoneEvent, now_ms: u64) -> bool {
        let adjoining = self.ticks(ADJOINING_MS);
        let Some(press) = self.newest.as_mut().filter(|press| press.key == event.key) else {
            return false;
        };
        let ahead = ticks_ahead(timestamp, press.timestamp);
        if ahead < 0 {
            return false;
        }
        if ahead > 0 && (marker || !press.reaches(ahead.unsigned_abs(), adjoining)) {
            return false;
        }
        press.go_on(timestamp, ahead.unsigned_abs(), event.duration.into());
        press.down_at_ms = press.down_at_ms.map(|_| now_ms);
        true
    }

    /// Whether the packet is of a press before the newest one, or of the newest one when it was told of another key.
    fn is_late(&self, timestamp: u32) -> bool {
        self.newest.is_some_and(|press| {
            let ahead = ticks_ahead(timestamp, press.timestamp);
            ahead <= 0 && ahead.unsigned_abs() <= self.ticks(LATE_MS)
        })
    }

    fn end(&mut self, mut tell: impl FnMut(KeyEvent)) {
        let clock_rate = u64::from(self.clock_rate);
        if let Some(press) = &mut self.newest
            && press.down_at_ms.take().is_some()
        {
            tell(KeyEvent::Up {
                key: press.key,
                duration_ms: (press.before + u64::from(press.duration)) * 1000 / clock_rate,
            });
        }
    }

    fn ticks(&self, ms: u32) -> u32 {
        (u64::from(ms) * u64::from(self.clock_rate) / 1000)
            .try_into()
            .unwrap_or(u32::MAX)
    }
}

impl Press {
    /// Whether what begins so many ticks later may be the same press.
    fn reaches(&self, ahead: u32, adjoining: u32) -> bool {
        let full = self.down_at_ms.is_some() && FULL_SEGMENT.contains(&ahead);
        full || ahead <= self.duration.saturating_add(adjoining)
    }

    fn go_on(&mut self, timestamp: u32, ahead: u32, duration: u32) {
        // What begins before the end of what is known goes on counting; only what begins there counts anew.
        if ahead > 0 && ahead >= self.duration {
            self.before += u64::from(ahead);
            self.duration = 0;
        }
        self.timestamp = timestamp;
        self.duration = self.duration.max(duration);
    }
}

#[cfg(test)]
mod tests;
