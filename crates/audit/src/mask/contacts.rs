//! E-mail addresses and telephone numbers in what people write.

use std::borrow::Cow;

/// Fewest and most digits of a telephone number (ITU-T E.164 has 15 at the most).
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// So many digits without anything between them are a number of something else, unless they begin like a telephone number.
const KEPT_DIGITS: usize = 2;

/// The text with e-mail addresses and telephone numbers masked; borrowed when there are none. Takes linear time.
///
/// Of an address, what is before the `@` goes; of a number, all digits but the last two. A telephone number has 7 to 15 digits, and
/// begins with `+`, `0` or `(`, or has blanks or dashes between its digits. Masked characters become `*` byte by byte, so the
/// text keeps its length; masking again changes nothing.
///
/// ```
/// use audit::mask;
///
/// let text = "write to ada.l@example.com or call +49 151 2345678 about AB-12345";
/// assert_eq!(mask::contacts(text), "write to *****@example.com or call +** *** *****78 about AB-12345");
/// ```
pub fn contacts(text: &str) -> Cow<'_, str> {
    let mut hidden = text.as_bytes().to_vec();
    hide_addresses(text.as_bytes(), &mut hidden);
    hide_numbers(text.as_bytes(), &mut hidden);
    match String::from_utf8(hidden) {
        Ok(masked) if masked != text => Cow::Owned(masked),
        _ => Cow::Borrowed(text),
    }
}

/// Only bytes of ASCII are hidden, so what comes out is UTF-8.
fn hide_addresses(text: &[u8], hidden: &mut [u8]) {
    let mut from = 0;
    for (at, _) in text.iter().enumerate().filter(|(_, byte)| **byte == b'@') {
        let is_host = text[at + 1..].first().is_some_and(u8::is_ascii_alphanumeric);
        let is_local = |byte: &u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+-/=?^_`{|}~".contains(byte);
        // What was looked at before is not looked at again.
        let length = text[from..at]
            .iter()
            .rev()
            .take_while(|byte| is_local(byte))
            .count();
        if is_host && length > 0 {
            hidden[at - length..at].fill(b'*');
        }
        from = at + 1;
    }
}

fn hide_numbers(text: &[u8], hidden: &mut [u8]) {
    let mut at = 0;
    while at < text.len() {
        let run = number_from(&text[at..]);
        if run == 0 {
            at += 1;
            continue;
        }
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        let is_apart = !before.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
            && !text.get(at + run).is_some_and(u8::is_ascii_alphabetic);
        if is_apart && is_telephone(&text[at..at + run]) {
            hide_digits(&mut hidden[at..at + run]);
        }
        at += run;
    }
}

/// How long the digits are that begin here, with what may stand between them.
fn number_from(text: &[u8]) -> usize {
    if !text
        .first()
        .is_some_and(|first| first.is_ascii_digit() || matches!(first, b'+' | b'('))
    {
        return 0;
    }
    let mut last_digit = 0;
    let mut gap = 0;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => (last_digit, gap) = (at + 1, 0),
            b' ' | b'-' | b'(' | b')' | b'.' | b'/' => gap += 1,
            b'+' if at == 0 => {}
            _ => break,
        }
        // `) ` and ` (` are as far as digits of one number are apart.
        if gap > 2 {
            break;
        }
    }
    last_digit
}

fn is_telephone(run: &[u8]) -> bool {
    let digits = run.iter().filter(|byte| byte.is_ascii_digit()).count();
    let begins_so = matches!(run.first(), Some(b'+' | b'0' | b'('));
    let is_parted = run.iter().any(|byte| matches!(byte, b' ' | b'-' | b'/'));
    DIGITS.contains(&digits) && (begins_so || is_parted)
}

fn hide_digits(run: &mut [u8]) {
    let digits = run.iter_mut().rev().filter(|byte| byte.is_ascii_digit());
    digits.skip(KEPT_DIGITS).for_each(|byte| *byte = b'*');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_lose_their_local_part() {
        for (text, masked) in [
            ("ada@example.com", "***@example.com"),
            (
                "<ada+x@example.com>, bob_1@x.org",
                "<*****@example.com>, *****@x.org",
            ),
            ("müller@example.com", "mü****@example.com"),
            ("a@", "a@"),
            ("@home", "@home"),
            ("meet @ 9", "meet @ 9"),
            ("a@b@c", "*@*@c"),
        ] {
            assert_eq!(contacts(text), masked);
        }
    }

    #[test]
    fn numbers_lose_their_digits_and_orders_do_not() {
        for (text, masked) in [
            ("+4915112345678", "+***********78"),
            ("(555) 123-4567", "(***) ***-**67"),
            ("call 0151 2345678!", "call **** *****78!"),
            ("555-123-4567", "***-***-**67"),
            ("order 100200300", "order 100200300"),
            ("AB-12345", "AB-12345"),
            ("in 3 days, 12 of 20", "in 3 days, 12 of 20"),
            ("x0151234567", "x0151234567"),
            ("1234567890123456", "1234567890123456"),
        ] {
            assert_eq!(contacts(text), masked);
        }
        assert!(matches!(contacts("nothing here"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn a_text_keeps_its_length_and_masking_again_changes_nothing(text in "[a-z0-9@+() .é🦀-]{0,40}") {
            let once = contacts(&text).into_owned();
            prop_assert_eq!(once.len(), text.len());
            prop_assert_eq!(contacts(&once), once.as_str());
        }
    }

    #[test]
    fn long_texts_take_linear_time() {
        for text in [
            "a".repeat(200_000) + "@",
            "@".repeat(200_000),
            "1 ".repeat(100_000),
            "+".repeat(200_000),
            "( ".repeat(100_000),
        ] {
            assert_eq!(contacts(&text).len(), text.len());
        }
    }
}
