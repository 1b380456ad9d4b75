//! A stretch of 5 ms as the detector sees it: its energy, and its part at each of the eight frequencies.
//!
//! This is Goertzel's sum in the form that vector instructions like: eight frequencies side by side, a table of their sines, and
//! phases that go on from stretch to stretch, so that neighbouring stretches can be added up, and the phase between them
//! tells the exact frequency.

use super::key::{HIGH, LOW};
use crate::TELEPHONY_RATE;
use std::f64::consts::TAU;
use std::sync::LazyLock;

/// Samples in a stretch: 5 ms.
pub(super) const STRETCH: usize = 40;
/// Stretches in a second. All frequencies are whole hertz, so phases repeat after as many.
const A_SECOND: usize = TELEPHONY_RATE as usize / STRETCH;
/// The four of the rows, then the four of the columns.
const TONES: usize = 8;

/// What is at one frequency: real and imaginary part.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Phasor {
    pub(super) re: f32,
    pub(super) im: f32,
}

impl Phasor {
    pub(super) fn plus(self, other: Phasor) -> Phasor {
        Phasor {
            re: self.re + other.re,
            im: self.im + other.im,
        }
    }

    pub(super) fn times(self, other: Phasor) -> Phasor {
        Phasor {
            re: self.re * other.re - self.im * other.im,
            im: self.re * other.im + self.im * other.re,
        }
    }

    pub(super) fn scaled(self, by: f32) -> Phasor {
        Phasor {
            re: self.re * by,
            im: self.im * by,
        }
    }

    pub(super) fn conjugate(self) -> Phasor {
        Phasor {
            re: self.re,
            im: -self.im,
        }
    }

    pub(super) fn power(self) -> f32 {
        self.re * self.re + self.im * self.im
    }

    /// 1 at an angle, in radians.
    pub(super) fn turned(angle: f32) -> Phasor {
        Phasor {
            re: angle.cos(),
            im: angle.sin(),
        }
    }

    pub(super) fn angle(self) -> f32 {
        self.im.atan2(self.re)
    }
}

/// 5 ms of sound.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stretch {
    /// The mean square of its samples.
    pub(super) power: f32,
    /// Rows, then columns. A sine of amplitude 1 at just this frequency has the length 1.
    pub(super) tones: [Phasor; TONES],
}

impl Stretch {
    /// Looks at 5 ms, the `index`th of the sound. What is quieter than `floor` (a mean square) is taken as silence.
    pub(super) fn of(samples: &[f32; STRETCH], index: u64, floor: f32) -> Stretch {
        let power = power(samples);
        if power < floor {
            return Stretch::default();
        }
        let mut sums = [[0f32; TONES]; 2];
        for (sample, row) in samples.iter().zip(&TABLE.waves) {
            for tone in 0..TONES {
                sums[0][tone] += sample * row[0][tone];
                sums[1][tone] += sample * row[1][tone];
            }
        }
        let tones = std::array::from_fn(|tone| {
            let here = Phasor {
                re: sums[0][tone],
                im: sums[1][tone],
            };
            let turns = (index % A_SECOND as u64) as usize * frequency(tone) as usize % A_SECOND;
            here.times(TABLE.turns[turns]).scaled(2.0 / STRETCH as f32)
        });
        Stretch { power, tones }
    }
}

/// The mean square, in eight sums side by side, so that the compiler can use vector instructions.
fn power(samples: &[f32; STRETCH]) -> f32 {
    let mut sums = [0f32; 8];
    for part in samples.as_chunks::<8>().0 {
        for lane in 0..8 {
            sums[lane] += part[lane] * part[lane];
        }
    }
    sums.iter().sum::<f32>() / STRETCH as f32
}

/// The frequency of a tone by its index, in hertz.
pub(super) fn frequency(tone: usize) -> u32 {
    if tone < 4 { LOW[tone] } else { HIGH[(tone - 4) % 4] }
}

struct Table {
    /// Per sample of a stretch: cosines and negative sines of the eight frequencies.
    waves: [[[f32; TONES]; 2]; STRETCH],
    /// Turns back by n/200 of a circle.
    turns: [Phasor; A_SECOND],
}

static TABLE: LazyLock<Table> = LazyLock::new(|| Table {
    waves: std::array::from_fn(|n| {
        let angle = |tone| TAU * n as f64 * f64::from(frequency(tone)) / f64::from(TELEPHONY_RATE);
        [
            std::array::from_fn(|tone| angle(tone).cos() as f32),
            std::array::from_fn(|tone| -angle(tone).sin() as f32),
        ]
    }),
    turns: std::array::from_fn(|n| Phasor::turned((-TAU * n as f64 / A_SECOND as f64) as f32)),
});
