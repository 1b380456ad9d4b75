//! The low-pass filter of the resampler: a Kaiser-windowed sinc.

use std::{f64::consts::PI, sync::LazyLock};

/// Zero crossings of the sinc on each side, counted at the lower of the two rates.
pub(super) const HALF_WIDTH: f64 = 48.0;
const KAISER_BETA: f64 = 7.4;
/// What a Kaiser window of this beta keeps out of the stop band, in dB.
const ATTENUATION_DB: f64 = 76.0;
/// The filter's -6 dB point, as a share of the lower Nyquist frequency: the transition band ends just below it.
const CUTOFF: f64 = 0.949;
/// Table entries per zero crossing; between them the filter is interpolated, which costs -106 dB.
const RESOLUTION: usize = 512;

/// One side of the symmetric filter, tabulated once for all rates.
static TABLE: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let entries = HALF_WIDTH as usize * RESOLUTION + 2;
    let at = |n: usize| windowed_sinc(n as f64 / RESOLUTION as f64);
    (0..entries).map(at).collect()
});

/// The filter at an offset from its centre, in samples of the lower rate.
pub(super) fn low_pass(offset: f64) -> f64 {
    let position = offset.abs() * RESOLUTION as f64;
    let index = position as usize;
    match TABLE.get(index..index + 2) {
        Some(pair) => pair[0] + (pair[1] - pair[0]) * (position - index as f64),
        None => 0.0,
    }
}

/// One side of a half-band filter without its zeros: the taps at 1, 3, 5 ... samples from the centre, whose own tap is 0.5.
///
/// `transition` is the width of the transition band as a share of the sample rate.
pub(super) fn half_band(transition: f64) -> Vec<f64> {
    let taps = (ATTENUATION_DB - 8.0) / (2.285 * 2.0 * PI * transition);
    // One more on each side than Kaiser's formula says, which is rough for few taps.
    let side = (taps / 4.0).ceil() + 1.0;
    let mut filter: Vec<f64> = (0..side as usize)
        .map(|n| {
            let offset = (2 * n + 1) as f64;
            let sinc = (offset * PI / 2.0).sin() / (offset * PI);
            sinc * kaiser(offset / (2.0 * side))
        })
        .collect();
    // Both sides and the centre sum up to exactly one.
    let sum: f64 = filter.iter().sum();
    filter.iter_mut().for_each(|tap| *tap *= 0.25 / sum);
    filter
}

/// The window at -1 to 1.
pub(crate) fn kaiser(at: f64) -> f64 {
    let inside = 1.0 - at * at;
    bessel_i0(KAISER_BETA * inside.max(0.0).sqrt()) / bessel_i0(KAISER_BETA)
}

fn windowed_sinc(offset: f64) -> f64 {
    let x = offset * CUTOFF * PI;
    let sinc = if offset == 0.0 { 1.0 } else { x.sin() / x };
    CUTOFF * sinc * kaiser(offset / HALF_WIDTH)
}

/// The modified Bessel function of order zero, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..40 {
        term *= (x / (2.0 * f64::from(k))).powi(2);
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    sum
}
