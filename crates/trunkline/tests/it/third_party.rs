//! A client in another language, written from the contract alone, against the real binary.
//!
//! Runs only with `TRUNKLINE_TEST_NODE=1`, after `npm ci` in `tests/third-party/node`.

use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// How long the center may take until it serves.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// A center of its own, which ends with the test however the test ends.
struct Served {
    process: Child,
    environment: Vec<(String, String)>,
    _home: tempfile::TempDir,
}

impl Served {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let env_file = home.path().join("center.env");
        let process = Command::new(env!("CARGO_BIN_EXE_trunkline"))
            .args(["center", "--listen", "127.0.0.1:0", "--env-file"])
            .arg(&env_file)
            .arg("--data-dir")
            .arg(home.path().join("data"))
            .current_dir(home.path())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // From here on the process is ended even by a panic.
        let mut served = Self {
            process,
            environment: Vec::new(),
            _home: home,
        };
        served.environment = served.wait_for(&env_file);
        served
    }

    fn wait_for(&mut self, env_file: &Path) -> Vec<(String, String)> {
        let begun = Instant::now();
        while !env_file.exists() {
            let ended = self.process.try_wait().unwrap();
            assert!(ended.is_none(), "the center ended before it served: {ended:?}");
            assert!(begun.elapsed() < START_PATIENCE, "the center does not serve");
            sleep(Duration::from_millis(20));
        }
        dotenvy::from_path_iter(env_file)
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn is_wanted() -> bool {
    let wanted = std::env::var("TRUNKLINE_TEST_NODE").is_ok_and(|value| value == "1");
    if !wanted {
        println!("skipped: set TRUNKLINE_TEST_NODE=1, after `npm ci` in tests/third-party/node");
    }
    wanted
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/third-party/node")
}

fn drive_call(center: &Served, changes: &[(&str, &str)]) -> Output {
    node("drive-call.mjs", center, changes)
}

/// Runs a client, which gives up by itself after 20 s.
fn node(script: &str, center: &Served, changes: &[(&str, &str)]) -> Output {
    let folder = folder();
    assert!(
        folder.join("node_modules/ws").exists(),
        "the client's packages are not there: run `npm ci` in tests/third-party/node"
    );
    Command::new("node")
        .arg(script)
        .current_dir(folder)
        .env_remove("CALL_ID")
        .envs(center.environment.iter().cloned())
        .envs(changes.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn events(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_client_in_node_drives_the_call_and_can_do_so_again() {
    if !is_wanted() {
        return;
    }
    let center = Served::start();
    for run in 1..=2 {
        let output = drive_call(&center, &[]);
        let told = String::from_utf8_lossy(&output.stderr);
        let events = events(&output);
        assert_eq!(output.status.code(), Some(0), "run {run}: {told}\n{events:#?}");
        let place = |wanted: Value| {
            let wanted = wanted.as_object().unwrap();
            let is_wanted = |event: &Value| wanted.iter().all(|(field, value)| &event[field] == value);
            let found = events.iter().position(is_wanted);
            found.unwrap_or_else(|| panic!("run {run}: no {wanted:?} in {events:#?}"))
        };
        let story = [
            place(json!({"event": "connected"})),
            place(json!({"event": "playback_started", "commandId": "general_welcome"})),
            place(json!({"event": "playback_started", "commandId": "general_support"})),
            place(
                json!({"event": "playback_finished", "commandId": "general_support", "reason": "interrupted"}),
            ),
            place(json!({"event": "playback_finished", "commandId": "confirmed", "reason": "completed"})),
            place(json!({"event": "transferred", "target": "ext:transfer_premium"})),
        ];
        place(json!({"event": "dtmf"}));
        assert!(story.is_sorted(), "run {run}: {events:#?}");
    }
}

#[test]
fn a_client_in_node_is_told_why_it_is_refused() {
    if !is_wanted() {
        return;
    }
    let center = Served::start();
    let refused = [
        ("GENESYS_CLIENT_SECRET", "not-the-secret", "invalid_client"),
        ("CALL_ID", "no-such-call", "no-such-call"),
        (
            "AUDIO_BASE_URL",
            "http://127.0.0.1:9/audio",
            "could not be played",
        ),
    ];
    for (name, value, reason) in refused {
        let output = drive_call(&center, &[(name, value)]);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {told}");
        assert!(told.contains(reason), "{name}: {told}");
    }
}

#[test]
fn a_client_in_node_has_recordings_compiled_and_verifies_the_callback() {
    if !is_wanted() {
        return;
    }
    let center = Served::start();
    let recordings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/recordings");
    for (name, encoding) in [
        ("transferring.wav", "ulaw"),
        ("selection_confirmed.aac", "alaw"),
        ("option_repeat.mp3", "ulaw"),
    ] {
        let recording = recordings.join(name).canonicalize().unwrap();
        let changes = [("RECORDING", recording.to_str().unwrap()), ("ENCODING", encoding)];
        let output = node("compile-prompt.mjs", &center, &changes);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{name}: {told}");
        let seen = events(&output).remove(0);
        assert_eq!(seen["result"]["encoding"], encoding, "{seen:#}");
        let loudness = seen["result"]["loudnessLufs"].as_f64().unwrap();
        assert!((loudness + 19.0).abs() < 0.5, "{seen:#}");
    }
}

#[test]
fn a_client_in_node_refuses_a_callback_that_is_signed_by_another() {
    if !is_wanted() {
        return;
    }
    let center = Served::start();
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/recordings/transferring.wav");
    let changes = [
        ("RECORDING", recording.to_str().unwrap()),
        (
            "TRUNKLINE_WEBHOOK_SECRET",
            "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ),
    ];
    let output = node("compile-prompt.mjs", &center, &changes);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("a callback is refused"), "{told}");
}

#[test]
fn a_client_in_node_steers_playbacks_and_meets_every_refusal() {
    if !is_wanted() {
        return;
    }
    let center = Served::start();
    let output = node("playback.mjs", &center, &[]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let seen = events(&output).remove(0);
    assert_eq!(seen["completed"]["playbackState"], "completed", "{seen:#}");
    // Five a second is what a client may create.
    assert!(seen["burst"]["created"].as_u64().unwrap() <= 5, "{seen:#}");
    assert!(seen["faults"].as_array().unwrap().len() >= 9, "{seen:#}");
}

/// Its types are checked, and it is made plain JavaScript, by the compiler that `npm ci` brought.
#[test]
fn a_client_in_typescript_holds_conversations_and_meets_every_refusal() {
    if !is_wanted() {
        return;
    }
    let compiler = Command::new("node")
        .arg("node_modules/typescript/bin/tsc")
        .current_dir(folder())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&compiler.stdout);
    assert!(compiler.status.success(), "{told}");
    let center = Served::start();
    let output = node("dist/conversation.js", &center, &[]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let seen = events(&output).remove(0);
    assert_eq!(seen["analytics"]["resolved"], 1, "{seen:#}");
    // All that it created, each at least once.
    assert!(seen["listed"].as_u64().unwrap() >= 35, "{seen:#}");
}
