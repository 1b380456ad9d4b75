//! A commit on its way, and who waits for it.

use crate::{Committed, Error, prepared::Prepared};
use audit::SealedEntry;
use std::time::Instant;
use tokio::sync::oneshot;

/// A commit that waits for its turn.
pub(super) struct Job {
    pub commit: Prepared,
    /// The commit's audit entries.
    pub entries: Vec<PendingEntry>,
    /// Nobody waits for it any longer than this.
    pub until: Instant,
    pub answer: oneshot::Sender<Result<Committed, Error>>,
}

/// An audit entry that waits for its index.
pub(super) struct PendingEntry {
    pub body: String,
    pub at_ms: i64,
    pub action: String,
    pub subject: Option<String>,
    /// Its personal texts as JSON.
    pub texts: String,
}

impl PendingEntry {
    pub(super) fn new(sealed: SealedEntry) -> Result<Self, Error> {
        let texts = serde_json::to_string(&sealed.texts).map_err(Error::failed)?;
        Ok(Self {
            body: sealed.body,
            at_ms: sealed.at.timestamp().as_millisecond(),
            action: sealed.action,
            subject: sealed.subject,
            texts,
        })
    }
}
