//! How good prompts are: loudness and peaks by two meters, and whether they still sound like ffmpeg's conversion.

use super::tools::{files, has};
use audio::{TELEPHONY_RATE, Target, conform, decode, loudness};
use std::{f64::consts::TAU, fmt, fs, path::Path, process::Command};

const WANTED_LUFS: f64 = -19.0;
const CEILING_DB: f64 = -2.0;
/// How far a prompt may be off, in LU.
const ALLOWED_LU: f64 = 0.5;
/// Frames that are compared, in samples: 20 ms, and the bins of their spectra between 300 and 3400 Hz.
const FRAME: usize = 160;
const BINS: std::ops::RangeInclusive<usize> = 6..=68;

/// The worst of all prompts.
pub(crate) struct Measured {
    /// How far from the wanted loudness, by our meter and ffmpeg's.
    off: [f64; 2],
    /// The highest sample, and true peaks by both meters, after decoding.
    peaks: [f64; 3],
    outside: bool,
}

pub(crate) fn measure(folder: &Path) -> Measured {
    let mut worst = Measured {
        off: [0.0; 2],
        peaks: [f64::MIN; 3],
        outside: has("ffmpeg"),
    };
    for file in files(folder) {
        let sound = decode(fs::read(&file).expect("a file")).expect("a sound");
        assert_eq!(sound.rate, TELEPHONY_RATE);
        let lufs = loudness::integrated(&sound).expect("speech").0;
        let peaks = [loudness::sample_peak(&sound), loudness::true_peak(&sound)];
        let [samples, between] = peaks.map(|peak| peak.expect("speech").0);
        let (other_lufs, other_peak) = outside(&file).unwrap_or((WANTED_LUFS, between));
        worst.off = [
            worst.off[0].max((lufs - WANTED_LUFS).abs()),
            worst.off[1].max((other_lufs - WANTED_LUFS).abs()),
        ];
        for (worst, peak) in worst.peaks.iter_mut().zip([samples, between, other_peak]) {
            *worst = worst.max(peak);
        }
    }
    worst
}

impl Measured {
    pub(crate) fn is_good(&self) -> bool {
        // The other meter prints one digit behind the point.
        self.off.iter().all(|off| *off <= ALLOWED_LU)
            && self.peaks.iter().all(|peak| *peak <= CEILING_DB + 0.05)
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [samples, between, other] = self.peaks;
        write!(
            f,
            "off by {:.2} LU at most, highest sample {samples:.2} dB, true peak {between:.2} dB",
            self.off[0]
        )?;
        if self.outside {
            write!(f, " (ffmpeg's meter: {:.1} LU, {other:.1} dB)", self.off[1])?;
        }
        Ok(())
    }
}

/// Loudness and true peak by ffmpeg's meter.
fn outside(file: &Path) -> Option<(f64, f64)> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-nostats", "-i"])
        .arg(file)
        .args(["-af", "ebur128=peak=true:framelog=verbose", "-f", "null", "-"])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let value = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.trim().strip_prefix(name));
        lines.next_back()?.split_whitespace().next()?.parse::<f64>().ok()
    };
    Some((value("I:")?, value("Peak:")?))
}

/// How alike two conversions are.
pub(crate) struct Likeness {
    segmental_snr: f64,
    spectral_distance: f64,
}

impl fmt::Display for Likeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "segmental SNR {:.1} dB, log-spectral distance {:.2} dB (300 to 3400 Hz)",
            self.segmental_snr, self.spectral_distance
        )
    }
}

/// The mean over all files, before companding; `None` without ffmpeg.
pub(crate) fn likeness(folder: &Path) -> Option<Likeness> {
    let target = Target {
        trim: None,
        ..Target::default()
    };
    let (mut snrs, mut distances) = (Vec::new(), Vec::new());
    for file in files(folder) {
        let theirs = plain(&file)?;
        let ours = conform(&decode(fs::read(&file).ok()?).ok()?, &target)
            .sound
            .samples;
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let gain = dot(&ours, &theirs) / dot(&theirs, &theirs);
        let loud = dot(&ours, &ours) / ours.len() as f64 * 1e-3;
        for (ours, theirs) in ours.chunks_exact(FRAME).zip(theirs.chunks_exact(FRAME)) {
            let theirs: Vec<f32> = theirs.iter().map(|sample| sample * gain as f32).collect();
            if dot(ours, ours) / (FRAME as f64) < loud {
                continue;
            }
            let noise: Vec<f32> = ours.iter().zip(&theirs).map(|(a, b)| a - b).collect();
            snrs.push((10.0 * (dot(ours, ours) / dot(&noise, &noise)).log10()).clamp(-10.0, 35.0));
            distances.push(distance(ours, &theirs));
        }
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    Some(Likeness {
        segmental_snr: mean(&snrs),
        spectral_distance: mean(&distances),
    })
}

/// ffmpeg's samples at 8 kHz.
fn plain(file: &Path) -> Option<Vec<f32>> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(file)
        .args(["-ar", "8000", "-ac", "1", "-f", "f32le", "-"])
        .output()
        .ok()?;
    let samples: Vec<f32> = output
        .stdout
        .as_chunks()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect();
    (!samples.is_empty()).then_some(samples)
}

/// The root of the mean squared difference of the spectra, in dB.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    let square = |bin: usize| (10.0 * (power(a, bin) / power(b, bin)).log10()).powi(2);
    (BINS.map(square).sum::<f64>() / BINS.count() as f64).sqrt()
}

fn power(frame: &[f32], bin: usize) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in frame.iter().enumerate() {
        let window = 0.5 - 0.5 * (TAU * n as f64 / FRAME as f64).cos();
        let (sin, cos) = (TAU * (bin * n % FRAME) as f64 / FRAME as f64).sin_cos();
        re += window * f64::from(*sample) * cos;
        im += window * f64::from(*sample) * sin;
    }
    re * re + im * im + 1e-12
}
