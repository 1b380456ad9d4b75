//! What is on the line: sound as the payload of RTP packets (RFC 3551), and back, in frames of 20 ms.
//!
//! ```
//! use audio::codec::{Codec, Decoder, Encoder, MAX_PAYLOAD, MAX_SAMPLES};
//!
//! let mut payload = [0; MAX_PAYLOAD];
//! let mut samples = [0.0; MAX_SAMPLES];
//! for codec in [Codec::MuLaw, Codec::ALaw, Codec::L16, Codec::Opus] {
//!     let frame = vec![0.25; codec.frame_samples()];
//!     let packet = Encoder::new(codec)?.encode(&frame, &mut payload)?;
//!     let heard = Decoder::new(codec)?.decode(packet, &mut samples)?;
//!     assert_eq!(heard.len(), frame.len());
//! }
//! assert!(Encoder::new(Codec::G729).is_err());
//! # Ok::<(), audio::codec::CodecError>(())
//! ```
//!
//! An encoder or decoder belongs to one stream and allocates nothing after it was made. Payloads and samples are written into arrays
//! that the caller keeps. (What a *file* is coded in is [`crate::probe::Codec`].)

mod decoder;
mod encoder;

pub use decoder::Decoder;
pub use encoder::{Encoder, OPUS_BIT_RATE};

use crate::opus::OpusError;
use crate::{FRAME_MS, TELEPHONY_RATE};

/// The longest payload that an encoder makes, in bytes: that of an Opus frame.
pub const MAX_PAYLOAD: usize = 1275;
/// The most samples of a payload that is decoded: 120 ms at 16 kHz, or 240 ms at 8 kHz.
pub const MAX_SAMPLES: usize = 1920;

/// The rate at which Opus is given and gives sound, in hertz: prompts have no more.
const OPUS_RATE: u32 = 16_000;
/// Samples in 20 ms of it.
const OPUS_FRAME: usize = 320;

/// What a stream is coded in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 mu-law, `PCMU`.
    MuLaw,
    /// G.711 A-law, `PCMA`.
    ALaw,
    /// 16 bits a sample in network byte order, `L16`, here at 8000 Hz.
    L16,
    /// `opus` (RFC 7587), mono.
    Opus,
    /// `G729`, two frames of 10 ms in a packet. Known by name, but neither encoded nor decoded.
    G729,
}

impl Codec {
    /// The codec of a static payload type.
    pub fn of_payload_type(number: u8) -> Option<Codec> {
        let all = [Codec::MuLaw, Codec::ALaw, Codec::G729];
        all.into_iter().find(|codec| codec.payload_type() == Some(number))
    }

    /// Its static payload type (RFC 3551, table 4); `None` when a dynamic one must be agreed on.
    pub fn payload_type(self) -> Option<u8> {
        match self {
            Codec::MuLaw => Some(0),
            Codec::ALaw => Some(8),
            Codec::G729 => Some(18),
            Codec::L16 | Codec::Opus => None,
        }
    }

    /// Its name in SDP.
    pub fn name(self) -> &'static str {
        match self {
            Codec::MuLaw => "PCMU",
            Codec::ALaw => "PCMA",
            Codec::L16 => "L16",
            Codec::Opus => "opus",
            Codec::G729 => "G729",
        }
    }

    /// The rate of RTP timestamps, in hertz. Opus always counts at 48 kHz (RFC 7587, 4.1).
    pub fn clock_rate(self) -> u32 {
        if self == Codec::Opus {
            48_000
        } else {
            TELEPHONY_RATE
        }
    }

    /// By how much the timestamps of two frames differ.
    pub fn frame_ticks(self) -> u32 {
        self.clock_rate() * FRAME_MS as u32 / 1000
    }

    /// The rate of the samples that are encoded and decoded, in hertz.
    pub fn sample_rate(self) -> u32 {
        if self == Codec::Opus {
            OPUS_RATE
        } else {
            TELEPHONY_RATE
        }
    }

    /// Samples in a frame of 20 ms.
    pub fn frame_samples(self) -> usize {
        self.sample_rate() as usize * FRAME_MS as usize / 1000
    }

    /// Bytes of a frame of 20 ms; `None` when that depends on the sound.
    pub fn frame_bytes(self) -> Option<usize> {
        match self {
            Codec::MuLaw | Codec::ALaw => Some(160),
            Codec::L16 => Some(320),
            Codec::G729 => Some(20),
            Codec::Opus => None,
        }
    }
}

/// Why something could not be encoded or decoded.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// There is none that may be shipped.
    #[error(
        "this build has no G.729: every implementation that was found derives from code whose licence does not allow \
         it; use G.711 mu-law or A-law, or Opus"
    )]
    NoG729,
    /// Frames have one length.
    #[error("a frame of {} has {expected} samples, not {got}", .codec.name())]
    Frame {
        /// The codec.
        codec: Codec,
        /// What a frame has.
        expected: usize,
        /// What was given.
        got: usize,
    },
    /// More than is decoded at once, or half a sample.
    #[error("a payload of {} cannot have {bytes} bytes", .codec.name())]
    Payload {
        /// The codec.
        codec: Codec,
        /// What was given.
        bytes: usize,
    },
    /// Opus has its own reasons.
    #[error(transparent)]
    Opus(#[from] OpusError),
}

#[cfg(test)]
mod tests;
