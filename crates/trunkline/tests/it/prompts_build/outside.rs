//! What other programs say of compiled prompts: ffprobe and soxi of what they are, ffmpeg's own meter of how loud they are.
//!
//! Runs only with `TRUNKLINE_TEST_FFMPEG=1`, where ffmpeg and sox are installed.

use super::{Workshop, recording};
use std::{path::Path, process::Command};

/// Sources of all kinds, one of them too quiet and one with long silence.
const SOURCES: [&str; 6] = [
    "general_welcome.flac",
    "general_support.m4a",
    "option_repeat.mp3",
    "confirmed.opus",
    "invalid_selection.wav",
    "no_input.wav",
];

#[test]
fn compiled_prompts_are_what_telephony_wants_by_other_programs() {
    if std::env::var_os("TRUNKLINE_TEST_FFMPEG").is_none() {
        println!("skipped: set TRUNKLINE_TEST_FFMPEG=1 where ffmpeg and sox are installed");
        return;
    }
    let workshop = Workshop::new();
    let mut lines = Vec::new();
    for (at, name) in SOURCES.iter().enumerate() {
        workshop.source(name, recording(name));
        let encoding = if at % 2 == 0 { "ulaw" } else { "alaw" };
        lines.push(format!(
            "id = \"p{at}\"\nfile = \"{name}\"\nencoding = \"{encoding}\""
        ));
    }
    workshop.manifest("", &lines.iter().map(String::as_str).collect::<Vec<_>>());
    let (code, report) = workshop.build(&[]);
    assert_eq!(code, 0, "{report}");
    let folder = workshop.center.folder.path().join("built/prompts/compiled");
    for (at, prompt) in report["prompts"].as_array().unwrap().iter().enumerate() {
        let part = &prompt["parts"][0];
        let file = folder.join(format!("{}.wav", part["compiledSha256"].as_str().unwrap()));
        let (ffmpeg, sox) = if at % 2 == 0 {
            ("pcm_mulaw", "u-law")
        } else {
            ("pcm_alaw", "A-law")
        };
        assert_eq!(probed(&file), format!("{ffmpeg},8000,1"), "{}", SOURCES[at]);
        assert_eq!(soxi(&file), format!("8-bit {sox},8000,1"), "{}", SOURCES[at]);
        let (lufs, peak) = metered(&file);
        let ours = part["loudnessLufs"].as_f64().unwrap();
        assert!(
            (lufs - ours).abs() < 0.5 && (lufs + 19.0).abs() < 0.5,
            "{}: {lufs} and {ours}",
            SOURCES[at]
        );
        assert!(peak <= -1.9, "{}: {peak} dBFS", SOURCES[at]);
    }
}

fn probed(file: &Path) -> String {
    let what = [
        "-v",
        "error",
        "-show_entries",
        "stream=codec_name,sample_rate,channels",
        "-of",
        "csv=p=0",
    ];
    said("ffprobe", &what, file).trim().to_owned()
}

fn soxi(file: &Path) -> String {
    let asked = ["-e", "-r", "-c"].map(|what| said("soxi", &[what], file).trim().to_owned());
    let bits = said("soxi", &["-b"], file);
    format!("{}-bit {},{},{}", bits.trim(), asked[0], asked[1], asked[2])
}

/// Integrated loudness and true peak by ffmpeg's meter, which says both at its end.
fn metered(file: &Path) -> (f64, f64) {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-i"])
        .arg(file)
        .args(["-af", "ebur128=peak=true", "-f", "null", "-"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = |name: &str| {
        let (_, after) = text.rsplit_once(name).unwrap_or_else(|| panic!("{text}"));
        after.split_whitespace().next().unwrap().parse().unwrap()
    };
    (last("I:"), last("Peak:"))
}

fn said(program: &str, arguments: &[&str], file: &Path) -> String {
    let output = Command::new(program).args(arguments).arg(file).output().unwrap();
    assert!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}
