//! The frames of a prompt that fades out: made at the moment they are needed.

use super::prepared::Prepared;
use audio::codec::{Codec, CodecError, Encoder, MAX_PAYLOAD, MAX_SAMPLES};

/// Frames that an encoder with a memory is given before, so that it does not begin afresh in the middle of a sound.
const FRAMES_BEFORE: u32 = 3;

/// One fade.
pub(super) struct Fader {
    encoder: Encoder,
    room: Box<[f32; MAX_SAMPLES]>,
    payload: Box<[u8; MAX_PAYLOAD]>,
}

impl Fader {
    /// A fade that begins with this frame.
    pub(super) fn new(prepared: &Prepared, first: u32) -> Result<Self, CodecError> {
        let mut fader = Self {
            encoder: Encoder::new(prepared.codec())?,
            room: Box::new([0.0; MAX_SAMPLES]),
            payload: Box::new([0; MAX_PAYLOAD]),
        };
        if prepared.codec() == Codec::Opus {
            for frame in first.saturating_sub(FRAMES_BEFORE)..first {
                let samples = prepared.samples(frame, &mut fader.room);
                fader.encoder.encode(samples, &mut fader.payload)?;
            }
        }
        Ok(fader)
    }

    /// The payload of a frame at a step of the fade.
    pub(super) fn payload(&mut self, prepared: &Prepared, frame: u32, step: u8) -> Result<&[u8], CodecError> {
        let codec = prepared.codec();
        let samples = prepared.samples(frame, &mut self.room);
        let done = usize::from(step) * codec.frame_samples();
        audio::fade(samples, done, codec.sample_rate());
        self.encoder.encode(samples, &mut self.payload)
    }
}
