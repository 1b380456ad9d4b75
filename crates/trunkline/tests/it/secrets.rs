//! What callers type after a sensitive prompt reaches the menu and nothing else.

use crate::support::{run, stderr, stdout, trunkline};
use serde_json::Value;
use std::{fs, path::Path};

const TENANT: &str = r#"
sensitivePrompts = ["enter_pin"]
[[client]]
id = "c"
scopes = "all"
[announcements]
apology = "confirmed"
operator = "ext:operator"
operatorGreeting = "confirmed"
agentGreeting = "confirmed"
"#;

const MENU: &str = r##"
name = "Vault"
operator = "ext:operator"
[settings]
invalid_prompt = "confirmed"
no_input_prompt = "confirmed"
operator_prompt = "confirmed"
sensitive_prompts = ["enter_pin"]
[[entry]]
menu = "pin"
[menu.pin]
prompts = ["enter_pin"]
[[menu.pin.option]]
key = "#"
confirmation = "confirmed"
action = { transfer = "ext:vault" }
[[menu.pin.option]]
key = "1"
action = "operator"
"##;

/// The tenant, its prompts and the menu. Keys that are `#` are found in no other text that the program writes.
fn write_files(folder: &Path) {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/prompts");
    let prompts = folder.join("prompts");
    fs::create_dir(&prompts).unwrap();
    for (prompt, sound) in [("enter_pin", "general_welcome"), ("confirmed", "confirmed")] {
        fs::copy(
            demo.join(sound).with_extension("wav"),
            prompts.join(prompt).with_extension("wav"),
        )
        .unwrap();
    }
    fs::write(folder.join("tenant.toml"), TENANT).unwrap();
    fs::write(folder.join("menu.toml"), MENU).unwrap();
}

/// Every file below a folder that is not a prompt or the menu itself.
fn written(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(written(&path));
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    found
}

#[test]
fn a_secret_key_opens_the_vault_and_is_written_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path());
    let output = trunkline(folder.path())
        .args([
            "-vv",
            "--json",
            "menu",
            "call",
            "menu.toml",
            "--tenant",
            "tenant.toml",
        ])
        .args(["--data-dir", "data", "--do", "press # 200ms into enter_pin"])
        .output()
        .unwrap();
    let (told, logged) = (stdout(&output), stderr(&output));
    assert_eq!(output.status.code(), Some(0), "{logged}");
    let story: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(story["call"]["transferredTo"], "ext:vault");

    let timeline = story["call"]["timeline"].as_array().unwrap();
    let digits = |what: &str| -> Vec<&Value> {
        let those = timeline.iter().filter(|moment| moment["what"] == what);
        those.map(|moment| &moment["digit"]).collect()
    };
    assert_eq!(digits("key_pressed"), ["masked"]);
    assert_eq!(digits("cut_off"), ["masked"]);
    let audit = story["audit"].as_array().unwrap();
    let key = audit.iter().find(|entry| entry["action"] == "menu.key").unwrap();
    assert_eq!(
        (key["detail"]["digit"].as_str(), key["detail"]["meaning"].as_str(),),
        (Some("masked"), Some("option"))
    );

    assert!(logged.contains("TRACE") && !logged.contains('#'), "{logged}");
    assert!(!told.contains('#'), "{told}");
    let data = folder.path().join("data");
    let export = ["audit", "export", "--data-dir", "data"];
    let kept = stdout(&run(folder.path(), &export));
    assert!(
        kept.contains(r#""digit":"masked""#) && !kept.contains('#'),
        "{kept}"
    );
    for (path, bytes) in written(&data) {
        let digit = br##""digit":"#""##;
        assert!(
            !bytes.windows(digit.len()).any(|window| window == digit),
            "{path}"
        );
    }
    silent_caller(&data.join("recordings"));
}

/// No key is to be heard in the recording: whoever has it could tell the tones apart.
fn silent_caller(recordings: &Path) {
    let file = fs::read_dir(recordings).unwrap().next().unwrap().unwrap();
    let [heard, said] = audio::wav::read_recording(&fs::read(file.path()).unwrap()).unwrap();
    let loudest = |samples: &[f32]| {
        samples
            .iter()
            .fold(0.0_f32, |most, sample| most.max(sample.abs()))
    };
    assert!(loudest(&heard) > 0.1);
    assert!(loudest(&said) < 0.001, "{}", loudest(&said));
}
