//! What a check found, for people and for programs.

use super::{Checked, File};
use crate::{commands::prompts::printable, output::Output};
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets::UTF8_FULL_CONDENSED};
use jobs::prompts::{Plan, Verdict};
use serde_json::{Value, json};

/// The width of the table, in characters: sentences are wrapped.
const WIDTH: u16 = 120;
/// Names of files up to this are not wrapped.
const LONGEST_NAME: u16 = 40;
/// Most files that are named as left out.
const MOST_NAMED: usize = 5;

pub(super) fn tell(files: &[File], left_out: bool, output: &Output) {
    if files.iter().any(File::is_shown) {
        output.line(table(files));
    }
    output.line(summary(files));
    let no_audio: Vec<&str> = no_audio(files).collect();
    if let Some(first) = no_audio.first() {
        let more = no_audio.len().saturating_sub(1);
        let named = match more {
            0 => (*first).to_owned(),
            _ if more < MOST_NAMED => no_audio.join(", "),
            _ => format!("{first} and {more} others"),
        };
        output.note(format!("no audio, and left out: {}", printable(&named)));
    }
    if left_out {
        output.line("there are more files than one check looks at; check folder by folder");
    }
    let shown = files.iter().filter(|file| file.is_shown());
    output.json(&json!({
        "files": shown.map(to_json).collect::<Vec<_>>(),
        "noAudio": no_audio,
        "complete": !left_out,
    }));
}

impl File {
    fn is_shown(&self) -> bool {
        !matches!(self.checked, Checked::NoAudio)
    }
}

fn no_audio(files: &[File]) -> impl Iterator<Item = &str> {
    let left_out = files.iter().filter(|file| !file.is_shown());
    left_out.map(|file| file.name.as_str())
}

fn table(files: &[File]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(["file", "what it is", "telephony", "build"]);
    for file in files {
        match &file.checked {
            Checked::NoAudio => {}
            Checked::Fault(fault) => {
                table.add_row([&printable(&file.name), fault, "-", "refuse"]);
            }
            Checked::Audio { verdict, .. } => {
                let cells = [
                    printable(&file.name),
                    what(verdict),
                    said(verdict),
                    verdict.deed(),
                ];
                table.add_row(cells);
            }
        }
    }
    if let Some(names) = table.column_mut(0) {
        let longest = files
            .iter()
            .filter(|file| file.is_shown())
            .map(|file| file.name.chars().count());
        let longest = u16::try_from(longest.max().unwrap_or_default()).unwrap_or(u16::MAX);
        // With the space on both sides.
        names.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(
            longest.min(LONGEST_NAME) + 2,
        )));
    }
    table
}

/// What a file is, with what is odd about it.
fn what(verdict: &Verdict) -> String {
    let media = &verdict.media;
    let mut text = media.to_string();
    if let Some(bit_rate) = media.bit_rate {
        text.push_str(&format!(", {} kbit/s", (bit_rate + 500) / 1000));
    }
    match (&verdict.loudness, &verdict.plan) {
        (Some(loudness), _) => text.push_str(&format!(", {loudness}")),
        (None, Plan::Refuse(_)) => {}
        (None, _) => text.push_str(", silent"),
    }
    for note in verdict.notes() {
        text.push_str("\nnote: ");
        text.push_str(&note);
    }
    text
}

/// What telephony would say.
fn said(verdict: &Verdict) -> String {
    if verdict.objections.is_empty() {
        return "accepted".to_owned();
    }
    let objections: Vec<String> = verdict.objections.iter().map(ToString::to_string).collect();
    objections.join("\n")
}

fn summary(files: &[File]) -> String {
    let (mut accepted, mut mended, mut hopeless) = (0, 0, 0);
    for file in files {
        match &file.checked {
            Checked::NoAudio => {}
            Checked::Fault(_) => hopeless += 1,
            Checked::Audio { verdict, .. } => match verdict.plan {
                Plan::Upload => accepted += 1,
                Plan::Convert(_) => mended += 1,
                Plan::Refuse(_) => hopeless += 1,
            },
        }
    }
    let count = accepted + mended + hopeless;
    let files = if count == 1 { "file" } else { "files" };
    format!(
        "{count} {files}: {accepted} as telephony takes them, {mended} that a build converts, {hopeless} that can't be used"
    )
}

fn to_json(file: &File) -> Value {
    match &file.checked {
        Checked::Audio { size, verdict } => {
            let mut told = of_audio(verdict);
            told["file"] = file.name.as_str().into();
            told["media"]["size"] = (*size).into();
            told
        }
        Checked::Fault(fault) => json!({"file": file.name, "fault": fault}),
        Checked::NoAudio => json!({"file": file.name}),
    }
}

fn of_audio(verdict: &Verdict) -> Value {
    let media = &verdict.media;
    let tags = media.tags.iter();
    let objections: Vec<String> = verdict.objections.iter().map(ToString::to_string).collect();
    json!({
        "media": {
            "format": media.format(),
            "codec": media.codec.to_string(),
            "sampleRate": media.rate,
            "channels": media.channels,
            "bits": media.bits,
            "bitRate": media.bit_rate,
            "durationMs": media.duration_ms,
            "loudnessLufs": verdict.loudness.map(|loudness| tenths(loudness.0)),
            "tags": tags.map(|tag| json!({"name": tag.name, "value": tag.value})).collect::<Vec<_>>(),
        },
        "notes": verdict.notes(),
        "telephony": {"accepted": objections.is_empty(), "objections": objections},
        "build": build(&verdict.plan, &verdict.levelling),
    })
}

fn build(plan: &Plan, levelling: &[String]) -> Value {
    match plan {
        Plan::Upload => json!({"does": "upload", "compiled": levelling}),
        Plan::Refuse(why) => json!({"does": "refuse", "why": why.to_string()}),
        Plan::Convert(conversion) => {
            let report = &conversion.report;
            json!({
                "does": "convert",
                "how": conversion.to_string(),
                "gainDb": tenths(report.gain_db),
                "loudnessLufs": report.output_lufs.map(|loudness| tenths(loudness.0)),
                "silenceCutMs": report.trimmed_start_ms + report.trimmed_end_ms,
                "durationMs": report.duration_ms,
                "pieces": conversion.pieces,
            })
        }
    }
}

fn tenths(number: f64) -> f64 {
    // Without a negative zero.
    (number * 10.0).round() / 10.0 + 0.0
}
