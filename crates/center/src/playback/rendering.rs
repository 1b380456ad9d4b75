//! From a prompt's sound to what is encoded: trimmed, at the rate of the codec, at its volume, in whole frames.

use super::prepared::How;
use audio::{Law, Phrases, Sound, Trim, Volume, codec::Codec};
use std::sync::Arc;

/// How much of a silence that is trimmed stays, in milliseconds: words that begin at once sound cut off.
const KEPT_SILENCE_MS: u64 = 100;

/// A prompt that is ready to be encoded.
pub(super) enum Rendered {
    /// G.711, which the ceiling had to be kept behind.
    Codes(Vec<u8>),
    /// Samples at the rate of the codec.
    Samples(Vec<f32>),
}

/// Trims the ends, takes it to the rate of the codec, and sets its volume. Whole frames, the last filled up with silence.
pub(super) fn render(sound: Sound, how: &How) -> Rendered {
    let sound = match how.trim_ms {
        Some(over_ms) => trimmed(&sound, over_ms.into()),
        None => sound,
    };
    let rate = how.codec.sample_rate();
    let sound = match sound.rate == rate {
        true => sound,
        false => sound.resampled(rate),
    };
    let volume = volume(how);
    let frame = how.codec.frame_samples();
    match law(how.codec) {
        Some(law) => Rendered::Codes(filled(volume.encode(&sound, law), frame, law.silence())),
        None => Rendered::Samples(filled(volume.apply(&sound).samples, frame, 0.0)),
    }
}

/// The frames at which a prompt that is to drain ends: those in which there is silence, and the one behind the last.
pub(super) fn phrase_ends(sound: &Sound, frames: u32) -> Arc<[u32]> {
    let phrases = Phrases::of(sound);
    let ends_there = |frame: &u32| phrases.end_from(*frame) == *frame;
    (0..frames).filter(ends_there).chain([frames]).collect()
}

/// The law of a codec that has one.
pub(super) fn law(codec: Codec) -> Option<Law> {
    match codec {
        Codec::MuLaw => Some(Law::Mu),
        Codec::ALaw => Some(Law::A),
        Codec::L16 | Codec::Opus | Codec::G729 => None,
    }
}

fn filled<T: Clone>(mut samples: Vec<T>, frame: usize, with: T) -> Vec<T> {
    samples.resize(samples.len().next_multiple_of(frame), with);
    samples
}

fn trimmed(sound: &Sound, over_ms: u64) -> Sound {
    let trim = Trim {
        over_ms,
        keep_ms: KEPT_SILENCE_MS.min(over_ms),
    };
    audio::trim(sound, trim).sound
}

fn volume(how: &How) -> Volume {
    let volume = &how.volume;
    Volume {
        base_gain: volume.base_gain() as f32,
        peak_limit: volume.peak_limit() as f32,
        compression_ratio: volume.compression_ratio() as f32,
    }
}
