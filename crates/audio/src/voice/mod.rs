//! Voice activity: when does a caller begin to speak, and when has he ended?
//!
//! Two judges in turn. The first is cheap: is this louder than the noise of this line (`gate.rs`)? Only what passes is given to the
//! second, the small neural network of the crate `earshot`, at 16 kHz (`upsample.rs`). What it takes for a voice for long enough
//! is speech, if vocal cords are in it (`pitch.rs`), so that a cough or a click does not cut a prompt off: the network takes them
//! for voices. It does the same with dial tones and keys; the gate tells them by their level, which is the same for 80 ms.
//!
//! ```
//! use audio::voice::{Detector, Settings};
//!
//! let mut detector = Detector::new(Settings::default());
//! let mut heard = Vec::new();
//! for _ in 0..500 {
//!     detector.push(&[0.0; 160], |event| heard.push(event));
//! }
//! assert!(heard.is_empty() && !detector.is_speaking());
//! ```

mod detector;
mod gate;
mod pitch;
mod upsample;

pub use detector::{Detector, Event, Settings};

/// Samples at 8000 Hz that are judged at a time: 16 ms.
const STEP: usize = 128;
/// Milliseconds in a step.
const STEP_MS: u64 = 16;

#[cfg(test)]
mod tests;
