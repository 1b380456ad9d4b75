//! kill -9 of builds at random moments: the next build finishes, nothing is uploaded twice, nothing is lost.

use super::{Random, kills};
use crate::{
    prompts_build::{Workshop, age, speech},
    support::{json, stdout, trunkline, wait_for},
};
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Prompts of the file. Half of them change every time.
const PROMPTS: u32 = 24;
/// Kills that come before or after the build do not count; so often it is tried for each that does.
const MOST_TRIES: u32 = 10;

/// A folder of prompts that change, and the builds of them.
struct Site<'a> {
    /// Where the center keeps its data.
    center: &'a Path,
    ivr: &'a Path,
    /// `trunkline` with these arguments, for the platform at hand.
    command: &'a dyn Fn(&[&str]) -> Command,
    /// How many different files there have been.
    contents: u32,
    /// Whether the center outlives the builds.
    outlives: bool,
}

#[test]
fn builds_that_are_killed_are_taken_up_by_the_next() {
    let workshop = Workshop::new();
    let folder = workshop.folder();
    let command = |args: &[&str]| {
        let place = ["ivr/prompts.toml", "--data-dir", "built"];
        workshop.center.client(&[args, &place].concat())
    };
    storm(
        Site {
            center: workshop.center.folder.path(),
            ivr: &folder,
            command: &command,
            contents: 0,
            outlives: true,
        },
        kills(),
    );
}

#[test]
fn builds_that_are_killed_with_the_center_in_their_process_are_taken_up_too() {
    let folder = tempfile::tempdir().unwrap();
    let ivr = folder.path().join("ivr");
    fs::create_dir(&ivr).unwrap();
    let command = |args: &[&str]| {
        let mut command = trunkline(folder.path());
        command.args(args).arg("ivr/prompts.toml");
        command
    };
    storm(
        Site {
            center: folder.path(),
            ivr: &ivr,
            command: &command,
            contents: 0,
            outlives: false,
        },
        kills().div_ceil(5),
    );
}

/// Builds, is killed and builds again, until so many builds were cut short.
fn storm(mut site: Site, kills: u32) {
    let lines: Vec<String> = (0..PROMPTS)
        .map(|at| format!("[[prompt]]\nid = \"p{at}\"\nfile = \"p{at}.wav\"\n"))
        .collect();
    let manifest = format!("flow = \"your-flow-id\"\n{}", lines.concat());
    fs::write(site.ivr.join("prompts.toml"), manifest).unwrap();
    for at in 0..PROMPTS {
        site.change(at, at);
    }
    let begun = Instant::now();
    site.finish();
    let longest = begun.elapsed();
    let longest_us = u64::try_from(longest.as_micros()).unwrap();

    let mut random = Random(0x5eed_0009);
    let mut cut_short = 0;
    for round in 1..=kills * MOST_TRIES {
        if cut_short == kills {
            break;
        }
        let changing: Vec<u32> = (0..PROMPTS).filter(|at| at % 2 == round % 2).collect();
        for at in &changing {
            site.change(*at, round * 1000 + at);
        }
        let mut build = (site.command)(&["prompts", "build"]);
        let mut build = build.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_micros(random.below(longest_us)));
        cut_short += u32::from(build.try_wait().unwrap().is_none());
        build.kill().unwrap();
        build.wait().unwrap();
        if round % 3 == 0 {
            // Back to what it was at the first build: what the killed one ordered must not come after it.
            for at in &changing {
                site.revert(*at);
            }
        }
        site.finish();
    }
    assert_eq!(
        cut_short, kills,
        "kills in the midst of a build of up to {longest:?}"
    );
    let count = |action: &str| site.count(action);
    let uploaded = count("asset.uploaded");
    assert_eq!((count("asset.repeated"), count("asset.refused")), (0, 0));
    // Of the files that were reverted before the next build, the killed one had not uploaded all.
    assert!(uploaded <= site.contents, "{uploaded} of {}", site.contents);
    let (jobs, results) = (count("compile.over"), count("compile.result"));
    assert!(results >= uploaded, "{results} of {uploaded}");
    eprintln!("{cut_short} kills; {uploaded} files, each uploaded once; {results} compiled in {jobs} jobs");
}

impl Site<'_> {
    fn change(&mut self, at: u32, seed: u32) {
        self.write(at, seed);
        self.contents += 1;
    }

    fn revert(&self, at: u32) {
        self.write(at, at);
    }

    fn write(&self, at: u32, seed: u32) {
        let path = self.ivr.join(format!("p{at}.wav"));
        fs::write(&path, speech(seed, 16000, 0.7)).unwrap();
        age(&path);
    }

    /// Builds to the end; then everything serves, and goes on serving when the center has done all that it was asked.
    fn finish(&self) {
        let output = (self.command)(&["--json", "prompts", "build"]).output().unwrap();
        let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!(output.status.code(), Some(0), "{report}");
        assert_eq!(report["platform"]["uploadedInVain"], 0, "{report}");
        self.serves();
        if !self.outlives {
            return;
        }
        wait_for("the end of all jobs", || {
            (self.count("compile.over") == self.count("compile.asked")).then_some(())
        });
        self.serves();
    }

    fn serves(&self) {
        let status = (self.command)(&["--json", "prompts", "status"]).output().unwrap();
        let states = Workshop::states(&serde_json::from_str::<Value>(&stdout(&status)).unwrap());
        assert!(states.values().all(|state| state == "ready"), "{states:?}");
        assert_eq!(states.len(), PROMPTS as usize);
    }

    /// How often the center's audit log has an action.
    fn count(&self, action: &str) -> u32 {
        let entries = json(
            self.center,
            &["audit", "list", "--action", action, "--limit", "10000"],
        );
        u32::try_from(entries["entries"].as_array().unwrap().len()).unwrap()
    }
}
