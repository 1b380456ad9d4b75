//! What a slot takes, and how its value is found in what a customer says.

use super::{
    typos,
    words::{Negations, words},
};
use jiff::civil::Date;
use regex::Regex;
use serde_json::{Number, Value};
use std::{collections::BTreeSet, sync::LazyLock};

/// The longest text that a slot takes, in characters.
pub(super) const LONGEST_VALUE: usize = 1000;
/// How much of a message patterns look at, in characters.
pub(super) const LONGEST_SEARCHED: usize = 2000;

/// A kind of values.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// Any text.
    Text,
    Number(Bounds),
    /// A whole number.
    Integer(Bounds),
    Date,
    Email,
    /// Digits, with a `+` before them when one was said.
    Phone,
    Choice(Vec<Choice>),
    /// What the pattern finds: its group `value`, or the whole of it.
    Pattern {
        pattern: Regex,
        upper: bool,
    },
}

/// What a number may be.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bounds {
    pub(super) least: Option<f64>,
    pub(super) most: Option<f64>,
}

/// One of several answers.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    /// The words of each way to say it.
    pub(super) said: Vec<Vec<String>>,
}

static NUMBER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[-+]?\d+(?:[.,]\d+)*").ok());
static EMAIL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"[A-Za-z0-9._%+'-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}",
    )
    .ok()
});
static PHONE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\+?\(?\d[\d\s()./-]{5,30}\d").ok());
static DATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?ix)
        \b(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})\b
        | \b(?P<gd>\d{1,2})\.\s?(?P<gm>\d{1,2})\.\s?(?P<gy>\d{4})\b
        | \b(?P<ed>\d{1,2})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<em>[a-z]{3,9})\.?,?\s+(?P<ey>\d{4})\b
        | \b(?P<am>[a-z]{3,9})\.?\s+(?P<ad>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<ay>\d{4})\b",
    )
    .ok()
});
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

impl Kind {
    /// Whether what looks like a value is one wherever it stands: a number or a yes may mean something else.
    pub(super) fn is_unmistakable(&self) -> bool {
        matches!(self, Kind::Pattern { .. } | Kind::Email)
    }

    /// The value in a message, if there is one.
    pub(super) fn find(&self, text: &str, negations: &Negations) -> Option<Value> {
        let text = begin(text.trim(), LONGEST_SEARCHED);
        match self {
            Kind::Text => {
                (!text.is_empty() && text.chars().nth(LONGEST_VALUE).is_none()).then(|| text.into())
            }
            Kind::Number(bounds) => number(text).filter(|found| bounds.take(*found)).and_then(float),
            Kind::Integer(bounds) => number(text).filter(|found| bounds.take(*found)).and_then(whole),
            Kind::Date => DATE
                .as_ref()
                .and_then(|pattern| date(pattern, text))
                .map(Value::from),
            Kind::Email => EMAIL
                .as_ref()
                .and_then(|pattern| pattern.find(text))
                .map(|found| found.as_str().into()),
            Kind::Phone => PHONE
                .as_ref()
                .and_then(|pattern| phone(pattern.find(text)?.as_str()))
                .map(Value::from),
            Kind::Choice(choices) => {
                chosen(choices, text, negations).map(|choice| choice.value.as_str().into())
            }
            Kind::Pattern { pattern, upper } => {
                let found = pattern.captures(text)?;
                let value = found.name("value").or(found.get(0))?.as_str().trim();
                let value = begin(value, LONGEST_VALUE);
                (!value.is_empty()).then(|| {
                    if *upper {
                        value.to_uppercase()
                    } else {
                        value.to_owned()
                    }
                    .into()
                })
            }
        }
    }
}

impl Bounds {
    fn take(&self, number: f64) -> bool {
        self.least.is_none_or(|least| number >= least) && self.most.is_none_or(|most| number <= most)
    }
}

/// The first so many characters.
pub(super) fn begin(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).map_or(text, |(at, _)| &text[..at])
}

/// The first number of a text: 1,234.5 and 1.234,5 alike.
fn number(text: &str) -> Option<f64> {
    let written = NUMBER.as_ref()?.find(text)?.as_str();
    let last = written.rfind(['.', ',']);
    let separators = written.matches(['.', ',']).count();
    let groups = |at: usize| written.len() - at - 1 == 3;
    // A lone comma before three digits groups them, and so do several separators of one kind.
    let mixed = written.contains('.') && written.contains(',');
    let grouping = |at: usize| !mixed && (separators > 1 || (groups(at) && written[at..].starts_with(',')));
    let decimal = last.filter(|at| !grouping(*at));
    let plain: String = written
        .char_indices()
        .filter_map(|(at, c)| match c {
            '.' | ',' => (Some(at) == decimal).then_some('.'),
            c => Some(c),
        })
        .collect();
    plain.parse::<f64>().ok().filter(|number| number.is_finite())
}

fn float(number: f64) -> Option<Value> {
    Number::from_f64(number).map(Value::Number)
}

fn whole(number: f64) -> Option<Value> {
    /// Larger ones are not known exactly.
    const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= MAX_EXACT).then(|| Value::from(number as i64))
}

fn date(pattern: &Regex, text: &str) -> Option<String> {
    let found = pattern.captures(text)?;
    let part = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| found.name(name))
            .map(|part| part.as_str())
    };
    let year: i16 = part(&["y", "gy", "ey", "ay"])?.parse().ok()?;
    let day: i8 = part(&["d", "gd", "ed", "ad"])?.parse().ok()?;
    let month: i8 = match part(&["m", "gm"]) {
        Some(month) => month.parse().ok()?,
        None => month_named(part(&["em", "am"])?)?,
    };
    Date::new(year, month, day).ok().map(|date| date.to_string())
}

fn month_named(name: &str) -> Option<i8> {
    let name = name.to_lowercase();
    let nth = MONTHS.iter().position(|month| month.starts_with(&name))?;
    i8::try_from(nth + 1).ok()
}

fn phone(written: &str) -> Option<String> {
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    let plus = if written.starts_with('+') { "+" } else { "" };
    (7..=15)
        .contains(&digits.len())
        .then(|| format!("{plus}{digits}"))
}

/// The one choice that the text names: as a whole, or by the longest of the phrases in it, perhaps with slips of the finger. A text that says
/// no names none but those that do.
fn chosen<'a>(choices: &'a [Choice], text: &str, negations: &Negations) -> Option<&'a Choice> {
    let text = words(text);
    named(choices, &text, negations).or_else(|| named(choices, &mended(choices, text), negations))
}

/// The text with the choices' words where it has slips of them.
fn mended(choices: &[Choice], text: Vec<String>) -> Vec<String> {
    let known: BTreeSet<&String> = choices.iter().flat_map(|choice| &choice.said).flatten().collect();
    let mend = |word: String| match known.contains(&word) {
        true => word,
        false => {
            let is_typo_of = |known: &str| typos::is_swap(&word, known) || typos::is_slip(&word, known);
            known
                .iter()
                .find(|known| is_typo_of(known))
                .map_or(word.clone(), |known| (*known).clone())
        }
    };
    text.into_iter().map(mend).collect()
}

fn named<'a>(choices: &'a [Choice], text: &[String], negations: &Negations) -> Option<&'a Choice> {
    if let Some(whole) = choices
        .iter()
        .find(|choice| choice.said.iter().any(|said| said == text))
    {
        return Some(whole);
    }
    let is_known = |word: &str| {
        choices
            .iter()
            .flat_map(|choice| &choice.said)
            .flatten()
            .any(|known| known == word)
    };
    let says_no = |words: &[String]| negations.within(words, is_known);
    let negated = says_no(text);
    let longest = |choice: &'a Choice| {
        let within = |said: &&Vec<String>| {
            !said.is_empty() && text.windows(said.len()).any(|part| part == said.as_slice())
        };
        let fits = |said: &&Vec<String>| within(said) && (!negated || says_no(said));
        choice
            .said
            .iter()
            .filter(fits)
            .map(Vec::len)
            .max()
            .map(|length| (length, choice))
    };
    let mut found: Vec<(usize, &Choice)> = choices.iter().filter_map(longest).collect();
    found.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
    match found[..] {
        [(first, choice), (second, _), ..] if first > second => Some(choice),
        [(_, choice)] => Some(choice),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn find(kind: &Kind, text: &str) -> Option<Value> {
        kind.find(text, &Negations::default())
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let number = Kind::Number(Bounds {
            least: Some(-5.0),
            most: Some(2000.0),
        });
        for (text, value) in [
            ("3", json!(3.0)),
            ("about 2.5 kg", json!(2.5)),
            ("2,5", json!(2.5)),
            ("1,234.5", json!(1234.5)),
            ("1.234,5", json!(1234.5)),
            ("1,234", json!(1234.0)),
            ("-4", json!(-4.0)),
        ] {
            assert_eq!(find(&number, text), Some(value), "{text}");
        }
        assert_eq!(find(&number, "2001"), None);
        assert_eq!(find(&number, "many"), None);
        assert_eq!(find(&number, &"9".repeat(1000)), None);
        let whole = Kind::Integer(Bounds::default());
        assert_eq!(find(&whole, "two is 2"), Some(json!(2)));
        assert_eq!(find(&whole, "2.5"), None);
    }

    #[test]
    fn dates_are_days_that_exist() {
        for text in [
            "2026-12-24",
            "on 24.12.2026",
            "24. 12. 2026",
            "24th of December 2026",
            "Dec 24, 2026",
            "24 dec. 2026",
        ] {
            assert_eq!(find(&Kind::Date, text), Some(json!("2026-12-24")), "{text}");
        }
        for text in ["2026-02-30", "tomorrow", "12/24/2026", "24 Foo 2026"] {
            assert_eq!(find(&Kind::Date, text), None, "{text}");
        }
    }

    #[test]
    fn addresses_and_phones_are_found_in_sentences() {
        assert_eq!(
            find(&Kind::Email, "it's dana@mail.example.org."),
            Some(json!("dana@mail.example.org"))
        );
        assert_eq!(find(&Kind::Email, "dana at example"), None);
        assert_eq!(
            find(&Kind::Phone, "call +1 (555) 010-0123 please"),
            Some(json!("+15550100123"))
        );
        assert_eq!(find(&Kind::Phone, "12345"), None);
    }

    fn yes_or_no() -> Kind {
        let choice = |value: &str, said: &[&str]| Choice {
            value: value.into(),
            label: value.into(),
            said: said.iter().map(|text| words(text)).collect(),
        };
        Kind::Choice(vec![
            choice("yes", &["yes", "yeah", "solved", "it did"]),
            choice("no", &["no", "not", "did not"]),
        ])
    }

    #[test]
    fn a_no_is_never_taken_for_a_yes() {
        for yes in [
            "Yes",
            "YES!",
            "yeah, thanks",
            "it is solved",
            "It did.",
            "yees",
            "eys",
            "solvd",
        ] {
            assert_eq!(find(&yes_or_no(), yes), Some(json!("yes")), "{yes}");
        }
        for no in [
            "no",
            "not solved",
            "No, it did not",
            "it is not solved",
            "it is nto solved",
        ] {
            assert_eq!(find(&yes_or_no(), no), Some(json!("no")), "{no}");
        }
        for neither in [
            "unsolved",
            "perhaps",
            "it isn't solved",
            "never solved",
            "unsolvd",
            "it dosnt solve it",
            "now",
            "",
        ] {
            assert_eq!(find(&yes_or_no(), neither), None, "{neither}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_a_slot_panic(text in any::<String>()) {
            for kind in [Kind::Text, Kind::Number(Bounds::default()), Kind::Integer(Bounds::default()), Kind::Date, Kind::Email, Kind::Phone, yes_or_no()] {
                let _ = find(&kind, &text);
            }
        }

        #[test]
        fn nothing_that_looks_like_a_number_makes_it_panic(text in "[-+0-9.,/ ()]{0,60}") {
            for kind in [Kind::Number(Bounds::default()), Kind::Integer(Bounds::default()), Kind::Date, Kind::Phone] {
                let _ = find(&kind, &text);
            }
        }
    }
}
