//! The mix of all channels to one, as it grows.

use symphonia::core::audio::{Audio, GenericAudioBufferRef};

/// Samples of the mix, up to a number that was counted before.
pub(super) struct Mono {
    samples: Vec<f32>,
    most: usize,
}

/// Most samples that memory is taken for at once; what is declared beyond must really come.
const AT_ONCE: usize = 1 << 20;

impl Mono {
    pub(super) fn new(most: usize) -> Self {
        Self {
            samples: Vec::with_capacity(most.min(AT_ONCE)),
            most,
        }
    }

    pub(super) fn clear(&mut self) {
        self.samples.clear();
    }

    pub(super) fn is_full(&self) -> bool {
        self.samples.len() >= self.most
    }

    /// Adds a block of planes; what is beyond the number is left out.
    pub(super) fn add(&mut self, block: &GenericAudioBufferRef<'_>) {
        match block {
            GenericAudioBufferRef::F32(block) => {
                self.add_planes(block.num_planes(), |at| block.plane(at), |sample| *sample);
            }
            // FLAC gives 32 bits, whatever the file has.
            GenericAudioBufferRef::S32(block) => {
                self.add_planes(
                    block.num_planes(),
                    |at| block.plane(at),
                    |sample| *sample as f32 / 2_147_483_648.0,
                );
            }
            _ => {}
        }
    }

    fn add_planes<'a, T: 'a>(
        &mut self,
        count: usize,
        plane: impl Fn(usize) -> Option<&'a [T]>,
        value: fn(&T) -> f32,
    ) {
        let room = self.most - self.samples.len();
        let start = self.samples.len();
        let Some(first) = plane(0) else { return };
        let first = &first[..first.len().min(room)];
        if let (2, Some(second)) = (count, plane(1)) {
            let both = first.iter().zip(second);
            self.samples
                .extend(both.map(|(a, b)| finite((value(a) + value(b)) * 0.5)));
            return;
        }
        self.samples
            .extend(first.iter().map(|sample| finite(value(sample))));
        for other in (1..count).filter_map(plane) {
            for (sum, sample) in self.samples[start..].iter_mut().zip(other) {
                *sum += finite(value(sample));
            }
        }
        if count > 1 {
            self.samples[start..]
                .iter_mut()
                .for_each(|sum| *sum = finite(*sum / count as f32));
        }
    }

    /// Adds samples whose channels stand together.
    pub(super) fn add_interleaved(&mut self, block: &[f32], channels: usize) {
        let room = self.most - self.samples.len();
        let frames = block.chunks_exact(channels.max(1)).take(room);
        self.samples
            .extend(frames.map(|frame| finite(frame.iter().sum::<f32>() / channels as f32)));
    }

    /// Adds silence in place of a block that could not be decoded.
    pub(super) fn add_silence(&mut self, samples: usize) {
        let room = self.most - self.samples.len();
        self.samples.resize(self.samples.len() + samples.min(room), 0.0);
    }

    /// The mix without `skip` samples at its start, and no more than `keep`.
    pub(super) fn part(mut self, skip: u64, keep: u64) -> Vec<f32> {
        let skip = usize::try_from(skip)
            .unwrap_or(usize::MAX)
            .min(self.samples.len());
        self.samples.drain(..skip);
        self.samples.truncate(usize::try_from(keep).unwrap_or(usize::MAX));
        self.samples
    }
}

/// What is no number is silence.
pub(super) fn finite(sample: f32) -> f32 {
    if sample.is_finite() { sample } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_that_are_too_loud_together_become_silence() {
        let planes = [[f32::MAX, 0.5], [f32::MAX, 0.5], [f32::MAX, -0.25]];
        let mut mono = Mono::new(2);
        mono.add_planes(3, |at| planes.get(at).map(|plane| &plane[..]), |sample| *sample);
        assert_eq!(mono.part(0, 2), [0.0, 0.25]);
    }
}
