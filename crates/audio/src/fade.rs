//! Fading out, frame by frame.

/// How long a fade lasts, in milliseconds.
pub const FADE_MS: u32 = 150;

/// Fades the next samples of a sound that is at a rate in hertz, of which so many samples were faded already. The amplitude falls in a straight
/// line, from all of it in the first sample to nothing after [`FADE_MS`]; behind that is silence.
///
/// ```
/// let (mut frame, mut faded, mut frames) = ([1.0; 160], 0, 0);
/// while faded < audio::fade_samples(8000) {
///     frame = [1.0; 160];
///     audio::fade(&mut frame, faded, 8000);
///     faded += frame.len();
///     frames += 1;
/// }
/// // 7.5 frames of 20 ms.
/// assert_eq!((frames, frame[0], frame[79], frame[80]), (8, 80.0 / 1200.0, 1.0 / 1200.0, 0.0));
/// ```
pub fn fade(samples: &mut [f32], done_samples: usize, rate: u32) {
    let all = fade_samples(rate);
    for (at, sample) in samples.iter_mut().enumerate() {
        let left = all.saturating_sub(done_samples.saturating_add(at));
        *sample = if left == 0 {
            0.0
        } else {
            *sample * (left as f32 / all as f32)
        };
    }
}

/// How many samples a fade lasts at a rate in hertz.
pub fn fade_samples(rate: u32) -> usize {
    (u64::from(rate) * u64::from(FADE_MS) / 1000) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Law, tests::power};
    use proptest::prelude::*;

    #[test]
    fn behind_a_law_the_level_is_within_1_db_of_the_ramp() {
        let tone: Vec<f32> = (0..1600).map(|n| 0.5 * (n as f32 * 0.79).sin()).collect();
        for law in [Law::Mu, Law::A] {
            let mut frames = tone.clone();
            for (at, frame) in frames.chunks_mut(160).enumerate() {
                fade(frame, at * 160, 8000);
            }
            let heard = law.decode_all(&law.encode_all(&frames));
            // Pieces of 10 ms, as long as the ramp is above -30 dB.
            for (at, (heard, before)) in heard.chunks(80).zip(tone.chunks(80)).enumerate().take(14) {
                let level = (power(heard) / power(before)).sqrt();
                let ramp = 1.0 - (at * 80 + 40) as f32 / 1200.0;
                let off = 20.0 * (level / ramp).log10();
                assert!(off.abs() < 1.0, "{law:?}: {off} dB off at {} ms", at * 10);
            }
            assert!(power(&heard[1200..]).sqrt() <= 8.0 / 32768.0);
        }
    }

    #[test]
    fn it_lasts_150_ms_at_every_rate() {
        for rate in [8000, 16_000, 48_000] {
            let all = rate as usize * 150 / 1000;
            let mut samples = vec![1.0; all + 100];
            fade(&mut samples, 0, rate);
            assert!(samples[0] == 1.0 && samples[all - 1] > 0.0);
            assert!(samples[all..].iter().all(|sample| *sample == 0.0));
        }
    }

    proptest! {
        #[test]
        fn frames_do_not_matter(frame in 1usize..500, samples in proptest::collection::vec(-1.0f32..1.0, 0..2000)) {
            let mut whole = samples.clone();
            fade(&mut whole, 0, 8000);
            let mut parts = samples;
            for (at, part) in parts.chunks_mut(frame).enumerate() {
                fade(part, at * frame, 8000);
            }
            prop_assert_eq!(whole, parts);
        }
    }
}
