//! A prompt made ready for a call: G.711, cut into frames of 20 ms.

use crate::{Law, Sound, TELEPHONY_RATE};
use std::sync::Arc;

/// The length of a frame, in milliseconds.
pub const FRAME_MS: u64 = 20;
/// Samples, and bytes of G.711, in a frame.
pub const FRAME_SAMPLES: usize = 160;

/// 20 ms of G.711.
pub type Frame = [u8; FRAME_SAMPLES];

/// A frame of digital silence.
pub fn silence(law: Law) -> Frame {
    [law.silence(); FRAME_SAMPLES]
}

/// Encoded once, then only copied frame by frame. Clones share the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct PreparedPrompt {
    law: Law,
    frames: Arc<[Frame]>,
}

impl PreparedPrompt {
    /// Encodes the sound; the last frame is filled up with silence.
    pub fn new(sound: &Sound, law: Law) -> Self {
        let sound = if sound.rate == TELEPHONY_RATE {
            sound
        } else {
            &sound.resampled(TELEPHONY_RATE)
        };
        let codes = law.encode_all(&sound.samples);
        let frames = codes.chunks(FRAME_SAMPLES).map(|chunk| {
            let mut frame = silence(law);
            frame[..chunk.len()].copy_from_slice(chunk);
            frame
        });
        Self {
            law,
            frames: frames.collect(),
        }
    }

    /// The same sound in another law.
    pub fn in_law(&self, law: Law) -> Self {
        if law == self.law {
            return self.clone();
        }
        let recode = |frame: &Frame| frame.map(|code| law.encode(self.law.decode(code)));
        Self {
            law,
            frames: self.frames.iter().map(recode).collect(),
        }
    }

    /// How many frames it has.
    pub fn frames(&self) -> usize {
        self.frames.len()
    }

    /// The frame at an index.
    pub fn frame(&self, index: usize) -> Option<&Frame> {
        self.frames.get(index)
    }

    /// Its length in milliseconds, in whole frames.
    pub fn duration_ms(&self) -> u64 {
        self.frames() as u64 * FRAME_MS
    }

    /// As the caller hears it.
    pub fn decoded(&self) -> Vec<f32> {
        self.law.decode_all(self.frames.as_flattened())
    }
}

impl std::fmt::Debug for PreparedPrompt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PreparedPrompt({:?}, {} ms)", self.law, self.duration_ms())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_frame_is_filled_with_silence() {
        let sound = Sound {
            rate: TELEPHONY_RATE,
            samples: vec![0.5; FRAME_SAMPLES + 1],
        };
        let prompt = PreparedPrompt::new(&sound, Law::A);
        assert_eq!((prompt.frames(), prompt.duration_ms()), (2, 40));
        let last = prompt.frame(1).unwrap();
        assert_ne!(last[0], Law::A.silence());
        assert!(last[1..].iter().all(|code| *code == Law::A.silence()));
        assert_eq!(prompt.frame(2), None);
    }
}
