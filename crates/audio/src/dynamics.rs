//! Dynamics: a look-ahead limiter that nothing gets past, and a gentle compressor.

mod compressor;
mod smoothing;

pub use compressor::Compressor;

use crate::loudness::{Dbtp, Oversampler, TAPS, highest};
use smoothing::{Gain, ONE};

/// Samples after a sample that must be known before the sound next to it is.
const SEEN: usize = TAPS / 2;
/// How much higher than the two samples beside it the sound is at most taken to be: 3.5 dB, which a wave of up to a quarter of the
/// rate never is. What is higher is so high in frequency that samples near it are high as well.
const OVERSHOOT: f32 = 1.5;
/// Samples that are looked at together.
const BLOCK: usize = 64;

/// Keeps sound below a ceiling without being heard: the gain goes down before a peak comes, and slowly up after it.
///
/// Streaming: what goes in comes out [`Limiter::delay`] samples later. No sample is above the ceiling, ever; what a player's filter
/// makes between samples (the true peak) is not either, but for what the moving gain adds; `conform` measures it and corrects.
///
/// ```
/// use audio::{Dbtp, Limiter};
///
/// let mut limiter = Limiter::new(8000, Dbtp(-6.0));
/// let mut block = [0.9; 160];
/// limiter.process(&mut block);
/// assert!(block.iter().all(|sample| sample.abs() <= 0.502));
/// ```
#[derive(Clone)]
pub struct Limiter {
    ceiling: f32,
    oversampler: Oversampler,
    gain: Gain,
    /// The last samples that came in, as many as can still matter.
    history: Vec<f32>,
    /// The highest point between the last two samples that have a gain.
    last_between: f32,
    least: u32,
}

impl Limiter {
    /// A limiter for a rate in hertz. The ceiling is at most full scale.
    pub fn new(rate: u32, ceiling: Dbtp) -> Self {
        let ceiling = ceiling.amplitude();
        Self::with_amplitude(rate, if ceiling < 1.0 { ceiling as f32 } else { 1.0 })
    }

    pub(crate) fn with_amplitude(rate: u32, ceiling: f32) -> Self {
        let gain = Gain::new(rate);
        Self {
            ceiling,
            oversampler: Oversampler::new(rate),
            history: vec![0.0; gain.delay() + SEEN + TAPS],
            gain,
            last_between: 0.0,
            least: ONE,
        }
    }

    /// How many samples later sound comes out.
    pub fn delay(&self) -> usize {
        self.gain.delay() + SEEN
    }

    /// The most it took away so far, in dB (0 or more).
    pub fn most_reduction_db(&self) -> f64 {
        -20.0 * (f64::from(self.least.max(1)) / f64::from(ONE)).log10()
    }

    /// Takes a block of any length and leaves in it what comes out.
    pub fn process(&mut self, block: &mut [f32]) {
        for part in block.chunks_mut(BLOCK) {
            self.process_part(part);
        }
    }

    fn process_part(&mut self, part: &mut [f32]) {
        let kept = self.history.len();
        self.history.extend(
            part.iter()
                .map(|sample| if sample.is_finite() { *sample } else { 0.0 }),
        );
        // The first sample that gets a gain now, and the first that goes out.
        let first = kept - SEEN;
        let out = kept - self.delay();
        let quiet = highest(&self.history[first - 1..]) * OVERSHOOT <= self.ceiling;
        if quiet {
            self.last_between = 0.0;
        }
        part.copy_from_slice(&self.history[out..out + part.len()]);
        if !(quiet && self.gain.is_idle()) {
            let mut factors = [0.0; BLOCK];
            for (at, factor) in factors.iter_mut().enumerate().take(part.len()) {
                let needed = if quiet { ONE } else { self.needed(first + at) };
                let gain = self.gain.next(needed);
                self.least = self.least.min(gain);
                *factor = gain as f32 / ONE as f32;
            }
            for (sample, factor) in part.iter_mut().zip(factors) {
                *sample = (*sample * factor).clamp(-self.ceiling, self.ceiling);
            }
        }
        self.history.drain(..part.len());
    }

    /// The gain that keeps a sample, and the sound on both sides of it, below the ceiling.
    fn needed(&mut self, at: usize) -> u32 {
        let beside = self.history[at].abs().max(self.history[at + 1].abs());
        let between = if beside * OVERSHOOT > self.ceiling {
            let window = self
                .history
                .get(at + 1 - TAPS / 2..)
                .and_then(|rest| rest.first_chunk());
            window.map_or(0.0, |window| self.oversampler.between(window))
        } else {
            0.0
        };
        let level = self.history[at].abs().max(between).max(self.last_between);
        self.last_between = between;
        if level <= self.ceiling {
            ONE
        } else {
            (f64::from(self.ceiling) / f64::from(level) * f64::from(ONE)) as u32
        }
    }
}

impl std::fmt::Debug for Limiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Limiter(ceiling {}, delay {})", self.ceiling, self.delay())
    }
}

/// Limits a whole sound, without delay; also gives the most that was taken away, in dB.
pub(crate) fn limit(mut samples: Vec<f32>, rate: u32, ceiling: f32) -> (Vec<f32>, f64) {
    let mut limiter = Limiter::with_amplitude(rate, ceiling);
    if highest(&samples) * OVERSHOOT <= ceiling {
        return (samples, 0.0);
    }
    let length = samples.len();
    samples.resize(length + limiter.delay(), 0.0);
    limiter.process(&mut samples);
    samples.drain(..limiter.delay());
    (samples, limiter.most_reduction_db())
}

#[cfg(test)]
mod tests;
