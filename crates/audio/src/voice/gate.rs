//! Is a step louder than the noise of the line? The noise is the quietest of the last two seconds: whoever speaks, pauses.

use super::STEP;

/// Mean square of what is no noise of a line, but its absence: -75 dB of full scale.
const NOTHING: f32 = 3e-8;
/// How much louder than the noise (as a ratio of powers) a voice is at the least.
const ABOVE_NOISE: f32 = 2.5;
/// Steps of one of the stretches whose minima are remembered: a quarter of a second.
const STRETCH: usize = 16;
/// How many stretches are remembered.
const STRETCHES: usize = 8;
/// How much of the power before is in the smoothed one.
const SMOOTHING: f32 = 0.6;
/// A tone of a machine keeps its level over so many steps ...
const LAST: usize = 5;
/// ... within this ratio: 0.7 dB. Two tones of a key and noise 20 dB below vary by 0.6, a voice by 2.1 in the median.
const STEADY: f32 = 1.175;

/// Follows the noise.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    smoothed: f32,
    minima: [f32; STRETCHES],
    /// The minimum of the stretch that goes on, and how many steps it has.
    current: (f32, usize),
    /// The powers of the last steps.
    last: [f32; LAST],
    /// Mean square below which nobody speaks.
    quietest: f32,
}

impl Gate {
    /// For voices of at least this level, in dB of full scale.
    pub(super) fn new(quietest_db: f32) -> Gate {
        Gate {
            smoothed: f32::MAX,
            minima: [f32::MAX; STRETCHES],
            current: (f32::MAX, 0),
            last: [0.0; LAST],
            quietest: 10f32.powf(quietest_db / 10.0),
        }
    }

    /// Whether this step may be a voice.
    pub(super) fn opens(&mut self, step: &[f32; STEP]) -> bool {
        let power = power(step);
        self.last.rotate_left(1);
        self.last[LAST - 1] = power;
        // Digital silence tells nothing of the noise that may follow it.
        if power < NOTHING {
            return false;
        }
        self.follow(power);
        let noise = self
            .minima
            .iter()
            .fold(self.current.0, |least, minimum| least.min(*minimum));
        power > self.quietest && power > ABOVE_NOISE * noise
    }

    /// Whether the level has not changed of late, as that of a machine.
    pub(super) fn is_steady(&self) -> bool {
        let [least, most] = [f32::min, f32::max].map(|of| self.last.into_iter().fold(self.last[0], of));
        most <= STEADY * least
    }

    fn follow(&mut self, power: f32) {
        self.smoothed = SMOOTHING
            * if self.smoothed == f32::MAX {
                power
            } else {
                self.smoothed
            }
            + (1.0 - SMOOTHING) * power;
        self.current = (self.current.0.min(self.smoothed), self.current.1 + 1);
        if self.current.1 == STRETCH {
            self.minima.rotate_left(1);
            self.minima[STRETCHES - 1] = self.current.0;
            self.current = (f32::MAX, 0);
        }
    }
}

/// The mean square, without a constant offset.
fn power(step: &[f32; STEP]) -> f32 {
    // Eight sums side by side, so that the compiler can use vector instructions.
    let mut sums = [[0.0f32; 8]; 2];
    for part in step.as_chunks::<8>().0 {
        for lane in 0..8 {
            sums[0][lane] += part[lane];
            sums[1][lane] += part[lane] * part[lane];
        }
    }
    let [mean, square] = sums.map(|lanes| lanes.iter().sum::<f32>() / STEP as f32);
    (square - mean * mean).max(0.0)
}
