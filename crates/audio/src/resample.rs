//! Band-limited resampling between any two rates, by a Kaiser-windowed sinc evaluated at each output sample.
//!
//! Offline quality: the pass band ends at 90 % of the lower Nyquist frequency, and what is beyond it is below -70 dB.

use std::f64::consts::PI;

/// Zero crossings of the sinc on each side, counted at the lower of the two rates.
const HALF_WIDTH: f64 = 48.0;
const KAISER_BETA: f64 = 8.0;
/// The filter's -6 dB point, as a share of the lower Nyquist frequency: the transition band ends just below it.
const CUTOFF: f64 = 0.945;
/// Table entries per zero crossing; between them the window is interpolated.
const RESOLUTION: usize = 512;

pub(crate) fn resample(samples: &[f32], from: u32, to: u32) -> Vec<f32> {
    if from == to || from == 0 || to == 0 || samples.is_empty() {
        return samples.to_vec();
    }
    let kernel = Kernel::new();
    let ratio = f64::from(from) / f64::from(to);
    // When the rate goes down, the filter widens so that it cuts at the new, lower Nyquist frequency.
    let stretch = ratio.max(1.0);
    let reach = HALF_WIDTH * stretch;
    let length = (samples.len() as u64 * u64::from(to)).div_ceil(u64::from(from)) as usize;
    (0..length)
        .map(|n| {
            let centre = n as f64 * ratio;
            let first = (centre - reach).ceil().max(0.0) as usize;
            let last = ((centre + reach).floor() as usize).min(samples.len() - 1);
            let sum: f64 = (first..=last)
                .map(|at| f64::from(samples[at]) * kernel.at((at as f64 - centre) / stretch))
                .sum();
            (sum / stretch) as f32
        })
        .collect()
}

/// One side of the symmetric filter, tabulated.
struct Kernel(Vec<f64>);

impl Kernel {
    fn new() -> Self {
        let entries = HALF_WIDTH as usize * RESOLUTION + 2;
        Self(
            (0..entries)
                .map(|n| windowed_sinc(n as f64 / RESOLUTION as f64))
                .collect(),
        )
    }

    fn at(&self, offset: f64) -> f64 {
        let position = offset.abs() * RESOLUTION as f64;
        let index = position as usize;
        match self.0.get(index..index + 2) {
            Some(pair) => pair[0] + (pair[1] - pair[0]) * (position - index as f64),
            None => 0.0,
        }
    }
}

fn windowed_sinc(offset: f64) -> f64 {
    let x = offset * CUTOFF * PI;
    let sinc = if offset == 0.0 { 1.0 } else { x.sin() / x };
    let inside = 1.0 - (offset / HALF_WIDTH).powi(2);
    CUTOFF * sinc * bessel_i0(KAISER_BETA * inside.max(0.0).sqrt()) / bessel_i0(KAISER_BETA)
}

/// The modified Bessel function of order zero, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..40 {
        term *= (x / (2.0 * f64::from(k))).powi(2);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f64, rate: u32) -> Vec<f32> {
        (0..rate)
            .map(|n| (f64::from(n) * hertz * 2.0 * PI / f64::from(rate)).sin() as f32)
            .collect()
    }

    /// The level of all of the signal, in dB below a full-scale sine, leaving out the edges.
    fn level_db(samples: &[f32]) -> f64 {
        let middle = &samples[samples.len() / 8..samples.len() * 7 / 8];
        let power = middle.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / middle.len() as f64;
        10.0 * (2.0 * power + 1e-30).log10()
    }

    fn difference(a: &[f32], b: &[f32]) -> Vec<f32> {
        a.iter().zip(b).map(|(a, b)| a - b).collect()
    }

    #[test]
    fn tones_in_the_pass_band_are_untouched() {
        for rate in [8000, 11025, 16000, 22050, 44100, 48000] {
            for hertz in [100.0, 440.0, 1000.0, 3000.0, 3500.0] {
                let error = difference(&resample(&tone(hertz, rate), rate, 8000), &tone(hertz, 8000));
                assert!(
                    level_db(&error) < -70.0,
                    "{hertz} Hz from {rate}: {:.1} dB",
                    level_db(&error)
                );
            }
        }
    }

    #[test]
    fn tones_beyond_the_new_nyquist_frequency_vanish() {
        for rate in [16000, 22050, 44100, 48000] {
            for hertz in [4010.0, 4500.0, 5000.0, 7000.0] {
                let level = level_db(&resample(&tone(hertz, rate), rate, 8000));
                assert!(level < -70.0, "{hertz} Hz from {rate}: {level:.1} dB");
            }
        }
    }

    #[test]
    fn the_length_follows_the_rate() {
        assert_eq!(resample(&[0.0; 441], 44100, 8000).len(), 80);
        assert_eq!(resample(&[0.0; 80], 8000, 16000).len(), 160);
        assert!(resample(&[], 44100, 8000).is_empty());
    }
}
