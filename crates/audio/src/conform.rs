//! Conforming: from a sound as people have it to one as telephony wants it, and what was done to it.

mod level;
#[cfg(test)]
mod tests;

use crate::{
    Dbtp, Law, Lufs, Sound, TELEPHONY_RATE, Trim,
    silence::{self, Trimmed},
    widest::widest,
};

/// The most that a quiet sound is amplified, in dB: what needs more is noise, or a mistake.
pub const MAX_GAIN_DB: f64 = 40.0;
/// What is slower than this is not sound but an offset that drifts; it is taken out. In hertz.
const SLOWEST_HERTZ: u32 = 20;

/// What a sound is to become.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// Samples a second; [`compile`] always makes [`TELEPHONY_RATE`].
    pub rate: u32,
    /// Integrated loudness; `None` leaves it as it is.
    pub loudness: Option<Lufs>,
    /// What no peak may be above.
    pub ceiling: Dbtp,
    /// What silence to cut off the ends.
    pub trim: Option<Trim>,
}

impl Default for Target {
    /// 8000 Hz, -19 LUFS (mono speech), -2 dBTP, silence of more than 300 ms cut to 100 ms.
    fn default() -> Self {
        Self {
            rate: TELEPHONY_RATE,
            loudness: Some(Lufs(-19.0)),
            ceiling: Dbtp(-2.0),
            trim: Some(Trim::default()),
        }
    }
}

/// What was done to a sound, and what it is now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    /// The rate it had, in hertz.
    pub input_rate: u32,
    /// Its loudness at the new rate, before anything was done to it; `None` is silence.
    pub input_lufs: Option<Lufs>,
    /// Its loudness now: of what is *heard*, behind the law if there is one.
    pub output_lufs: Option<Lufs>,
    /// The gain, in dB.
    pub gain_db: f64,
    /// The gain was not enough: more than [`MAX_GAIN_DB`] would have been needed.
    pub gain_bounded: bool,
    /// The most that limiter and compressor took away anywhere, in dB.
    pub limited_db: f64,
    /// Whether it was compressed before it was limited.
    pub compressed: bool,
    /// Its true peak now, of what is heard; `None` is silence.
    pub true_peak: Option<Dbtp>,
    /// Silence that was cut off the beginning, in milliseconds.
    pub trimmed_start_ms: u64,
    /// Silence that was cut off the end, in milliseconds.
    pub trimmed_end_ms: u64,
    /// Its length now, in milliseconds.
    pub duration_ms: u64,
}

/// A sound that is as it was wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Conformed {
    /// The sound.
    pub sound: Sound,
    /// What was done.
    pub report: Report,
}

/// A sound that is as it was wanted when it is heard, behind the law.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    /// G.711, one byte a sample.
    pub codes: Vec<u8>,
    /// What was done.
    pub report: Report,
}

/// Resamples, takes out offset and silence, brings to the loudness and below the ceiling.
///
/// ```
/// use audio::{Sound, Target, conform};
///
/// let quiet = (0..44100).map(|n| 0.01 * (n as f32 * 0.07).sin()).collect();
/// let conformed = conform(&Sound { rate: 44100, samples: quiet }, &Target::default());
/// assert_eq!(conformed.sound.samples.len(), 8000);
/// assert!((conformed.report.output_lufs.unwrap().0 + 19.0).abs() < 0.1);
/// ```
pub fn conform(sound: &Sound, target: &Target) -> Conformed {
    let prepared = Prepared::new(sound, target.rate, target.trim);
    let levelled = level::level(&prepared.sound, None, target);
    let report = prepared.report(&levelled);
    let sound = Sound {
        rate: prepared.sound.rate,
        samples: levelled.heard,
    };
    Conformed { sound, report }
}

/// [`conform`], for what is heard when G.711 is decoded again: the loudness is right and no peak is above the ceiling *there*.
pub fn compile(sound: &Sound, law: Law, target: &Target) -> Compiled {
    let prepared = Prepared::new(sound, TELEPHONY_RATE, target.trim);
    let levelled = level::level(&prepared.sound, Some(law), target);
    let report = prepared.report(&levelled);
    Compiled {
        codes: levelled.codes,
        report,
    }
}

/// A sound at its new rate and length; only its level is not right yet.
struct Prepared {
    sound: Sound,
    input_rate: u32,
    trimmed_ms: [u64; 2],
}

impl Prepared {
    fn new(sound: &Sound, rate: u32, trim: Option<Trim>) -> Self {
        let rate = if rate == 0 { TELEPHONY_RATE } else { rate };
        let mut resampled = centred(sound).resampled(rate);
        without_drift(&mut resampled);
        let trimmed = match trim {
            Some(trim) => silence::trim(&resampled, trim),
            None => Trimmed {
                sound: resampled,
                start_ms: 0,
                end_ms: 0,
            },
        };
        Self {
            sound: trimmed.sound,
            input_rate: sound.rate,
            trimmed_ms: [trimmed.start_ms, trimmed.end_ms],
        }
    }

    fn report(&self, levelled: &level::Levelled) -> Report {
        Report {
            input_rate: self.input_rate,
            input_lufs: levelled.input,
            output_lufs: levelled.output,
            gain_db: levelled.gain_db,
            gain_bounded: levelled.gain_bounded,
            limited_db: levelled.limited_db,
            compressed: levelled.compressed,
            true_peak: Dbtp::of(f64::from(levelled.peak)),
            trimmed_start_ms: self.trimmed_ms[0],
            trimmed_end_ms: self.trimmed_ms[1],
            duration_ms: self.sound.duration_ms(),
        }
    }
}

/// Without direct current, which would ring at the ends when it is resampled, and without what is no number.
fn centred(sound: &Sound) -> Sound {
    let samples = widest(
        #[inline(always)]
        || {
            let mean = (sum(&sound.samples) / sound.samples.len().max(1) as f64) as f32;
            sound
                .samples
                .iter()
                .map(|sample| finite(*sample) - mean)
                .collect()
        },
    );
    Sound {
        rate: sound.rate,
        samples,
    }
}

/// In lanes that do not wait for each other.
#[inline(always)]
fn sum(samples: &[f32]) -> f64 {
    const LANES: usize = 16;
    let (chunks, rest) = samples.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        for lane in 0..LANES {
            lanes[lane] += f64::from(finite(chunk[lane]));
        }
    }
    let rest: f64 = rest.iter().map(|sample| f64::from(finite(*sample))).sum();
    lanes.iter().sum::<f64>() + rest
}

#[inline(always)]
fn finite(sample: f32) -> f32 {
    if sample.is_finite() { sample } else { 0.0 }
}

/// Takes out what drifts below [`SLOWEST_HERTZ`]: the mean over a triangle around each sample. Unlike a recursive high-pass it
/// leaves the shape of the wave as it is.
fn without_drift(sound: &mut Sound) {
    // Odd, so that it has a middle.
    let width = (sound.rate / SLOWEST_HERTZ) as usize | 1;
    let once = running_mean(&sound.samples, width);
    let drift = running_mean(&once, width);
    for (sample, drift) in sound.samples.iter_mut().zip(&drift) {
        *sample -= *drift as f32;
    }
}

/// The mean of `width` values (an odd number) around each; there are zeros before the first and behind the last.
fn running_mean<T: Copy + Into<f64>>(values: &[T], width: usize) -> Vec<f64> {
    let half = width / 2;
    let share = 1.0 / width as f64;
    let mut padded = Vec::with_capacity(values.len() + width);
    padded.resize(half + 1, 0.0);
    padded.extend(values.iter().map(|value| (*value).into()));
    padded.resize(values.len() + width, 0.0);
    let mut sum: f64 = padded[half + 1..width].iter().sum();
    let mut means = Vec::with_capacity(values.len());
    // The difference first: then each sum waits for one addition only.
    means.extend(padded[width..].iter().zip(&padded).map(|(coming, gone)| {
        sum += coming - gone;
        sum * share
    }));
    means
}
