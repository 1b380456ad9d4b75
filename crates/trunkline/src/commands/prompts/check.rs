//! `trunkline prompts check`.

mod told;

use super::found::{Entry, find};
use crate::{Done, cli::PromptsCheckArgs, output::Output};
use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use jobs::prompts::{SourceFault, Verdict, judge, read};
use std::{
    num::NonZero,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use told::tell;

/// Most files at a time, whatever the number of cores: each may need some hundred megabytes.
const MOST_AT_ONCE: usize = 8;

/// What came of a file.
enum Checked {
    /// It can't be used.
    Fault(String),
    /// It is no audio, and nobody said so.
    NoAudio,
    /// It is audio, of so many bytes.
    Audio { size: u64, verdict: Box<Verdict> },
}

/// A file, as it is shown, and what came of it.
struct File {
    name: String,
    checked: Checked,
}

pub(super) fn run(args: &PromptsCheckArgs, output: &Output) -> Result<Done> {
    let found = find(&args.paths);
    let progress = progress(found.entries.len(), output);
    let files = check_all(&found.entries, &progress);
    progress.finish_and_clear();
    tell(&files, found.left_out, output);
    let is_well = |file: &File| match &file.checked {
        Checked::Fault(_) => false,
        Checked::NoAudio => true,
        Checked::Audio { verdict, .. } => verdict.refusals(args.convert).is_empty(),
    };
    Ok(if files.iter().all(is_well) && !found.left_out {
        Done::Well
    } else {
        Done::Failed
    })
}

fn progress(files: usize, output: &Output) -> ProgressBar {
    if !output.shows_progress() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} files  {elapsed}");
    ProgressBar::new(files as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Checks the files on all cores; gives what came of them in their order.
fn check_all(entries: &[Entry], progress: &ProgressBar) -> Vec<File> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, File)>> = Mutex::default();
    let work = || loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let Some(entry) = entries.get(at) else { return };
        let file = File {
            name: entry.path.display().to_string(),
            checked: check(entry),
        };
        done.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((at, file));
        progress.inc(1);
    };
    let threads = thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(MOST_AT_ONCE);
    thread::scope(|scope| {
        for _ in 0..threads.min(entries.len()) {
            scope.spawn(work);
        }
    });
    let mut files = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    files.sort_by_key(|(at, _)| *at);
    files.into_iter().map(|(_, file)| file).collect()
}

fn check(entry: &Entry) -> Checked {
    if let Some(fault) = &entry.fault {
        return Checked::Fault(fault.clone());
    }
    let bytes = match read(&entry.path) {
        Ok((bytes, _)) => bytes,
        Err(SourceFault::TooLarge(_) | SourceFault::Empty) if !entry.is_meant => return Checked::NoAudio,
        Err(fault) => return Checked::Fault(fault.to_string()),
    };
    let name = entry.path.to_string_lossy();
    match judge(&name, &bytes) {
        Ok(judged) => Checked::Audio {
            size: bytes.len() as u64,
            verdict: Box::new(judged.verdict),
        },
        Err(_) if !entry.is_meant => Checked::NoAudio,
        Err(error) => Checked::Fault(error.to_string()),
    }
}
