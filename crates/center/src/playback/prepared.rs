//! A prompt made ready for the line: every payload in memory, so that a stream costs nothing but its packets.

use super::rendering::{self, Rendered};
use crate::prompts;
use audio::{
    Sound,
    codec::{Codec, CodecError, Decoder, Encoder, MAX_PAYLOAD, MAX_SAMPLES},
};
use flow::playback::Shape;
use std::sync::Arc;
use wire::playback::VolumeMatrix;

/// Bytes of 10 ms of G.729, the least that its files are made of.
pub(super) const G729_FRAME: usize = 10;
/// And of the two that a packet carries.
const G729_PACKET: usize = 2 * G729_FRAME;

/// How a prompt is to sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct How {
    pub(super) codec: Codec,
    pub(super) volume: VolumeMatrix,
    /// Silence at the ends that is longer is cut, in milliseconds.
    pub(super) trim_ms: Option<u32>,
}

/// Why a prompt can't be made ready.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unprepared {
    #[error(transparent)]
    Decode(#[from] audio::DecodeError),
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// Where the payloads lie.
#[derive(Debug)]
enum Places {
    /// One after the other, all of one length but the last.
    Even(usize),
    /// Where each of them ends.
    Ends(Box<[u32]>),
}

/// A prompt in frames of 20 ms, in one codec and at one volume.
#[derive(Debug)]
pub(super) struct Prepared {
    codec: Codec,
    payloads: Box<[u8]>,
    places: Places,
    shape: Shape,
    /// The samples, for what can't be faded from its payloads.
    samples: Option<Box<[i16]>>,
    /// The file was decoded to its end, and what was made of it decodes to the same length.
    verified: bool,
}

impl Prepared {
    /// Decodes, trims, levels and encodes a file: work for a thread that may block.
    pub(super) fn of_file(file: &[u8], how: &How) -> Result<Self, Unprepared> {
        let is_whole = is_whole(file);
        let sound = prompts::decode(file)?;
        let (mut prepared, samples) = match rendering::render(sound, how) {
            Rendered::Codes(codes) => Self::of_codes(codes, how.codec),
            Rendered::Samples(samples) => Self::encode(&samples, how.codec)?,
        };
        prepared.verified = is_whole && prepared.decodes_to(samples)?;
        Ok(prepared)
    }

    /// Takes a file of raw G.729 as it is: nothing here can decode it, so nothing vouches for what it is.
    pub(super) fn of_g729(file: &[u8]) -> Self {
        let frames = frames(file.len(), G729_PACKET);
        Self {
            codec: Codec::G729,
            payloads: file.into(),
            places: Places::Even(G729_PACKET),
            shape: Shape {
                frames,
                phrase_ends: Arc::new([frames]),
            },
            samples: None,
            verified: false,
        }
    }

    /// Takes whole frames of G.711, and counts their samples.
    fn of_codes(codes: Vec<u8>, codec: Codec) -> (Self, usize) {
        let (samples, frame) = (codes.len(), codec.frame_samples());
        let decoded = rendering::law(codec).map_or_else(Vec::new, |law| law.decode_all(&codes));
        let prepared = Self {
            codec,
            payloads: codes.into(),
            places: Places::Even(frame),
            shape: shape(&decoded, codec),
            samples: None,
            verified: false,
        };
        (prepared, samples)
    }

    /// Encodes whole frames, and counts their samples.
    fn encode(samples: &[f32], codec: Codec) -> Result<(Self, usize), Unprepared> {
        let mut encoder = Encoder::new(codec)?;
        let (mut payloads, mut ends) = (Vec::new(), Vec::new());
        let mut payload = [0; MAX_PAYLOAD];
        for frame in samples.chunks_exact(codec.frame_samples()) {
            payloads.extend_from_slice(encoder.encode(frame, &mut payload)?);
            ends.push(u32::try_from(payloads.len()).unwrap_or(u32::MAX));
        }
        let to_16_bits = |sample: &f32| (sample * 32768.0).round() as i16;
        let prepared = Self {
            codec,
            payloads: payloads.into(),
            places: Places::Ends(ends.into()),
            shape: shape(samples, codec),
            samples: Some(samples.iter().map(to_16_bits).collect()),
            verified: false,
        };
        Ok((prepared, samples.len()))
    }

    /// Whether the payloads decode to so many samples.
    fn decodes_to(&self, samples: usize) -> Result<bool, Unprepared> {
        let mut decoder = Decoder::new(self.codec)?;
        let mut room = [0.0; MAX_SAMPLES];
        let mut decoded = 0;
        for frame in 0..self.shape.frames {
            decoded += decoder.decode(self.payload(frame), &mut room)?.len();
        }
        Ok(decoded == samples)
    }

    /// What is sent in the 20 ms of a frame; nothing beyond the end.
    pub(super) fn payload(&self, frame: u32) -> &[u8] {
        let at = frame as usize;
        let range = match &self.places {
            Places::Even(length) => {
                let start = at.saturating_mul(*length);
                start..start.saturating_add(*length).min(self.payloads.len())
            }
            Places::Ends(ends) => {
                let end = |at: usize| ends.get(at).map_or(0, |end| *end as usize);
                at.checked_sub(1).map_or(0, end)..end(at)
            }
        };
        self.payloads.get(range).unwrap_or_default()
    }

    /// Writes the samples of a frame, -1.0 to 1.0, to the beginning of `room`; nothing beyond the end.
    pub(super) fn samples<'a>(&self, frame: u32, room: &'a mut [f32; MAX_SAMPLES]) -> &'a mut [f32] {
        let length = match &self.samples {
            Some(all) => {
                let frame_samples = self.codec.frame_samples();
                let start = (frame as usize).saturating_mul(frame_samples);
                let some = all
                    .get(start..start.saturating_add(frame_samples))
                    .unwrap_or_default();
                let pairs = room.iter_mut().zip(some);
                pairs.for_each(|(room, sample)| *room = f32::from(*sample) / 32768.0);
                some.len()
            }
            None => {
                let decoded = Decoder::new(self.codec)
                    .and_then(|mut decoder| Ok(decoder.decode(self.payload(frame), room)?.len()));
                decoded.unwrap_or(0)
            }
        };
        &mut room[..length]
    }

    /// Whether every frame is in memory.
    pub(super) fn is_whole(&self) -> bool {
        (0..self.shape.frames).all(|frame| !self.payload(frame).is_empty())
    }

    /// What it is coded in.
    pub(super) fn codec(&self) -> Codec {
        self.codec
    }

    /// How long it is, and where its phrases end.
    pub(super) fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Whether it was checked, and found to be whole.
    pub(super) fn is_verified(&self) -> bool {
        self.verified
    }

    /// How much memory it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let places = match &self.places {
            Places::Even(_) => 0,
            Places::Ends(ends) => size_of_val(&**ends),
        };
        let samples = self.samples.as_ref().map_or(0, |samples| size_of_val(&**samples));
        size_of::<Self>() + self.payloads.len() + places + samples + size_of_val(&*self.shape.phrase_ends)
    }
}

/// Whether nothing of the file is missing or no sound.
fn is_whole(file: &[u8]) -> bool {
    use audio::Finding::{Checksums, Junk, NotNumbers, Truncated};
    let is_fault = |finding: &audio::Finding| {
        matches!(finding, Truncated { .. } | Junk(_) | NotNumbers(_) | Checksums(_))
    };
    audio::probe(file).is_ok_and(|media| !media.findings.iter().any(is_fault))
}

fn shape(samples: &[f32], codec: Codec) -> Shape {
    let frames = frames(samples.len(), codec.frame_samples());
    let sound = Sound {
        rate: codec.sample_rate(),
        samples: samples.to_vec(),
    };
    Shape {
        frames,
        phrase_ends: rendering::phrase_ends(&sound, frames),
    }
}

fn frames(length: usize, of_each: usize) -> u32 {
    u32::try_from(length.div_ceil(of_each)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn welcome() -> Vec<u8> {
        std::fs::read("../../demo/prompts/general_welcome.wav").unwrap()
    }

    fn how(codec: Codec) -> How {
        How {
            codec,
            volume: VolumeMatrix::FLAT,
            trim_ms: None,
        }
    }

    #[test]
    fn a_prompt_is_there_whole_in_every_codec() {
        let file = welcome();
        let length_ms = prompts::decode(&file).unwrap().duration_ms();
        for codec in [Codec::MuLaw, Codec::ALaw, Codec::Opus] {
            let prepared = Prepared::of_file(&file, &how(codec)).unwrap();
            assert!(prepared.is_verified(), "{codec:?}");
            let frames = prepared.shape().frames;
            assert_eq!(u64::from(frames), length_ms.div_ceil(20), "{codec:?}");
            assert!((0..frames).all(|frame| !prepared.payload(frame).is_empty()));
            assert!(prepared.payload(frames).is_empty() && prepared.payload(u32::MAX).is_empty());
            assert_eq!(prepared.shape().phrase_ends.last(), Some(&frames));
            let mut room = [0.0; MAX_SAMPLES];
            assert_eq!(
                prepared.samples(frames - 1, &mut room).len(),
                codec.frame_samples()
            );
            assert_eq!(prepared.samples(frames, &mut room).len(), 0);
        }
    }

    #[test]
    fn a_file_that_breaks_off_is_not_verified() {
        let file = welcome();
        let cut = &file[..file.len() / 2];
        match Prepared::of_file(cut, &how(Codec::MuLaw)) {
            Ok(prepared) => assert!(!prepared.is_verified()),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        assert!(Prepared::of_file(b"<html>", &how(Codec::MuLaw)).is_err());
    }

    #[test]
    fn g729_is_sent_as_it_is_two_frames_a_packet() {
        let file: Vec<u8> = (0..50).collect();
        let prepared = Prepared::of_g729(&file);
        assert_eq!(prepared.shape().frames, 3);
        assert_eq!(prepared.payload(1), &file[20..40]);
        assert_eq!(prepared.payload(2), &file[40..50]);
        assert!(prepared.payload(3).is_empty() && !prepared.is_verified());
    }
}
