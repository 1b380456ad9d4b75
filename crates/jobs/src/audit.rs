//! The audit log as a port: what a job did, and why.

use flow::menu::session::AuditEvent;
use serde_json::{Value, json};
use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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

/// Appends entries to a file, one JSON object a line. An entry that can't be written goes to the log instead.
#[derive(Debug)]
pub struct FileLog(Mutex<File>);

impl FileLog {
    /// Opens a file for appending; makes it if it is not there.
    pub fn open(path: &Path) -> io::Result<Self> {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map(|file| Self(Mutex::new(file)))
    }
}

impl AuditLog for FileLog {
    fn record(&self, at: UtcTime, call: &CallId, event: &AuditEvent) {
        let line = format!("{}\n", entry(at, call, event));
        if let Err(error) = lock(&self.0).write_all(line.as_bytes()) {
            tracing::error!(%error, entry = line.trim_end(), "an audit entry could not be written to its file");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
