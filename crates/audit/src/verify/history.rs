//! What the rows together say against what vouches for them: tiles, checkpoints, the head.
//!
//! Rows are gathered in blocks of 256, and a block is compared with its tile. From there on two trees grow, one of what the
//! rows say and one of what the tiles say: when a signed checkpoint fits one of them, the other one was changed, and since
//! then both are the same again. So a fault stays in its block, and later checkpoints still prove what comes after it.

use super::fault::{Faults, What};
use crate::tree::{Frontier, Hash, TILE, Tile, fold_right, root_of};
use std::collections::{BTreeMap, VecDeque};

/// The rows since the last whole block.
#[derive(Debug, Default)]
struct Block {
    /// By the hashes that are kept.
    by_hash: Frontier,
    /// By the hashes that the texts have, since the first one that is not the kept one.
    by_text: Option<Frontier>,
    /// Where the faults are of rows whose text does not have the kept hash.
    unlike: Vec<usize>,
    /// A row is missing, so the block has no root.
    torn: bool,
    /// A fault was named that explains why the block does not fit its tile.
    explained: bool,
}

/// The log as it was fed so far.
#[derive(Debug, Default)]
pub(super) struct History {
    /// How many entries were fed, missing ones counted.
    size: u64,
    block: Block,
    /// Over the whole blocks, by the rows.
    rows: Frontier,
    /// Over the whole blocks, by the tiles.
    tiled: Frontier,
    /// A block had neither all rows nor a tile: no root after it can be known.
    lost: bool,
    /// Tiles that were fed and not used yet.
    tiles: BTreeMap<(u8, u64), Hash>,
    /// Checkpoints that were fed and not reached yet, by size.
    checkpoints: VecDeque<(u64, Hash)>,
    largest_checkpoint: u64,
    proven: u64,
    /// A fault was named since `proven` that explains why a root does not fit.
    explained: bool,
    /// A checkpoint did not fit, and none has since: the next ones can't either.
    rewritten: bool,
    /// Faults of tiles that are not known yet to be right or wrong.
    doubtful_tiles: Vec<usize>,
}

impl History {
    pub(super) fn tile(&mut self, tile: Tile) {
        self.tiles.insert((tile.level, tile.index), tile.hash);
    }

    pub(super) fn checkpoint(&mut self, size: u64, root: Hash, faults: &mut Faults) {
        self.largest_checkpoint = self.largest_checkpoint.max(size);
        let place = self.checkpoints.partition_point(|(other, _)| *other <= size);
        self.checkpoints.insert(place, (size, root));
        self.check_checkpoints(faults);
    }

    /// Something was named that explains why roots do not fit.
    pub(super) fn explain(&mut self) {
        self.block.explained = true;
        self.explained = true;
    }

    pub(super) fn row(&mut self, index: u64, hash: Hash, text_hash: Hash, faults: &mut Faults) {
        if hash != text_hash {
            self.block.unlike.push(faults.add(index, index, What::Text));
            self.explain();
        }
        let block = &mut self.block;
        if hash != text_hash && block.by_text.is_none() {
            block.by_text = Some(block.by_hash.clone());
        }
        block.by_hash.push(hash);
        if let Some(by_text) = &mut block.by_text {
            by_text.push(text_hash);
        }
        self.size = index.saturating_add(1);
        if index % TILE == TILE - 1 {
            self.close_block(index / TILE, faults);
        }
        self.check_checkpoints(faults);
    }

    /// The rows up to `to` are missing.
    pub(super) fn gap(&mut self, to: u64, faults: &mut Faults) {
        for index in self.size / TILE..to / TILE {
            self.block.torn = true;
            self.close_block(index, faults);
            // Without a tile nothing is known from here on, and a gap may be very long.
            if self.lost {
                break;
            }
        }
        self.block.torn = !to.is_multiple_of(TILE);
        self.size = to;
        if self.is_unknown() {
            self.explain();
        }
        self.check_checkpoints(faults);
    }

    fn close_block(&mut self, index: u64, faults: &mut Faults) {
        let block = std::mem::take(&mut self.block);
        let tile = self.tiles.remove(&(1, index));
        if block.torn {
            match tile {
                Some(tile) => {
                    self.push(tile, tile, faults);
                    (self.explained, self.rewritten) = (false, false);
                }
                None => self.lost = true,
            }
            return;
        }
        let by_hash = block.by_hash.root();
        match tile {
            Some(tile) if tile == by_hash => self.push(tile, tile, faults),
            Some(tile) if block.by_text.is_some_and(|by_text| tile == by_text.root()) => {
                block
                    .unlike
                    .iter()
                    .for_each(|place| faults.is_rather(*place, What::Hash));
                self.push(tile, tile, faults);
            }
            _ => {
                if !block.explained {
                    self.misfit(1, index, tile.is_some(), faults);
                }
                self.push(by_hash, tile.unwrap_or(by_hash), faults);
                if tile.is_some() {
                    // What was found is inside this block, and the tile speaks for it from here on.
                    (self.explained, self.rewritten) = (false, false);
                }
            }
        }
    }

    /// Adds a whole block to both trees, and compares the larger tiles that are whole with it.
    fn push(&mut self, by_rows: Hash, by_tile: Hash, faults: &mut Faults) {
        if self.lost {
            return;
        }
        let by_rows = self.rows.push(by_rows);
        let by_tile = self.tiled.push(by_tile);
        for (by_rows, by_tile) in by_rows.into_iter().zip(by_tile) {
            let level = by_rows.level + 1;
            let kept = self.tiles.remove(&(level, by_rows.index));
            if kept != Some(by_rows.hash) && kept != Some(by_tile.hash) {
                self.misfit(level, by_rows.index, kept.is_some(), faults);
            }
        }
    }

    /// A tile is missing, or it and the entries under it do not fit.
    fn misfit(&mut self, level: u8, index: u64, is_there: bool, faults: &mut Faults) {
        let span = TILE.saturating_pow(level.into());
        let first = index.saturating_mul(span);
        let last = first.saturating_add(span - 1);
        if is_there {
            self.doubtful_tiles.push(faults.add(first, last, What::Range));
        } else {
            faults.add(first, last, What::NoTile);
        }
    }

    fn check_checkpoints(&mut self, faults: &mut Faults) {
        while let Some((size, root)) = self
            .checkpoints
            .front()
            .copied()
            .filter(|(size, _)| *size <= self.size)
        {
            self.checkpoints.pop_front();
            // One in the middle of a gap can't be checked, and the gap was named.
            if size < self.size || self.is_unknown() {
                continue;
            }
            if self.settle(&root, faults) {
                self.proven = size;
            } else if !self.explained && !self.rewritten {
                let last = size.saturating_sub(1);
                faults.add(self.proven.min(last), last, What::Rewritten { checkpoint: size });
                self.block.explained = true;
                self.rewritten = true;
            }
        }
    }

    /// Whether a root that is vouched for is one the log can have; then it is clear what was changed where there was doubt.
    fn settle(&mut self, root: &Hash, faults: &mut Faults) -> bool {
        let blocks = [Some(&self.block.by_hash), self.block.by_text.as_ref()];
        let fits = |tree: &Frontier| {
            let fits = |block: &Option<&Frontier>| block.is_some_and(|block| joined(tree, block) == *root);
            blocks.iter().position(fits)
        };
        let by_rows = fits(&self.rows);
        let by_tiles = || {
            if self.rows == self.tiled {
                None
            } else {
                fits(&self.tiled)
            }
        };
        let Some(block) = by_rows.or_else(by_tiles) else {
            return false;
        };
        if by_rows.is_some() {
            self.doubtful_tiles
                .iter()
                .for_each(|place| faults.is_rather(*place, What::Tile));
            self.tiled = self.rows.clone();
        } else {
            self.rows = self.tiled.clone();
        }
        self.doubtful_tiles.clear();
        (self.explained, self.rewritten) = (false, false);
        if let (1, Some(by_text)) = (block, &self.block.by_text) {
            self.block
                .unlike
                .iter()
                .for_each(|place| faults.is_rather(*place, What::Hash));
            self.block.by_hash = by_text.clone();
        }
        self.block.by_text = None;
        self.block.unlike.clear();
        self.block.explained = false;
        true
    }

    /// Compares with the head of the log, which is not signed.
    pub(super) fn head(&mut self, head: &Frontier, faults: &mut Faults) {
        let comparable = head.size() == self.size && !self.is_unknown();
        if !comparable || self.settle(&head.root(), faults) || self.explained || self.rewritten {
            return;
        }
        let last = self.size.saturating_sub(1);
        if self.proven == self.size {
            faults.add(0, last, What::Head);
            return;
        }
        let ours = self.rows.roots().iter().chain(self.block.by_hash.roots());
        let mut first = 0;
        let mut spans = (0..u64::BITS)
            .rev()
            .map(|bit| 1 << bit)
            .filter(|span| self.size & span != 0);
        for (ours, theirs) in ours.zip(head.roots()) {
            let span: u64 = spans.next().unwrap_or(1);
            if ours != theirs {
                faults.add(first, first + span - 1, What::NotInHead);
                return;
            }
            first += span;
        }
    }

    fn is_unknown(&self) -> bool {
        self.lost || self.block.torn
    }

    /// So many entries are vouched for, whether they are there or not.
    pub(super) fn vouched(&self) -> u64 {
        let end = |(level, index): &(u8, u64)| {
            (index.saturating_add(1)).saturating_mul(TILE.saturating_pow((*level).into()))
        };
        self.tiles
            .keys()
            .map(end)
            .max()
            .unwrap_or(0)
            .max(self.largest_checkpoint)
    }

    pub(super) fn proven(&self) -> u64 {
        self.proven
    }

    pub(super) fn root(&self) -> Option<Hash> {
        (!self.is_unknown()).then(|| joined(&self.rows, &self.block.by_hash))
    }
}

/// The root over whole blocks and the rows after them.
fn joined(blocks: &Frontier, rest: &Frontier) -> Hash {
    fold_right(&[blocks.roots(), rest.roots()].concat()).unwrap_or_else(|| root_of(&[]))
}
