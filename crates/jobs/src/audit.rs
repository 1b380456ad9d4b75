//! The audit log as a port: what a job did, and why.

mod store_log;

pub use store_log::StoreLog;

use ::audit::Entry;
use std::{
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Takes audit entries.
pub trait AuditLog: Send + Sync {
    /// Notes an entry. Never blocks: a call waits for it.
    fn record(&self, entry: Entry);

    /// Returns when all that was noted before is durable, or known to be lost (which the log tells loudly).
    fn settle(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// Keeps entries in memory, for tests.
#[derive(Debug, Default)]
pub struct MemoryLog(Mutex<Vec<Entry>>);

impl MemoryLog {
    /// All entries so far, in order.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AuditLog for MemoryLog {
    fn record(&self, entry: Entry) {
        self.lock().push(entry);
    }

    fn settle(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}
