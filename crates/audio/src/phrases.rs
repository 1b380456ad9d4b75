//! Where phrases end: a playback that is to drain plays on to there.

use crate::{FRAME_MS, MIN_PAUSE_MS, Sound, Trim, pauses, trim};
use std::ops::Range;

/// The phrases of a sound, in frames of 20 ms. Between them are pauses of at least [`MIN_PAUSE_MS`]; so are silences of that length at the ends.
///
/// ```
/// use audio::{Phrases, Sound};
///
/// // 200 ms of tone, 200 ms of silence, 200 ms of tone.
/// let sample = |n: usize| if n / 1600 == 1 { 0.0 } else { (n as f32 * 0.7).sin() };
/// let phrases = Phrases::of(&Sound { rate: 8000, samples: (0..4800).map(sample).collect() });
/// assert_eq!(phrases.ends().collect::<Vec<_>>(), [10, 30]);
/// assert_eq!(phrases.end_from(0), 10);
/// // In a pause, the phrase has ended already.
/// assert_eq!(phrases.end_from(12), 12);
/// assert_eq!(phrases.end_from(20), 30);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrases {
    /// Whole frames of silence, in order.
    pauses: Box<[Range<u32>]>,
    /// Of the sound.
    frames: u32,
}

impl Phrases {
    /// Finds them.
    pub fn of(sound: &Sound) -> Phrases {
        let length_ms = sound.duration_ms();
        let trimmed = trim(
            sound,
            Trim {
                over_ms: MIN_PAUSE_MS,
                keep_ms: 0,
            },
        );
        let inside = pauses(sound);
        let inside = inside.iter().map(|pause| pause.start_ms..pause.end_ms);
        let before = 0..trimmed.start_ms;
        let behind = length_ms.saturating_sub(trimmed.end_ms)..length_ms;
        let all = std::iter::once(before).chain(inside).chain([behind]);
        Phrases {
            pauses: all.map(whole_frames).filter(|pause| !pause.is_empty()).collect(),
            frames: (sound.samples.len() as u64 * 1000).div_ceil(u64::from(sound.rate.max(1)) * FRAME_MS)
                as u32,
        }
    }

    /// The frames at which phrases end, in order: each is the first that is not of its phrase any more, so the last may be that behind the sound.
    pub fn ends(&self) -> impl Iterator<Item = u32> {
        let starts = self.pauses.iter().map(|pause| pause.start);
        let pause_at_end = self.pauses.last().is_some_and(|pause| pause.end >= self.frames);
        starts
            .filter(|start| *start > 0)
            .chain((!pause_at_end).then_some(self.frames))
    }

    /// The frame before which a playback ends that is to drain, when this one would be next: itself in a pause, and behind the last.
    pub fn end_from(&self, frame: u32) -> u32 {
        let coming = self.pauses.iter().find(|pause| pause.end > frame);
        coming.map_or(self.frames, |pause| pause.start).max(frame)
    }
}

/// The frames that are wholly in there, from milliseconds.
fn whole_frames(ms: Range<u64>) -> Range<u32> {
    ms.start.div_ceil(FRAME_MS) as u32..(ms.end / FRAME_MS) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{decode, demo_prompt};
    use proptest::prelude::*;

    /// Tone and silence in turn, in milliseconds; a negative length is silence.
    fn sound(lengths_ms: &[i32], rate: u32) -> Sound {
        let mut samples = Vec::new();
        for length_ms in lengths_ms {
            let level = if *length_ms > 0 { 0.5 } else { 0.0 };
            let length = length_ms.unsigned_abs() * rate / 1000;
            samples.extend((0..length).map(|n| level * (n as f32 * 0.5).sin()));
        }
        Sound { rate, samples }
    }

    fn ends(lengths_ms: &[i32]) -> Vec<u32> {
        Phrases::of(&sound(lengths_ms, 8000)).ends().collect()
    }

    #[test]
    fn a_pause_of_120_ms_ends_a_phrase_and_a_shorter_one_does_not() {
        assert_eq!(ends(&[400, -120, 400]), [20, 46]);
        assert_eq!(ends(&[400, -110, 400]), [46]);
    }

    #[test]
    fn a_frame_that_is_partly_sound_is_of_the_phrase() {
        assert_eq!(ends(&[410, -190, 400]), [21, 50]);
        assert_eq!(ends(&[400, -200, 410]), [20, 51]);
    }

    #[test]
    fn silence_at_the_ends_is_a_pause_too() {
        assert_eq!(ends(&[-200, 400, -200]), [30]);
        assert_eq!(ends(&[-100, 400, -100]), [30]);
        let phrases = Phrases::of(&sound(&[-200, 400, -200], 8000));
        assert_eq!(
            [0, 9, 10, 29, 30, 39].map(|frame| phrases.end_from(frame)),
            [0, 9, 30, 30, 30, 39]
        );
        assert_eq!(phrases.end_from(1000), 1000);
    }

    #[test]
    fn what_has_no_phrases_ends_at_its_end() {
        assert_eq!(ends(&[]), [0]);
        assert_eq!(ends(&[-500]), [25]);
        let nothing = Sound {
            rate: 0,
            samples: vec![],
        };
        assert_eq!(Phrases::of(&nothing).end_from(0), 0);
    }

    #[test]
    fn a_prompt_ends_its_phrases_where_it_is_quiet() {
        let prompt = decode(demo_prompt("prompt-main-menu-en.wav"))
            .unwrap()
            .resampled(8000);
        let phrases = Phrases::of(&prompt);
        assert!(phrases.ends().count() > 1, "{phrases:?}");
        let loudest = crate::loudness::highest(&prompt.samples);
        for pause in &phrases.pauses {
            let samples = pause.start as usize * 160..(pause.end as usize * 160).min(prompt.samples.len());
            assert!(crate::loudness::highest(&prompt.samples[samples]) < loudest * 0.05);
        }
    }

    proptest! {
        #[test]
        fn draining_ends_at_an_end_or_at_once(
            lengths in proptest::collection::vec(prop_oneof![20i32..500, -500i32..-20], 0..12),
            rate in prop_oneof![Just(8000u32), Just(16000), Just(11025)],
        ) {
            let phrases = Phrases::of(&sound(&lengths, rate));
            let ends: Vec<u32> = phrases.ends().collect();
            prop_assert!(ends.is_sorted() && ends.iter().all(|end| *end <= phrases.frames));
            for frame in 0..phrases.frames {
                let end = phrases.end_from(frame);
                prop_assert!(end == frame || end > frame && ends.contains(&end), "{frame}: {end} of {ends:?}");
            }
        }
    }
}
