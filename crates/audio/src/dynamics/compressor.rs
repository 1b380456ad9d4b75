//! A gentle compressor for speech: 2 dB above the threshold come out as 1.

/// How fast it follows a sound that gets louder, and one that gets quieter, in milliseconds.
const ATTACK_MS: f32 = 4.0;
const RELEASE_MS: f32 = 120.0;
/// The gain is decided so many times a second.
const STEPS_PER_SECOND: u32 = 1000;

/// Streaming, without delay. The ratio is 2:1 because its gain is a square root, which is the same on every machine.
#[derive(Debug, Clone)]
pub struct Compressor {
    threshold: f32,
    step: usize,
    envelope: f32,
    gain: f32,
    least: f32,
}

impl Compressor {
    /// For a rate in hertz; the threshold is an amplitude (1.0 is full scale).
    pub fn new(rate: u32, threshold: f32) -> Self {
        Self {
            threshold: threshold.max(1e-6),
            step: (rate / STEPS_PER_SECOND).max(1) as usize,
            envelope: 0.0,
            gain: 1.0,
            least: 1.0,
        }
    }

    /// The most it took away so far, in dB (0 or more).
    pub fn most_reduction_db(&self) -> f64 {
        -20.0 * f64::from(self.least).log10()
    }

    /// Takes a block, best of whole milliseconds, and leaves in it what comes out.
    pub fn process(&mut self, block: &mut [f32]) {
        for step in block.chunks_mut(self.step) {
            let peak = crate::loudness::highest(step);
            let time = if peak > self.envelope {
                ATTACK_MS
            } else {
                RELEASE_MS
            };
            self.envelope += (peak - self.envelope) / time;
            let gain = if self.envelope > self.threshold {
                (self.threshold / self.envelope).sqrt()
            } else {
                1.0
            };
            self.least = self.least.min(gain);
            let slope = (gain - self.gain) / step.len() as f32;
            for (at, sample) in step.iter_mut().enumerate() {
                *sample *= self.gain + slope * (at + 1) as f32;
            }
            self.gain = gain;
        }
    }
}
