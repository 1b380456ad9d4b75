//! Is there a key in the last 35 ms?

use super::key::Key;
use super::spectrum::{Phasor, Stretch, frequency};
use std::array::from_fn;
use std::f32::consts::TAU;

/// Stretches that must all have the key. 40 ms, which has to be accepted, always fills seven; what is shorter than 23 ms,
/// and has to be refused, touches six at most.
pub(super) const WINDOW: usize = 7;
/// The weight of each in sums: a window, so that the other tone leaks less.
const WEIGHTS: [f32; WINDOW] = [1.0, 2.0, 3.0, 3.0, 3.0, 2.0, 1.0];
const TOTAL: f32 = 15.0;

/// The lowest peak of a tone: -30 dBm0. -25 has to be accepted.
const QUIETEST: f32 = 0.021_95;
/// How much the column may be above the row, in dB. 4 has to be accepted.
const REVERSE_TWIST: f32 = 6.5;
/// How much the row may be above the column, in dB. 8 has to be accepted.
const FORWARD_TWIST: f32 = 10.5;
/// How far a frequency may be off. 1.5 % has to be accepted, 3.5 % to be refused.
const OFF_FREQUENCY: f32 = 0.025;
/// The share of the power that the two tones must have. Noise 15 dB below leaves 0.97; speech has harmonics.
const PURITY: f32 = 0.80;
/// How much stronger than the other three of its group a tone must be (a ratio of powers).
const STANDS_OUT: f32 = 6.0;
/// What each stretch must have of the mean power: a tone is steady, and must not have begun or ended inside.
const STEADY: f32 = 0.4;
/// Stretches a second.
const A_SECOND: f32 = 200.0;

/// A stretch below this mean square has no key in it: two tones at the lowest level, less what steadiness allows.
pub(super) const FLOOR: f32 = QUIETEST * QUIETEST * STEADY;

/// A key that was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finding {
    pub(super) key: Key,
    /// The mean square of the two tones together.
    pub(super) power: f32,
}

/// The key that fills the whole window, oldest stretch first.
pub(super) fn find(window: &[Stretch; WINDOW]) -> Option<Finding> {
    let mean = window.iter().map(|stretch| stretch.power).sum::<f32>() / WINDOW as f32;
    if mean < FLOOR || window.iter().any(|stretch| stretch.power < STEADY * mean) {
        return None;
    }
    let row = loudest(window, 0)?;
    let column = loudest(window, 4)?;
    let [low, high] = [peak(window, row)?, peak(window, column)?];
    let loud = low.min(high) >= QUIETEST;
    let twist = 20.0 * (high / low).log10();
    let power = (low * low + high * high) / 2.0;
    let all = window
        .iter()
        .zip(WEIGHTS)
        .map(|(stretch, weight)| stretch.power * weight);
    let pure = power >= PURITY * all.sum::<f32>() / TOTAL;
    let key = Key::at(row, column);
    (loud && pure && (-FORWARD_TWIST..=REVERSE_TWIST).contains(&twist)).then_some(Finding { key, power })
}

/// Whether a stretch still has a key that was found before: by its power, and by the share of the two tones in it.
pub(super) fn still_there(stretch: &Stretch, found: &Finding) -> bool {
    /// The part of the power at which a tone counts as gone.
    const GONE: f32 = 0.35;
    /// 5 ms tell little of frequencies: the tones leak into each other.
    const MOSTLY: f32 = 0.5;
    let (low, high) = found.key.frequencies();
    let of = |hertz: u32| {
        (0..8)
            .find(|tone| frequency(*tone) == hertz)
            .map(|tone| stretch.tones[tone].power())
    };
    let power = (of(low).unwrap_or(0.0) + of(high).unwrap_or(0.0)) / 2.0;
    power >= GONE * found.power && power >= MOSTLY * stretch.power
}

/// 15 ms each, in steps of 5 ms: long enough to keep the other tone out.
fn triples(window: &[Stretch; WINDOW], tone: usize) -> [Phasor; WINDOW - 2] {
    from_fn(|n| {
        window[n].tones[tone]
            .plus(window[n + 1].tones[tone])
            .plus(window[n + 2].tones[tone])
    })
}

/// The tone of a group that stands out.
fn loudest(window: &[Stretch; WINDOW], group: usize) -> Option<usize> {
    let powers: [f32; 4] = from_fn(|tone| {
        triples(window, group + tone)
            .iter()
            .map(|phasor| phasor.power())
            .sum()
    });
    let best = (0..4).max_by(|a, b| powers[*a].total_cmp(&powers[*b]))?;
    let others = (0..4).filter(|tone| *tone != best);
    let second = others.map(|tone| powers[tone]).fold(0.0, f32::max);
    (powers[best] >= STANDS_OUT * second).then_some(group + best)
}

/// The amplitude of a tone over the window; `None` when its frequency is off.
///
/// The phase goes on from stretch to stretch, so what it turns by is how far the frequency is off. Turned back by
/// it, the stretches add up to the whole amplitude.
fn peak(window: &[Stretch; WINDOW], tone: usize) -> Option<f32> {
    let triples = triples(window, tone);
    let steps = triples.windows(2).map(|pair| pair[0].conjugate().times(pair[1]));
    let turn = steps.fold(Phasor::default(), Phasor::plus).angle();
    let off = turn / TAU * A_SECOND / frequency(tone) as f32;
    if off.abs() > OFF_FREQUENCY {
        return None;
    }
    let turned_back = window
        .iter()
        .zip(WEIGHTS)
        .enumerate()
        .map(|(n, (stretch, weight))| {
            stretch.tones[tone]
                .times(Phasor::turned(-turn * n as f32))
                .scaled(weight)
        });
    Some(turned_back.fold(Phasor::default(), Phasor::plus).power().sqrt() / TOTAL)
}
