//! The audit log in the database.

use crate::{Commit, Error, Store, prepared, store::on_engine};
use audit::{
    Actor, Entry, Outcome, Text,
    tree::{Frontier, Hash, Tile},
};
use std::time::Duration;
use wire::UtcTime;

/// The action of an entry that says up to which index retention dropped texts (`through` in its detail).
pub(crate) const EXPIRED: &str = "audit.expired";

/// Which entries are meant; what is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryFilter {
    /// From this time on.
    pub since: Option<UtcTime>,
    /// Before this time.
    pub until: Option<UtcTime>,
    /// Actions that begin like this.
    pub action_prefix: Option<String>,
    /// About this.
    pub subject: Option<String>,
    /// From this index on.
    pub from: u64,
}

/// An entry as it is kept, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEntry {
    /// Its place in the log, from 0.
    pub index: u64,
    /// `None` when retention removed it; its hash is still there.
    pub leaf: Option<String>,
    /// The personal texts that were not erased.
    pub texts: Vec<Text>,
}

/// An entry with all that verification looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its place in the log, from 0.
    pub index: u64,
    /// The hash of its leaf, as it was when it was written.
    pub hash: Hash,
    /// `None` when retention removed it.
    pub leaf: Option<String>,
    /// The columns that queries use; they must say what the leaf says.
    pub at_ms: i64,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: Option<String>,
    /// The personal texts that were not erased.
    pub texts: Vec<Text>,
}

/// What an erasure removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    /// The subjects that had a text of the person, in order.
    pub subjects: Vec<String>,
    /// How many texts were removed.
    pub texts: u64,
}

impl Store {
    /// Size and frontier of the log; all that was committed before is in it.
    pub async fn log(&self) -> Result<Frontier, Error> {
        on_engine!(self.engine, log())
    }

    /// Entries in order, at most so many.
    pub async fn entries(&self, filter: &EntryFilter, most: usize) -> Result<Vec<KeptEntry>, Error> {
        on_engine!(self.engine, entries(filter, most))
    }

    /// Rows in order from an index on, for verification. An index may be missing: that is what verification looks for.
    pub async fn rows(&self, from: u64, most: usize) -> Result<Vec<Row>, Error> {
        on_engine!(self.engine, rows(from, most))
    }

    /// The hashes of leaves `from..to` as they are kept.
    pub async fn leaf_hashes(&self, from: u64, to: u64) -> Result<Vec<Hash>, Error> {
        on_engine!(self.engine, leaf_hashes(from, to))
    }

    /// The tiles of a level in order, `from..to`.
    pub async fn tiles(&self, level: u8, from: u64, to: u64) -> Result<Vec<Tile>, Error> {
        on_engine!(self.engine, tiles(level, from, to))
    }

    /// Keeps a signed checkpoint (a C2SP signed note) over the first `size` entries.
    pub async fn keep_checkpoint(&self, size: u64, note: &str) -> Result<(), Error> {
        prepared::body("a signed checkpoint", note)?;
        on_engine!(self.engine, keep_checkpoint(size, note))
    }

    /// The signed checkpoints, by size, from the smallest that is at least `from`.
    pub async fn checkpoints(&self, from: u64, most: usize) -> Result<Vec<String>, Error> {
        on_engine!(self.engine, log_checkpoints(from, most))
    }

    /// The newest signed checkpoint.
    pub async fn last_checkpoint(&self) -> Result<Option<String>, Error> {
        on_engine!(self.engine, last_checkpoint())
    }

    /// Erases all personal texts of every subject that has a text equal to `person`.
    pub async fn erase(&self, person: &str) -> Result<Erased, Error> {
        // Texts are masked before they are kept, so this is how the person stands there.
        let person = audit::mask::text(person);
        prepared::body("what is erased", &person)?;
        on_engine!(self.engine, erase(&person))
    }

    /// Erases all personal texts of the entries about something; gives how many.
    pub async fn erase_subject(&self, subject: &str) -> Result<u64, Error> {
        on_engine!(self.engine, erase_subject(subject))
    }

    /// Drops the text of entries that are older than this, up to the first that is not; their hashes stay, so the log stays
    /// valid. An entry `audit.expired` says so first: without it, verification takes a missing text for a removed one.
    /// Gives how many.
    pub async fn expire(&self, older: Duration) -> Result<u64, Error> {
        let end = self.first_since(self.ago(older)).await?;
        let last = match end.checked_sub(1) {
            Some(last) => self.rows(last, 1).await?.pop(),
            None => None,
        };
        if last.is_none_or(|row| row.leaf.is_none()) {
            return Ok(0);
        }
        let detail = serde_json::json!({"through": end - 1});
        let entry = Entry {
            at: jiff::Timestamp::from_millisecond(self.ago(Duration::ZERO))
                .unwrap_or_default()
                .into(),
            actor: Actor::Service,
            action: EXPIRED.to_owned(),
            subject: None,
            correlation: None,
            outcome: Outcome::Success,
            detail: detail.as_object().cloned().unwrap_or_default(),
            personal: Vec::new(),
        };
        let commit = Commit {
            audit: vec![entry],
            ..Commit::default()
        };
        self.commit(commit).await?;
        on_engine!(self.engine, expire(end))
    }

    /// The index of the first entry that is not older than this; the log's size when all are.
    async fn first_since(&self, since_ms: i64) -> Result<u64, Error> {
        let size = self.log().await?.size();
        let Ok(since) = jiff::Timestamp::from_millisecond(since_ms) else {
            return Ok(0);
        };
        let filter = EntryFilter {
            since: Some(since.into()),
            ..EntryFilter::default()
        };
        let first = self.entries(&filter, 1).await?;
        Ok(first.first().map_or(size, |entry| entry.index))
    }
}
