//! What the crate `audio` does for prompts: what an upload is, and what it is compiled to. Pure; it takes its time.

use crate::prompts::{self, LONGEST_S};
use audio::{Dbtp, Finding, Law, Lufs, Target, Trim, telephony, wav};
use wire::{
    Faults,
    media::{CompileOptions, Encoding},
};

/// What an upload is.
pub(super) struct Judged {
    pub(super) format: String,
    pub(super) sample_rate: u32,
    pub(super) channels: u16,
    pub(super) duration_ms: u64,
}

/// A compiled prompt.
pub(super) struct Compiled {
    /// G.711 at 8000 Hz, mono, in WAV, and nothing else.
    pub(super) file: Vec<u8>,
    pub(super) duration_ms: u64,
    /// `None` when it is silent.
    pub(super) loudness_lufs: Option<f64>,
    /// What is remarkable.
    pub(super) note: Option<String>,
}

/// What bytes are, or all that telephony has against them.
pub(super) fn judge(bytes: &[u8]) -> Result<Judged, Faults> {
    let media = audio::probe(bytes).map_err(|error| Faults::one(error.to_string()))?;
    let mut faults = Faults::new();
    for objection in telephony::objections(&media, bytes.len() as u64) {
        faults.push(objection.to_string());
    }
    let duration_ms = media.duration_ms.unwrap_or_default();
    if duration_ms > u64::from(LONGEST_S) * 1000 {
        let seconds = duration_ms / 1000;
        faults.push(format!(
            "the sound lasts {seconds} s; a prompt lasts at most {LONGEST_S} s"
        ));
    }
    faults.finish(Some(Judged {
        format: media.format().to_owned(),
        sample_rate: media.rate,
        channels: media.channels,
        duration_ms,
    }))
}

/// Compiles an asset. What is wrong with it is the error.
pub(super) fn compile(bytes: &[u8], encoding: Encoding, options: CompileOptions) -> Result<Compiled, String> {
    let media = audio::probe(bytes).map_err(|error| error.to_string())?;
    let sound = prompts::decode(bytes).map_err(|error| error.to_string())?;
    let law = match encoding.is_mu_law() {
        true => Law::Mu,
        false => Law::A,
    };
    let compiled = audio::compile(&sound, law, &target(options));
    let report = compiled.report;
    let loudness = report.output_lufs.map(|Lufs(lufs)| rounded(lufs, 100.0));
    let heard = media.findings.iter().filter(|finding| is_heard(finding));
    let mut notes: Vec<String> = heard.map(ToString::to_string).collect();
    if loudness.is_none() {
        notes.push("the file is silent".to_owned());
    } else if report.gain_bounded {
        let most = report.gain_db.round();
        notes.push(format!(
            "{most} dB, which is the most, did not bring it to the target"
        ));
    }
    Ok(Compiled {
        file: wav::g711(law, &compiled.codes),
        duration_ms: report.duration_ms,
        loudness_lufs: loudness,
        note: (!notes.is_empty()).then(|| notes.join("; ")),
    })
}

/// What is odd about a file in a way that callers may hear.
fn is_heard(finding: &Finding) -> bool {
    matches!(
        finding,
        Finding::Truncated { .. } | Finding::Junk(_) | Finding::NotNumbers(_) | Finding::Checksums(_)
    )
}

/// What is not asked for is not done; only peaks that G.711 can't carry are always limited.
fn target(options: CompileOptions) -> Target {
    let usual = Target::default();
    match options.normalize_volume {
        true => Target {
            trim: options.enable_optimization.then(Trim::default),
            ..usual
        },
        false => Target {
            loudness: None,
            ceiling: Dbtp(0.0),
            trim: options.enable_optimization.then(Trim::default),
            ..usual
        },
    }
}

/// A number in steps of one part of so many.
pub(super) fn rounded(number: f64, parts: f64) -> f64 {
    (number * parts).round() / parts
}
