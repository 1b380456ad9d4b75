//! Sound without IO: probe and decode files, resample, G.711, WAV, 20 ms framing, and finding a prompt in a recording.
//!
//! ```
//! use audio::{Law, PreparedPrompt, Sound};
//!
//! // Half a second of a 440 Hz tone, as a phone plays it: 25 frames of 20 ms.
//! let tone: Vec<f32> = (0..8000).map(|n| 0.5 * (n as f32 * 440.0 * std::f32::consts::TAU / 16000.0).sin()).collect();
//! let sound = Sound { rate: 16000, samples: tone };
//! let prompt = PreparedPrompt::new(&sound);
//! assert_eq!(prompt.frames(), 25);
//! assert_eq!(prompt.frame(Law::A, 0).map(|frame| frame.len()), Some(160));
//! ```
//!
//! Sample values are `f32` in -1.0 to 1.0; rates are in hertz; everything is mono unless it says otherwise.

pub mod codec;
pub mod conform;
mod decode;
pub mod dtmf;
mod dynamics;
mod fade;
pub mod g711;
pub mod loudness;
pub mod matching;
pub mod opus;
mod phrases;
pub mod probe;
mod prompt;
mod resample;
pub mod rtp;
mod silence;
pub mod telephony;
#[cfg(test)]
mod tests;
pub mod voice;
mod volume;
pub mod wav;
mod widest;

pub use conform::{Compiled, Conformed, Report, Target, compile, conform};
pub use decode::{DecodeError, Limits, MAX_CHANNELS, MAX_SAMPLES, MAX_SECONDS, decode, decode_within};
pub use dynamics::{Compressor, Limiter};
pub use fade::{FADE_MS, fade, fade_samples};
pub use g711::Law;
pub use loudness::{Dbtp, Lufs};
pub use phrases::Phrases;
pub use probe::{Codec, Container, Finding, Media, Mismatch, Pcm, ProbeError, Tag, Unit, mismatch, probe};
pub use prompt::{FRAME_MS, FRAME_SAMPLES, Frame, PreparedPrompt, silence};
pub use silence::{MIN_PAUSE_MS, MIN_PIECE_MS, Pause, Trim, Trimmed, pauses, split, trim};
pub use volume::{KNEE_DBFS, MIN_COMPRESSION_RATIO, Volume};

/// The sample rate of G.711, in hertz.
pub const TELEPHONY_RATE: u32 = 8000;

/// Mono sound at any rate.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    /// Samples a second.
    pub rate: u32,
    /// -1.0 to 1.0.
    pub samples: Vec<f32>,
}

impl Sound {
    /// The same sound at another rate (band-limited).
    pub fn resampled(&self, rate: u32) -> Sound {
        Sound {
            rate,
            samples: resample::resample(&self.samples, self.rate, rate),
        }
    }

    /// Its length in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        self.samples.len() as u64 * 1000 / u64::from(self.rate.max(1))
    }
}

/// A prompt of the demo.
#[cfg(test)]
fn demo_prompt(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../demo/prompts")
        .join(name);
    std::fs::File::open(path)
        .and_then(|file| std::io::Read::bytes(std::io::BufReader::new(file)).collect())
        .unwrap()
}
