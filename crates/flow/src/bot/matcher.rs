//! Which example a text is like: words that both have, rare ones counting for more.
//!
//! A text and an example are alike by what they share of their words' weights (`2 * shared / (text + example)`), where a word weighs
//! more the fewer intents have it (inverse document frequency, squared). A word that no example has may be the typo of one that some have.
//!
//! Weights alone would take "I want a pizza" for "I want a refund". So a text that speaks of something unknown is only like an intent's examples when it
//! shares more than small words (`I`, `want`, `a`) with one of them; and what is strict needs all of an example's words that are not small.

use super::{
    typos::{self, Typos},
    words::{Negations, SmallWords},
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Most words of one text whose typos are looked for.
const MAX_TYPOS: usize = 64;
/// What of its weight a word with a typo has.
const TYPO_SHARE: f64 = 0.85;
/// What follows an `un-` may have a typo if it is so long.
const SHORTEST_GUESSED: usize = 5;
/// What a word that no example has weighs, beside one that a single intent has.
const UNKNOWN_SHARE: f64 = 0.15;

/// The examples of all intents, ready to be compared with texts.
#[derive(Debug, Clone, Default)]
pub(super) struct Matcher {
    words: HashMap<String, usize>,
    /// By word: how much it weighs, and the examples that have it.
    known: Vec<Word>,
    examples: Vec<Example>,
    /// How many intents have examples.
    owners: usize,
    typos: Typos,
    small: SmallWords,
    negations: Negations,
}

#[derive(Debug, Clone)]
struct Word {
    spelled: String,
    weight: f64,
    examples: Vec<usize>,
    is_small: bool,
}

#[derive(Debug, Clone)]
struct Example {
    owner: usize,
    weight: f64,
    says_no: bool,
    /// How many of its words are not small.
    telling: usize,
}

/// An intent and how alike its best example is, 0.0 to 1.0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Likeness {
    pub(super) owner: usize,
    pub(super) score: f64,
}

/// The words of a text that examples have, each once, with the share of their weight that they have.
struct Weighed {
    shares: BTreeMap<usize, f64>,
    /// Of the whole text.
    weight: f64,
    /// Whether it has a word that is neither known nor small.
    is_foreign: bool,
}

/// What a text and an example share.
#[derive(Debug, Clone, Copy, Default)]
struct Shared {
    weight: f64,
    /// Words that are not small.
    telling: usize,
}

impl Matcher {
    /// Reads the examples: whose each is, and its words.
    pub(super) fn new(examples: &[(usize, Vec<String>)], negations: &Negations, small: &SmallWords) -> Self {
        let mut matcher = Self {
            negations: negations.clone(),
            small: small.clone(),
            ..Self::default()
        };
        for (nth, (_, words)) in examples.iter().enumerate() {
            for word in words {
                let id = matcher.learn(word);
                let places = &mut matcher.known[id].examples;
                if places.last() != Some(&nth) {
                    places.push(nth);
                }
            }
        }
        matcher.owners = examples
            .iter()
            .map(|(owner, _)| owner)
            .collect::<BTreeSet<_>>()
            .len();
        for word in &mut matcher.known {
            let owners: BTreeSet<usize> = word.examples.iter().map(|example| examples[*example].0).collect();
            word.weight = rarity(matcher.owners, owners.len());
        }
        matcher.examples = examples
            .iter()
            .map(|(owner, words)| matcher.example(*owner, words))
            .collect();
        matcher
    }

    fn example(&self, owner: usize, words: &[String]) -> Example {
        let weighed = self.weigh(words);
        let telling = weighed.shares.keys().filter(|word| !self.known[**word].is_small);
        Example {
            owner,
            weight: weighed.weight,
            says_no: self.says_no(words),
            telling: telling.count(),
        }
    }

    fn learn(&mut self, word: &str) -> usize {
        if let Some(id) = self.words.get(word) {
            return *id;
        }
        let id = self.known.len();
        self.words.insert(word.to_owned(), id);
        self.typos.learn(word, id);
        self.known.push(Word {
            spelled: word.to_owned(),
            weight: 0.0,
            examples: Vec::new(),
            is_small: self.is_small(word),
        });
        id
    }

    fn is_small(&self, word: &str) -> bool {
        self.small.has(word) || self.negations.has(word)
    }

    /// Whether `words` say no.
    pub(super) fn says_no(&self, words: &[String]) -> bool {
        self.negations.within(words, |word| {
            self.words.contains_key(word) || (word.len() >= SHORTEST_GUESSED && self.typo_of(word).is_some())
        })
    }

    /// How alike each intent's best example is to the words of a text, best first; those that share nothing are left out. An intent that is
    /// strict is only like a text that has all the example's telling words, and says no when the example does, and the other way round.
    pub(super) fn alike(
        &self,
        words: &[String],
        says_no: bool,
        is_strict: impl Fn(usize) -> bool,
    ) -> Vec<Likeness> {
        let text = self.weigh(words);
        let mut shared = vec![Shared::default(); self.examples.len()];
        for (word, share) in &text.shares {
            let word = &self.known[*word];
            for example in &word.examples {
                shared[*example].weight += word.weight * share;
                shared[*example].telling += usize::from(!word.is_small);
            }
        }
        let told_of: BTreeSet<usize> = (self.examples.iter().zip(&shared))
            .filter(|(_, shared)| shared.telling > 0)
            .map(|(example, _)| example.owner)
            .collect();
        let fits = |example: &Example, shared: Shared| match is_strict(example.owner) {
            true => example.says_no == says_no && shared.telling == example.telling,
            false if !text.is_foreign => true,
            false => match example.telling {
                // Of "how are you" all must be there: "are you open" shares as much with it as "are you mad".
                0 => shared.weight >= example.weight * TYPO_SHARE,
                _ => told_of.contains(&example.owner),
            },
        };
        let mut best: BTreeMap<usize, f64> = BTreeMap::new();
        for (example, shared) in self.examples.iter().zip(shared) {
            if shared.weight > 0.0 && fits(example, shared) {
                let score = 2.0 * shared.weight / (text.weight + example.weight);
                let known = best.entry(example.owner).or_default();
                *known = known.max(score);
            }
        }
        let mut best: Vec<Likeness> = best
            .into_iter()
            .map(|(owner, score)| Likeness {
                owner,
                score: rounded(score),
            })
            .collect();
        best.sort_by(|a, b| b.score.total_cmp(&a.score));
        best
    }

    fn weigh(&self, words: &[String]) -> Weighed {
        let unknown = UNKNOWN_SHARE * rarity(self.owners, 1);
        let mut text = Weighed {
            shares: BTreeMap::new(),
            weight: 0.0,
            is_foreign: false,
        };
        let mut looked = 0;
        for word in words {
            let found = self.words.get(word).map(|id| (*id, 1.0)).or_else(|| {
                looked += 1;
                let typo = (looked <= MAX_TYPOS).then(|| self.typo_of(word)).flatten();
                typo.map(|id| (id, TYPO_SHARE))
            });
            match found {
                Some((id, share)) => {
                    if text.shares.get(&id).is_none_or(|known| *known < share)
                        && text.shares.insert(id, share).is_none()
                    {
                        text.weight += self.known[id].weight;
                    }
                }
                None => {
                    text.weight += unknown;
                    text.is_foreign |= !self.is_small(word);
                }
            }
        }
        text
    }

    /// The known word that `word` is a typo of: of several the most usual.
    fn typo_of(&self, word: &str) -> Option<usize> {
        let candidates = self.typos.candidates(word);
        candidates
            .filter(|id| typos::is_slip(word, &self.known[*id].spelled))
            .min_by(|a, b| {
                self.known[*a]
                    .weight
                    .total_cmp(&self.known[*b].weight)
                    .then(a.cmp(b))
            })
    }
}

/// What a word weighs that so many of all intents have.
fn rarity(all: usize, of: usize) -> f64 {
    (1.0 + all as f64 / of as f64).ln().powi(2)
}

/// Three decimals: what is beyond is noise, and may differ from machine to machine.
pub(super) fn rounded(score: f64) -> f64 {
    (score.clamp(0.0, 1.0) * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bot::words::words;

    fn matcher() -> Matcher {
        let examples = [
            (0, "where is my order"),
            (0, "track my package"),
            (1, "I want my money back"),
            (1, "can I get a refund"),
            (2, "it is resolved"),
            (3, "hello"),
        ];
        let examples = examples.map(|(owner, text)| (owner, words(text)));
        Matcher::new(&examples, &Negations::default(), &SmallWords::usual())
    }

    fn best(text: &str) -> Option<(usize, f64)> {
        let (matcher, words) = (matcher(), words(text));
        let says_no = matcher.says_no(&words);
        let alike = matcher.alike(&words, says_no, |owner| owner == 2);
        alike.first().map(|best| (best.owner, best.score))
    }

    #[test]
    fn the_same_words_are_wholly_alike_in_any_order() {
        assert_eq!(best("where is my order"), Some((0, 1.0)));
        assert_eq!(best("My order: where is?"), Some((0, 1.0)));
    }

    #[test]
    fn a_slip_of_the_finger_costs_little() {
        let (owner, score) = best("trakc my pacage").unwrap();
        assert_eq!(owner, 0);
        assert!(score > 0.85, "{score}");
    }

    #[test]
    fn a_greeting_before_a_question_does_not_win() {
        let (owner, score) = best("hello, can you tell me where my package is").unwrap();
        assert_eq!(owner, 0);
        assert!(score > 0.45, "{score}");
    }

    #[test]
    fn a_no_is_no_yes_for_a_strict_intent() {
        assert_eq!(best("it is resolved").unwrap().0, 2);
        for no in [
            "it is not resolved",
            "it isn't resolved",
            "it is unresolved",
            "never resolved",
            "it is nto resolved",
            "it is unresolvd",
        ] {
            assert_ne!(best(no).map(|(owner, _)| owner), Some(2), "{no}");
        }
    }

    #[test]
    fn what_is_unknown_is_not_taken_for_something_else_by_its_small_words() {
        for other in [
            "I want a pizza",
            "it is broken",
            "where is the moon",
            "can I get a dog",
        ] {
            assert_eq!(best(other), None, "{other}");
        }
        // One word that tells is enough, unless it is strict.
        assert_eq!(best("I want my money, you crooks").unwrap().0, 1);
        assert_eq!(best("where is the blasted package").unwrap().0, 0);
        assert_eq!(best("it is all resolved, splendid").unwrap().0, 2);
    }

    #[test]
    fn what_shares_no_word_is_like_nothing() {
        assert_eq!(best("gibberish xyzzy"), None);
        assert_eq!(best(""), None);
    }
}
