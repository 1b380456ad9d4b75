//! Is what the platform compiled what was sent? It is downloaded, decoded and compared by ear, so to speak.

use audio::{Law, Sound, TELEPHONY_RATE};
use wire::media::Encoding;

/// How long a window of the envelope is.
const WINDOW_MS: u64 = 50;
/// Below this share of full scale there is only noise: its shape tells nothing.
const FLOOR: f32 = 0.0005;
/// The least correlation of two envelopes of the same sound.
const ALIKE: f64 = 0.9;
/// A sound whose level hardly changes, such as a tone, has no envelope to compare: its variance in square bel.
const FLAT: f64 = 0.02;
/// How much the length may differ: encoders pad.
const MOST_LONGER_MS: u64 = 150;

/// The level of a sound over time: enough to know it again, and small.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Envelope {
    /// In bel, one per [`WINDOW_MS`].
    levels: Vec<f32>,
    duration_ms: u64,
}

impl Envelope {
    pub(super) fn of(sound: &Sound) -> Self {
        let window = (u64::from(sound.rate) * WINDOW_MS / 1000).max(1) as usize;
        let level = |samples: &[f32]| {
            let power = samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32;
            power.sqrt().max(FLOOR).log10()
        };
        Self {
            levels: sound.samples.chunks(window).map(level).collect(),
            duration_ms: sound.duration_ms(),
        }
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

/// Checks a compiled file against what was sent; the error is a sentence.
pub(super) fn check(bytes: &[u8], encoding: Encoding, sent: &Envelope) -> Result<Checked, String> {
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
    if heard.duration_ms.abs_diff(sent.duration_ms) > MOST_LONGER_MS {
        return Err(format!(
            "the compiled file is {} ms long, what was sent {} ms",
            heard.duration_ms, sent.duration_ms
        ));
    }
    if let Some(likeness) = heard.likeness(sent).filter(|likeness| *likeness < ALIKE) {
        return Err(format!(
            "the compiled file does not sound like what was sent (correlation {likeness:.2})"
        ));
    }
    Ok(Checked {
        duration_ms: heard.duration_ms,
        loudness_lufs: audio::loudness::integrated(&sound).map(|lufs| lufs.0),
    })
}
