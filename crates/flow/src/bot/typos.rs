//! Words with a slip of the finger: one letter too many, too few, another one, or two swapped.

use std::{
    collections::{BTreeSet, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
};

/// Shorter words have no typos: too many are one letter from another.
const SHORTEST: usize = 4;

/// Of shorter words, swapped letters make others.
const SHORTEST_SWAPPED: usize = 3;

/// Which words a mistyped one can be. Known by their hashes without one letter, so looking one up takes as many steps as it has letters.
#[derive(Debug, Clone, Default)]
pub(super) struct Typos(HashMap<u64, Vec<usize>>);

impl Typos {
    pub(super) fn learn(&mut self, word: &str, id: usize) {
        for hash in hashes(word) {
            self.0.entry(hash).or_default().push(id);
        }
    }

    /// Words that `word` can be; some of them are no slip away.
    pub(super) fn candidates(&self, word: &str) -> impl Iterator<Item = usize> {
        let found = hashes(word).into_iter().filter_map(|hash| self.0.get(&hash));
        found.flatten().copied()
    }
}

/// The hashes of a word, and of it without each of its letters but the first.
fn hashes(word: &str) -> BTreeSet<u64> {
    if word.chars().count() < SHORTEST - 1 {
        return BTreeSet::new();
    }
    let without = word.char_indices().skip(1).map(|(at, _)| Some(at));
    let hash = |left_out: Option<usize>| {
        let mut hasher = DefaultHasher::new();
        word.char_indices()
            .filter(|(at, _)| Some(*at) != left_out)
            .for_each(|(_, c)| c.hash(&mut hasher));
        hasher.finish()
    };
    without.chain([None]).map(hash).collect()
}

/// Whether the longer one is long enough, both begin alike, and one slip leads from one to the other.
pub(super) fn is_slip(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let (short, long) = if a.len() <= b.len() {
        (&a[..], &b[..])
    } else {
        (&b[..], &a[..])
    };
    if long.len() < SHORTEST || long.len() - short.len() > 1 || short.first() != long.first() {
        return false;
    }
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let (short, long) = (&short[same..], &long[same..]);
    match (short, long) {
        ([], _) => true,
        (short, [_, rest @ ..]) if short.len() < long.len() => short == rest,
        ([a, b, rest @ ..], [c, d, other @ ..]) if a == d && b == c => rest == other,
        ([_, rest @ ..], [_, other @ ..]) => rest == other,
        _ => false,
    }
}

/// Whether one is the other with two neighbouring letters swapped. Also short words: `nto`.
pub(super) fn is_swap(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len() != b.len() || a.len() < SHORTEST_SWAPPED {
        return false;
    }
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    matches!((&a[same..], &b[same..]), ([a, b, rest @ ..], [c, d, other @ ..]) if a == d && b == c && rest == other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_slip_is_forgiven() {
        for typo in ["ordr", "ordder", "oeder", "ordre", "orders"] {
            assert!(is_slip(typo, "order"), "{typo}");
            assert!(is_slip("order", typo), "{typo}");
        }
        for other in ["border", "or", "older2", "unresolved", "odrre", "not"] {
            assert!(!is_slip(other, "order"), "{other}");
        }
        assert!(!is_slip("not", "now"));
        assert!(!is_slip("unresolved", "resolved"));
    }

    #[test]
    fn swapped_letters_are_seen_in_short_words_too() {
        assert!(is_swap("nto", "not") && is_swap("ont", "not"));
        assert!(
            !is_swap("now", "not")
                && !is_swap("on", "no")
                && !is_swap("not", "not")
                && !is_swap("ton", "not")
        );
    }

    proptest! {
        #[test]
        fn whatever_is_a_slip_is_a_candidate(word in "[a-e]{4,12}", at in 1usize..12, letter in "[a-e]", kind in 0..4) {
            let mut typo: Vec<char> = word.chars().collect();
            let at = at.min(typo.len() - 1);
            let letter = letter.chars().next().unwrap();
            match kind {
                0 => drop(typo.remove(at)),
                1 => typo.insert(at, letter),
                2 => typo[at] = letter,
                _ => typo.swap(at, (at + 1).min(word.len() - 1)),
            }
            let typo: String = typo.into_iter().collect();
            prop_assert!(is_slip(&typo, &word));
            let mut typos = Typos::default();
            typos.learn(&word, 7);
            prop_assert!(typos.candidates(&typo).any(|id| id == 7));
        }
    }
}
