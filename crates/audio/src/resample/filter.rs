//! The low-pass filters of the resampler: Kaiser-windowed sincs.

use super::halve::Halving;
use std::{f64::consts::PI, sync::LazyLock};

/// Table entries per zero crossing; between them the filter is interpolated, which costs -106 dB.
const RESOLUTION: usize = 512;

/// The filter that decides what is heard: the pass band ends at 90 % of the Nyquist frequency, the stop band begins there.
const SHARP: Design = Design {
    half_width: 48.0,
    cutoff: 0.949,
    beta: 7.4,
};
/// The filter ahead of it, at twice the new rate: it only keeps out what would fold into the lower half of the band, from 1.5 times
/// the Nyquist frequency; 84 dB.
const WIDE: Design = Design {
    half_width: 5.3,
    cutoff: 1.0,
    beta: 8.3,
};
/// The Kaiser window's beta of half-band filters and of the filters between samples, and what it keeps out of the stop band, in dB.
const KAISER_BETA: f64 = 7.4;
const ATTENUATION_DB: f64 = 76.0;

struct Design {
    /// Zero crossings of the sinc on each side.
    half_width: f64,
    /// The -6 dB point, as a share of the Nyquist frequency.
    cutoff: f64,
    beta: f64,
}

/// One side of a symmetric filter, tabulated once for all rates.
pub(super) struct LowPass {
    /// In samples of the rate whose Nyquist frequency it cuts at.
    pub(super) half_width: f64,
    table: Vec<f64>,
}

static SHARP_TABLE: LazyLock<LowPass> = LazyLock::new(|| LowPass::new(&SHARP));
static WIDE_TABLE: LazyLock<LowPass> = LazyLock::new(|| LowPass::new(&WIDE));
static SHARP_HALVING: LazyLock<Halving> = LazyLock::new(|| {
    let tap = |distance: usize| LowPass::sharp().at(distance as f64 / 2.0);
    let taps = |from: usize| {
        (from..2 * SHARP.half_width as usize)
            .step_by(2)
            .map(tap)
            .collect::<Vec<f64>>()
    };
    Halving::new(tap(0), &taps(2), &taps(1))
});

impl LowPass {
    /// For sound as it is to be heard.
    pub(super) fn sharp() -> &'static Self {
        &SHARP_TABLE
    }

    /// For sound at twice the rate that it will have.
    pub(super) fn wide() -> &'static Self {
        &WIDE_TABLE
    }

    fn new(design: &Design) -> Self {
        let entries = (design.half_width * RESOLUTION as f64) as usize + 2;
        let at = |n: usize| design.at(n as f64 / RESOLUTION as f64);
        Self {
            half_width: design.half_width,
            table: (0..entries).map(at).collect(),
        }
    }

    /// The filter at an offset from its centre, in samples of the rate whose Nyquist frequency it cuts at.
    pub(super) fn at(&self, offset: f64) -> f64 {
        let position = offset.abs() * RESOLUTION as f64;
        let index = position as usize;
        match self.table.get(index..index + 2) {
            Some(pair) => pair[0] + (pair[1] - pair[0]) * (position - index as f64),
            None => 0.0,
        }
    }
}

impl Design {
    fn at(&self, offset: f64) -> f64 {
        let x = offset * self.cutoff * PI;
        let sinc = if offset == 0.0 { 1.0 } else { x.sin() / x };
        self.cutoff * sinc * window(self.beta, offset / self.half_width)
    }
}

/// The last halving of a rate: what is above the new Nyquist frequency is gone.
pub(super) fn sharp_halving() -> &'static Halving {
    &SHARP_HALVING
}

/// A half-band filter: its even taps are zero, except for the one in the middle.
///
/// `transition` is the width of the transition band as a share of the sample rate.
pub(super) fn half_band(transition: f64) -> Halving {
    let taps = (ATTENUATION_DB - 8.0) / (2.285 * 2.0 * PI * transition);
    // One more on each side than Kaiser's formula says, which is rough for few taps.
    let side = (taps / 4.0).ceil() + 1.0;
    let odd: Vec<f64> = (0..side as usize)
        .map(|n| {
            let offset = (2 * n + 1) as f64;
            let sinc = (offset * PI / 2.0).sin() / (offset * PI);
            sinc * kaiser(offset / (2.0 * side))
        })
        .collect();
    // The two sides are as much as the centre, exactly.
    let side: f64 = odd.iter().sum();
    Halving::new(2.0 * side, &[], &odd)
}

/// The window at -1 to 1.
pub(crate) fn kaiser(at: f64) -> f64 {
    window(KAISER_BETA, at)
}

fn window(beta: f64, at: f64) -> f64 {
    let inside = 1.0 - at * at;
    bessel_i0(beta * inside.max(0.0).sqrt()) / bessel_i0(beta)
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
