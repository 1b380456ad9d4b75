//! From the bytes of an audio file to mono samples. What the bytes are decides, never a file's name.

mod codebooks;
mod coded;
mod mix;
mod ogg;
mod pcm;

use crate::{
    Codec, ProbeError, Sound,
    probe::{self, Layout, Media},
};
use mix::Mono;
use symphonia::core::errors::Error as Symphonia;

/// Longest sound that is decoded unless [`Limits`] say otherwise, in seconds.
pub const MAX_SECONDS: u32 = 3600;
/// Most samples, whatever the rate: an hour at 48 kHz, which takes 691 MB.
pub const MAX_SAMPLES: u64 = 3600 * 48_000;
/// Most channels.
pub const MAX_CHANNELS: u16 = 8;
/// The sample rates that are decoded, in hertz.
const RATES: std::ops::RangeInclusive<u32> = 1000..=384_000;

/// What a sound may be at most. It is judged before decoding, by what is counted in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Its length in seconds.
    pub max_seconds: u32,
    /// Its length in samples (of the mix): memory, four bytes each.
    pub max_samples: u64,
    /// Its channels; no more than [`MAX_CHANNELS`].
    pub max_channels: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_seconds: MAX_SECONDS,
            max_samples: MAX_SAMPLES,
            max_channels: MAX_CHANNELS,
        }
    }
}

/// Why a file could not be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It is no audio file, or one whose headers cannot be read.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// A codec that is known by name only.
    #[error("{0} is not decoded; use PCM, G.711, MP3, AAC-LC, Vorbis, Opus or FLAC")]
    Codec(Codec),
    /// The sample rate is 0 or beyond reason.
    #[error("the sample rate must be 1000 to 384000 Hz, not {0}")]
    Rate(u32),
    /// No channels, or too many.
    #[error("the sound must have 1 to {max} channels, not {channels}")]
    Channels {
        /// As declared.
        channels: u16,
        /// What the limits or the codec allow.
        max: u16,
    },
    /// Longer than the limits allow.
    #[error("the sound must be at most {max_seconds} seconds ({max_samples} samples) long")]
    TooLong {
        /// Seconds.
        max_seconds: u32,
        /// Samples of the mix.
        max_samples: u64,
    },
    /// Nothing came out.
    #[error("the file holds no sound")]
    Empty,
    /// Rate or channels change on the way.
    #[error(
        "the sample rate or the channels change in mid-file; join files of one format, or convert them first"
    )]
    Changes,
    /// Several streams follow each other in one Ogg file.
    #[error("several Ogg streams are chained in one file; split them first")]
    Chained,
    /// Opus with a channel mapping of its own.
    #[error("Opus with channel mapping family {0} is not decoded; use mono or stereo (family 0)")]
    Mapping(u8),
    /// Vorbis whose decoder would take memory beyond reason.
    #[error(
        "the Vorbis codebooks are too large ({entries} entries, {numbers} numbers); encode the sound once more"
    )]
    Codebooks {
        /// Of all codebooks that were read.
        entries: u64,
        /// Entries times dimensions, of all.
        numbers: u64,
    },
    /// The file is damaged.
    #[error("the file is damaged")]
    Damaged(#[source] Symphonia),
    /// The Opus packets are damaged.
    #[error("the file is damaged")]
    Opus(#[from] crate::opus::OpusError),
}

/// Decodes an audio file ([`probe()`](fn@crate::probe) says which kinds) to mono: several channels are averaged, so that the mix never
/// clips. What encoders put before and after the sound is removed where the file tells of it. A file that breaks off gives the sound
/// that is there; samples that are no numbers are silence: [`probe()`](fn@crate::probe) finds both.
pub fn decode(bytes: impl AsRef<[u8]>) -> Result<Sound, DecodeError> {
    decode_within(bytes.as_ref(), &Limits::default())
}

/// [`decode`] with other limits.
pub fn decode_within(bytes: &[u8], limits: &Limits) -> Result<Sound, DecodeError> {
    let (media, layout) = probe::open(bytes)?;
    let judged = Judged::new(&media, limits)?;
    let sound = match layout {
        Layout::Wav(layout) => pcm::decode(&media.codec, &layout, &judged)?,
        Layout::Mp3(layout) => coded::mp3(layout, &judged)?,
        Layout::Adts(layout) => coded::adts(layout, &judged)?,
        Layout::Mp4(layout) => coded::mp4(&layout, &judged)?,
        Layout::Flac(layout) => coded::flac(layout, &judged)?,
        Layout::Ogg(layout) => ogg::decode(*layout, &media.codec, &judged)?,
    };
    match sound {
        samples if samples.is_empty() => Err(DecodeError::Empty),
        samples => Ok(Sound {
            rate: media.rate,
            samples,
        }),
    }
}

/// A file whose format can be decoded, within the limits.
struct Judged {
    rate: u32,
    channels: u16,
    limits: Limits,
}

impl Judged {
    fn new(media: &Media, limits: &Limits) -> Result<Self, DecodeError> {
        if let Codec::Other(_) | Codec::HeAac = media.codec {
            return Err(DecodeError::Codec(media.codec.clone()));
        }
        if !RATES.contains(&media.rate) {
            return Err(DecodeError::Rate(media.rate));
        }
        let judged = Self {
            rate: media.rate,
            channels: media.channels,
            limits: *limits,
        };
        judged.channels_up_to(limits.max_channels.min(MAX_CHANNELS))?;
        Ok(judged)
    }

    fn channels_up_to(&self, max: u16) -> Result<(), DecodeError> {
        let channels = self.channels;
        if (1..=max).contains(&channels) {
            Ok(())
        } else {
            Err(DecodeError::Channels { channels, max })
        }
    }

    /// An empty mix for so many samples, if there may be so many.
    fn mix(&self, samples: u64) -> Result<Mono, DecodeError> {
        let Limits {
            max_seconds,
            max_samples,
            ..
        } = self.limits;
        let most = max_samples.min(u64::from(self.rate) * u64::from(max_seconds));
        if samples > most {
            return Err(DecodeError::TooLong {
                max_seconds,
                max_samples,
            });
        }
        Ok(Mono::new(samples as usize))
    }
}

#[cfg(test)]
mod tests;
