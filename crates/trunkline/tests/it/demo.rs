//! `trunkline demo`, and what can be heard in its recordings.

use crate::support::{run, stderr, stdout};
use audio::{TELEPHONY_RATE, matching, wav};
use serde_json::{Value, json};
use std::{collections::HashSet, fs, path::Path};

/// What each caller hears, in order; the ones with a key are cut off by it.
const HEARD: [&[&str]; 3] = [
    &["premium_priority", "confirmed", "agent_greeting"],
    &[
        "general_welcome",
        "general_support",
        "selection_confirmed",
        "agent_greeting",
    ],
    &[
        "general_welcome",
        "general_support",
        "invalid_selection",
        "general_welcome",
        "general_support",
        "option_hours",
        "option_billing",
        "option_repeat",
        "general_operator",
        "no_input",
        "general_welcome",
        "transferring",
        "operator_greeting",
    ],
];

#[test]
fn the_recordings_hold_the_right_prompts_in_the_right_order() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["--json", "demo"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}{}",
        stdout(&output),
        stderr(&output)
    );
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(report["faults"], 0);
    assert_eq!(report["prompts"]["failed"], 0);
    assert_eq!(report["prompts"]["platform"]["uploaded"], 13);
    assert_eq!(report["followUp"]["completed"]["state"], "completed");
    let rules = report["followUp"]["calls"].as_array().unwrap().iter();
    let rules = rules.map(|call| {
        call["followUp"]["judged"]["verdict"]["reason"]["rule"]
            .as_str()
            .unwrap()
    });
    assert_eq!(rules.collect::<Vec<_>>(), ["unhappy", "happy", "not-happy"]);
    check_conversations(folder.path(), &report["conversations"]);
    for (call, heard) in report["calls"].as_array().unwrap().iter().zip(HEARD) {
        let path = call["call"]["recording"]["path"].as_str().unwrap();
        let [ear, _] = wav::read_recording(&fs::read(folder.path().join(path)).unwrap()).unwrap();
        check_order(&ear, heard, |prompt| sound(folder.path(), &report, prompt));
        check_cut_offs(&ear, call);
    }
}

/// Resolved, escalated, and not as expected; all three in the file with what was said, each change once, and counted.
fn check_conversations(folder: &Path, report: &Value) {
    assert_eq!(report["faults"], json!([]));
    let scenarios = report["scenarios"].as_array().unwrap().iter();
    let outcomes = scenarios.map(|scenario| {
        let run = &scenario["runs"][0];
        assert_eq!(run["isClosed"], true, "{scenario:#}");
        json!([run["verdict"], run["resolved"], run["escalated"]])
    });
    let wanted = [
        json!(["passed", true, false]),
        json!(["passed", false, true]),
        json!(["failed", false, false]),
    ];
    assert_eq!(outcomes.collect::<Vec<_>>(), wanted);
    let total = &report["report"];
    assert_eq!(
        json!([total["conversations"], total["resolved"], total["escalated"]]),
        json!([3, 1, 1])
    );
    let text = fs::read_to_string(folder.join("trunkline-data/conversations.jsonl")).unwrap();
    let changes: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(report["synced"]["changes"], changes.len());
    let ids: HashSet<&str> = changes
        .iter()
        .map(|change| change["changeId"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), changes.len());
    for scenario in report["scenarios"].as_array().unwrap() {
        let run = &scenario["runs"][0];
        let mut of_run = changes
            .iter()
            .filter(|change| change["conversation"]["id"] == run["conversation"]);
        let mut turns = run["turns"].as_array().unwrap().iter();
        let said = turns.find_map(|turn| turn["sent"][0]["text"].as_str()).unwrap();
        assert!(
            of_run.any(|change| change["interactions"].to_string().contains(said)),
            "{said}"
        );
    }
}

/// What callers are to hear: what was compiled, or the library's prompt where nothing is.
fn sound(folder: &Path, report: &Value, prompt: &str) -> Vec<f32> {
    let built = report["prompts"]["prompts"].as_array().unwrap().iter();
    let mut built = built.filter(|built| built["prompt"] == prompt);
    let file = match built.next() {
        Some(built) => {
            let sha256 = built["parts"][0]["compiledSha256"].as_str().unwrap();
            folder.join(format!("trunkline-data/prompts/compiled/{sha256}.wav"))
        }
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../demo/prompts/{prompt}.wav")),
    };
    let law = audio::Law::Mu;
    law.decode_all(&law.encode_all(&audio::decode(fs::read(file).unwrap()).unwrap().samples))
}

fn check_order(ear: &[f32], heard: &[&str], sound: impl Fn(&str) -> Vec<f32>) {
    let mut from = 0;
    for prompt in heard {
        let sound = sound(prompt);
        let found = matching::find(&ear[from..], &sound).unwrap();
        assert!(found.score > 0.95, "{prompt} after {from}: {found:?}");
        // The very samples: another version of the prompt has another level.
        let (begin, length) = (from + found.at, found.heard.min(sound.len()));
        let differs = ear[begin..begin + length]
            .iter()
            .zip(&sound)
            .filter(|(a, b)| a != b)
            .count();
        assert!(
            differs * 20 < length,
            "{prompt}: {differs} of {length} samples are others"
        );
        from += found.at + found.heard;
    }
}

/// After every key the prompt is gone within 40 ms, in the samples that the caller heard.
fn check_cut_offs(ear: &[f32], call: &Value) {
    let timeline = call["call"]["timeline"].as_array().unwrap();
    let at_ms = |moment: &Value| moment["atMs"].as_f64().unwrap();
    let placed_to_answer = timeline
        .iter()
        .find(|moment| moment["what"] == "answered")
        .map(at_ms)
        .unwrap();
    let keys = timeline.iter().filter(|moment| moment["what"] == "key_pressed");
    let mut count = 0;
    for key_ms in keys.map(at_ms) {
        let sample = |ms: f64| (ms * f64::from(TELEPHONY_RATE) / 1000.0) as usize;
        // The recording begins with the first frame after the answer.
        let pressed = sample(key_ms - placed_to_answer);
        let loud = |range: std::ops::Range<usize>| ear[range].iter().any(|sample| sample.abs() > 0.01);
        assert!(
            loud(pressed.saturating_sub(sample(400.0))..pressed),
            "nothing was heard before the key"
        );
        // The next prompt comes only after the key is up again, 120 ms later.
        assert!(
            !loud(pressed + sample(40.0)..pressed + sample(100.0)),
            "the prompt went on after the key"
        );
        count += 1;
    }
    assert!(count > 0);
}
