//! The K-weighting of BS.1770: a shelf for the head, a high-pass for how the ear hears.

use crate::widest::widest;
use std::f64::consts::PI;

/// Stretches of the sound that are filtered side by side: a recursive filter waits for itself, eight of them do not.
const LANES: usize = 8;
/// Steps that a lane filters before its own first one, so that its filter has forgotten that it began: 400 ms or the whole
/// sound. The high-pass is e^-96 down by then.
const WARM_UP: usize = 4;
/// What a filter's state is set to zero below, before the numbers become denormal and slow.
const NOTHING: f64 = 1e-40;

/// The energy (sum of squares) of each whole step of so many samples, K-weighted.
pub(super) fn energies(samples: &[f32], rate: u32, step: usize) -> Vec<f64> {
    widest(
        #[inline(always)]
        || energies_wide(samples, rate, step),
    )
}

#[inline(always)]
fn energies_wide(samples: &[f32], rate: u32, step: usize) -> Vec<f64> {
    let steps = samples.len() / step;
    let lane_steps = steps.div_ceil(LANES);
    let silence = vec![0.0; step];
    let mut filters = [Biquad::shelf(rate), Biquad::high_pass(rate)];
    let mut energies = vec![0.0; steps];
    for round in 0..WARM_UP + lane_steps {
        let index = |lane: usize| (lane * lane_steps + round).checked_sub(WARM_UP);
        let slices: [&[f32]; LANES] = std::array::from_fn(|lane| {
            let start = index(lane)
                .filter(|index| *index < steps)
                .map(|index| index * step);
            start
                .and_then(|start| samples.get(start..start + step))
                .unwrap_or(&silence)
        });
        let sums = filtered_energy(&mut filters, slices);
        if round >= WARM_UP {
            for (lane, sum) in sums.into_iter().enumerate() {
                if let Some(place) = index(lane).and_then(|index| energies.get_mut(index)) {
                    *place = sum;
                }
            }
        }
    }
    energies
}

/// The slices are of the same length.
#[inline(always)]
fn filtered_energy(filters: &mut [Biquad; 2], slices: [&[f32]; LANES]) -> [f64; LANES] {
    let mut sums = [0.0; LANES];
    // Copies, so that they stay in registers.
    let [mut shelf, mut high_pass] = *filters;
    let length = slices.iter().map(|slice| slice.len()).min().unwrap_or(0);
    let slices = slices.map(|slice| &slice[..length]);
    // All lanes at the same place.
    #[allow(clippy::needless_range_loop)]
    for at in 0..length {
        let mut input = [0.0; LANES];
        for lane in 0..LANES {
            input[lane] = f64::from(slices[lane][at]);
        }
        let output = high_pass.filter(shelf.filter(input));
        for lane in 0..LANES {
            sums[lane] += output[lane] * output[lane];
        }
    }
    *filters = [shelf.settled(), high_pass.settled()];
    sums
}

/// A second-order section (transposed direct form II) for all lanes.
#[derive(Clone, Copy)]
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
    state: [[f64; LANES]; 2],
}

impl Biquad {
    /// +4 dB above 1.7 kHz. The numbers are those of the standard's 48 kHz filter, made independent of the rate.
    fn shelf(rate: u32) -> Self {
        let (k, q) = (warped(1_681.974_450_955_533, rate), 0.707_175_236_955_419_6);
        let high = 10f64.powf(3.999_843_853_973_347 / 20.0);
        let band = high.powf(0.499_666_774_154_541_6);
        let b = [
            high + band * k / q + k * k,
            2.0 * (k * k - high),
            high - band * k / q + k * k,
        ];
        let a0 = 1.0 + k / q + k * k;
        Self::new(b.map(|b| b / a0), k, q)
    }

    fn high_pass(rate: u32) -> Self {
        let (k, q) = (warped(38.135_470_876_024_44, rate), 0.500_327_037_323_877_3);
        Self::new([1.0, -2.0, 1.0], k, q)
    }

    fn new(b: [f64; 3], k: f64, q: f64) -> Self {
        let a0 = 1.0 + k / q + k * k;
        let a = [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0];
        Self {
            b,
            a,
            state: [[0.0; LANES]; 2],
        }
    }

    #[inline(always)]
    fn filter(&mut self, input: [f64; LANES]) -> [f64; LANES] {
        let mut output = [0.0; LANES];
        for lane in 0..LANES {
            let x = input[lane];
            let y = self.b[0] * x + self.state[0][lane];
            // The output comes last: it is waited for.
            self.state[0][lane] = (self.b[1] * x + self.state[1][lane]) - self.a[0] * y;
            self.state[1][lane] = self.b[2] * x - self.a[1] * y;
            output[lane] = y;
        }
        output
    }

    #[inline(always)]
    fn settled(mut self) -> Self {
        for state in self.state.as_flattened_mut() {
            if state.abs() < NOTHING {
                *state = 0.0;
            }
        }
        self
    }
}

/// A frequency for the bilinear transform. At rates too low for it the filter acts as high as it can.
fn warped(hertz: f64, rate: u32) -> f64 {
    let rate = f64::from(rate);
    (PI * hertz.min(0.45 * rate) / rate).tan()
}
