//! Codes and passwords in text, known by the word before them.

use super::{
    Cover, group_end, is_separator, is_word,
    names::{Kind, kind, makes_code_harmless},
    next_group,
};
use std::ops::Range;

/// How far a code may be from the word that tells of it, in bytes: "your code for the portal is 123456".
const REACH: usize = 24;

/// How many digits a code has.
const CODE: Range<usize> = 3..9;

/// So many stars in a row are something that was masked before.
const MASKED: usize = 3;

pub(super) fn hide(cover: &mut Cover<'_>) {
    let mut parts = Vec::new();
    find(cover.bytes(), &mut parts);
    for part in parts {
        cover.hide(part);
    }
}

/// Finds what is to be hidden, word by word.
fn find(text: &[u8], parts: &mut Vec<Range<usize>>) {
    let mut from = 0;
    let mut before: Range<usize> = 0..0;
    while let Some(word) = next_word(text, from) {
        from = word.end;
        let kind = text
            .get(word.clone())
            .and_then(|word| kind(str::from_utf8(word).ok()?));
        let harmless =
            || word.start == before.end + 1 && text.get(before.clone()).is_some_and(makes_code_harmless);
        match kind {
            Some(Kind::Vague) if harmless() => {}
            Some(kind) => from = find_after(text, &word, kind, parts),
            None => {}
        }
        before = word;
    }
}

/// The next word that begins with a letter.
fn next_word(text: &[u8], mut from: usize) -> Option<Range<usize>> {
    loop {
        let start = from + text.get(from..)?.iter().position(|byte| is_word(*byte))?;
        let word = text.get(start..)?;
        let end = start + word.iter().take_while(|byte| is_word(**byte)).count();
        if word.first().is_some_and(|byte| !byte.is_ascii_digit()) {
            return Some(start..end);
        }
        from = end;
    }
}

/// Finds what follows a telling word; gives where the search goes on.
fn find_after(text: &[u8], word: &Range<usize>, kind: Kind, parts: &mut Vec<Range<usize>>) -> usize {
    if kind != Kind::Secret {
        parts.extend(own_digits(text, word));
        find_code(text, word.end, parts);
    }
    if matches!(kind, Kind::Password | Kind::Secret)
        && let Some(value) = assigned(text, word.end)
    {
        parts.push(value.clone());
        return value.end;
    }
    word.end
}

/// The digits at the end of the word itself: `pin1234`.
fn own_digits(text: &[u8], word: &Range<usize>) -> Option<Range<usize>> {
    let letters = text.get(word.clone())?;
    let digits = letters
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    CODE.contains(&digits).then_some(word.end - digits..word.end)
}

/// Finds the code within reach of a word that ends at `end`.
fn find_code(text: &[u8], end: usize, parts: &mut Vec<Range<usize>>) {
    let mut at = end;
    let mut stars = 0;
    while let Some(byte) = text.get(at).filter(|_| at <= end + REACH) {
        if byte.is_ascii_digit() {
            let (groups, digits) = code_groups(text, at);
            if digits >= CODE.start {
                parts.extend(groups);
                return;
            }
            // A short number on the way: "pin (4 digits): 1234".
            stars = 0;
            at = groups
                .last()
                .map_or_else(|| group_end(text, at), |group| group.end);
            continue;
        }
        stars = match byte {
            b'*' => stars + 1,
            byte if is_separator(*byte) && at > 0 && text.get(at - 1) == Some(&b'*') => stars,
            _ => 0,
        };
        if stars >= MASKED {
            return;
        }
        at += 1;
    }
}

/// The groups of digits that begin at `start` and together may be a code, and how many digits they have.
fn code_groups(text: &[u8], start: usize) -> (Vec<Range<usize>>, usize) {
    let mut groups = Vec::new();
    let mut digits = 0;
    let mut next = Some(start).filter(|start| !touches_word(text, start.checked_sub(1)));
    while let Some(start) = next {
        let end = group_end(text, start);
        if touches_word(text, Some(end)) || digits + end - start >= CODE.end {
            break;
        }
        digits += end - start;
        groups.push(start..end);
        next = next_group(text, end);
    }
    match groups.last() {
        Some(last) if is_masked_middle(text, last.end) => (Vec::new(), 0),
        _ => (groups, digits),
    }
}

fn touches_word(text: &[u8], at: Option<usize>) -> bool {
    at.and_then(|at| text.get(at)).is_some_and(|byte| is_word(*byte))
}

/// Whether the hidden middle of a card number begins here: what is before it is no code, but stays readable.
fn is_masked_middle(text: &[u8], start: usize) -> bool {
    let mut stars = 0;
    let mut parted = true;
    for byte in text.get(start..).unwrap_or_default() {
        match byte {
            b'*' => (stars, parted) = (stars + 1, false),
            byte if is_separator(*byte) && !parted => parted = true,
            byte => return stars >= MASKED && byte.is_ascii_digit(),
        }
    }
    false
}

/// What is assigned to the name that ends at `end`: `: value`, `="value"`, `\": \"value\"`, `: Bearer value`.
fn assigned(text: &[u8], end: usize) -> Option<Range<usize>> {
    let sign = skip(text, end, |byte| matches!(byte, b' ' | b'"' | b'\'' | b'\\'));
    text.get(sign).filter(|byte| matches!(byte, b':' | b'='))?;
    let opening = skip(text, sign + 1, |byte| matches!(byte, b' ' | b'\t' | b'\\'));
    let value = match text.get(opening)? {
        quote @ (b'"' | b'\'') => quoted(text, opening, *quote),
        _ => bare(text, opening),
    };
    (!value.is_empty()).then_some(value)
}

/// How far something may be passed over: no more than a few characters stand around an assignment.
const MOST_SKIPPED: usize = 16;

fn skip(text: &[u8], from: usize, what: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest
        .iter()
        .take(MOST_SKIPPED)
        .take_while(|byte| what(**byte))
        .count()
}

/// Up to the quote that closes what is quoted: an escaped one when the first one is, an unescaped one otherwise.
fn quoted(text: &[u8], opening: usize, quote: u8) -> Range<usize> {
    let escaped = |at: usize| at > 0 && text.get(at - 1) == Some(&b'\\');
    let start = without_scheme(text, opening + 1);
    let closes = |at: &usize| text.get(*at) == Some(&quote) && escaped(*at) == escaped(opening);
    let end = (start..text.len()).find(closes).unwrap_or(text.len());
    let end = if escaped(opening) && end < text.len() {
        end - 1
    } else {
        end
    };
    start..end.max(start)
}

/// Up to a space, a quote, or the `&` of a query.
fn bare(text: &[u8], opening: usize) -> Range<usize> {
    let start = without_scheme(text, opening);
    let rest = text.get(start..).unwrap_or_default();
    let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'&' | b'"' | b'\'');
    start..rest.iter().position(ends).map_or(text.len(), |len| start + len)
}

/// Where the secret begins: after the scheme of an `Authorization` header, if there is one.
fn without_scheme(text: &[u8], start: usize) -> usize {
    const SCHEMES: [&[u8]; 3] = [b"bearer ", b"basic ", b"digest "];
    let rest = text.get(start..).unwrap_or_default();
    let has = |scheme: &&&[u8]| {
        rest.get(..scheme.len())
            .is_some_and(|word| word.eq_ignore_ascii_case(scheme))
    };
    start + SCHEMES.iter().find(has).map_or(0, |scheme| scheme.len())
}
