//! Proofs against the definitions of RFC 6962, and against the vectors of its reference implementation.

use super::*;
use crate::tree::{Frontier, Tile, hex, leaf_hash};
use std::collections::BTreeMap;

/// A log in memory that keeps what the store keeps.
struct Log {
    leaves: Vec<Hash>,
    tiles: BTreeMap<(u8, u64), Hash>,
}

impl Log {
    fn of(leaves: Vec<Hash>) -> Self {
        let mut frontier = Frontier::default();
        let tiles = leaves.iter().flat_map(|leaf| frontier.push(*leaf));
        let tiles = tiles.map(|Tile { level, index, hash }| ((level, index), hash));
        Self {
            tiles: tiles.collect(),
            leaves,
        }
    }

    fn numbered(size: u32) -> Self {
        Self::of((0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect())
    }

    fn read(&self, plan: &Plan) -> Vec<Vec<Hash>> {
        let read = |read: &Read| match *read {
            Read::Leaves { from, to } => self.leaves[from as usize..to as usize].to_vec(),
            Read::Tiles { level, from, to } => (from..to).map(|index| self.tiles[&(level, index)]).collect(),
        };
        plan.reads().iter().map(read).collect()
    }

    fn prove(&self, plan: Option<Plan>) -> Vec<Hash> {
        let plan = plan.unwrap();
        plan.proof(&self.read(&plan)).unwrap()
    }

    fn root(&self, size: u64) -> Hash {
        root_of(&self.leaves[..size as usize])
    }
}

/// `PATH(m, D[n])` of RFC 6962, 2.1.1.
fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut proof, sibling) = if index < left.len() {
        (path(index, left), root_of(right))
    } else {
        (path(index - left.len(), right), root_of(left))
    };
    proof.push(sibling);
    proof
}

/// `SUBPROOF(m, D[n], b)` of RFC 6962, 2.1.2.
fn subproof(old: usize, leaves: &[Hash], known: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if known { Vec::new() } else { vec![root_of(leaves)] };
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut proof, sibling) = if old <= left.len() {
        (subproof(old, left, known), root_of(right))
    } else {
        (subproof(old - left.len(), right, false), root_of(left))
    };
    proof.push(sibling);
    proof
}

fn hash(text: &str) -> Hash {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    std::array::from_fn(|n| byte(2 * n))
}

/// The leaves and roots of Certificate Transparency's merkle_tree_test.
const CT_ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn ct() -> Log {
    let leaves: [&[u8]; 8] = [
        b"",
        b"\0",
        b"\x10",
        b" !",
        b"01",
        b"@ABC",
        b"PQRSTUVW",
        b"`abcdefghijklmno",
    ];
    Log::of(leaves.map(leaf_hash).to_vec())
}

#[test]
fn roots_are_those_of_certificate_transparency() {
    let log = ct();
    let roots: Vec<String> = (1..=8).map(|size| hex(&log.root(size))).collect();
    assert_eq!(roots, CT_ROOTS);
    assert_eq!(
        hex(&root_of(&[])),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
}

#[test]
fn proofs_are_those_of_certificate_transparency() {
    let log = ct();
    let inclusion = |index, size| {
        let proof = log.prove(Plan::inclusion(index, size));
        proof.iter().map(|hash| hex(hash)).collect::<Vec<_>>()
    };
    assert_eq!(inclusion(0, 1), Vec::<String>::new());
    assert_eq!(
        inclusion(0, 8),
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
        ]
    );
    assert_eq!(
        inclusion(5, 8),
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
        ]
    );
    let consistency = log.prove(Plan::consistency(6, 8));
    let expected = [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ];
    assert_eq!(consistency, expected.map(hash));
    let (six, eight) = (hash(CT_ROOTS[5]), hash(CT_ROOTS[7]));
    assert!(verify_consistency(6, &six, 8, &eight, &consistency));
}

#[test]
fn inclusion_is_as_defined_for_every_entry_of_every_size() {
    let log = Log::numbered(300);
    for size in 1..=300 {
        let root = log.root(size);
        // All entries of small logs; of the larger ones some, and both ends.
        let some = |index: &u64| size <= 70 || index.is_multiple_of(23) || *index == size - 1;
        for index in (0..size).filter(some) {
            let proof = log.prove(Plan::inclusion(index, size));
            assert_eq!(proof, path(index as usize, &log.leaves[..size as usize]));
            let leaf = &log.leaves[index as usize];
            assert!(verify_inclusion(leaf, index, size, &proof, &root));
        }
        assert_eq!(Plan::inclusion(size, size), None);
    }
}

#[test]
fn consistency_is_as_defined_for_every_pair_of_sizes() {
    let log = Log::numbered(300);
    let roots: Vec<Hash> = (0..=300).map(|size| log.root(size)).collect();
    for new in 0..=300 {
        let some = |old: &u64| new <= 70 || old.is_multiple_of(23) || *old == new - 1;
        for old in (0..=new).filter(some) {
            let proof = log.prove(Plan::consistency(old, new));
            if old > 0 {
                assert_eq!(proof, subproof(old as usize, &log.leaves[..new as usize], true));
            }
            let (old_root, new_root) = (&roots[old as usize], &roots[new as usize]);
            assert!(
                verify_consistency(old, old_root, new, new_root, &proof),
                "{old} {new}"
            );
        }
    }
    assert_eq!(Plan::consistency(2, 1), None);
}

#[test]
fn a_proof_that_is_not_exactly_right_proves_nothing() {
    let log = Log::numbered(40);
    let flipped = |hash: &Hash| hash.map(|byte| byte ^ 1);
    for size in 1..=40 {
        let root = log.root(size);
        for index in 0..size {
            let leaf = log.leaves[index as usize];
            let proof = log.prove(Plan::inclusion(index, size));
            let holds =
                |leaf: &Hash, index, size, proof: &[Hash]| verify_inclusion(leaf, index, size, proof, &root);
            assert!(!holds(&flipped(&leaf), index, size, &proof));
            assert!(!holds(&leaf, index + 1, size, &proof));
            assert!(!holds(&leaf, index, size, &[&proof[..], &[root]].concat()));
            for wrong in 0..proof.len() {
                let mut changed = proof.clone();
                changed[wrong] = flipped(&changed[wrong]);
                assert!(!holds(&leaf, index, size, &changed));
                changed.remove(wrong);
                assert!(!holds(&leaf, index, size, &changed));
            }
        }
        for old in 1..size {
            let old_root = log.root(old);
            let proof = log.prove(Plan::consistency(old, size));
            let holds = |proof: &[Hash]| verify_consistency(old, &old_root, size, &root, proof);
            assert!(!verify_consistency(old, &flipped(&old_root), size, &root, &proof));
            assert!(!verify_consistency(old, &old_root, size, &flipped(&root), &proof));
            assert!(!verify_consistency(size, &root, old, &old_root, &proof));
            assert!(!holds(&[&proof[..], &[root]].concat()));
            assert!(!holds(&proof[1..]));
            assert!(!holds(&[]));
        }
    }
}

#[test]
fn a_large_log_is_proven_from_tiles() {
    let size = 140_000;
    let log = Log::numbered(size);
    let size = u64::from(size);
    let root = log.root(size);
    for index in [0, 255, 256, 65_535, 65_536, 131_072, 139_776, 139_999] {
        let plan = Plan::inclusion(index, size).unwrap();
        let hashes: u64 = plan.reads().iter().map(Read::count).sum();
        assert!(hashes < 1_000, "{hashes} hashes are read for entry {index}");
        let proof = plan.proof(&log.read(&plan)).unwrap();
        assert!(verify_inclusion(
            &log.leaves[index as usize],
            index,
            size,
            &proof,
            &root
        ));
    }
    for old in [1, 256, 70_000, 131_072, 139_999] {
        let proof = log.prove(Plan::consistency(old, size));
        assert!(verify_consistency(old, &log.root(old), size, &root, &proof));
    }
    assert_eq!(log.prove(Plan::root(size)), [root]);
}

#[test]
fn what_was_not_read_in_full_makes_no_proof() {
    let log = Log::numbered(9);
    let plan = Plan::inclusion(3, 9).unwrap();
    let mut read = log.read(&plan);
    read[0].pop();
    assert_eq!(plan.proof(&read), None);
    read.remove(0);
    assert_eq!(plan.proof(&read), None);
}

#[test]
fn proofs_for_the_largest_logs_do_not_overflow() {
    let plan = Plan::inclusion(u64::MAX - 1, u64::MAX).unwrap();
    assert!(plan.reads().iter().all(|read| read.count() <= 128));
    let root = [0; 32];
    assert!(!verify_inclusion(
        &root,
        u64::MAX - 1,
        u64::MAX,
        &[root; 80],
        &root
    ));
    assert!(!verify_consistency(
        u64::MAX - 1,
        &root,
        u64::MAX,
        &root,
        &[root; 80]
    ));
}
