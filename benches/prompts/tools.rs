//! Who makes prompts: we, ffmpeg and sox; and what that takes.

use super::corpus::COUNT;
use audio::{Law, Target, compile, decode, wav};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// The argument by which this program is asked to be us: then come the folders and the number of threads.
pub(crate) const OURS_MARK: &str = "--make-prompts";
/// What `/proc` counts CPU time in, a second.
const TICKS: f64 = 100.0;
/// Our work is so short that it is repeated to be measured.
const OUR_ROUNDS: usize = 5;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    Ours,
    FfmpegLoudnorm,
    SoxNorm,
}

/// What making all prompts took.
pub(crate) struct Cost {
    pub(crate) seconds: f64,
    /// In seconds, of all processes.
    pub(crate) cpu: f64,
    /// The highest resident memory of a process.
    pub(crate) peak_mb: f64,
}

impl Tool {
    pub(crate) fn installed() -> Vec<Self> {
        let mut tools = vec![Tool::Ours];
        for (tool, program) in [(Tool::FfmpegLoudnorm, "ffmpeg"), (Tool::SoxNorm, "sox")] {
            if has(program) {
                tools.push(tool);
            } else {
                println!("  ({program} is not installed)");
            }
        }
        tools
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Tool::Ours => "trunkline",
            Tool::FfmpegLoudnorm => "ffmpeg loudnorm",
            Tool::SoxNorm => "sox norm",
        }
    }

    pub(crate) fn run(self, from: &Path, to: &Path, at_once: usize) -> Cost {
        let (before, started) = (children_cpu(), Instant::now());
        let (rounds, peak_mb) = match self {
            Tool::Ours => {
                let once = |_| watched(ours(from, to, at_once));
                (OUR_ROUNDS, (0..OUR_ROUNDS).map(once).fold(0.0, f64::max))
            }
            _ => (1, self.run_each(&files(from), to, at_once)),
        };
        Cost {
            seconds: started.elapsed().as_secs_f64() / rounds as f64,
            cpu: (children_cpu() - before) / rounds as f64,
            peak_mb,
        }
    }

    /// A process per file, so many at once; gives the highest memory.
    fn run_each(self, files: &[PathBuf], to: &Path, at_once: usize) -> f64 {
        let (next, peak) = (AtomicUsize::new(0), Mutex::new(0.0f64));
        thread::scope(|scope| {
            for _ in 0..at_once {
                scope.spawn(|| {
                    while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let used = watched(self.command(file, &to.join(result_name(file))));
                        let mut peak = peak.lock().expect("no panic");
                        *peak = peak.max(used);
                    }
                });
            }
        });
        peak.into_inner().expect("no panic")
    }

    fn command(self, from: &Path, to: &Path) -> Command {
        let words: &[&str] = match self {
            Tool::SoxNorm => &["-r", "8000", "-c", "1", "-e", "mu-law", "-b", "8"],
            _ => &[
                "-af",
                "loudnorm=I=-19:TP=-2:LRA=11",
                "-ar",
                "8000",
                "-ac",
                "1",
                "-c:a",
                "pcm_mulaw",
            ],
        };
        let mut command = Command::new(if self == Tool::SoxNorm { "sox" } else { "ffmpeg" });
        if self == Tool::SoxNorm {
            command
                .arg("-V1")
                .arg(from)
                .args(words)
                .arg(to)
                .args(["norm", "-3"]);
        } else {
            command
                .args(["-nostdin", "-v", "error", "-y", "-i"])
                .arg(from)
                .args(words)
                .arg(to);
        }
        command
    }
}

/// This program again, as us.
fn ours(from: &Path, to: &Path, threads: usize) -> Command {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.arg(OURS_MARK).args([from, to]).arg(threads.to_string());
    command
}

/// All files of a folder as prompts.
pub(crate) fn run_ours(from: &Path, to: &Path, threads: usize) {
    let (files, next) = (files(from), AtomicUsize::new(0));
    assert_eq!(files.len(), COUNT);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let sound = decode(fs::read(file).expect("a file")).expect("a sound");
                    let compiled = compile(&sound, Law::Mu, &Target::default());
                    fs::write(to.join(result_name(file)), wav::g711(Law::Mu, &compiled.codes))
                        .expect("a file");
                }
            });
        }
    });
}

/// The files of a folder in order.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

fn result_name(file: &Path) -> PathBuf {
    Path::new(file.file_name().expect("a name")).with_extension("wav")
}

pub(crate) fn has(program: &str) -> bool {
    let paths = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}

/// Runs it to its end; gives the highest memory that was seen, in MB.
fn watched(mut command: Command) -> f64 {
    let mut child = command.stdin(Stdio::null()).spawn().expect("it starts");
    let status = format!("/proc/{}/status", child.id());
    let mut peak: f64 = 0.0;
    loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        peak = peak.max(kilobytes.unwrap_or(0.0) / 1000.0);
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            assert!(status.success(), "{command:?} failed");
            return peak;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// CPU seconds of all processes that were waited for; none where there is no `/proc`.
fn children_cpu() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit(") ").next().unwrap_or_default();
    // Of the fields behind the name, these are cutime and cstime.
    let ticks = fields
        .split(' ')
        .skip(13)
        .take(2)
        .filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS
}
