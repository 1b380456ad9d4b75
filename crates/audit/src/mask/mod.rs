//! Masks card numbers and codes, so that they come into no log, no body and no audit entry.
//!
//! - **Card numbers** keep their first 6 and last 4 digits (PCI DSS 4.0.1, 3.4.1). A card number is what has the prefix and
//!   the length of a brand and a right check digit; single spaces and dashes may stand between its digits. It is none when
//!   it is part of a longer word or number, or follows a `+` (a telephone number).
//! - **Codes**, 3 to 8 digits within a few characters of a word such as `cvv`, `pin` or `code`, are masked as a whole.
//! - **Passwords**, what follows `password:`, `token=` and the like, too.
//!
//! Masked digits become `*` one by one, so a text keeps its length in bytes; masking again changes nothing. Numbers that
//! are written as words, or in digits other than 0 to 9, are not found.
//!
//! ```
//! use audit::mask;
//!
//! assert_eq!(mask::text("card 4111 1111 1111 1111, cvv 123"), "card 4111 11** **** 1111, cvv ***");
//! assert_eq!(mask::text("call +4915112345678 about order 4711"), "call +4915112345678 about order 4711");
//!
//! let mut body = serde_json::json!({"fieldName": "pan", "value": 4111111111111111_u64, "pin": 1234});
//! mask::json(&mut body);
//! assert_eq!(body, serde_json::json!({"fieldName": "pan", "value": "411111******1111", "pin": "***"}));
//! ```

mod cards;
mod codes;
mod contacts;
mod json;
mod names;

pub use json::{json, member, personal_json};

use std::{borrow::Cow, ops::Range};

/// The text with card numbers, codes and passwords masked; borrowed when there are none. Takes linear time.
pub fn text(text: &str) -> Cow<'_, str> {
    if !worth_a_look(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut cover = Cover { text, hidden: None };
    cards::hide(&mut cover);
    codes::hide(&mut cover);
    cover.done()
}

/// The same, with e-mail addresses and telephone numbers masked too: for what leaves for another system.
///
/// Of an address, the first character and what follows the `@` stay; of a telephone number, the last two digits. A number is taken for a
/// telephone's when it follows a `+`, begins with a 0, or is written in groups; a bare one is an order or an account.
///
/// ```
/// use audit::mask;
///
/// assert_eq!(mask::personal("ann.lee@example.com or +49 151 12345678"), "a******@example.com or +** *** ******78");
/// assert_eq!(mask::personal("order 4711002233 of 2026-11-21 09:30"), "order 4711002233 of 2026-11-21 09:30");
/// ```
pub fn personal(text: &str) -> Cow<'_, str> {
    let (bytes, may_be_contact) = (text.as_bytes(), contacts::worth_a_look(text.as_bytes()));
    if !may_be_contact && !worth_a_look(bytes) {
        return Cow::Borrowed(text);
    }
    let mut cover = Cover { text, hidden: None };
    cards::hide(&mut cover);
    codes::hide(&mut cover);
    if may_be_contact {
        contacts::hide(&mut cover);
    }
    cover.done()
}

/// Whether there can be anything to mask: every card number and code has digits, every password a `:` or `=` before it.
fn worth_a_look(text: &[u8]) -> bool {
    let telling = |byte: &u8| byte.is_ascii_digit() | (*byte == b':') | (*byte == b'=');
    // Without a way out within a chunk, the compiler looks at many bytes at once.
    (text.chunks(64)).any(|chunk| chunk.iter().fold(false, |found, byte| found | telling(byte)))
}

/// A text, and the copy in which parts of it are hidden.
struct Cover<'a> {
    text: &'a str,
    hidden: Option<Vec<u8>>,
}

impl<'a> Cover<'a> {
    /// The text as it is hidden by now.
    fn bytes(&self) -> &[u8] {
        self.hidden.as_deref().unwrap_or(self.text.as_bytes())
    }

    /// Hides bytes that are whole characters.
    fn hide(&mut self, part: Range<usize>) {
        let hidden = self.hidden.get_or_insert_with(|| self.text.as_bytes().to_vec());
        if let Some(part) = hidden.get_mut(part) {
            part.fill(b'*');
        }
    }

    fn done(self) -> Cow<'a, str> {
        match self.hidden {
            None => Cow::Borrowed(self.text),
            // Whole characters were replaced, so nothing is ever lost here.
            Some(bytes) => Cow::Owned(
                String::from_utf8(bytes)
                    .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
            ),
        }
    }
}

/// A group of digits may be parted from the next one by a single one of these.
fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'-')
}

/// What makes a number next to it a part of a word. Letters beyond ASCII do not: no identifier has them, and some
/// languages put no space between a word and a number.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Where the next group of digits begins, if the one that ends at `end` is followed by one.
fn next_group(text: &[u8], end: usize) -> Option<usize> {
    let separated = text.get(end).is_some_and(|byte| is_separator(*byte));
    (separated && text.get(end + 1).is_some_and(u8::is_ascii_digit)).then_some(end + 1)
}

/// The end of the group of digits that begins at `start`.
fn group_end(text: &[u8], start: usize) -> usize {
    let digits = text.get(start..).unwrap_or_default();
    start + digits.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

#[cfg(test)]
mod tests;
