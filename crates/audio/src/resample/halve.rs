//! Half the rate by a half-band filter: every second tap is zero, so it is cheap where the transition band is wide.

use super::filter::half_band;

/// Output samples that are computed side by side.
const LANES: usize = 16;

/// Every second sample, without what would be heard below `keep` (a share of the *new* rate) as an alias.
pub(super) fn halve(samples: &[f32], keep: f64) -> Vec<f32> {
    let side = half_band((1.0 - 2.0 * keep) / 2.0);
    // The odd taps meet the odd samples only, one after the other.
    let taps: Vec<f32> = side.iter().rev().chain(&side).map(|tap| *tap as f32).collect();
    let length = samples.len().div_ceil(2);
    let mut odd = vec![0.0; side.len()];
    odd.extend(samples.iter().skip(1).step_by(2));
    odd.resize(length.next_multiple_of(LANES) + taps.len(), 0.0);
    let mut output: Vec<f32> = samples.iter().step_by(2).map(|sample| 0.5 * sample).collect();
    for (chunk, at) in output.chunks_mut(LANES).zip((0..).step_by(LANES)) {
        let mut lanes = [0.0f32; LANES];
        for (tap, from) in taps.iter().zip(odd[at..].windows(LANES)) {
            for lane in 0..LANES {
                lanes[lane] += tap * from[lane];
            }
        }
        for (sample, lane) in chunk.iter_mut().zip(lanes) {
            *sample += lane;
        }
    }
    output
}
