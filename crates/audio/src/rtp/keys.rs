//! Keys that are heard two ways, as telephone events and as tones, are one key each.

use super::KeyEvent;
use crate::dtmf::{self, Key};

/// A key that is up and is heard the other way no later than this is the same press. (Tones are told about 40 ms after they begin, and
/// telephone events do not wait for a jitter buffer.)
pub const SAME_PRESS_MS: u64 = 120;
/// Presses that may still be heard the other way. A press and its pause last 80 ms at least, so two would do.
const PRESSES: usize = 4;

/// How a key is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// By RFC 4733.
    Events,
    /// By [`dtmf::Detector`].
    Tones,
}

/// Merges [`KeyEvents`](super::KeyEvents) with what [`dtmf::Detector`] hears: a press that comes both ways is told once, when it is first heard.
///
/// Telephone events are sure, tones may break off on their way: so while a key is down by an event that came first, tones of that key tell nothing.
/// Keys go down and up in turn: who presses the next one has let go of the one before, also when its end is still on its way.
///
/// ```
/// use audio::{dtmf::{self, Key}, rtp::{KeyEvent, Keys}};
///
/// let key = Key::new('5').ok_or("not a key")?;
/// let mut told = Vec::new();
/// let mut keys = Keys::new();
/// keys.event(KeyEvent::Down { key }, 1000, |event| told.push(event));
/// keys.tone(dtmf::Event::Down { key, at_ms: 20 }, 1060, |event| told.push(event));
/// keys.event(KeyEvent::Up { key, duration_ms: 80 }, 1080, |event| told.push(event));
/// keys.tone(dtmf::Event::Up { key, at_ms: 100, duration_ms: 80 }, 1140, |event| told.push(event));
/// assert_eq!(told, [KeyEvent::Down { key }, KeyEvent::Up { key, duration_ms: 80 }]);
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// The last presses, newest first.
    presses: [Option<Press>; PRESSES],
}

#[derive(Debug, Clone, Copy)]
struct Press {
    key: Key,
    first_heard: Way,
    /// By [`Way`].
    heard: [Heard; 2],
    down_ms: u64,
    /// How long it was, by the events if they told.
    duration_ms: Option<u64>,
    /// When it was told that it is up. Only the newest may not be.
    up_ms: Option<u64>,
}

/// What was heard of a press one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Nothing,
    Down,
    Over,
}

impl Keys {
    /// Nothing was heard yet.
    pub fn new() -> Keys {
        Keys::default()
    }

    /// What came as telephone events.
    pub fn event(&mut self, event: KeyEvent, now_ms: u64, tell: impl FnMut(KeyEvent)) {
        self.hear(Way::Events, event, now_ms, tell);
    }

    /// What was heard in band.
    pub fn tone(&mut self, event: dtmf::Event, now_ms: u64, tell: impl FnMut(KeyEvent)) {
        let event = match event {
            dtmf::Event::Down { key, .. } => KeyEvent::Down { key },
            dtmf::Event::Up { key, duration_ms, .. } => KeyEvent::Up { key, duration_ms },
        };
        self.hear(Way::Tones, event, now_ms, tell);
    }

    fn hear(&mut self, way: Way, event: KeyEvent, now_ms: u64, mut tell: impl FnMut(KeyEvent)) {
        match event {
            KeyEvent::Down { key } => {
                if !self.is_known(way, key, now_ms) {
                    self.end_newest(now_ms, &mut tell);
                    self.presses.rotate_right(1);
                    self.presses[0] = Some(Press::new(way, key, now_ms));
                    tell(event);
                }
            }
            KeyEvent::Up { key, duration_ms } => {
                if self.is_over(way, key, duration_ms) {
                    self.end_newest(now_ms, tell);
                }
            }
        }
    }

    /// Whether this is a press that was told; then it knows of it.
    fn is_known(&mut self, way: Way, key: Key, now_ms: u64) -> bool {
        // The oldest first: presses come in the same order both ways.
        let mut presses = self.presses.iter_mut().rev().flatten();
        let known = presses.find(|press| press.key == key && press.may_be(way, now_ms));
        if let Some(press) = known {
            press.heard[way as usize] = Heard::Down;
            return true;
        }
        false
    }

    /// Whether this ends the newest press, and not one before, and not only its tones.
    fn is_over(&mut self, way: Way, key: Key, duration_ms: u64) -> bool {
        let mut presses = self.presses.iter_mut().flatten();
        let held = presses.find(|press| press.key == key && press.heard[way as usize] == Heard::Down);
        let Some(press) = held else {
            return false;
        };
        press.heard[way as usize] = Heard::Over;
        if way == Way::Events || press.duration_ms.is_none() {
            press.duration_ms = Some(duration_ms);
        }
        press.up_ms.is_none() && press.heard[Way::Events as usize] != Heard::Down
    }

    fn end_newest(&mut self, now_ms: u64, mut tell: impl FnMut(KeyEvent)) {
        let newest = self.presses[0].as_mut().filter(|press| press.up_ms.is_none());
        if let Some(press) = newest {
            press.up_ms = Some(now_ms);
            let so_far_ms = now_ms.saturating_sub(press.down_ms);
            tell(KeyEvent::Up {
                key: press.key,
                duration_ms: press.duration_ms.unwrap_or(so_far_ms),
            });
        }
    }
}

impl Press {
    fn new(way: Way, key: Key, now_ms: u64) -> Press {
        let mut heard = [Heard::Nothing; 2];
        heard[way as usize] = Heard::Down;
        Press {
            key,
            first_heard: way,
            heard,
            down_ms: now_ms,
            duration_ms: None,
            up_ms: None,
        }
    }

    /// Whether what is heard this way now may be this press.
    fn may_be(&self, way: Way, now_ms: u64) -> bool {
        // Tones that break off; but where events come later than tones, it may be the next press.
        let broken = way == Way::Tones
            && self.first_heard == Way::Events
            && self.heard[Way::Events as usize] == Heard::Down;
        let recent = self
            .up_ms
            .is_none_or(|up_ms| up_ms.saturating_add(SAME_PRESS_MS) >= now_ms);
        broken || self.heard[way as usize] == Heard::Nothing && recent
    }
}

#[cfg(test)]
mod tests;
