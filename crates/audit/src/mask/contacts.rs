//! E-mail addresses and telephone numbers in text.

use super::{Cover, is_word};
use std::ops::Range;

/// How many digits a telephone number has: with a `+` (E.164), and without.
const INTERNATIONAL: Range<usize> = 8..16;
const NATIONAL: Range<usize> = 9..14;
/// How many of them stay readable, at the end.
const LAST: usize = 2;

pub(super) fn hide(cover: &mut Cover<'_>) {
    let mut parts = Vec::new();
    find_mail(cover.bytes(), &mut parts);
    find_phones(cover.bytes(), &mut parts);
    for part in parts {
        cover.hide(part);
    }
}

/// Whether there can be anything to hide.
pub(super) fn worth_a_look(text: &[u8]) -> bool {
    text.contains(&b'@') || text.iter().filter(|byte| byte.is_ascii_digit()).count() >= INTERNATIONAL.start
}

/// Of an address, all before the @ is hidden but its first character.
fn find_mail(text: &[u8], parts: &mut Vec<Range<usize>>) {
    let signs = (0..text.len()).filter(|at| text.get(*at) == Some(&b'@'));
    for at in signs {
        let before = text.get(..at).unwrap_or_default();
        let name = before.iter().rev().take_while(|byte| is_of_name(**byte)).count();
        if name > 0 && has_domain(text.get(at + 1..).unwrap_or_default()) {
            let from = at - name;
            parts.push(after_character(text, from).min(at)..at);
        }
    }
}

/// The characters of RFC 5322's atoms, and all beyond ASCII (RFC 6531).
fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".!#$%&'*+-/=?^_`{|}~".contains(&byte) || byte >= 0x80
}

/// A domain: words with dots between them, or at least a word.
fn has_domain(text: &[u8]) -> bool {
    text.first()
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80)
}

/// Where the character ends that begins there.
fn after_character(text: &[u8], from: usize) -> usize {
    let rest = text.get(from + 1..).unwrap_or_default();
    from + 1
        + rest
            .iter()
            .take_while(|byte| (0x80..0xc0).contains(*byte))
            .count()
}

fn find_phones(text: &[u8], parts: &mut Vec<Range<usize>>) {
    let mut from = 0;
    while let Some(run) = next_run(text, from) {
        from = run.end;
        if is_phone(text, &run) {
            let digits: Vec<usize> = run
                .clone()
                .filter(|at| text.get(*at).is_some_and(u8::is_ascii_digit))
                .collect();
            let hidden = digits.len().saturating_sub(LAST);
            parts.extend(digits.iter().take(hidden).map(|at| *at..*at + 1));
        }
    }
}

/// The next run of digits, with what may stand between those of a telephone number.
fn next_run(text: &[u8], from: usize) -> Option<Range<usize>> {
    let first = from + text.get(from..)?.iter().position(u8::is_ascii_digit)?;
    let mut end = first;
    let mut between = 0;
    for (at, byte) in text.iter().enumerate().skip(first) {
        match byte {
            b'0'..=b'9' => {
                (end, between) = (at + 1, 0);
            }
            // ") " and " (" are two.
            b' ' | b'-' | b'.' | b'/' | b'(' | b')' if between < 2 => between += 1,
            _ => break,
        }
    }
    Some(first..end)
}

fn is_phone(text: &[u8], run: &Range<usize>) -> bool {
    let byte = |at: usize| text.get(at).copied();
    let before = run.start.checked_sub(1).and_then(byte);
    if byte(run.end).is_some_and(is_word) || before.is_some_and(is_word) {
        return false;
    }
    let shown = text.get(run.clone()).unwrap_or_default();
    let digits = shown.iter().filter(|byte| byte.is_ascii_digit()).count();
    if before == Some(b'+') {
        return INTERNATIONAL.contains(&digits);
    }
    // Bare numbers are orders and accounts, unless they begin as one dials.
    let is_dialled = shown.starts_with(b"0") || before == Some(b'(');
    let is_grouped = shown.iter().any(|byte| matches!(byte, b' ' | b'-' | b')' | b'/'));
    NATIONAL.contains(&digits) && (is_dialled || is_grouped) && !is_date(shown)
}

/// `2026-11-21`, and what may follow it.
fn is_date(shown: &[u8]) -> bool {
    let sign = |at: usize| shown.get(at).copied();
    let is_apart = |byte: Option<u8>| matches!(byte, Some(b'-' | b'.' | b'/'));
    let year_first = is_apart(sign(4)) && sign(7) == sign(4);
    let year_last = is_apart(sign(2)) && sign(5) == sign(2) && !matches!(sign(8), Some(b'-' | b'.' | b'/'));
    year_first || year_last
}
