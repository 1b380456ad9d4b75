//! Finding a known prompt in a recording, and how much of it was heard.

use crate::{FRAME_SAMPLES, TELEPHONY_RATE};

/// Where a prompt was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    /// The sample of the recording at which the prompt begins.
    pub at: usize,
    /// The correlation at that place: 1.0 is the very same sound.
    pub score: f32,
    /// How many samples of the prompt were heard from there on, in whole frames of 20 ms.
    pub heard: usize,
}

impl Match {
    /// Where it begins, in milliseconds at 8000 Hz.
    pub fn at_ms(&self) -> f64 {
        self.at as f64 * 1000.0 / f64::from(TELEPHONY_RATE)
    }

    /// How long it was heard, in milliseconds at 8000 Hz.
    pub fn heard_ms(&self) -> f64 {
        self.heard as f64 * 1000.0 / f64::from(TELEPHONY_RATE)
    }
}

/// The part of the prompt that is looked for first: short, so that the search is fast.
const PROBE: usize = 480;
/// The part that must agree: a prompt that was cut off earlier is not found.
const HEAD: usize = 3200;
/// How many places that look right are compared in full.
const CANDIDATES: usize = 40;

/// A place that agrees this well is the prompt itself.
const CERTAIN: f32 = 0.95;

/// Finds `prompt` in `recording`, both at 8000 Hz: the first place that agrees for certain, or else the best one.
/// `None` when either is too short (0.4 s) or silent.
///
/// Low frequencies are removed first: they are what any two sentences of one voice have in common.
pub fn find(recording: &[f32], prompt: &[f32]) -> Option<Match> {
    let recording = without_lows(recording);
    let prompt = without_lows(prompt);
    let head = prompt.get(..HEAD)?;
    let offset = loudest_window(head, PROBE)?;

    let places = peaks(&correlate(&recording, &head[offset..offset + PROBE]));
    let scored = places
        .iter()
        .filter_map(|at| at.checked_sub(offset))
        .filter_map(|at| Some((at, correlation(recording.get(at..at + HEAD)?, head, energy(head)))));
    let scored: Vec<(usize, f32)> = scored.collect();
    let certain = scored
        .iter()
        .filter(|(_, score)| *score >= CERTAIN)
        .min_by_key(|(at, _)| *at);
    let (at, score) = *certain.or_else(|| scored.iter().max_by(|a, b| a.1.total_cmp(&b.1)))?;
    Some(Match {
        at,
        score,
        heard: heard_from(&recording[at..], &prompt),
    })
}

fn without_lows(samples: &[f32]) -> Vec<f32> {
    let earlier = std::iter::once(&0.0).chain(samples);
    samples
        .iter()
        .zip(earlier)
        .map(|(now, before)| now - 0.95 * before)
        .collect()
}

fn loudest_window(samples: &[f32], length: usize) -> Option<usize> {
    let starts = (0..=samples.len().checked_sub(length)?).step_by(40);
    let loudness = |at: &usize| energy(&samples[*at..*at + length]);
    starts
        .max_by(|a, b| loudness(a).total_cmp(&loudness(b)))
        .filter(|at| loudness(at) > 1e-6)
}

fn energy(samples: &[f32]) -> f32 {
    samples.iter().map(|sample| sample * sample).sum()
}

/// The correlation with `probe` at every place of `recording`.
fn correlate(recording: &[f32], probe: &[f32]) -> Vec<f32> {
    let energy = energy(probe);
    recording
        .windows(probe.len())
        .map(|window| correlation(window, probe, energy))
        .collect()
}

/// The highest local maxima, highest first.
fn peaks(scores: &[f32]) -> Vec<usize> {
    let is_peak = |at: &usize| {
        let neighbours = &scores[at.saturating_sub(8)..scores.len().min(at + 9)];
        neighbours.iter().all(|score| *score <= scores[*at])
    };
    let mut peaks: Vec<usize> = (0..scores.len()).filter(is_peak).collect();
    peaks.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    peaks.truncate(CANDIDATES);
    peaks
}

/// The normalised correlation of two stretches of one length; `energy` is that of `b`.
fn correlation(a: &[f32], b: &[f32], energy: f32) -> f32 {
    // Eight sums side by side, so that the compiler can use vector instructions.
    let mut sums = [[0.0f32; 8]; 2];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for lane in 0..8 {
            sums[0][lane] += a[lane] * b[lane];
            sums[1][lane] += a[lane] * a[lane];
        }
    }
    let [product, own] = sums.map(|lanes| lanes.iter().sum::<f32>());
    let scale = (own * energy).sqrt();
    if scale > 1e-9 { product / scale } else { 0.0 }
}

/// Compares frame by frame until the recording goes on with something else for two frames in a row.
fn heard_from(recording: &[f32], prompt: &[f32]) -> usize {
    let frames = prompt
        .chunks_exact(FRAME_SAMPLES)
        .zip(recording.chunks_exact(FRAME_SAMPLES));
    let mut heard = 0;
    for (index, (wanted, got)) in frames.enumerate() {
        let quiet = energy(wanted) < 1e-4;
        let alike = if quiet {
            energy(got) < 1e-3
        } else {
            correlation(got, wanted, energy(wanted)) > 0.8
        };
        if alike {
            // A quiet frame agrees with silence too, so it does not prove that the prompt went on.
            heard = if quiet { heard } else { (index + 1) * FRAME_SAMPLES };
        } else if index * FRAME_SAMPLES >= heard + 2 * FRAME_SAMPLES {
            break;
        }
    }
    heard
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise that differs by seed, as different sentences do.
    fn noise(seed: u32, length: usize) -> Vec<f32> {
        let mut state = seed.wrapping_mul(2_654_435_761) | 1;
        let next = |_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as f32 / u32::MAX as f32 - 0.5
        };
        (0..length).map(next).collect()
    }

    #[test]
    fn a_prompt_is_found_where_it_is_and_no_longer_than_it_was_heard() {
        let prompt = noise(1, 8000);
        let mut recording = vec![0.0; 1234];
        recording.extend(noise(2, 8000));
        let at = recording.len();
        recording.extend(&prompt[..4800]);
        recording.extend(vec![0.0; 4000]);
        let found = find(&recording, &prompt).unwrap();
        assert_eq!((found.at, found.heard), (at, 4800));
        assert!(found.score > 0.99);
    }

    #[test]
    fn of_several_places_the_first_is_found() {
        let prompt = noise(1, 8000);
        let recording = [noise(2, 4000), prompt.clone(), noise(3, 4000), prompt.clone()].concat();
        assert_eq!(find(&recording, &prompt).unwrap().at, 4000);
        assert_eq!(find(&recording[4001..], &prompt).unwrap().at, 11_999);
    }

    #[test]
    fn another_prompt_is_not_found() {
        let found = find(&noise(3, 20_000), &noise(4, 8000)).unwrap();
        assert!(found.score < 0.3, "{found:?}");
        assert_eq!(find(&noise(3, 20_000), &[0.0; 8000]), None);
        assert_eq!(find(&noise(3, 20_000), &[0.5; 10]), None);
    }
}
