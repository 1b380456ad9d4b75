//! `trunkline prompts build`, `status` and `play`, against a center in a process of its own.

mod faults;
mod outside;
mod sounds;

use crate::support::{Center, stderr, stdout};
use serde_json::{Value, json};
pub(crate) use sounds::speech;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Output,
    time::{Duration, SystemTime},
};

/// A center, and a folder of prompts that are built on it.
pub(crate) struct Workshop {
    pub(crate) center: Center,
}

impl Workshop {
    pub(crate) fn new() -> Self {
        let workshop = Self {
            center: Center::start(&["--limits", "off"]),
        };
        fs::create_dir(workshop.folder()).unwrap();
        workshop
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.center.folder.path().join("ivr")
    }

    /// A source that is long since written.
    pub(crate) fn source(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.folder().join(name);
        fs::write(&path, bytes).unwrap();
        age(&path);
    }

    /// A prompts file with a prompt for each of these lines, and more of the file before them.
    pub(crate) fn manifest(&self, head: &str, prompts: &[&str]) {
        let prompts: Vec<String> = prompts
            .iter()
            .map(|prompt| format!("[[prompt]]\n{prompt}\n"))
            .collect();
        let text = format!("flow = \"your-flow-id\"\n{head}\n{}", prompts.concat());
        fs::write(self.folder().join("prompts.toml"), text).unwrap();
    }

    pub(crate) fn prompts(&self, args: &[&str]) -> Output {
        let place = ["ivr/prompts.toml", "--data-dir", "built"];
        let mut command = self
            .center
            .client(&[&["--json", "prompts"], args, &place].concat());
        command.output().unwrap()
    }

    /// Builds; gives the exit code and the report.
    pub(crate) fn build(&self, more: &[&str]) -> (i32, Value) {
        let output = self.prompts(&[&["build"], more].concat());
        let report = serde_json::from_str(&stdout(&output));
        (
            output.status.code().unwrap(),
            report.unwrap_or_else(|_| panic!("{}{}", stdout(&output), stderr(&output))),
        )
    }

    /// The states of a build or of `status`, by prompt, with what is said besides.
    pub(crate) fn states(report: &Value) -> BTreeMap<String, String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let prompts = report["prompts"].as_array().unwrap().iter();
        let state = |prompt: &Value| match text(&prompt["why"]) {
            why if why.is_empty() => text(&prompt["state"]),
            why => format!("{}: {why}", text(&prompt["state"])),
        };
        prompts
            .map(|prompt| (text(&prompt["prompt"]), state(prompt)))
            .collect()
    }
}

/// Sets a file's time back: one that was written just now is read again to be sure.
pub(crate) fn age(path: &Path) {
    let old = SystemTime::now() - Duration::from_secs(60);
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(old)
        .unwrap();
}

fn recording(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/recordings");
    fs::read(folder.join(name)).unwrap()
}

#[test]
fn only_what_changed_is_built_again() {
    let workshop = Workshop::new();
    workshop.source("a.flac", recording("general_welcome.flac"));
    workshop.source("b.wav", speech(2, 8000, 2.0));
    workshop.source("c.wav", speech(3, 44100, 1.5));
    let lines = [
        "id = \"a\"\nfile = \"a.flac\"",
        "id = \"b\"\nfile = \"b.wav\"",
        "id = \"c\"\nfile = \"c.wav\"",
    ];
    workshop.manifest("", &lines);
    let (code, report) = workshop.build(&[]);
    assert_eq!(code, 0, "{report}");
    assert!(
        Workshop::states(&report).values().all(|state| state == "built"),
        "{report}"
    );
    assert_eq!(
        (&report["platform"]["uploaded"], &report["platform"]["jobs"]),
        (&json!(3), &json!(1))
    );
    for prompt in report["prompts"].as_array().unwrap() {
        let lufs = prompt["parts"][0]["loudnessLufs"].as_f64().unwrap();
        assert!((lufs + 19.0).abs() < 0.5, "{prompt}");
    }

    let nothing = json!({"uploaded": 0, "uploadedBytes": 0, "uploadedInVain": 0, "reused": 0, "jobs": 0});
    let (code, report) = workshop.build(&[]);
    assert_eq!((code, &report["platform"]), (0, &nothing), "{report}");
    // Written again with the same in it; another one is changed.
    workshop.source("b.wav", speech(2, 8000, 2.0));
    workshop.source("c.wav", speech(4, 44100, 1.5));
    let status = workshop.prompts(&["status"]);
    let status = Workshop::states(&serde_json::from_str(&stdout(&status)).unwrap());
    assert_eq!(
        [&*status["a"], &status["b"], &status["c"]],
        ["ready", "ready", "changed"]
    );
    let (code, report) = workshop.build(&[]);
    let states = Workshop::states(&report);
    assert_eq!(
        (code, [&*states["a"], &states["b"], &states["c"]]),
        (0, ["unchanged", "unchanged", "built"])
    );

    // Other options are another prompt; what the platform lost is built from what it has.
    workshop.manifest("encoding = \"alaw\"", &lines[..1]);
    let (code, report) = workshop.build(&[]);
    assert_eq!((code, &report["platform"]["reused"]), (0, &json!(1)), "{report}");
    assert_eq!(report["prompts"][0]["parts"][0]["encoding"], "alaw");
    assert_eq!(report["leftOver"], json!(["b", "c"]));
}

#[test]
fn one_bad_prompt_holds_up_no_other() {
    let workshop = Workshop::new();
    workshop.source("good.wav", speech(1, 16000, 1.0));
    workshop.source("page.mp3", "<!DOCTYPE html><title>404</title>");
    workshop.source("empty.wav", "");
    workshop.source("cut.wav", &recording("premium_priority.wav")[..60_000]);
    workshop.source("long-enough.wav", speech(5, 48000, 0.5));
    #[cfg(unix)]
    std::os::unix::fs::symlink("good.wav", workshop.folder().join("link.wav")).unwrap();
    let prompt = |id: &str, file: &str| format!("id = \"{id}\"\nfile = \"{file}\"");
    let lines = [
        prompt("good", "good.wav"),
        prompt("page", "page.mp3"),
        prompt("empty", "empty.wav"),
        prompt("cut", "cut.wav"),
        prompt("none", "none.wav"),
        prompt("link", "link.wav"),
        prompt("folder", "."),
        format!("{}\nconvert = false", prompt("strict", "long-enough.wav")),
        format!("{}\nnode = \"n\"", prompt("tied-1", "good.wav")),
        format!("{}\nnode = \"n\"", prompt("tied-2", "good.wav")),
        format!("{}\nnode = \"m\"", prompt("lower", "good.wav")),
        format!(
            "{}\nnode = \"m\"\npriority = \"high\"",
            prompt("higher", "good.wav")
        ),
        "id = \"said\"\ntext = \"Hello\"".to_owned(),
    ];
    workshop.manifest("", &lines.each_ref().map(String::as_str));
    let (code, report) = workshop.build(&[]);
    assert_eq!(code, 1);
    let states: Vec<String> = Workshop::states(&report)
        .iter()
        .map(|(id, state)| format!("{id}: {state}"))
        .collect();
    insta::assert_snapshot!(states.join("\n"), @r#"
    cut: failed: the file breaks off: 216204 bytes of sound are declared, 59920 are there; get the whole file
    empty: failed: the file is empty
    folder: failed: it is no regular file but a folder
    good: built
    higher: built
    link: failed: it is a symbolic link, which is not followed; name the file itself
    lower: gives way
    none: failed: there is no such file
    page: failed: this is an HTML page, not audio
    said: failed: it is a text, and there is no command that says it; add [speech] with command = ["espeak-ng", "-v", "{language}", "--stdin", "--stdout"] to the prompts file
    strict: failed: the sample rate is 48000 Hz; telephony takes 8000 or 16000 Hz
    tied-1: failed: the prompt "tied-2" is for the node "n" too, with the same priority; give one of them a higher priority
    tied-2: failed: the prompt "tied-1" is for the node "n" too, with the same priority; give one of them a higher priority
    "#);
    // The same bytes are one upload; two nodes of one flow.
    assert_eq!(report["platform"]["uploaded"], 1, "{report}");
}

#[test]
fn texts_are_said_by_the_command_of_the_file() {
    let workshop = Workshop::new();
    workshop.source("voice.wav", speech(6, 22050, 1.2));
    let voice = workshop.folder().join("voice.wav");
    let head = format!(
        "[speech]\ncommand = [\"sh\", \"-c\", \"cat > said-$0.txt; cat {}\", \"{{language}}\"]",
        voice.display()
    );
    let text = "id = \"hello\"\ntext = \"Hello, and welcome.\"\nlanguage = \"en-GB\"";
    workshop.manifest(&head, &[text]);
    let (code, report) = workshop.build(&[]);
    assert_eq!(
        (code, &report["prompts"][0]["state"]),
        (0, &json!("built")),
        "{report}"
    );
    let said = fs::read_to_string(workshop.center.folder.path().join("said-en-GB.txt")).unwrap();
    assert_eq!(said, "Hello, and welcome.");
    let (code, report) = workshop.build(&[]);
    assert_eq!((code, &report["prompts"][0]["state"]), (0, &json!("unchanged")));
    workshop.manifest(&head, &[&text.replace("welcome", "good bye")]);
    let (_, report) = workshop.build(&[]);
    assert_eq!(report["prompts"][0]["state"], "built");
}

#[test]
fn what_is_too_long_is_split_at_a_pause_and_played_as_one() {
    let workshop = Workshop::new();
    workshop.source("long.wav", speech(7, 8000, 170.0));
    workshop.manifest("", &["id = \"long\"\nfile = \"long.wav\""]);
    let (code, report) = workshop.build(&[]);
    assert_eq!(code, 0, "{report}");
    let parts = report["prompts"][0]["parts"].as_array().unwrap();
    let nodes: Vec<&str> = parts.iter().map(|part| part["node"].as_str().unwrap()).collect();
    assert_eq!(nodes, ["long-1", "long-2"]);
    let all: u64 = parts
        .iter()
        .map(|part| part["durationMs"].as_u64().unwrap())
        .sum();
    let played = workshop.prompts(&["play", "long", "--out", "long-out.wav"]);
    assert!(played.status.success(), "{}", stderr(&played));
    let wav = fs::read(workshop.center.folder.path().join("long-out.wav")).unwrap();
    let sound = audio::decode(&wav).unwrap();
    assert!(
        sound.duration_ms().abs_diff(all) < 5 && all.abs_diff(170_000) < 2_000,
        "{all}"
    );
}

#[test]
fn a_node_that_nothing_is_for_any_more_is_named() {
    let workshop = Workshop::new();
    workshop.source("a.wav", speech(8, 16000, 1.0));
    workshop.manifest("", &["id = \"a\"\nnode = \"old\"\nfile = \"a.wav\""]);
    let (code, report) = workshop.build(&[]);
    assert_eq!((code, &report["stale"]), (0, &json!([])));
    workshop.manifest("", &["id = \"a\"\nnode = \"new\"\nfile = \"a.wav\""]);
    let (code, report) = workshop.build(&[]);
    assert_eq!((code, &report["stale"]), (0, &json!(["old"])), "{report}");
}

#[test]
fn what_was_built_is_looked_at_without_a_platform_and_without_a_new_database() {
    let mut workshop = Workshop::new();
    workshop.source("a.wav", speech(8, 16000, 1.0));
    workshop.manifest("", &["id = \"a\"\nfile = \"a.wav\""]);
    let early = workshop.prompts(&["status", "--offline"]);
    let told = stderr(&early) + &stdout(&early);
    assert!(told.contains("nothing is built here yet"), "{told}");
    assert!(!workshop.center.folder.path().join("built/trunkline.db").exists());
    assert_eq!(workshop.build(&[]).0, 0);
    workshop.center.process.kill().unwrap();
    for args in [&["status", "--offline"][..], &["play", "a", "--out", "a-out.wav"]] {
        let looked = workshop.prompts(args);
        assert!(looked.status.success(), "{}{}", stdout(&looked), stderr(&looked));
    }
}

#[test]
fn callbacks_to_every_address_need_a_url() {
    let workshop = Workshop::new();
    workshop.source("a.wav", speech(8, 16000, 1.0));
    workshop.manifest("", &["id = \"a\"\nfile = \"a.wav\""]);
    let refused = workshop.prompts(&["build", "--callback-listen", "0.0.0.0:0"]);
    let told = stderr(&refused) + &stdout(&refused);
    assert!(told.contains("--callback-url"), "{told}");
}

#[test]
fn what_others_changed_on_the_platform_is_seen_and_mended() {
    let workshop = Workshop::new();
    workshop.source("a.wav", speech(8, 16000, 1.0));
    workshop.source("b.wav", speech(9, 16000, 1.0));
    workshop.manifest("", &["id = \"a\"\nfile = \"a.wav\""]);
    assert_eq!(workshop.build(&[]).0, 0);
    // Somebody else, with books of their own, puts something else there.
    let other = workshop.folder().join("other.toml");
    fs::write(
        &other,
        "flow = \"your-flow-id\"\n[[prompt]]\nid = \"x\"\nnode = \"a\"\nfile = \"b.wav\"\n",
    )
    .unwrap();
    let args = ["prompts", "build", "ivr/other.toml", "--data-dir", "others"];
    assert!(workshop.center.client(&args).output().unwrap().status.success());
    let status = workshop.prompts(&["status"]);
    assert_eq!(status.status.code(), Some(1));
    let status = Workshop::states(&serde_json::from_str(&stdout(&status)).unwrap());
    assert!(status["a"].starts_with("replaced"), "{status:?}");
    let (code, report) = workshop.build(&[]);
    assert_eq!(
        (code, &report["prompts"][0]["state"]),
        (0, &json!("built")),
        "{report}"
    );
    assert_eq!(report["platform"]["uploaded"], 0, "the platform still has it");
    let status = workshop.prompts(&["status"]);
    assert!(status.status.success(), "{}", stdout(&status));
}

#[test]
fn a_build_needs_a_file_a_flow_and_a_platform_and_says_so() {
    let workshop = Workshop::new();
    workshop.source("a.wav", speech(8, 16000, 1.0));
    let errors = |output: &Output| stderr(output) + &stdout(output);
    let missing = workshop.prompts(&["build"]);
    assert!(
        errors(&missing).contains("the prompts file ivr/prompts.toml can't be read"),
        "{}",
        errors(&missing)
    );
    fs::write(
        workshop.folder().join("prompts.toml"),
        "flow = \"f\"\n[[prompt]]\nid = 7\n",
    )
    .unwrap();
    let faulty = workshop.prompts(&["build"]);
    assert!(
        errors(&faulty).contains("prompts.toml:3:6: id must be a text"),
        "{}",
        errors(&faulty)
    );
    fs::write(
        workshop.folder().join("prompts.toml"),
        "flow = \"f\"\n[[prompt]]\nid = \"a\"\nfile = \"a.wav\"\n",
    )
    .unwrap();
    let flow = workshop.prompts(&["build"]);
    assert!(
        errors(&flow).contains("the platform has no flow \\\"f\\\""),
        "{}",
        errors(&flow)
    );
    let nobody = workshop.prompts(&["build", "--platform", "http://127.0.0.1:9", "--poll"]);
    assert_eq!(nobody.status.code(), Some(1));
}
