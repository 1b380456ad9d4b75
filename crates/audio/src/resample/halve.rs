//! Half the rate, by a symmetric filter: two samples at the same distance from the middle share a product.

use crate::widest::widest;

/// Output samples that are computed side by side.
const LANES: usize = 16;

/// A symmetric filter for half the rate. Its taps sum up to one.
pub(super) struct Halving {
    centre: f32,
    /// At 2, 4, 6 ... samples from the centre.
    even: Vec<[f32; 2]>,
    /// At 1, 3, 5 ... samples.
    odd: Vec<[f32; 2]>,
}

impl Halving {
    /// From the centre's tap and those of one side; so scaled that direct current passes unchanged.
    pub(super) fn new(centre: f64, even: &[f64], odd: &[f64]) -> Self {
        let sum = centre + 2.0 * even.iter().chain(odd).sum::<f64>();
        let in_pairs = |taps: &[f64]| {
            let tap = |at: usize| (taps.get(at).unwrap_or(&0.0) / sum) as f32;
            (0..taps.len())
                .step_by(2)
                .map(|at| [tap(at), tap(at + 1)])
                .collect()
        };
        Self {
            centre: (centre / sum) as f32,
            even: in_pairs(even),
            odd: in_pairs(odd),
        }
    }

    /// Every second sample, without what the filter takes out; before and after the input there is silence.
    pub(super) fn run(&self, samples: &[f32]) -> Vec<f32> {
        widest(
            #[inline(always)]
            || self.run_wide(samples),
        )
    }

    #[inline(always)]
    fn run_wide(&self, samples: &[f32]) -> Vec<f32> {
        let reach = 2 * self.even.len().max(self.odd.len()) + 1;
        let length = samples.len().div_ceil(2);
        let padded = length.next_multiple_of(LANES) + 2 * reach;
        let (even, odd) = (half(samples, 0, reach, padded), half(samples, 1, reach, padded));
        let mut output = Vec::with_capacity(padded);
        for at in (0..length).step_by(LANES) {
            // What is before the first of these places, and what is from it on.
            let (even_before, even_from) = (&even[at..][..reach + LANES - 1], &even[at + reach..]);
            let (odd_before, odd_from) = (&odd[at..][..reach + LANES - 1], &odd[at + reach..]);
            let mut near = folded(&self.odd, odd_before, odd_from);
            let far = folded(&self.even, even_before, &even_from[1..]);
            for lane in 0..LANES {
                near[lane] += self.centre * even_from[lane] + far[lane];
            }
            output.extend_from_slice(&near);
        }
        output.truncate(length);
        output
    }
}

/// The even or the odd samples, between silence.
#[inline(always)]
fn half(samples: &[f32], side: usize, before: usize, length: usize) -> Vec<f32> {
    let (pairs, last) = samples.as_chunks::<2>();
    let mut half = Vec::with_capacity(length);
    half.resize(before, 0.0);
    half.extend(pairs.iter().map(
        #[inline(always)]
        |pair| pair[side],
    ));
    half.extend(last.get(side));
    half.resize(length, 0.0);
    half
}

/// The taps' products with the samples that go away from a place on both sides, at so many places as there are lanes: `before` ends with the
/// sample before the last place, `from` begins with the one that the first place begins with.
#[inline(always)]
fn folded(taps: &[[f32; 2]], before: &[f32], from: &[f32]) -> [f32; LANES] {
    let (mut first, mut second) = ([0.0f32; LANES], [0.0f32; LANES]);
    for (at, [a, b]) in taps.iter().enumerate() {
        let right = &from[2 * at..][..LANES + 1];
        let left = &before[before.len() - LANES - 1 - 2 * at..][..LANES + 1];
        for lane in 0..LANES {
            first[lane] += a * (left[lane + 1] + right[lane]);
            second[lane] += b * (left[lane] + right[lane + 1]);
        }
    }
    for lane in 0..LANES {
        first[lane] += second[lane];
    }
    first
}
