//! From 8000 to 16000 Hz, step by step: each sample is kept, and one is put between each two by a half-band filter.

use super::STEP;
use std::f32::consts::PI;

/// Samples on each side that a sample in between is made of: 0.75 ms of delay.
const REACH: usize = 6;

/// Remembers the end of the step before.
#[derive(Debug, Clone)]
pub(super) struct Upsampler {
    weights: [f32; REACH],
    earlier: [f32; 2 * REACH],
}

impl Upsampler {
    pub(super) fn new() -> Upsampler {
        Upsampler {
            weights: weights(),
            earlier: [0.0; 2 * REACH],
        }
    }

    /// Twice as many samples, none beyond full scale.
    pub(super) fn double(&mut self, step: &[f32; STEP]) -> [f32; 2 * STEP] {
        let mut line = [0.0; 2 * REACH + STEP];
        line[..2 * REACH].copy_from_slice(&self.earlier);
        line[2 * REACH..].copy_from_slice(step);
        self.earlier.copy_from_slice(&line[STEP..]);
        let mut doubled = [0.0; 2 * STEP];
        for (n, pair) in doubled.chunks_exact_mut(2).enumerate() {
            let around = &line[n..=n + 2 * REACH];
            let between = (0..REACH).map(|k| self.weights[k] * (around[REACH - 1 - k] + around[REACH + k]));
            pair[0] = between.sum::<f32>().clamp(-1.0, 1.0);
            pair[1] = around[REACH].clamp(-1.0, 1.0);
        }
        doubled
    }
}

/// A sinc in a Hann window, at half samples.
fn weights() -> [f32; REACH] {
    let raw: [f32; REACH] = std::array::from_fn(|k| {
        let at = k as f32 + 0.5;
        (PI * at).sin() / (PI * at) * (0.5 + 0.5 * (PI * at / (REACH as f32 + 0.5)).cos())
    });
    let sum = 2.0 * raw.iter().sum::<f32>();
    raw.map(|weight| weight / sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f32, rate: f32, length: usize) -> Vec<f32> {
        (0..length)
            .map(|n| 0.9 * (n as f32 * hertz * 2.0 * PI / rate).sin())
            .collect()
    }

    #[test]
    fn what_voices_have_passes_without_an_image() {
        for hertz in [200.0, 1000.0, 2000.0, 3000.0] {
            let mut upsampler = Upsampler::new();
            let input = tone(hertz, 8000.0, 8 * STEP);
            let output: Vec<f32> = input
                .as_chunks::<STEP>()
                .0
                .iter()
                .flat_map(|step| upsampler.double(step))
                .collect();
            // Input sample n comes out as sample 2n + 1, REACH samples later.
            let expected = tone(hertz, 16_000.0, output.len());
            let delay = 2 * REACH - 1 + 2;
            let error = output[200..]
                .iter()
                .zip(&expected[200 - delay..])
                .map(|(a, b)| (a - b).abs());
            let most = error.fold(0.0, f32::max);
            assert!(most < 0.06, "{hertz} Hz: {most}");
        }
    }
}
