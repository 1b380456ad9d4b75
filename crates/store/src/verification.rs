//! Verifying the audit log in the database.

use crate::{EntryFilter, Error, Row, Store, audit_log::EXPIRED};
use audit::{
    checkpoint::Checkpoint,
    leaf::ParsedLeaf,
    note::{Note, NoteError, VerifyingKey},
    tree::{Frontier, TILE, Tile},
    verify::{Verdict, Verifier, VerifyRow},
};
use std::collections::BTreeSet;

/// Rows that are read at once; a multiple of a tile.
const PAGE: u64 = 1024;
/// Most tiles of a level beyond the end of the log that are looked at.
const MOST_STRAY: u64 = 1000;
/// Checkpoints that are read at once.
const CHECKPOINTS: usize = 1000;
/// Levels of tiles that there are: 256^4 entries are more than there will be.
const LEVELS: u8 = 4;
/// Most forged checkpoints that are told one by one.
const MOST_FORGED: usize = 20;

/// What is said of a head that is no head.
const DAMAGED: &str =
    "the head of the log is damaged, so nothing can be appended to it; restore it from a backup";

/// Whom to believe.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// The keys whose checkpoints count.
    pub keys: Vec<VerifyingKey>,
    /// Checkpoints that were kept outside the database, as signed notes.
    pub notes: Vec<String>,
}

/// What came of a verification.
#[derive(Debug)]
pub struct Verified {
    /// The log itself.
    pub verdict: Verdict,
    /// How many checkpoints with a good signature vouched for it.
    pub checkpoints: u64,
    /// How many checkpoints of keys that are not known were left out.
    pub unknown: u64,
    /// What was changed beside the entries, checkpoints or the head: why each is not believed.
    pub forged: Vec<String>,
}

impl Verified {
    /// Whether nothing is wrong, as far as somebody vouches for it.
    pub fn is_good(&self) -> bool {
        self.verdict.broken == 0 && self.forged.is_empty() && !self.is_unjudged()
    }

    /// Whether all that would vouch for the log is signed by keys that are not known: then nothing is known of it.
    pub fn is_unjudged(&self) -> bool {
        self.checkpoints == 0 && self.unknown > 0
    }
}

impl Store {
    /// Verifies every entry against its hash, its commitments, the tree and the signed checkpoints, while the log may grow.
    ///
    /// Memory is flat; `progress` is told how many entries were looked at, of how many.
    pub async fn verify_log(
        &self,
        trust: &Trust,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Verified, Error> {
        // Before the head is read, so that each checkpoint is about entries that must be there.
        let mut vouchers = Vouchers::new(trust, self.last_checkpoint().await?);
        let (head, is_damaged) = match self.log().await {
            Ok(head) => (head, false),
            Err(Error::Failed(_)) => (self.head_of_rows().await?, true),
            Err(error) => return Err(error),
        };
        vouchers.newest = vouchers.newest.max(head.size());
        let mut verifier = Verifier::default();
        let mut expired_before = 0;
        let mut from = 0;
        while from < head.size() {
            let rows = self.rows(from, PAGE as usize).await?;
            if rows.is_empty() {
                break;
            }
            // Asked when it matters, after the rows: retention says so before it drops a text.
            if rows
                .iter()
                .any(|row| row.leaf.is_none() && row.index >= expired_before)
            {
                expired_before = self.expired_before().await?;
                verifier.expired(expired_before);
            }
            let to = head.size().min(from + PAGE);
            self.tiles_in(&mut verifier, from, to).await?;
            self.checkpoints_in(&mut verifier, &mut vouchers, from, to)
                .await?;
            let of_page = rows.iter().filter(|row| row.index < to);
            of_page.for_each(|row| verifier.row(&view(row)));
            from = to;
            progress(from, head.size());
        }
        // Read first, asked afterwards: if nothing came meanwhile, what lies beyond the head is no entry of ours.
        let beyond = self.rows(head.size(), PAGE as usize).await?;
        let tiles = self.tiles_from(head.size()).await?;
        if is_damaged || self.log().await? == head {
            beyond.iter().for_each(|row| verifier.row(&view(row)));
            tiles.into_iter().for_each(|tile| verifier.tile(tile));
        }
        self.checkpoints_in(&mut verifier, &mut vouchers, from, u64::MAX)
            .await?;
        if is_damaged {
            vouchers.forge(DAMAGED.to_owned());
        }
        Ok(vouchers.verified(verifier.finish(&head)))
    }

    /// The head that the rows would have, where the one that is kept can't be read.
    async fn head_of_rows(&self) -> Result<Frontier, Error> {
        let mut head = Frontier::default();
        loop {
            let rows = self.rows(head.size(), PAGE as usize).await?;
            let size = head.size();
            let in_order = rows
                .iter()
                .zip(size..)
                .take_while(|(row, index)| row.index == *index);
            in_order.for_each(|(row, _)| drop(head.push(row.hash)));
            if head.size() == size {
                return Ok(head);
            }
        }
    }

    /// Below which index retention dropped texts, as the log itself says.
    async fn expired_before(&self) -> Result<u64, Error> {
        let mut filter = EntryFilter {
            action_prefix: Some(EXPIRED.to_owned()),
            ..EntryFilter::default()
        };
        let mut before = 0;
        loop {
            let entries = self.entries(&filter, PAGE as usize).await?;
            let Some(last) = entries.last() else {
                return Ok(before);
            };
            filter.from = last.index + 1;
            let leaves = entries.iter().filter_map(|entry| entry.leaf.as_deref());
            let through = leaves.filter_map(|leaf| {
                let leaf = ParsedLeaf::parse(leaf).ok()?;
                leaf.detail.get("through")?.as_u64()
            });
            before = through
                .map(|index| index.saturating_add(1))
                .fold(before, u64::max);
        }
    }

    /// Feeds the tiles whose last entry is in `from..to`.
    async fn tiles_in(&self, verifier: &mut Verifier, from: u64, to: u64) -> Result<(), Error> {
        for level in 1..=LEVELS {
            let span = TILE.pow(level.into());
            for tile in self.tiles(level, from / span, to / span).await? {
                verifier.tile(tile);
            }
        }
        Ok(())
    }

    /// Tiles that are over entries beyond this many.
    async fn tiles_from(&self, size: u64) -> Result<Vec<Tile>, Error> {
        let mut tiles = Vec::new();
        for level in 1..=LEVELS {
            let from = size / TILE.pow(level.into());
            tiles.extend(self.tiles(level, from, from + MOST_STRAY).await?);
        }
        Ok(tiles)
    }

    /// Feeds the checkpoints of more than `from` and at most `to` entries.
    async fn checkpoints_in(
        &self,
        verifier: &mut Verifier,
        vouchers: &mut Vouchers,
        from: u64,
        to: u64,
    ) -> Result<(), Error> {
        while !vouchers.is_read && vouchers.next <= to.min(vouchers.newest) {
            let notes = self.checkpoints(vouchers.next, CHECKPOINTS).await?;
            vouchers.take(&notes);
        }
        for checkpoint in vouchers.due(from, to) {
            vouchers.used += 1;
            verifier.checkpoint(checkpoint.size(), *checkpoint.root());
        }
        Ok(())
    }
}

/// The signed checkpoints that count, and what was wrong with others.
struct Vouchers {
    keys: Vec<VerifyingKey>,
    outside: Vec<Checkpoint>,
    /// Of the database: read, but not fed yet.
    pending: Vec<Checkpoint>,
    /// The size from which on the database's were not read yet.
    next: u64,
    /// Whether there are no more of them.
    is_read: bool,
    /// The size up to which those in the database count: later ones came while we verified.
    newest: u64,
    used: u64,
    unknown: u64,
    forged: BTreeSet<String>,
}

impl Vouchers {
    fn new(trust: &Trust, newest: Option<String>) -> Self {
        let mut vouchers = Self {
            keys: trust.keys.clone(),
            outside: Vec::new(),
            pending: Vec::new(),
            next: 1,
            is_read: false,
            newest: 0,
            used: 0,
            unknown: 0,
            forged: BTreeSet::new(),
        };
        let newest = newest.and_then(|note| vouchers.read(&note));
        vouchers.newest = newest.map_or(0, |checkpoint| checkpoint.size());
        // It comes again with the others.
        vouchers.unknown = 0;
        vouchers.outside = trust
            .notes
            .iter()
            .filter_map(|note| vouchers.read(note))
            .collect();
        vouchers
    }

    /// A note's checkpoint, if a known key signed it.
    fn read(&mut self, note: &str) -> Option<Checkpoint> {
        let read = Note::parse(note).and_then(|note| note.verify(&self.keys).map(Checkpoint::parse));
        match read {
            Ok(Ok(checkpoint)) => return Some(checkpoint),
            Ok(Err(error)) => self.forge(error.to_string()),
            Err(NoteError::NoKnownKey) => self.unknown += 1,
            Err(error) => self.forge(error.to_string()),
        }
        None
    }

    fn forge(&mut self, why: String) {
        if self.forged.len() < MOST_FORGED {
            self.forged.insert(why);
        }
    }

    /// The next ones of the database, by size.
    fn take(&mut self, notes: &[String]) {
        for note in notes {
            if let Ok(Ok(said)) = Note::parse(note).map(|note| Checkpoint::parse(note.unverified())) {
                self.next = self.next.max(said.size().saturating_add(1));
            }
            let read = self
                .read(note)
                .filter(|checkpoint| checkpoint.size() <= self.newest);
            self.pending.extend(read);
        }
        self.is_read = notes.len() < CHECKPOINTS;
    }

    /// Those of more than `from` and at most `to` entries, by size.
    fn due(&mut self, from: u64, to: u64) -> Vec<Checkpoint> {
        let (due, later) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|checkpoint| checkpoint.size() <= to);
        self.pending = later;
        let mut due: Vec<Checkpoint> = due;
        let within = |checkpoint: &&Checkpoint| checkpoint.size() > from && checkpoint.size() <= to;
        due.extend(self.outside.iter().filter(within).cloned());
        due.sort_by_key(Checkpoint::size);
        due
    }

    fn verified(self, verdict: Verdict) -> Verified {
        Verified {
            verdict,
            checkpoints: self.used,
            unknown: self.unknown,
            forged: self.forged.into_iter().collect(),
        }
    }
}

fn view(row: &Row) -> VerifyRow<'_> {
    VerifyRow {
        index: row.index,
        hash: row.hash,
        leaf: row.leaf.as_deref(),
        at_ms: row.at_ms,
        action: &row.action,
        subject: row.subject.as_deref(),
        texts: &row.texts,
    }
}
