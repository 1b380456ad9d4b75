//! From sound to payloads.

use super::{Codec, CodecError, MAX_PAYLOAD, OPUS_FRAME};
use crate::{Law, opus};

/// What Opus is encoded at, in bit/s: transparent for speech at 16 kHz.
pub const OPUS_BIT_RATE: u32 = 24_000;

/// Encodes one stream, frame by frame.
#[derive(Debug)]
pub enum Encoder {
    /// G.711.
    G711(Law),
    /// 16 bits in network byte order.
    L16,
    /// Opus, which remembers the frames before.
    Opus(Box<opus::Encoder>),
}

impl Encoder {
    /// An encoder for a new stream.
    pub fn new(codec: Codec) -> Result<Encoder, CodecError> {
        Ok(match codec {
            Codec::MuLaw => Encoder::G711(Law::Mu),
            Codec::ALaw => Encoder::G711(Law::A),
            Codec::L16 => Encoder::L16,
            Codec::Opus => Encoder::Opus(Box::new(opus::Encoder::new(codec.sample_rate(), OPUS_BIT_RATE)?)),
            Codec::G729 => return Err(CodecError::NoG729),
        })
    }

    /// What it encodes to.
    pub fn codec(&self) -> Codec {
        match self {
            Encoder::G711(Law::Mu) => Codec::MuLaw,
            Encoder::G711(Law::A) => Codec::ALaw,
            Encoder::L16 => Codec::L16,
            Encoder::Opus(_) => Codec::Opus,
        }
    }

    /// The payload of a frame of 20 ms ([`Codec::frame_samples`]), written to the beginning of `payload`.
    ///
    /// Samples are -1.0 to 1.0; what is beyond is clipped, and what is not a number is silence.
    pub fn encode<'a>(
        &mut self,
        frame: &[f32],
        payload: &'a mut [u8; MAX_PAYLOAD],
    ) -> Result<&'a [u8], CodecError> {
        let codec = self.codec();
        let expected = codec.frame_samples();
        if frame.len() != expected {
            let got = frame.len();
            return Err(CodecError::Frame { codec, expected, got });
        }
        let length = match self {
            Encoder::G711(law) => {
                payload
                    .iter_mut()
                    .zip(frame)
                    .for_each(|(byte, sample)| *byte = law.encode(linear(*sample)));
                frame.len()
            }
            Encoder::L16 => {
                let pairs = payload.as_chunks_mut::<2>().0.iter_mut().zip(frame);
                pairs.for_each(|(pair, sample)| *pair = linear(*sample).to_be_bytes());
                frame.len() * 2
            }
            Encoder::Opus(encoder) => encode_opus(encoder, frame, payload)?,
        };
        Ok(&payload[..length])
    }
}

fn encode_opus(
    encoder: &mut opus::Encoder,
    frame: &[f32],
    payload: &mut [u8; MAX_PAYLOAD],
) -> Result<usize, CodecError> {
    let mut clean = [0.0; OPUS_FRAME];
    clean
        .iter_mut()
        .zip(frame)
        .for_each(|(clean, sample)| *clean = in_range(*sample));
    let packet = encoder.encode(&clean)?;
    let bytes = packet.len();
    let codec = Codec::Opus;
    let room = payload
        .get_mut(..bytes)
        .ok_or(CodecError::Payload { codec, bytes })?;
    room.copy_from_slice(packet);
    Ok(bytes)
}

fn in_range(sample: f32) -> f32 {
    if sample.is_nan() {
        0.0
    } else {
        sample.clamp(-1.0, 1.0)
    }
}

/// To 16 bits; the cast takes what is beyond to the nearest, and what is not a number to 0.
fn linear(sample: f32) -> i16 {
    (sample * 32768.0).round() as i16
}
