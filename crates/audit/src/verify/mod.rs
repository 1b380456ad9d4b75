//! Verifies a whole log, row by row, and names the first entry that is broken.
//!
//! What a row says is checked against itself (its text against its hash, its columns and personal texts against its text)
//! and against what vouches for it: the tiles, the signed checkpoints, the head. Only a few hashes are kept, so a log of
//! any length is verified in the same memory.
//!
//! Rows are fed page by page. What vouches for a page goes first: its tiles of all levels, and the checkpoints up to its
//! last row; after the last page the checkpoints and tiles that are left, for they may vouch for entries that are gone.
//! That a checkpoint is signed is the caller's to verify ([`crate::checkpoint`]).
//!
//! ```
//! use audit::{tree::{Frontier, leaf_hash}, verify::{Verifier, VerifyRow}};
//!
//! let leaf = r#"{"index":0,"at":"2026-11-21T09:30:00.000Z","actor":"menu","action":"menu.key","outcome":"success"}"#;
//! let mut log = Frontier::default();
//! log.push(leaf_hash(leaf.as_bytes()));
//!
//! let mut verifier = Verifier::default();
//! verifier.checkpoint(log.size(), log.root());
//! let changed = leaf.replace("success", "failure");
//! verifier.row(&VerifyRow {
//!     index: 0,
//!     hash: leaf_hash(leaf.as_bytes()),
//!     leaf: Some(&changed),
//!     at_ms: 1_795_253_400_000,
//!     action: "menu.key",
//!     subject: None,
//!     texts: &[],
//! });
//! let verdict = verifier.finish(&log);
//! assert_eq!(verdict.faults[0].to_string(), "entry 0: its text was changed (it does not have the hash that was kept)");
//! ```

mod fault;
mod history;
mod row;

pub use fault::{Broken, MOST_FAULTS, Verdict, What};
pub use row::VerifyRow;

use crate::tree::{Frontier, Hash, Tile};
use fault::Faults;
use history::History;

/// Verifies rows that are fed in order. See the [module](self).
#[derive(Debug, Default)]
pub struct Verifier {
    history: History,
    faults: Faults,
    /// The index that the next row has to have.
    next: u64,
    rows: u64,
    /// Below this index, retention may have dropped texts.
    expired_before: u64,
    expired: u64,
}

impl Verifier {
    /// Retention may have dropped the texts of entries below this index; entries `audit.expired` of the log say so. Any other
    /// missing text is a fault.
    pub fn expired(&mut self, before: u64) {
        self.expired_before = self.expired_before.max(before);
    }

    /// A checkpoint whose signature was verified. They come in order of size, each before the row that its size counts last.
    pub fn checkpoint(&mut self, size: u64, root: Hash) {
        if size < self.next {
            self.faults.add(size, size, What::Late);
        } else {
            self.history.checkpoint(size, root, &mut self.faults);
        }
    }

    /// A tile that is kept, before the rows it is over.
    pub fn tile(&mut self, tile: Tile) {
        self.history.tile(tile);
    }

    /// The next row.
    pub fn row(&mut self, row: &VerifyRow<'_>) {
        self.rows += 1;
        if row.index < self.next {
            let next = self.next;
            self.faults
                .add(row.index, row.index, What::OutOfOrder { after: next - 1 });
            self.history.explain();
            return;
        }
        if row.index > self.next {
            self.faults.add(self.next, row.index - 1, What::Removed);
            self.history.gap(row.index, &mut self.faults);
        }
        if row.leaf.is_none() {
            if row.index < self.expired_before {
                self.expired += 1;
            } else {
                self.faults.add(row.index, row.index, What::TextRemoved);
            }
        }
        let (text_hash, is_moved) = row::check(row, &mut self.faults);
        if is_moved {
            self.history.explain();
        }
        self.history.row(row.index, row.hash, text_hash, &mut self.faults);
        self.next = row.index.saturating_add(1);
    }

    /// All rows, checkpoints and tiles were fed; `head` is the log's size and frontier as they are kept.
    pub fn finish(mut self, head: &Frontier) -> Verdict {
        let vouched = self.history.vouched().max(head.size());
        if vouched > self.next {
            self.faults.add(self.next, vouched - 1, What::CutOff);
        }
        if head.size() < self.next {
            self.faults.add(head.size(), self.next - 1, What::BeyondHead);
        }
        self.history.head(head, &mut self.faults);
        Verdict {
            entries: self.rows,
            expired: self.expired,
            root: self.history.root(),
            proven: self.history.proven(),
            broken: self.faults.count,
            faults: self.faults.first,
        }
    }
}

#[cfg(test)]
mod tests;
