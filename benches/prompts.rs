//! What it takes to make 100 telephony prompts, and how good they are, beside ffmpeg and sox on the same files in the same run.
//!
//! `cargo bench -p trunkline --bench prompts`
//!
//! The corpus is 100 pieces of speech of 5 to 10 s (espeak-ng when it is there, else the demo's prompts put together), from -40 to
//! -20 LUFS, as 16 kHz mono WAV and as 44.1 kHz stereo MP3. Each tool makes 8 kHz mono mu-law WAV of it, aiming at -19 LUFS where it can.
//! Everybody runs as processes of their own, one and two at a time; CPU time is that of the processes. What comes out is measured by
//! ffmpeg's meter and by ours. What is not installed is left out.

#![allow(clippy::expect_used, clippy::panic)]

#[path = "prompts/corpus.rs"]
mod corpus;
#[path = "prompts/quality.rs"]
mod quality;
#[path = "prompts/tools.rs"]
mod tools;

use std::{env, path::Path, process::ExitCode};
use tools::{Cost, Tool};

/// CPU seconds that our 100 prompts may take, of WAV and of MP3.
const GOALS: [(&str, f64); 2] = [("wav", 0.3), ("mp3", 0.9)];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    if let [_, mark, from, to, threads] = arguments.as_slice()
        && mark == tools::OURS_MARK
    {
        tools::run_ours(Path::new(from), Path::new(to), threads.parse().expect("a number"));
        return ExitCode::SUCCESS;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let formats = corpus::make(folder.path());
    let mut good = true;
    for (format, goal) in GOALS {
        if formats.contains(&format) {
            good &= compare(folder.path(), format, goal);
        }
    }
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// All tools over one format; whether ours reached its goals.
fn compare(folder: &Path, format: &str, goal: f64) -> bool {
    println!("\n100 prompts from {format}");
    let from = folder.join(format);
    let mut ours = None;
    let mut good = true;
    for tool in Tool::installed() {
        let to = folder.join(format!("{format}-{}", tool.name()));
        std::fs::create_dir_all(&to).expect("a folder");
        let costs = [1, 2].map(|at_once| tool.run(&from, &to, at_once));
        for (cost, at_once) in costs.iter().zip([1, 2]) {
            println!("  {:<16} P{at_once}  {cost}", tool.name());
        }
        let cpu = costs[0].cpu;
        match ours {
            None => {
                ours = Some(cpu);
                println!("  {:<16}     goal: at most {goal} CPU s", "");
                good &= cpu <= goal;
            }
            Some(ours) => println!("  {:<16}     {:.1} times our CPU time", "", cpu / ours),
        }
        let measured = quality::measure(&to);
        println!("  {:<16}     {measured}", "");
        if tool == Tool::Ours {
            good &= measured.is_good();
        }
    }
    if let Some(likeness) = quality::likeness(&from) {
        println!("  our sound beside ffmpeg's plain conversion, gain matched: {likeness}");
    }
    good
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rate = corpus::COUNT as f64 / self.seconds;
        write!(
            f,
            "{rate:7.1} files/s  {:6.2} CPU s  {:5.1} MB at most",
            self.cpu, self.peak_mb
        )
    }
}
