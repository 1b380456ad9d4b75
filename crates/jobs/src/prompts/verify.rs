//! Is what the platform compiled what was sent? It is downloaded, decoded and compared by ear, so to speak.

use audio::{Law, Sound, TELEPHONY_RATE};
use wire::media::Encoding;

/// How long a window of the envelope is.
const WINDOW_MS: u64 = 50;
/// Below this share of the loudest window there is only noise: its shape tells nothing.
const FLOOR: f32 = 0.01;
/// The least correlation of two envelopes of the same sound.
const ALIKE: f64 = 0.9;
/// A sound whose level hardly changes, such as a tone, has no envelope to compare: its variance in square bel.
const FLAT: f64 = 0.02;
/// How much the length may differ: encoders pad.
const MOST_LONGER_MS: u64 = 150;

/// The level of a sound over time: enough to know it again, and small.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// In bel, one per [`WINDOW_MS`].
    levels: Vec<f32>,
    duration_ms: u64,
}

impl Envelope {
    /// Of one sound.
    pub fn of(sound: &Sound) -> Self {
        Self::of_all(std::slice::from_ref(sound))
    }

    /// Of sounds of one rate, one after the other.
    pub(super) fn of_all(sounds: &[Sound]) -> Self {
        let rate = sounds.first().map_or(TELEPHONY_RATE, |sound| sound.rate);
        let window = (u64::from(rate) * WINDOW_MS / 1000).max(1) as usize;
        let mut windows: Vec<f32> = Vec::new();
        let (mut power, mut count) = (0.0_f32, 0_usize);
        for sample in sounds.iter().flat_map(|sound| &sound.samples) {
            power += sample * sample;
            count += 1;
            if count == window {
                windows.push((power / count as f32).sqrt());
                (power, count) = (0.0, 0);
            }
        }
        if count > 0 {
            windows.push((power / count as f32).sqrt());
        }
        let floor = windows
            .iter()
            .fold(f32::MIN_POSITIVE, |most, level| most.max(level * FLOOR));
        Self {
            levels: windows.iter().map(|level| level.max(floor).log10()).collect(),
            duration_ms: sounds.iter().map(Sound::duration_ms).sum(),
        }
    }

    /// How it can't be the same sound, as a sentence.
    fn differs_from(&self, sent: &Self) -> Option<String> {
        if self.duration_ms.abs_diff(sent.duration_ms) > MOST_LONGER_MS {
            return Some(format!(
                "the compiled file is {} ms long, what was sent {} ms",
                self.duration_ms, sent.duration_ms
            ));
        }
        let likeness = self.likeness(sent).filter(|likeness| *likeness < ALIKE)?;
        Some(format!(
            "the compiled file does not sound like what was sent (correlation {likeness:.2})"
        ))
    }

    /// How alike two sounds are, 1.0 for the same; `None` when one of them has nothing to compare.
    fn likeness(&self, other: &Self) -> Option<f64> {
        let length = self.levels.len().min(other.levels.len());
        let (a, b) = (&self.levels[..length], &other.levels[..length]);
        let mean =
            |levels: &[f32]| levels.iter().map(|level| f64::from(*level)).sum::<f64>() / length.max(1) as f64;
        let (mean_a, mean_b) = (mean(a), mean(b));
        let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
        for (a, b) in a.iter().zip(b) {
            let (a, b) = (f64::from(*a) - mean_a, f64::from(*b) - mean_b);
            (aa, bb, ab) = (aa + a * a, bb + b * b, ab + a * b);
        }
        let is_flat = aa.min(bb) < FLAT * length as f64;
        (!is_flat && length > 1).then(|| ab / (aa * bb).sqrt())
    }
}

/// What a compiled file turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Checked {
    pub(super) duration_ms: u64,
    pub(super) loudness_lufs: Option<f64>,
}

/// Checks a compiled file against what it may sound like; the error is a sentence.
pub(super) fn check(bytes: &[u8], encoding: Encoding, sent: &[Envelope]) -> Result<Checked, String> {
    let media = audio::probe(bytes).map_err(|error| format!("the compiled file is no audio: {error}"))?;
    let (law, codec) = match encoding.is_mu_law() {
        true => (Law::Mu, audio::Codec::MuLaw),
        false => (Law::A, audio::Codec::ALaw),
    };
    if media.codec != codec || media.rate != TELEPHONY_RATE || media.channels != 1 {
        return Err(format!(
            "the compiled file is {} at {} Hz with {} channels, not {law:?}-law at 8000 Hz with one",
            media.codec, media.rate, media.channels
        ));
    }
    let sound =
        audio::decode(bytes).map_err(|error| format!("the compiled file can't be decoded: {error}"))?;
    let heard = Envelope::of(&sound);
    let differences = sent.iter().map(|sent| heard.differs_from(sent));
    if let Some(Some(difference)) = differences.min_by_key(Option::is_some) {
        return Err(difference);
    }
    Ok(Checked {
        duration_ms: heard.duration_ms,
        loudness_lufs: audio::loudness::integrated(&sound).map(|lufs| lufs.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bursts of a tone, as long as a seed says, above a little noise.
    fn bursts(seed: u32, level: f32) -> Sound {
        let mut state = seed;
        let mut next = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as f32 / 65_536.0
        };
        let mut samples = Vec::new();
        while samples.len() < 16_000 {
            let (loud, quiet) = (
                800 + (next() * 2_000.0) as usize,
                400 + (next() * 1_000.0) as usize,
            );
            samples.extend((0..loud).map(|n| level * (n as f32 * 0.3).sin()));
            samples.extend((0..quiet).map(|_| level * 0.002 * (next() - 0.5)));
        }
        let rate = TELEPHONY_RATE;
        Sound { rate, samples }
    }

    fn compiled(sound: &Sound, law: Law) -> Vec<u8> {
        audio::wav::g711(law, &law.encode_all(&sound.samples))
    }

    #[test]
    fn the_same_sound_at_another_level_is_the_same_and_another_one_is_not() {
        let sent = [Envelope::of(&bursts(1, 0.01))];
        let same = check(&compiled(&bursts(1, 0.5), Law::Mu), Encoding::Pcmu, &sent).unwrap();
        assert!(
            same.loudness_lufs.is_some() && same.duration_ms >= 2000,
            "{same:?}"
        );

        let mut other = bursts(2, 0.5);
        other.samples.resize(bursts(1, 0.5).samples.len(), 0.0);
        let why = check(&compiled(&other, Law::Mu), Encoding::Pcmu, &sent).unwrap_err();
        assert!(
            why.starts_with("the compiled file does not sound like what was sent"),
            "{why}"
        );
    }

    #[test]
    fn another_length_law_or_kind_of_file_is_named() {
        let sound = bursts(3, 0.5);
        let sent = [Envelope::of(&sound)];
        let half = Sound {
            samples: sound.samples[..8000].to_vec(),
            ..sound.clone()
        };
        let why = |bytes: &[u8]| check(bytes, Encoding::Ulaw, &sent).unwrap_err();
        assert!(why(&compiled(&half, Law::Mu)).contains("is 1000 ms long, what was sent"));
        assert!(why(&compiled(&sound, Law::A)).contains("not Mu-law at 8000 Hz"));
        assert!(why(&audio::wav::pcm16(&sound)).contains("PCM"));
        assert!(why(b"<html>").starts_with("the compiled file is no audio"));
    }
}
