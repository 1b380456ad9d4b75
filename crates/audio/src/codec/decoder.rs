//! From payloads to sound.

use super::{Codec, CodecError, MAX_SAMPLES};
use crate::{Law, opus};

/// Decodes one stream, packet by packet.
#[derive(Debug)]
pub enum Decoder {
    /// G.711.
    G711(Law),
    /// 16 bits in network byte order.
    L16,
    /// Opus, which remembers the packets before.
    Opus(Box<opus::Decoder>),
}

impl Decoder {
    /// A decoder for a new stream.
    pub fn new(codec: Codec) -> Result<Decoder, CodecError> {
        Ok(match codec {
            Codec::MuLaw => Decoder::G711(Law::Mu),
            Codec::ALaw => Decoder::G711(Law::A),
            Codec::L16 => Decoder::L16,
            Codec::Opus => Decoder::Opus(Box::new(opus::Decoder::new(codec.sample_rate(), 1)?)),
            Codec::G729 => return Err(CodecError::NoG729),
        })
    }

    /// What it decodes.
    pub fn codec(&self) -> Codec {
        match self {
            Decoder::G711(Law::Mu) => Codec::MuLaw,
            Decoder::G711(Law::A) => Codec::ALaw,
            Decoder::L16 => Codec::L16,
            Decoder::Opus(_) => Codec::Opus,
        }
    }

    /// The sound of a payload at [`Codec::sample_rate`], written to the beginning of `samples`. Senders may choose other lengths than
    /// 20 ms: any is taken that fits.
    pub fn decode<'a>(
        &mut self,
        payload: &[u8],
        samples: &'a mut [f32; MAX_SAMPLES],
    ) -> Result<&'a [f32], CodecError> {
        let codec = self.codec();
        let bytes = payload.len();
        let fault = CodecError::Payload { codec, bytes };
        let length = match self {
            Decoder::G711(law) if bytes <= MAX_SAMPLES => {
                samples
                    .iter_mut()
                    .zip(payload)
                    .for_each(|(sample, byte)| *sample = float(law.decode(*byte)));
                bytes
            }
            Decoder::L16 if bytes.is_multiple_of(2) && bytes / 2 <= MAX_SAMPLES => {
                let pairs = samples.iter_mut().zip(payload.as_chunks::<2>().0);
                pairs.for_each(|(sample, pair)| *sample = float(i16::from_be_bytes(*pair)));
                bytes / 2
            }
            // To Opus an empty packet is a lost one.
            Decoder::Opus(decoder) if bytes > 0 => copied(decoder.decode(payload)?, samples),
            _ => return Err(fault),
        };
        Ok(&samples[..length])
    }

    /// 20 ms in place of a packet that is lost: what Opus makes of those before, or silence.
    pub fn conceal<'a>(&mut self, samples: &'a mut [f32; MAX_SAMPLES]) -> Result<&'a [f32], CodecError> {
        let wanted = self.codec().frame_samples();
        let length = match self {
            Decoder::Opus(decoder) => copied(decoder.conceal(wanted)?, samples),
            Decoder::G711(_) | Decoder::L16 => {
                samples[..wanted].fill(0.0);
                wanted
            }
        };
        Ok(&samples[..length])
    }
}

/// How many were copied.
fn copied(sound: &[f32], samples: &mut [f32; MAX_SAMPLES]) -> usize {
    let length = sound.len().min(MAX_SAMPLES);
    samples[..length].copy_from_slice(&sound[..length]);
    length
}

fn float(sample: i16) -> f32 {
    f32::from(sample) / 32768.0
}
