//! How loud a prompt is played: gain, dynamics, and a ceiling that nothing is above.

use crate::{
    Compressor, Law, Sound, TELEPHONY_RATE,
    dynamics::limit,
    loudness::{amplitude, highest},
};

/// Where the dynamics begin that are scaled, in dB of full scale. Speech at -19 LUFS has its vowels above it, and nothing else.
pub const KNEE_DBFS: f64 = -12.0;
/// The strongest compression.
pub const MIN_COMPRESSION_RATIO: f32 = 0.1;

/// The sound settings of a playback.
///
/// In this order: the gain; then the level above the knee is scaled (all in dB of full scale, the level is that of the peaks):
///
/// ```text
/// out = in                                            up to the knee, -12 dBFS
/// out = knee + (in - knee) * compression_ratio        above it
/// ```
///
/// The level is followed within 4 ms when it rises, held for 10 ms, and let go within 120 ms; nothing is made louder for it. Then
/// a limiter that looks 5 ms ahead keeps the sound below the
/// ceiling, between the samples too. No sample that comes out is above it, ever.
///
/// A gain, a ratio or a limit of 1.0 changes nothing, not a bit. What is out of range is taken as the nearest that is in it, and what is no number
/// as the lowest.
///
/// ```
/// use audio::{Sound, Volume};
///
/// let loud = Sound { rate: 8000, samples: (0..8000).map(|n| (n as f32 * 0.7).sin()).collect() };
/// assert_eq!(Volume::default().apply(&loud), loud);
///
/// let quieter = Volume { base_gain: 0.8, peak_limit: 0.95, compression_ratio: 0.7 }.apply(&loud);
/// // -1.9 dB are 10.1 dB above the knee, of which 7.1 are left: -4.9 dBFS.
/// let peak = quieter.samples[4000..].iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
/// assert!((20.0 * peak.log10() + 4.95).abs() < 0.1);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Volume {
    /// A factor, 0.0 to 1.0.
    pub base_gain: f32,
    /// The ceiling, as a share of full scale, [`Volume::base_gain`] to 1.0.
    pub peak_limit: f32,
    /// What is left of the dynamics above the knee, [`MIN_COMPRESSION_RATIO`] to 1.0.
    pub compression_ratio: f32,
}

impl Default for Volume {
    /// All as it is.
    fn default() -> Self {
        Self {
            base_gain: 1.0,
            peak_limit: 1.0,
            compression_ratio: 1.0,
        }
    }
}

impl Volume {
    /// The sound as these settings want it, of the same length. Samples that are no numbers are silence.
    pub fn apply(&self, sound: &Sound) -> Sound {
        let volume = self.bounded();
        let finite = |sample: f32| if sample.is_finite() { sample } else { 0.0 };
        let gained = sound
            .samples
            .iter()
            .map(|sample| finite(*sample) * volume.base_gain);
        let mut samples: Vec<f32> = gained.collect();
        if volume.compression_ratio < 1.0 {
            let knee = amplitude(KNEE_DBFS) as f32;
            Compressor::with_ratio(sound.rate, knee, volume.compression_ratio).process(&mut samples);
        }
        // At full scale there is nothing to keep free for what a player makes between samples.
        if volume.peak_limit < 1.0 || highest(&samples) > 1.0 {
            (samples, _) = limit(samples, sound.rate, volume.peak_limit);
        }
        Sound {
            rate: sound.rate,
            samples,
        }
    }

    /// The sound as G.711 at 8000 Hz: behind the law, no sample is above the ceiling either. (But A-law has nothing nearer to
    /// silence than 8 in 32768.)
    pub fn encode(&self, sound: &Sound, law: Law) -> Vec<u8> {
        let applied = if sound.rate == TELEPHONY_RATE {
            self.apply(sound)
        } else {
            self.apply(&sound.resampled(TELEPHONY_RATE))
        };
        let mut samples = applied.samples;
        law.hear(&mut samples, self.bounded().peak_limit)
    }

    fn bounded(&self) -> Volume {
        let base_gain = within(self.base_gain, 0.0);
        Volume {
            base_gain,
            peak_limit: within(self.peak_limit, base_gain),
            compression_ratio: within(self.compression_ratio, MIN_COMPRESSION_RATIO),
        }
    }
}

/// From the lowest to 1.0; what is no number is the lowest.
fn within(value: f32, lowest: f32) -> f32 {
    if value.is_nan() {
        lowest
    } else {
        value.clamp(lowest, 1.0)
    }
}

#[cfg(test)]
mod tests;
