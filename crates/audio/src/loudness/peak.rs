//! Peaks: of the samples, and of the sound between them (BS.1770-4, Annex 2).

use super::Dbtp;
use crate::{Sound, resample::filter::kaiser};
use std::{f64::consts::PI, sync::LazyLock};

/// Samples that a point between two samples is computed from, half of them on each side.
pub(crate) const TAPS: usize = 24;
/// Points looked at between two samples, plus one. The standard's 4 leave 0.6 dB unseen near the Nyquist frequency, which is where
/// it is heard at telephony rates: there it is 8.
const FINE: usize = 8;
const COARSE: usize = 4;
/// Sounds below this rate are looked at finely, in hertz.
const FINE_BELOW: u32 = 24_000;
/// Samples that are skipped together if nothing between them can be the highest.
const BLOCK: usize = 32;

/// How much higher than the four samples beside it the sound is at most taken to be: 6 dB.
const OVERSHOOT: f32 = 2.0;

static FINE_POINTS: LazyLock<Vec<[f32; TAPS]>> = LazyLock::new(|| points(FINE));
static COARSE_POINTS: LazyLock<Vec<[f32; TAPS]>> = LazyLock::new(|| points(COARSE));

/// The highest sample's level; `None` for silence.
pub fn sample_peak(sound: &Sound) -> Option<Dbtp> {
    Dbtp::of(f64::from(highest(&sound.samples)))
}

/// The true peak: the highest level that a player's filter makes of the samples. `None` for silence.
pub fn true_peak(sound: &Sound) -> Option<Dbtp> {
    Dbtp::of(f64::from(Oversampler::new(sound.rate).highest(&sound.samples)))
}

/// The highest amplitude of the samples themselves.
pub(crate) fn highest(samples: &[f32]) -> f32 {
    const LANES: usize = 8;
    let mut lanes = [0.0f32; LANES];
    let chunks = samples.chunks_exact(LANES);
    let rest = chunks
        .remainder()
        .iter()
        .fold(0.0f32, |most, s| most.max(s.abs()));
    for chunk in chunks {
        for lane in 0..LANES {
            // Not `max`: this is one instruction for all lanes, and NaN loses.
            let value = chunk[lane].abs();
            lanes[lane] = if value > lanes[lane] { value } else { lanes[lane] };
        }
    }
    lanes.into_iter().fold(rest, f32::max)
}

fn highest_of(few: &[f32]) -> f32 {
    few.iter().fold(0.0f32, |most, sample| most.max(sample.abs()))
}

/// Finds what is between samples.
#[derive(Clone)]
pub(crate) struct Oversampler {
    points: &'static [[f32; TAPS]],
    /// No point is higher than the highest sample near it by more than this factor.
    pub(crate) most: f32,
}

impl Oversampler {
    pub(crate) fn new(rate: u32) -> Self {
        let points: &[_] = if rate < FINE_BELOW {
            &FINE_POINTS
        } else {
            &COARSE_POINTS
        };
        let sum = |taps: &[f32; TAPS]| taps.iter().map(|tap| tap.abs()).sum::<f32>();
        Self {
            points,
            most: points.iter().map(sum).fold(1.0, f32::max) * 1.001,
        }
    }

    /// The highest amplitude between the two samples in the middle of the window.
    pub(crate) fn between(&self, window: &[f32; TAPS]) -> f32 {
        let amplitude = |taps: &[f32; TAPS]| {
            let mut lanes = [0.0f32; 8];
            for (window, taps) in window.as_chunks::<8>().0.iter().zip(taps.as_chunks::<8>().0) {
                for lane in 0..8 {
                    lanes[lane] += window[lane] * taps[lane];
                }
            }
            let [a, b, c, d, e, f, g, h] = lanes;
            (((a + e) + (c + g)) + ((b + f) + (d + h))).abs()
        };
        self.points.iter().map(amplitude).fold(0.0, f32::max)
    }

    /// The highest amplitude of the whole sound, with silence before and after it.
    pub(crate) fn highest(&self, samples: &[f32]) -> f32 {
        let mut most = highest(samples);
        let mut padded = vec![0.0; TAPS / 2];
        padded.extend(samples);
        padded.resize(padded.len() + TAPS, 0.0);
        let mut at = 0;
        while at + TAPS <= padded.len() {
            let block = &padded[at..padded.len().min(at + BLOCK + TAPS - 1)];
            if highest(block) * OVERSHOOT > most {
                for window in block.windows(TAPS) {
                    let beside = highest_of(&window[TAPS / 2 - 2..TAPS / 2 + 2]);
                    if beside * OVERSHOOT > most
                        && let Ok(window) = window.try_into()
                    {
                        most = most.max(self.between(window));
                    }
                }
            }
            at += BLOCK;
        }
        most
    }
}

/// The filters for each point between two samples: a windowed sinc each.
fn points(oversampling: usize) -> Vec<[f32; TAPS]> {
    let half = TAPS as f64 / 2.0;
    let point = |step: usize| {
        let fraction = step as f64 / oversampling as f64;
        let taps: [f64; TAPS] = std::array::from_fn(|tap| {
            let offset = tap as f64 - (half - 1.0) - fraction;
            (offset * PI).sin() / (offset * PI) * kaiser(offset / half)
        });
        let sum: f64 = taps.iter().sum();
        taps.map(|tap| (tap / sum) as f32)
    };
    (1..oversampling).map(point).collect()
}
