//! Making the tones.

use super::{Key, amplitude};
use crate::TELEPHONY_RATE;
use std::f32::consts::PI;

/// The longest tone that is made, in milliseconds; longer ones are cut to it.
pub const MAX_TONE_MS: u32 = 60_000;

/// How long a tone takes to rise and to fall: without it each edge would click.
const EDGE_SAMPLES: usize = 16;

/// How loud the two tones are, in dBm0. Networks want -24 to -3; the difference of the two is the *twist*.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// That of the row, below 1 kHz.
    pub low: f32,
    /// That of the column, above 1 kHz.
    pub high: f32,
}

impl Level {
    /// Both tones at one level: no twist.
    pub fn both(dbm0: f32) -> Level {
        Level {
            low: dbm0,
            high: dbm0,
        }
    }
}

/// The tones of a key at 8000 Hz, with edges of 2 ms (which count to its length); what would be beyond full scale is clipped.
pub fn tone(key: Key, on_ms: u32, level: Level) -> Vec<f32> {
    let (low, high) = key.frequencies();
    pair([low as f32, high as f32], on_ms.min(MAX_TONE_MS), level)
}

/// Any two tones; the tests take those that no key has.
pub(super) fn pair(hertz: [f32; 2], on_ms: u32, level: Level) -> Vec<f32> {
    let length = on_ms as usize * TELEPHONY_RATE as usize / 1000;
    let peaks = [amplitude(level.low), amplitude(level.high)];
    let sample = |n: usize| {
        let both = hertz.iter().zip(peaks).map(|(hertz, peak)| {
            let turns = n as f64 * f64::from(*hertz) / f64::from(TELEPHONY_RATE);
            peak * (turns.fract() * std::f64::consts::TAU).sin() as f32
        });
        (both.sum::<f32>() * edge(n, length)).clamp(-1.0, 1.0)
    };
    (0..length).map(sample).collect()
}

/// 0.0 to 1.0: a raised cosine at both ends.
fn edge(at: usize, length: usize) -> f32 {
    let from_end = (at + 1).min(length - at).min(EDGE_SAMPLES);
    0.5 - 0.5 * (PI * from_end as f32 / EDGE_SAMPLES as f32).cos()
}
