//! What becomes of an audio file: what telephony would say of it, and what a build does about it. Pure: bytes come in.

use super::verify::Envelope;
use audio::{
    DecodeError, Finding, Limits, Lufs, Media, Mismatch, ProbeError, Report, Sound, TELEPHONY_RATE, Target,
    telephony::{MAX_ASSET_BYTES, Objection, objections},
};
use std::fmt;

/// The longest sound that is taken for a prompt, in seconds, and its most samples: a quarter of an hour at 48 kHz, 173 MB.
pub const LIMITS: Limits = Limits {
    max_seconds: 900,
    max_samples: 900 * 48_000,
    max_channels: audio::MAX_CHANNELS,
};
/// Bytes of a WAV file before its first sample.
const WAV_HEADER: u64 = 44;
/// The longest piece, in milliseconds: 16-bit PCM at 8000 Hz within 2 MiB, less a second.
pub const LONGEST_PIECE_MS: u64 = (MAX_ASSET_BYTES - WAV_HEADER) * 1000 / (2 * TELEPHONY_RATE as u64) - 1000;
/// Gains of less than this are not worth a word, in dB.
const INAUDIBLE_DB: f64 = 0.05;

/// A file that is audio: what it is, and what is to be said and done.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// What it is.
    pub media: Media,
    /// How loud it is; `None` when it is silent, or can't be decoded.
    pub loudness: Option<Lufs>,
    /// Everything that telephony would say; nothing when it takes the file.
    pub objections: Vec<Objection>,
    /// That the name promises something else.
    pub mismatch: Option<Mismatch>,
    /// What a build does that may convert.
    pub plan: Plan,
    /// What the platform is then asked to do while it compiles a file that is uploaded as it is: `+26.1 dB`.
    pub levelling: Vec<String>,
}

/// What a build does with a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// It is uploaded as it is.
    Upload,
    /// It is converted, and then uploaded.
    Convert(Conversion),
    /// Nothing can be made of it.
    Refuse(Hopeless),
}

/// Why no prompt can be made of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Hopeless {
    /// It can't be decoded.
    #[error("{0}")]
    Undecodable(String),
    /// The end of what is said is missing.
    #[error("{0}; get the whole file")]
    BreaksOff(Finding),
}

/// What a conversion changes. Its text is a line: `44100 -> 8000 Hz, stereo -> mono, +14.3 dB`.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversion {
    /// What it is before.
    pub from: Media,
    /// What is done to the sound.
    pub report: Report,
    /// How many files come of it: what is too long is split at pauses.
    pub pieces: usize,
}

/// A sound as it is uploaded: conformed, and in pieces that telephony takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Shaped {
    /// The sound as it was, by its level over time.
    pub source: Envelope,
    /// At least one, in order.
    pub pieces: Vec<Sound>,
    /// What was done to the whole.
    pub report: Report,
}

/// Conforms a sound, and splits it at pauses where it is longer than [`LONGEST_PIECE_MS`].
pub fn shape(sound: &Sound) -> Shaped {
    let conformed = audio::conform(sound, &Target::default());
    Shaped {
        source: Envelope::of(sound),
        pieces: audio::split(&conformed.sound, LONGEST_PIECE_MS),
        report: conformed.report,
    }
}

/// A verdict, and the sound in the shape in which it would be uploaded unless it is uploaded as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// `None` when it can't be decoded.
    pub shaped: Option<Shaped>,
}

/// Judges the bytes of a file by what they are; `name` is its name.
///
/// ```
/// use jobs::prompts::{Plan, judge};
///
/// let second = audio::Sound { rate: 16000, samples: (0..16000).map(|n| (n as f32 * 0.2).sin() * 0.1).collect() };
/// let judged = judge("beep.wav", &audio::wav::pcm16(&second))?;
/// assert_eq!(judged.verdict.plan, Plan::Upload);
///
/// let page = judge("welcome.mp3", b"<!DOCTYPE html><title>404</title>");
/// assert_eq!(page.unwrap_err().to_string(), "this is an HTML page, not audio");
/// # Ok::<(), audio::ProbeError>(())
/// ```
pub fn judge(name: &str, bytes: &[u8]) -> Result<Judged, ProbeError> {
    let media = audio::probe(bytes)?;
    let shaped = match audio::decode_within(bytes, &LIMITS) {
        Ok(sound) => Ok(shape(&sound)),
        Err(error) => Err(error),
    };
    let heard = shaped.as_ref().map(|shaped| Heard {
        report: shaped.report,
        pieces: shaped.pieces.len(),
    });
    let mismatch = audio::mismatch(name, &media);
    Ok(Judged {
        verdict: Verdict {
            mismatch,
            ..Verdict::of(media, bytes.len() as u64, heard)
        },
        shaped: shaped.ok(),
    })
}

/// What is known of a sound once it is decoded and [`shape`]d.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heard {
    /// What conforming does to it.
    pub report: Report,
    /// How many pieces it becomes.
    pub pieces: usize,
}

impl Verdict {
    /// Decides. `heard` is what decoding came to.
    pub fn of(media: Media, size_bytes: u64, heard: Result<Heard, &DecodeError>) -> Self {
        let objections = objections(&media, size_bytes);
        let plan = match (breaks_off(&media), &heard) {
            (Some(finding), _) => Plan::Refuse(Hopeless::BreaksOff(finding.clone())),
            (None, Err(error)) => Plan::Refuse(Hopeless::Undecodable(with_cause(error))),
            (None, Ok(_)) if objections.is_empty() => Plan::Upload,
            (None, Ok(heard)) => Plan::Convert(Conversion {
                from: media.clone(),
                report: heard.report,
                pieces: heard.pieces,
            }),
        };
        let levelling = match (&plan, &heard) {
            (Plan::Upload, Ok(heard)) => levelling(&heard.report),
            _ => Vec::new(),
        };
        Self {
            levelling,
            loudness: heard.ok().and_then(|heard| heard.report.input_lufs),
            media,
            objections,
            mismatch: None,
            plan,
        }
    }

    /// Why a build refuses the file, with a sentence for each reason; nothing when it does not. `converts`: whether it may convert.
    pub fn refusals(&self, converts: bool) -> Vec<String> {
        let mut refusals: Vec<String> = Vec::new();
        if !converts {
            refusals.extend(self.objections.iter().map(ToString::to_string));
        }
        if let Plan::Refuse(why) = &self.plan {
            refusals.push(why.to_string());
        }
        refusals.dedup();
        refusals
    }

    /// What a build does that may convert, in a line.
    pub fn deed(&self) -> String {
        match self.levelling.is_empty() {
            true => self.plan.to_string(),
            false => format!("{}; compiled: {}", self.plan, self.levelling.join(", ")),
        }
    }

    /// What is odd about the file, and no reason to refuse it.
    pub fn notes(&self) -> Vec<String> {
        let told = |finding: &&Finding| !matches!(finding, Finding::Truncated { .. });
        let findings = self.media.findings.iter().filter(told);
        let mismatch = self.mismatch.iter().map(ToString::to_string);
        mismatch.chain(findings.map(ToString::to_string)).collect()
    }
}

fn breaks_off(media: &Media) -> Option<&Finding> {
    let mut findings = media.findings.iter();
    findings.find(|finding| matches!(finding, Finding::Truncated { .. }))
}

fn with_cause(error: &DecodeError) -> String {
    match std::error::Error::source(error) {
        // A probe's error is its own text.
        Some(cause) if cause.to_string() != error.to_string() => format!("{error} ({cause})"),
        _ => error.to_string(),
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upload => f.write_str("upload as it is"),
            Self::Convert(conversion) => write!(f, "convert: {conversion}"),
            Self::Refuse(why) => write!(f, "refuse: {why}"),
        }
    }
}

impl fmt::Display for Conversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.steps().join(", "))
    }
}

impl Conversion {
    fn steps(&self) -> Vec<String> {
        let (from, report) = (&self.from, &self.report);
        let mut steps = Vec::new();
        if from.container != audio::Container::Wav || !matches!(from.codec, audio::Codec::Pcm(_)) {
            steps.push(format!("{} -> WAV (PCM)", self.coded()));
        } else if from.bits != Some(16) || from.codec != audio::Codec::Pcm(audio::Pcm::Signed) {
            steps.push(format!("{} -> 16 bit", self.coded()));
        }
        if from.rate != TELEPHONY_RATE {
            steps.push(format!("{} -> {TELEPHONY_RATE} Hz", from.rate));
        }
        match from.channels {
            1 => {}
            2 => steps.push("stereo -> mono".to_owned()),
            more => steps.push(format!("{more} channels -> mono")),
        }
        steps.extend(levelling(report));
        if self.pieces > 1 {
            steps.push(format!("split in {}", self.pieces));
        }
        match from.tags.len() {
            0 => {}
            1 => steps.push("1 tag removed".to_owned()),
            tags => steps.push(format!("{tags} tags removed")),
        }
        steps
    }

    fn coded(&self) -> String {
        let (codec, container) = (self.from.codec.to_string(), self.from.container.to_string());
        match (self.from.bits, &self.from.codec) {
            (Some(bits), audio::Codec::Pcm(_)) => format!("{codec} {bits} bit"),
            // FLAC, MP3.
            _ if codec == container => codec,
            _ => format!("{codec} in {container}"),
        }
    }
}

/// What is done to the level and to the silence at the ends.
fn levelling(report: &Report) -> Vec<String> {
    let cut_ms = report.trimmed_start_ms + report.trimmed_end_ms;
    let cut = (cut_ms > 0).then(|| format!("{:.1} s of silence cut", cut_ms as f64 / 1000.0));
    gain(report).into_iter().chain(cut).collect()
}

fn gain(report: &Report) -> Option<String> {
    let audible = report.gain_db.abs() >= INAUDIBLE_DB;
    let bounded = if report.gain_bounded {
        " (no more: it is still too quiet)"
    } else {
        ""
    };
    audible.then(|| format!("{:+.1} dB{bounded}", report.gain_db))
}

#[cfg(test)]
mod tests;
