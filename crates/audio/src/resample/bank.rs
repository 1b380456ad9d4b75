//! The filter at every phase that output samples can have between two input samples, computed before it is used.

use super::filter::LowPass;
use crate::widest::widest;

/// Products that are summed side by side; the taps of a phase are a multiple of it.
const LANES: usize = 8;
/// Most phases of an exact bank. Rates with more (44100 to 8001) are interpolated between [`FINE_PHASES`].
const MAX_PHASES: u64 = 640;
const FINE_PHASES: u64 = 512;

/// From one rate to the other in the ratio `down` to `up`: sample `n` of the output is at `n * down / up` of the input.
pub(super) struct Bank {
    up: u64,
    down: u64,
    /// Phases after each other, `taps` each.
    phases: Vec<f32>,
    taps: usize,
    /// Input samples before the output's position that a phase begins with.
    before: usize,
    interpolated: bool,
}

impl Bank {
    /// `down` and `up` are in lowest terms. The filter is `stretch` times as wide as at the input's rate. Only as many phases are
    /// computed as `outputs` samples can use.
    pub(super) fn new(filter: &LowPass, stretch: f64, [down, up]: [u64; 2], outputs: usize) -> Self {
        let reach = (filter.half_width * stretch).ceil() as usize;
        let interpolated = up > MAX_PHASES;
        let count = if interpolated { FINE_PHASES + 1 } else { up };
        let mut bank = Self {
            up,
            down,
            phases: Vec::new(),
            taps: (2 * reach).next_multiple_of(LANES),
            before: reach - 1,
            interpolated,
        };
        let steps = if interpolated { FINE_PHASES } else { up };
        let used = if interpolated {
            count
        } else {
            count.min(outputs as u64)
        };
        bank.phases.resize(count as usize * bank.taps, 0.0);
        for n in 0..used {
            let phase = if interpolated { n } else { n * (down % up) % up };
            bank.fill(filter, phase as usize, phase as f64 / steps as f64, stretch);
        }
        bank
    }

    fn fill(&mut self, filter: &LowPass, phase: usize, fraction: f64, stretch: f64) {
        let taps: Vec<f64> = (0..self.taps)
            .map(|tap| filter.at((tap as f64 - self.before as f64 - fraction) / stretch))
            .collect();
        // Each phase passes direct current unchanged, so that none of it turns into a tone. A filter that is wider than the input's band
        // is for another to follow, which takes those tones out; made equal, its phases would make others instead.
        let sum: f64 = if stretch < 1.0 { stretch } else { taps.iter().sum() };
        let place = &mut self.phases[phase * self.taps..][..self.taps];
        for (to, tap) in place.iter_mut().zip(taps) {
            *to = (tap / sum) as f32;
        }
    }

    /// `length` output samples; before and after the input there is silence.
    pub(super) fn run(&self, samples: &[f32], length: usize) -> Vec<f32> {
        widest(
            #[inline(always)]
            || self.run_wide(samples, length),
        )
    }

    #[inline(always)]
    fn run_wide(&self, samples: &[f32], length: usize) -> Vec<f32> {
        let mut padded = vec![0.0; self.before];
        padded.extend(samples);
        let end = (length as u64 * self.down / self.up) as usize;
        padded.resize((end + 1 + self.taps).max(padded.len()), 0.0);
        let (whole, part) = ((self.down / self.up) as usize, self.down % self.up);
        let (mut at, mut phase) = (0usize, 0u64);
        let mut output = Vec::with_capacity(length);
        for _ in 0..length {
            output.push(self.sample(&padded[at..at + self.taps], phase));
            at += whole;
            phase += part;
            if phase >= self.up {
                phase -= self.up;
                at += 1;
            }
        }
        output
    }

    #[inline(always)]
    fn sample(&self, window: &[f32], phase: u64) -> f32 {
        let taps = |phase: usize| &self.phases[phase * self.taps..][..self.taps];
        if !self.interpolated {
            return dot(window, taps(phase as usize));
        }
        let position = phase as f64 / self.up as f64 * FINE_PHASES as f64;
        let index = position as usize;
        let (low, high) = (dot(window, taps(index)), dot(window, taps(index + 1)));
        low + (high - low) * (position - index as f64) as f32
    }
}

/// The sum of products, in lanes that do not wait for each other, and in the same order on every machine.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}
