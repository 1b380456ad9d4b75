//! Proofs over the tree (RFC 6962, sections 2.1.1 and 2.1.2): that an entry is in the log, and that a log only grew.
//!
//! Making a proof needs hashes that lie in a database, so it has two steps: a [`Plan`] says what to read, and makes the
//! proof from what was read. Verifying needs nothing but the proof.
//!
//! ```
//! use audit::{proof::{Plan, Read, verify_inclusion}, tree::{Frontier, leaf_hash}};
//!
//! let leaves = ["a", "b", "c"].map(|text| leaf_hash(text.as_bytes()));
//! let mut log = Frontier::default();
//! for leaf in leaves {
//!     log.push(leaf);
//! }
//! let plan = Plan::inclusion(1, log.size()).ok_or("no such entry")?;
//! let read = plan.reads().iter().map(|read| match read {
//!     Read::Leaves { from, to } => leaves[*from as usize..*to as usize].to_vec(),
//!     Read::Tiles { .. } => unreachable!("there are no tiles yet"),
//! });
//! let proof = plan.proof(&read.collect::<Vec<_>>()).ok_or("not all was read")?;
//! assert!(verify_inclusion(&leaves[1], 1, log.size(), &proof, &log.root()));
//! # Ok::<(), &str>(())
//! ```

use crate::tree::{Hash, TILE, fold_right, node_hash, root_of};

/// Something to read for a proof. What is read has exactly `to - from` hashes, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// The hashes of leaves `from..to`; at most 128.
    Leaves {
        /// The first leaf.
        from: u64,
        /// The one after the last.
        to: u64,
    },
    /// The tiles `from..to` of a level; at most 128.
    Tiles {
        /// The level: a tile has `256^level` leaves.
        level: u8,
        /// The first tile.
        from: u64,
        /// The one after the last.
        to: u64,
    },
}

impl Read {
    /// How many hashes it gives.
    pub fn count(&self) -> u64 {
        match self {
            Self::Leaves { from, to } | Self::Tiles { from, to, .. } => to - from,
        }
    }

    /// What gives the root of a whole subtree of `len` leaves (a power of two) that begins at a multiple of `len`.
    fn of_subtree(start: u64, len: u64) -> Self {
        let level = len.ilog2() / TILE.ilog2();
        let span = TILE.pow(level);
        let (from, to) = (start / span, (start + len) / span);
        match level {
            0 => Self::Leaves { from, to },
            level => Self::Tiles {
                level: level as u8,
                from,
                to,
            },
        }
    }
}

/// What to read for a proof, and how the proof is made from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    reads: Vec<Read>,
    /// How many of the reads make one hash of the proof; for each hash in order.
    nodes: Vec<usize>,
}

impl Plan {
    /// The plan of the proof that entry `index` is in the log of `size` entries. `None` when it can't be.
    pub fn inclusion(index: u64, size: u64) -> Option<Self> {
        (index < size).then(|| Self::of(inclusion_path(index, size)))
    }

    /// The plan of the proof that the log of `new` entries begins with the log of `old` entries. `None` when it can't.
    /// The proof is empty when nothing is to be proven: from an empty log, or of equal sizes.
    pub fn consistency(old: u64, new: u64) -> Option<Self> {
        (old <= new).then(|| Self::of(consistency_path(old, new)))
    }

    /// The plan of the root over the first `size` entries: the "proof" is that one hash. `None` for an empty log.
    pub fn root(size: u64) -> Option<Self> {
        (size > 0).then(|| Self::of(vec![(0, size)]))
    }

    fn of(path: Vec<(u64, u64)>) -> Self {
        let mut plan = Self {
            reads: Vec::new(),
            nodes: Vec::new(),
        };
        for (start, end) in path {
            let before = plan.reads.len();
            plan.reads.extend(whole_subtrees(start, end));
            plan.nodes.push(plan.reads.len() - before);
        }
        plan
    }

    /// What is to be read.
    pub fn reads(&self) -> &[Read] {
        &self.reads
    }

    /// The proof, from what was read for each of [`Plan::reads`]. `None` when that is not as many hashes as asked for.
    pub fn proof(&self, read: &[Vec<Hash>]) -> Option<Vec<Hash>> {
        let complete = read.len() == self.reads.len()
            && (self.reads.iter().zip(read)).all(|(asked, got)| asked.count() == got.len() as u64);
        if !complete {
            return None;
        }
        let mut rest = read;
        self.nodes
            .iter()
            .map(|count| {
                let (subtrees, later) = rest.split_at_checked(*count)?;
                rest = later;
                let roots: Vec<Hash> = subtrees.iter().map(|hashes| root_of(hashes)).collect();
                fold_right(&roots)
            })
            .collect()
    }
}

/// The siblings of a leaf on its way to the root, lowest first, as ranges of leaves.
fn inclusion_path(index: u64, size: u64) -> Vec<(u64, u64)> {
    let (mut start, mut end) = (0, size);
    let mut path = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push((middle, end));
            end = middle;
        } else {
            path.push((start, middle));
            start = middle;
        }
    }
    path.reverse();
    path
}

/// The nodes that the old root and the new one are made of, lowest first (RFC 6962, `SUBPROOF`).
fn consistency_path(old: u64, new: u64) -> Vec<(u64, u64)> {
    let (mut start, mut end) = (0, new);
    let mut path = Vec::new();
    if old == 0 {
        return path;
    }
    while old != end {
        let middle = start + split(end - start);
        if old <= middle {
            path.push((middle, end));
            end = middle;
        } else {
            path.push((start, middle));
            start = middle;
        }
    }
    // The old tree as a whole is known to whoever has its root.
    if start > 0 {
        path.push((start, end));
    }
    path.reverse();
    path
}

/// How many leaves the left side of a tree has: the largest power of two below `size`, which is at least 2.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// The whole subtrees that a node over leaves `start..end` consists of, largest first.
fn whole_subtrees(mut start: u64, end: u64) -> Vec<Read> {
    let mut reads = Vec::new();
    while start < end {
        let len = 1 << (end - start).ilog2();
        reads.push(Read::of_subtree(start, len));
        start += len;
    }
    reads
}

/// Whether `proof` shows that `leaf` is entry `index` of the log of `size` entries with this root (RFC 9162, 2.1.3.2).
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if node % 2 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            skip_left_edges(&mut node, &mut last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether `proof` shows that the log of `new_size` entries begins with the log of `old_size` entries (RFC 9162, 2.1.4.2).
/// Every log begins with the empty one, and the same size must have the same root; that needs no proof, so it must be empty.
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> bool {
    if old_size == 0 {
        return proof.is_empty() && *old_root == root_of(&[]);
    }
    if old_size == new_size {
        return proof.is_empty() && old_root == new_root;
    }
    // A whole old tree is itself the first node.
    let (first, rest) = match proof.split_first() {
        _ if old_size.is_power_of_two() => (old_root, proof),
        Some((first, rest)) => (first, rest),
        None => return false,
    };
    if old_size > new_size || rest.is_empty() {
        return false;
    }
    let (mut node, mut last) = (old_size - 1, new_size - 1);
    let whole = node.trailing_ones();
    node >>= whole;
    last >>= whole;
    let (mut old, mut new) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if node % 2 == 1 || node == last {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            skip_left_edges(&mut node, &mut last);
        } else {
            new = node_hash(&new, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old == *old_root && new == *new_root
}

/// A last node without a sibling moves up as it is.
fn skip_left_edges(node: &mut u64, last: &mut u64) {
    while node.is_multiple_of(2) && *node != 0 {
        *node >>= 1;
        *last >>= 1;
    }
}

#[cfg(test)]
mod tests;
