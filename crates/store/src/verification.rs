//! Verifying the audit log in the database.

use crate::{Error, Row, Store};
use audit::{
    checkpoint::Checkpoint,
    note::{Note, NoteError, VerifyingKey},
    tree::{Frontier, TILE},
    verify::{Verdict, Verifier, VerifyRow},
};
use std::collections::BTreeSet;

/// Rows that are read at once; a multiple of a tile.
const PAGE: u64 = 1024;
/// The end of a range of tiles that means all.
const MOST_TILES: u64 = i64::MAX as u64;
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
    /// Whether nothing at all is wrong.
    pub fn is_good(&self) -> bool {
        self.verdict.broken == 0 && self.forged.is_empty()
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
        let mut from = 0;
        while from < head.size() {
            let rows = self.rows(from, PAGE as usize).await?;
            if rows.is_empty() {
                break;
            }
            let to = head.size().min(from + PAGE);
            self.vouch(&mut verifier, &mut vouchers, from, to).await?;
            let of_page = rows.iter().filter(|row| row.index < to);
            of_page.for_each(|row| verifier.row(&view(row)));
            from = to;
            progress(from, head.size());
        }
        if is_damaged || self.log().await? == head {
            // Nothing came meanwhile, so what lies beyond the head is no entry of ours.
            let beyond = self.rows(head.size(), PAGE as usize).await?;
            beyond.iter().for_each(|row| verifier.row(&view(row)));
        }
        self.vouch(&mut verifier, &mut vouchers, from, u64::MAX).await?;
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

    /// Feeds what vouches for entries `from..to`.
    async fn vouch(
        &self,
        verifier: &mut Verifier,
        vouchers: &mut Vouchers,
        from: u64,
        to: u64,
    ) -> Result<(), Error> {
        for level in 1..=LEVELS {
            let span = TILE.pow(level.into());
            // Those whose last entry is within the range.
            for tile in self
                .tiles(level, from / span, (to / span).min(MOST_TILES))
                .await?
            {
                verifier.tile(tile);
            }
        }
        let mut kept = Vec::new();
        let mut next = from + 1;
        while next <= to.min(vouchers.newest) {
            let notes = self.checkpoints(next, CHECKPOINTS).await?;
            let read: Vec<Checkpoint> = notes.iter().filter_map(|note| vouchers.read(note)).collect();
            let last = read.iter().map(Checkpoint::size).max();
            kept.extend(read.into_iter().filter(|checkpoint| checkpoint.size() <= to));
            match last {
                Some(last) if notes.len() == CHECKPOINTS => next = last + 1,
                _ => break,
            }
        }
        kept.extend(vouchers.outside_in(from, to));
        kept.sort_by_key(Checkpoint::size);
        for checkpoint in kept {
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
            newest: 0,
            used: 0,
            unknown: 0,
            forged: BTreeSet::new(),
        };
        let newest = newest.and_then(|note| vouchers.read(&note));
        vouchers.outside = trust
            .notes
            .iter()
            .filter_map(|note| vouchers.read(note))
            .collect();
        vouchers.newest = newest.map_or(0, |checkpoint| checkpoint.size());
        vouchers.unknown = 0;
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

    fn outside_in(&self, from: u64, to: u64) -> impl Iterator<Item = Checkpoint> {
        let within = move |checkpoint: &&Checkpoint| checkpoint.size() > from && checkpoint.size() <= to;
        self.outside.iter().filter(within).cloned()
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
