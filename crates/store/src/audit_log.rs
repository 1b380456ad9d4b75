//! The audit log in the database.

use crate::{Error, Store};
use audit::{
    Text,
    tree::{Frontier, Hash, Tile},
};
use std::time::Duration;
use wire::UtcTime;

/// Which entries are meant; what is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryFilter {
    pub since: Option<UtcTime>,
    pub until: Option<UtcTime>,
    /// Actions that begin like this.
    pub action_prefix: Option<String>,
    pub subject: Option<String>,
    /// From this index on.
    pub from: u64,
}

/// An entry as it is kept, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEntry {
    pub index: u64,
    /// `None` when retention removed it; its hash is still there.
    pub leaf: Option<String>,
    /// The personal texts that were not erased.
    pub texts: Vec<Text>,
}

/// An entry with all that verification looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub index: u64,
    pub hash: Hash,
    pub leaf: Option<String>,
    /// The columns that queries use; they must say what the leaf says.
    pub at_ms: i64,
    pub action: String,
    pub subject: Option<String>,
    pub texts: Vec<Text>,
}

/// What an erasure removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    pub subjects: Vec<String>,
    pub texts: u64,
}

impl Store {
    /// Size and frontier of the log; all that was committed before is in it.
    pub async fn log(&self) -> Result<Frontier, Error> {
        self.engine.log().await
    }
    /// Entries in order, at most so many.
    pub async fn entries(&self, filter: &EntryFilter, most: usize) -> Result<Vec<KeptEntry>, Error> {
        self.engine.entries(filter.clone(), most).await
    }
    /// Rows in order from an index on, for verification. An index may be missing: that is what verification looks for.
    pub async fn rows(&self, from: u64, most: usize) -> Result<Vec<Row>, Error> {
        self.engine.rows(from, most).await
    }
    /// The hashes of leaves `from..to` as they are kept.
    pub async fn leaf_hashes(&self, from: u64, to: u64) -> Result<Vec<Hash>, Error> {
        self.engine.leaf_hashes(from, to).await
    }
    /// The tiles of a level in order, `from..to`.
    pub async fn tiles(&self, level: u8, from: u64, to: u64) -> Result<Vec<Tile>, Error> {
        self.engine.tiles(level, from, to).await
    }
    /// Keeps a signed checkpoint (a C2SP signed note) over the first `size` entries.
    pub async fn keep_checkpoint(&self, size: u64, note: &str) -> Result<(), Error> {
        self.engine.keep_checkpoint(size, note.to_owned()).await
    }
    /// The signed checkpoints, by size, from the smallest that is at least `from`.
    pub async fn checkpoints(&self, from: u64, most: usize) -> Result<Vec<String>, Error> {
        self.engine.checkpoints(from, most).await
    }
    /// The newest signed checkpoint.
    pub async fn last_checkpoint(&self) -> Result<Option<String>, Error> {
        self.engine.last_checkpoint().await
    }
    /// Erases all personal texts of every subject that has a text equal to `person`.
    pub async fn erase(&self, person: &str) -> Result<Erased, Error> {
        self.engine.erase(person.to_owned()).await
    }
    /// Drops the text of entries older than this; their hashes stay, so the log stays valid. Gives how many.
    pub async fn expire(&self, older: Duration) -> Result<u64, Error> {
        self.engine.expire(older).await
    }
}
