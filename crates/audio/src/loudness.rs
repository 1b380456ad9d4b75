//! Loudness and true peak by ITU-R BS.1770-4 and EBU R 128, for mono sound at any rate.

mod peak;
mod weighting;

pub(crate) use peak::{Oversampler, TAPS, highest};
pub use peak::{sample_peak, true_peak};

use crate::Sound;

/// Loudness in LUFS: a 1 kHz sine of full scale has -3.0 in one channel.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Lufs(pub f64);

/// A true peak in dB relative to full scale.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Dbtp(pub f64);

impl Dbtp {
    /// As an amplitude: 1.0 is full scale.
    pub fn amplitude(self) -> f64 {
        amplitude(self.0)
    }

    /// The level of an amplitude; `None` for silence.
    pub fn of(amplitude: f64) -> Option<Self> {
        (amplitude > 0.0).then(|| Self(20.0 * amplitude.log10()))
    }
}

impl std::fmt::Display for Lufs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.1} LUFS", self.0)
    }
}

impl std::fmt::Display for Dbtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.1} dBTP", self.0)
    }
}

/// Decibels as a factor.
pub(crate) fn amplitude(db: f64) -> f64 {
    10f64.powf(db / 20.0)
}

/// What makes the loudness of K-weighted power what it is for a sine of 1 kHz.
const OFFSET: f64 = -0.691;
/// Blocks quieter than this do not count, in LUFS.
const ABSOLUTE_GATE: f64 = -70.0;
/// Nor do those that are so many LU below the mean of the others.
const RELATIVE_GATE: f64 = -10.0;
/// Steps of 100 ms in a block of 400 ms: blocks overlap by 75 %.
const STEPS_PER_BLOCK: usize = 4;

/// The integrated loudness. A sound shorter than 400 ms is one block; `None` is silence (nothing above -70 LUFS).
pub fn integrated(sound: &Sound) -> Option<Lufs> {
    integrated_of(&sound.samples, sound.rate)
}

pub(crate) fn integrated_of(samples: &[f32], rate: u32) -> Option<Lufs> {
    let powers = block_powers(samples, rate);
    let loud = mean_above(&powers, power_of(ABSOLUTE_GATE))?;
    let gate = loud * 10f64.powf(RELATIVE_GATE / 10.0);
    let mean = mean_above(&powers, gate.max(power_of(ABSOLUTE_GATE)))?;
    Some(Lufs(OFFSET + 10.0 * mean.log10()))
}

/// The mean K-weighted power of each block.
fn block_powers(samples: &[f32], rate: u32) -> Vec<f64> {
    // 100 ms, rounded as the usual meters do it.
    let step = (rate as usize + 5) / 10;
    if samples.is_empty() || step == 0 {
        return Vec::new();
    }
    if samples.len() < STEPS_PER_BLOCK * step {
        let energy: f64 = weighting::energies(samples, rate, samples.len()).iter().sum();
        return vec![energy / samples.len() as f64];
    }
    let energies = weighting::energies(samples, rate, step);
    let length = (STEPS_PER_BLOCK * step) as f64;
    energies
        .windows(STEPS_PER_BLOCK)
        .map(|block| block.iter().sum::<f64>() / length)
        .collect()
}

fn power_of(lufs: f64) -> f64 {
    10f64.powf((lufs - OFFSET) / 10.0)
}

fn mean_above(powers: &[f64], gate: f64) -> Option<f64> {
    let (count, sum) = powers
        .iter()
        .filter(|power| **power > gate)
        .fold((0u32, 0.0), |(count, sum), power| (count + 1, sum + power));
    (count > 0).then(|| sum / f64::from(count))
}

#[cfg(test)]
mod tests;
