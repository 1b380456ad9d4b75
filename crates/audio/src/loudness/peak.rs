//! Peaks: of the samples, and of the sound between them (BS.1770-4, Annex 2).

use super::Dbtp;
use crate::{Sound, resample::filter::kaiser, widest::widest};
use std::{f64::consts::PI, sync::LazyLock};

/// Samples that a point between two samples is computed from, half of them on each side.
pub(crate) const TAPS: usize = 24;
/// Points looked at between two samples, plus one. The standard's 4 leave 0.6 dB unseen near the Nyquist frequency, which is where
/// it is heard at telephony rates: there it is 8.
const FINE: usize = 8;
const COARSE: usize = 4;
/// Sounds below this rate are looked at finely, in hertz.
const FINE_BELOW: u32 = 24_000;
/// Samples that are looked between together, or skipped together if nothing between them can be the highest.
const BLOCK: usize = 32;

static FINE_POINTS: LazyLock<Points> = LazyLock::new(|| Points::new(FINE));
static COARSE_POINTS: LazyLock<Points> = LazyLock::new(|| Points::new(COARSE));

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
    widest(
        #[inline(always)]
        || highest_wide(samples),
    )
}

#[inline(always)]
fn highest_wide(samples: &[f32]) -> f32 {
    let mut lanes = [0.0f32; BLOCK];
    let (chunks, rest) = samples.as_chunks::<BLOCK>();
    let rest = rest.iter().fold(0.0f32, |most, s| most.max(s.abs()));
    for chunk in chunks {
        for lane in 0..BLOCK {
            lanes[lane] = higher(lanes[lane], chunk[lane].abs());
        }
    }
    higher(rest, highest_lane(lanes))
}

/// Not `max`: this is one instruction for all lanes, and NaN as the second loses.
#[inline(always)]
fn higher(most: f32, value: f32) -> f32 {
    if value > most { value } else { most }
}

#[inline(always)]
fn highest_lane(mut lanes: [f32; BLOCK]) -> f32 {
    let mut width = BLOCK / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] = higher(lanes[lane], lanes[lane + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// Finds what is between samples.
#[derive(Clone)]
pub(crate) struct Oversampler {
    points: &'static Points,
    /// No point is higher than the highest sample near it by more than this factor.
    pub(crate) most: f32,
}

impl Oversampler {
    pub(crate) fn new(rate: u32) -> Self {
        let points: &Points = if rate < FINE_BELOW {
            &FINE_POINTS
        } else {
            &COARSE_POINTS
        };
        let sum = |taps: &[f32; TAPS]| taps.iter().map(|tap| tap.abs()).sum::<f32>();
        Self {
            points,
            most: points.all.iter().map(sum).fold(1.0, f32::max) * 1.001,
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
        self.points.all.iter().map(amplitude).fold(0.0, f32::max)
    }

    /// The highest amplitude of the whole sound, with silence before and after it.
    pub(crate) fn highest(&self, samples: &[f32]) -> f32 {
        widest(
            #[inline(always)]
            || self.highest_wide(samples),
        )
    }

    #[inline(always)]
    fn highest_wide(&self, samples: &[f32]) -> f32 {
        // From before the first sample to behind the last, as far as the filter reaches.
        let places = (samples.len() + TAPS).next_multiple_of(BLOCK);
        let mut padded = Vec::with_capacity(places + BLOCK);
        padded.resize(TAPS, 0.0);
        padded.extend_from_slice(samples);
        padded.resize(places + BLOCK, 0.0);
        let maxima: Vec<f32> = padded.chunks(BLOCK).map(highest_wide).collect();
        let mut most = maxima.iter().copied().fold(0.0, higher);
        for (at, near) in (0..).step_by(BLOCK).zip(maxima.windows(2)) {
            // Strictly no point in between is higher than that.
            if higher(near[0], near[1]) * self.most > most
                && let Some(samples) = padded[at..].first_chunk()
            {
                most = higher(most, self.points.highest_between(samples));
            }
        }
        most
    }
}

/// The filters for each point between two samples.
struct Points {
    all: Vec<[f32; TAPS]>,
    /// The filter of a point as a symmetric and an antisymmetric one, half of each: their sum is the point's, their difference that of the
    /// point at the same distance from the other sample.
    pairs: Vec<[[f32; TAPS / 2]; 2]>,
}

impl Points {
    fn new(oversampling: usize) -> Self {
        let all = points(oversampling);
        let pair = |taps: &[f32; TAPS]| {
            let half = |sign: f32| std::array::from_fn(|tap| 0.5 * (taps[tap] + sign * taps[TAPS - 1 - tap]));
            [half(1.0), half(-1.0)]
        };
        let pairs = all[..oversampling / 2].iter().map(pair).collect();
        Self { all, pairs }
    }

    /// The highest amplitude in a block of places side by side.
    #[inline(always)]
    fn highest_between(&self, samples: &[f32; 2 * BLOCK]) -> f32 {
        let mut most = [0.0; BLOCK];
        for [symmetric, antisymmetric] in &self.pairs {
            let (mut even, mut odd) = ([0.0; BLOCK], [0.0; BLOCK]);
            for tap in 0..TAPS / 2 {
                let (left, right) = (&samples[tap..][..BLOCK], &samples[TAPS - 1 - tap..][..BLOCK]);
                for lane in 0..BLOCK {
                    even[lane] += symmetric[tap] * (left[lane] + right[lane]);
                    odd[lane] += antisymmetric[tap] * (left[lane] - right[lane]);
                }
            }
            for lane in 0..BLOCK {
                most[lane] = higher(most[lane], even[lane].abs() + odd[lane].abs());
            }
        }
        highest_lane(most)
    }
}

/// A windowed sinc for each point between two samples.
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
