//! What people do to a sentence: slips of the finger, shouting, no full stop, sending it twice. The same for the same seed.

use super::dice::Dice;
use std::{fmt, str::FromStr};

/// What is done to sentences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Perturbation {
    /// Letters are left out, doubled, or change places.
    Typos,
    /// all small, or ALL LARGE.
    Case,
    /// Signs at the end go, or come.
    Punctuation,
    /// The message is sent twice.
    Double,
}

impl Perturbation {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Typos, Self::Case, Self::Punctuation, Self::Double];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Typos => "typos",
            Self::Case => "case",
            Self::Punctuation => "punctuation",
            Self::Double => "double",
        }
    }
}

impl fmt::Display for Perturbation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Perturbation {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| format!("must be typos, case, punctuation or double, not {text:?}"))
    }
}

/// Perturbs the sentences of a run.
///
/// ```
/// use flow::scenario::{Perturbation, Perturber};
///
/// let perturber = Perturber::new(vec![Perturbation::Typos, Perturbation::Double], 7);
/// let sent = perturber.sentences("Where is my order?", 1);
/// assert_eq!(sent, ["Where is ym roder?", "Where is ym roder?"]);
/// assert_eq!(sent, perturber.sentences("Where is my order?", 1));
/// assert_eq!(Perturber::none().sentences("Where is my order?", 1), ["Where is my order?"]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Perturber {
    kinds: Vec<Perturbation>,
    seed: u64,
}

impl Perturber {
    /// Leaves sentences as they are.
    pub fn none() -> Self {
        Self::default()
    }

    /// Does all of `kinds`.
    pub fn new(kinds: Vec<Perturbation>, seed: u64) -> Self {
        Self { kinds, seed }
    }

    /// Whether sentences are changed at all.
    pub fn is_none(&self) -> bool {
        self.kinds.is_empty()
    }

    /// What is sent for `text`, which is the sentence at this place of the run.
    pub fn sentences(&self, text: &str, place: usize) -> Vec<String> {
        let mut dice = Dice::new(self.seed, place as u64);
        let mut said = text.to_owned();
        for kind in &self.kinds {
            let changed = match kind {
                Perturbation::Typos => with_typos(&said, &mut dice),
                Perturbation::Case => in_other_case(&said, &mut dice),
                Perturbation::Punctuation => with_other_punctuation(&said, &mut dice),
                Perturbation::Double => said.clone(),
            };
            // A message has something in it.
            if !changed.trim().is_empty() {
                said = changed;
            }
        }
        match self.kinds.contains(&Perturbation::Double) {
            true => vec![said.clone(), said],
            false => vec![said],
        }
    }
}

/// One slip for each eight letters, at least one. Numbers stay: they are data, and no bot can guess them.
fn with_typos(text: &str, dice: &mut Dice) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let slips = (chars.len() / 8).max(1);
    for _ in 0..slips {
        let letters: Vec<usize> = (0..chars.len())
            .filter(|index| chars[*index].is_alphabetic() && !is_in_code(&chars, *index))
            .collect();
        let Some(&at) = dice.one_of(&letters) else {
            break;
        };
        match dice.below(3) {
            0 => {
                chars.remove(at);
            }
            1 => chars.insert(at, chars[at]),
            _ if chars.get(at + 1).is_some_and(|next| next.is_alphabetic()) => chars.swap(at, at + 1),
            _ => {
                chars.remove(at);
            }
        }
    }
    chars.into_iter().collect()
}

/// Whether a letter belongs to a word with digits or signs of an address in it: `A-1042`, `ann@example.com`.
fn is_in_code(chars: &[char], at: usize) -> bool {
    let is_blank = |index: &usize| chars[*index].is_whitespace();
    let begin = (0..at).rev().find(is_blank).map_or(0, |blank| blank + 1);
    let end = (at..chars.len()).find(is_blank).unwrap_or(chars.len());
    chars[begin..end]
        .iter()
        .any(|c| c.is_ascii_digit() || matches!(c, '@' | '/' | '_'))
}

fn in_other_case(text: &str, dice: &mut Dice) -> String {
    match dice.below(2) {
        0 => text.to_lowercase(),
        _ => text.to_uppercase(),
    }
}

fn with_other_punctuation(text: &str, dice: &mut Dice) -> String {
    let bare = text.trim_end_matches(['.', '!', '?', ',', ';', ':']);
    let ends = ["", "!!!", "...", " ?", "?!"];
    let end = dice.one_of(&ends).copied().unwrap_or_default();
    format!("{bare}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_and_addresses_are_not_touched_by_typos() {
        for seed in 0..200 {
            let sent = Perturber::new(vec![Perturbation::Typos], seed)
                .sentences("order A-1042 of ann@example.com", 0);
            assert!(
                sent[0].contains("A-1042") && sent[0].contains("ann@example.com"),
                "{sent:?}"
            );
        }
    }

    #[test]
    fn each_kind_does_what_it_is_called() {
        let one = |kind, seed| {
            Perturber::new(vec![kind], seed)
                .sentences("Yes, please.", 3)
                .remove(0)
        };
        let all = |kind| {
            (0..20)
                .map(|seed| one(kind, seed))
                .collect::<std::collections::BTreeSet<_>>()
        };
        assert!(all(Perturbation::Typos).len() > 5);
        assert_eq!(
            all(Perturbation::Case),
            ["YES, PLEASE.", "yes, please."].map(String::from).into()
        );
        assert!(all(Perturbation::Punctuation).contains("Yes, please!!!"));
    }

    proptest! {
        #[test]
        fn what_is_sent_is_never_empty_and_the_same_for_the_same_seed(
            text in ".{0,60}\\S.{0,60}", seed: u64, place in 0usize..500
        ) {
            let perturber = Perturber::new(Perturbation::ALL.to_vec(), seed);
            let sent = perturber.sentences(&text, place);
            prop_assert_eq!(sent.len(), 2);
            prop_assert!(sent.iter().all(|text| !text.trim().is_empty()));
            prop_assert_eq!(sent, perturber.sentences(&text, place));
        }
    }
}
