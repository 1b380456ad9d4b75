//! `trunkline play`: the real binary, on a center in its process or beside it.

mod line;
mod steered;

use crate::{
    service::quick_tenant,
    support::{json, redact, run, stderr, stdout},
};
use audio::{TELEPHONY_RATE, matching};
use serde_json::Value;
use std::{fs, path::Path};

const PROMPT: &str = "prompt-main-menu-en";
/// How often a test plays until no frame was late.
const MOST_TIMES: u32 = 5;

/// A folder with a tenant that has few prompts, this one among them.
fn quick_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tenant.toml"), quick_tenant(folder.path())).unwrap();
    let name = format!("{PROMPT}.wav");
    fs::copy(
        demo_prompts().join(&name),
        folder.path().join("prompts").join(&name),
    )
    .unwrap();
    folder
}

fn demo_prompts() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/prompts")
}

/// A file's sound as a telephone has it.
fn sound(path: &Path) -> Vec<f32> {
    let sound = audio::decode(fs::read(path).unwrap()).unwrap();
    sound.resampled(TELEPHONY_RATE).samples
}

#[test]
fn a_dry_run_prints_the_directive_and_asks_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let words = [
        "play",
        "some-prompt",
        "--codec",
        "opus",
        "--gain",
        "0.8",
        "--peak",
        "0.95",
        "--ratio",
        "0.7",
        "--barge-in",
        "voice",
        "--cutoff",
        "drain",
        "--trim",
        "300",
        "--max-streams",
        "50",
        "--to",
        "rtp://192.0.2.7:4000",
        "--platform",
        "http://127.0.0.1:9",
        "--dry-run",
    ];
    let mut directive: Value = serde_json::from_str(&stdout(&run(folder.path(), &words))).unwrap();
    redact(&mut directive, &["sessionId", "timestamp"]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&directive).unwrap(), @r#"
    {
      "destination": {
        "dtmfPayloadType": 101,
        "payloadType": 111,
        "rtpUrl": "rtp://192.0.2.7:4000"
      },
      "playbackConfig": {
        "bufferPreload": true,
        "codecPreference": "OPUS",
        "formatVerification": true,
        "interruptibility": {
          "allowDTMF": false,
          "allowVoice": true,
          "cutoffBehavior": "drain"
        },
        "silenceTrimMs": 300,
        "volumeMatrix": {
          "baseGain": 0.8,
          "compressionRatio": 0.7,
          "peakLimit": 0.95
        }
      },
      "promptId": "some-prompt",
      "sessionId": "[sessionId]",
      "sessionMetadata": {
        "createdVia": "trunkline play",
        "maxConcurrentStreams": 50,
        "timestamp": "[timestamp]"
      }
    }
    "#);
    assert_eq!(json(folder.path(), &words)["promptId"], "some-prompt");
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "it left something behind"
    );
}

#[test]
fn faults_are_told_all_at_once_and_are_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let words = [
        "play",
        "p",
        "--codec",
        "mp3",
        "--gain",
        "2",
        "--trim",
        "299",
        "--max-streams",
        "51",
    ];
    let output = run(folder.path(), &words);
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(stderr(&output), @r#"
    error: --gain must be 0.0 to 1.0, not 2
    error: --codec must be one of g711u, g711a, g729, opus, not "MP3"
    error: --trim must be 300 to 10000, not 299
    error: --max-streams must be 1 to 50, not 51
    "#);
    let output = run(folder.path(), &[&["--json"], &words[..]].concat());
    assert_eq!(output.status.code(), Some(2));
    let told: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(told["causes"].as_array().unwrap().len(), 4, "{told:#}");
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "it left something behind"
    );
}

/// What came of playing, once no frame was late: a machine that is busy with other tests may be.
fn on_time(folder: &Path, words: &[&str]) -> Value {
    for _ in 0..MOST_TIMES {
        let told = json(folder, words);
        if told["session"]["underruns"] == 0 {
            return told;
        }
    }
    panic!("frames were late {MOST_TIMES} times")
}

#[test]
fn what_is_heard_is_the_prompt_from_its_beginning_to_its_end() {
    for codec in ["g711u", "g711a", "opus"] {
        let folder = quick_folder();
        let words = [
            "play",
            PROMPT,
            "--tenant",
            "tenant.toml",
            "--codec",
            codec,
            "--wav",
            "heard.wav",
        ];
        let told = on_time(folder.path(), &words);
        assert_eq!(told["outcome"], "completed", "{told:#}");
        assert_eq!(told["session"]["playbackState"], "completed");
        assert_eq!(told["heard"]["lost"], 0, "{told:#}");
        assert_eq!(told["heard"]["packets"], told["session"]["framesSent"]);
        assert_ne!(told["stability"]["stable"], 0);

        let prompt = sound(&demo_prompts().join(format!("{PROMPT}.wav")));
        let found = matching::find(&sound(&folder.path().join("heard.wav")), &prompt).unwrap();
        let length = prompt.len() as f64 / 8.0;
        assert!(found.score > 0.9, "{codec}: {found:?}");
        assert!(found.at_ms() < 25.0, "{codec}: it begins late: {found:?}");
        assert!(
            found.heard_ms() > length - 60.0,
            "{codec}: {found:?} of {length} ms"
        );
    }
}

#[test]
fn a_prompt_that_is_not_there_is_told() {
    let folder = quick_folder();
    let output = run(
        folder.path(),
        &["play", "no-such-prompt", "--tenant", "tenant.toml"],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("no-such-prompt"), "{}", stderr(&output));
}

#[test]
fn without_a_destination_it_plays_in_real_time_to_nobody() {
    let folder = quick_folder();
    let output = run(folder.path(), &["play", PROMPT, "--tenant", "tenant.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = stdout(&output);
    assert!(
        told.starts_with("completed; ") && told.contains(" played of 5.4 s, "),
        "{told}"
    );
    let audit = json(folder.path(), &["audit", "list"]);
    let actions: Vec<&str> = audit["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["action"].as_str())
        .collect();
    for action in ["play.started", "play.over"] {
        assert!(actions.contains(&action), "{actions:?}");
    }
    let verified = run(folder.path(), &["audit", "verify"]);
    assert!(verified.status.success(), "{}", stdout(&verified));
}
