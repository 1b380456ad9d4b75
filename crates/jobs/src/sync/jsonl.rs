//! A file as a sink: a line for each change, each once, also after a kill.

mod tail;

use super::sink::{FileStep, Parcel, SinkError};
use flow::sync::{Delivered, MOST_KNOWN};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};
use tail::Tail;
use tokio::task::spawn_blocking;
use wire::UtcTime;

/// What the first line begins with in a file of ours.
const BEGINNING: &[u8] = b"{\"changeId\":";

/// How many bytes of lines from before what will be read are passed over, from the end on: lines are in order of time but for an overlap
/// and stamps from the future.
const MOST_OLD: u64 = 16 * 1024 * 1024;

/// A file that is open, locked, and ends with a whole line.
pub(super) struct Jsonl {
    path: PathBuf,
    file: Arc<File>,
}

impl Jsonl {
    /// Opens or makes the file, and cuts off the part of a line that a kill left. Gives the changes since then that it has, the last
    /// lines' last; it is read to its beginning if they may be `in_any_order`.
    pub(super) async fn open(
        path: PathBuf,
        since: Option<UtcTime>,
        in_any_order: bool,
    ) -> Result<(Self, Vec<Delivered>), SinkError> {
        let opened = path.clone();
        let most_old = if in_any_order { u64::MAX } else { MOST_OLD };
        let opened = spawn_blocking(move || open(&opened, since, most_old)).await;
        let (file, has) = opened.map_err(|_| SinkError::Broken)??;
        let file = Arc::new(file);
        Ok((Self { path, file }, has))
    }

    /// Appends lines; they are on the disk when it returns.
    pub(super) async fn append(&self, parcels: &[Parcel]) -> Result<(), SinkError> {
        let size = parcels.iter().map(|parcel| parcel.json.len() + 1).sum();
        let mut lines = Vec::with_capacity(size);
        for parcel in parcels {
            lines.extend_from_slice(parcel.json.as_bytes());
            lines.push(b'\n');
        }
        let file = Arc::clone(&self.file);
        let written = spawn_blocking(move || write(&file, &lines)).await;
        written
            .map_err(|_| SinkError::Broken)?
            .map_err(fault(&self.path, FileStep::Written))
    }
}

fn open(path: &Path, since: Option<UtcTime>, most_old: u64) -> Result<(File, Vec<Delivered>), SinkError> {
    let opened = OpenOptions::new().read(true).append(true).create(true).open(path);
    let file = opened.map_err(fault(path, FileStep::Opened))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(SinkError::FileTaken(path.to_owned())),
        Err(TryLockError::Error(error)) => return Err(fault(path, FileStep::Locked)(error)),
    }
    if !is_ours(&file).map_err(fault(path, FileStep::Read))? {
        return Err(SinkError::NotOurs(path.to_owned()));
    }
    let has = mend(&file, since, most_old).map_err(fault(path, FileStep::Read))?;
    Ok((file, has))
}

/// Whether it is empty or begins as a file of changes does.
fn is_ours(mut file: &File) -> io::Result<bool> {
    file.seek(SeekFrom::Start(0))?;
    let mut beginning = Vec::new();
    file.take(BEGINNING.len() as u64).read_to_end(&mut beginning)?;
    // A kill may have left less than that of the first line.
    Ok(BEGINNING.starts_with(&beginning))
}

/// Cuts off what follows the last whole line, and gives the changes of the lines before, as many as are remembered, until so many bytes
/// of lines were from before `since`.
fn mend(file: &File, since: Option<UtcTime>, most_old: u64) -> io::Result<Vec<Delivered>> {
    let length = file.metadata()?.len();
    let mut tail = Tail::new(file, length);
    let whole = tail.skip_torn()?;
    if whole < length {
        tracing::warn!(
            bytes = length - whole,
            "a line that was cut off is removed; its change is delivered again"
        );
        file.set_len(whole)?;
        file.sync_data()?;
    }
    let mut has = Vec::new();
    let mut old = 0;
    while has.len() < MOST_KNOWN
        && old <= most_old
        && let Some(line) = tail.line_before()?
    {
        let Some(delivered) = tail::delivered(&line) else {
            return Err(io::Error::other(
                "a line is no change; move the file away, or mend it",
            ));
        };
        match since.is_some_and(|since| delivered.updated < since) {
            true => old += line.len() as u64,
            false => has.push(delivered),
        }
    }
    // As they came: where only stamps tell changes apart, the last ones are kept in mind.
    has.reverse();
    Ok(has)
}

fn write(mut file: &File, lines: &[u8]) -> io::Result<()> {
    file.write_all(lines)?;
    file.sync_data()
}

fn fault(path: &Path, what: FileStep) -> impl FnOnce(io::Error) -> SinkError {
    move |source| SinkError::File {
        path: path.to_owned(),
        what,
        source,
    }
}

#[cfg(test)]
mod tests;
