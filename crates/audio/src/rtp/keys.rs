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
/// Telephone events are sure, tones may be cut or doubled on their way: so while an event says that a key is down, tones of that key tell nothing.
/// Of two presses in quick succession the second may be down before it is known that the first is up.
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
    /// By [`Way`].
    heard: [Heard; 2],
    /// When it was told that it is up.
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
        let told = match event {
            KeyEvent::Down { key } => self.down(way, key, now_ms),
            KeyEvent::Up { key, .. } => self.up(way, key, now_ms),
        };
        if told {
            tell(event);
        }
    }

    /// Whether it is another press.
    fn down(&mut self, way: Way, key: Key, now_ms: u64) -> bool {
        // The oldest first: presses come in the same order both ways.
        let known = self
            .presses
            .iter_mut()
            .rev()
            .flatten()
            .find(|press| press.key == key && press.may_be(way, now_ms));
        if let Some(press) = known {
            press.heard[way as usize] = Heard::Down;
            return false;
        }
        let mut press = Press::new(key);
        press.heard[way as usize] = Heard::Down;
        self.remember(press);
        true
    }

    /// In the place of the oldest that is up: at most one is down each way.
    fn remember(&mut self, press: Press) {
        let is_free = |press: &Option<Press>| press.is_none_or(|press| press.up_ms.is_some());
        let free = self.presses.iter().rposition(is_free);
        self.presses[..=free.unwrap_or(PRESSES - 1)].rotate_right(1);
        self.presses[0] = Some(press);
    }

    /// Whether the press is up with this.
    fn up(&mut self, way: Way, key: Key, now_ms: u64) -> bool {
        let held = self
            .presses
            .iter_mut()
            .flatten()
            .find(|press| press.key == key && press.heard[way as usize] == Heard::Down);
        let Some(press) = held else {
            return false;
        };
        press.heard[way as usize] = Heard::Over;
        if press.up_ms.is_some() || press.heard[Way::Events as usize] == Heard::Down {
            return false;
        }
        press.up_ms = Some(now_ms);
        true
    }
}

impl Press {
    fn new(key: Key) -> Press {
        Press {
            key,
            heard: [Heard::Nothing; 2],
            up_ms: None,
        }
    }

    /// Whether what is heard this way now may be this press.
    fn may_be(&self, way: Way, now_ms: u64) -> bool {
        let held = way == Way::Tones && self.heard[Way::Events as usize] == Heard::Down;
        let recent = self
            .up_ms
            .is_none_or(|up_ms| up_ms.saturating_add(SAME_PRESS_MS) >= now_ms);
        held || self.heard[way as usize] == Heard::Nothing && recent
    }
}

#[cfg(test)]
mod tests;
