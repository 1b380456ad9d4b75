//! WAV: straight from the bytes, without a decoder in between.

use super::{DecodeError, Judged, mix::finite};
use crate::{Codec, Law, Pcm, probe::wav::Layout};

pub(super) fn decode(codec: &Codec, layout: &Layout<'_>, judged: &Judged) -> Result<Vec<f32>, DecodeError> {
    let channels = usize::from(judged.channels);
    let samples = layout.data.len() / (layout.width * channels).max(1);
    // Only judges the length: the samples are there, so all memory can be taken at once.
    judged.mix(samples as u64)?;
    let data = layout.data;
    Ok(match (codec, layout.width) {
        (Codec::Pcm(Pcm::Unsigned), 1) => mix(data, channels, |[b]| (f32::from(b) - 128.0) / 128.0),
        (Codec::Pcm(Pcm::Signed), 2) => mix(data, channels, |b| f32::from(i16::from_le_bytes(b)) / 32768.0),
        (Codec::Pcm(Pcm::Signed), 3) => mix(data, channels, |[a, b, c]| {
            i32::from_le_bytes([0, a, b, c]) as f32 / 2_147_483_648.0
        }),
        (Codec::Pcm(Pcm::Signed), 4) => {
            mix(data, channels, |b| i32::from_le_bytes(b) as f32 / 2_147_483_648.0)
        }
        (Codec::Pcm(Pcm::Float), 4) => mix(data, channels, |b| finite(f32::from_le_bytes(b))),
        (Codec::Pcm(Pcm::Float), 8) => mix(data, channels, |b| finite(f64::from_le_bytes(b) as f32)),
        (Codec::MuLaw, 1) => mix_law(Law::Mu, data, channels),
        (Codec::ALaw, 1) => mix_law(Law::A, data, channels),
        (other, _) => return Err(DecodeError::Codec(other.clone())),
    })
}

fn mix_law(law: Law, data: &[u8], channels: usize) -> Vec<f32> {
    let table: Vec<f32> = (0..=255)
        .map(|code| f32::from(law.decode(code)) / 32768.0)
        .collect();
    mix(data, channels, |[code]| table[usize::from(code)])
}

/// Samples of `N` bytes to the average of their channels.
fn mix<const N: usize>(data: &[u8], channels: usize, value: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let samples = data.as_chunks::<N>().0;
    match channels {
        1 => samples.iter().map(|sample| value(*sample)).collect(),
        2 => samples
            .as_chunks::<2>()
            .0
            .iter()
            .map(|[left, right]| finite((value(*left) + value(*right)) * 0.5))
            .collect(),
        more => {
            let sum = |frame: &[[u8; N]]| frame.iter().map(|sample| value(*sample)).sum::<f32>();
            let frames = samples.chunks_exact(more);
            frames.map(|frame| finite(sum(frame) / more as f32)).collect()
        }
    }
}
