//! What the platform's telephony takes, and what it would say about a file.

use crate::{Codec, Container, Media, Pcm};

/// Largest asset, in bytes: 2 MiB.
pub const MAX_ASSET_BYTES: u64 = 2 * 1024 * 1024;
/// Longest sound, in seconds: ten minutes.
pub const MAX_ASSET_SECONDS: u64 = 600;
/// The sample rates it takes, in hertz.
pub const ASSET_RATES: [u32; 2] = [8000, 16000];
/// Average bit rates of MP3 and AAC that it takes, in bit/s.
pub const ASSET_BIT_RATES: std::ops::RangeInclusive<u32> = 64_000..=128_000;
/// How far a measured average may be beyond, in per mille: varying rates and padding do not hit a number.
const TOLERANCE: u32 = 30;

/// A reason why telephony refuses a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// Too many bytes.
    #[error("the file has {0} bytes; telephony takes at most {MAX_ASSET_BYTES} (2 MiB)")]
    Size(u64),
    /// A container it does not know.
    #[error("the format is {0}; telephony takes WAV (PCM), MP3, AAC and Ogg")]
    Container(Container),
    /// A container it knows, with a codec that it does not.
    #[error("the {container} file holds {codec}; telephony takes {wanted}")]
    Codec {
        /// What it is wrapped in.
        container: Container,
        /// What is inside.
        codec: Codec,
        /// What may be inside.
        wanted: &'static str,
    },
    /// Another sample rate.
    #[error("the sample rate is {0} Hz; telephony takes 8000 or 16000 Hz")]
    Rate(u32),
    /// Too low or too high.
    #[error("the bit rate is {} kbit/s on average; telephony takes 64 to 128 kbit/s", .0.div_ceil(1000))]
    BitRate(u32),
    /// Too long, in milliseconds.
    #[error("the sound is {} s long; telephony takes at most {MAX_ASSET_SECONDS} s", .0.div_ceil(1000))]
    Length(u64),
    /// There is nothing to hear.
    #[error("the file holds no sound")]
    NoSound,
}

/// Everything that telephony would say about a file of `size_bytes`; nothing if it takes it.
pub fn objections(media: &Media, size_bytes: u64) -> Vec<Objection> {
    let mut objections = Vec::new();
    if size_bytes > MAX_ASSET_BYTES {
        objections.push(Objection::Size(size_bytes));
    }
    objections.extend(of_format(media));
    if !ASSET_RATES.contains(&media.rate) {
        objections.push(Objection::Rate(media.rate));
    }
    objections.extend(of_bit_rate(media));
    let too_long = |ms: &u64| *ms > MAX_ASSET_SECONDS * 1000;
    objections.extend(media.duration_ms.filter(too_long).map(Objection::Length));
    if media.channels == 0 || media.duration_ms == Some(0) {
        objections.push(Objection::NoSound);
    }
    objections
}

fn of_format(media: &Media) -> Option<Objection> {
    let (fits, wanted) = match media.container {
        Container::Wav => (
            matches!(media.codec, Codec::Pcm(Pcm::Signed | Pcm::Unsigned)),
            "PCM in WAV",
        ),
        Container::Mp3 => (media.codec == Codec::Mp3, "MP3"),
        Container::Adts => (media.codec == Codec::AacLc, "AAC-LC"),
        Container::Ogg => (
            matches!(media.codec, Codec::Vorbis | Codec::Opus),
            "Vorbis or Opus in Ogg",
        ),
        Container::Mp4 | Container::Flac => return Some(Objection::Container(media.container)),
    };
    let (container, codec) = (media.container, media.codec.clone());
    (!fits).then_some(Objection::Codec {
        container,
        codec,
        wanted,
    })
}

fn of_bit_rate(media: &Media) -> Option<Objection> {
    let bit_rate = media.bit_rate?;
    let low = ASSET_BIT_RATES.start() / 1000 * (1000 - TOLERANCE);
    let high = ASSET_BIT_RATES.end() / 1000 * (1000 + TOLERANCE);
    let bound = matches!(media.container, Container::Mp3 | Container::Adts);
    (bound && !(low..=high).contains(&bit_rate)).then_some(Objection::BitRate(bit_rate))
}
