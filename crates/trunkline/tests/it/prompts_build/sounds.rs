//! Sounds that are like speech: bursts of tones with pauses, different for each seed.

use audio::{Sound, wav};

/// A WAV file of so many seconds.
pub(crate) fn speech(seed: u32, rate: u32, seconds: f32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    let length = (rate as f32 * seconds) as usize;
    let mut samples = Vec::with_capacity(length);
    while samples.len() < length {
        let (pitch, level) = (100.0 + 150.0 * next(), 0.05 + 0.2 * next());
        let syllable = (rate as f32 * (0.08 + 0.2 * next())) as usize;
        let pause = (rate as f32 * if next() < 0.2 { 0.35 } else { 0.04 }) as usize;
        samples.extend((0..syllable).map(|n| {
            let at = n as f32 / rate as f32 * std::f32::consts::TAU * pitch;
            let edge = (n.min(syllable - n) as f32 / (rate as f32 * 0.01)).min(1.0);
            level
                * edge
                * (at.sin() + 0.6 * (2.0 * at).sin() + 0.4 * (5.0 * at).sin() + 0.2 * (9.0 * at).sin())
        }));
        samples.extend((0..pause).map(|_| 0.0002 * (next() - 0.5)));
    }
    samples.truncate(length);
    wav::pcm16(&Sound { rate, samples })
}
