//! kill -9 of builds at random moments: the next build finishes, nothing is uploaded twice, nothing is lost.

use super::{Random, kills};
use crate::{
    prompts_build::{Workshop, speech},
    support::{json, stdout},
};
use serde_json::Value;
use std::{
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

/// Prompts of the file. Half of them change every time.
const PROMPTS: u32 = 24;
/// Kills that come before or after the build do not count; so often it is tried for each that does.
const MOST_TRIES: u32 = 10;

#[test]
fn builds_that_are_killed_are_taken_up_by_the_next() {
    let workshop = Workshop::new();
    let names: Vec<String> = (0..PROMPTS).map(|at| format!("p{at}")).collect();
    let lines: Vec<String> = names
        .iter()
        .map(|name| format!("id = \"{name}\"\nfile = \"{name}.wav\""))
        .collect();
    let change = |name: &str, seed: u32| workshop.source(&format!("{name}.wav"), speech(seed, 16000, 0.7));
    for (at, name) in (0..).zip(&names) {
        change(name, at);
    }
    workshop.manifest("", &lines.iter().map(String::as_str).collect::<Vec<_>>());
    let begun = Instant::now();
    finish(&workshop);
    let longest = begun.elapsed();
    let longest_us = u64::try_from(longest.as_micros()).unwrap();

    let mut random = Random(0x5eed_0009);
    let (mut contents, mut cut_short) = (PROMPTS, 0);
    for round in 1..=kills() * MOST_TRIES {
        if cut_short == kills() {
            break;
        }
        for (at, name) in (0..).zip(&names).filter(|(at, _)| at % 2 == round % 2) {
            change(name, round * 1000 + at);
            contents += 1;
        }
        let place = ["prompts", "build", "ivr/prompts.toml", "--data-dir", "built"];
        let mut build = workshop.center.client(&place);
        let mut build = build.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_micros(random.below(longest_us)));
        cut_short += u32::from(build.try_wait().unwrap().is_none());
        build.kill().unwrap();
        build.wait().unwrap();
        finish(&workshop);
    }
    assert_eq!(
        cut_short,
        kills(),
        "kills in the midst of a build of up to {longest:?}"
    );
    let count = |action: &str| count(&workshop, action);
    assert_eq!((count("asset.uploaded"), count("asset.repeated")), (contents, 0));
    assert_eq!(count("asset.refused"), 0);
    let (jobs, results) = (count("compile.over"), count("compile.result"));
    assert!(results >= contents, "{results} of {contents}");
    eprintln!("{cut_short} kills; {contents} files, each uploaded once; {results} compiled in {jobs} jobs");
}

/// Builds to the end; then everything serves.
fn finish(workshop: &Workshop) {
    let (code, report) = workshop.build(&[]);
    assert_eq!(code, 0, "{report}");
    assert_eq!(report["platform"]["uploadedInVain"], 0, "{report}");
    let status = workshop.prompts(&["status"]);
    let states = Workshop::states(&serde_json::from_str::<Value>(&stdout(&status)).unwrap());
    assert!(states.values().all(|state| state == "ready"), "{states:?}");
    assert_eq!(states.len(), PROMPTS as usize);
}

/// How often the center's audit log has an action.
fn count(workshop: &Workshop, action: &str) -> u32 {
    let folder = workshop.center.folder.path();
    let entries = json(folder, &["audit", "list", "--action", action, "--limit", "10000"]);
    u32::try_from(entries["entries"].as_array().unwrap().len()).unwrap()
}
