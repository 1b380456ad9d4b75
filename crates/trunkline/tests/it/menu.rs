//! `menu check`, `menu graph`, `menu call`.

use crate::support::{Center, run, stderr, stdout};
use std::fs;

const FAULTY: &str = r#"
name = "Faulty"
operator = "ext:operator"
[[entry]]
when = 'profile.level ='
menu = "main"
[[entry]]
menu = "main"
[menu.main]
promts = ["general_welcome"]
[[menu.main.option]]
key = "1"
prompt = "nosuch"
action = "repeat"
[[menu.main.option]]
key = "1"
action = { transfer = "ext:support" }
[menu.lost]
[[menu.lost.option]]
key = "1"
action = "operator"
"#;

#[test]
fn check_reports_every_fault_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("menu.toml"), FAULTY).unwrap();
    let output = run(folder.path(), &["menu", "check", "menu.toml"]);
    assert_eq!(output.status.code(), Some(1));
    let places: Vec<String> = stdout(&output)
        .lines()
        .filter(|line| line.starts_with("menu.toml:"))
        .map(|line| line.splitn(4, ':').take(2).collect::<Vec<_>>().join(":"))
        .collect();
    assert_eq!(
        places,
        [
            "menu.toml:5",
            "menu.toml:10",
            "menu.toml:13",
            "menu.toml:16",
            "menu.toml:18"
        ],
        "{}",
        stdout(&output)
    );
    for said in [
        "the condition",
        "did you mean `prompts`",
        "no prompt `nosuch`",
        "used already in line 12",
        "lost",
    ] {
        assert!(stdout(&output).contains(said), "{said}: {}", stdout(&output));
    }
}

#[test]
fn a_file_that_can_not_be_read_is_a_fault_and_the_others_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("menu.toml"), FAULTY).unwrap();
    let output = run(folder.path(), &["menu", "check", "no.toml", "menu.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stdout(&output).contains("no.toml: the menu file no.toml can't be read"),
        "{}",
        stdout(&output)
    );
    assert!(stdout(&output).contains("menu.toml:5:"), "{}", stdout(&output));
}

#[test]
fn check_is_json_for_programs() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("menu.toml"), FAULTY).unwrap();
    let output = run(folder.path(), &["--json", "menu", "check", "menu.toml"]);
    let found: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(found["files"][0]["faults"].as_array().unwrap().len(), 5);
}

#[test]
fn prompts_are_looked_for_beside_the_menu_or_where_the_user_says() {
    let folder = tempfile::tempdir().unwrap();
    let menu = "name = \"x\"\noperator = \"ext:o\"\n[settings]\ninvalid_prompt = \"hi\"\nno_input_prompt = \"hi\"\n\
        operator_prompt = \"hi\"\n[[entry]]\nmenu = \"m\"\n[menu.m]\nprompts = [\"hi\"]\n[[menu.m.option]]\nkey = \"1\"\n\
        action = \"operator\"\n";
    fs::write(folder.path().join("menu.toml"), menu).unwrap();
    assert_eq!(
        run(folder.path(), &["menu", "check", "menu.toml"]).status.code(),
        Some(1)
    );
    fs::create_dir(folder.path().join("prompts")).unwrap();
    fs::write(folder.path().join("prompts/hi.wav"), "").unwrap();
    let output = run(folder.path(), &["menu", "check", "menu.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    fs::create_dir(folder.path().join("empty")).unwrap();
    let output = run(
        folder.path(),
        &["menu", "check", "menu.toml", "--prompts", "empty"],
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_demo_menu_has_no_faults_and_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/menu.toml");
    let output = run(folder.path(), &["menu", "check", demo]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}{}",
        stdout(&output),
        stderr(&output)
    );
    let graph = stdout(&run(folder.path(), &["menu", "graph"]));
    insta::assert_snapshot!("demo_menu", graph);
}

#[test]
fn call_runs_on_a_center_of_its_own_and_keeps_the_recording() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(
        folder.path(),
        &[
            "--json",
            "menu",
            "call",
            "--do",
            "press 1 200ms into general_welcome",
            "--recording",
            "call.wav",
        ],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(told["call"]["transferredTo"], "ext:transfer_support");
    let [heard, said] =
        audio::wav::read_recording(&fs::read(folder.path().join("call.wav")).unwrap()).unwrap();
    assert_eq!(heard.len(), said.len());
    assert!(heard.len() as u64 >= 8000 * 3, "{} samples", heard.len());
}

#[test]
fn call_runs_on_a_running_center_and_the_caller_can_speak() {
    let center = Center::start(&[]);
    let hello = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/speech/caller-hello.wav");
    let say = format!("say {hello} after 0s");
    let mut command = center.client(&[
        "--json",
        "menu",
        "call",
        "--codec",
        "pcma",
        "--recording",
        "call.wav",
    ]);
    let output = command
        .args(["--do", &say, "--do", "hang up after 3.2s"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let recording = fs::read(center.folder.path().join("call.wav")).unwrap();
    let [_, said] = audio::wav::read_recording(&recording).unwrap();
    let hello = audio::decode(fs::read(hello).unwrap()).unwrap();
    let found = audio::matching::find(&said, &hello.samples).unwrap();
    assert!(found.score > 0.95 && found.at_ms() < 100.0, "{found:?}");
}

#[test]
fn a_slow_profile_service_does_not_keep_the_caller_in_silence() {
    let center = Center::start(&[]);
    center.admin(
        "POST",
        "/center/v1/faults",
        r#"{"path": "/api/v2/profiles", "delayMs": 3000, "times": 10}"#,
    );
    let mut command = center.client(&["--json", "menu", "call", "--external-id", "CRM-USER-98765"]);
    let output = command
        .args(["--do", "hang up 500ms into general_welcome"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    let timeline = told["call"]["timeline"].as_array().unwrap();
    let at = |what: &str| {
        timeline.iter().find(|m| m["what"] == what).unwrap()["atMs"]
            .as_f64()
            .unwrap()
    };
    let silence_ms = at("prompt_started") - at("answered");
    assert!((800.0..1300.0).contains(&silence_ms), "{silence_ms}");
    // The reason is on record, in the log that stays.
    let output = run(
        center.folder.path(),
        &["--json", "audit", "list", "--action", "menu.profile"],
    );
    let kept: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(kept["entries"][0]["detail"]["outcome"], "timed_out", "{kept}");
}

#[test]
fn call_on_a_running_center_names_what_the_environment_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["menu", "call", "--center", "http://127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("CLIENT_ID is not set"),
        "{}",
        stderr(&output)
    );
}
