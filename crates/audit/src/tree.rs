//! The Merkle tree of RFC 6962, section 2.1: hashes, and the frontier that grows with each entry.
//!
//! How to prove something with it is in [`crate::proof`].

use sha2::{Digest, Sha256};

/// A hash of the tree: SHA-256.
pub type Hash = [u8; 32];

/// Every so many entries, the hash of a whole subtree is kept (a *tile*), so that proofs need not read the whole log.
pub const TILE: u64 = 256;

/// The hash of a leaf.
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update(leaf);
    hash.finalize().into()
}

/// The hash of a node over its two children.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hash = Sha256::new();
    hash.update([1]);
    hash.update(left);
    hash.update(right);
    hash.finalize().into()
}

/// The root over some leaves, by the definition of RFC 6962. The root over the roots of equal whole subtrees is the same.
pub fn root_of(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [one] => *one,
        _ => {
            let left = 1 << (leaves.len() - 1).ilog2();
            let (left, right) = leaves.split_at(left);
            node_hash(&root_of(left), &root_of(right))
        }
    }
}

/// The root over whole subtrees of falling size, side by side. `None` when there are none.
pub(crate) fn fold_right(roots: &[Hash]) -> Option<Hash> {
    let (last, lefts) = roots.split_last()?;
    Some(lefts.iter().rfold(*last, |right, left| node_hash(left, &right)))
}

/// A hash as people read it: 64 hexadecimal digits.
pub fn hex(hash: &[u8]) -> String {
    hash.iter().fold(String::with_capacity(64), |mut text, byte| {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A whole subtree of `256^level` leaves, the `index`th of its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    /// 1 for 256 leaves, 2 for 65,536, and so on.
    pub level: u8,
    /// Its place in the level, from 0.
    pub index: u64,
    /// The root of the subtree.
    pub hash: Hash,
}

/// The roots of the whole subtrees that a log of some size consists of: all that is needed to append to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    /// One root per bit that is set in `size`, largest subtree first.
    roots: Vec<Hash>,
}

impl Frontier {
    /// Reads back what [`Frontier::to_bytes`] wrote. `None` when the bytes are not those of a log of this size.
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Option<Self> {
        let (roots, rest) = bytes.as_chunks::<32>();
        let fits = rest.is_empty() && roots.len() == size.count_ones() as usize;
        fits.then(|| Self {
            size,
            roots: roots.to_vec(),
        })
    }

    /// The roots, one after the other.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.roots.concat()
    }

    /// The roots, largest subtree first.
    pub(crate) fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// How many entries the log has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf; gives the tiles that became whole.
    pub fn push(&mut self, leaf: Hash) -> Vec<Tile> {
        let mut tiles = Vec::new();
        let mut hash = leaf;
        let mut span = 1;
        // Equal subtrees at the end are joined, as in adding one to a binary number.
        while self.size & span != 0 {
            if let Some(left) = self.roots.pop() {
                hash = node_hash(&left, &hash);
            }
            span *= 2;
            if is_tile(span) {
                let level = (span.trailing_zeros() / 8) as u8;
                tiles.push(Tile {
                    level,
                    index: self.size / span,
                    hash,
                });
            }
        }
        self.roots.push(hash);
        self.size += 1;
        tiles
    }

    /// The root over all entries; that of an empty log is the hash of nothing.
    pub fn root(&self) -> Hash {
        fold_right(&self.roots).unwrap_or_else(|| root_of(&[]))
    }
}

/// Whether a subtree of so many leaves is a tile: 256, 65,536, ...
fn is_tile(span: u64) -> bool {
    span > 1 && span.trailing_zeros().is_multiple_of(TILE.trailing_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frontier_has_the_root_of_the_definition() {
        let leaves: Vec<Hash> = (0..600u32).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        let mut frontier = Frontier::default();
        let mut tiles = Vec::new();
        for size in 0..leaves.len() {
            assert_eq!(frontier.root(), root_of(&leaves[..size]), "{size}");
            let again = Frontier::from_bytes(frontier.size(), &frontier.to_bytes()).unwrap();
            assert_eq!(again, frontier);
            tiles.extend(frontier.push(leaves[size]));
        }
        let whole = |index: u64, leaves: &[Hash]| Tile {
            level: 1,
            index,
            hash: root_of(leaves),
        };
        assert_eq!(tiles, [whole(0, &leaves[..256]), whole(1, &leaves[256..512])]);
    }
}
