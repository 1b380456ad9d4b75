//! A compressor: what is above a threshold comes out as a share of it, in decibels.

/// How fast it follows a sound that gets louder, and one that gets quieter, in milliseconds.
const ATTACK_MS: f32 = 4.0;
const RELEASE_MS: f32 = 120.0;
/// The gain is decided so many times a second.
const STEPS_PER_SECOND: u32 = 1000;
/// Of a tone of 50 Hz or more, so many steps have a peak, and all peaks are alike.
const STEPS_OF_A_WAVE: usize = 10;
/// What comes out above the threshold, of [`Compressor::new`]. Its gain is a square root, which is the same on every machine.
const GENTLE: f32 = 0.5;

/// Streaming, without delay. The level is that of the peaks.
#[derive(Debug, Clone)]
pub struct Compressor {
    threshold: f32,
    ratio: f32,
    step: usize,
    /// The peaks of the last steps, newest first, of which the highest counts.
    peaks: [f32; STEPS_OF_A_WAVE],
    held: usize,
    envelope: f32,
    gain: f32,
    least: f32,
}

impl Compressor {
    /// A gentle one for speech, 2 dB above the threshold come out as 1, for a rate in hertz; the threshold is an amplitude (1.0 is full scale).
    pub fn new(rate: u32, threshold: f32) -> Self {
        Self {
            threshold: threshold.max(1e-6),
            ratio: GENTLE,
            step: (rate / STEPS_PER_SECOND).max(1) as usize,
            peaks: [0.0; STEPS_OF_A_WAVE],
            held: 1,
            envelope: 0.0,
            gain: 1.0,
            least: 1.0,
        }
    }

    /// One of which 1 dB above the threshold comes out as `ratio` dB, 0.0 to 1.0. It holds the level for 10 ms, so that it is
    /// exact for steady tones from 50 Hz up.
    pub fn with_ratio(rate: u32, threshold: f32, ratio: f32) -> Self {
        Self {
            ratio: ratio.clamp(0.0, 1.0),
            held: STEPS_OF_A_WAVE,
            ..Self::new(rate, threshold)
        }
    }

    /// The most it took away so far, in dB (0 or more).
    pub fn most_reduction_db(&self) -> f64 {
        -20.0 * f64::from(self.least).log10()
    }

    /// Takes a block, best of whole milliseconds, and leaves in it what comes out.
    pub fn process(&mut self, block: &mut [f32]) {
        for step in block.chunks_mut(self.step) {
            let peak = self.peak(step);
            let time = if peak > self.envelope {
                ATTACK_MS
            } else {
                RELEASE_MS
            };
            self.envelope += (peak - self.envelope) / time;
            let gain = self.wanted();
            self.least = self.least.min(gain);
            let slope = (gain - self.gain) / step.len() as f32;
            for (at, sample) in step.iter_mut().enumerate() {
                *sample *= self.gain + slope * (at + 1) as f32;
            }
            self.gain = gain;
        }
    }

    fn peak(&mut self, step: &[f32]) -> f32 {
        self.peaks.rotate_right(1);
        self.peaks[0] = crate::loudness::highest(step);
        self.peaks[..self.held].iter().copied().fold(0.0, f32::max)
    }

    /// The gain for the level that it is now.
    fn wanted(&self) -> f32 {
        if self.envelope <= self.threshold {
            1.0
        } else if self.ratio == GENTLE {
            (self.threshold / self.envelope).sqrt()
        } else {
            (self.threshold / self.envelope).powf(1.0 - self.ratio)
        }
    }
}
