//! DTMF: the sixteen keys of a telephone as pairs of tones (ITU-T Q.23), made and detected in band (ITU-T Q.24).
//!
//! ```
//! use audio::dtmf::{Detector, Event, Key, Level, tone};
//!
//! let five = Key::new('5').ok_or("not a key")?;
//! let mut sound = tone(five, 80, Level::both(-10.0));
//! sound.resize(sound.len() + 800, 0.0);
//!
//! let mut heard = Vec::new();
//! let mut detector = Detector::new();
//! for frame in sound.chunks(160) {
//!     detector.push(frame, |event| heard.push(event));
//! }
//! assert!(matches!(heard[0], Event::Down { key, .. } if key == five));
//! assert!(matches!(heard[1], Event::Up { key, duration_ms: 75..=85, .. } if key == five));
//! # Ok::<(), &str>(())
//! ```
//!
//! Everything is mono at 8000 Hz. Levels are in dBm0 per tone: a sine at full scale has +3.17 dBm0 (ITU-T G.711).

mod detector;
mod evidence;
mod key;
mod spectrum;
mod tone;

pub use detector::{Detector, Event};
pub use key::Key;
pub use tone::{Level, MAX_TONE_MS, tone};

#[cfg(test)]
mod tests;

/// The level of a sine at full scale, in dBm0 (ITU-T G.711, mu-law; A-law has 3.14).
const FULL_SCALE_DBM0: f32 = 3.17;

/// The peak of a sine of this level, where full scale is 1.0.
fn amplitude(dbm0: f32) -> f32 {
    10f32.powf((dbm0 - FULL_SCALE_DBM0) / 20.0)
}
