//! Silence: where it is, trimming it, and splitting what is too long where nobody speaks.

use crate::{Sound, widest::widest};
use std::ops::Range;

/// Sound is judged in frames of this length, in milliseconds.
const FRAME_MS: usize = 10;
/// Below this, a frame is silent whatever the rest is: -72 dB of full scale, as mean square.
const ABSOLUTE: f64 = 6.3e-8;
/// A frame is silent if its power is this share (-38 dB) of the loud ones'.
const RELATIVE: f64 = 1.6e-4;
/// The loud ones: the frame that this share of the frames is not louder than.
const LOUD_SHARE: f64 = 0.95;
/// Fewer frames of sound than this between silence are a click, not sound.
const CLICK_FRAMES: usize = 2;
/// Silence inside of speech is a pause from this length, in milliseconds: shorter is part of a word.
pub const MIN_PAUSE_MS: u64 = 120;
/// The shortest piece that [`split`] makes on purpose, in milliseconds.
pub const MIN_PIECE_MS: u64 = 500;
/// A hard cut looks so far back for a zero crossing, and is faded for so long, in milliseconds.
const HARD_CUT_SEARCH_MS: u64 = 20;
const FADE_MS: u64 = 5;

/// What to trim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trim {
    /// Silence at the beginning or end that is longer than this is cut, in milliseconds.
    pub over_ms: u64,
    /// To this.
    pub keep_ms: u64,
}

impl Default for Trim {
    fn default() -> Self {
        Self {
            over_ms: 300,
            keep_ms: 100,
        }
    }
}

/// Silence between two stretches of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// Where it begins, in milliseconds.
    pub start_ms: u64,
    /// Where it ends, in milliseconds.
    pub end_ms: u64,
}

impl Pause {
    /// How long it is, in milliseconds.
    pub fn length_ms(&self) -> u64 {
        self.end_ms - self.start_ms
    }

    /// Its middle, in milliseconds.
    pub fn middle_ms(&self) -> u64 {
        self.start_ms.midpoint(self.end_ms)
    }
}

/// A sound with less silence at its ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Trimmed {
    /// What is left.
    pub sound: Sound,
    /// What is gone at its beginning, in milliseconds.
    pub start_ms: u64,
    /// What is gone at its end, in milliseconds.
    pub end_ms: u64,
}

/// Cuts silence off both ends; a sound that is nothing but silence is left as it is.
pub fn trim(sound: &Sound, trim: Trim) -> Trimmed {
    let frames = Frames::of(sound);
    let length = sound.samples.len();
    let kept = match frames.sounding() {
        None => 0..length,
        Some(sounding) => {
            let (over, keep) = (
                samples_in(trim.over_ms, sound.rate),
                samples_in(trim.keep_ms, sound.rate),
            );
            let quiet_end = length - sounding.end;
            let start = if sounding.start > over {
                sounding.start.saturating_sub(keep)
            } else {
                0
            };
            let end = if quiet_end > over {
                (sounding.end + keep).min(length)
            } else {
                length
            };
            start..end
        }
    };
    Trimmed {
        start_ms: ms_of(kept.start, sound.rate),
        end_ms: ms_of(length - kept.end, sound.rate),
        sound: piece(sound, kept),
    }
}

/// The pauses of at least [`MIN_PAUSE_MS`], in order. Silence at the ends is none.
pub fn pauses(sound: &Sound) -> Vec<Pause> {
    let frames = Frames::of(sound);
    let Some(sounding) = frames.sounding() else {
        return Vec::new();
    };
    let frame_of = |sample: usize| sample.div_ceil(frames.length);
    let inside = frame_of(sounding.start)..frame_of(sounding.end);
    let mut pauses = Vec::new();
    let mut start = None;
    for at in inside {
        let silent = frames.silent.get(at).copied().unwrap_or(false);
        match (silent, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                start = None;
                let pause = Pause {
                    start_ms: ms_of(from * frames.length, sound.rate),
                    end_ms: ms_of(at * frames.length, sound.rate),
                };
                if pause.length_ms() >= MIN_PAUSE_MS {
                    pauses.push(pause);
                }
            }
            _ => {}
        }
    }
    pauses
}

/// Pieces of at most `max_ms` (at least [`MIN_PIECE_MS`]), cut at the longest pause of each piece's later half; then at one of
/// its earlier half; and only without any, where the wave crosses zero, with a short fade.
pub fn split(sound: &Sound, max_ms: u64) -> Vec<Sound> {
    let max_ms = max_ms.max(MIN_PIECE_MS);
    let half = max_ms / 2;
    let pauses = pauses(sound);
    let mut pieces = Vec::new();
    let mut start = 0;
    while sound.samples.len() - start > samples_in(max_ms, sound.rate) {
        let start_ms = ms_of(start, sound.rate);
        let longest = |from: u64, to: u64| {
            pauses
                .iter()
                .filter(|pause| (start_ms + from..start_ms + to).contains(&pause.middle_ms()))
                .max_by_key(|pause| (pause.length_ms(), pause.start_ms))
        };
        let best = longest(half.max(MIN_PIECE_MS), max_ms).or_else(|| longest(MIN_PIECE_MS, half));
        let end = match best {
            Some(pause) => samples_in(pause.middle_ms(), sound.rate),
            None => crossing_before(sound, start + samples_in(max_ms, sound.rate)),
        };
        // A pause is inside, so is a crossing; but nothing may keep this from ending.
        let end = end.clamp(start + 1, sound.samples.len());
        pieces.push(piece(sound, start..end));
        start = end;
    }
    pieces.push(piece(sound, start..sound.samples.len()));
    pieces
}

/// The part of a sound; where it was cut, it is faded.
fn piece(sound: &Sound, kept: Range<usize>) -> Sound {
    let mut samples = sound.samples[kept.clone()].to_vec();
    let fade = samples_in(FADE_MS, sound.rate).min(samples.len() / 2);
    let level = |at: usize| (at as f32 + 0.5) / fade as f32;
    if kept.start > 0 {
        samples
            .iter_mut()
            .take(fade)
            .enumerate()
            .for_each(|(at, sample)| *sample *= level(at));
    }
    if kept.end < sound.samples.len() {
        samples
            .iter_mut()
            .rev()
            .take(fade)
            .enumerate()
            .for_each(|(at, sample)| *sample *= level(at));
    }
    Sound {
        rate: sound.rate,
        samples,
    }
}

/// The last place at or before this one where the wave crosses zero, if it is near.
fn crossing_before(sound: &Sound, limit: usize) -> usize {
    let limit = limit.min(sound.samples.len());
    let from = limit.saturating_sub(samples_in(HARD_CUT_SEARCH_MS, sound.rate));
    let near = &sound.samples[from..limit];
    let crossing = near
        .windows(2)
        .rposition(|pair| (pair[0] < 0.0) != (pair[1] < 0.0));
    crossing.map_or(limit, |at| from + at + 1)
}

fn ms_of(samples: usize, rate: u32) -> u64 {
    samples as u64 * 1000 / u64::from(rate.max(1))
}

fn samples_in(ms: u64, rate: u32) -> usize {
    (ms.saturating_mul(u64::from(rate)) / 1000) as usize
}

/// Which frames of a sound are silent.
struct Frames {
    /// In samples.
    length: usize,
    silent: Vec<bool>,
    total: usize,
}

impl Frames {
    fn of(sound: &Sound) -> Self {
        let length = (sound.rate as usize * FRAME_MS / 1000).max(1);
        let powers = widest(
            #[inline(always)]
            || powers(&sound.samples, length),
        );
        let limit = (loud(&powers) * RELATIVE).max(ABSOLUTE);
        let mut silent: Vec<bool> = powers
            .iter()
            .map(|power| *power < limit || power.is_nan())
            .collect();
        without_clicks(&mut silent);
        Self {
            length,
            silent,
            total: sound.samples.len(),
        }
    }

    /// From the first sample that sounds to behind the last.
    fn sounding(&self) -> Option<Range<usize>> {
        let first = self.silent.iter().position(|silent| !silent)?;
        let last = self.silent.iter().rposition(|silent| !silent)?;
        Some(first * self.length..((last + 1) * self.length).min(self.total))
    }
}

/// The mean square of each frame.
#[inline(always)]
fn powers(samples: &[f32], length: usize) -> Vec<f64> {
    const LANES: usize = 8;
    let frames = samples.chunks(length);
    let power = |frame: &[f32]| {
        let (chunks, rest) = frame.as_chunks::<LANES>();
        let mut lanes = [0.0; LANES];
        for chunk in chunks {
            for lane in 0..LANES {
                lanes[lane] += f64::from(chunk[lane] * chunk[lane]);
            }
        }
        let rest: f64 = rest.iter().map(|sample| f64::from(sample * sample)).sum();
        (lanes.iter().sum::<f64>() + rest) / frame.len() as f64
    };
    frames.map(power).collect()
}

/// The power of the loud frames.
fn loud(powers: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = powers
        .iter()
        .copied()
        .filter(|power| *power >= ABSOLUTE)
        .collect();
    if sorted.is_empty() {
        return 0.0;
    }
    let at = ((sorted.len() - 1) as f64 * LOUD_SHARE) as usize;
    *sorted.select_nth_unstable_by(at, f64::total_cmp).1
}

/// Takes sound that is too short to be any for silence, if there is silence on both sides of it.
fn without_clicks(silent: &mut [bool]) {
    if silent.len() <= CLICK_FRAMES {
        return;
    }
    let mut at = 0;
    while at < silent.len() {
        let run = silent[at..]
            .iter()
            .take_while(|silent_here| **silent_here == silent[at])
            .count();
        if !silent[at] && run < CLICK_FRAMES {
            silent[at..at + run].fill(true);
        }
        at += run;
    }
}

#[cfg(test)]
mod tests;
