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

/// Encoded once in both laws, then only copied frame by frame. Clones share the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct PreparedPrompt {
    mu: Arc<[Frame]>,
    a: Arc<[Frame]>,
}

impl PreparedPrompt {
    /// Encodes the sound; the last frame is filled up with silence.
    pub fn new(sound: &Sound) -> Self {
        let resampled;
        let samples = if sound.rate == TELEPHONY_RATE {
            &sound.samples
        } else {
            resampled = sound.resampled(TELEPHONY_RATE);
            &resampled.samples
        };
        Self {
            mu: encode(Law::Mu, samples),
            a: encode(Law::A, samples),
        }
    }

    /// How many frames it has.
    pub fn frames(&self) -> usize {
        self.mu.len()
    }

    /// The frame at an index.
    pub fn frame(&self, law: Law, index: usize) -> Option<&Frame> {
        self.in_law(law).get(index)
    }

    /// Its length in milliseconds, in whole frames.
    pub fn duration_ms(&self) -> u64 {
        self.frames() as u64 * FRAME_MS
    }

    /// As the caller hears it.
    pub fn decoded(&self, law: Law) -> Vec<f32> {
        law.decode_all(self.in_law(law).as_flattened())
    }

    fn in_law(&self, law: Law) -> &[Frame] {
        match law {
            Law::Mu => &self.mu,
            Law::A => &self.a,
        }
    }
}

fn encode(law: Law, samples: &[f32]) -> Arc<[Frame]> {
    let frames = samples.chunks(FRAME_SAMPLES).map(|chunk| {
        let mut frame = silence(law);
        frame[..chunk.len()].copy_from_slice(&law.encode_all(chunk));
        frame
    });
    frames.collect()
}

impl std::fmt::Debug for PreparedPrompt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PreparedPrompt({} ms)", self.duration_ms())
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
        let prompt = PreparedPrompt::new(&sound);
        assert_eq!((prompt.frames(), prompt.duration_ms()), (2, 40));
        let last = prompt.frame(Law::A, 1).unwrap();
        assert_ne!(last[0], Law::A.silence());
        assert!(last[1..].iter().all(|code| *code == Law::A.silence()));
        assert_eq!(prompt.frame(Law::A, 2), None);
    }
}
