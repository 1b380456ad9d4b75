//! Builds of 1,000 prompts: all new, unchanged, all files written anew with the same in them, one changed.
//!
//! `cargo bench -p trunkline --bench builds`
//!
//! Each figure is a whole run of the binary, from start to exit, against a center in a process of its own. Beside it, what a build by
//! hashes alone would have to do at least: `sha256sum` over the same files.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "support/service.rs"]
mod service;

use audio::{Sound, wav};
use service::Service;
use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant, SystemTime},
};

const PROMPTS: u32 = 1000;
const SECONDS: f32 = 5.0;
const RATE: u32 = 16_000;
const RUNS: usize = 7;

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().to_owned();
    let ivr = root.join("ivr");
    fs::create_dir(&ivr).expect("a folder for prompts");
    let mut manifest = "flow = \"your-flow-id\"\n".to_owned();
    for at in 0..PROMPTS {
        write(&ivr, at, at);
        manifest += &format!("[[prompt]]\nid = \"p{at}\"\nfile = \"p{at}.wav\"\n");
    }
    fs::write(ivr.join("prompts.toml"), manifest).expect("the prompts file is written");
    let service = Service::trunkline(folder, &["--limits", "off"]);
    let environment = fs::read_to_string(root.join("serve.env")).expect("the environment");

    println!(
        "{PROMPTS} prompts of {SECONDS} s at {RATE} Hz, 2 cores; the binary from start to exit, the center at {}\n",
        service.address
    );
    let new = build(&root, &environment, &format!("{PROMPTS} built"));
    println!(
        "all new           {:>8.1} ms   {:.0} prompts a second",
        ms(new),
        f64::from(PROMPTS) / new.as_secs_f64()
    );
    let unchanged = median(|| build(&root, &environment, &format!("{PROMPTS} unchanged")));
    println!("unchanged         {:>8.1} ms   goal 300 ms", ms(unchanged));
    (0..PROMPTS).for_each(|at| write(&ivr, at, at));
    let same = build(&root, &environment, &format!("{PROMPTS} unchanged"));
    println!("all written anew  {:>8.1} ms   the same in them", ms(same));
    write(&ivr, 7, PROMPTS + 7);
    let one = build(&root, &environment, "1 built");
    println!("one changed       {:>8.1} ms", ms(one));
    let hashes = median(|| sha256sum(&ivr));
    println!(
        "sha256sum         {:>8.1} ms   of the same files; unchanged : sha256sum = {:.2}",
        ms(hashes),
        ms(unchanged) / ms(hashes)
    );
}

/// A prompt that nothing else sounds like, written a minute ago.
fn write(folder: &Path, at: u32, seed: u32) {
    let samples = (0..(RATE as f32 * SECONDS) as u32).map(|n| {
        let t = n as f32 / RATE as f32;
        let syllable = (t * 4.0 + seed as f32 * 0.37).sin().max(0.0);
        0.2 * syllable * (t * (700.0 + seed as f32)).sin()
    });
    let sound = Sound {
        rate: RATE,
        samples: samples.collect(),
    };
    let path = folder.join(format!("p{at}.wav"));
    fs::write(&path, wav::pcm16(&sound)).expect("a prompt is written");
    let file = File::options().write(true).open(&path).expect("the prompt");
    file.set_modified(SystemTime::now() - Duration::from_secs(60))
        .expect("its time is set");
}

/// Runs a build, which must say this of itself.
fn build(folder: &Path, environment: &str, says: &str) -> Duration {
    let begun = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_trunkline"))
        .current_dir(folder)
        .args(["prompts", "build", "ivr/prompts.toml", "--data-dir", "built"])
        .envs(environment.lines().filter_map(|line| line.split_once('=')))
        .output()
        .expect("trunkline runs");
    let took = begun.elapsed();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains(says),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    took
}

fn sha256sum(folder: &Path) -> Duration {
    let files: Vec<_> = (0..PROMPTS).map(|at| format!("p{at}.wav")).collect();
    let begun = Instant::now();
    let status = Command::new("sha256sum")
        .args(files)
        .current_dir(folder)
        .stdout(Stdio::null())
        .status();
    assert!(status.expect("sha256sum runs").success());
    begun.elapsed()
}

fn median(measure: impl Fn() -> Duration) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS).map(|_| measure()).collect();
    times.sort();
    times[RUNS / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
