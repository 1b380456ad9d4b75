//! Texts as words that can be compared: without case, accents and punctuation.

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

/// What says no in a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Negations(Vec<String>);

/// What says no, unless the file has words of its own.
const USUAL: [&str; 29] = [
    "not", "no", "never", "none", "nothing", "neither", "nor", "without", "cannot", "cant", "dont", "doesnt",
    "didnt", "isnt", "wasnt", "arent", "werent", "wont", "havent", "hasnt", "hadnt", "couldnt", "wouldnt",
    "shouldnt", "aint", "hardly", "nope", "nah", "unable",
];
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

    /// Whether one of `words` says no, as a word (`not`) or as the beginning of one that is known without it (`unsolved`).
    pub(super) fn within<'a>(
        &self,
        words: impl IntoIterator<Item = &'a String>,
        known: impl Fn(&str) -> bool,
    ) -> bool {
        words.into_iter().any(|word| {
            let stripped = || PREFIXES.iter().filter_map(|prefix| word.strip_prefix(prefix));
            self.0.contains(word) || stripped().any(|rest| rest.len() > 2 && known(rest))
        })
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
