//! The audit log as a port: what a job did, and why.

use flow::menu::session::AuditEvent;
use serde_json::{Value, json};
use std::{
    fmt::Display,
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
};
use wire::{UtcTime, ids::CallId};

/// Takes audit entries. It must not block for long: a call waits for it.
pub trait AuditLog: Send + Sync {
    /// Notes what happened in a call.
    fn record(&self, at: UtcTime, call: &CallId, event: &AuditEvent);
}

/// Two logs at once.
impl<A: AuditLog, B: AuditLog> AuditLog for (A, B) {
    fn record(&self, at: UtcTime, call: &CallId, event: &AuditEvent) {
        self.0.record(at, call, event);
        self.1.record(at, call, event);
    }
}

/// A log that others hold too.
impl<L: AuditLog + ?Sized> AuditLog for Arc<L> {
    fn record(&self, at: UtcTime, call: &CallId, event: &AuditEvent) {
        self.as_ref().record(at, call, event);
    }
}

/// One entry as JSON: the event's fields, with `at` and `callId`.
fn entry(at: UtcTime, call: &CallId, event: &AuditEvent) -> Value {
    let mut entry = serde_json::to_value(event).unwrap_or_else(|error| json!({"what": error.to_string()}));
    entry["at"] = json!(at);
    entry["callId"] = json!(call);
    entry
}

/// Keeps entries in memory, for tests and reports.
#[derive(Debug, Default)]
pub struct MemoryLog(Mutex<Vec<Value>>);

impl MemoryLog {
    /// All entries so far, in order.
    pub fn entries(&self) -> Vec<Value> {
        lock(&self.0).clone()
    }
}

impl AuditLog for MemoryLog {
    fn record(&self, at: UtcTime, call: &CallId, event: &AuditEvent) {
        lock(&self.0).push(entry(at, call, event));
    }
}

/// How many entries of a [`FileLog`] may wait for the disk.
const MOST_WAITING: usize = 1024;

/// Appends entries to a file, one JSON object a line. An entry that can't be written goes to the log instead.
///
/// A thread of its own writes, so that no call waits for the disk; dropping the log waits until all is written.
#[derive(Debug)]
pub struct FileLog {
    lines: Option<SyncSender<String>>,
    writer: Option<JoinHandle<()>>,
}

impl FileLog {
    /// Opens a file for appending; makes it if it is not there, for its owner only.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = append_to(path)?;
        let (lines, waiting) = sync_channel(MOST_WAITING);
        let writer = thread::Builder::new()
            .name("audit".into())
            .spawn(move || write(file, &waiting))?;
        Ok(Self {
            lines: Some(lines),
            writer: Some(writer),
        })
    }
}

impl AuditLog for FileLog {
    fn record(&self, at: UtcTime, call: &CallId, event: &AuditEvent) {
        let line = format!("{}\n", entry(at, call, event));
        let Some(lines) = &self.lines else { return };
        if let Err(error) = lines.try_send(line) {
            let why = error.to_string();
            let (TrySendError::Full(line) | TrySendError::Disconnected(line)) = error;
            not_written(&why, &line);
        }
    }
}

impl Drop for FileLog {
    fn drop(&mut self) {
        self.lines = None;
        if let Some(writer) = self.writer.take() {
            // It ends once it has written what waits; had it panicked, there would be nothing to wait for.
            let _ = writer.join();
        }
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn write(mut file: File, waiting: &Receiver<String>) {
    for line in waiting {
        if let Err(error) = file.write_all(line.as_bytes()) {
            not_written(&error, &line);
        }
    }
}

fn not_written(why: &dyn Display, line: &str) {
    tracing::error!(error = %why, entry = line.trim_end(), "an audit entry could not be written to its file");
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
