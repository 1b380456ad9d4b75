//! Card numbers in text.

use super::{Cover, group_end, is_word, next_group};

/// How many digits a card number has.
const SHORTEST: usize = 13;
const LONGEST: usize = 19;

/// What stays readable of a card number.
const FIRST: usize = 6;
const LAST: usize = 4;

/// A digit of a run. Card numbers begin and end where groups of digits do.
struct Digit {
    at: usize,
    value: u8,
    begins: bool,
    ends: bool,
    hidden: bool,
}

pub(super) fn hide(cover: &mut Cover<'_>) {
    let mut from = 0;
    while let Some((run, end)) = next_run(cover.bytes(), from) {
        from = end;
        for digit in run.iter().filter(|digit| digit.hidden) {
            cover.hide(digit.at..digit.at + 1);
        }
    }
}

/// The masked card numbers `text` has, if it is nothing but a card number: for numbers that are no text.
pub(super) fn only(number: &str) -> Option<String> {
    let mut cover = Cover {
        text: number,
        hidden: None,
    };
    hide(&mut cover);
    cover.hidden.is_some().then(|| cover.done().into_owned())
}

/// The next run of groups of digits that has card numbers, with their middle digits hidden, and where it ends.
fn next_run(text: &[u8], mut from: usize) -> Option<(Vec<Digit>, usize)> {
    loop {
        let start = from + text.get(from..)?.iter().position(u8::is_ascii_digit)?;
        let (end, digits) = measure(text, start);
        from = end;
        if digits >= SHORTEST {
            let mut run = digits_of(text, start, end, digits);
            hide_cards(&mut run);
            if run.iter().any(|digit| digit.hidden) {
                return Some((run, end));
            }
        }
    }
}

/// The end of the run that begins at `start`, and how many digits it has.
fn measure(text: &[u8], start: usize) -> (usize, usize) {
    let mut end = group_end(text, start);
    let mut digits = end - start;
    while let Some(next) = next_group(text, end) {
        end = group_end(text, next);
        digits += end - next;
    }
    (end, digits)
}

fn digits_of(text: &[u8], start: usize, end: usize, count: usize) -> Vec<Digit> {
    let before = start.checked_sub(1).and_then(|at| text.get(at));
    let begins = before.is_none_or(|byte| !is_word(*byte) && *byte != b'+');
    let ends = text.get(end).is_none_or(|byte| !is_word(*byte));
    let digit_at = |at: usize| text.get(at).filter(|byte| byte.is_ascii_digit());
    let mut run = Vec::with_capacity(count);
    for at in start..end {
        let Some(byte) = digit_at(at) else { continue };
        run.push(Digit {
            at,
            value: byte - b'0',
            begins: if at == start {
                begins
            } else {
                digit_at(at - 1).is_none()
            },
            ends: if at + 1 == end {
                ends
            } else {
                digit_at(at + 1).is_none()
            },
            hidden: false,
        });
    }
    run
}

/// Hides the middle digits of all card numbers of a run, also of those that overlap.
fn hide_cards(run: &mut [Digit]) {
    let mut found = Vec::new();
    for start in (0..run.len()).filter(|start| run[*start].begins) {
        found.extend(
            (SHORTEST..=LONGEST)
                .filter(|len| is_card(run, start, *len))
                .map(|len| (start, len)),
        );
    }
    for (start, len) in found {
        hide_middle(run, start, len);
    }
    hide_what_hiding_set_free(run);
}

/// A group that is cut by hidden digits begins or ends in a new place, and what is left may be a card number there:
/// it is hidden too, or masking again would find it.
fn hide_what_hiding_set_free(run: &mut [Digit]) {
    let mut edges: Vec<usize> = (1..run.len())
        .filter(|at| run[*at - 1].hidden != run[*at].hidden)
        .collect();
    while let Some(edge) = edges.pop() {
        let card = (SHORTEST..=LONGEST).find_map(|len| {
            let start = if run[edge - 1].hidden {
                edge
            } else {
                edge.checked_sub(len)?
            };
            (is_free(run, start, len) && is_card(run, start, len)).then_some((start, len))
        });
        if let Some((start, len)) = card {
            hide_middle(run, start, len);
            edges.extend([start + FIRST, start + len - LAST]);
        }
    }
}

/// Whether these digits are all visible, and begin and end where visible groups do.
fn is_free(run: &[Digit], start: usize, len: usize) -> bool {
    let Some(digits) = run.get(start..start + len) else {
        return false;
    };
    let hidden = |at: Option<usize>| at.and_then(|at| run.get(at)).is_some_and(|digit| digit.hidden);
    let begins = run[start].begins || hidden(start.checked_sub(1));
    let ends = run[start + len - 1].ends || hidden(Some(start + len));
    begins && ends && digits.iter().all(|digit| !digit.hidden)
}

fn hide_middle(run: &mut [Digit], start: usize, len: usize) {
    for digit in &mut run[start + FIRST..start + len - LAST] {
        digit.hidden = true;
    }
}

/// Whether so many digits are a card number. Where they may begin is the caller's to know.
fn is_card(run: &[Digit], start: usize, len: usize) -> bool {
    let Some(digits) = run.get(start..start + len) else {
        return false;
    };
    let prefix = digits
        .iter()
        .take(4)
        .fold(0, |prefix, digit| prefix * 10 + u32::from(digit.value));
    let hidden_after = run.get(start + len).is_some_and(|digit| digit.hidden);
    is_brand(prefix, len) && (digits[len - 1].ends || hidden_after) && checks(digits)
}

/// Whether a brand gives out numbers of this length with these first four digits.
fn is_brand(prefix: u32, len: usize) -> bool {
    match prefix {
        4000..=4999 => matches!(len, 13 | 16 | 19),                  // Visa
        2221..=2720 | 5100..=5599 => len == 16,                      // Mastercard
        3400..=3499 | 3700..=3799 => len == 15,                      // American Express
        3000..=3099 | 3600..=3699 | 3800..=3999 => len >= 14,        // Diners Club
        3500..=3599 | 6200..=6299 | 6011 | 6440..=6599 => len >= 16, // JCB, UnionPay, Discover
        _ => false,
    }
}

/// The check digit (ISO/IEC 7812-1, Luhn).
fn checks(digits: &[Digit]) -> bool {
    let sum: u32 = (digits.iter().rev().enumerate())
        .map(|(place, digit)| match u32::from(digit.value) {
            value if place % 2 == 0 => value,
            value if value > 4 => value * 2 - 9,
            value => value * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}
