//! DTMF digits and sets of them.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A key of a telephone: 0-9, `*`, `#`, A-D (RFC 4733 events 0 to 15).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digit(u8);

const SIGNS: &[u8; 16] = b"0123456789*#ABCD";

/// The text is not one DTMF key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be one of 0-9 * # A-D, not {0:?}")]
pub struct NotADigit(String);

impl Digit {
    /// The RFC 4733 event code, 0 to 15.
    pub fn event_code(self) -> u8 {
        self.0
    }

    /// The sign on the key.
    pub fn sign(self) -> char {
        SIGNS[usize::from(self.0 & 15)].into()
    }

    /// All sixteen keys, by event code.
    pub fn all() -> impl Iterator<Item = Digit> {
        (0..16).map(Digit)
    }
}

impl FromStr for Digit {
    type Err = NotADigit;
    fn from_str(text: &str) -> Result<Self, NotADigit> {
        Digit::all()
            .find(|digit| text.len() == 1 && text.starts_with(digit.sign()))
            .ok_or_else(|| NotADigit(crate::fault::shorten(text)))
    }
}

impl TryFrom<String> for Digit {
    type Error = NotADigit;
    fn try_from(text: String) -> Result<Self, NotADigit> {
        text.parse()
    }
}

impl From<Digit> for String {
    fn from(digit: Digit) -> String {
        digit.sign().into()
    }
}

impl fmt::Display for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.sign(), f)
    }
}

impl fmt::Debug for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.sign(), f)
    }
}

/// A key as logs and timelines show it: masked when it belongs to a secret, such as a card number or a PIN.
///
/// Written as the key's sign or as `masked`, which no key is called (`*` is a key).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ShownDigit {
    /// This key.
    Shown(Digit),
    /// Some key.
    Masked,
}

const MASKED: &str = "masked";

impl ShownDigit {
    /// The key, unless it is `secret`.
    pub fn new(digit: Digit, secret: bool) -> Self {
        if secret { Self::Masked } else { Self::Shown(digit) }
    }
}

impl TryFrom<String> for ShownDigit {
    type Error = NotADigit;
    fn try_from(text: String) -> Result<Self, NotADigit> {
        match text.as_str() {
            MASKED => Ok(Self::Masked),
            sign => sign.parse().map(Self::Shown),
        }
    }
}

impl From<ShownDigit> for String {
    fn from(digit: ShownDigit) -> String {
        digit.to_string()
    }
}

impl fmt::Display for ShownDigit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shown(digit) => fmt::Display::fmt(digit, f),
            Self::Masked => f.pad(MASKED),
        }
    }
}

/// A set of keys.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct KeySet(u16);

impl KeySet {
    /// No key.
    pub const NONE: KeySet = KeySet(0);
    /// Every key.
    pub const ALL: KeySet = KeySet(u16::MAX);

    /// Whether the key is in the set.
    pub fn contains(self, digit: Digit) -> bool {
        self.0 & (1 << digit.event_code()) != 0
    }

    /// Whether no key is in the set.
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// The keys, by event code.
    pub fn iter(self) -> impl Iterator<Item = Digit> {
        Digit::all().filter(move |digit| self.contains(*digit))
    }
}

impl FromIterator<Digit> for KeySet {
    fn from_iter<T: IntoIterator<Item = Digit>>(digits: T) -> Self {
        digits
            .into_iter()
            .fold(Self::NONE, |set, digit| KeySet(set.0 | (1 << digit.event_code())))
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_read_as_they_are_written() {
        for digit in Digit::all() {
            assert_eq!(digit.to_string().parse(), Ok(digit));
        }
        for wrong in ["", "12", "E", "a", "十"] {
            assert!(wrong.parse::<Digit>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_masked_key_is_no_key() {
        let digits = || Digit::all().map(ShownDigit::Shown).chain([ShownDigit::Masked]);
        let texts: Vec<String> = digits().map(String::from).collect();
        let read = texts
            .iter()
            .map(|text| ShownDigit::try_from(text.clone()).unwrap());
        assert!(read.eq(digits()));
        assert_eq!(texts.last().map(String::as_str), Some("masked"));
        assert_eq!(ShownDigit::new("7".parse().unwrap(), true), ShownDigit::Masked);
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let set: KeySet = ["1", "#"]
            .iter()
            .map(|key| key.parse::<Digit>().unwrap())
            .collect();
        assert_eq!(set.iter().map(Digit::sign).collect::<String>(), "1#");
        assert_eq!(KeySet::ALL.iter().count(), 16);
    }
}
