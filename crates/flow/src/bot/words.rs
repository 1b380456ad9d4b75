//! Texts as words that can be compared: without case, accents and punctuation; and what some words are for.

use super::typos;
use std::collections::BTreeSet;

/// Most words of a text that are looked at.
pub(super) const MAX_WORDS: usize = 256;
/// The longest word, in characters; what is over is left out.
const LONGEST_WORD: usize = 40;

/// The words of a text: lower case, without accents; apostrophes join (`where's` is `wheres`).
pub(super) fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut length = 0;
    for c in text.chars() {
        if found.len() == MAX_WORDS {
            return found;
        }
        if is_apostrophe(c) || is_mark(c) {
            continue;
        }
        let alone = stands_alone(c);
        if (alone || !c.is_alphanumeric()) && !word.is_empty() {
            found.push(std::mem::take(&mut word));
            length = 0;
        }
        if alone {
            found.push(c.to_string());
        } else if c.is_alphanumeric() && length < LONGEST_WORD {
            plain(c, &mut word);
            length += 1;
        }
    }
    if !word.is_empty() {
        found.push(word);
    }
    found.truncate(MAX_WORDS);
    found
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '\u{02bc}' | '`' | '\u{b4}')
}

/// An accent that comes after its letter.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// Scripts without spaces: each character is a word.
fn stands_alone(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

/// Adds a letter or digit in lower case, without its accent.
fn plain(c: char, word: &mut String) {
    match c {
        c if c.is_ascii() => word.push(c.to_ascii_lowercase()),
        'ß' | 'ẞ' => word.push_str("ss"),
        'æ' | 'Æ' => word.push_str("ae"),
        'œ' | 'Œ' => word.push_str("oe"),
        _ => word.extend(c.to_lowercase().filter(|c| !is_mark(*c)).map(without_accent)),
    }
}

fn without_accent(c: char) -> char {
    match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' => 'a',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => 'c',
        'ď' | 'đ' | 'ð' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => 'e',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ĥ' | 'ħ' => 'h',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => 'i',
        'ĵ' => 'j',
        'ķ' => 'k',
        'ĺ' | 'ļ' | 'ľ' | 'ł' => 'l',
        'ñ' | 'ń' | 'ņ' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => 'o',
        'ŕ' | 'ŗ' | 'ř' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => 's',
        'ţ' | 'ť' | 'ț' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => 'u',
        'ŵ' => 'w',
        'ý' | 'ÿ' | 'ŷ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        c => c,
    }
}

/// Words that say nothing of what a text is about.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct SmallWords(BTreeSet<String>);

/// The small words of English.
const USUAL_SMALL: &str = "a an the this that these those there here it its i im ive id ill me my mine you your youre yours he she we us our \
    they them their who whos what whats when where wheres why how hows which is am are was were be been being do does did has have had \
    can could will would shall should may might must want need like get got give please to of in on at for from with by about as up out \
    and or but so if then than just now some any all very really also too everything something anything someone somebody thats theres lets";

impl SmallWords {
    /// Those of English.
    pub(super) fn usual() -> Self {
        Self::new(USUAL_SMALL.split_whitespace().map(str::to_owned))
    }

    pub(super) fn new(words: impl IntoIterator<Item = String>) -> Self {
        Self(words.into_iter().collect())
    }

    pub(super) fn has(&self, word: &str) -> bool {
        self.0.contains(word)
    }
}

/// What says no in a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Negations(Vec<String>);

/// What says no, unless the file has words of its own.
const USUAL: [&str; 29] = [
    "not", "no", "never", "none", "nothing", "neither", "nor", "without", "cannot", "cant", "dont", "doesnt",
    "didnt", "isnt", "wasnt", "arent", "werent", "wont", "havent", "hasnt", "hadnt", "couldnt", "wouldnt",
    "shouldnt", "aint", "hardly", "nope", "nah", "unable",
];
/// From so many letters on, a slip of the finger makes no other word of it.
const LONG_NEGATION: usize = 5;
const PREFIXES: [&str; 4] = ["un", "non", "in", "dis"];

impl Default for Negations {
    fn default() -> Self {
        Self(USUAL.map(str::to_owned).to_vec())
    }
}

impl Negations {
    pub(super) fn new(words: Vec<String>) -> Self {
        Self(words)
    }

    pub(super) fn has(&self, word: &str) -> bool {
        self.0.iter().any(|no| no == word)
    }

    /// Whether one of `words` says no, as a word (`not`), as the typo of one (`nto`), or as the beginning of one that is known without it
    /// (`unsolved`).
    pub(super) fn within<'a>(
        &self,
        words: impl IntoIterator<Item = &'a String>,
        known: impl Fn(&str) -> bool,
    ) -> bool {
        words.into_iter().any(|word| {
            let stripped = || PREFIXES.iter().filter_map(|prefix| word.strip_prefix(prefix));
            self.has(word)
                || stripped().any(|rest| rest.len() > 2 && known(rest))
                || (!known(word) && self.is_typo(word))
        })
    }

    /// Short words are one letter from too many others: only two letters that are swapped count there (`nto`, but not `now`).
    fn is_typo(&self, word: &str) -> bool {
        let is_long = |word: &str| word.len() >= LONG_NEGATION;
        self.0
            .iter()
            .any(|no| typos::is_swap(word, no) || (is_long(word) && is_long(no) && typos::is_slip(word, no)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn case_accents_and_punctuation_do_not_count() {
        assert_eq!(words("Where's my ORDER?!"), ["wheres", "my", "order"]);
        assert_eq!(words("Où est ma COMMANDE…"), ["ou", "est", "ma", "commande"]);
        assert_eq!(words("Straße—Ærø e\u{301}te\u{301}"), ["strasse", "aero", "ete"]);
        assert_eq!(words("订单123在"), ["订", "单", "123", "在"]);
        assert_eq!(words("  \n"), Vec::<String>::new());
    }

    #[test]
    fn a_no_may_be_the_beginning_of_a_word() {
        let negations = Negations::default();
        let said = |text: &str| negations.within(&words(text), |word| word == "resolved");
        assert!(said("it is not resolved"));
        assert!(said("unresolved"));
        assert!(said("it isn't resolved"));
        assert!(!said("resolved, thank you"));
        assert!(!said("I am under the impression"));
        for mistyped in ["it is nto resolved", "it dosnt", "nevver", "it shouldt"] {
            assert!(said(mistyped), "{mistyped}");
        }
        for other in ["it is resolved now", "it is done", "I want that", "ever", "note"] {
            assert!(!said(other), "{other}");
        }
    }

    proptest! {
        #[test]
        fn words_are_bounded_and_stable(text in any::<String>()) {
            let once = words(&text);
            prop_assert!(once.len() <= MAX_WORDS);
            prop_assert!(once.iter().all(|word| !word.is_empty() && word.chars().count() <= 3 * LONGEST_WORD));
        }
    }
}
